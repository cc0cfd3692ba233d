//! One lock, one digest: whatever the machine, the folder, the cache and the neighbours do.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use layerpress_tests::{LoopbackIndex, TestContext, Wheel};

/// Enough packages that a build takes a while, one of them large.
fn index() -> LoopbackIndex {
    let index = LoopbackIndex::start();
    for number in 0..12_u32 {
        let mut state = number;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(if number == 0 { 4_000_000 } else { 60_000 })
        .collect();
        index.add([Wheel::new(&format!("part{number}"), "1.0")
            .file(&format!("part{number}/data.bin"), noise)
            .build()]);
    }
    index
}

fn locked(index: &LoopbackIndex) -> (TestContext, String) {
    let context = TestContext::new().with_index(index);
    let lines: String = (0..12).map(|number| format!("part{number}\n")).collect();
    context.write("requirements.txt", lines);
    context
        .run(["build", "requirements.txt", "-o", "reference.zip"])
        .expect_code(0);
    let digest = context.layer("reference.zip").sha256;
    (context, digest)
}

/// A world with a cold cache that holds the lock alone.
fn cold(index: &LoopbackIndex, from: &TestContext) -> TestContext {
    let context = TestContext::new().with_index(index);
    context.write("pylock.toml", from.read("pylock.toml"));
    context
}

fn start(context: &TestContext, output: &str) -> Child {
    context
        .command(["build", "pylock.toml", "-q", "-o", output])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started")
}

#[test]
fn builds_at_one_moment_with_one_cold_cache_agree() {
    let index = index();
    let (first, digest) = locked(&index);
    let context = cold(&index, &first);
    let outputs = ["one.zip", "two.zip", "three.zip", "four.zip"];
    let children: Vec<Child> = outputs.iter().map(|it| start(&context, it)).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    for output in outputs {
        assert_eq!(context.layer(output).sha256, digest, "{output}");
    }
}

#[test]
fn sudden_death_leaves_a_cache_to_go_on_with() {
    let index = index();
    let (first, digest) = locked(&index);
    let context = cold(&index, &first);
    for round in 1..=8 {
        let mut child = start(&context, "out.zip");
        std::thread::sleep(Duration::from_millis(6 * round));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let output = context.folder().join("out.zip");
        if output.exists() {
            assert_eq!(
                context.layer("out.zip").sha256,
                digest,
                "whole or not at all"
            );
            fs::remove_file(output).expect("removed");
        }
    }
    let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
    run.expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
    context.run(["cache", "verify"]).expect_code(0);
}

#[cfg(unix)]
#[test]
fn the_owners_bits_and_links_inside_decide_and_nothing_else() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let index = index();
    let build = |modes: [u32; 2], links: bool| {
        let context = TestContext::new().with_index(&index);
        context
            .write("layer/python/requirements.txt", "part1\n")
            .write("layer/utils/common_util.py", "X = 1\n")
            .write("layer/utils/run.sh", "#!/bin/sh\n")
            .write("layer/.layerpressignore", "notes/\n")
            .write("layer/notes/todo.md", "-");
        let utils = context.folder().join("layer/utils");
        for (name, mode) in ["common_util.py", "run.sh"].iter().zip(modes) {
            fs::set_permissions(utils.join(name), fs::Permissions::from_mode(mode)).expect("set");
        }
        match links {
            true => symlink("common_util.py", utils.join("same.py")).expect("a link"),
            false => fs::write(utils.join("same.py"), "X = 1\n").expect("a file"),
        }
        context
            .run(["build", "layer", "-o", "out.zip"])
            .expect_code(0);
        let layer = context.layer("out.zip");
        layer.assert_safe_to_attach(&["python/"]);
        assert!(layer.paths().contains(&"python/utils/same.py"));
        assert!(!layer.paths().iter().any(|path| path.contains("todo")));
        layer.sha256
    };
    assert_eq!(build([0o600, 0o700], true), build([0o664, 0o775], false));
}

#[test]
fn the_same_lock_gives_the_same_bytes_everywhere() {
    let index = LoopbackIndex::small_world();
    let first = TestContext::new().with_index(&index);
    first.write("requirements.txt", "app\n");
    first
        .run(["build", "requirements.txt", "-o", "one.zip", "--jobs", "1"])
        .expect_code(0);
    // Warm, with many threads, to another place.
    first
        .run(["build", "requirements.txt", "-o", "two.zip", "--jobs", "16"])
        .expect_code(0);
    // Cold, in another folder, from the lock alone, at another time zone.
    let second = TestContext::new()
        .with_index(&index)
        .with_variable("TZ", "Pacific/Chatham")
        .with_variable("LC_ALL", "tr_TR.UTF-8");
    second.write("elsewhere/pylock.toml", first.read("pylock.toml"));
    second
        .run(["build", "elsewhere/pylock.toml", "-o", "three.zip"])
        .expect_code(0);
    let digest = first.layer("one.zip").sha256;
    assert_eq!(first.layer("two.zip").sha256, digest);
    assert_eq!(second.layer("three.zip").sha256, digest);
}

#[test]
fn the_order_of_the_lines_does_not_count() {
    let index = index();
    let (first, digest) = locked(&index);
    let lock = first.read("pylock.toml");
    let orders: [fn(u32) -> u32; 3] = [|it| 11 - it, |it| it * 5 % 12, |it| (it + 7) % 12];
    for order in orders {
        let context = TestContext::new().with_index(&index);
        let lines: String = (0..12).map(|it| format!("part{}\n", order(it))).collect();
        context.write("requirements.txt", lines);
        context
            .run(["build", "requirements.txt", "-o", "out.zip"])
            .expect_code(0);
        assert_eq!(context.layer("out.zip").sha256, digest);
        let packages = |lock: &str| lock[lock.find("[[packages]]").expect("packages")..].to_owned();
        let found = context.read("pylock.toml");
        let end = |lock: &str| lock.find("[tool.").unwrap_or(lock.len());
        let (found, lock) = (packages(&found), packages(&lock));
        assert_eq!(found[..end(&found)], lock[..end(&lock)]);
    }
}

#[cfg(unix)]
#[test]
fn the_umask_decides_over_the_files_and_not_over_their_bytes() {
    use std::os::unix::fs::PermissionsExt as _;

    let index = LoopbackIndex::small_world();
    let mut digests = Vec::new();
    for (umask, expected) in [("000", 0o666), ("022", 0o644), ("077", 0o600)] {
        let context = TestContext::new().with_index(&index);
        context.write("requirements.txt", "app\n");
        let shell = ["sh", "-c", "umask $0; exec \"$@\"", umask];
        let output = context.wrapped(&shell, &["build", "requirements.txt", "-o", "out.zip"]);
        assert!(output.expect("it runs").status.success());
        for file in ["out.zip", "pylock.toml"] {
            let metadata = fs::metadata(context.folder().join(file)).expect("it is there");
            assert_eq!(metadata.permissions().mode() & 0o777, expected, "{file}");
        }
        digests.push(context.layer("out.zip").sha256);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}
