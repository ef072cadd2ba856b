//! The median of a series so far, kept while values arrive.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A finite value with its order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Value(f64);

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Two heaps that meet in the middle: a value costs O(log n), the median nothing.
#[derive(Clone, Debug, Default)]
pub struct RunningMedian {
    /// The lower half, its greatest on top; as many as in the upper half or one more.
    lower: BinaryHeap<Value>,
    /// The upper half, its least on top.
    upper: BinaryHeap<Reverse<Value>>,
}

impl RunningMedian {
    /// Takes a value in; one that is not finite is left out.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.lower.push(Value(value));
        if let Some(greatest) = self.lower.pop() {
            self.upper.push(Reverse(greatest));
        }
        if self.upper.len() > self.lower.len()
            && let Some(Reverse(least)) = self.upper.pop()
        {
            self.lower.push(least);
        }
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.lower.len() + self.upper.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    /// The middle value; the midpoint of the two middle ones where the number is even.
    pub fn median(&self) -> Option<f64> {
        let lower = self.lower.peek()?.0;
        match self.upper.peek() {
            Some(Reverse(upper)) if self.upper.len() == self.lower.len() => Some(f64::midpoint(lower, upper.0)),
            _ => Some(lower),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::median;

    #[test]
    fn agrees_with_the_median_of_all_values_so_far() {
        let mut running = RunningMedian::default();
        assert_eq!((running.median(), running.is_empty()), (None, true));
        let mut seen = Vec::new();
        for idx in 0_u32..500 {
            let value = f64::from(idx.wrapping_mul(2_654_435_761) % 97);
            seen.push(value);
            running.push(value);
            assert_eq!((running.median(), running.len()), (median(&seen), seen.len()), "after {} values", seen.len());
        }
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let mut running = RunningMedian::default();
        [f64::NAN, 2.0, f64::INFINITY, 4.0].into_iter().for_each(|value| running.push(value));
        assert_eq!(running.median(), Some(3.0));
    }
}
