//! What is wrong with settings. Only what is certain is judged: a value that comes from elsewhere is not.

use tracelog::catalog::NEWEST_RELEASE;
use tracelog::{Loc, Text};

use super::Problem;
use super::catalog::{Form, Setting, Variable, VariableForm, is_unlisted, release, similar};
use super::find::{Assignment, Target};
use super::generated::Code;
use super::value::{self, Entry, Part};
use crate::markup;
use crate::rules::Severity;

/// The release from which on removed settings stop programs (`runtime/proc.go` main, Go 1.27).
const REFUSES_SINCE: u8 = 27;

pub(super) fn problems(text: &Text, assignments: &[Assignment]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut built: Vec<String> = Vec::new();
    for assignment in assignments {
        let line = text.line(assignment.value.line);
        match assignment.target {
            Target::Variable(variable) if variable.form == VariableForm::Settings => {
                let entries = value::entries(assignment, &line);
                list(&entries, &mut problems);
                cut_off(assignment, &line, &mut problems);
            }
            Target::Variable(variable) => {
                if let Some(part) = value::single(assignment, &line) {
                    problems.extend(wrong_variable(variable, part));
                }
            }
            Target::Directive | Target::Module => {
                for entry in value::entries(assignment, &line) {
                    build(&entry, assignment.target, &mut built, &mut problems);
                }
            }
            Target::Misplaced => problems.push(Problem {
                code: Code::MisplacedLine,
                severity: Severity::Warning,
                loc: assignment.name,
                message: "the build does not look at this line: //go:debug counts above the package clause of package main and of test files"
                    .to_owned(),
            }),
        }
    }
    problems
}

/// The settings of a GODEBUG variable.
fn list(entries: &[Entry], problems: &mut Vec<Problem>) {
    for (index, entry) in entries.iter().enumerate() {
        if entry.loc.start == entry.loc.end || !entry.key.is_certain {
            continue;
        }
        if is_other_list(entry.key.text) {
            // `--set-env-vars GODEBUG=gctrace=1,GOGC=50`: the list goes on with other variables.
            return;
        }
        let Some(value) = entry.value else {
            if !entry.key.text.is_empty() {
                problems.push(without_value(&entry.key));
            }
            continue;
        };
        if entry.has_blanks && !entry.key.text.is_empty() {
            problems.push(Problem {
                code: Code::BrokenSetting,
                severity: Severity::Warning,
                loc: entry.loc,
                message: format!(
                    "the blank becomes part of the setting, so {} is not read as written",
                    named(entry.key.text)
                ),
            });
            continue;
        }
        match Setting::named(entry.key.text) {
            Some(setting) if setting.in_environment() => environment(setting, entry, value, problems),
            Some(setting) => problems.push(Problem {
                code: Code::UnknownSetting,
                severity: Severity::Warning,
                loc: entry.key.loc,
                message: format!("{} counts in //go:debug lines, go.mod and go.work only", setting.key),
            }),
            None => problems.extend(unknown(&entry.key)),
        }
        let same = |later: &&Entry| later.key.is_certain && later.key.text == entry.key.text && later.value.is_some();
        if let Some(later) = entries[index + 1..].iter().find(same) {
            let shown = later.value.map_or("", |value| value.text);
            problems.push(Problem {
                code: Code::NamedTwice,
                severity: Severity::Warning,
                loc: entry.key.loc,
                message: format!(
                    "{} is set again further on, and the last one counts: {}",
                    named(entry.key.text),
                    named(shown)
                ),
            });
        }
    }
}

/// A setting in the environment.
fn environment(setting: &Setting, entry: &Entry, value: Part, problems: &mut Vec<Problem>) {
    let refused = value.is_certain && setting.refused.contains(&value.text);
    if let Some(removed) = setting.removed {
        // Which release the program is built with is not known here, so this is no error.
        let effect = match refused {
            true => format!(
                "programs built with Go {} or later do not start with this value",
                release(removed.max(REFUSES_SINCE))
            ),
            false => "programs built with that release or later ignore it".to_owned(),
        };
        problems.push(Problem {
            code: Code::RemovedSetting,
            severity: Severity::Warning,
            loc: entry.key.loc,
            message: format!("{} was removed in Go {}: {effect}", setting.key, release(removed)),
        });
        return;
    }
    problems.extend(wrong_value(setting, value));
}

