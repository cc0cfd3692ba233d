//! The stage "metadata": what a release needs, from METADATA's text and from the form that the store
//! keeps.
//!
//! Input: a generated METADATA of 80 requirements, half of them behind extras, and 60 kB of
//! description, as large frameworks have it. Unit: requirements.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use layerpress_python::Metadata;

const REQUIREMENTS: usize = 80;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let text = text();
    let metadata = Metadata::parse(text.as_bytes()).expect("METADATA");
    assert_eq!(metadata.requires_dist().count(), REQUIREMENTS);
    let kept = metadata.to_stored();
    let mut group = criterion.benchmark_group(format!(
        "metadata of {REQUIREMENTS} requirements, {} kB of text, {} kB kept",
        text.len() / 1000,
        kept.len() / 1000
    ));
    group.throughput(Throughput::Elements(REQUIREMENTS as u64));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Metadata::parse(black_box(text.as_bytes())).expect("METADATA"));
    });
    group.bench_function("open the kept form", |bencher| {
        bencher.iter(|| Metadata::from_stored(black_box(&kept)).expect("whole"));
    });
    group.bench_function("open it and see each requirement", |bencher| {
        bencher.iter(|| {
            let metadata = Metadata::from_stored(black_box(&kept)).expect("whole");
            metadata.requires_dist().count()
        });
    });
    group.finish();
    criterion.final_summary();
}

fn text() -> String {
    let mut text = "Metadata-Version: 2.1\nName: package\nVersion: 1.2.3\n\
                    Requires-Python: >=3.9\nLicense: MIT\n"
        .to_owned();
    for extra in 0..8 {
        writeln!(text, "Provides-Extra: extra-{extra}").expect("a string takes all");
    }
    for number in 0..REQUIREMENTS {
        let marker = match number % 4 {
            0 | 1 => String::new(),
            2 => format!("; extra == \"extra-{}\"", number % 8),
            _ => format!(
                "; python_version >= \"3.{}\" and extra == \"extra-1\"",
                number % 14
            ),
        };
        writeln!(
            text,
            "Requires-Dist: dependency-{number}[a,b]>=1.{number},!=1.5.*,<3{marker}"
        )
        .expect("a string takes all");
    }
    text.push('\n');
    while text.len() < 60_000 {
        text.push_str("A line of the description: it must be passed over, not looked at.\n");
    }
    text
}
