//! The older files of a rotated set, for the summary of the one that is open.
//!
//! They are looked for only where the setting `join` names the open file, and only in its folder. They are read on the
//! pool, once for each time the text is read whole, and what is kept of them is how their runs begin and end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tower_lsp::gen_lsp_types::Uri;
use tracelog::{Log, Runs};

use crate::config::is_named;
use crate::input::Document;
use crate::joined::{self, Life};
use crate::rotation::Rotation;

use super::uri::path_of;

/// Bytes of older files that are read, unpacked. The newest come first; what is beyond is left out and counted.
const MAX_BYTES: u64 = 256 << 20;

/// What is known of the older files of a document, once somebody has asked.
#[derive(Default)]
pub(super) struct OlderParts(OnceLock<Option<Parts>>);

/// The older files of a set.
struct Parts {
    n_files: usize,
    n_left_out: usize,
    lives: Vec<Life>,
}

impl OlderParts {
    /// What they add to the runs of the document. None where the document is not to be joined, or is alone.
    pub(super) fn before(&self, uri: &Uri, globs: &[String], log: &Log, runs: &Runs) -> Option<ide::Older> {
        let parts = self.0.get_or_init(|| {
            let path = path_of(&uri.0)?;
            is_named(&path, globs, None).then(|| Parts::read(&path, MAX_BYTES)).flatten()
        });
        parts.as_ref().map(|parts| parts.before(&Life::all(log, runs)))
    }
}

impl Parts {
    fn read(path: &Path, max_bytes: u64) -> Option<Self> {
        let (mut read, mut n_left_out, mut room) = (Vec::new(), 0, max_bytes);
        for part in older_parts(path) {
            match read_part(&part, room) {
                Some(document) => {
                    room -= (document.bytes.len() as u64).min(room);
                    read.push(document);
                }
                None => n_left_out += 1,
            }
        }
        let n_files = read.len();
        if n_files + n_left_out == 0 {
            return None;
        }
        let (documents, _) = joined::in_order(read);
        let log = Log::read(&Document::join(documents).bytes);
        Some(Self { n_files, n_left_out, lives: Life::all(&log, &Runs::of(&log)) })
    }

    fn before(&self, lives: &[Life]) -> ide::Older {
        let seconds = |ends: Option<(u64, u64)>| ends.map(|(first, _)| first as f64 / 1000.0);
        let before = |origin: &Life| ide::Before {
            n_cycles: origin.n_cycles,
            n_samples: origin.n_samples,
            first_cycle_s: seconds(origin.cycles_ms),
            first_sample_s: seconds(origin.samples_ms),
        };
        let origin = |life: &Life| life.origin_in(&self.lives).map(|index| before(&self.lives[index]));
        ide::Older {
            n_files: self.n_files,
            n_left_out: self.n_left_out,
            n_runs: self.lives.len(),
            n_cycles: self.lives.iter().map(|life| life.n_cycles).sum(),
            n_samples: self.lives.iter().map(|life| life.n_samples).sum(),
            before: lives.iter().map(origin).collect(),
        }
    }
}

/// The text of a part, if there is room for all of it.
fn read_part(part: &Path, room: u64) -> Option<Document> {
    let n_packed = fs::symlink_metadata(part).ok().filter(fs::Metadata::is_file)?.len();
    if n_packed > room {
        return None;
    }
    let document = Document::read_within(part, room).ok()?;
    // What breaks off would end a run where it did not end.
    (document.cut.is_empty() && document.bytes.len() as u64 <= room).then_some(document)
}

