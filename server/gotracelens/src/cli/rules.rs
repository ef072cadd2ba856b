//! `gotracelens rules`: what is looked for.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use ide::rules::pages::PAGES;
use ide::rules::{Limit, RULES, Rule};
use serde::Serialize;

use super::findings::name;
use super::terminal::{self, ID, TITLE, VALUE, paragraph};
use super::{Exit, json};

/// Options of `rules`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A table for people, or one JSON array
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Serialize)]
struct RuleJson {
    code: &'static str,
    slug: &'static str,
    title: &'static str,
    /// The highest level it publishes.
    severity: &'static str,
    limits: Vec<LimitJson>,
}

#[derive(Serialize)]
struct LimitJson {
    name: &'static str,
    default: f64,
    unit: &'static str,
    doc: &'static str,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    match args.format {
        Format::Human => {
            let slug_width = RULES.iter().map(|rule| rule.slug.len()).max().unwrap_or(0);
            let mut out = terminal::stdout();
            for rule in RULES {
                let (code, slug, severity) = (rule.code, rule.slug, name(rule.severity));
                writeln!(out, "{TITLE}{code}{TITLE:#}  {slug:slug_width$}  {ID}{severity:7}{ID:#}  {}", rule.title)?;
            }
            out.flush()?;
        }
        Format::Json => {
            let rules: Vec<RuleJson> = RULES.iter().map(|rule| to_json(rule)).collect();
            let mut out = BufWriter::new(io::stdout().lock());
            json::write_line(&rules, &mut out)?;
            out.flush()?;
        }
    }
    Ok(Exit::Success)
}

fn to_json(rule: &Rule) -> RuleJson {
    let limit =
        |limit: &Limit| LimitJson { name: limit.name, default: limit.default, unit: limit.unit, doc: limit.doc };
    RuleJson {
        code: rule.code,
        slug: rule.slug,
        title: rule.title,
        severity: name(rule.severity),
        limits: rule.limits.iter().map(limit).collect(),
    }
}

/// The rule with this code or slug, in lower case.
pub(super) fn by_name(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.code.eq_ignore_ascii_case(name) || rule.slug == name)
}

/// Explains a rule: its manual page, then its limits.
pub(super) fn explain(out: &mut impl Write, rule: &Rule) -> io::Result<()> {
    let page = PAGES.iter().find(|(code, _)| *code == rule.code).map_or("", |(_, page)| page);
    write_page(out, page)?;
    if !rule.limits.is_empty() {
        writeln!(out, "\n{TITLE}Settings{TITLE:#}\n")?;
    }
    for limit in rule.limits {
        let unit = if limit.unit.is_empty() { String::new() } else { format!(" {}", limit.unit) };
        writeln!(out, "  {TITLE}{}{TITLE:#} = {}{unit}", limit.name, limit.default)?;
        paragraph(out, 4, limit.doc)?;
    }
    Ok(())
}

/// Writes the Markdown of a page for reading in a terminal: headings, paragraphs, numbered lists and blocks of code.
fn write_page(out: &mut impl Write, page: &str) -> io::Result<()> {
    let mut text = String::new();
    let mut is_code = false;
    for line in page.lines() {
        let heading = line.strip_prefix("# ").or_else(|| line.strip_prefix("## "));
        let starts_item = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let is_fence = line.starts_with("```");
        if is_code || is_fence || heading.is_some() || starts_item || line.is_empty() {
            paragraph(out, 0, &std::mem::take(&mut text))?;
        }
        if is_fence {
            is_code = !is_code;
        } else if is_code {
            writeln!(out, "    {VALUE}{line}{VALUE:#}")?;
        } else if let Some(heading) = heading {
            writeln!(out, "{TITLE}{heading}{TITLE:#}")?;
        } else if line.is_empty() {
            writeln!(out)?;
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    paragraph(out, 0, &text)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn pages_are_wrapped_and_keep_their_structure() {
        let mut out = Vec::new();
        let page = "# GC1 slug\n\nOne\ntwo.\n\n## Do\n\n1. First\n   more.\n2. Second.\n\n```text\ngc 1  x\n```\n";
        write_page(&mut out, page).unwrap();
        let shown = anstream::adapter::strip_bytes(&out).into_vec();
        expect![[r#"
            GC1 slug

            One two.

            Do

            1. First more.
            2. Second.

                gc 1  x
        "#]]
        .assert_eq(&String::from_utf8(shown).unwrap());
    }
}
