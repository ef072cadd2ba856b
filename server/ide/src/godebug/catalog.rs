//! What is known about settings and variables: the types of the generated tables, and how to find something in them.

use tracelog::Family;
use tracelog::catalog::NEWEST_RELEASE;

use super::generated::{SETTINGS, UNLISTED, VARIABLES};

/// A setting of GODEBUG.
#[derive(Debug)]
pub struct Setting {
    /// As written before the `=`. The one for CPU features stands for all of them.
    pub key: &'static str,
    /// Whose behavior it changes.
    pub package: &'static str,
    /// Minor number of the first release that reads it.
    pub since: u8,
    /// Patch releases before that which have it too; may be empty.
    pub also: &'static str,
    /// Minor number of the first release that does not read it any more.
    pub removed: Option<u8>,
    /// Values of a removed setting that stop programs and builds of Go 1.27 and later.
    pub refused: &'static [&'static str],
    /// The release that changed the default, and the default before.
    pub changed: Option<(u8, &'static str)>,
    /// Whether `//go:debug` lines, `go.mod` and `go.work` accept it.
    pub build: bool,
    /// What is read as its value.
    pub form: Form,
    /// What holds when it is not set; may be empty.
    pub default: &'static str,
    /// Values that mean something, or are worth offering.
    pub values: &'static [Value],
    /// What it does.
    pub meaning: &'static str,
    /// What it costs to switch on; may be empty.
    pub cost: &'static str,
    /// Lines that it switches on or changes.
    pub families: &'static [Family],
    /// Go's source.
    pub source: &'static str,
}

/// A variable that the runtime reads.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What is read as its value.
    pub form: VariableForm,
    /// What holds when it is not set; may be empty.
    pub default: &'static str,
    /// Values that mean something, or are worth offering.
    pub values: &'static [Value],
    /// What it does.
    pub meaning: &'static str,
    /// Go's source.
    pub source: &'static str,
}

/// A value and what it means.
#[derive(Debug)]
pub struct Value {
    /// As written.
    pub value: &'static str,
    /// In a sentence.
    pub meaning: &'static str,
}

/// What is read as the value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A whole number of 32 bits (`strconv.ParseInt` in `runtime/runtime1.go` parsegodebug); anything else is ignored.
    Number,
    /// A whole number of 0 or more; anything else is ignored.
    Limit,
    /// One of the values; anything else means the default.
    Choice,
    /// `go`, `cgo`, a level, or both with a `+` between (`net/conf.go` goDebugNetDNS).
    Netdns,
    /// `on` or `off` (`internal/cpu/cpu.go` processOptions).
    Feature,
    /// `go1.21` (`cmd/go/internal/modload` CheckGodebug).
    Release,
}

/// What is read as the value of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableForm {
    /// Settings with commas between.
    Settings,
    /// A whole number or `off`; anything else means 100 (`runtime/mgcpacer.go` readGOGC).
    Percent,
    /// A whole number above 0; anything else is ignored (`runtime/proc.go` schedinit).
    Procs,
    /// Bytes with a unit, or `off`; anything else stops the program (`runtime/string.go` parseByteCount).
    Bytes,
    /// A level by name or number (`runtime/runtime1.go` setTraceback).
    Level,
}

impl Setting {
    /// The setting of this name.
    pub fn named(key: &str) -> Option<&'static Self> {
        // One entry stands for all CPU features.
        let key = if key.starts_with("cpu.") { "cpu.all" } else { key };
        SETTINGS.binary_search_by_key(&key, |setting| setting.key).ok().map(|at| &SETTINGS[at])
    }

    /// Whether the variable GODEBUG may hold it.
    pub fn in_environment(&self) -> bool {
        self.form != Form::Release
    }

    /// What a value means, if it is one of those that are explained.
    pub fn value(&self, value: &str) -> Option<&'static Value> {
        self.values.iter().find(|known| known.value == value)
    }

    /// What to offer when somebody names the setting: the first value that changes something.
    pub fn offered(&self) -> &'static str {
        let changes = |value: &&Value| value.value != self.default && value.value != "0" && value.value != "off";
        let value = self.values.iter().find(changes).or_else(|| self.values.iter().find(|v| v.value != self.default));
        value.or(self.values.first()).map_or("", |value| value.value)
    }
}

