//! The stage "index": a package's page from its JSON to the form that the store keeps, and from that
//! to the versions.
//!
//! Input: generated pages of 200 and of 12,000 files, each with the fields that the large public
//! index states. Unit: files.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use layerpress_python::index::CompiledPage;
use url::Url;

/// Wheels of a release; a source distribution comes on top.
const WHEELS: usize = 19;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let index: Url = "https://index.example/simple/".parse().expect("a URL");
    let url = index.join("package/").expect("a URL");
    for releases in [10, 600] {
        let files = releases * (WHEELS + 1);
        let json = page(releases);
        let read = |json: &[u8]| {
            let name = "package".parse().expect("a name");
            CompiledPage::from_json(name, json, &url).expect("a page")
        };
        let compiled = read(json.as_bytes());
        let versions = compiled.open(&index).expect("whole");
        assert_eq!(versions.shelves()[0].versions().len(), releases);
        let mut group = criterion.benchmark_group(format!(
            "page of {files} files, {} kB of JSON, {} kB kept",
            json.len() / 1000,
            compiled.size() / 1000
        ));
        group.throughput(Throughput::Elements(files as u64));
        group.sample_size(20);
        group.bench_function("JSON to kept form", |bencher| {
            bencher.iter(|| read(black_box(json.as_bytes())));
        });
        group.bench_function("open", |bencher| {
            bencher.iter(|| compiled.open(black_box(&index)).expect("whole"));
        });
        group.bench_function("open and see the newest release", |bencher| {
            bencher.iter(|| {
                let versions = compiled.open(black_box(&index)).expect("whole");
                let files = versions.shelves()[0].files(releases - 1);
                assert_eq!(
                    files.filter(|file| file.yanked().is_none()).count(),
                    WHEELS + 1
                );
            });
        });
        group.finish();
    }
    criterion.final_summary();
}

/// A PEP 691 page of `releases` releases.
fn page(releases: usize) -> String {
    let mut files = Vec::new();
    for release in 0..releases {
        let version = format!("{}.{}.{}", release / 100, release / 10 % 10, release % 10);
        for wheel in 0..WHEELS {
            let python = 8 + wheel % 6;
            let platform = [
                "manylinux_2_17_x86_64.manylinux2014_x86_64",
                "win_amd64",
                "any",
            ];
            let platform = platform[wheel / 6 % 3];
            let number = release * 100 + wheel;
            let name = format!("package-{version}-{number}-cp3{python}-cp3{python}-{platform}.whl");
            files.push(file(number, &name));
        }
        files.push(file(
            release * 100 + 99,
            &format!("package-{version}.tar.gz"),
        ));
    }
    format!(
        r#"{{"meta": {{"api-version": "1.1"}}, "name": "package", "files": [{}]}}"#,
        files.join(", ")
    )
}

fn file(number: usize, name: &str) -> String {
    let mut digest = String::new();
    for at in 0..4_u64 {
        let word = (number as u64 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        write!(digest, "{word:016x}").expect("a string takes all");
    }
    let size = 1_000 + number;
    let url = format!(
        "https://files.example/packages/{}/{}/{name}",
        &digest[..2],
        &digest[2..60]
    );
    format!(
        r#"{{"filename": "{name}", "url": "{url}", "hashes": {{"sha256": "{digest}"}}, "size": {size}, "upload-time": "2026-01-02T03:04:05.678901Z", "requires-python": ">=3.8,!=3.9.0", "yanked": false, "core-metadata": {{"sha256": "{digest}"}}, "data-dist-info-metadata": {{"sha256": "{digest}"}}}}"#
    )
}
