//! `cargo xtask eval`: runs the rules over labelled logs and says how right they are.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use eval::budgets::budgets;
use eval::compare::{Changes, compare, parse};
use eval::judge::{Judged, judge};
use eval::labels::Expectations;
use eval::report::{Figures, markdown};
use eval::{corpus, observe};

/// How right the rules are, on labelled logs.
#[derive(Parser)]
#[command(name = "cargo xtask eval", bin_name = "cargo xtask eval", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    corpus: Corpus,
}

#[derive(Subcommand)]
enum Task {
    /// Labelled logs; what is done when nothing is named.
    Corpus(Corpus),
    /// Synthetic live heaps; fails when a cell is worse than the catalogue's test.
    Shapes(eval::shapes::Args),
}

#[derive(Args)]
struct Corpus {
    /// Write nothing; fail when a figure is worse than the committed one.
    #[arg(long)]
    check: bool,
    /// Another folder with a manifest.json; its table is printed and not written.
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    corpus: Option<PathBuf>,
    /// Only print what these rules found, with file, line and labels.
    #[arg(long, value_name = "CODE", conflicts_with = "check")]
    findings: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let asked = match arguments.task {
        Some(Task::Corpus(asked)) => asked,
        Some(Task::Shapes(asked)) => {
            let (text, is_fine) = eval::shapes::run(&asked);
            return if print(&text).is_ok() && is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        None => arguments.corpus,
    };
    match run(&asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("eval: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Progress and failures; the report goes to standard output.
#[expect(clippy::print_stderr, reason = "a task speaks to the person who started it")]
fn say(message: &str) {
    eprintln!("{message}");
}

fn print(text: &str) -> Result<(), String> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| format!("write the report: {error}"))
}

/// A corpus and where its table is committed.
struct Part {
    title: &'static str,
    folders: Vec<PathBuf>,
    table: Option<PathBuf>,
}

fn parts(asked: &Corpus) -> Vec<Part> {
    if let Some(folder) = &asked.corpus {
        return vec![Part { title: "How right the rules are", folders: vec![folder.clone()], table: None }];
    }
    let table = |name: &str| Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let mut parts = vec![Part {
        title: "How right the rules are on the committed corpus",
        folders: vec![corpus::committed()],
        table: table("table.md"),
    }];
    parts.extend(corpus::whole().map(|whole| Part {
        title: "How right the rules are on the whole corpus",
        // Parts of it are committed under the same paths; what only the repository has comes on top.
        folders: vec![whole, corpus::committed()],
        table: table("whole.md"),
    }));
    parts
}

fn run(asked: &Corpus) -> Result<(), String> {
    let table = Expectations::read()?;
    let mut worse = Vec::new();
    for part in parts(asked) {
        let mut entries = corpus::entries(&part.folders)?;
        table.correct(&mut entries);
        let observed = observe::observe(&entries)?;
        let judged: Vec<Judged> =
            entries.iter().zip(&observed).map(|(entry, seen)| judge(&table, entry, seen)).collect();
        if !asked.findings.is_empty() {
            print(&findings(&judged, &asked.findings))?;
            continue;
        }
        let budgets = budgets(&table, &judged);
        let figures = Figures::of(&table, &judged, &budgets);
        let text = markdown(part.title, "cargo xtask eval", &table, &judged, &budgets, &figures);
        match &part.table {
            Some(path) if asked.check => worse.extend(check(path, &figures)?.worse),
            Some(path) => {
                std::fs::write(path, &text).map_err(|error| format!("write {}: {error}", path.display()))?;
                print(&text)?;
            }
            None => print(&text)?,
        }
    }
    if asked.check {
        worse.extend(check_shapes()?);
    }
    if worse.is_empty() { Ok(()) } else { Err(format!("worse than the committed table:\n{}", worse.join("\n"))) }
}

/// Likewise, of the synthetic live heaps.
fn check_shapes() -> Result<Vec<String>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes.md");
    let committed = std::fs::read_to_string(&path).map_err(|error| format!("read {}: {error}", path.display()))?;
    let worse = eval::shapes::check(&committed).map_err(|error| format!("shapes.md: {error}"))?;
    Ok(worse.into_iter().map(|line| format!("shapes.md: {line}")).collect())
}

fn check(path: &Path, figures: &Figures) -> Result<Changes, String> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let text = std::fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()))?;
    let committed = parse(&text).map_err(|error| format!("{name}: {error}"))?;
    let mut changes = compare(&committed, figures);
    if !changes.other.is_empty() {
        say(&format!("{name}: run `cargo xtask eval` to commit what changed:\n{}", changes.other.join("\n")));
    }
    changes.worse.iter_mut().for_each(|line| line.insert_str(0, &format!("{name}: ")));
    Ok(changes)
}

/// What rules found, one line a finding, right and wrong ones.
fn findings(judged: &[Judged], codes: &[String]) -> String {
    let mut text = String::new();
    for log in judged {
        for weighed in log.findings.iter().filter(|weighed| codes.iter().any(|code| code == weighed.seen.code)) {
            let seen = &weighed.seen;
            text += &format!(
                "{:?} {}:{} [{}] {:?} {}: {}\n",
                weighed.opinion,
                log.entry.path,
                seen.line,
                log.labels_in_words(),
                seen.severity,
                seen.code,
                seen.message.escape_debug()
            );
        }
    }
    text
}