/// A setting of a build.
fn build(entry: &Entry, target: Target, built: &mut Vec<String>, problems: &mut Vec<Problem>) {
    if entry.loc.start == entry.loc.end {
        return;
    }
    let error = |code, loc, message| Problem { code, severity: Severity::Error, loc, message };
    let Some(value) = entry.value else {
        problems.push(error(
            Code::BrokenSetting,
            entry.loc,
            "a setting is written key=value; the build fails".to_owned(),
        ));
        return;
    };
    let all = [entry.key.text, value.text];
    if entry.has_blanks || all.iter().any(|text| text.contains([' ', '\t', ','])) {
        let message = "blanks and commas are not allowed here; the build fails: one setting a line".to_owned();
        problems.push(error(Code::BrokenSetting, entry.loc, message));
        return;
    }
    let Some(setting) = Setting::named(entry.key.text) else {
        let newest = release(NEWEST_RELEASE);
        let similar = similar(entry.key.text).filter(|setting| setting.build);
        let hint = similar.map_or_else(String::new, |setting| format!("; did you mean {}?", setting.key));
        let message =
            format!("builds with Go up to {newest} fail: they know no setting {}{hint}", named(entry.key.text));
        // What looks like nothing that is known may be of a release to come.
        let severity = if similar.is_some() { Severity::Error } else { Severity::Warning };
        problems.push(Problem { severity, ..error(Code::UnknownSetting, entry.key.loc, message) });
        return;
    };
    if !setting.build {
        let message = format!(
            "{} is not accepted here and the build fails: set it in the environment, as GODEBUG={}={}",
            setting.key,
            named(entry.key.text),
            named(value.text)
        );
        problems.push(error(Code::NotForBuilds, entry.key.loc, message));
        return;
    }
    if let Some(removed) = setting.removed {
        let (severity, effect) = match setting.refused.contains(&value.text) {
            true => (
                Severity::Warning,
                format!("Go {} and later do not build with this value", release(removed.max(REFUSES_SINCE))),
            ),
            false => (Severity::Info, "the line can go".to_owned()),
        };
        let message = format!("{} was removed in Go {}: {effect}", setting.key, release(removed));
        problems.push(Problem { code: Code::RemovedSetting, severity, loc: entry.key.loc, message });
    } else {
        problems.extend(wrong_value(setting, value));
    }
    if built.iter().any(|key| key == entry.key.text) {
        let shown = named(entry.key.text);
        // The go command refuses a second directive (package work of cmd/go); a second line of a module replaces the
        // first.
        problems.push(match target {
            Target::Directive => {
                error(Code::NamedTwice, entry.key.loc, format!("{shown} is set twice, so the build fails"))
            }
            _ => Problem {
                severity: Severity::Warning,
                ..error(Code::NamedTwice, entry.key.loc, format!("{shown} is set a second time, and this one counts"))
            },
        });
    }
    built.push(entry.key.text.to_owned());
}

fn without_value(key: &Part) -> Problem {
    Problem {
        code: Code::BrokenSetting,
        severity: Severity::Warning,
        loc: key.loc,
        message: format!("without \"=\" and a value {} is passed over", named(key.text)),
    }
}

fn unknown(key: &Part) -> Option<Problem> {
    if key.text.is_empty() || is_unlisted(key.text) {
        return None;
    }
    let (severity, hint) = match similar(key.text) {
        Some(setting) => (Severity::Warning, format!("; did you mean {}?", setting.key)),
        None => (Severity::Info, "; only a package of the program's own could read it".to_owned()),
    };
    let newest = release(NEWEST_RELEASE);
    let message = format!("no release up to Go {newest} knows the setting {}{hint}", named(key.text));
    Some(Problem { code: Code::UnknownSetting, severity, loc: key.loc, message })
}

