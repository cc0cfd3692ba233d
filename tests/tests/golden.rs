//! The lockfiles in `lockfiles/`, made again from the real index. Needs the network.

use std::fs;
use std::path::{Path, PathBuf};

use layerpress_tests::TestContext;

/// What every manifest in `lockfiles/` was locked with.
const CUTOFF: &str = "2026-11-01";

#[test]
fn every_manifest_gives_the_lockfile_expected_of_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lockfiles");
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("real-cache");
    let mut compared = 0;
    for entry in fs::read_dir(folder).expect("the folder of lockfiles") {
        let project = entry.expect("an entry").path();
        let Ok(expected) = fs::read_to_string(project.join("expected/pylock.toml")) else {
            continue;
        };
        let context = TestContext::new().sharing_cache(&cache);
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
