//! `shrink`: anybody's layer in, a smaller one out, and the one that came in as it was.

use std::fs;
use std::io::{Cursor, Write as _};

use layerpress_tests::{LINK, TestContext, foreign_zip};
use zip::write::SimpleFileOptions;

/// The request cannot be met.
const UNMET: i32 = 1;

/// The command line is wrong.
const USAGE: i32 = 2;

/// The input is wrong in itself.
const INPUT: i32 = 4;

/// Something cannot be read or written.
const IO: i32 = 5;

fn text(lines: usize) -> Vec<u8> {
    let line = |n: usize| format!("value_{n} = {}\n", n * n % 9973);
    (0..lines).flat_map(|n| line(n).into_bytes()).collect()
}

fn layer() -> Vec<u8> {
    foreign_zip(&[
        ("python/", 0o755, b""),
        ("python/six.py", 0o600, &text(2000)),
        (
            "python/Six-1.17.0.dist-info/METADATA",
            0o644,
            b"Metadata-Version: 2.1\nName: Six\nVersion: 1.17.0\n",
        ),
        (
            "python/lib/python3.12/site-packages/b.py",
            0o664,
            &text(300),
        ),
        ("lib/libz.so.1.3", 0o755, &text(500)),
        ("lib/libz.so.1", LINK, b"libz.so.1.3"),
        ("lib/libz.so", LINK, b"/opt/lib/libz.so.1"),
        ("notes/", 0o755, b""),
        ("notes/READ.me", 0o644, b"ours"),
    ])
}

#[test]
fn a_foreign_layer_becomes_smaller_and_stays_what_it_is() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let run = context.run(["shrink", "layer.zip"]);
    run.expect_code(0).says(&[
        "python3.12: by folders",
        "`python/six.py` was readable for its owner alone",
        "2 symbolic links",
        "less",
        "1 file in notes",
    ]);
    assert_eq!(run.stdout, "layer.small.zip\n");
    assert_eq!(context.files(), ["layer.small.zip", "layer.zip"]);
    assert_eq!(
        fs::read(context.folder().join("layer.zip")).expect("there"),
        layer()
    );
    let (before, after) = (context.layer("layer.zip"), context.layer("layer.small.zip"));
    assert!(after.zipped_bytes < before.zipped_bytes);
    let modes: Vec<_> = after
        .entries
        .iter()
        .map(|entry| format!("{:o} {}", entry.mode, entry.path))
        .collect();
    insta::assert_snapshot!(modes.join("\n"), @r"
    120777 lib/libz.so
    120777 lib/libz.so.1
    100755 lib/libz.so.1.3
    100644 notes/READ.me
    100644 python/Six-1.17.0.dist-info/METADATA
    100644 python/lib/python3.12/site-packages/b.py
    100644 python/six.py
    ");
    for entry in before.entries.iter().filter(|it| !it.path.ends_with('/')) {
        let same = after.entries.iter().find(|it| it.path == entry.path);
        assert_eq!(
            same.map(|it| &it.content),
            Some(&entry.content),
            "{}",
            entry.path
        );
    }
}

#[test]
fn a_second_run_changes_nothing_to_the_byte() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    for compression in ["best", "fast"] {
        let shrink = |from: &str, to: &str| {
            context
                .run(["shrink", from, "-o", to, "--compression", compression])
                .expect_code(0)
                .clone()
        };
        shrink("layer.zip", "one.zip");
        let run = shrink("one.zip", "two.zip");
        run.says(&["nothing was left to gain"]);
        let (one, two) = (context.layer("one.zip"), context.layer("two.zip"));
        assert_eq!(one.sha256, two.sha256, "{compression}");
        context
            .run([
                "shrink",
                "two.zip",
                "--in-place",
                "--compression",
                compression,
            ])
            .expect_code(0);
        assert_eq!(context.layer("two.zip").sha256, one.sha256);
        // What was pressed harder does not come apart again.
        let run = context.run([
            "shrink",
            "one.zip",
            "-o",
            "three.zip",
            "--compression",
            "fast",
        ]);
        run.expect_code(0);
        assert!(context.layer("three.zip").zipped_bytes <= one.zipped_bytes);
    }
}

