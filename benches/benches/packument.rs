//! The stage "packument": from a registry's answer to the binary form that the store keeps.
//!
//! Input: generated packuments of 400 versions, as registries give them in full (with scripts, people
//! and a readme) and in the abbreviated form. Unit: bytes of JSON.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use layerpress_node::PackageName;
use layerpress_node::packument::compile;

/// How many versions there are.
const VERSIONS: usize = 400;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let name = PackageName::parse("package").expect("a name");
    for (form, json) in [("full", packument(true)), ("abbreviated", packument(false))] {
        let size = json.len() as f64 / 1_000_000.0;
        let mut group = criterion.benchmark_group(format!(
            "parse a packument of {VERSIONS} versions, {size:.1} MB"
        ));
        group.throughput(Throughput::Bytes(json.len() as u64));
        group.bench_function(form, |bencher| {
            bencher.iter(|| compile(&name, black_box(json.as_bytes())).expect("a packument"));
        });
        group.finish();
    }
    criterion.final_summary();
}

/// What a registry says of a package.
fn packument(full: bool) -> String {
    let versions: Vec<String> = (0..VERSIONS).map(|number| version(number, full)).collect();
    let readme = match full {
        true => format!(
            ",\"readme\":\"{}\"",
            "All that there is to say. ".repeat(2_000)
        ),
        false => String::new(),
    };
    format!(
        "{{\"name\":\"package\",\"dist-tags\":{{\"latest\":\"1.{}.0\"}},\"versions\":{{{}}}{readme}}}",
        VERSIONS - 1,
        versions.join(",")
    )
}

fn version(number: usize, full: bool) -> String {
    let needed: Vec<String> = (0..18)
        .map(|other| format!("\"dependency-{other}\":\"^{}.{other}.0\"", number % 7))
        .collect();
    let more = match full {
        true => format!(
            ",\"scripts\":{{\"test\":\"run {number}\",\"build\":\"make all\"}},\"author\":{{\"name\":\"Somebody\",\
             \"email\":\"somebody@host.example\"}},\"maintainers\":[{}],\"description\":\"{}\"",
            ["{\"name\":\"a\",\"email\":\"a@host.example\"}"; 12].join(","),
            "What it is for. ".repeat(12)
        ),
        false => String::new(),
    };
    format!(
        "\"1.{number}.0\":{{\"name\":\"package\",\"version\":\"1.{number}.0\",\"dependencies\":{{{}}},\
         \"engines\":{{\"node\":\">=18\"}},\"dist\":{{\"integrity\":\"sha512-{}==\",\
         \"tarball\":\"https://registry.example/package/-/package-1.{number}.0.tgz\"}}{more}}}",
        needed.join(","),
        "A".repeat(86)
    )
}
