//! `gotracelens rules`: what is looked for.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use ide::rules::{Limit, RULES, Rule};
use serde::Serialize;

use super::findings::name;
use super::terminal::{self, ID, TITLE};
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
