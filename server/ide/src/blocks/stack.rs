//! Which frame of a stack tells what its goroutine does: narration, lenses and rules name the same one.

use tracelog::blocks::Goroutine;
use tracelog::catalog::frame;
use tracelog::{Log, RowId};

/// A function of a stack and its place, where that is known.
pub(crate) type NamedFrame = (String, Option<RowId>);

/// The functions of a goroutine, innermost first, each with its place.
pub(crate) fn named_frames(log: &Log, entry: &Goroutine) -> Vec<NamedFrame> {
    let function = |row: RowId| log.text(row, frame::FUNCTION).map(|name| name.into_owned());
    entry.frames.iter().filter_map(|(row, place)| Some((function(*row)?, *place))).collect()
}

/// Index of the frame that tells what a goroutine does: the innermost one that is not of the runtime and of packages that
/// wait for others; where there is no such, the innermost one that does not merely say that the program ends.
///
/// In the stack of a panic that ended the process it is the frame that panicked: the runtime leaves its own frames out,
/// and frames called panic further out are those of panics before it.
pub(crate) fn own_frame(named: &[NamedFrame]) -> Option<usize> {
    let telling = || named.iter().position(|(name, _)| !is_of_ending(name));
    frame_from(named, 0).or_else(telling).or((!named.is_empty()).then_some(0))
}

/// Whether a function is one with which the runtime raises a fatal error or a signal: it tells nothing of where.
pub(crate) fn is_of_ending(function: &str) -> bool {
    const NAMES: [&str; 10] = [
        "throw",
        "fatal",
        "fatalthrow",
        "fatalpanic",
        "dopanic",
        "dopanic_m",
        "sigpanic",
        "sighandler",
        "sigtrampgo",
        "sigtramp",
    ];
    function.strip_prefix("runtime.").is_some_and(|name| NAMES.contains(&name))
}

/// Index of the frame that raised a panic that was in flight when the stack was taken: behind the frame called panic.
pub(crate) fn panicking_frame(named: &[NamedFrame], which: Which) -> Option<usize> {
    let is_panic = |(name, _): &NamedFrame| is_panic(name);
    let at = match which {
        Which::Last => named.iter().position(is_panic)?,
        Which::First => named.iter().rposition(is_panic)?,
    };
    frame_from(named, at + 1)
}

/// Which of several panics in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that came first.
    First,
    /// The one that came last.
    Last,
}

/// Whether a frame tells what its goroutine does rather than how it waits.
pub(crate) fn is_own(function: &str) -> bool {
    !is_of_runtime(function) && !is_of_waiting(function)
}

/// Whether a function is of the runtime: what the goroutine itself does stands below it.
pub(crate) fn is_of_runtime(function: &str) -> bool {
    // Functions in C, which the runtime was written in up to Go 1.4, have no package.
    !function.contains('.') || function.starts_with("runtime.") || function.starts_with("runtime/")
}

/// Whether a function is of a module, and not of the standard library: the path of a module begins with a domain.
pub(crate) fn is_of_program(function: &str) -> bool {
    let first = function.split('/').next().unwrap_or(function);
    function.starts_with("main.") || function.contains('/') && first.contains('.')
}

fn is_panic(function: &str) -> bool {
    ["panic", "runtime.panic", "runtime.gopanic"].contains(&function)
}

fn frame_from(named: &[NamedFrame], from: usize) -> Option<usize> {
    named.iter().skip(from).position(|(name, _)| is_own(name)).map(|at| at + from)
}

/// Packages whose frames say how something waits, not what for. gccgo writes `internal/poll` as `internal_1poll`.
fn is_of_waiting(function: &str) -> bool {
    const PACKAGES: [&str; 7] =
        ["sync.", "sync/atomic.", "internal/", "internal_1", "syscall.", "time.Sleep", "os/signal."];
    PACKAGES.iter().any(|package| function.starts_with(package))
}
