//! What containers and collectors put in front of a line. One function for each: the outermost layer, if it is theirs.

use super::Carrier;
use super::layer::{Layer, Record, timed};
use super::scanner::Scanner;
use super::time::{epoch, iso, month_day, stamp};

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'/')
}

/// A blank before the content, unless the line ends here.
fn blank_or_end(scan: &mut Scanner<'_>) -> Option<()> {
    if scan.rest().is_empty() { Some(()) } else { scan.text(" ") }
}

pub(super) fn cri(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let time = timed(&mut scan, iso)?;
    scan.text(" std")?;
    scan.text("out").or_else(|| scan.text("err"))?;
    let stream = bytes.get(scan.at - 1).copied();
    scan.text(" ")?;
    let tag = scan.one_of(b"FP")?;
    // More tags may follow, each behind a colon.
    scan.maybe(|scan| {
        scan.text(":")?;
        scan.word()
    });
    blank_or_end(&mut scan)?;
    let layer = Layer::part(Carrier::Cri, scan.at..bytes.len()).at(Some(time));
    Some(Layer { record: if tag == b'P' { Record::Partial } else { Record::Whole }, stream, ..layer })
}

fn priority(scan: &mut Scanner<'_>) -> Option<()> {
    scan.text("<")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text(">")
}

/// RFC 5424. Heroku's drains put the length in front of it and leave the structured data out.
pub(super) fn syslog_5424(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.maybe(|scan| {
        scan.many(1, |byte| byte.is_ascii_digit())?;
        scan.text(" ")
    });
    priority(&mut scan)?;
    scan.text("1 ")?;
    let time = if scan.text("-").is_some() { None } else { Some(timed(&mut scan, iso)?) };
    scan.text(" ")?;
    let source = scan.at;
    for _ in ["host", "application", "process"] {
        scan.word()?;
        scan.text(" ")?;
    }
    let source = source..scan.at - 1;
    scan.word()?;
    scan.text(" ")?;
    let has_data = scan.maybe(|scan| {
        if scan.text("-").is_none() {
            structured_data(scan)?;
        }
        blank_or_end(scan)
    });
    if has_data.is_some() {
        scan.text("\u{feff}");
    }
    Some(Layer::part(Carrier::Syslog5424, scan.at..bytes.len()).from(source).at(time))
}

/// Bracketed elements, one after the other; a bracket inside quotes does not end one.
fn structured_data(scan: &mut Scanner<'_>) -> Option<()> {
    scan.text("[")?;
    loop {
        scan.many(0, |byte| !matches!(byte, b'"' | b']'))?;
        if scan.text("\"").is_some() {
            while scan.text("\"").is_none() {
                scan.many(0, |byte| !matches!(byte, b'"' | b'\\'))?;
                if scan.text("\\").is_some() {
                    scan.at += 1;
                }
                scan.rest().first()?;
            }
            continue;
        }
        scan.text("]")?;
        if scan.text("[").is_none() {
            return Some(());
        }
    }
}

/// `unit[pid]: ` or `unit: `, the tag of syslog and journald.
fn tag(scan: &mut Scanner<'_>) -> Option<()> {
    scan.many(1, |byte| !matches!(byte, b' ' | b'\t' | b'[' | b']' | b':' | b'"' | b'@' | b'='))?;
    scan.maybe(|scan| {
        scan.text("[")?;
        scan.many(1, |byte| !matches!(byte, b' ' | b']' | b'['))?;
        scan.text("]")
    });
    scan.text(":")?;
    blank_or_end(scan)
}

/// Seconds since the machine started: `[86412.507220]`, as the kernel and `journalctl -o short-monotonic` write it.
pub(super) fn monotonic(scan: &mut Scanner<'_>) -> Option<()> {
    scan.text("[")?;
    scan.many(0, |byte| byte == b' ')?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text(".")?;
    scan.digits(6)?;
    scan.text("]")
}

