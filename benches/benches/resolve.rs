//! The stage "resolve": from requirements to one version for each package, against an index on
//! this machine.
//!
//! Input: a generated universe of 250 packages with 24 releases each, in layers as real ones are; one
//! package in eight caps what another one's newest releases need, so that the solver has to go back.
//! Unit: packages of the solution.

// The future of a whole resolution is nested deeper than the compiler's default allows.
#![recursion_limit = "256"]

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use layerpress_fetch::{Client, ClientOptions, Silent, Store};
use layerpress_python::index::{Registry, RegistryOptions};
use layerpress_python::manifest::{BuildPolicy, Manifest, Origin, parse_requirement};
use layerpress_python::resolve::{RegistryProvider, Request, resolve};
use layerpress_target::{Arch, Target};
use layerpress_tests::{BuiltPackage, LoopbackIndex, Wheel};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PACKAGES: usize = 250;
const RELEASES: usize = 24;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let index = LoopbackIndex::start();
    index.add(
        (0..PACKAGES)
            .flat_map(|package| (0..RELEASES).map(move |release| release_of(package, release))),
    );
    let world = World::new(&index);
    let warm = tempfile::tempdir().expect("a place for a store");
    let chosen = world.resolve(&warm);
    assert!(chosen > PACKAGES / 2, "{chosen} packages");
    let mut group = criterion.benchmark_group(format!(
        "resolve {chosen} packages of {PACKAGES} with {RELEASES} releases each"
    ));
    group.throughput(Throughput::Elements(chosen as u64));
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(10));
    group.bench_function("warm", |bencher| bencher.iter(|| world.resolve(&warm)));
    group.bench_function("cold, from an index on this machine", |bencher| {
        bencher.iter_batched_ref(
            || tempfile::tempdir().expect("a place for a store"),
            |folder| world.resolve(folder),
            BatchSize::PerIteration,
        );
    });
    group.finish();
    criterion.final_summary();
}

/// The wheel of one release.
fn release_of(package: usize, release: usize) -> BuiltPackage {
    let mut wheel = Wheel::new(&name(package), &format!("1.{release}"));
    // What it needs comes later in the row: a universe without cycles.
    for step in [1, 3, 8, 21] {
        let needed = package + step;
        if needed >= PACKAGES || (package + step).is_multiple_of(3) {
            continue;
        }
        let least = release.saturating_sub(6);
        let capped = package.is_multiple_of(8) && release + 4 > RELEASES && step == 3;
        let most = if capped {
            format!(",<1.{}", RELEASES - 3)
        } else {
            String::new()
        };
        wheel = wheel.requires(&format!("{}>=1.{least}{most}", name(needed)));
    }
    wheel.build()
}

fn name(package: usize) -> String {
    format!("package-{package:03}")
}

/// An index, and what is asked of it.
struct World {
    runtime: Runtime,
    index: url::Url,
    manifest: Manifest,
    target: Target,
}

impl World {
    fn new(index: &LoopbackIndex) -> Self {
        let requirements = (0..5).map(|package| {
            let text = name(package);
            let origin = Origin::new("requirements.txt", None, &text);
            parse_requirement(&text, &origin, None).expect("a requirement")
        });
        Self {
            runtime: Runtime::new().expect("threads"),
            index: index.url().parse().expect("a URL"),
            manifest: Manifest {
                requirements: requirements.collect(),
                ..Manifest::default()
            },
            target: Target {
                runtime: "python3.13".parse().expect("a runtime"),
                arch: Arch::X86_64,
            },
        }
    }

    /// Resolves with what `folder` holds; the number of packages.
    fn resolve(&self, folder: &TempDir) -> usize {
        let store = Store::open(folder.path()).expect("a store");
        let client = Client::new(ClientOptions::default(), store, Arc::new(Silent));
        let options = RegistryOptions {
            index_url: Some(self.index.clone()),
            ..RegistryOptions::default()
        };
        let registry = Arc::new(Registry::new(options, client));
        let provider = RegistryProvider::new(registry, self.target, BuildPolicy::default(), None);
        let request = Request::new(&self.manifest, &self.target).expect("Python's markers");
        let resolution = self.runtime.block_on(resolve(request, Arc::new(provider)));
        resolution.expect("solvable").packages.len()
    }
}
