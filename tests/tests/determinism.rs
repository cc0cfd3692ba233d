//! One lock, one digest: whatever the machine, the folder, the cache and the neighbours do. What holds
//! for one ecosystem holds for the other: each test takes both.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use layerpress_tests::{LoopbackIndex, LoopbackRegistry, NpmPackage, TestContext, Wheel};
use serde_json::{Value, json};

/// How many packages there are.
const PARTS: u32 = 12;

/// One ecosystem's files.
#[derive(Debug)]
struct Kind {
    manifest: &'static str,
    lock: &'static str,
    /// A manifest that asks for all packages, in the order of a permutation.
    text: fn(fn(u32) -> u32) -> String,
    /// A lock with its packages in another order.
    shuffled: fn(&str) -> String,
}

const KINDS: [Kind; 2] = [
    Kind {
        manifest: "requirements.txt",
        lock: "pylock.toml",
        text: |order| {
            let lines = (0..PARTS).map(|it| format!("part{}\n", order(it)));
            lines.collect()
        },
        shuffled: |lock| {
            let (head, rest) = lock.split_once("[[packages]]").expect("packages");
            let (packages, tail) = rest.split_at(rest.find("[tool.").expect("a table of tools"));
            let mut packages: Vec<&str> = packages.split("[[packages]]").collect();
            packages.reverse();
            packages.swap(0, 5);
            let packages = packages.iter().map(|it| format!("[[packages]]{it}"));
            format!("{head}{}{tail}", packages.collect::<String>())
        },
    },
    Kind {
        manifest: "package.json",
        lock: "package-lock.json",
        text: |order| {
            let names = (0..PARTS).map(|it| format!("\"part{}\": \"1\"", order(it)));
            let names: Vec<String> = names.collect();
            let about = r#""name": "app", "version": "1.0.0""#;
            format!(
                "{{ {about}, \"dependencies\": {{ {} }} }}",
                names.join(", ")
            )
        },
        shuffled: |lock| {
            let lock: Value = serde_json::from_str(lock).expect("JSON");
            let packages = lock["packages"].as_object().expect("packages");
            let entries = packages.iter().rev();
            let mut entries: Vec<String> = entries
                .map(|(place, entry)| format!("{}: {entry}", json!(place)))
                .collect();
            entries.swap(0, 5);
            format!(
                "{{ \"name\": \"app\", \"lockfileVersion\": 3, \"packages\": {{ {} }} }}",
                entries.join(", ")
            )
        },
    },
];

/// An index and a registry with enough packages that a build takes a while, one of them large.
struct World {
    index: LoopbackIndex,
    registry: LoopbackRegistry,
}

impl World {
    fn new() -> Self {
        let world = Self {
            index: LoopbackIndex::start(),
            registry: LoopbackRegistry::start(),
        };
        for number in 0..PARTS {
            let noise = noise(number, if number == 0 { 4_000_000 } else { 60_000 });
            let name = format!("part{number}");
            world.index.add([Wheel::new(&name, "1.0")
                .file(&format!("{name}/data.bin"), noise.clone())
                .build()]);
            world.registry.publish([NpmPackage::new(&name, "1.0.0")
                .file("data.bin", noise)
                .file_with_mode("run", "#!/bin/sh\n", 0o775)
                .build()]);
        }
        world
    }

    fn context(&self) -> TestContext {
        let context = TestContext::new().with_index(&self.index);
        context.with_registry(&self.registry)
    }

    /// A world with a project, its lock and a warm cache, and the layer's digest.
    fn reference(&self, kind: &Kind) -> (TestContext, String) {
        let context = self.context();
        context.write(kind.manifest, (kind.text)(|it| it));
        let build = ["build", kind.manifest, "-o", "reference.zip", "--jobs", "1"];
        context.run(build).expect_code(0);
        let digest = context.layer("reference.zip").sha256;
        (context, digest)
    }

    /// A world with a cold cache and the same project.
    fn cold(&self, kind: &Kind, from: &TestContext) -> TestContext {
        let context = self.context();
        for file in [kind.manifest, kind.lock] {
            context.write(file, from.read(file));
        }
        context
    }
}

/// Bytes that do not press, no two numbers' alike.
fn noise(number: u32, size: usize) -> Vec<u8> {
    let mut state = number;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    noise.take(size).collect()
}

fn start(context: &TestContext, kind: &Kind, output: &str) -> Child {
    context
        .command(["build", kind.lock, "-q", "-o", output])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started")
}

#[test]
fn builds_at_one_moment_with_one_cold_cache_agree() {
    let world = World::new();
    for kind in &KINDS {
        let (first, digest) = world.reference(kind);
        let context = world.cold(kind, &first);
        let outputs = ["one.zip", "two.zip", "three.zip", "four.zip"];
        let started = outputs.iter().map(|it| start(&context, kind, it));
        for mut child in started.collect::<Vec<_>>() {
            assert!(child.wait().expect("it ends").success());
        }
        for output in outputs {
            assert_eq!(context.layer(output).sha256, digest, "{output}");
        }
    }
}

