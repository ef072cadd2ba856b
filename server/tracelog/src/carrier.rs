//! What containers, collectors and loggers put around a line.
//!
//! Carriers are peeled from the outside in, each by the shape of its own prefix and never by what follows it, so a line
//! without any trace has carriers too. Up to [`MAX_DEPTH`] layers are peeled: `compose` around `slog` is two.
//!
//! Does not parse time stamps; it only knows what they look like.

mod json;
mod layer;
mod scanner;

use std::borrow::Cow;
use std::ops::Range;

/// How many layers are peeled.
pub const MAX_DEPTH: usize = 4;

/// A kind of carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Carrier {
    /// A byte order mark at the start of the file.
    Bom,
    /// ANSI escape sequences, anywhere in the line.
    Ansi,
    /// Docker's json-file driver: `{"log":"…\n","stream":"stderr","time":"…"}`.
    DockerJson,
    /// `docker compose` and `docker-compose`: `web-1  | …`.
    Compose,
    /// `kubectl logs --prefix` : `[pod/NAME/CONTAINER] …`.
    KubectlPrefix,
    /// CRI log files: `2024-01-02T15:04:05.123456789Z stderr F …`.
    Cri,
    /// journald's short formats and RFC 3164 syslog: `Jan _2 15:04:05 host unit[pid]: …`.
    Syslog,
    /// RFC 5424 syslog: `<14>1 2024-… host app pid - - …`.
    Syslog5424,
    /// A bare time stamp, as `ts`, `docker logs -t` and `kubectl logs --timestamps` write it.
    Timestamp,
    /// Go's standard `log`: `2009/11/10 23:00:00.000000 main.go:23: …`.
    StdLog,
    /// `key=value` lines of slog, logrus and others, with the text in `msg=`.
    Logfmt,
    /// A JSON object of slog, zap, logrus, journald or a cloud, with the text in `msg`, `message`, `MESSAGE` and the like.
    JsonLog,
    /// zap's console form: time, level, caller and text separated by tabs.
    ZapConsole,
    /// A process id in brackets, and nothing else: `[92723] …`.
    Pid,
}

impl Carrier {
    /// Permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bom => "bom",
            Self::Ansi => "ansi",
            Self::DockerJson => "docker-json",
            Self::Compose => "compose",
            Self::KubectlPrefix => "kubectl-prefix",
            Self::Cri => "cri",
            Self::Syslog => "syslog",
            Self::Syslog5424 => "syslog-5424",
            Self::Timestamp => "timestamp",
            Self::StdLog => "log",
            Self::Logfmt => "logfmt",
            Self::JsonLog => "json",
            Self::ZapConsole => "zap-console",
            Self::Pid => "pid",
        }
    }

    /// Whether programs write this themselves in front of their own text. Around a trace line it is a carrier all the
    /// same (the trace was piped through a logger); around other text it is part of what the program wrote.
    const fn is_logger(self) -> bool {
        matches!(self, Self::Timestamp | Self::StdLog | Self::Logfmt | Self::JsonLog | Self::ZapConsole | Self::Pid)
    }
}

/// A line without what carried it.
#[derive(Debug)]
pub struct Peeled<'a> {
    /// Layers, outermost first.
    pub layers: Vec<Carrier>,
    /// What the program wrote, decoded where a carrier had quoted it.
    pub content: Cow<'a, [u8]>,
    /// Bytes of the line that name the process (container, unit and pid), empty where none do.
    pub source: Range<usize>,
    /// Where the program's own text begins, when a logger's form was taken for a carrier: layers outside it, and the text.
    logged: Option<(usize, Cow<'a, [u8]>)>,
    /// For borrowed content: where it starts in the line.
    start: u32,
    /// For decoded content: for each byte and for its end, the byte of the line it came from.
    raw: Vec<u32>,
}

impl<'a> Peeled<'a> {
    /// A line that nothing carries.
    pub fn bare(line: &'a [u8]) -> Self {
        Self { layers: Vec::new(), content: Cow::Borrowed(line), source: 0..0, logged: None, start: 0, raw: Vec::new() }
    }
}