/// A layer with something for each rule and pass, links, and bytecode of both sorts.
fn full() -> Vec<u8> {
    let module = format!(
        "\"\"\"Says what it is.\"\"\"\n\n# A comment.\nx = 'table.h'\n{}",
        "y = 2\n".repeat(50)
    );
    let script = format!(
        "// A comment.\nexports.x  =  1;\n{}",
        "exports.y = 2;\n".repeat(50)
    );
    let json = format!("{{\n  \"a\" : 1,\n{}  \"z\":  1\n}}\n", " ".repeat(200));
    let hashed = [&[0xf3, 0x0d, 0x0d, 0x0a, 1, 0, 0, 0][..], &[0; 20]].concat();
    let timed = [&[0xf3, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0][..], &[1; 20]].concat();
    foreign_zip(&[
        ("python/a/__init__.py", 0o644, module.as_bytes()),
        (
            "python/a/__pycache__/__init__.cpython-313.pyc",
            0o644,
            &timed,
        ),
        ("python/a/__pycache__/gone.cpython-313.pyc", 0o644, &hashed),
        ("python/a/b.py", 0o644, module.as_bytes()),
        ("python/a/b.pyi", 0o644, b"x: int\n"),
        ("python/a/data.json", 0o644, json.as_bytes()),
        ("python/a/link.py", LINK, b"b.py"),
        ("python/a/table.h", 0o644, b"int x;\n"),
        ("python/a/tests/test_a.py", 0o644, b"import a\n"),
        (
            "python/a-1.dist-info/METADATA",
            0o644,
            b"Metadata-Version: 2.1\nName: a\nVersion: 1\n",
        ),
        (
            "python/a-1.dist-info/RECORD",
            0o644,
            b"a/__init__.py,,\na/b.py,,\n",
        ),
        (
            "nodejs/node_modules/c/package.json",
            0o644,
            b"{\"name\": \"c\", \"version\": \"1.0.0\", \"main\": \"index.js\"}",
        ),
        ("nodejs/node_modules/c/index.js", 0o644, script.as_bytes()),
        (
            "nodejs/node_modules/c/index.d.ts",
            0o644,
            b"export const x: number;\n",
        ),
        ("nodejs/node_modules/c/again.js", LINK, b"index.js"),
        ("lib/liba.so", LINK, b"liba.so.1"),
        ("lib/liba.so.1", 0o755, b"no library"),
    ])
}

#[test]
fn machine_code_of_npm_packages_for_other_platforms_goes_by_what_it_is() {
    let elf = |machine: u16| {
        let head = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0]].concat();
        [&head[..], &machine.to_le_bytes(), &[0; 44]].concat()
    };
    let context = TestContext::new();
    let package = "nodejs/node_modules/a";
    let files = [
        (
            "package.json",
            br#"{"name": "a", "version": "1.0.0"}"#.to_vec(),
        ),
        ("arm.node", elf(183)),
        ("build/own.node", elf(62)),
        ("prebuilds/linux-arm64/a.node", elf(183)),
        ("prebuilds/linux-x64/a.node", elf(62)),
        ("windows.node", [&b"MZ"[..], &[0; 62]].concat()),
    ];
    let whole: Vec<(String, Vec<u8>)> = files
        .into_iter()
        .map(|(path, bytes)| (format!("{package}/{path}"), bytes))
        .collect();
    let zip = |files: &[(String, Vec<u8>)]| {
        let files = files.iter().map(|(path, bytes)| (&**path, 0o644, &**bytes));
        foreign_zip(&files.collect::<Vec<_>>())
    };
    context.write("layer.zip", zip(&whole));
    let left = |options: &[&str]| {
        let shrink = ["shrink", "layer.zip", "-o", "out.zip"];
        context.run(shrink.iter().chain(options)).expect_code(0);
        let layer = context.layer("out.zip");
        let paths = layer.paths().into_iter();
        let paths = paths.map(|path| path[package.len() + 1..].to_owned());
        paths.collect::<Vec<_>>().join(" ")
    };
    // One addon outside of `prebuilds` is for another machine, so nothing is assumed.
    assert!(left(&[]).contains("prebuilds/linux-arm64/a.node"));
    let ours = "build/own.node package.json prebuilds/linux-x64/a.node windows.node";
    assert_eq!(left(&["--arch", "x86_64"]), ours);
    let without: Vec<_> = whole
        .iter()
        .filter(|(path, _)| !path.ends_with("/arm.node"))
        .cloned()
        .collect();
    context.write("layer.zip", zip(&without));
    assert_eq!(left(&[]), ours);
}

#[test]
fn a_second_run_changes_nothing_whatever_was_asked_for() {
    let context = TestContext::new();
    context.write("layer.zip", full());
    let shrink = |from: &str, to: &str, options: &[&str]| {
        let mut arguments = vec!["shrink", from, "-o", to, "--runtime", "python3.13"];
        arguments.extend(options);
        context.run(arguments)
    };
    for profile in ["none", "safe", "small"] {
        for compression in ["fast", "best"] {
            for bytecode in ["none", "hashed", "only"] {
                let options = [
                    "--profile",
                    profile,
                    "--compression",
                    compression,
                    "--bytecode",
                    bytecode,
                ];
                let run = shrink("layer.zip", "one.zip", &options);
                if run.stderr.contains("no CPython 3.13 was found") {
                    layerpress_tests::not_run(
                        "shrinking twice with bytecode: there is no Python 3.13",
                    );
                    continue;
                }
                run.expect_code(0);
                shrink("one.zip", "two.zip", &options).expect_code(0);
                let (one, two) = (context.layer("one.zip"), context.layer("two.zip"));
                assert_eq!(one.paths(), two.paths(), "{options:?}");
                assert_eq!(one.sha256, two.sha256, "{options:?}");
            }
        }
    }
}

