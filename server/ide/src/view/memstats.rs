//! The numbers of `runtime.MemStats` at the end of heap profiles in text, one element a block.

use tracelog::catalog::{memstats, shapes};
use tracelog::{Family, Field, Log, Run};

/// The MemStats blocks of a run, one element a block in every series; NaN where a release prints no such line.
#[derive(Debug, Default, Clone)]
pub struct Memstats {
    /// Line of the block's first number, or of its head; from 0.
    pub line: Vec<u32>,
    /// All memory obtained from the operating system, bytes.
    pub sys_bytes: Vec<f64>,
    /// Objects on the heap, bytes.
    pub heap_alloc_bytes: Vec<f64>,
    /// Heap obtained from the operating system, bytes.
    pub heap_sys_bytes: Vec<f64>,
    /// Free spans, returned or not, bytes.
    pub heap_idle_bytes: Vec<f64>,
    /// Returned to the operating system, bytes (Go 1.1 and later).
    pub heap_released_bytes: Vec<f64>,
    /// Completed cycles.
    pub num_gc: Vec<f64>,
    /// Cycles that the program asked for (Go 1.9 and later).
    pub num_forced_gc: Vec<f64>,
    /// Largest resident size, bytes (Go 1.15 and later).
    pub max_rss_bytes: Vec<f64>,
}

impl Memstats {
    /// Number of blocks.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Memory of the runtime that is not heap objects, bytes: `Sys − HeapIdle − HeapAlloc`, what a memory limit counts
    /// beside them.
    pub fn non_heap_bytes(&self, block: usize) -> f64 {
        self.sys_bytes[block] - self.heap_idle_bytes[block] - self.heap_alloc_bytes[block]
    }

    pub(super) fn of(log: &Log, run: &Run) -> Self {
        let mut blocks = Self::default();
        for row in run.rows(Family::Memstats) {
            let is_head = log.shape(*row) == shapes::MEMSTATS_1_0;
            // A block whose head is torn or cut off begins with its first number.
            let repeats = |(field, series): &(Field, &mut Vec<f64>)| {
                log.value(*row, *field).is_some() && series.last().is_none_or(|value| !value.is_nan())
            };
            if is_head || blocks.columns().iter().any(repeats) {
                blocks.line.push(log.line(*row));
                blocks.columns().into_iter().for_each(|(_, series)| series.push(f64::NAN));
            }
            for (field, series) in blocks.columns() {
                if let (Some(value), Some(last)) = (log.value(*row, field), series.last_mut()) {
                    *last = value;
                }
            }
        }
        blocks
    }

    fn columns(&mut self) -> [(Field, &mut Vec<f64>); 8] {
        [
            (memstats::SYS_BYTES, &mut self.sys_bytes),
            (memstats::HEAP_ALLOC_BYTES, &mut self.heap_alloc_bytes),
            (memstats::HEAP_SYS_BYTES, &mut self.heap_sys_bytes),
            (memstats::HEAP_IDLE_BYTES, &mut self.heap_idle_bytes),
            (memstats::HEAP_RELEASED_BYTES, &mut self.heap_released_bytes),
            (memstats::NUM_GC, &mut self.num_gc),
            (memstats::NUM_FORCED_GC, &mut self.num_forced_gc),
            (memstats::MAX_RSS_BYTES, &mut self.max_rss_bytes),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::fixture::view;

    fn block(idle_mb: u64) -> String {
        format!(
            "heap profile: 27: 6272 [74: 140128] @ heap/1048576\n\n# runtime.MemStats\n# Alloc = 9000000\n\
             # Sys = 80000000\n# HeapAlloc = 9000000\n# HeapSys = 66000000\n# HeapIdle = {}\n# HeapInuse = 1\n\
             # HeapReleased = 1048576\n# NumGC = 7\n# NumForcedGC = 2\n",
            idle_mb << 20
        )
    }

    #[test]
    fn each_block_is_one_element() {
        let log = view(&(block(20) + "\n" + &block(40)));
        let stats = &log.runs[0].memstats;
        assert_eq!((stats.len(), &stats.line[..]), (2, &[2, 15][..]));
        assert_eq!(stats.heap_idle_bytes, [20.0 * 1_048_576.0, 40.0 * 1_048_576.0]);
        assert_eq!((stats.num_gc[1], stats.num_forced_gc[1]), (7.0, 2.0));
        assert_eq!(stats.non_heap_bytes(0), 80e6 - 9e6 - 20.0 * 1_048_576.0);
        assert!(stats.max_rss_bytes[0].is_nan());
    }
}
