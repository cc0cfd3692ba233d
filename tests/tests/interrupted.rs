//! Ends that come too early: Ctrl-C and its like leave nothing half-written, and what a killed
//! process left is gone after the next run.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use layerpress_tests::{BuiltPackage, Fault, LoopbackIndex, On, Sdist, TestContext, Wheel};

/// How long a busy machine may take for what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_signal_ends_a_download_and_leaves_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (_index, context) = slow_world();
        let mut child = start(&context);
        let unfinished = context.cache().join("tmp");
        wait_until("a download begins", || count(&unfinished) > 0);
        send(signal, &child);
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code), "{signal}");
        assert_eq!(count(&unfinished), 0, "{signal}");
        assert_eq!(context.files(), ["requirements.txt"], "{signal}");
    }
}

#[test]
fn what_a_killed_download_left_goes_with_the_next_run_and_no_other() {
    let (_index, context) = slow_world();
    let unfinished = context.cache().join("tmp");
    let mut killed = start(&context);
    wait_until("a download begins", || count(&unfinished) > 0);
    killed.kill().expect("it can be killed");
    killed.wait().expect("it ends");
    assert_eq!(count(&unfinished), 1);

    let mut living = start(&context);
    wait_until("the next run begins its own", || {
        count(&unfinished) == 1 && living_files(&unfinished) == 1
    });
    context.run(["cache", "size"]).expect_code(0);
    context.run(["cache", "clean"]).expect_code(0);
    assert_eq!(count(&unfinished), 1, "it is still being written");
    send("INT", &living);
    living.wait().expect("it ends");
    assert_eq!(count(&unfinished), 0);
}

#[test]
fn layers_that_a_killed_trial_unpacked_go_with_the_next_one() {
    let index = LoopbackIndex::start();
    index.add([Wheel::new("app", "1.0").file("app.py", "").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let left = [
        "layerpress-smoke-dead01",
        "layerpress-trace-dead01",
        "other",
    ];
    for folder in left {
        fs::create_dir_all(context.temporary().join(folder).join("opt")).expect("a folder");
    }
    let run = |option: &str, value: &str| {
        let build = ["build", "requirements.txt", "--runtime", "python3.13"];
        context.run(build.into_iter().chain([option, value]))
    };
    let is_there = |folder: &str| context.temporary().join(folder).exists();
    let smoke = run("--smoke", "import app");
    if smoke.stderr.contains("no Python 3.13 was found") {
        layerpress_tests::not_run("what a killed smoke test left: there is no Python 3.13");
        return;
    }
    assert_eq!(left.map(is_there), [false, true, true]);
    // Whatever became of it.
    run("--trace", "python3 -c 'import app'");
    assert_eq!(left.map(is_there), [false, false, true]);
}

#[test]
fn what_stands_beside_the_output_goes_unless_its_writer_lives() {
    let index = LoopbackIndex::start();
    index.add([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context
        .write("requirements.txt", "app\n")
        .write("dist/.layerpress-dead01.tmp", "half a layer")
        .write("dist/.layerpress-live01.tmp", "half a layer")
        .write("dist/.layerpress.toml", "the user's own")
        .write(".layerpress-dead02.tmp", "half a lockfile");
    let living = fs::File::open(context.folder().join("dist/.layerpress-live01.tmp"));
    let living = living.expect("it was written");
    living.lock().expect("nobody else holds it");
    let arguments = ["build", "requirements.txt", "-o", "dist/out.zip"];
    context.run(arguments).expect_code(0);
    assert_eq!(
        context.files(),
        [
            "dist/.layerpress-live01.tmp",
            "dist/.layerpress.toml",
            "dist/out.zip",
            "pylock.toml",
            "requirements.txt"
        ]
    );
    drop(living);
}

#[test]
fn a_signal_ends_a_build_from_source_with_its_programs() {
    let index = LoopbackIndex::start();
    let context = TestContext::new().with_index(&index);
    let marker = context.home().join("asleep");
    index.add([sleeper(&marker)]);
    context.write("requirements.txt", "sleeper\n");
    let temporary = context.temporary();
    let mut child = start(&context);
    wait_until("the build begins", || marker.exists());
    let process = fs::read_to_string(&marker).expect("it was written");
    assert_eq!(count(&temporary), 1);
    send("TERM", &child);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    wait_until("the build's own program ends too", || ended(&process));
    assert_eq!(count(&temporary), 0);
}

/// A world in which the wheel comes so slowly that there is time to interrupt it.
fn slow_world() -> (LoopbackIndex, TestContext) {
    let index = LoopbackIndex::start();
    let wheel = Wheel::new("app", "1.0").build();
    let slow = Fault::Slow {
        piece: 16,
        pause: Duration::from_millis(100),
    };
    index.fault(On::file(&wheel.file_name), slow).add([wheel]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    (index, context)
}

/// A source distribution whose build writes down its process and then does nothing for long.
fn sleeper(marker: &Path) -> BuiltPackage {
    let module = format!(
        "import os, time\n\
         def build_wheel(*arguments):\n\
         \x20   marker = {marker:?}\n\
         \x20   with open(marker + '.part', 'w') as part:\n\
         \x20       part.write(str(os.getpid()))\n\
         \x20   os.rename(part.name, marker)\n\
         \x20   time.sleep(600)\n"
    );
    Sdist::new("sleeper", "1.0").backend(&module).build()
}

/// Whether a process has ended, be it that nobody has asked how yet.
fn ended(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

fn start(context: &TestContext) -> Child {
    context
        .command(["build", "requirements.txt", "-o", "out.zip"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status()
        .expect("`kill` is there");
    assert!(sent.success());
}

fn wait_until(what: &str, met: impl Fn() -> bool) {
    let started = Instant::now();
    while !met() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How many files or folders a folder holds; none if it is not there.
fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// How many of a folder's files somebody holds the lock of.
fn living_files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_err()))
        .count()
}
