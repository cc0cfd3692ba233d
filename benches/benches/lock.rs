//! The stage "lock": reading a lockfile, choosing what a target gets, writing it again.
//!
//! Input: the lock of a telemetry layer in `lockfiles/`: 25 packages with addresses and digests of real
//! length. Unit: packages.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput};
use layerpress_lock::{Pylock, Selection};
use layerpress_python::lockfile::pins;

const LOCK: &str = include_str!("../../lockfiles/telemetry/expected/pylock.toml");

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let lock = Pylock::parse(LOCK).expect("the lock is one");
    let target = lock.targets[0];
    let mut group = criterion.benchmark_group(format!("lock of {} packages", lock.packages.len()));
    group.throughput(Throughput::Elements(lock.packages.len() as u64));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Pylock::parse(black_box(LOCK)).expect("the lock is one"));
    });
    group.bench_function("select and pin", |bencher| {
        bencher.iter(|| {
            let packages = lock
                .select(&target, &Selection::default())
                .expect("it serves");
            pins(&lock, &packages, &target, Path::new(".")).expect("it has the files")
        });
    });
    group.bench_function("write anew", |bencher| bencher.iter(|| lock.write(None)));
    group.bench_function("write over itself", |bencher| {
        bencher.iter(|| lock.write(Some(LOCK)));
    });
    group.finish();
    criterion.final_summary();
}
