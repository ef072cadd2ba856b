//! The world without a server around it: parses end when the test says so.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

/// A world whose parses end only when the test says so.
struct Bench {
    world: World,
    events: Receiver<Event>,
    uri: Uri,
}

impl Bench {
    fn open(text: &str) -> Self {
        let (inbox, events) = Inbox::new();
        let mut world = World::new(Pool::start(), inbox);
        let uri = Uri::from("file:///a.log");
        world.open(uri.clone(), 1, text, None);
        Bench { world, events, uri }
    }

    fn change(&mut self, version: i32, text: &str) {
        self.world.change(&self.uri, version, vec![Change { range: None, text: text.into() }]);
    }

    /// Asks a question; the receiver gets the version and the number of lines it saw, or why it saw nothing.
    fn ask(&mut self, needs: Needs) -> Receiver<Result<(i32, u32), &'static str>> {
        let (sender, receiver) = channel();
        let job = Box::new(move |seen: Seen<'_>| {
            let saw = match seen {
                Seen::View(view) => Ok((view.version, view.text.n_lines())),
                Seen::Closed => Err("closed"),
                Seen::Unreadable => Err("unreadable"),
            };
            sender.send(saw).unwrap();
        });
        self.world.ask(Question { uri: self.uri.clone(), needs, about: About::Logs, job });
        receiver
    }

    /// Lets the next parse end.
    fn parsed(&mut self) -> bool {
        match self.events.recv_timeout(LIMIT).unwrap() {
            Event::Parsed { uri, revision, log } => self.world.parsed(&uri, revision, log),
            _ => panic!("only parses post here"),
        }
    }
}

#[test]
fn each_question_is_answered_from_the_text_it_was_asked_about() {
    let mut bench = Bench::open("a");
    let first = bench.ask(Needs::Log);
    bench.change(2, "a\nb");
    let second = bench.ask(Needs::Log);
    bench.change(3, "a\nb\nc");
    let third = bench.ask(Needs::Log);
    let line = bench.ask(Needs::Lines);
    assert!(bench.parsed(), "one parse is enough");
    assert_eq!(first.recv_timeout(LIMIT).unwrap(), Ok((1, 1)));
    assert_eq!(second.recv_timeout(LIMIT).unwrap(), Ok((2, 2)));
    assert_eq!(third.recv_timeout(LIMIT).unwrap(), Ok((3, 3)));
    assert_eq!(line.recv_timeout(LIMIT).unwrap(), Ok((3, 3)));
    bench.change(4, "a");
    assert_eq!(bench.ask(Needs::Log).recv_timeout(LIMIT).unwrap(), Ok((4, 1)), "edits are followed");
}

#[test]
fn questions_about_lines_of_a_big_text_do_not_wait() {
    let mut bench = Bench::open(&"a".repeat(SMALL_BYTES + 1));
    let log = bench.ask(Needs::Log);
    assert_eq!(bench.ask(Needs::Lines).recv_timeout(LIMIT).unwrap(), Ok((1, 1)));
    assert_eq!(bench.ask(Needs::Text).recv_timeout(LIMIT).unwrap(), Ok((1, 1)));
    assert!(log.try_recv().is_err());
    assert!(bench.parsed());
    assert_eq!(log.recv_timeout(LIMIT).unwrap(), Ok((1, 1)));
}

#[test]
fn a_big_change_starts_over() {
    let mut bench = Bench::open("a");
    let first = bench.ask(Needs::Log);
    bench.change(2, &"b\n".repeat(MAX_EDIT_LINES as usize + 1));
    let second = bench.ask(Needs::Log);
    assert!(!bench.parsed(), "of a text that is gone");
    assert_eq!(first.recv_timeout(LIMIT).unwrap(), Ok((1, 1)), "but that somebody asked about");
    assert!(second.try_recv().is_err());
    assert!(bench.parsed());
    assert_eq!(second.recv_timeout(LIMIT).unwrap(), Ok((2, MAX_EDIT_LINES + 2)));
}

#[test]
fn too_many_edits_during_a_parse_start_over() {
    let mut bench = Bench::open("a");
    for version in 2..MAX_EDITS as i32 + 3 {
        bench.change(version, &format!("a\n{version}"));
    }
    let last = bench.ask(Needs::Log);
    assert!(!bench.parsed());
    assert!(bench.parsed());
    assert_eq!(last.recv_timeout(LIMIT).unwrap(), Ok((MAX_EDITS as i32 + 2, 2)));
}

#[test]
fn closing_takes_nothing_from_questions_that_came_before() {
    let mut bench = Bench::open("a");
    let before = bench.ask(Needs::Log);
    bench.world.close(&bench.uri.clone());
    let between = bench.ask(Needs::Log);
    bench.world.open(bench.uri.clone(), 1, "a\nb", None);
    let after = bench.ask(Needs::Log);
    assert_eq!(between.recv_timeout(LIMIT).unwrap(), Err("closed"));
    assert!(!bench.parsed(), "of the document before");
    assert_eq!(before.recv_timeout(LIMIT).unwrap(), Ok((1, 1)));
    assert!(bench.parsed());
    assert_eq!(after.recv_timeout(LIMIT).unwrap(), Ok((1, 2)));
}

#[test]
fn a_failed_parse_fails_its_questions_until_the_text_changes() {
    let mut bench = Bench::open("a");
    let waiting = bench.ask(Needs::Log);
    let Event::Parsed { uri, revision, .. } = bench.events.recv_timeout(LIMIT).unwrap() else { panic!() };
    assert!(!bench.world.parsed(&uri, revision, None));
    assert_eq!(waiting.recv_timeout(LIMIT).unwrap(), Err("unreadable"));
    assert_eq!(bench.ask(Needs::Log).recv_timeout(LIMIT).unwrap(), Err("unreadable"));
    assert_eq!(bench.ask(Needs::Lines).recv_timeout(LIMIT).unwrap(), Ok((1, 1)));
    bench.change(2, "b");
    let changed = bench.ask(Needs::Log);
    assert!(bench.parsed());
    assert_eq!(changed.recv_timeout(LIMIT).unwrap(), Ok((2, 1)));
}

#[test]
fn a_file_that_is_no_log_is_never_parsed() {
    let mut bench = Bench::open("a");
    assert!(bench.parsed());
    bench.world.open(bench.uri.clone(), 2, "GODEBUG=gctrace=1", Some(FileKind::Dotenv));
    bench.change(3, "GODEBUG=\nGOGC=1");
    for needs in [Needs::Lines, Needs::Text, Needs::Log] {
        assert_eq!(bench.ask(needs).recv_timeout(LIMIT).unwrap(), Err("closed"), "as a log it is not there");
    }
    let (sender, seen) = channel();
    let job = Box::new(move |saw: Seen<'_>| {
        let Seen::View(view) = saw else { panic!("it is open") };
        sender.send((view.file, view.text.n_lines(), view.snapshot.parsed.is_some())).unwrap();
    });
    bench.world.ask(Question { uri: bench.uri.clone(), needs: Needs::Log, about: About::Everything, job });
    assert_eq!(seen.recv_timeout(LIMIT).unwrap(), (Some(FileKind::Dotenv), 2, false));
    assert!(bench.events.try_recv().is_err(), "no parse was started");
    bench.world.open(bench.uri.clone(), 4, "a", None);
    assert!(bench.parsed(), "now it is a log again");
}
