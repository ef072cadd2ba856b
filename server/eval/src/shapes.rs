//! The rules on the live heap over synthetic shapes: catalogue section 15, with thousands of runs a cell.
//!
//! First the plain test of the catalogue over the generated runs, beside the catalogue's own table: it says whether the
//! generator makes what the table was made of. Then the rules over the same runs.

pub mod heap;
pub mod plain;
pub mod product;
mod table;

use std::thread;

use self::heap::{HEAPS, Heap, Random, SHAPES, Shape, live_heap};
use self::plain::Plain;

/// What to measure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Runs of each shape with each heap.
    #[arg(long, default_value_t = 2000)]
    runs: usize,
    /// Seed of all runs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    leak: usize,
    slowing: usize,
    step: usize,
}

/// One shape with one heap.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    plain: Counts,
    rules: Counts,
    /// Runs which the rules call a leak and the plain test does not, and the other way round.
    only_rules: usize,
    only_plain: usize,
}

/// Measures all cells and writes them as Markdown; also answers whether no cell is worse than the plain test's.
pub fn run(args: &Args) -> (String, bool) {
    let cells: Vec<[Cell; 3]> = thread::scope(|scope| {
        let start = |(idx, shape)| scope.spawn(move || row(shape, seed_of(args.seed, idx), args.runs));
        let rows: Vec<_> = SHAPES.iter().enumerate().map(start).collect();
        rows.into_iter().map(|row| row.join().unwrap_or_default()).collect()
    });
    table::write(args, &cells)
}

/// Shapes and heaps do not share their runs.
const fn seed_of(seed: u64, idx: usize) -> u64 {
    seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add((idx as u64) << 32)
}

fn row(shape: &Shape, seed: u64, runs: usize) -> [Cell; 3] {
    let mut row = [Cell::default(); 3];
    for (idx, (cell, heap)) in row.iter_mut().zip(&HEAPS).enumerate() {
        *cell = measure(shape, heap, seed_of(seed, idx), runs);
    }
    row
}

fn measure(shape: &Shape, heap: &Heap, seed: u64, runs: usize) -> Cell {
    let mut cell = Cell::default();
    for run in 0..runs as u64 {
        let points = live_heap(shape, heap, &mut Random::new(seed.wrapping_add(run)));
        let plain = plain::plain(&points);
        cell.plain.leak += usize::from(plain == Plain::Leak);
        cell.plain.slowing += usize::from(plain == Plain::Slowing);
        cell.plain.step += usize::from(plain == Plain::Step);
        let said = product::said(&points);
        cell.rules.leak += usize::from(said.leak);
        cell.rules.slowing += usize::from(said.slowing);
        cell.rules.step += usize::from(said.step);
        cell.only_rules += usize::from(said.leak && plain != Plain::Leak);
        cell.only_plain += usize::from(!said.leak && plain == Plain::Leak);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_and_told() {
        let (text, _) = run(&Args { runs: 3, seed: 5 });
        assert_eq!(text, run(&Args { runs: 3, seed: 5 }).0, "same seed, same table");
        for shape in &SHAPES {
            assert!(text.contains(&format!("| {} |", shape.name)), "{} is missing", shape.name);
        }
        let linear = SHAPES.iter().find(|shape| shape.name == "linear +200 %").unwrap();
        assert_eq!(measure(linear, &HEAPS[0], 1, 10).plain.leak, 10);
        assert_eq!(measure(linear, &HEAPS[0], 1, 10).rules.leak, 10);
    }
}
