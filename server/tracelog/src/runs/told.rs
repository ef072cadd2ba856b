//! What others say of the end of a process. The kernel and supervisors write as themselves, so their lines come from
//! another source than those of the process; they are counted to the run that they speak of, not as runs of their own.

use super::Run;
use crate::catalog::{Family, kill};
use crate::log::{Log, RowId};

/// Runs before a line that are looked at for the one whose end it tells.
const MAX_RECENT: usize = 64;

impl Run {
    /// The process id that carriers name: `api[4711]`.
    pub fn process_id(&self) -> Option<u64> {
        let source = std::str::from_utf8(&self.source).ok()?;
        source.rsplit_once('[')?.1.split_once(']')?.0.parse().ok()
    }

    /// Whether carriers name this process, unit or container. The kernel cuts names to 15 characters.
    pub fn is_named(&self, name: &str) -> bool {
        const CUT: usize = 15;
        let source = String::from_utf8_lossy(&self.source);
        let mut words = source.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '|' | '/' | ':'));
        words.any(|word| word == name || name.len() == CUT && word.starts_with(name))
    }

    /// Whether all its lines are what others say of a process.
    fn is_told_by_others(&self) -> bool {
        self.n_rows() == self.rows(Family::Kill).len()
    }
}

/// Gives lines about an end to the run that ended there. Those about a process that the log does not show stay a run.
///
/// Runs are expected in the order of time, their rows as well.
pub(super) fn join(list: &mut Vec<Run>, log: &Log) {
    let (mut others, mut own): (Vec<Run>, Vec<Run>) =
        std::mem::take(list).into_iter().partition(Run::is_told_by_others);
    own.sort_by_key(|run| run.lines.0);
    let mut rows: Vec<RowId> = others.iter().flat_map(|run| run.rows(Family::Kill)).copied().collect();
    rows.sort_by_key(|row| log.line(*row));
    let mut given = Vec::new();
    for row in rows {
        if let Some(run) = ended(&own, log, row) {
            let run = &mut own[run];
            run.rows[Family::Kill as usize].push(row);
            run.lines.1 = log.line(row);
            given.push(row);
        }
    }
    given.sort_unstable();
    for run in &mut others {
        let rows = &mut run.rows[Family::Kill as usize];
        rows.retain(|row| given.binary_search(row).is_err());
        let lines = || rows.iter().map(|row| log.line(*row));
        run.lines = lines().min().zip(lines().max()).unwrap_or(run.lines);
    }
    others.retain(|run| run.n_rows() > 0);
    own.append(&mut others);
    own.sort_by_key(|run| run.lines.0);
    *list = own;
}

/// The run that had ended when a line told of it: named there, or else the last one that wrote. None where it began
/// anew since, or others write before and behind the line: theirs it may be.
fn ended(own: &[Run], log: &Log, row: RowId) -> Option<usize> {
    let line = log.line(row);
    let pid = log.code(row, kill::PID);
    let unit = log.text(row, kill::SYSTEMD_UNIT);
    let name = log.text(row, kill::PROCESS).or(log.text(row, kill::CONTAINER));
    let name = name.as_deref().or(unit.as_deref().map(|unit| unit.strip_suffix(".service").unwrap_or(unit)));
    let n_begun = own.partition_point(|run| run.lines.0 < line);
    let recent = || {
        let runs = own[..n_begun].iter().enumerate().rev().take(MAX_RECENT);
        runs.filter(|(_, run)| !matches!((pid, run.process_id()), (Some(a), Some(b)) if a != b))
    };
    let has_pid = |(_, run): &(usize, &Run)| pid.is_some() && run.process_id() == pid;
    let has_name = |(_, run): &(usize, &Run)| name.is_some_and(|name| run.is_named(name));
    let named = recent().find(has_pid).or_else(|| recent().find(has_name));
    let (at, run) = match named {
        Some(named) => named,
        None if recent().any(|(_, run)| run.lines.1 > line) => return None,
        None => recent().max_by_key(|(_, run)| run.lines.1)?,
    };
    let is_after = |other: &Run| other.lines.0 > run.lines.1 && (named.is_none() || other.source == run.source);
    let has_begun_since = own[..n_begun].iter().rev().take(MAX_RECENT).any(is_after);
    (run.lines.1 <= line && !has_begun_since).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::super::Runs;
    use super::*;

    const HEAD: &str = "Apr 12 16:36:20 node-3 ";
    const GC: &str = "0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P";

    /// The lines of each run, from 0, of a journal: cycles of a process, `kill PID`, or the word of systemd.
    fn lines_of(journal: &[&str]) -> Vec<(u32, u32)> {
        let line = |(at, what): (usize, &&str)| match what.split_once(' ') {
            Some(("kill", pid)) => format!(
                "{HEAD}kernel: Memory cgroup out of memory: Killed process {pid} (api) total-vm:1851204kB, \
                 anon-rss:252160kB, file-rss:8192kB, shmem-rss:0kB, UID:0 pgtables:820kB oom_score_adj:0\n"
            ),
            Some(("result", unit)) => format!("{HEAD}systemd[1]: {unit}.service: Failed with result 'oom-kill'.\n"),
            Some((name, n)) => format!("{HEAD}{name}: gc {n} @{at}.031s 4%: {GC}\n"),
            None => panic!("{what}"),
        };
        let text: String = journal.iter().enumerate().map(line).collect();
        Runs::of(&Log::read(text.as_bytes())).list.iter().map(|run| run.lines).collect()
    }

    #[test]
    fn what_the_kernel_and_systemd_say_of_an_end_belongs_to_the_run_that_ended() {
        assert_eq!(lines_of(&["api[7] 1", "api[7] 2", "kill 7", "result api"]), [(0, 3)]);
        assert_eq!(lines_of(&["api[7] 1", "kill 7", "result api", "api[8] 1", "kill 8"]), [(0, 2), (3, 4)]);
    }

    #[test]
    fn of_two_processes_the_one_that_is_named_ended() {
        assert_eq!(lines_of(&["api[7] 1", "web[8] 1", "kill 7"]), [(0, 2), (1, 1)]);
        assert_eq!(lines_of(&["web[8] 1", "api[7] 1", "result web"]), [(0, 2), (1, 1)]);
        assert_eq!(lines_of(&["api[7] 1", "api[8] 1", "kill 7"]), [(0, 2), (1, 1)]);
        assert_eq!(lines_of(&["api[7] 1", "web[8] 1", "result db"]), [(0, 0), (1, 2)], "the last one that wrote");
    }

    #[test]
    fn the_end_of_a_process_that_is_not_in_the_log_is_nobody_s_here() {
        assert_eq!(lines_of(&["api[7] 1", "api[7] 2", "kill 9"]), [(0, 1), (2, 2)]);
        assert_eq!(lines_of(&["kill 7", "api[7] 1"]), [(0, 0), (1, 1)]);
    }
}
