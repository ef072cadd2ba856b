//! ## What it looks for
//!
//! Trace lines that break off: the text of another writer, or of another thread, landed inside.
//!
//! ## Why it matters
//!
//! Go prints a trace line in some thirty pieces and takes no lock against the program's own writes to standard error.
//! What was read before the tear is right; the numbers behind it are missing unless the rest of the line was found and
//! joined. Nothing is wrong with the program.
//!
//! ## What to do next
//!
//! Nothing, for a few lines. For many: send application logs to standard output or to a file, or write each log line with
//! one call, so that tears fall between lines and the rest can be found.
//!
//! ## Limits
//!
//! A line that was torn before its first number cannot be told from other text and is not counted.
//!
//! ## Example
//!
//! ```text
//! gc 24 @0.446s 0%: 2019/04/06 14:28:27 force gc.
//! 0.005+107+0.007 ms clock, 0.010+0.015/0.050/107+0.014 ms cpu, 444->444->0 MB, 445 MB goal, 2 P (forced)
//! ```

use super::evidence::Test;
use super::point::MAX_FURTHER;
use super::{Check, Finding, Findings, Kind, Limits, LogView, Place, Related, Rule, Severity, Torn};

/// LG105.
pub(crate) static RULE: Rule = Rule {
    code: "LG105",
    slug: "torn-line",
    title: "Trace lines are broken by other output",
    severity: Severity::Hint,
    kind: Kind::Point,
    reads: &[],
    limits: &[],
    check: Check::Log(check),
};

fn check(log: &LogView, _limits: &Limits, findings: &mut Findings) {
    // A tear whose rest was not found has lost numbers: it is worse than any that was joined.
    let mut by_loss: Vec<&Torn> = log.torn.iter().collect();
    by_loss.sort_by_key(|torn| (torn.tail.is_some(), torn.line));
    let Some((worst, others)) = by_loss.split_first() else { return };

    let count = log.torn.len();
    let joined = log.torn.iter().filter(|torn| torn.tail.is_some()).count();
    let lines = if count == 1 { "1 line is".into() } else { format!("{count} lines are") };
    let put_together = match (count, joined) {
        (_, 0) => String::new(),
        (1, _) => ", and put together again".into(),
        (all, joined) if all == joined => ", all put together again".into(),
        (_, joined) => format!(", {joined} of them put together again"),
    };
    // The end of a text is a tear that nobody made.
    let cut = if joined == 0 { " or cut off" } else { "" };
    let here = match (worst.tail, worst.last_field) {
        (None, Some(field)) => format!("; this one was read up to '{}'", field.def().id),
        (None, None) => "; nothing of this one could be read".into(),
        (Some(_), _) => String::new(),
    };
    let related =
        worst.tail.map(|line| Related { place: Place { line, field: None }, text: "the rest is here".into() });
    let mut test = Test::default();
    test.data("lines that break off or are broken into", count as f64, 1.0, "");
    findings.push(Finding {
        severity: Severity::Hint,
        run: None,
        place: place(worst),
        message: format!("{lines} torn by other output{cut}{put_together}{here}."),
        related: related.into_iter().collect(),
        further: others.iter().take(MAX_FURTHER).map(|torn| place(torn)).collect(),
        count,
        numbers: vec![("torn_lines", count as f64), ("joined_lines", joined as f64)],
        test,
        ..Finding::about(&RULE)
    });
}

fn place(torn: &Torn) -> Place {
    Place { line: torn.line, field: None }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use tracelog::Family;
    use tracelog::catalog::gc;

    use super::*;
    use crate::rules::fixture::findings_with;

    fn torn(line: u32, tail: Option<u32>) -> Torn {
        Torn { line, tail, family: Family::Gc, last_field: Some(gc::GC_CPU_PCT) }
    }

    fn log(torn: Vec<Torn>) -> LogView {
        LogView { torn, ..LogView::default() }
    }

    #[test]
    fn shows_a_tear_whose_rest_is_lost_first() {
        expect![[r#"
            10 Hint LG105: 3 lines are torn by other output, 2 of them put together again; this one was read up to 'gc_cpu_pct'.
              further 5, 21
        "#]]
        .assert_eq(&findings_with(
            &RULE,
            &log(vec![torn(4, Some(5)), torn(9, None), torn(20, Some(22))]),
            &[],
        ));
    }

    #[test]
    fn points_to_the_rest_that_was_joined() {
        expect![[r#"
            1 Hint LG105: 1 line is torn by other output, and put together again.
              2 the rest is here
        "#]]
        .assert_eq(&findings_with(&RULE, &log(vec![torn(0, Some(1))]), &[]));
        expect![[r#"
            1 Hint LG105: 2 lines are torn by other output, all put together again.
              2 the rest is here
              further 4
        "#]]
        .assert_eq(&findings_with(&RULE, &log(vec![torn(0, Some(1)), torn(3, Some(4))]), &[]));
    }

    #[test]
    fn says_when_nothing_could_be_read() {
        let lost = Torn { last_field: None, ..torn(7, None) };
        expect![[r#"
            8 Hint LG105: 1 line is torn by other output or cut off; nothing of this one could be read.
        "#]]
        .assert_eq(&findings_with(&RULE, &log(vec![lost]), &[]));
    }

    #[test]
    fn silent_without_tears() {
        assert_eq!(findings_with(&RULE, &log(Vec::new()), &[]), "");
    }

    #[test]
    fn names_at_most_twenty_further_lines() {
        let text = findings_with(&RULE, &log((0..100).map(|line| torn(line, None)).collect()), &[]);
        assert!(text.starts_with("1 Hint LG105: 100 lines are torn"), "{text}");
        assert_eq!(text.matches(", ").count(), 19, "{text}");
    }
}
