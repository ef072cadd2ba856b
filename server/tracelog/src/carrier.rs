//! What containers, collectors and loggers put around a line.
//!
//! Carriers are peeled from the outside in, each by the shape of its own prefix and never by what follows it, so a line
//! without any trace has carriers too. The plainest forms (comments, quotes, indentation, names) are no carriers by
//! themselves: they are peeled around what begins like a trace line, and behind lines that showed them ([`Context`]). Up
//! to [`MAX_DEPTH`] layers are peeled: `compose` around `slog` is two.
//!
//! Whatever begins like a trace line is never peeled, whichever carrier it looks like too.

mod collectors;
mod context;
mod csv;
mod decode;
mod json;
mod layer;
mod loggers;
mod scanner;
mod time;
mod wrap;

use std::borrow::Cow;
use std::ops::Range;

use crate::block;
use crate::template;
use context::Lesson;
pub use context::{Context, Memory, NOTHING};
pub use layer::Record;
pub use time::{WallTime, YEAR_UNKNOWN};

/// How many layers are peeled.
pub const MAX_DEPTH: usize = 8;

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
    /// NULs that copytruncate left at the start of a file.
    Nul,
    /// Escapes of HTML and XML, anywhere in the line (`-&gt;`), and tags around it.
    Html,
    /// Control characters as rsyslog writes them (`#011`), anywhere in the line.
    SyslogEscape,
    /// `#12 3.456 …`, of docker build: the step, and the seconds since it began.
    Buildkit,
    /// `0|api  | …`.
    Pm2,
    /// `MESSAGE=…` of journald's export and verbose formats.
    JournalExport,
    /// `job<TAB>step<TAB>…`, as `gh run view --log` prints the logs of GitHub Actions.
    GithubRun,
    /// `2024-…Z 01E …` of GitLab CI.
    Gitlab,
    /// Android: `01-02 15:04:05.123  1234  5678 E Go      : …` and its shorter forms.
    Logcat,
    /// `{pod="api-1"} …`, between time and text, of logcli.
    Loki,
    /// A row of an export with one line in each: CloudWatch, Grafana, Kibana.
    Csv,
    /// The name of a stream: `aws logs tail`, stern, `[api] …` of process runners.
    Stream,
    /// `app.log:12:…`, of grep and `cat -n`.
    Grep,
    /// klog and glog: `I0102 15:04:05.000000    1234 file.go:23] …`.
    Klog,
    /// A level in front of the text: `INFO …`, `INF main.go:23 > …`, `INFO[0000] …`.
    Level,
    /// `go test -v`: `    main_test.go:23: …`.
    GoTest,
    /// Marks of a comment, a list or a difference: `// …`, `# …`, `- …`, `+ …`.
    Comment,
    /// `> …`, of mail and Markdown.
    Quote,
    /// A string of a program: `"…",`.
    Quoted,
    /// Blanks and tabs.
    Indent,
    /// What the program had written of a line when it ended: `Enter a number: ` in front of `panic: `.
    Unfinished,
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
            Self::Nul => "nul",
            Self::Html => "html",
            Self::SyslogEscape => "syslog-escape",
            Self::Buildkit => "buildkit",
            Self::Pm2 => "pm2",
            Self::JournalExport => "journal-export",
            Self::GithubRun => "github-run",
            Self::Gitlab => "gitlab",
            Self::Logcat => "logcat",
            Self::Loki => "loki",
            Self::Csv => "csv",
            Self::Stream => "stream",
            Self::Grep => "grep",
            Self::Klog => "klog",
            Self::Level => "level",
            Self::GoTest => "go-test",
            Self::Comment => "comment",
            Self::Quote => "quote",
            Self::Quoted => "quoted",
            Self::Indent => "indent",
            Self::Unfinished => "unfinished",
        }
    }

    /// Whether programs write this themselves around their own text, or people around what they show. Around a trace line it is a carrier all the
    /// same (the trace was piped through a logger); around other text it is part of what the program wrote.
    const fn is_logger(self) -> bool {
        matches!(
            self,
            Self::Timestamp
                | Self::StdLog
                | Self::Logfmt
                | Self::JsonLog
                | Self::ZapConsole
                | Self::Pid
                | Self::Html
                | Self::SyslogEscape
                | Self::Stream
                | Self::Grep
                | Self::Klog
                | Self::Level
                | Self::GoTest
                | Self::Comment
                | Self::Quote
                | Self::Quoted
                | Self::Indent
                | Self::Unfinished
        )
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
    /// When the line was written, as the carrier that knows best says; of several, the one next to the content.
    pub time: Option<WallTime>,
    /// Bytes of the line that say so.
    pub time_at: Range<usize>,
    /// Where the line ends, as a collector says that cuts long lines.
    record: Record,
    /// The standard stream, as its collector says: the last byte of its name.
    stream: Option<u8>,
    lesson: Lesson,
    /// Where the program's own text begins, when a logger's form was taken for a carrier: layers outside it, and the text.
    logged: Option<(usize, Cow<'a, [u8]>)>,
    /// For borrowed content: where it starts in the line.
    start: u32,
    /// For decoded content: for each byte and for its end, the byte of the line it came from.
    raw: Vec<u32>,
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

    /// Whether the program had written some of the line before what is its content.
    pub fn is_unfinished(&self) -> bool {
        self.layers.last() == Some(&Carrier::Unfinished)
    }

    /// Whether a logger's form was taken for a carrier.
    pub fn is_logged(&self) -> bool {
        self.logged.is_some()
    }

    /// Whether the line goes on in the next record of the same source, by itself or in a file whose records have line ends.
    pub fn is_partial(&self) -> bool {
        matches!(self.record, Record::Partial | Record::NoLineEnd)
    }

    /// Whether the line goes on in the next record of the same source.
    pub fn goes_on(&self, context: &Context) -> bool {
        self.record == Record::Partial || (self.record == Record::NoLineEnd && context.has_line_ends())
    }

    /// The standard stream that the line was written to, where a collector that cuts lines says so.
    pub fn stream(&self) -> Option<u8> {
        self.stream
    }

    /// Whether a record of Docker or of `go test -json` ended with a line end.
    fn has_line_end(&self) -> bool {
        self.record == Record::Whole && !self.layers.contains(&Carrier::Cri)
    }

    /// Where the content starts in the line, when it stands there as it is.
    pub fn offset(&self) -> Option<usize> {
        match &self.content {
            Cow::Borrowed(_) => Some(self.start as usize),
            Cow::Owned(_) => None,
        }
    }
}

/// A whole text that is a time stamp.
pub(crate) fn whole_time(text: &[u8]) -> Option<WallTime> {
    time::whole(text)
}

/// A time stamp at the start of some text, in a form of access logs.
pub(crate) fn access_log_time(text: &[u8]) -> Option<WallTime> {
    time::of_access_log(text)
}

/// Whether some bytes begin like a trace line, far enough to be sure of it, or are a line of a dump or a profile.
fn begins_trace(bytes: &[u8]) -> bool {
    begins_item(bytes) || block::is_line(bytes)
}

/// Whether some bytes begin like a trace line that can stand anywhere, far enough to be sure of it.
fn begins_item(bytes: &[u8]) -> bool {
    template::best(bytes)
        .is_some_and(|found| found.is_certain() && (!found.values.is_empty() || found.end == bytes.len()))
}

/// Removes all carriers of a line (without its line end) of which nothing else is known.
pub fn peel(line: &[u8]) -> Peeled<'_> {
    peel_in(line, &NOTHING)
}