/// The parts of the set that are older than this one, the newest first. Only regular files count.
fn older_parts(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let own = Rotation::of(name);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut parts: Vec<(Rotation, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| Some((Rotation::of(entry.file_name().to_str()?), entry.path())))
        .filter(|(rotation, _)| rotation.stem == own.stem && rotation.age < own.age)
        .collect();
    parts.sort_by(|(a, a_path), (b, b_path)| (&b.age, a.is_packed, a_path).cmp(&(&a.age, b.is_packed, b_path)));
    // While a part is being packed its copy is not whole.
    parts.dedup_by(|(next, _), (kept, _)| next.age == kept.age);
    parts.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gc(n: u64) -> String {
        format!(
            "gc {n} @{n}.000s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P\n"
        )
    }

    fn cycles(numbers: std::ops::Range<u64>) -> String {
        numbers.map(gc).collect()
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// A folder with the set of `app.log`, cycles 1 to 9 in the older files and 10 to 14 in the open one.
    fn set() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("app.log.2.gz", &gzip(&cycles(1..5)));
        write("app.log.1", cycles(5..10).as_bytes());
        write("app.log", cycles(10..15).as_bytes());
        write("other.log.1", cycles(1..99).as_bytes());
        fs::create_dir(folder.path().join("app.log.3")).unwrap();
        let path = folder.path().join("app.log");
        (folder, path)
    }

    fn older_of(path: &Path, max_bytes: u64) -> Option<ide::Older> {
        let log = Log::read(&fs::read(path).unwrap());
        Some(Parts::read(path, max_bytes)?.before(&Life::all(&log, &Runs::of(&log))))
    }

    #[test]
    fn the_run_of_the_open_file_goes_on_from_the_older_ones() {
        let (folder, path) = set();
        let older = older_of(&path, MAX_BYTES).unwrap();
        assert_eq!((older.n_files, older.n_left_out, older.n_runs, older.n_cycles), (2, 0, 1, 9));
        let before = older.before[0].unwrap();
        assert_eq!((before.n_cycles, before.first_cycle_s), (9, Some(1.0)));
        let older = older_of(&folder.path().join("app.log.1"), MAX_BYTES).unwrap();
        assert_eq!((older.n_files, older.n_cycles), (1, 4), "newer files do not count");
        assert!(older_of(&folder.path().join("app.log.2.gz"), MAX_BYTES).is_none(), "the oldest is alone");
    }

    #[test]
    fn a_process_that_started_anew_has_nothing_before_it() {
        let (_folder, path) = set();
        fs::write(&path, cycles(1..4)).unwrap();
        assert_eq!(older_of(&path, MAX_BYTES).unwrap().before, [None]);
    }

    #[test]
    fn what_cannot_be_read_or_is_too_big_is_left_out_and_counted() {
        let (folder, path) = set();
        let packed = gzip(&cycles(1..5));
        fs::write(folder.path().join("app.log.2.gz"), &packed[..packed.len() - 9]).unwrap();
        let older = older_of(&path, MAX_BYTES).unwrap();
        assert_eq!((older.n_files, older.n_left_out, older.n_cycles), (1, 1, 5));
        fs::write(folder.path().join("app.log.2.gz"), gzip(&"x".repeat(10_000))).unwrap();
        let older = older_of(&path, 2_000).unwrap();
        assert_eq!((older.n_files, older.n_left_out), (1, 1), "packed small, unpacked big");
        assert_eq!(older_of(&path, 9).unwrap().n_left_out, 2);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let (folder, path) = set();
        fs::remove_file(folder.path().join("app.log.1")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("other.log.1"), folder.path().join("app.log.1")).unwrap();
        assert_eq!(older_of(&path, MAX_BYTES).unwrap().n_files, 1);
    }

    #[test]
    fn globs_are_about_names_or_paths() {
        let is_named = |glob: &str| is_named(Path::new("/var/log/api/app.log"), &[glob.to_owned()], None);
        for glob in ["app.log", "*.log", "/var/log/*/app.log", "/var/**/*.log", "api/*.log", "**/app.log"] {
            assert!(is_named(glob), "{glob}");
        }
        for glob in ["", "app", "log", "/var/*.log", "log/*.log", "*.txt", "["] {
            assert!(!is_named(glob), "{glob}");
        }
    }
}
