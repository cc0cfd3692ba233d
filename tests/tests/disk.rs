//! Disks that are full and folders that may not be written: a clear error, and nothing half-written.

#![cfg(target_os = "linux")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use layerpress_tests::{BuiltPackage, LoopbackIndex, TestContext, Wheel, not_run};

/// A file cannot be read or written.
const IO: i32 = 5;

#[test]
fn a_full_disk_under_the_cache() {
    let (_index, context) = world();
    let expected = context.build(&["--compression", "best"]).sha256;
    for kilobytes in [4, 64, 512] {
        let (_index, context) = world();
        let arguments = ["build", "requirements.txt", "-o", "out.zip"];
        let options = ["--runtime", "python3.13", "--compression", "best"];
        let arguments = [&arguments[..], &options].concat();
        let Some(output) = on_a_small_disk(&context, context.cache(), kilobytes, &arguments) else {
            return;
        };
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        for word in ["no space left for the cache", "`layerpress cache prune`"] {
            assert!(told.contains(word), "no `{word}` in {told}");
        }
        assert_eq!(told.matches("warning: ").count(), 1, "{told}");
        assert!(
            !text(&output.stdout).contains("part-"),
            "left: {}",
            text(&output.stdout)
        );
        assert_eq!(context.layer("out.zip").sha256, expected);
    }
}

#[test]
fn a_full_disk_under_the_output() {
    let (_index, context) = world();
    context.write("small/here", "");
    let arguments = ["build", "requirements.txt", "-o", "small/out.zip"];
    let place = context.folder().join("small");
    let Some(output) = on_a_small_disk(&context, &place, 64, &arguments) else {
        return;
    };
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(IO), "{told}");
    for word in ["small/out.zip", "No space left", "hint: "] {
        assert!(told.contains(word), "no `{word}` in {told}");
    }
    assert_eq!(text(&output.stdout), "", "this was left");
}

#[test]
fn a_full_disk_under_the_lockfile() {
    let (_index, context) = world();
    context.write("small/here", "");
    let place = context.folder().join("small");
    let arguments = ["lock", "requirements.txt", "-o", "small/pylock.toml"];
    // One page, which is taken.
    let Some(output) = on_a_small_disk(&context, &place, 4, &arguments) else {
        return;
    };
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(IO), "{told}");
    assert!(told.contains("small/pylock.toml"), "{told}");
    assert_eq!(text(&output.stdout), "", "this was left");
}

#[test]
fn folders_that_only_others_may_write() {
    let (_index, context) = world();
    for folder in ["out", "project", "cache"] {
        fs::create_dir(context.folder().join(folder)).expect("a folder");
    }
    context.write("project/requirements.txt", "heavy\n");
    let Some(nobody) = Nobody::of(&context) else {
        return;
    };
    for (folder, arguments) in [
        ("out", ["build", "requirements.txt", "-o", "out/layer.zip"]),
        (
            "project",
            ["lock", "project/requirements.txt", "--jobs", "1"],
        ),
    ] {
        mode(&context.folder().join(folder), 0o555);
        let output = nobody.run(&context, &arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(IO), "{told}");
        for word in [folder, "cannot be written", "hint: "] {
            assert!(told.contains(word), "no `{word}` in {told}");
        }
        assert!(
            !told.contains(".tmp"),
            "a name that means nothing to the user: {told}"
        );
    }
    mode(&context.folder().join("cache"), 0o555);
    let arguments = ["build", "requirements.txt", "--cache-dir", "cache"];
    let output = nobody.run(&context, &arguments);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("warning: ") && told.contains("cannot be written"),
        "{told}"
    );
}

/// An index with a package that does not fit on a small disk, and a folder that asks for it.
fn world() -> (LoopbackIndex, TestContext) {
    let index = LoopbackIndex::of([heavy()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "heavy\n");
    (index, context)
}

fn heavy() -> BuiltPackage {
    let mut noise = 7_u32;
    let page: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0]
    })
    .take(300_000)
    .collect();
    let wheel = Wheel::new("heavy", "1.0").file("heavy/data.bin", page);
    wheel.build()
}

/// Runs the program with a disk of so many kilobytes in the folder's place; stdout is what was left
/// on that disk. `None` where this machine does not let us mount one, which is said.
fn on_a_small_disk(
    context: &TestContext,
    place: &Path,
    kilobytes: u32,
    arguments: &[&str],
) -> Option<Output> {
    const SCRIPT: &str = "mount -t tmpfs -o size=\"$1\"k tmpfs \"$2\" || exit 99\n\
        echo taken > \"$2/taken\"\n\
        place=$2; shift 2\n\
        \"$@\" >/dev/null; code=$?\n\
        find \"$place\" -type f ! -name CACHEDIR.TAG ! -name taken -printf '%P\\n'\n\
        exit $code\n";
    let mounts = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(place)
        .output();
    if !mounts.is_ok_and(|output| output.status.success()) {
        not_run("a full disk: this machine does not let us mount a small one");
        return None;
    }
    let size = kilobytes.to_string();
    let place = place.display().to_string();
    let shell = ["unshare", "-rm", "sh", "-c", SCRIPT, "sh", &size, &place];
    context.wrapped(&shell, arguments).ok()
}

/// Somebody who is not root.
struct Nobody(Vec<&'static str>);

impl Nobody {
    /// `None` where we are root and cannot become anybody else, which is said.
    fn of(context: &TestContext) -> Option<Self> {
        open_to_all(context);
        let change = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        for prefix in [&[][..], &change] {
            let wrapper = [
                prefix,
                &["sh", "-c", "test $(id -u) != 0 && test -x \"$0\""],
            ]
            .concat();
            if context
                .wrapped(&wrapper, &[])
                .is_ok_and(|output| output.status.success())
            {
                return Some(Self(prefix.to_vec()));
            }
        }
        not_run("folders of others: we are root and cannot be anybody else");
        None
    }

    fn run(&self, context: &TestContext, arguments: &[&str]) -> Output {
        let wrapper = [&self.0[..], &["env"]].concat();
        context
            .wrapped(&wrapper, arguments)
            .expect("it ran a moment ago")
    }
}

fn open_to_all(context: &TestContext) {
    let root = context.folder();
    let root = root.parent().expect("the world's folder");
    mode(root, 0o755);
    for folder in [
        context.folder(),
        context.home(),
        context.temporary(),
        context.cache().to_owned(),
    ] {
        mode(&folder, 0o777);
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