/// A value that means nothing to the setting.
fn wrong_value(setting: &Setting, value: Part) -> Option<Problem> {
    if !value.is_certain || value.text.is_empty() {
        return None;
    }
    // `value#pattern` is read by the bisect tool; the runtime's own numbers know no such thing.
    let (text, is_bisected) = match value.text.split_once('#') {
        Some((text, _)) if setting.form != Form::Number => (text, true),
        _ => (value.text, false),
    };
    let shown = named(value.text);
    let fact = match setting.form {
        Form::Number if setting.key == "cgocheck" && text.parse::<i32>().is_ok_and(|level| level > 1) => {
            let message = format!(
                "programs built with Go 1.21 or later do not start with cgocheck={shown}: use GOEXPERIMENT=cgocheck2 at build time"
            );
            return Some(Problem { code: Code::WrongValue, severity: Severity::Error, loc: value.loc, message });
        }
        Form::Number if text.parse::<i32>().is_ok() => return None,
        Form::Number => format!("{shown} is not a whole number, so {} is ignored", setting.key),
        Form::Limit if text.parse::<u32>().is_ok() => return None,
        Form::Limit => format!("{shown} is not a whole number of 0 or more, so {} is ignored", setting.key),
        Form::Choice if setting.key == "fips140" && !is_bisected && setting.value(text).is_none() => {
            let message = format!("programs do not start with fips140={shown}; values are {}", values(setting));
            return Some(Problem { code: Code::WrongValue, severity: Severity::Error, loc: value.loc, message });
        }
        Form::Choice if setting.value(text).is_some() => return None,
        Form::Choice => {
            format!("{} means the default here: {shown} is none of the values {}", setting.key, values(setting))
        }
        Form::Netdns if text.split('+').all(is_resolver_or_level) && text.matches('+').count() < 2 => return None,
        Form::Netdns => format!("{shown} is ignored: netdns is go, cgo, a level, or both with a \"+\" between"),
        Form::Feature if setting.value(text).is_some() => return None,
        Form::Feature => format!("{shown} is ignored: a CPU feature is on or off"),
        Form::Release if is_release(text) => return None,
        Form::Release => format!("{shown} is not a Go release such as go1.21, so the build fails"),
    };
    let severity = if setting.form == Form::Release { Severity::Error } else { Severity::Warning };
    Some(Problem { code: Code::WrongValue, severity, loc: value.loc, message: fact })
}

/// `0, 1`.
fn values(setting: &Setting) -> String {
    setting.values.iter().map(|value| value.value).collect::<Vec<_>>().join(", ")
}

fn is_resolver_or_level(text: &str) -> bool {
    text.is_empty() || text == "go" || text == "cgo" || text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `go1.21` or `go1.21.3`, also of a release candidate.
fn is_release(text: &str) -> bool {
    text.strip_prefix("go1").is_some_and(|rest| {
        rest.is_empty() || rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit())
    })
}

/// A value that a variable cannot have.
fn wrong_variable(variable: &Variable, value: Part) -> Option<Problem> {
    if !value.is_certain || value.text.is_empty() {
        return None;
    }
    let text = value.text;
    let shown = named(text);
    let (severity, message) = match variable.form {
        VariableForm::Settings => return None,
        VariableForm::Percent if text == "off" || text.parse::<i32>().is_ok() => return None,
        VariableForm::Percent => (
            Severity::Warning,
            format!("GOGC={shown} is not read, 100 holds: it is a whole number without a sign for percent, or off"),
        ),
        VariableForm::Procs if text.parse::<i32>().is_ok_and(|procs| procs > 0) => return None,
        VariableForm::Procs => (
            Severity::Warning,
            format!("GOMAXPROCS={shown} is not read, the default holds: it is a whole number above 0"),
        ),
        VariableForm::Bytes if text == "off" || byte_count(text).is_some() => return None,
        VariableForm::Bytes => {
            let hint = unit_meant(text).map_or_else(
                || "a whole number with B, KiB, MiB, GiB, TiB or nothing behind it".to_owned(),
                |meant| format!("write {meant}"),
            );
            (Severity::Error, format!("programs do not start with GOMEMLIMIT={shown}: {hint}"))
        }
        VariableForm::Level if variable.values.iter().any(|known| known.value == text) => return None,
        VariableForm::Level if text.parse::<u32>().is_ok() => return None,
        VariableForm::Level => (
            Severity::Warning,
            format!("{shown} is no level of GOTRACEBACK: those are none, single, all, system, crash, or a number"),
        ),
    };
    Some(Problem { code: Code::WrongVariable, severity, loc: value.loc, message })
}

