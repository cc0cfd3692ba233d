//! What bad input gets: a sentence with place and remedy, the documented exit code, and nothing
//! written.

use std::fs;
use std::time::{Duration, Instant};

use layerpress_tests::{BuiltPackage, Fault, LoopbackIndex, On, Run, Sdist, TestContext, Wheel};

/// The request cannot be met.
const UNMET: i32 = 1;
/// The command line makes no sense.
const USAGE: i32 = 2;
/// The network did not do its part.
const NETWORK: i32 = 3;
/// The input is wrong in itself.
const INPUT: i32 = 4;
/// A file cannot be read or written.
const IO: i32 = 5;

#[test]
fn an_unknown_option_in_a_requirements_file() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write(
        "requirements.txt",
        "app\n--index-ulr https://index.example\n",
    );
    let run = refused(&context, INPUT);
    run.expect_words(&["requirements.txt:2", "--index-ulr", "--index-url"]);
}

#[test]
fn a_requirement_that_is_none() {
    let index = LoopbackIndex::of([]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "# fine\napp=>1.0\n");
    refused(&context, INPUT).expect_words(&["requirements.txt:2", "app=>1.0"]);
}

#[test]
fn a_name_that_does_not_exist() {
    let index = LoopbackIndex::of([Wheel::new("requests", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "reqeusts\n");
    let run = refused(&context, UNMET);
    run.expect_words(&["requirements.txt:1", "reqeusts", "hint: ", "requests"]);
}

#[test]
fn no_version_for_this_python() {
    let index = LoopbackIndex::of([
        Wheel::new("app", "1.0").requires_python(">=3.14").build(),
        Wheel::new("app", "0.9").requires_python(">=3.14").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt", "--runtime", "python3.12"]);
    nothing_written(&context, &run, UNMET);
    run.expect_words(&["app", ">=3.14", "3.12"]);
}

#[test]
fn versions_that_exclude_each_other() {
    let index = LoopbackIndex::of([
        Wheel::new("one", "1.0").requires("shared<2").build(),
        Wheel::new("two", "1.0").requires("shared>=2").build(),
        Wheel::new("shared", "1.0").build(),
        Wheel::new("shared", "2.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "one\ntwo\n");
    let run = refused(&context, UNMET);
    run.expect_words(&["requirements.txt:1", "requirements.txt:2", "shared"]);
    let json = context.run(["build", "requirements.txt", "--json"]);
    json.expect_code(UNMET);
    assert_eq!(json.json()["error"]["code"], "no-solution");
    assert_eq!(json.json()["error"]["exit"], UNMET);
}

#[test]
fn no_wheel_for_the_machine() {
    let only_x86 = Wheel::new("native", "1.0").tag("cp312-cp312-manylinux_2_17_x86_64");
    let index = LoopbackIndex::of([only_x86.build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "native\n");
    let arguments = [
        "build",
        "requirements.txt",
        "--runtime",
        "python3.12",
        "--arch",
        "arm64",
    ];
    let run = context.run(arguments);
    nothing_written(&context, &run, UNMET);
    run.expect_words(&["native", "arm64"]);
}

#[test]
fn bytes_that_are_not_what_the_index_says() {
    let wheel = Wheel::new("app", "1.0").build();
    let real = wheel.sha256();
    let index = LoopbackIndex::start();
    index
        .fault(On::file(&wheel.file_name), Fault::WrongBytes)
        .add([wheel]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = refused(&context, INPUT);
    run.expect_words(&["app-1.0-py3-none-any.whl", &real[..16]]);
}

#[test]
fn wheels_that_lie() {
    let wheels: [(BuiltPackage, &str); 3] = [
        (
            Wheel::new("app", "1.0")
                .lie_about("app/__init__.py")
                .build(),
            "app/__init__.py",
        ),
        (
            Wheel::new("app", "1.0")
                .unlisted("app/extra.py", "")
                .build(),
            "app/extra.py",
        ),
        (
            Wheel::new("app", "1.0").file("../outside.py", "").build(),
            "../outside.py",
        ),
    ];
    for (wheel, culprit) in wheels {
        let index = LoopbackIndex::of([wheel]);
        let context = TestContext::new().with_index(&index);
        context.write("requirements.txt", "app\n");
        refused(&context, INPUT).expect_words(&["app-1.0-py3-none-any.whl", culprit]);
    }
}

#[test]
fn a_wheel_that_is_cut_short() {
    let mut wheel = Wheel::new("app", "1.0").build();
    wheel.bytes.truncate(wheel.bytes.len() - 30);
    let index = LoopbackIndex::of([wheel]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    refused(&context, INPUT).expect_words(&["app-1.0-py3-none-any.whl"]);
}

#[test]
fn two_packages_that_own_one_path() {
    let index = LoopbackIndex::of([
        Wheel::new("one", "1.0").file("shared/data.py", "1").build(),
        Wheel::new("two", "1.0").file("shared/data.py", "2").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "one\ntwo\n");
    let run = context.run(["build", "requirements.txt", "-o", "out.zip"]);
    assert!(matches!(run.code, Some(UNMET | INPUT)), "{}", run.stderr);
    run.expect_words(&["shared/data.py", "one", "two"]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn a_layer_that_is_too_large() {
    // 27 files of 10 MB, each with just enough noise to be no bomb.
    let mut noise = 1_u32;
    let page: Vec<u8> = (0..10_000_000_u32)
        .map(|position| {
            if position % 16 == 0 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            }
            (noise >> 24) as u8
        })
        .collect();
    let heavy = (0..27).fold(Wheel::new("heavy", "1.0"), |wheel, number| {
        wheel.file(&format!("heavy/data{number}.bin"), &page)
    });
    let index = LoopbackIndex::of([heavy.build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "heavy\n");
    let run = context.run(["build", "requirements.txt", "-o", "out.zip"]);
    run.expect_code(UNMET);
    run.expect_words(&["262,144,000", "heavy"]);
    assert!(!run.stderr.contains("--profile"), "{}", run.stderr);
    let whole = [
        "build",
        "requirements.txt",
        "--profile",
        "none",
        "-o",
        "out.zip",
    ];
    let run = context.run(whole);
    run.expect_code(UNMET).expect_words(&["--profile safe"]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn a_shrunken_layer_that_is_still_too_large_is_written_and_no_success() {
    let context = TestContext::new();
    context.write("layer/python/data.bin", "");
    let data = context.folder().join("layer/python/data.bin");
    let file = std::fs::File::options().write(true).open(data);
    let file = file.expect("a file");
    file.set_len(262_144_001).expect("a file full of zeros");
    let shrink = ["shrink", "layer", "-o", "out.zip", "--compression", "fast"];
    let run = context.run(shrink.iter().chain(&["--json"]));
    run.expect_code(UNMET);
    assert!(context.files().contains(&"out.zip".to_owned()));
    // stdout has one document, of what was done.
    let document = run.json();
    assert_eq!(document["path"], "out.zip");
    assert_eq!(document["findings"][0]["severity"], "error");
    assert_eq!(document["findings"][0]["code"], "over-limit");
}

#[test]
fn an_index_that_answers_badly() {
    let cases = [
        (Fault::Status(401), "401"),
        (Fault::Status(403), "403"),
        (Fault::Status(500), "500"),
        (Fault::TooManyRequests { retry_after: 3_600 }, "429"),
        (Fault::ResetMidBody, "app"),
    ];
    for (fault, word) in cases {
        let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
        index.fault(On::page("app"), fault.clone());
        let context = TestContext::new().with_index(&index);
        context.write("requirements.txt", "app\n");
        let started = Instant::now();
        let run = context.run(["build", "requirements.txt"]);
        assert_eq!(run.code, Some(NETWORK), "{fault:?}: {}", run.stderr);
        nothing_written(&context, &run, NETWORK);
        run.expect_words(&["app", word]);
        assert!(started.elapsed() < Duration::from_secs(20), "{fault:?}");
    }
}

#[test]
fn a_login_page_where_an_index_should_be() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    index.fault(On::page("app"), Fault::LoginPage);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt"]);
    assert!(matches!(run.code, Some(NETWORK | INPUT)), "{}", run.stderr);
    run.expect_words(&["app", "hint: is there a login page in between?"]);
}

#[test]
fn an_index_that_has_nothing() {
    let index = LoopbackIndex::of([]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    refused(&context, UNMET).expect_words(&["requirements.txt:1", "app"]);
}

#[test]
fn an_index_that_never_answers() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    index.fault(On::page("app"), Fault::Hang);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let started = Instant::now();
    let run = refused(&context, NETWORK);
    assert!(
        started.elapsed() < Duration::from_secs(27),
        "{:?}",
        started.elapsed()
    );
    run.expect_words(&["127.0.0.1"]);
}

#[test]
fn an_index_that_is_not_there() {
    let index = LoopbackIndex::of([]);
    let url = index.url();
    drop(index);
    let context = TestContext::new().with_variable("LAYERPRESS_INDEX_URL", &url);
    context.write("requirements.txt", "app\n");
    refused(&context, NETWORK).expect_words(&["127.0.0.1"]);
}

#[test]
fn a_lock_edited_into_nonsense() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.run(["lock", "requirements.txt"]).expect_code(0);
    let lock = context.read("pylock.toml");
    let package = lock.find("[[packages]]").expect("a package");
    let size = lock.split("size = ").nth(1).expect("a size");
    let size: String = size.chars().take_while(char::is_ascii_digit).collect();
    let digest = lock.split("sha256 = \"").nth(1).expect("a digest")[..64].to_owned();
    let deep = format!("name = \"app\"\nmarker = \"{}\"", "(".repeat(4_000));
    let edits: [(&str, &str, &str); 16] = [
        ("lock-version = \"1.0\"", "lock-version = \"9.0\"", "format"),
        ("lock-version = \"1.0\"", "lock-version = 1.0", "a string"),
        ("lock-version = \"1.0\"", "", "is missing"),
        ("[[packages]]", "[[packages", "not TOML"),
        ("[[packages]]", "[packages]", "packages"),
        (
            "name = \"app\"",
            "name = \"../app\"",
            "the name of a package",
        ),
        ("name = \"app\"", "name = 7", "a string"),
        (
            "name = \"app\"",
            "name = \"app\"\nname = \"app\"",
            "duplicate key",
        ),
        (
            "name = \"app\"",
            "<<<<<<< ours\nname = \"app\"",
            "merge conflict",
        ),
        ("name = \"app\"", &deep, "nested parentheses"),
        ("version = \"1.0\"\n", "version = \"one\"\n", "a version"),
        (&digest, "abc", "64 hexadecimal digits"),
        ("sha256", "md5", "none of which pins"),
        (&size, "-1", "a number of bytes"),
        ("app-1.0-py3", "other-1.0-py3", "not a wheel of app"),
        ("url = \"http", "url = \"javascript", "`javascript:`"),
    ];
    for (from, to, word) in edits {
        let (head, tail) = lock.split_at(if from.starts_with("lock") { 0 } else { package });
        let edited = format!("{head}{}", tail.replacen(from, to, 1));
        assert_ne!(edited, lock, "{from} is not in\n{lock}");
        context.write("pylock.toml", &edited);
        let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
        assert_eq!(run.code, Some(INPUT), "{to}: {}", run.stderr);
        run.expect_words(&["error: pylock.toml:", word]);
        assert!(!context.files().contains(&"out.zip".to_owned()));
    }
}

#[test]
fn a_lock_that_is_no_text_and_one_with_a_key_that_means_nothing() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.run(["lock", "requirements.txt"]).expect_code(0);
    let lock = context.read("pylock.toml");
    let latin = lock.replacen("[[packages]]", "# caf\u{e9}\n[[packages]]", 1);
    let latin: Vec<u8> = latin.chars().map(|it| it as u8).collect();
    context.write("pylock.toml", latin);
    let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
    run.expect_code(INPUT);
    run.expect_words(&["pylock.toml:", "is not UTF-8 text"]);
    let odd = lock.replacen("name = \"app\"", "name = \"app\"\nmarkr = \"x\"", 1);
    context.write("pylock.toml", odd);
    let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
    run.expect_code(0);
    run.says(&[
        "warning: pylock.toml: line",
        "`packages[0].markr` is not a key",
    ]);
}

#[test]
fn a_lock_whose_digest_was_changed() {
    let wheel = Wheel::new("app", "1.0").build();
    let digest = wheel.sha256();
    let index = LoopbackIndex::of([wheel]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context.run(["lock", "requirements.txt"]).expect_code(0);
    let wrong = "0".repeat(64);
    context.write(
        "pylock.toml",
        context.read("pylock.toml").replace(&digest, &wrong),
    );
    let run = context.run(["build", "pylock.toml", "-o", "out.zip"]);
    run.expect_code(INPUT);
    run.expect_words(&["app-1.0-py3-none-any.whl", &digest, &wrong]);
    assert!(!context.files().contains(&"out.zip".to_owned()));
}

#[test]
fn a_folder_without_a_manifest() {
    let index = LoopbackIndex::of([]);
    let context = TestContext::new().with_index(&index);
    context.write("src/code.py", "");
    let run = context.run(["build", "src"]);
    nothing_written(&context, &run, INPUT);
    run.expect_words(&["src", "requirements.txt"]);
}

#[test]
fn a_manifest_that_is_not_there() {
    let index = LoopbackIndex::of([]);
    let context = TestContext::new().with_index(&index);
    let run = context.run(["build", "requirements.txt"]);
    assert!(matches!(run.code, Some(INPUT | IO)), "{}", run.stderr);
    run.expect_words(&["requirements.txt"]);
}

#[test]
fn an_output_that_cannot_be_written() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context
        .write("requirements.txt", "app\n")
        .write("taken", "a file");
    let run = context.run(["build", "requirements.txt", "-o", "taken/out.zip"]);
    nothing_written(&context, &run, IO);
    run.expect_words(&["taken/out.zip", "is a file", "--output"]);
    assert_eq!(context.read("taken"), "a file");
    fs::create_dir(context.folder().join("folder.zip")).expect("a folder");
    let run = context.run(["build", "requirements.txt", "-o", "folder.zip"]);
    nothing_written(&context, &run, IO);
    run.expect_words(&["folder.zip", "is a folder"]);
}

#[test]
fn two_inputs_for_one_file() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("one.txt", "app\n").write("two.txt", "app\n");
    let run = context.run(["build", "one.txt", "two.txt"]);
    nothing_written(&context, &run, USAGE);
    run.expect_words(&[".zip", "one.txt", "two.txt", "--output"]);
    let run = context.run(["lock", "one.txt", "two.txt", "-o", "pylock.toml"]);
    nothing_written(&context, &run, USAGE);
    run.expect_words(&["pylock.toml", "one.txt", "two.txt"]);
}

#[test]
fn a_lockfile_never_replaces_the_manifest() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["lock", "requirements.txt", "-o", "./requirements.txt"]);
    nothing_written(&context, &run, USAGE);
    run.expect_words(&["requirements.txt", "manifest", "pylock.toml"]);
    assert_eq!(context.read("requirements.txt"), "app\n");
}

#[test]
fn the_network_switched_off_too_early() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt", "--offline", "--json"]);
    run.expect_code(NETWORK);
    assert_eq!(run.json()["error"]["code"], "offline");
    run.expect_words(&["requirements.txt:1", "app", "cache"]);
}

#[test]
fn an_error_in_json_is_the_sentence_of_the_terminal() {
    let index = LoopbackIndex::of([Wheel::new("app", "1.0").build()]);
    index.fault(On::page("broken"), Fault::Status(500));
    let context = TestContext::new().with_index(&index);
    context
        .write("unmet.txt", "app==9\n")
        .write("network.txt", "broken\n")
        .write("input.txt", "app=1\n")
        .write("fine.txt", "app\n");
    let cases: [(&[&str], i32, &str); 6] = [
        (&["unmet.txt"], UNMET, "no-solution"),
        (&["fine.txt", "--arch", "vax"], USAGE, "usage"),
        (&["fine.txt", "--frobnicate"], USAGE, "usage"),
        (&["network.txt"], NETWORK, "network"),
        (&["input.txt"], INPUT, "manifest"),
        (&["fine.txt", "-o", "fine.txt/x.zip"], IO, "unwritable"),
    ];
    for (arguments, exit, code) in cases {
        let all = ["build", "--json"].iter().chain(arguments);
        let run = context.run(all);
        run.expect_code(exit);
        let error = &run.json()["error"];
        assert_eq!(
            (&error["exit"], &error["code"]),
            (&exit.into(), &code.into())
        );
        let message = error["message"].as_str().unwrap_or_default();
        let message = message.replace(&index.port().to_string(), "[PORT]");
        assert!(run.stderr.contains(&message), "{message}\n{}", run.stderr);
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(run.stderr.contains(hint), "{hint}\n{}", run.stderr);
    }
}

#[test]
fn a_build_that_fails() {
    let index = LoopbackIndex::of([Sdist::new("app", "1.0")
        .dynamic()
        .failing("no compiler today")
        .build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt", "--runtime", "python3.13"]);
    nothing_written(&context, &run, UNMET);
    run.expect_words(&["app", "no compiler today"]);
}

#[test]
fn text_from_outside_does_not_reach_the_terminal_raw() {
    let index = LoopbackIndex::of([]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "--evil\u{1b}[2J\u{7}\n");
    let run = refused(&context, INPUT);
    assert!(
        !run.stderr.contains('\u{1b}') && !run.stderr.contains('\u{7}'),
        "{:?}",
        run.stderr
    );
}

/// Builds the context's requirements, which must fail so and write nothing.
fn refused(context: &TestContext, code: i32) -> Run {
    let run = context.run(["build", "requirements.txt"]);
    nothing_written(context, &run, code);
    run
}

fn nothing_written(context: &TestContext, run: &Run, code: i32) {
    run.expect_code(code);
    assert_eq!(run.stdout, "");
    let written =
        |file: &String| file.contains("dist") || file.ends_with(".zip") || file.contains("pylock");
    let files = context.files();
    assert_eq!(files.iter().find(|file| written(file)), None);
}