pub(super) fn syslog(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.maybe(priority);
    let time = timed(&mut scan, stamp).or_else(|| timed(&mut scan, iso)).or_else(|| timed(&mut scan, epoch));
    if time.is_none() {
        scan.maybe(monotonic)?;
    }
    scan.text(" ")?;
    let start = scan.at;
    scan.many(1, |byte| !matches!(byte, b' ' | b'\t' | b'"' | b':' | b'['))?;
    scan.text(" ")?;
    let unit = scan.at;
    tag(&mut scan)?;
    // `SCHED 0ms:` and `forced scvg:` behind a time stamp are no host and unit, `gc7(2):` behind a name is no unit.
    if [start, unit].iter().any(|at| super::begins_trace(&bytes[*at..])) {
        return None;
    }
    let end = bytes[..scan.at].iter().rposition(|byte| *byte == b':').unwrap_or(scan.at);
    Some(Layer::part(Carrier::Syslog, scan.at..bytes.len()).from(start..end).at(time))
}

/// A tag with a process id and nothing before it, as it is left once a time stamp is peeled: `app[web.1]: `.
pub(super) fn tagged(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    tag(&mut scan)?;
    let colon = bytes[..scan.at].iter().rposition(|byte| *byte == b':')?;
    bytes[..colon].ends_with(b"]").then(|| Layer::part(Carrier::Syslog, scan.at..bytes.len()).from(0..colon))
}

pub(super) fn kubectl_prefix(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.text("[pod/")?;
    scan.many(1, |byte| !matches!(byte, b' ' | b']'))?;
    scan.text("]")?;
    let source = 0..scan.at;
    blank_or_end(&mut scan)?;
    Some(Layer::part(Carrier::KubectlPrefix, scan.at..bytes.len()).from(source))
}

/// `web-1  | `, of compose and of `docker service logs`; foreman puts the time of day in front of it.
pub(super) fn compose(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.many(1, is_name)?;
    let source = 0..scan.at;
    scan.many(1, |byte| byte == b' ')?;
    scan.text("|")?;
    blank_or_end(&mut scan)?;
    Some(Layer::part(Carrier::Compose, scan.at..bytes.len()).from(source))
}

/// `#12 3.456 `, of docker build with plain progress: the step, and the seconds since it began.
pub(super) fn buildkit(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.text("#")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    let source = 0..scan.at;
    scan.text(" ")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text(".")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    blank_or_end(&mut scan)?;
    Some(Layer::part(Carrier::Buildkit, scan.at..bytes.len()).from(source))
}

/// `0|api  | `, with the number of the process.
pub(super) fn pm2(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text("|")?;
    scan.many(1, is_name)?;
    let source = 0..scan.at;
    scan.many(0, |byte| byte == b' ')?;
    scan.text("|")?;
    blank_or_end(&mut scan)?;
    Some(Layer::part(Carrier::Pm2, scan.at..bytes.len()).from(source))
}

/// `MESSAGE=` of `journalctl -o export`, indented by `-o verbose`.
pub(super) fn journal_export(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.many(0, |byte| byte == b' ')?;
    scan.text("MESSAGE=")?;
    Some(Layer::part(Carrier::JournalExport, scan.at..bytes.len()))
}

/// `job<TAB>step<TAB>2024-…Z `, as `gh run view --log` puts job and step in front of the log of GitHub Actions.
pub(super) fn github_run(bytes: &[u8]) -> Option<Layer> {
    const MAX_NAMES: usize = 200;
    let within = &bytes[..bytes.len().min(MAX_NAMES)];
    let mut tabs = memchr::memchr_iter(b'\t', within);
    let (first, second) = (tabs.next()?, tabs.next()?);
    let mut scan = Scanner::new(bytes);
    scan.at = second + 1;
    scan.text("\u{feff}");
    let start = scan.at;
    iso(&mut scan)?;
    (first > 0 && second > first + 1).then(|| Layer::part(Carrier::GithubRun, start..bytes.len()))
}

/// `2024-01-17T02:56:46.000000Z 01E `, with the number of the stream; a `+` for the last blank continues a line.
pub(super) fn gitlab(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let time = timed(&mut scan, iso)?;
    scan.text(" ")?;
    let hex = |scan: &mut Scanner<'_>| scan.one_of(b"0123456789abcdef").map(|_| ());
    hex(&mut scan)?;
    hex(&mut scan)?;
    scan.one_of(b"OE")?;
    if !scan.rest().is_empty() {
        scan.one_of(b" +")?;
    }
    Some(Layer::part(Carrier::Gitlab, scan.at..bytes.len()).at(Some(time)))
}