/// Removes all carriers of a line (without its line end) that follows lines which have shown this.
pub fn peel_in<'a>(line: &'a [u8], context: &Context) -> Peeled<'a> {
    const MAX_SHOWN: usize = 3;
    let line = unpadded(line);
    let mut peeled = peel_to(line, context, MAX_SHOWN);
    if peeled.layers.is_empty() {
        peeled.lesson.columns = csv::heading(line);
    }
    peeled
}

/// A line without the blanks with which terminals fill it up: what is copied from a window has them. A few blanks may
/// be where a line was torn.
fn unpadded(line: &[u8]) -> &[u8] {
    const MIN_PADDING: usize = 4;
    let end = line.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    if line.len() - end < MIN_PADDING { line } else { &line[..end] }
}

/// Removes carriers; at most `n_shown` of those that only what they carry shows.
fn peel_to<'a>(line: &'a [u8], context: &Context, n_shown: usize) -> Peeled<'a> {
    let mut peeled = Peeled::bare(line);
    let mut n_shown = n_shown;
    while peeled.layers.len() < MAX_DEPTH {
        let Some(layer) = peeled.next(context, &mut n_shown) else { break };
        peeled.take(layer);
    }
    peeled
}

impl<'a> Peeled<'a> {
    /// A line that nothing carries.
    pub fn bare(line: &'a [u8]) -> Self {
        Self {
            layers: Vec::new(),
            content: Cow::Borrowed(line),
            source: 0..0,
            time: None,
            time_at: 0..0,
            record: Record::Unknown,
            stream: None,
            lesson: Lesson::default(),
            logged: None,
            start: 0,
            raw: Vec::new(),
        }
    }

