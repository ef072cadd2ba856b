//! Local stand-ins for the parsed log and its questions until they land; this file goes away with them.

pub(crate) mod log {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tracelog::text::{Edited, Text};

    #[derive(Clone)]
    pub(crate) struct Log {
        pub(crate) gc_lines: Arc<Vec<u32>>,
    }

    impl Log {
        pub(crate) fn parse(text: &Text, stop: &AtomicBool) -> Option<Self> {
            let mut gc_lines = Vec::new();
            for line in 0..text.n_lines() {
                if line % 1024 == 0 && stop.load(Ordering::Relaxed) {
                    return None;
                }
                if text.line(line).contains("gc ") {
                    gc_lines.push(line);
                }
            }
            Some(Log { gc_lines: Arc::new(gc_lines) })
        }

        pub(crate) fn edit(&self, text: &Text, _edited: Edited) -> Self {
            Self::parse(text, &AtomicBool::new(false)).unwrap_or_else(|| self.clone())
        }
    }
}

pub(crate) mod ide {
    use tracelog::position::{LineCol, Loc};
    use tracelog::text::Text;

    use super::log::Log;

    pub(crate) struct Snapshot {
        pub(crate) text: Text,
        pub(crate) log: Option<Log>,
    }

    pub(crate) struct Hover {
        pub(crate) loc: Loc,
        pub(crate) markdown: String,
    }

    pub(crate) fn hover(snapshot: &Snapshot, at: LineCol) -> Option<Hover> {
        let line = snapshot.text.line(at.line);
        let start = line.find("gc ")? as u32;
        let loc = Loc { line: at.line, start, end: line.len() as u32 };
        (at.byte >= start).then(|| Hover { loc, markdown: format!("**GC cycle** `{}`", &line[start as usize..]) })
    }

    pub(crate) struct Lens {
        pub(crate) loc: Loc,
        pub(crate) title: String,
    }

    fn gc_locs(snapshot: &Snapshot) -> impl Iterator<Item = Loc> {
        snapshot.log.iter().flat_map(|log| log.gc_lines.iter()).map(|&line| Loc {
            line,
            start: 0,
            end: snapshot.text.line(line).len() as u32,
        })
    }

    pub(crate) fn lenses(snapshot: &Snapshot) -> Vec<Lens> {
        let n = gc_locs(snapshot).count();
        gc_locs(snapshot).take(1).map(|loc| Lens { loc, title: format!("{n} cycles") }).collect()
    }

    #[derive(Clone, Copy)]
    pub(crate) enum Severity {
        Hint,
    }

    pub(crate) struct Diagnostic {
        pub(crate) loc: Loc,
        pub(crate) code: &'static str,
        pub(crate) severity: Severity,
        pub(crate) message: String,
        pub(crate) related: Vec<(Loc, String)>,
    }

    pub(crate) fn diagnostics(snapshot: &Snapshot) -> Vec<Diagnostic> {
        gc_locs(snapshot)
            .filter(|loc| snapshot.text.line(loc.line).contains("(forced)"))
            .map(|loc| Diagnostic {
                loc,
                code: "GC107",
                severity: Severity::Hint,
                message: "forced collection".into(),
                related: vec![(loc, "here".into())],
            })
            .collect()
    }

    pub(crate) struct Symbol {
        pub(crate) name: String,
        pub(crate) detail: String,
        pub(crate) loc: Loc,
        pub(crate) children: Vec<Symbol>,
    }

    pub(crate) fn symbols(snapshot: &Snapshot) -> Vec<Symbol> {
        let child = |loc| Symbol { name: "gc".into(), detail: String::new(), loc, children: Vec::new() };
        gc_locs(snapshot)
            .take(1)
            .map(|loc| Symbol {
                name: "run".into(),
                detail: "1".into(),
                loc,
                children: gc_locs(snapshot).skip(1).map(child).collect(),
            })
            .collect()
    }

    pub(crate) struct Fold {
        pub(crate) start_line: u32,
        pub(crate) end_line: u32,
    }

    pub(crate) fn folding(snapshot: &Snapshot) -> Vec<Fold> {
        let (first, last) = (gc_locs(snapshot).next(), gc_locs(snapshot).last());
        match (first, last) {
            (Some(first), Some(last)) if first.line < last.line => {
                vec![Fold { start_line: first.line, end_line: last.line }]
            }
            _ => Vec::new(),
        }
    }

    pub(crate) struct Token {
        pub(crate) loc: Loc,
        pub(crate) kind: u32,
        pub(crate) modifiers: u32,
    }

    pub(crate) fn tokens(snapshot: &Snapshot, lines: std::ops::Range<u32>) -> Vec<Token> {
        let mut tokens = Vec::new();
        for line in lines {
            let text = snapshot.text.line(line);
            if let Some(start) = text.find("gc ") {
                let start = start as u32;
                tokens.push(Token { loc: Loc { line, start, end: start + 2 }, kind: 0, modifiers: 0 });
                tokens.push(Token { loc: Loc { line, start: start + 3, end: start + 4 }, kind: 1, modifiers: 0 });
            }
        }
        tokens
    }

    pub(crate) struct InlayHint {
        pub(crate) at: LineCol,
        pub(crate) label: String,
    }

    pub(crate) fn inlay_hints(snapshot: &Snapshot) -> Vec<InlayHint> {
        lenses(snapshot)
            .into_iter()
            .map(|lens| InlayHint { at: LineCol { line: lens.loc.line, byte: lens.loc.end }, label: lens.title })
            .collect()
    }
}