impl Peeled<'_> {
    /// The byte of the line from which a byte of the content (or its end) came.
    pub fn raw(&self, at: usize) -> u32 {
        match &self.content {
            Cow::Borrowed(_) => self.start + at as u32,
            Cow::Owned(_) => self.raw.get(at).or(self.raw.last()).copied().unwrap_or(0),
        }
    }

    /// The line as text of the program, for lines without a trace item: layers outside what the program's own logger
    /// wrote, and all that the logger wrote.
    pub fn as_foreign(&self) -> (&[Carrier], &[u8]) {
        match &self.logged {
            Some((n_layers, text)) => (&self.layers[..*n_layers], text),
            None => (&self.layers, &self.content),
        }
    }

    /// Whether a logger's form was taken for a carrier.
    pub fn is_logged(&self) -> bool {
        self.logged.is_some()
    }

    /// Where the content starts in the line, when it stands there as it is.
    pub fn offset(&self) -> Option<usize> {
        match &self.content {
            Cow::Borrowed(_) => Some(self.start as usize),
            Cow::Owned(_) => None,
        }
    }
}

/// Removes all carriers of a line (without its line end).
pub fn peel(line: &[u8]) -> Peeled<'_> {
    let mut peeled = Peeled::bare(line);
    while peeled.layers.len() < MAX_DEPTH {
        let Some(layer) = layer::outermost(&peeled.content) else { break };
        peeled.take(layer);
    }
    peeled
}

impl Peeled<'_> {
    fn take(&mut self, layer: layer::Layer) {
        let to_line = |range: &Range<usize>| self.raw(range.start) as usize..self.raw(range.end) as usize;
        if !layer.source.is_empty() {
            self.source = to_line(&layer.source);
        }
        if layer.carrier.is_logger() && self.logged.is_none() {
            self.logged = Some((self.layers.len(), self.content.clone()));
        }
        self.layers.push(layer.carrier);
        match layer.content {
            layer::Content::Part(range) => match &mut self.content {
                Cow::Borrowed(bytes) => {
                    self.start += range.start as u32;
                    *bytes = &bytes[range];
                }
                Cow::Owned(bytes) => {
                    self.raw = self.raw[range.start..=range.end].to_vec();
                    *bytes = bytes[range].to_vec();
                }
            },
            layer::Content::Decoded { bytes, from } => {
                self.raw = from.iter().map(|at| self.raw(*at as usize)).collect();
                self.content = Cow::Owned(bytes);
            }
        }
    }
}

/// Recognizes, cheaply, a line that is carried like the one before: the same bytes in front of the content, digits
/// aside. Only ever a shortcut: what it accepts, [`peel`] would have given too.
#[derive(Debug, Default)]
pub struct Memory {
    prefix: Vec<u8>,
    /// Positions in `prefix` that name the process and must be the same to the letter.
    source: Range<usize>,
}

impl Memory {
    /// Remembers how this line was carried, if its content stands in it as it is and reaches to its end.
    pub fn learn(&mut self, line: &[u8], peeled: &Peeled<'_>) {
        let fits = peeled.offset().is_some_and(|offset| offset + peeled.content.len() == line.len());
        let bom_or_ansi = peeled.layers.iter().any(|layer| matches!(layer, Carrier::Bom | Carrier::Ansi));
        self.prefix.clear();
        if let Some(offset) = peeled.offset().filter(|_| fits && !bom_or_ansi) {
            self.prefix.extend_from_slice(&line[..offset]);
            self.source = peeled.source.clone();
        }
    }

    /// Where the content starts, if the line is carried like the remembered one.
    #[inline]
    pub fn offset(&self, line: &[u8]) -> Option<usize> {
        let n = self.prefix.len();
        if n == 0 || line.len() < n {
            return None;
        }
        let alike = |(a, b): (&u8, &u8)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
        let same = self.prefix.iter().zip(line).all(alike)
            && self.prefix[self.source.clone()] == line[self.source.clone()]
            // A blank after a padded prefix may belong to it or to the content: let the full reading decide.
            && line.get(n).is_some_and(|byte| *byte != b' ');
        same.then_some(n)
    }
}

#[cfg(test)]
mod tests;
