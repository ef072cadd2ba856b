//! The last line of a hover over a field: its page, the rules that read it, its terms, where the knowledge comes from.

use tracelog::{Family, Field, GoReleases};

use crate::markup::Markup;
use crate::pages;
use crate::rules::RULES;

/// Rules whose names are shown beside their codes; of more there is room for codes only.
const MAX_NAMED: usize = 3;

/// Terms that are named; the page of the field has them all.
const MAX_TERMS: usize = 3;

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
    let rules: Vec<_> = RULES.iter().filter(|rule| rule.reads.contains(&field)).collect();
    let is_short = rules.len() <= MAX_NAMED;
    let shown = |code, slug| if is_short { format!("{code} {slug}") } else { str::to_owned(code) };
    list("read by ", rules.iter().map(|rule| (shown(rule.code, rule.slug), rule.code.to_owned())).collect());
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
    fn a_field_leads_to_its_page_its_rules_and_its_terms() {
        let footer = |field, links: &Links| {
            let mut markup = Markup::default();
            write(&mut markup, field, GoReleases::range(24, 24));
            links.resolve(&markup.finish())
        };
        expect!["gc.stacks_mb · read by GC104 goroutine-stack-growth · see Stacks, Goroutine leak, Roots · runtime/mgcpacer.go stackScan, maxStackScan, lastStackScan"].assert_eq(&footer(gc::STACKS_MB, &Links::None));
        expect!["[sched.idlethreads](gotracelens://page/sched.idlethreads) · see [M](gotracelens://page/term%3Am) · runtime/proc.go schedtrace (nmidle)"].assert_eq(&footer(sched::IDLETHREADS, &Links::Scheme));
    }
}
