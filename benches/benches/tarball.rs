//! The stage "unpack" of Node.js: from a tarball to a tree, the first time and from its pressed copy.
//!
//! Input: 850 generated packages, 60,350 files, 240 MB unpacked; as many as a large project has.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use layerpress_benches::package_tarball;
use layerpress_fetch::Store;
use layerpress_node::tarball::{UnpackOptions, manifests_of, unpack, unpacked};
use layerpress_tree::Sha256;
use rayon::prelude::*;

/// How many packages there are.
const PACKAGES: usize = 850;

/// How many files each has, its manifest included.
const FILES: usize = 71;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().expect("a place for the store");
    let store = Store::open(folder.path()).expect("opens");
    let digests: Vec<Sha256> = (0..PACKAGES)
        .into_par_iter()
        .map(|number| {
            let tarball = package_tarball(number, FILES - 1);
            store.put_archive(&tarball[..]).expect("writable").digest
        })
        .collect();
    first(&mut criterion, &store, &digests[..PACKAGES / 10]);
    pressed(&mut criterion, &store, &digests);
    manifests(&mut criterion, &store, digests[0]);
    criterion.final_summary();
}

/// Inflating, pressing and storing. Unit: files.
fn first(criterion: &mut Criterion, store: &Store, digests: &[Sha256]) {
    let mut group = criterion.benchmark_group("unpack 85 tarballs, 6,035 files, 24 MB");
    group.throughput(Throughput::Elements((digests.len() * FILES) as u64));
    group.sample_size(10);
    group.bench_function("the first time, all cores", |bencher| {
        bencher.iter_batched(
            || {
                for digest in digests {
                    store.forget_pressed(*digest, "fast-1");
                }
            },
            |()| unpack_all(store, digests),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Mapping, checking every stream, building the trees. Unit: files.
fn pressed(criterion: &mut Criterion, store: &Store, digests: &[Sha256]) {
    unpack_all(store, digests);
    let options = UnpackOptions::default();
    let open = |digest: &Sha256| unpacked(*digest, store, &options).expect("whole");
    let mut group = criterion.benchmark_group("unpack 850 tarballs, 60,350 files, 240 MB");
    group.throughput(Throughput::Elements((digests.len() * FILES) as u64));
    group.sample_size(20);
    group.bench_function("from the pressed copies, one core", |bencher| {
        bencher.iter(|| digests.iter().map(open).collect::<Vec<_>>());
    });
    group.bench_function("from the pressed copies, all cores", |bencher| {
        bencher.iter(|| digests.par_iter().map(open).collect::<Vec<_>>());
    });
    group.finish();
}

/// What the resolver asks of a package that is no registry's. Unit: bytes of the tarball.
fn manifests(criterion: &mut Criterion, store: &Store, digest: Sha256) {
    let tarball = store.archive(digest).expect("stored");
    let mut group =
        criterion.benchmark_group("read the manifests of a tarball of 71 files, 280 kB");
    group.throughput(Throughput::Bytes(tarball.len() as u64));
    group.bench_function("inflate and skip", |bencher| {
        bencher.iter(|| black_box(manifests_of("package", &tarball).expect("honest")));
    });
    group.finish();
}

fn unpack_all(store: &Store, digests: &[Sha256]) {
    let options = UnpackOptions::default();
    digests.par_iter().for_each(|digest| {
        let archive = store.archive(*digest).expect("stored");
        let package = unpack("package", &archive, *digest, store, &options);
        black_box(package.expect("honest"));
    });
}
