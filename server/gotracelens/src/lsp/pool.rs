//! A few threads for work that must not hold up the owner of the state: parsing and answering.
//!
//! One thread takes only quick jobs, so a hover is never behind the parse of another document. A panic ends its job and
//! nothing else.

use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use super::transport::panic_text;

/// Lexing and serde recurse little, but the stack must not be what a hostile log is limited by.
const STACK_BYTES: usize = 16 << 20;
/// More threads gain nothing for one user's open documents.
const MAX_THREADS: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// How long a job may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// About a millisecond.
    Quick,
    /// Anything above.
    Slow,
}

#[derive(Default)]
struct Queues {
    quick: VecDeque<Job>,
    slow: VecDeque<Job>,
}

/// A handle to the threads; cheap to clone. They live as long as the process.
#[derive(Clone)]
pub(super) struct Pool(Arc<(Mutex<Queues>, Condvar)>);

impl Pool {
    /// Starts two threads, or up to four where there are as many processors.
    pub(super) fn start() -> Self {
        let pool = Pool(Arc::default());
        let n_threads = thread::available_parallelism().map_or(2, NonZero::get).clamp(2, MAX_THREADS);
        for idx in 0..n_threads {
            let pool = pool.clone();
            thread::Builder::new()
                .name(format!("lsp-pool-{idx}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    loop {
                        run_guarded(pool.next_job(idx > 0));
                    }
                })
                .expect("a thread can be started at process start");
        }
        pool
    }

    /// Queues a job; jobs of one lane start in the order they are queued.
    pub(super) fn run(&self, lane: Lane, job: impl FnOnce() + Send + 'static) {
        let (queues, wake) = &*self.0;
        let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
        match lane {
            Lane::Quick => queues.quick.push_back(Box::new(job)),
            Lane::Slow => queues.slow.push_back(Box::new(job)),
        }
        // All, because the one that is woken might be the one that takes no slow jobs.
        wake.notify_all();
    }

    fn next_job(&self, takes_slow: bool) -> Job {
        let (queues, wake) = &*self.0;
        let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = queues.quick.pop_front() {
                return job;
            }
            if let Some(job) = takes_slow.then(|| queues.slow.pop_front()).flatten() {
                return job;
            }
            queues = wake.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn run_guarded(job: Job) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
        tracing::error!("a job panicked: {:?}", panic_text(&*panic));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_panic_ends_only_its_job() {
        let pool = Pool::start();
        for _ in 0..100 {
            pool.run(Lane::Slow, || panic!("on purpose"));
            pool.run(Lane::Quick, || panic!("on purpose"));
        }
        let (sender, receiver) = mpsc::channel();
        pool.run(Lane::Slow, move || sender.send(()).unwrap());
        receiver.recv_timeout(LIMIT).unwrap();
    }

    #[test]
    fn quick_jobs_do_not_wait_for_slow_ones() {
        let pool = Pool::start();
        let (blocked, release) = mpsc::channel::<()>();
        let release = Arc::new(Mutex::new(release));
        for _ in 0..2 * MAX_THREADS {
            let release = release.clone();
            pool.run(Lane::Slow, move || {
                // Ends with an error when the test drops the sender.
                let _ = release.lock().unwrap().recv();
            });
        }
        let (sender, receiver) = mpsc::channel();
        pool.run(Lane::Quick, move || sender.send(()).unwrap());
        receiver.recv_timeout(LIMIT).unwrap();
        drop(blocked);
    }
}
