//! The last line of a hover over a field: its page, the rules that read it, its term, where the knowledge comes from.

use tracelog::{Family, Field, GoReleases};

use crate::markup::Markup;
use crate::pages;
use crate::rules::{RULES, Rule};

/// Rules that are named; more of them are a number, for a hover fits on a screen, and the page of the field has them all.
const MAX_RULES: usize = 3;
/// Terms that are named: a hover fits on a screen, and the page of the field has them all.
const MAX_TERMS: usize = 1;

/// Writes it, with the sources of these releases only.
pub(super) fn write(markup: &mut Markup, field: Field, go: GoReleases) {
    let name = format!("{}.{}", field.family.def().id, field.def().id);
    let mut words = vec![(name.clone(), Some(name))];
    let mut list = |label: &str, links: Vec<(String, String)>| {
        for (index, (text, page)) in links.into_iter().enumerate() {
            words.push((if index == 0 { format!(" · {label}") } else { ", ".to_owned() }, None));
            words.push((text, Some(page)));
        }
    };
    let rules: Vec<&Rule> = RULES.iter().copied().filter(|rule| rule.reads.contains(&field)).collect();
    // Names of several would take a line more.
    let called = |rule: &&Rule| match rules.len() {
        1 => format!("{} {}", rule.code, rule.slug),
        _ => rule.code.to_owned(),
    };
    if rules.len() <= MAX_RULES {
        list("read by ", rules.iter().map(|rule| (called(rule), rule.code.to_owned())).collect());
    } else {
        let name = format!("{}.{}", field.family.def().id, field.def().id);
        list("read by ", vec![(format!("{} rules", rules.len()), name)]);
    }
    let terms = pages::terms_of(field).into_iter().take(MAX_TERMS);
    list("see ", terms.map(|term| (term.title().to_owned(), term.name())).collect());
    words.push((format!(" · {}", sources(field, go)), None));
    markup.linked(&words);
}

/// The last line of a hover over a whole line: the page of its family.
pub(super) fn write_family(markup: &mut Markup, family: Family) {
    let name = family.def().id;
    let page = (name.to_owned(), Some(name.to_owned()));
    markup.linked(&[page, (": every field and layout, by release".to_owned(), None)]);
}

/// Where the knowledge about a field comes from.
fn sources(field: Field, go: GoReleases) -> String {
    let all = field.def().sources;
    let mut sources: Vec<&(GoReleases, &str)> =
        all.iter().filter(|(releases, _)| !releases.intersection(go).is_empty()).collect();
    if sources.is_empty() {
        sources = all.iter().collect();
    }
    let is_of_one = sources.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let source = |(releases, source): &&(GoReleases, &str)| {
        if is_of_one { (*source).to_owned() } else { format!("{source} ({releases})") }
    };
    sources.iter().map(source).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use tracelog::catalog::{gc, sched};

    use super::*;
    use crate::Links;

    #[test]
    fn a_field_leads_to_its_page_its_rules_and_its_term() {
        let footer = |field, links: &Links| {
            let mut markup = Markup::default();
            write(&mut markup, field, GoReleases::range(24, 24));
            links.resolve(&markup.finish())
        };
        expect!["gc.stacks_mb · read by GC104, GC106 · see Stacks · runtime/mgcpacer.go stackScan, maxStackScan, lastStackScan"].assert_eq(&footer(gc::STACKS_MB, &Links::None));
        expect!["gc.n · read by 6 rules · see GC cycle · runtime/mgc.go gcMarkTermination (memstats.numgc)"]
            .assert_eq(&footer(gc::N, &Links::None));
        expect!["[sched.idlethreads](gotracelens://page/sched.idlethreads) · read by [SC106 threads-blocked](gotracelens://page/SC106) · see [M](gotracelens://page/term%3Am) · runtime/proc.go schedtrace (nmidle)"].assert_eq(&footer(sched::IDLETHREADS, &Links::Scheme));
    }
}
