//! `--jobs`: as many threads as were asked for, and the same bytes.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use layerpress_tests::{Fault, LoopbackIndex, On, Sdist, TestContext, Wheel};

#[test]
fn the_threads_that_work_are_as_many_as_asked_for() {
    let index = LoopbackIndex::start();
    index
        .fault(On::page("app"), Fault::Hang)
        .add([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    for jobs in [1, 3, 7] {
        let mut child = context
            .command(["build", "requirements.txt", "--jobs", &jobs.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        index.forget_requests();
        let asked = Instant::now();
        while index.requests().is_empty() && asked.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let found = (threads(&child, "work-"), threads(&child, "network"));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert_eq!(found.0, jobs, "{found:?}");
        // The file system's work is done on threads of the same name, which come and go.
        assert!(found.1 >= jobs, "{found:?}");
    }
}

#[test]
fn so_many_packages_are_built_at_once() {
    let index = LoopbackIndex::start();
    let context = TestContext::new().with_index(&index);
    let marks = context.home().join("marks");
    fs::create_dir(&marks).expect("a folder");
    // Each build counts those that have begun and not ended, itself among them.
    let backend = format!(
        "import os, time\n\
         def build_wheel(folder, *arguments):\n\
         \x20   mine = os.path.join({marks:?}, str(os.getpid()))\n\
         \x20   open(mine, 'w').close()\n\
         \x20   time.sleep(0.3)\n\
         \x20   most = len(os.listdir({marks:?}))\n\
         \x20   os.remove(mine)\n\
         \x20   if most > 2:\n\
         \x20       raise SystemExit(f'{{most}} builds at once')\n\
         \x20   raise SystemExit('no more than two builds at once')\n"
    );
    let names = ["a", "b", "c", "d", "e", "f"];
    index.add(names.map(|name| Sdist::new(name, "1.0").backend(&backend).build()));
    context.write("requirements.txt", names.join("\n"));
    let run = context.run(["build", "requirements.txt", "--jobs", "2"]);
    run.expect_code(1);
    assert!(
        run.stderr.contains("no more than two builds at once"),
        "{}",
        run.stderr
    );
}

/// How many threads of a process have a name that begins so.
fn threads(child: &Child, name: &str) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).expect("it is running");
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .filter(|comm| comm.starts_with(name))
        .count()
}