    /// What stands inside a line, wherever it is looked for: to be undone before anything else.
    fn next_decoded(&self) -> Option<layer::Layer> {
        // What was looked through already holds nothing more to decode.
        if (self.layers.is_empty() || matches!(self.content, Cow::Owned(_)))
            && let Some(layer) = layer::decoded(&self.content)
        {
            return Some(layer);
        }
        let has_syslog = |layer: &Carrier| matches!(layer, Carrier::Syslog | Carrier::Syslog5424);
        if self.layers.iter().any(has_syslog) { decode::octal(&self.content) } else { None }
    }

    fn next(&mut self, context: &Context, n_shown: &mut usize) -> Option<layer::Layer> {
        if let Some(layer) = self.next_decoded() {
            return Some(layer);
        }
        if begins_trace(&self.content) {
            return None;
        }
        let depth = self.layers.len();
        if let Some(layer) = wrap::known(&self.content, context, depth, &mut self.lesson) {
            return Some(layer);
        }
        let is_decoded = |layer: &Carrier| matches!(layer, Carrier::Bom | Carrier::Nul | Carrier::Ansi | Carrier::Html);
        if self.layers.iter().all(is_decoded)
            && let Some((layer, columns)) = csv::layer(&self.content, context.columns())
        {
            self.lesson.columns = Some(columns);
            return Some(layer);
        }
        if let Some(layer) = layer::outermost(&self.content) {
            return Some(layer);
        }
        let more = n_shown.checked_sub(1);
        let is_stamped = self.layers.last() == Some(&Carrier::Timestamp);
        let shown = more.and_then(|more| wrap::shown(&self.content, depth, is_stamped, more, &mut self.lesson));
        *n_shown = more.unwrap_or(0);
        shown.or_else(|| wrap::unfinished(&self.content))
    }
}

impl Peeled<'_> {
    fn take(&mut self, layer: layer::Layer) {
        let to_line = |range: &Range<usize>| self.raw(range.start) as usize..self.raw(range.end) as usize;
        let source = (!layer.source.is_empty()).then(|| to_line(&layer.source));
        let time = layer.time.filter(|(time, _)| self.time.is_none_or(|known| time.rank() >= known.rank()));
        let time = time.map(|(time, at)| (time, to_line(&at)));
        if let Some(source) = source {
            self.source = source;
        }
        if let Some((time, at)) = time {
            self.time = Some(time);
            self.time_at = at;
        }
        if layer.carrier.is_logger() && self.logged.is_none() {
            self.logged = Some((self.layers.len(), self.content.clone()));
        }
        if layer.record != Record::Unknown {
            self.record = layer.record;
            self.stream = layer.stream;
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

#[cfg(test)]
mod tests;
