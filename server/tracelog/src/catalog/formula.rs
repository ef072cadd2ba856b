//! Formulas of fields: what values of a log give together.
//!
//! Declared in the catalog beside the field, so that every surface fills in and shows the same one. Nothing here reads a
//! log: whoever asks gives the values.

use super::{Field, GoReleases};

/// A quantity that Go does not print but its lines determine.
#[derive(Debug)]
pub struct Formula {
    /// Releases for which it holds.
    pub go: GoReleases,
    /// What comes out, in words.
    pub name: &'static str,
    /// Unit of what comes out; a share is shown in percent when it is `%`.
    pub unit: &'static str,
    /// How it is computed.
    pub is: &'static Expr,
    /// It says something only where all of these hold.
    pub when: &'static [Comparison],
    /// Where the knowledge comes from.
    pub source: &'static str,
}

/// Which line a value of a formula stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// The line itself.
    This,
    /// The line of the same kind before it in the run.
    Before,
    /// The line of the same kind behind it in the run.
    Next,
    /// The nearest line of the same kind that prints the field: of the same block.
    Near,
    /// The last line of another kind at or before it.
    Last,
}

/// A term of a formula.
#[derive(Debug)]
pub enum Expr {
    /// A constant.
    Number(f64),
    /// A value.
    Value(Of, Field),
    /// The sum of a list.
    Sum(Of, Field),
    /// The largest value of a list.
    Max(Of, Field),
    /// A term that is shown as one number, with this unit.
    Named(&'static Expr, &'static str),
    /// `a + b`
    Add(&'static Expr, &'static Expr),
    /// `a - b`
    Sub(&'static Expr, &'static Expr),
    /// `a * b`
    Mul(&'static Expr, &'static Expr),
    /// `a / b`
    Div(&'static Expr, &'static Expr),
}

impl Expr {
    /// Its value, from the numbers that `value` gives; NaN where one is absent.
    pub fn evaluate(&self, values: &impl Values) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Value(of, field) => values.number(*of, *field).unwrap_or(f64::NAN),
            Self::Sum(of, field) => {
                let list = values.list(*of, *field);
                if list.is_empty() { f64::NAN } else { list.iter().sum::<i64>() as f64 }
            }
            Self::Max(of, field) => values.list(*of, *field).into_iter().max().map_or(f64::NAN, |max| max as f64),
            Self::Named(term, _) => term.evaluate(values),
            Self::Add(a, b) => a.evaluate(values) + b.evaluate(values),
            Self::Sub(a, b) => a.evaluate(values) - b.evaluate(values),
            Self::Mul(a, b) => a.evaluate(values) * b.evaluate(values),
            Self::Div(a, b) => a.evaluate(values) / b.evaluate(values),
        }
    }
}

/// Gives formulas their values.
pub trait Values {
    /// A number; None where it was not printed, or does not mean what its field says.
    fn number(&self, of: Of, field: Field) -> Option<f64>;
    /// A list; empty where it was not printed.
    fn list(&self, of: Of, field: Field) -> Vec<i64>;
}

/// What must hold for a formula to say something.
#[derive(Debug)]
pub struct Comparison {
    /// The left side.
    pub left: &'static Expr,
    /// How the sides compare.
    pub relation: Relation,
    /// The right side.
    pub right: &'static Expr,
}

/// How two terms compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Comparison {
    /// Whether it holds; never where a value is absent.
    pub fn holds(&self, values: &impl Values) -> bool {
        let (left, right) = (self.left.evaluate(values), self.right.evaluate(values));
        match self.relation {
            Relation::Less => left < right,
            Relation::AtMost => left <= right,
            Relation::More => left > right,
            Relation::AtLeast => left >= right,
            Relation::Equal => left == right,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{gc, sched};

    struct One;

    impl Values for One {
        fn number(&self, of: Of, field: Field) -> Option<f64> {
            (of == Of::This && field == gc::N).then_some(6.0)
        }

        fn list(&self, _: Of, field: Field) -> Vec<i64> {
            if field == sched::LOCAL_RUNQUEUES { vec![3, 1] } else { Vec::new() }
        }
    }

    #[test]
    fn what_is_absent_makes_the_result_absent() {
        const N: Expr = Expr::Value(Of::This, gc::N);
        const BEFORE: Expr = Expr::Value(Of::Before, gc::N);
        assert_eq!(Expr::Div(&N, &Expr::Number(4.0)).evaluate(&One), 1.5);
        assert!(Expr::Sub(&N, &BEFORE).evaluate(&One).is_nan());
        assert_eq!(Expr::Sum(Of::This, sched::LOCAL_RUNQUEUES).evaluate(&One), 4.0);
        assert_eq!(Expr::Max(Of::This, sched::LOCAL_RUNQUEUES).evaluate(&One), 3.0);
        assert!(Expr::Sum(Of::This, sched::SCHEDTICKS).evaluate(&One).is_nan());
        let holds = |left, relation| Comparison { left, relation, right: &Expr::Number(6.0) }.holds(&One);
        assert!(holds(&N, Relation::Equal) && holds(&N, Relation::AtLeast) && !holds(&N, Relation::More));
        assert!(!holds(&BEFORE, Relation::AtMost) && !holds(&BEFORE, Relation::More));
    }
}