#[test]
fn sudden_death_leaves_a_cache_to_go_on_with() {
    let world = World::new();
    for kind in &KINDS {
        let (first, digest) = world.reference(kind);
        let context = world.cold(kind, &first);
        for round in 1..=8 {
            let mut child = start(&context, kind, "out.zip");
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
        context
            .run(["build", kind.lock, "-o", "out.zip"])
            .expect_code(0);
        assert_eq!(context.layer("out.zip").sha256, digest);
        context.run(["cache", "verify"]).expect_code(0);
    }
}

#[test]
fn the_cache_and_the_threads_do_not_matter() {
    let world = World::new();
    for kind in &KINDS {
        let (first, digest) = world.reference(kind);
        let build = |context: &TestContext, options: &[&str]| {
            let build = ["build", kind.manifest, "--locked", "-o", "out.zip"];
            context.run(build.iter().chain(options)).expect_code(0);
            assert_eq!(context.layer("out.zip").sha256, digest, "{options:?}");
        };
        // Warm.
        build(&first, &["--jobs", "16"]);
        build(&first, &["--offline", "--jobs", "2"]);
        // Half of it gone: archives without receipts, pressed files without archives, and so on.
        for odd in [0, 1] {
            let mut files = Vec::new();
            files_below(first.cache(), &mut files);
            let gone = files.iter().filter(|it| byte_sum(it) % 2 == odd);
            for file in gone {
                fs::remove_file(file).expect("removed");
            }
            build(&first, &["--jobs", "3"]);
        }
        // Cold, with few and many threads.
        for jobs in ["1", "16"] {
            build(&world.cold(kind, &first), &["--jobs", jobs]);
        }
    }
}

fn byte_sum(path: &Path) -> u32 {
    let name = path.file_name().expect("a file").as_encoded_bytes();
    name.iter().map(|&byte| u32::from(byte)).sum()
}

fn files_below(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files_below(&path, files),
            false => files.push(path),
        }
    }
    files.sort();
}

#[test]
fn the_place_the_user_and_the_time_do_not_matter() {
    let world = World::new();
    for kind in &KINDS {
        let (first, digest) = world.reference(kind);
        let elsewhere = world
            .context()
            .with_variable("TZ", "Pacific/Chatham")
            .with_variable("LC_ALL", "tr_TR.UTF-8")
            .with_variable("LANG", "ja_JP.SJIS")
            .with_variable("USER", "someone")
            .with_variable("SOURCE_DATE_EPOCH", "1234567890");
        let folder = "a folder/ünï/deep";
        for file in [kind.manifest, kind.lock] {
            elsewhere.write(&format!("{folder}/{file}"), first.read(file));
            let file = fs::File::options()
                .append(true)
                .open(elsewhere.folder().join(folder).join(file))
                .expect("it is there");
            // Years before and after what a zip can say.
            for years in [5, 150] {
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(years * 31_557_600);
                file.set_modified(time).expect("its time is set");
            }
        }
        let input = format!("{folder}/{}", kind.lock);
        let build = ["build", &input, "-o", "there/out.zip"];
        elsewhere.run(build).expect_code(0);
        let layer = elsewhere.layer("there/out.zip");
        layer.assert_safe_to_attach(&["python/", "nodejs/"]);
        assert_eq!(layer.sha256, digest);
    }
}

#[test]
fn the_order_of_the_lines_does_not_count() {
    let world = World::new();
    for kind in &KINDS {
        let (first, digest) = world.reference(kind);
        let lock = first.read(kind.lock);
        let orders: [fn(u32) -> u32; 3] = [|it| 11 - it, |it| it * 5 % 12, |it| (it + 7) % 12];
        for order in orders {
            let context = world.context();
            context.write(kind.manifest, (kind.text)(order));
            let build = ["build", kind.manifest, "-o", "out.zip"];
            context.run(build).expect_code(0);
            assert_eq!(context.layer("out.zip").sha256, digest);
            let found = context.read(kind.lock);
            // What is the project's own stands behind the packages.
            let packages =
                |lock: &str| lock[..lock.find("[tool.").unwrap_or(lock.len())].to_owned();
            assert_eq!(packages(&found), packages(&lock));
        }
        // Nor does that of the lock's own packages.
        let context = world.cold(kind, &first);
        let shuffled = (kind.shuffled)(&lock);
        assert_ne!(shuffled, lock);
        context.write(kind.lock, shuffled);
        context
            .run(["build", kind.lock, "-o", "out.zip"])
            .expect_code(0);
        assert_eq!(context.layer("out.zip").sha256, digest);
    }
}

#[cfg(unix)]
#[test]
fn the_umask_decides_over_the_files_and_not_over_their_bytes() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new();
    for kind in &KINDS {
        let mut digests = Vec::new();
        for (umask, expected) in [("000", 0o666), ("022", 0o644), ("077", 0o600)] {
            let context = world.context();
            context.write(kind.manifest, (kind.text)(|it| it));
            let shell = ["sh", "-c", "umask $0; exec \"$@\"", umask];
            let output = context.wrapped(&shell, &["build", kind.manifest, "-o", "out.zip"]);
            assert!(output.expect("it runs").status.success());
            for file in ["out.zip", kind.lock] {
                let metadata = fs::metadata(context.folder().join(file)).expect("it is there");
                assert_eq!(metadata.permissions().mode() & 0o777, expected, "{file}");
            }
            digests.push(context.layer("out.zip").sha256);
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "{digests:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_owners_bits_and_links_inside_decide_and_nothing_else() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let world = World::new();
    let build = |modes: [u32; 2], links: bool| {
        let context = world.context();
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