/// logcat's `threadtime`, `time`, `brief` and `tag`, and the window of Android Studio.
pub(super) fn logcat(bytes: &[u8]) -> Option<Layer> {
    let digits = |scan: &mut Scanner<'_>| scan.many(1, |byte| byte.is_ascii_digit()).map(|_| ());
    let blanks = |scan: &mut Scanner<'_>| scan.many(1, |byte| byte == b' ').map(|_| ());
    let level = |scan: &mut Scanner<'_>| scan.one_of(b"VDIWEFA").map(|_| ());
    let mut scan = Scanner::new(bytes);
    let time = timed(&mut scan, iso).or_else(|| timed(&mut scan, |scan| month_day(scan, "-")));
    if time.is_some() {
        blanks(&mut scan)?;
    }
    let start = scan.at;
    // `1234  5678 E GoLog   : ` behind a time.
    let threadtime = |scan: &mut Scanner<'_>| {
        digits(scan)?;
        let source = start..scan.at;
        blanks(scan)?;
        digits(scan)?;
        blanks(scan)?;
        level(scan)?;
        blanks(scan)?;
        scan.many(1, |byte| byte != b':')?;
        scan.text(":")?;
        Some(source)
    };
    // `1234-5678  GoLog   com.example.api   E  ` behind a time.
    let studio = |scan: &mut Scanner<'_>| {
        digits(scan)?;
        let source = start..scan.at;
        scan.text("-")?;
        digits(scan)?;
        for _ in ["tag", "package"] {
            blanks(scan)?;
            scan.word()?;
        }
        blanks(scan)?;
        level(scan)?;
        scan.text(" ")?;
        Some(source)
    };
    // `E/GoLog ( 1234): ` and `E/GoLog: `.
    let brief = |scan: &mut Scanner<'_>| {
        level(scan)?;
        scan.text("/")?;
        scan.many(1, |byte| !matches!(byte, b'(' | b':' | b'/'))?;
        let mut source = 0..0;
        if scan.text("(").is_some() {
            scan.many(0, |byte| byte == b' ')?;
            let pid = scan.at;
            digits(scan)?;
            source = pid..scan.at;
            scan.text(")")?;
        }
        scan.text(":")?;
        Some(source)
    };
    let of_time = |scan: &mut Scanner<'_>| scan.maybe(threadtime).or_else(|| scan.maybe(studio));
    let source = time.as_ref().and_then(|_| of_time(&mut scan)).or_else(|| scan.maybe(brief))?;
    blank_or_end(&mut scan)?;
    Some(Layer::part(Carrier::Logcat, scan.at..bytes.len()).from(source).at(time))
}

/// The labels that logcli puts between time and text: `{pod="api-1", stream="stderr"} `.
pub(super) fn loki(bytes: &[u8]) -> Option<Layer> {
    const NAMES: [&[u8]; 4] = [b"pod", b"container", b"instance", b"filename"];
    let mut scan = Scanner::new(bytes);
    scan.text("{")?;
    let mut source = 0..0;
    loop {
        scan.many(0, |byte| byte == b' ')?;
        let name = scan.many(1, |byte| byte.is_ascii_alphanumeric() || byte == b'_')?;
        scan.text("=\"")?;
        let start = scan.at;
        while scan.text("\"").is_none() {
            scan.many(0, |byte| !matches!(byte, b'"' | b'\\'))?;
            if scan.text("\\").is_some() {
                scan.at += 1;
            }
            scan.rest().first()?;
        }
        if source.is_empty() && NAMES.contains(&name) {
            source = start..scan.at - 1;
        }
        if scan.text("}").is_some() {
            break;
        }
        scan.text(",")?;
    }
    if !scan.rest().is_empty() {
        scan.one_of(b" \t")?;
    }
    Some(Layer::part(Carrier::Loki, scan.at..bytes.len()).from(source))
}
