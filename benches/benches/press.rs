//! The stage "press": an archive's files into the pressed store, beside what deflating alone takes.
//!
//! Input: a wheel's worth of generated source code, 64 files of 64 kB, as deflate streams. Both run on
//! one core, so the ratio of their times is that of processor time.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use layerpress_benches::source_code;
use layerpress_fetch::Store;
use layerpress_pack::{Level, compress};
use layerpress_press::{Passes, Pressing, Profile, Recipe};
use layerpress_tree::{Content, LayerPath, Mode, Sha256};
use libdeflater::{CompressionLvl, Compressor};

/// How many files there are.
const FILES: usize = 64;

/// What each takes, in bytes.
const FILE_BYTES: usize = 64_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let text = source_code(FILES * FILE_BYTES);
    let files: Vec<&[u8]> = text.chunks(FILE_BYTES).collect();
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1);
    let one_core = one_core.build().expect("a thread");
    for (name, level, number) in [("fast", Level::Fast, 6), ("best", Level::Best, 12)] {
        let mut group = criterion.benchmark_group(format!("press 64 files, 4 MB, {name}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.sample_size(10);
        group.bench_function(format!("libdeflate {number} alone, one core"), |bencher| {
            let number = CompressionLvl::new(number).expect("a level");
            let mut compressor = Compressor::new(number);
            bencher.iter(|| deflate_all(&mut compressor, &files));
        });
        group.bench_function("into the store, one core", |bencher| {
            let folder = tempfile::tempdir().expect("a place for the store");
            let store = Store::open(folder.path()).expect("opens");
            let streams: Vec<Content> = files
                .iter()
                .map(|file| compress(file, Level::Fast))
                .collect();
            bencher.iter(|| one_core.install(|| press_all(&store, &streams, level)));
        });
        group.finish();
    }
    criterion.final_summary();
}

fn deflate_all(compressor: &mut Compressor, files: &[&[u8]]) {
    for file in files {
        let mut stream = vec![0; compressor.deflate_compress_bound(file.len())];
        let length = compressor.deflate_compress(file, &mut stream);
        black_box((length.expect("there is room"), stream));
    }
}

fn press_all(store: &Store, streams: &[Content], level: Level) {
    let mut pressing = Pressing::new(Recipe {
        compression: level,
        passes: Passes::of(Profile::None),
    });
    for (number, stream) in streams.iter().enumerate() {
        let path = LayerPath::new(&format!("package/{number}.py")).expect("plain");
        pressing.add_stream(path, Mode::File, stream.clone());
    }
    let saved = pressing.save(store, Sha256([1; 32]), Vec::new());
    black_box(saved.expect("a tree of whole streams"));
}
