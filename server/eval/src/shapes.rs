//! The rules on the live heap over synthetic shapes: catalogue section 15, with thousands of runs a cell.
//!
//! First the plain test of the catalogue over the generated runs, beside the catalogue's own table: it says whether the
//! generator makes what the table was made of. Then the rules over the same runs, and over some of them while they grow.
//! The counts of the first runs are committed; [`check`] counts them again.

pub mod growing;
pub mod heap;
pub mod plain;
pub mod product;
mod table;

use std::thread;

use self::heap::{Draw, HEAPS, Heap, Random, SHAPES, Shape, live_heap};
use self::plain::Plain;
use self::product::Said;

/// Runs of each cell that are counted again by [`check`].
const CHECKED: usize = 40;

/// What to measure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Runs of each shape with each heap.
    #[arg(long, default_value_t = 2000)]
    runs: usize,
    /// Seed of all runs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of these, how many are also looked at while they grow line by line.
    #[arg(long, default_value_t = 40)]
    growing: usize,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    leak: usize,
    slowing: usize,
    step: usize,
}

impl Counts {
    fn add(&mut self, said: Said) {
        self.leak += usize::from(said.leak);
        self.slowing += usize::from(said.slowing);
        self.step += usize::from(said.step);
    }
}

/// One shape with one heap.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    plain: Counts,
    rules: Counts,
    /// Runs which the rules call a leak and the plain test does not, and the other way round.
    only_rules: usize,
    only_plain: usize,
    /// What the rules say about the first runs.
    first: Counts,
    /// Verdicts of a leak that were withdrawn while runs grew, of the plain test and of the rules.
    withdrawn: (usize, usize),
}

/// Measures all cells and writes them as Markdown; also answers whether no cell is worse than the plain test's.
pub fn run(args: &Args) -> (String, bool) {
    table::write(args, &cells(args, measure))
}

/// Counts what the rules say about the first runs, and answers what is worse than in a committed table.
///
/// # Errors
/// A table that does not have the counts.
pub fn check(committed: &str) -> Result<Vec<String>, String> {
    let args = Args { runs: CHECKED, seed: table::seed(committed)?, growing: 0 };
    table::worse(committed, &cells(&args, measure_rules))
}

fn cells(args: &Args, measure: fn(&Shape, &Heap, u64, &Args) -> Cell) -> Vec<[Cell; 3]> {
    thread::scope(|scope| {
        let row = |(idx, shape)| {
            let seed = seed_of(args.seed, idx);
            let cell = move |idx: usize| measure(shape, &HEAPS[idx], seed_of(seed, idx), args);
            scope.spawn(move || std::array::from_fn(cell))
        };
        let rows: Vec<_> = SHAPES.iter().enumerate().map(row).collect();
        rows.into_iter().map(|row| row.join().unwrap_or_default()).collect()
    })
}

/// Shapes and heaps do not share their runs.
const fn seed_of(seed: u64, idx: usize) -> u64 {
    seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add((idx as u64) << 32)
}

/// What the rules say, and nothing else.
fn measure_rules(shape: &Shape, heap: &Heap, seed: u64, args: &Args) -> Cell {
    let mut cell = Cell::default();
    (0..args.runs as u64).for_each(|run| cell.first.add(product::said(&points(shape, heap, seed, run))));
    cell
}

fn measure(shape: &Shape, heap: &Heap, seed: u64, args: &Args) -> Cell {
    let mut cell = Cell::default();
    for run in 0..args.runs {
        let points = points(shape, heap, seed, run as u64);
        let plain = plain::plain(&points);
        cell.plain.leak += usize::from(plain == Plain::Leak);
        cell.plain.slowing += usize::from(plain == Plain::Slowing);
        cell.plain.step += usize::from(plain == Plain::Step);
        let said = product::said(&points);
        cell.rules.add(said);
        if run < CHECKED {
            cell.first.add(said);
        }
        cell.only_rules += usize::from(said.leak && plain != Plain::Leak);
        cell.only_plain += usize::from(!said.leak && plain == Plain::Leak);
        if run < args.growing {
            cell.withdrawn.0 += growing::withdrawals(&points, |prefix| plain::plain(prefix) == Plain::Leak);
            cell.withdrawn.1 += growing::withdrawals(&points, product::is_leak);
        }
    }
    cell
}

fn points(shape: &Shape, heap: &Heap, seed: u64, run: u64) -> Vec<(f64, f64)> {
    live_heap(shape, heap, Draw::of(run), &mut Random::new(seed.wrapping_add(run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_and_told() {
        let args = Args { runs: 3, seed: 5, growing: 0 };
        let (text, _) = run(&args);
        assert_eq!(text, run(&args).0, "same seed, same table");
        for shape in &SHAPES {
            assert!(text.contains(&format!("| {} |", shape.name)), "{} is missing", shape.name);
        }
        let linear = SHAPES.iter().find(|shape| shape.name == "linear +200 %").unwrap();
        let cell = measure(linear, &HEAPS[0], 1, &Args { runs: 10, ..args });
        assert_eq!((cell.plain.leak, cell.rules.leak, cell.first.leak), (10, 10, 10));
    }
}
