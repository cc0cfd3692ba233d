//! The lockfiles in `lockfiles/`: made again from the real index, and built into the layers expected
//! of them. Needs the network.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use layerpress_tests::TestContext;

/// What every manifest in `lockfiles/` was locked with.
const CUTOFF: &str = "2026-11-01";

/// The variable that has the table of digests written instead of compared.
const WRITE: &str = "LAYERPRESS_WRITE_DIGESTS";

#[test]
fn every_manifest_gives_the_lockfile_expected_of_it() {
    let mut compared = 0;
    for entry in fs::read_dir(lockfiles()).expect("the folder of lockfiles") {
        let project = entry.expect("an entry").path();
        let Ok(expected) = fs::read_to_string(project.join("expected/pylock.toml")) else {
            continue;
        };
        let context = real_world();
        context.write(
            "requirements.txt",
            fs::read(project.join("requirements.txt")).expect("a manifest"),
        );
        let mut arguments = vec!["lock", "requirements.txt", "--exclude-newer", CUTOFF];
        arguments.extend(["--only-binary", ":all:"]);
        let targets = targets(&expected);
        for (runtime, arch) in &targets {
            arguments.extend(["--runtime", runtime, "--arch", arch]);
        }
        context.run(arguments).expect_code(0);
        let found = rebased(&context.read("pylock.toml"));
        assert_eq!(found, expected, "{}", project.display());
        compared += 1;
    }
    assert!(compared >= 6, "only {compared} lockfiles were found");
}

#[test]
fn every_lockfile_gives_the_layers_expected_of_it() {
    let path = lockfiles().join("digests.txt");
    let table = fs::read_to_string(&path).expect("the table of digests");
    let real = RealAddresses::ask();
    let mut found = String::new();
    let mut locks = BTreeSet::new();
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [lock, runtime, arch, _] if !lock.starts_with('#') => {
                locks.insert(lock);
                let digest = real.digest(lock, runtime, arch);
                writeln!(found, "{lock} {runtime} {arch} {digest}").expect("memory");
            }
            _ => writeln!(found, "{line}").expect("memory"),
        }
    }
    assert!(locks.len() >= 10, "only {locks:?} are built");
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test says by it that the table is to move"
    )]
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, found).expect("the table can be written");
        return;
    }
    assert_eq!(found, table, "see lockfiles/README.md for when these move");
}

/// The index and the registry that are asked when nobody names one: the addresses in `lockfiles/` are
/// examples, and these stand in for them.
struct RealAddresses {
    index: String,
    registry: String,
}

impl RealAddresses {
    fn ask() -> Self {
        let context = real_world();
        context.write("requirements.txt", "idna\n");
        context.write("package.json", r#"{ "dependencies": { "ms": "2" } }"#);
        for manifest in ["requirements.txt", "package.json"] {
            context.run(["lock", manifest]).expect_code(0);
        }
        let between = |file: &str, start: &str, end: &str| {
            let text = context.read(file);
            let (_, rest) = text.split_once(start).expect("an address");
            let (address, _) = rest.split_once(end).expect("its end");
            address.to_owned()
        };
        Self {
            index: between("pylock.toml", "index = \"", "\""),
            registry: between("package-lock.json", "\"resolved\": \"", "ms/-/"),
        }
    }

    /// The digest of the layer that a lock gives for a target.
    fn digest(&self, lock: &str, runtime: &str, arch: &str) -> String {
        let context = real_world();
        let lock = lockfiles().join(lock);
        let name = lock.file_name().expect("a file").to_string_lossy();
        context.write(&name, fs::read(&lock).expect("a lockfile"));
        // Some locks leave it to the manifest what they are for.
        for manifest in ["pyproject.toml", "package.json"] {
            if let Ok(text) = fs::read(lock.with_file_name(manifest)) {
                context.write(manifest, text);
            }
        }
        // The Node.js fixtures of other tools ask for a folder beside them.
        context.write(
            "lib/package.json",
            r#"{ "name": "lib", "version": "1.0.0" }"#,
        );
        let target = ["--runtime", runtime, "--arch", arch];
        let mirror = ["--index-url", &self.index, "--registry", &self.registry];
        let build = ["build", &*name, "-o", "out.zip"];
        context
            .run(build.iter().chain(&target).chain(&mirror))
            .expect_code(0);
        context.layer("out.zip").sha256
    }
}

fn lockfiles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lockfiles")
}

/// A world with the real index and registry, whose downloads are kept between runs.
fn real_world() -> TestContext {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("real-cache");
    TestContext::new().sharing_cache(&cache)
}

/// The targets of a lock, from its `[tool.layerpress]`.
fn targets(lock: &str) -> Vec<(&str, &str)> {
    lock.lines()
        .filter_map(|line| line.trim().strip_prefix("{ runtime = \""))
        .filter_map(|line| line.split_once("\", arch = \""))
        .filter_map(|(runtime, rest)| Some((runtime, rest.split_once('"')?.0)))
        .collect()
}

/// The lock with its addresses rebased, as those in `lockfiles/` are.
fn rebased(lock: &str) -> String {
    let mut lines = Vec::new();
    for line in lock.lines() {
        let line = rebase(line, "index = \"https://", "index.example");
        lines.push(rebase(&line, "url = \"https://", "files.example"));
    }
    lines.join("\n") + "\n"
}

fn rebase(line: &str, before: &str, host: &str) -> String {
    let Some((start, rest)) = line.split_once(before) else {
        return line.to_owned();
    };
    let path = &rest[rest.find('/').expect("a path after the host")..];
    format!("{start}{before}{host}{path}")
}