#[test]
fn the_bytes_depend_on_the_layer_alone() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let mut digests = ["1", "2", "7"].map(|jobs| {
        let run = context.run(["shrink", "layer.zip", "--jobs", jobs, "--json"]);
        run.expect_code(0).json()["sha256"].clone()
    });
    digests.sort_by_key(ToString::to_string);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn the_document_tells_before_and_after() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let document = context.run(["shrink", "layer.zip", "--json"]).json();
    let layer = context.layer("layer.small.zip");
    assert_eq!(document["path"], "layer.small.zip");
    assert_eq!(document["after"]["zipped_bytes"], layer.zipped_bytes);
    assert_eq!(document["after"]["unzipped_bytes"], layer.unzipped_bytes());
    assert_eq!(document["after"]["files"], layer.entries.len());
    assert_eq!(document["sha256"], layer.sha256);
    let before = context.layer("layer.zip");
    assert_eq!(document["before"]["zipped_bytes"], before.zipped_bytes);
    assert_eq!(
        document["before"]["unzipped_bytes"],
        before.unzipped_bytes()
    );
    assert_eq!(document["packages"].as_array().expect("a list").len(), 2);
    let codes = document["findings"].as_array().expect("a list").iter();
    let codes: Vec<_> = codes
        .map(|it| it["code"].as_str().expect("a text"))
        .collect();
    assert_eq!(codes, ["unreadable-mode", "links"]);
}

#[test]
fn a_folder_is_a_layer_too() {
    let context = TestContext::new();
    context.write("build/python/a.py", text(50));
    context.write("target/six.py", text(50));
    context.write("target/six-1.dist-info/METADATA", "Metadata-Version: 2.1\n");
    let run = context.run(["shrink", "build"]);
    run.expect_code(0);
    assert_eq!(run.stdout, "build.small.zip\n");
    assert_eq!(context.layer("build.small.zip").paths(), ["python/a.py"]);
    let run = context.run(["shrink", "target", "-o", "out/layer.zip"]);
    run.expect_code(0).says(&["below `python/`"]);
    assert_eq!(
        context.layer("out/layer.zip").paths(),
        ["python/six-1.dist-info/METADATA", "python/six.py"]
    );
    let run = context.run(["shrink", "build", "--in-place"]);
    run.expect_code(USAGE).expect_words(&["is a folder"]);
}

#[test]
fn what_is_no_layer_is_refused_and_left_alone() {
    let context = TestContext::new();
    let wheel = foreign_zip(&[
        ("six.py", 0o644, b"x = 1\n"),
        (
            "six-1.dist-info/METADATA",
            0o644,
            b"Metadata-Version: 2.1\n",
        ),
        ("six-1.dist-info/WHEEL", 0o644, b"Wheel-Version: 1.0\n"),
        ("six-1.dist-info/RECORD", 0o644, b"six.py,,\n"),
    ]);
    let whole = layer();
    let mut encrypted = whole.clone();
    // The lowest bit of the first entry's flags, in both headers (APPNOTE section 4.4.4).
    let central = encrypted
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .expect("a directory");
    encrypted[6] |= 1;
    encrypted[central + 8] |= 1;
    let mut damaged = foreign_zip(&[("python/a.py", 0o644, &text(100))]);
    damaged[60] ^= 0xff;
    let bomb = {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("python/zeros", SimpleFileOptions::default())
            .expect("a file");
        for _ in 0..64 {
            zip.write_all(&vec![0; 1 << 20]).expect("zeros");
        }
        zip.finish().expect("a zip").into_inner()
    };
    let cases: [(&str, Vec<u8>, &[&str]); 12] = [
        ("a.zip", b"\x1f\x8b\x08\x00 rest".to_vec(), &["gzip"]),
        (
            "b.zip",
            whole[..whole.len() / 2].to_vec(),
            &["not a whole zip"],
        ),
        ("c.zip", Vec::new(), &["an empty file"]),
        ("d.zip", foreign_zip(&[]), &["holds no file"]),
        ("e.zip", wheel, &["is a wheel", "layerpress build"]),
        (
            "f.jar",
            foreign_zip(&[
                ("META-INF/MANIFEST.MF", 0o644, b""),
                ("A.class", 0o644, b""),
            ]),
            &["Java archive"],
        ),
        (
            "g.zip",
            foreign_zip(&[("package/package.json", 0o644, b"{}")]),
            &["package of npm"],
        ),
        (
            "h.zip",
            foreign_zip(&[("layer/python/a.py", 0o644, b"")]),
            &["folder `layer`"],
        ),
        (
            "i.zip",
            foreign_zip(&[("python/a", LINK, b"../../etc/passwd")]),
            &["leads out of the layer"],
        ),
        ("j.zip", encrypted, &["encrypted"]),
        ("k.zip", damaged, &["python/a.py"]),
        ("l.zip", bomb, &["inflates to"]),
    ];
    for (name, bytes, words) in cases {
        context.write(name, &bytes);
        for options in [&["--in-place"][..], &["-o", "out.zip"]] {
            let run = context.run(["shrink", name].iter().chain(options));
            run.expect_code(INPUT).expect_words(&[name]).says(words);
        }
        assert_eq!(context.files(), [name], "only the input, {name}");
        assert_eq!(fs::read(context.folder().join(name)).expect("there"), bytes);
        fs::remove_file(context.folder().join(name)).expect("removable");
    }
}

