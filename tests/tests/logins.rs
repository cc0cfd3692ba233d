//! User names and passwords reach the server that they are for, and nothing else.

use std::fs;

use layerpress_tests::{IndexFeatures, LoopbackIndex, TestContext, Wheel};

#[test]
fn credentials_reach_the_index_and_nothing_else() {
    let index = LoopbackIndex::with(IndexFeatures {
        login: Some(("user".to_owned(), "s3cret".to_owned())),
        ..IndexFeatures::default()
    });
    index.add([Wheel::new("app", "1.0").build()]);
    let world = || {
        let context = TestContext::new();
        context.write("requirements.txt", "app\n");
        context
    };
    let build = ["build", "requirements.txt", "-o", "out.zip", "-v"];
    let in_url = world().with_variable(
        "LAYERPRESS_INDEX_URL",
        &index.url_with_login("user", "s3cret"),
    );
    let in_netrc = world().with_index(&index);
    let netrc = "machine 127.0.0.1 login user password s3cret\n";
    fs::write(in_netrc.home().join(".netrc"), netrc).expect("a file");
    let in_pip = world().with_variable("PIP_INDEX_URL", &index.url_with_login("user", "s3cret"));
    for context in [in_url, in_netrc, in_pip] {
        let run = context.run(build);
        run.expect_code(0);
        let lock = context.read("pylock.toml");
        for text in [&run.raw_stdout, &run.stderr, &lock] {
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
    let without = world().with_index(&index).run(build);
    without.expect_code(3);
    assert!(without.stderr.contains("401"), "{}", without.stderr);
}

#[cfg(unix)]
#[test]
fn a_netrc_that_cannot_be_read_stops_nobody() {
    let index = LoopbackIndex::with(IndexFeatures::default());
    index.add([Wheel::new("app", "1.0").build()]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    std::os::unix::fs::symlink(".netrc", context.home().join(".netrc")).expect("a link");
    let run = context.run(["build", "requirements.txt", "-o", "out.zip"]);
    run.expect_code(0).says(&[
        "warning: netrc: ",
        ".netrc` cannot be read: ",
        "hint: passwords in it are not used",
    ]);
}

#[test]
fn a_password_is_written_nowhere() {
    let index = LoopbackIndex::with(IndexFeatures {
        login: Some(("user".to_owned(), "s3cret".to_owned())),
        ..IndexFeatures::default()
    });
    let wheel = Wheel::new("app", "1.0").build();
    index.add([wheel.clone()]);
    let context = TestContext::new();
    let url = index.url_with_login("user", "s3cret");
    let file = index
        .file_url(&wheel.file_name)
        .replace("http://", "http://user:s3cret@");
    for requirements in [
        format!("--index-url {url}\napp\n"),
        format!("--no-index\n{file}\n"),
        format!("--no-index\napp @ {file}\n"),
        format!("--index-url {url}\napp==2\n"),
        format!("--no-index\n{file}x\n"),
    ] {
        context.write("requirements.txt", &requirements);
        for arguments in [&["-v"][..], &["--json"]] {
            let run = context.run(["build", "requirements.txt"].iter().chain(arguments));
            let told = format!("{}{}", run.raw_stdout, run.stderr);
            assert!(!told.contains("s3cret"), "{told}");
        }
        for file in context.files() {
            let text = fs::read(context.folder().join(&file)).expect("a file that was listed");
            let text = String::from_utf8_lossy(&text);
            assert!(
                file == "requirements.txt" || !text.contains("s3cret"),
                "{file}: {text}"
            );
        }
        let _ = fs::remove_file(context.folder().join("pylock.toml"));
    }
}

#[test]
fn a_wrong_password_is_told_by_where_it_came_from() {
    let index = LoopbackIndex::with(IndexFeatures {
        login: Some(("user".to_owned(), "s3cret".to_owned())),
        ..IndexFeatures::default()
    });
    index.add([Wheel::new("app", "1.0").build()]);
    let in_url = TestContext::new().with_variable(
        "LAYERPRESS_INDEX_URL",
        &index.url_with_login("user", "wr0ng"),
    );
    let in_netrc = TestContext::new().with_index(&index);
    let netrc = "machine 127.0.0.1 login user password wr0ng\n";
    fs::write(in_netrc.home().join(".netrc"), netrc).expect("a file");
    let in_settings = TestContext::new()
        .with_variable("UV_INDEX", &format!("inside={}", index.url()))
        .with_variable("UV_INDEX_INSIDE_USERNAME", "user")
        .with_variable("UV_INDEX_INSIDE_PASSWORD", "wr0ng");
    for (context, place) in [
        (in_url, "the user name and password in the URL (401)"),
        (in_netrc, "the user name and password in `.netrc` (401)"),
        (
            in_settings,
            "`UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` (401)",
        ),
    ] {
        context.write("requirements.txt", "app\n");
        let run = context.run(["build", "requirements.txt", "-v"]);
        run.expect_code(3).says(&[place, "hint: are they current"]);
        assert!(!run.stderr.contains("wr0ng"), "{}", run.stderr);
    }
}
