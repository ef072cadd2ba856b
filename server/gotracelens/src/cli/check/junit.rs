//! Findings as JUnit XML: a test suite for each file, a test case for each rule that could judge it.
//!
//! A rule fails by the level that makes the command fail, so that both agree. One that lacks data is skipped and says
//! which; one without a line that it reads is left out.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ide::evidence::{self, Overall};
use ide::rules::{RULES, Rule, Severity};
use ide::{Diagnostic, budget};
use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};

use super::{Checked, Report};
use crate::cli::Exit;
use crate::cli::findings::name;
use crate::cli::input::InputError;
use crate::cli::visible::visible;

/// One document, written when all files are read.
pub(super) struct JUnit<W> {
    out: W,
    suites: Suites,
    fail_on: Option<Severity>,
}

impl<W: Write> JUnit<W> {
    pub(super) fn new(out: W, fail_on: Option<Severity>) -> Self {
        Self { out, suites: Suites::new("gotracelens"), fail_on }
    }
}

impl<W: Write> Report for JUnit<W> {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        let document = &checked.asked.document;
        let mut suite = TestSuite::new(text(&document.name));
        for rule in RULES {
            if let Some(case) = self.case(checked, rule) {
                suite.add_test_case(case);
            }
        }
        for case in of_budget(checked) {
            suite.add_test_case(case);
        }
        for error in &document.cut {
            suite.add_test_case(unread(error));
        }
        self.suites.add_test_suite(suite);
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        let mut suite = TestSuite::new(text(error.name()));
        suite.add_test_case(unread(error));
        self.suites.add_test_suite(suite);
        Ok(())
    }

    fn finish(&mut self, _: Exit) -> io::Result<()> {
        self.suites.serialize(&mut self.out).map_err(io::Error::other)?;
        self.out.flush()
    }
}

impl<W> JUnit<W> {
    /// What a rule says about a file; nothing where it is off or has nothing to read.
    fn case(&self, checked: &Checked<'_>, rule: &'static Rule) -> Option<TestCase> {
        let found: Vec<&Diagnostic> = checked.all.iter().filter(|found| found.code == rule.code).collect();
        let fails = |found: &&Diagnostic| self.fail_on.is_some_and(|level| found.severity >= level);
        let lines =
            |found: &[&Diagnostic]| found.iter().map(|found| line(checked, found)).collect::<Vec<_>>().join("\n");
        let status = match found.iter().copied().filter(fails).max_by_key(|found| found.severity) {
            Some(worst) => {
                let failed: Vec<&Diagnostic> = found.iter().copied().filter(fails).collect();
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_type(name(worst.severity));
                status.set_message(text(&worst.message));
                status.set_description(lines(&failed));
                status
            }
            None if !found.is_empty() => TestCaseStatus::success(),
            None => silent(checked, rule)?,
        };
        let mut case = TestCase::new(format!("{} {}", rule.code, rule.slug), status);
        case.set_classname(text(&checked.asked.document.name));
        let shown: Vec<&Diagnostic> = checked.shown().filter(|found| found.code == rule.code).collect();
        if !shown.is_empty() && !found.iter().any(fails) {
            case.set_system_out(lines(&shown));
        }
        Some(case)
    }
}

/// A rule that found nothing; nothing where it had nothing to read.
fn silent(checked: &Checked<'_>, rule: &'static Rule) -> Option<TestCaseStatus> {
    match evidence::overall(checked.asked.snapshot.parsed.as_deref()?, rule) {
        Overall::Judged => Some(TestCaseStatus::success()),
        Overall::TooShort(missing) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("too short to judge: {missing}"));
            Some(status)
        }
        Overall::NotRead => None,
    }
}

/// A test case for each limit of the budget.
fn of_budget(checked: &Checked<'_>) -> Vec<TestCase> {
    let mut by_target: BTreeMap<&str, Vec<&budget::Judged>> = BTreeMap::new();
    for judged in &checked.judged {
        by_target.entry(&judged.target.written).or_default().push(judged);
    }
    let case = |(written, judged): (&str, Vec<&budget::Judged>)| {
        let words =
            |list: &[&budget::Judged]| list.iter().map(|one| text(&one.in_words())).collect::<Vec<_>>().join("\n");
        let failed: Vec<&budget::Judged> = judged.iter().copied().filter(|one| checked.violates(one)).collect();
        let status = if let Some(first) = failed.first() {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(budget::CODE);
            status.set_message(text(&first.in_words()));
            status.set_description(words(&failed));
            status
        } else if let Some(unknown) = judged.iter().find(|one| one.is_unknown()) {
            let mut status = TestCaseStatus::skipped();
            status.set_message(text(&unknown.in_words()));
            status
        } else {
            TestCaseStatus::success()
        };
        let mut case = TestCase::new(format!("budget {}", text(written)), status);
        case.set_classname(text(&checked.asked.document.name));
        if failed.is_empty() && !judged.iter().any(|one| one.is_unknown()) {
            case.set_system_out(words(&judged));
        }
        case
    };
    by_target.into_iter().map(case).collect()
}

/// A file that could not be read, or not to its end.
fn unread(error: &InputError) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(text(&error.to_string()));
    let mut case = TestCase::new("read the file", status);
    case.set_classname(text(error.name()));
    case
}

/// `app.log:12: warning: message`.
fn line(checked: &Checked<'_>, found: &Diagnostic) -> String {
    let place = checked.asked.document.place(found.loc.line, found.loc.start);
    text(&format!("{}:{}: {}: {}", place.file, place.line + 1, name(found.severity), found.message))
}

/// Text of a log or the name of a file: what a reader could not see is spelled out. The writer escapes what is XML's own.
fn text(text: &str) -> String {
    visible(text).into_owned()
}