#[test]
fn outputs_that_cannot_be_are_refused() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    context.write("file", "");
    let run = |arguments: &[&str]| context.run(["shrink", "layer.zip"].iter().chain(arguments));
    run(&["-o", "layer.zip"])
        .expect_code(USAGE)
        .expect_words(&["is the layer itself", "--in-place"]);
    run(&["-o", "./layer.zip"]).expect_code(USAGE);
    run(&["-o", "a.zip", "--in-place"]).expect_code(USAGE);
    run(&["--profile", "smal"])
        .expect_code(USAGE)
        .says(&["small"]);
    run(&["-o", "file/out.zip"])
        .expect_code(IO)
        .expect_words(&["file/out.zip"]);
    context.run(["shrink", "missing.zip"]).expect_code(IO);
    assert_eq!(context.files(), ["file", "layer.zip"]);
    run(&["-o", "new/folder"]).expect_code(0);
    assert_eq!(
        context.files(),
        ["file", "layer.zip", "new/folder/layer.small.zip"]
    );
}

#[test]
fn a_target_that_the_layer_speaks_against_is_refused() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let run = context.run(["shrink", "layer.zip", "--runtime", "python3.13"]);
    run.expect_code(UNMET)
        .expect_words(&["layer.zip: it is for python3.12", "not for python3.13"])
        .says(&["leave `--runtime` out"]);
    let path = "python/_a.cpython-313-x86_64-linux-gnu.so";
    context.write("native.zip", foreign_zip(&[(path, 0o644, b"")]));
    let run = context.run(["shrink", "native.zip", "--arch", "arm64"]);
    run.expect_code(UNMET)
        .expect_words(&["it is for x86_64, as its ABI tags tell, and not for arm64"]);
    assert_eq!(context.files(), ["layer.zip", "native.zip"]);
    // A program for another machine may be none that anything needs.
    let mut program = b"\x7fELF\x02\x01\x01".to_vec();
    program.resize(64, 0);
    program[18] = 62;
    context.write("tool.zip", foreign_zip(&[("bin/tool", 0o755, &program)]));
    let run = context.run(["shrink", "tool.zip", "--arch", "arm64"]);
    run.expect_code(0)
        .says(&["all machine code in the layer is for x86_64"]);
}

#[cfg(unix)]
#[test]
fn a_layer_that_is_replaced_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let path = context.folder().join("layer.zip");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
    context
        .run(["shrink", "layer.zip", "--in-place"])
        .expect_code(0);
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_smoke_test_of_nothing_is_a_mistake() {
    let context = TestContext::new();
    context.write("layer.zip", layer());
    let run = context.run(["shrink", "layer.zip", "--smoke", " "]);
    run.expect_code(USAGE)
        .expect_words(&["nothing to run in `--smoke`"]);
    assert_eq!(context.files(), ["layer.zip"]);
}

#[cfg(unix)]
#[test]
fn without_a_fitting_interpreter_the_smoke_test_says_what_it_looked_for() {
    let context = TestContext::new()
        .with_variable("PATH", "/nowhere")
        .with_variable("PYENV_ROOT", "/nowhere");
    context.write("layer.zip", layer());
    let run = context.run(["shrink", "layer.zip", "--smoke", "import six"]);
    run.expect_code(UNMET)
        .expect_words(&["no Python 3.12", "/nowhere"]);
    assert_eq!(context.files(), ["layer.zip"]);
    let run = context.run(["shrink", "layer.zip", "--smoke", "missing.py"]);
    run.expect_code(IO).expect_words(&["missing.py"]);
}
