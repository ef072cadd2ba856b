//! The memory limit that gives a goal: the heap's part of it, and what is not heap.

/// Releases that keep 3 % of the goal free below the limit, and not 1 MiB (`memoryLimitHeapGoalHeadroomPercent` in
/// `runtime/mgcpacer.go`): the first minor.
const HEADROOM_IS_SHARE_SINCE: u8 = 21;

/// The share of the limit's heap that is left free since then.
const HEADROOM: f64 = 0.03;

/// Releases whose heap bitmap lies beside the heap, a 32nd of it: the last minor. Since then it lies in the spans.
const LAST_WITH_BITMAP_BESIDE: u8 = 21;

/// Memory that is not heap objects, MB: at least, most likely and at most this, and this part of the goal.
///
/// Measured, see the page. At most: a heap with holes, or more threads than usual.
const NON_HEAP: [(f64, f64); 3] = [(2.0, 0.015), (6.5, 0.03), (12.0, 0.10)];

/// The same of releases with the heap bitmap beside the heap.
const NON_HEAP_WITH_BITMAP: [(f64, f64); 3] = [(5.0, 0.04), (9.0, 0.06), (15.0, 0.14)];

/// What a MB of printed stacks, which are the part that is scanned, takes in memory: at least, most likely and at most.
const PER_STACK_MB: [f64; 3] = [1.0, 1.3, 3.0];

/// The limit that gives this goal, MB, in a release: at least, most likely and at most.
pub(super) fn limit_for(goal_mb: f64, stacks_mb: f64, non_heap_mb: Option<f64>, minor: u8) -> [f64; 3] {
    let with_headroom =
        if minor >= HEADROOM_IS_SHARE_SINCE { (goal_mb + 0.5) / (1.0 - HEADROOM) } else { goal_mb + 1.0 };
    let parts = if minor <= LAST_WITH_BITMAP_BESIDE { NON_HEAP_WITH_BITMAP } else { NON_HEAP };
    std::array::from_fn(|idx| {
        let (least, share) = parts[idx];
        let estimated = least + share * goal_mb + PER_STACK_MB[idx] * stacks_mb;
        // MemStats are of one moment: a tenth either way.
        let known = non_heap_mb.map(|non_heap| non_heap * [0.9, 1.0, 1.1][idx]);
        with_headroom + known.unwrap_or(estimated)
    })
}
