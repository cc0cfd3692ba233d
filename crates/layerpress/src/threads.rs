//! How many threads work at once: `--jobs`.

use std::num::NonZeroUsize;
use std::thread;

/// Bounds the threads that archives' files are worked on with, all the program's, to `jobs`, or one
/// per processor; gives that number.
///
/// To be called once, before anything is worked on.
pub(crate) fn bounded(jobs: Option<NonZeroUsize>) -> NonZeroUsize {
    let jobs = jobs
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.get())
        .thread_name(|number| format!("work-{number}"))
        .build_global();
    // A system that gives no more threads has it done on those that there are.
    drop(pool);
    jobs
}
