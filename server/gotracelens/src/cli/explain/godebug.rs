//! What a variable such as GODEBUG is set to, in words.

use std::io::{self, Write};

use ide::godebug;

use crate::cli::terminal::{ID, TITLE, VALUE, paragraph, style_of};
use crate::visible::visible;

/// Explains `GODEBUG=gctrace=1,madvdontneed=1`, `GOMEMLIMIT=512MiB`, `madvdontneed=1` or the name of a setting or
/// variable. Says no when the text is none of these.
pub(super) fn explain(out: &mut impl Write, text: &str) -> io::Result<bool> {
    let Some(explanation) = godebug::explain(text) else { return Ok(false) };
    if let Some(variable) = explanation.variable {
        writeln!(out, "{TITLE}{}{TITLE:#}", variable.name)?;
        facts(out, &godebug::variable_facts(variable))?;
    }
    for (at, (setting, value)) in explanation.settings.iter().enumerate() {
        if at > 0 || explanation.variable.is_some() {
            writeln!(out)?;
        }
        let shown = value.as_deref().map(|value| format!("={}", visible(value))).unwrap_or_default();
        writeln!(out, "{TITLE}{}{TITLE:#}{VALUE}{shown}{VALUE:#}  {ID}{}{ID:#}", setting.key, setting.package)?;
        facts(out, &godebug::facts(setting))?;
    }
    for problem in &explanation.problems {
        let style = style_of(problem.severity);
        let level = format!("{:?}", problem.severity).to_lowercase();
        writeln!(out)?;
        writeln!(out, "{style}{level}[{}]{style:#}: {}", problem.code.id(), visible(&problem.message))?;
    }
    Ok(true)
}

fn facts(out: &mut impl Write, facts: &[(String, String)]) -> io::Result<()> {
    for (label, text) in facts {
        let line = if label.is_empty() { text.clone() } else { format!("{label}: {text}") };
        paragraph(out, 2, &line)?;
    }
    Ok(())
}
