//! Verdicts while a log grows line by line: one that is raised and withdrawn again has misled somebody.

/// Fewest cycles of which the rules on trends say anything.
const FEWEST: usize = 40;

/// How often a verdict that was given on one length of a series is not given on the next.
pub fn withdrawals(points: &[(f64, f64)], says: impl Fn(&[(f64, f64)]) -> bool) -> usize {
    let told: Vec<bool> = (FEWEST..=points.len()).map(|length| says(&points[..length])).collect();
    told.windows(2).filter(|pair| pair[0] && !pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_that_goes_is_withdrawn_and_one_that_stays_is_not() {
        let points = [(0.0, 0.0); 100];
        assert_eq!(withdrawals(&points, |prefix| prefix.len() > 50), 0);
        assert_eq!(withdrawals(&points, |prefix| (50..70).contains(&prefix.len())), 1);
        assert_eq!(withdrawals(&points, |prefix| prefix.len() % 2 == 0), 30, "40 to 100 by twos, of which 100 is last");
        assert_eq!(withdrawals(&points[..20], |_| true), 0);
    }
}
