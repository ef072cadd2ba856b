//! Goroutines that come with a connection: an idle one has several of them, in `select` or reading, for as long as it
//! lives. They are counted as connections, not as goroutines.

use std::collections::BTreeMap;

use super::{Alike, Frame, Place, Stack, Wait};

/// Whose connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::rules) enum Kind {
    /// HTTP/1 of net/http's Transport.
    HttpClient,
    /// HTTP/1 of net/http's Server, between requests.
    HttpServer,
    /// HTTP/2 of net/http or x/net.
    Http2Client,
    /// The same, of a server.
    Http2Server,
    /// gRPC, both sides.
    Grpc,
}

impl Kind {
    /// As a message names them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HttpClient => "HTTP client",
            Self::HttpServer => "HTTP server",
            Self::Http2Client => "HTTP/2 client",
            Self::Http2Server => "HTTP/2 server",
            Self::Grpc => "gRPC",
        }
    }

    /// Whether such a connection is closed when nothing uses it for a while: the others live as long as their program.
    pub const fn is_closed_when_idle(self) -> bool {
        matches!(self, Self::HttpClient | Self::HttpServer)
    }
}

/// The goroutines of a connection, by their functions as every compiler writes them.
const ROLES: [(&str, Kind); 17] = [
    ("net/http.persistConn.readLoop", Kind::HttpClient),
    ("net/http.persistConn.writeLoop", Kind::HttpClient),
    ("net/http.http2ClientConn.readLoop", Kind::Http2Client),
    ("http2.ClientConn.readLoop", Kind::Http2Client),
    ("net/http.http2serverConn.serve", Kind::Http2Server),
    ("net/http.http2serverConn.readFrames", Kind::Http2Server),
    ("http2.serverConn.serve", Kind::Http2Server),
    ("http2.serverConn.readFrames", Kind::Http2Server),
    ("net/http.conn.serve", Kind::HttpServer),
    ("net/http.connReader.backgroundRead", Kind::HttpServer),
    ("transport.loopyWriter.run", Kind::Grpc),
    ("transport.http2Server.HandleStreams", Kind::Grpc),
    ("transport.http2Server.keepalive", Kind::Grpc),
    ("transport.http2Client.reader", Kind::Grpc),
    ("transport.http2Client.keepalive", Kind::Grpc),
    // gccgo writes the path of a package with underscores.
    ("net_1http.persistConn.readLoop", Kind::HttpClient),
    ("net_1http.persistConn.writeLoop", Kind::HttpClient),
];

/// Packages that may stand between such a goroutine and what it waits for. Anything else is the program at work on it.
const CARRIERS: [&str; 13] = [
    "runtime.",
    "runtime/",
    "internal/",
    "sync.",
    "syscall.",
    "net.",
    "net/http.",
    "net/textproto.",
    "crypto/tls.",
    "bufio.",
    "io.",
    "io/ioutil.",
    "time.",
];

/// Index into [`ROLES`] of a goroutine that only serves a connection.
fn role(stack: &Stack) -> Option<usize> {
    for frame in &stack.frames {
        let plain = frame.plain();
        if let Some(at) = ROLES.iter().position(|(function, _)| is_function(&plain, function)) {
            return Some(at);
        }
        if !is_of_carrier(frame) {
            return None;
        }
    }
    None
}

/// Vendored packages have a path before their name.
fn is_function(plain: &str, function: &str) -> bool {
    plain.strip_suffix(function).is_some_and(|path| path.is_empty() || path.ends_with('/'))
}

fn is_of_carrier(frame: &Frame) -> bool {
    let function = &frame.function;
    CARRIERS.iter().any(|package| function.starts_with(package))
        || function.contains("golang.org/x/net/http2.")
        || function.contains("net/http/internal/http2.")
        || function.contains("google.golang.org/grpc/internal/transport.")
        || function.contains("google.golang.org/grpc/transport.")
}

/// Whose connection a goroutine serves.
pub(in crate::rules) fn kind(stack: &Stack) -> Option<Kind> {
    role(stack).map(|at| ROLES[at].1)
}

/// The connections of one kind that a moment shows.
pub(in crate::rules) struct Connections {
    pub kind: Kind,
    /// How many, by the half that there are most of.
    pub n: usize,
    /// Goroutines that serve them.
    pub n_goroutines: usize,
    /// How many wait for somebody to read a response body to its end, or to close it.
    pub n_waiting_for_body: usize,
    /// The largest group of them.
    pub place: Place,
    /// Minutes of the half that there are most of, rising; nothing for those that print none.
    pub minutes: Vec<u64>,
}

/// The connections among groups, each kind once.
pub(in crate::rules) fn connections(groups: &[Alike]) -> Vec<Connections> {
    let mut by_role: BTreeMap<(Kind, usize), Vec<&Alike>> = BTreeMap::new();
    for group in groups {
        if let Some(at) = role(&group.stack) {
            by_role.entry((ROLES[at].1, at)).or_default().push(group);
        }
    }
    let mut all: Vec<Connections> = Vec::new();
    for ((kind, at), groups) in by_role {
        let n: usize = groups.iter().map(|group| group.n).sum();
        let is_reader = ROLES[at].0.ends_with("persistConn.readLoop");
        let of_body = groups.iter().filter(|group| is_reader && is_waiting_for_body(&group.stack));
        let n_waiting_for_body: usize = of_body.map(|group| group.n).sum();
        let Some(largest) = groups.iter().max_by_key(|group| group.n) else { continue };
        if all.last().is_none_or(|last| last.kind != kind) {
            let place = largest.place;
            all.push(Connections { kind, n: 0, n_goroutines: 0, n_waiting_for_body: 0, place, minutes: Vec::new() });
        }
        let Some(own) = all.last_mut() else { continue };
        own.n_goroutines += n;
        own.n_waiting_for_body += n_waiting_for_body;
        if n > own.n {
            (own.n, own.place) = (n, largest.place);
            own.minutes = groups.iter().flat_map(|group| group.minutes.iter().copied()).collect();
            own.minutes.sort_unstable();
        }
    }
    all
}

/// A `readLoop` that reads is idle or receives a head; one that waits itself waits for the body's reader.
fn is_waiting_for_body(stack: &Stack) -> bool {
    match stack.state {
        Some(_) => stack.state.as_deref() == Some("select"),
        None => {
            stack.wait() != Wait::Io && stack.own().is_some_and(|own| own.plain().ends_with("persistConn.readLoop"))
        }
    }
}
