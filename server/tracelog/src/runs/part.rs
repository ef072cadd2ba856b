//! A part of the runs of a log, for questions about a stretch of it.

use super::{Run, Runs};
use crate::log::{Log, RowId};

impl Runs {
    /// These runs with the wanted rows only; runs of which nothing is wanted are left out, the others keep their numbers.
    /// What is known of a process from all its lines (releases, who printed it) stays known.
    ///
    /// A run restarts another one only where both are whole at that place: the first line of a stretch is no start.
    pub fn part(&self, log: &Log, is_wanted: impl Fn(RowId) -> bool) -> Self {
        let part_of = |run: &Run| {
            let rows: Vec<Vec<RowId>> =
                run.rows.iter().map(|rows| rows.iter().copied().filter(|row| is_wanted(*row)).collect()).collect();
            let lines = || rows.iter().flatten().map(|row| log.line(*row));
            let lines = (lines().min()?, lines().max()?);
            Some(Run { lines, rows, ..run.clone() })
        };
        let mut list: Vec<Run> = self.list.iter().filter_map(part_of).collect();
        let ends: Vec<(usize, u32)> = list.iter().map(|run| (run.number, run.lines.1)).collect();
        let end_of =
            |number: usize| ends.binary_search_by_key(&number, |(number, _)| *number).ok().map(|at| ends[at].1);
        for run in &mut list {
            let is_start = run.lines.0 == self.list[run.number].lines.0;
            run.restarts = run.restarts.filter(|other| is_start && end_of(*other) == Some(self.list[*other].lines.1));
            run.interleaved.retain(|other| end_of(*other).is_some());
        }
        Self { list, is_part: true }
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Family, gc};

    use super::*;

    const TWO_LIVES: &str = "\
gc 1 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
gc 2 @0.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
gc 3 @0.061s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
gc 1 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
gc 1 @0.021s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
";

    #[test]
    fn a_part_has_the_wanted_rows_and_remembers_which_run_is_which() {
        let log = Log::read(TWO_LIVES.as_bytes());
        let runs = Runs::of(&log);
        assert_eq!(runs.list.len(), 3);
        let numbers = |part: &Runs| part.list.iter().map(|run| run.number).collect::<Vec<_>>();
        let part = runs.part(&log, |row| [1, 2, 4].contains(&log.line(row)));
        assert_eq!(numbers(&part), [0, 2]);
        assert_eq!((part.list[0].lines, part.list[1].lines), ((1, 2), (4, 4)));
        let cycles = part.list[0].rows(Family::Gc).iter().map(|row| log.code(*row, gc::N));
        assert_eq!(cycles.collect::<Vec<_>>(), [Some(2), Some(3)]);
        assert_eq!(part.list[1].restarts, None, "the run before it is left out");
        let part = runs.part(&log, |row| log.line(row) > 1);
        assert_eq!(part.list.iter().map(|run| run.restarts).collect::<Vec<_>>(), [None, Some(0), Some(1)]);
        let part = runs.part(&log, |row| log.line(row) < 2 || log.line(row) > 2);
        assert_eq!(part.list[1].restarts, None, "the end of the run before it is left out");
        let none = runs.part(&log, |_| false);
        assert!(none.list.is_empty() && none.is_part);
    }
}
