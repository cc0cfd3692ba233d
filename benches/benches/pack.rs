//! The stage "pack": reading archives, moving streams, writing layers.
//!
//! Input: a generated layer of 6,000 files and 85 MB, about that of pandas, numpy, scipy and boto3.

use std::fs;
use std::hint::black_box;
use std::io;

use criterion::{Criterion, Throughput};
use layerpress_benches::{LAYER_FILES, deflated_source_code, layer, source_code};
use layerpress_pack::{Archive, Level, Limits, compress, read_all, write_file, write_layer};
use layerpress_tree::LayerTree;
use sha2::{Digest, Sha256};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let tree = layer();
    open(&mut criterion, &tree);
    merge(&mut criterion, &tree);
    write(&mut criterion, &tree);
    recode(&mut criterion);
    criterion.final_summary();
}

/// Proving an archive's structure; nothing is inflated. Unit: entries.
fn open(criterion: &mut Criterion, tree: &LayerTree) {
    let mut zip = Vec::new();
    write_layer(tree, &mut zip).expect("memory takes all");
    let mut group = criterion.benchmark_group("open a zip of 6,000 entries, 85 MB");
    group.throughput(Throughput::Elements(LAYER_FILES as u64));
    let limits = Limits::default();
    // Shared, as a mapped archive is: opening must not cost a copy.
    let shared = layerpress_pack::stored(zip.into()).data;
    group.bench_function("structure", |bencher| {
        bencher.iter(|| Archive::open(shared.clone(), &limits).expect("strict"));
    });
    let archive = Archive::open(shared.clone(), &limits).expect("strict");
    group.bench_function("to tree", |bencher| bencher.iter(|| archive.to_tree()));
    group.finish();
}

/// The writer alone, and what it cannot do without: the digest. Unit: bytes of the zip.
fn merge(criterion: &mut Criterion, tree: &LayerTree) {
    let mut zip = Vec::new();
    let written = write_layer(tree, &mut zip).expect("memory takes all");
    let mut group = criterion.benchmark_group("merge 6,000 streams, 85 MB");
    group.throughput(Throughput::Bytes(written.bytes));
    group.sample_size(20);
    group.bench_function("write to nowhere", |bencher| {
        bencher.iter(|| write_layer(tree, &mut io::sink()).expect("takes all"));
    });
    group.bench_function("digest alone", |bencher| {
        bencher.iter(|| black_box(Sha256::digest(&zip)));
    });
    group.finish();
}

/// The finished file, beside a bare copy of the same bytes. Unit: bytes of the zip.
fn write(criterion: &mut Criterion, tree: &LayerTree) {
    let folder = tempfile::tempdir().expect("a place for the layer");
    let path = folder.path().join("layer.zip");
    let written = write_file(tree, &path).expect("writable");
    let mut group = criterion.benchmark_group("write a layer file of 85 MB");
    group.throughput(Throughput::Bytes(written.bytes));
    group.sample_size(10);
    group.bench_function("layer", |bencher| {
        bencher.iter(|| write_file(tree, &path).expect("writable"));
    });
    let copy = folder.path().join("copy.zip");
    group.bench_function("copy of the layer, unsynced", |bencher| {
        bencher.iter(|| fs::copy(&path, &copy).expect("writable"));
    });
    group.finish();
}

/// Inflating and pressing. Unit: bytes of the file, not of the stream.
fn recode(criterion: &mut Criterion) {
    const SIZE: usize = 4_000_000;
    let code = source_code(SIZE);
    let content = deflated_source_code(SIZE);
    let mut group = criterion.benchmark_group("recode 4 MB of source code");
    group.throughput(Throughput::Bytes(SIZE as u64));
    group.sample_size(10);
    group.bench_function("inflate and verify", |bencher| {
        bencher.iter(|| read_all(&content).expect("honest"));
    });
    for (name, level) in [("press fast", Level::Fast), ("press best", Level::Best)] {
        group.bench_function(name, |bencher| bencher.iter(|| compress(&code, level)));
    }
    group.finish();
}