impl Variable {
    /// The variable of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        VARIABLES.binary_search_by_key(&name, |variable| variable.name).ok().map(|at| &VARIABLES[at])
    }
}

/// Whether Go's packages read the key, though no list of Go's names it.
pub fn is_unlisted(key: &str) -> bool {
    UNLISTED.binary_search(&key).is_ok()
}

/// The setting of the environment that was most likely meant.
pub fn similar(key: &str) -> Option<&'static Setting> {
    const MAX_EDITS: usize = 2;
    let lower = key.to_lowercase();
    let close = SETTINGS.iter().filter(|setting| setting.in_environment()).filter_map(|setting| {
        let edits = strsim::damerau_levenshtein(&lower, &setting.key.to_lowercase());
        // Of a short name two letters are half.
        let allowed = if setting.key.len() < 6 { 1 } else { MAX_EDITS };
        (edits <= allowed).then_some((edits, setting))
    });
    close.min_by_key(|(edits, setting)| (*edits, setting.removed.is_some())).map(|(_, setting)| setting)
}

/// `1.27`.
pub fn release(minor: u8) -> String {
    format!("1.{minor}")
}

/// The default before the present one, and when it held.
pub fn old_default(setting: &Setting) -> Option<String> {
    let (minor, old) = setting.changed?;
    // The build sets the defaults of its list by the go line of the module; others are fixed in the release.
    Some(match setting.build {
        true => format!("{old} in modules whose go line is older than 1.{minor}"),
        false => format!("{old} up to Go {}", release(minor - 1)),
    })
}

/// The releases that read a setting, in words.
pub fn releases(setting: &Setting) -> String {
    let since = release(setting.since);
    let mut text = match setting.removed {
        Some(removed) if removed == setting.since + 1 => format!("Go {since}, removed in {}", release(removed)),
        Some(removed) => format!("Go {since} to {}, removed in {}", release(removed - 1), release(removed)),
        None if setting.since == NEWEST_RELEASE => format!("Go {since}"),
        None => format!("Go {since} and later"),
    };
    if !setting.also.is_empty() {
        text.push_str("; also ");
        text.push_str(setting.also);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_setting_and_the_features_of_the_cpu() {
        for setting in &SETTINGS {
            assert_eq!(Setting::named(setting.key).unwrap().key, setting.key);
        }
        assert_eq!(Setting::named("cpu.avx2").unwrap().key, "cpu.all");
        assert!(Setting::named("gctraec").is_none());
        assert!(is_unlisted("execwait") && !is_unlisted("gctrace"));
    }

    #[test]
    fn suggests_what_was_meant_and_nothing_far_fetched() {
        let similar = |key| similar(key).map(|setting| setting.key);
        assert_eq!(similar("gctraec"), Some("gctrace"));
        assert_eq!(similar("GCTRACE"), Some("gctrace"));
        assert_eq!(similar("schedtrac"), Some("schedtrace"));
        assert_eq!(similar("x509ignorecn"), Some("x509ignoreCN"));
        assert_eq!(similar("sbrks"), Some("sbrk"));
        assert_eq!(similar("brok"), None);
        assert_eq!(similar("mydebug"), None);
    }

    #[test]
    fn offers_a_value_that_switches_on() {
        let offered = |key| Setting::named(key).unwrap().offered();
        assert_eq!(offered("gctrace"), "1");
        assert_eq!(offered("schedtrace"), "100");
        assert_eq!(offered("madvdontneed"), "0");
        assert_eq!(offered("netdns"), "1");
        assert_eq!(offered("fips140"), "debug");
    }
}
