//! One package-lock.json, one digest: whatever the machine, the folder, the cache and the
//! neighbours do.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use layerpress_tests::{LoopbackRegistry, NpmPackage, TestContext};
use serde_json::{Value, json};

/// Enough packages that a build takes a while, one of them large.
fn registry() -> LoopbackRegistry {
    let registry = LoopbackRegistry::start();
    for number in 0..12_u32 {
        let mut state = number;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(if number == 0 { 4_000_000 } else { 60_000 })
        .collect();
        registry.publish([NpmPackage::new(&format!("part{number}"), "1.0.0")
            .file("data.bin", noise)
            .file_with_mode("run", "#!/bin/sh\n", 0o775)
            .build()]);
    }
    registry
}

fn manifest() -> String {
    let names = (0..12).map(|number| (format!("part{number}"), json!("1")));
    let dependencies: Value = Value::Object(names.collect());
    json!({ "name": "app", "version": "1.0.0", "dependencies": dependencies }).to_string()
}

fn reference(registry: &LoopbackRegistry) -> (TestContext, String) {
    let context = TestContext::new().with_registry(registry);
    context.write("package.json", manifest());
    let run = context.run([
        "build",
        "package.json",
        "-o",
        "reference.zip",
        "--jobs",
        "1",
    ]);
    run.expect_code(0);
    let digest = context.layer("reference.zip").sha256;
    (context, digest)
}

/// A world with a cold cache and the same project.
fn cold(registry: &LoopbackRegistry, from: &TestContext) -> TestContext {
    let context = TestContext::new().with_registry(registry);
    for file in ["package.json", "package-lock.json"] {
        context.write(file, from.read(file));
    }
    context
}

fn start(context: &TestContext, output: &str) -> Child {
    context
        .command(["build", "package.json", "--locked", "-q", "-o", output])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started")
}

#[test]
fn neither_threads_nor_cache_nor_place_nor_time_zone_matter() {
    let registry = registry();
    let (first, digest) = reference(&registry);
    let build = |context: &TestContext, options: &[&str]| {
        let build = ["build", "package.json", "-o", "out.zip"];
        context.run(build.iter().chain(options)).expect_code(0);
        assert_eq!(context.layer("out.zip").sha256, digest, "{options:?}");
    };
    build(&first, &["--jobs", "16"]);
    build(&first, &["--offline"]);
    let elsewhere = cold(&registry, &first)
        .with_variable("TZ", "Pacific/Chatham")
        .with_variable("LC_ALL", "tr_TR.UTF-8");
    build(&elsewhere, &["--locked"]);
    // Without the lock the same one is written.
    fs::remove_file(elsewhere.folder().join("package-lock.json")).expect("it is there");
    build(&elsewhere, &["--refresh"]);
    let lock = first.read("package-lock.json");
    assert_eq!(elsewhere.read("package-lock.json"), lock);
}

#[cfg(unix)]
#[test]
fn the_umask_does_not_matter() {
    use std::process::Command;

    let registry = registry();
    let (first, digest) = reference(&registry);
    let context = cold(&registry, &first);
    let plain = context.command(["build", "package.json", "-q", "-o", "out.zip"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(context.folder())
        .env_clear();
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    assert!(shell.status().expect("a shell").success());
    assert_eq!(context.layer("out.zip").sha256, digest);
}

#[test]
fn builds_at_one_moment_with_one_cold_cache_agree() {
    let registry = registry();
    let (first, digest) = reference(&registry);
    let context = cold(&registry, &first);
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
    let registry = registry();
    let (first, digest) = reference(&registry);
    let context = cold(&registry, &first);
    for round in 1..=8 {
        let mut child = start(&context, "out.zip");
        std::thread::sleep(Duration::from_millis(6 * round));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let output = context.folder().join("out.zip");
        if output.exists() {
            let found = context.layer("out.zip").sha256;
            assert_eq!(found, digest, "whole or not at all");
            fs::remove_file(output).expect("removed");
        }
    }
    let run = context.run(["build", "package.json", "--locked", "-o", "out.zip"]);
    run.expect_code(0);
    assert_eq!(context.layer("out.zip").sha256, digest);
    context.run(["cache", "verify"]).expect_code(0);
}
