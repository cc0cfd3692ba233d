//! The stage "unpack": from a wheel's archive to its files, proven.
//!
//! Input: a generated wheel of 1,500 modules, 30 MB inflated, about that of a large library. The
//! first look inflates each file and holds it against RECORD; by receipt, a fast checksum of each
//! stream is enough. Unit: bytes, inflated.

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use layerpress_benches::source_code;
use layerpress_fetch::Store;
use layerpress_python::wheel::{UnpackOptions, WheelFile, unpack};
use layerpress_tests::Wheel;
use layerpress_tree::Sha256;
use sha2::Digest as _;

const MODULES: usize = 1_500;
const MODULE_BYTES: usize = 20_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let code = source_code(MODULES + MODULE_BYTES);
    let mut wheel = Wheel::new("bulk", "1.0");
    for number in 0..MODULES {
        // Each its own text: no two streams are alike.
        let text = &code[number..number + MODULE_BYTES];
        wheel = wheel.file(
            &format!("bulk/folder{}/module{number}.py", number / 50),
            text,
        );
    }
    let wheel = wheel.build();
    let archive = Bytes::from(wheel.bytes);
    let file = WheelFile {
        name: &wheel.file_name,
        digest: Sha256(sha2::Sha256::digest(&archive).into()),
        archive,
    };
    let options = UnpackOptions::default();
    let mut group = criterion.benchmark_group(format!(
        "unpack a wheel of {MODULES} files, {} MB, {} MB zipped",
        MODULES * MODULE_BYTES / 1_000_000,
        file.archive.len() / 1_000_000
    ));
    group.throughput(Throughput::Bytes((MODULES * MODULE_BYTES) as u64));
    group.sample_size(10);
    group.bench_function("first look", |bencher| {
        let fresh = || {
            let folder = tempfile::tempdir().expect("a place for a store");
            let store = Store::open(folder.path()).expect("a store");
            (folder, store)
        };
        bencher.iter_batched_ref(
            fresh,
            |(_, store)| unpack(&file, &options, store).expect("sound"),
            BatchSize::PerIteration,
        );
    });
    let folder = tempfile::tempdir().expect("a place for a store");
    let store = Store::open(folder.path()).expect("a store");
    unpack(&file, &options, &store).expect("sound");
    group.bench_function("by receipt", |bencher| {
        bencher.iter(|| unpack(&file, &options, &store).expect("sound"));
    });
    group.finish();
    criterion.final_summary();
}