/// What `parseByteCount` of `runtime/string.go` reads: a whole number with a unit of its own or none.
fn byte_count(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let shift = match &text[digits..] {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    let count: u64 = text[..digits].parse().ok()?;
    let bytes = count.checked_mul(1 << shift)?;
    (bytes <= i64::MAX as u64).then_some(bytes)
}

/// The right way to write an amount with a unit of Kubernetes or of a person: `512Mi`, `2gb`, `1.5GiB`.
fn unit_meant(text: &str) -> Option<String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unit = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "ki" | "kib" => "KiB",
        "mi" | "mib" => "MiB",
        "gi" | "gib" => "GiB",
        "ti" | "tib" => "TiB",
        _ => return None,
    };
    Some(format!("{}{unit}", &text[..digits])).filter(|meant| byte_count(meant).is_some())
}

/// A value that ends in a comma with more settings behind it: the blank has cut the list in two.
fn cut_off(assignment: &Assignment, line: &str, problems: &mut Vec<Problem>) {
    let (start, end) = (assignment.value.start as usize, assignment.value.end as usize);
    let (Some(value), Some(rest)) = (line.get(start..end), line.get(end..)) else { return };
    let next = rest.trim_start_matches([' ', '\t']);
    if !value.ends_with(',') || next.len() == rest.len() {
        return;
    }
    let key = next.split('=').next().unwrap_or_default();
    if next.contains('=') && Setting::named(key).is_some() {
        let at = (line.len() - next.len()) as u32;
        problems.push(Problem {
            code: Code::BrokenSetting,
            severity: Severity::Warning,
            loc: Loc::new(assignment.value.line, at, at + key.len() as u32),
            message: format!("the blank ends the list, so {} is not part of it", named(key)),
        });
    }
}

/// A name in capital letters is a variable, and no setting.
fn is_other_list(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && similar(key).is_none()
}

/// Text of the file in a message: short, and nothing in it that changes how the rest is shown.
fn named(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut shown: String = markup::plain(text).chars().take(MAX_CHARS).collect();
    if text.chars().count() > MAX_CHARS {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_amounts_as_the_runtime_does() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("512", Some(512)),
            ("512B", Some(512)),
            ("1KiB", Some(1024)),
            ("2GiB", Some(2 << 30)),
            ("8388607TiB", Some(8388607 << 40)),
            ("8388608TiB", None),
            ("9223372036854775808", None),
            ("512Mi", None),
            ("512M", None),
            ("512MB", None),
            ("1.5GiB", None),
            ("-1", None),
            ("MiB", None),
            ("512 MiB", None),
            ("512mib", None),
        ] {
            assert_eq!(byte_count(text), bytes, "{text}");
        }
    }

    #[test]
    fn corrects_units_only_where_the_amount_stays_the_same() {
        assert_eq!(unit_meant("512Mi").as_deref(), Some("512MiB"));
        assert_eq!(unit_meant("2gib").as_deref(), Some("2GiB"));
        for text in ["512M", "512MB", "1.5GiB", "half", "9999999999999Ti", "90%"] {
            assert_eq!(unit_meant(text), None, "{text}");
        }
    }

    #[test]
    fn every_code_is_one_of_the_documented() {
        assert_eq!(Code::UnknownSetting.id(), "GD101");
        assert_eq!(Code::WrongVariable.id(), "GD108");
    }
}
