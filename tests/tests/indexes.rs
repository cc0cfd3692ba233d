//! Which index is asked for what, and what an index must offer at least.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use layerpress_tests::{IndexFeatures, LoopbackIndex, TestContext, Wheel};

/// The request cannot be met.
const UNMET: i32 = 1;

#[test]
fn the_first_index_that_has_the_name_gives_it() {
    let inside = LoopbackIndex::of([Wheel::new("private", "1.0").build()]);
    let outside = LoopbackIndex::of([
        Wheel::new("private", "99.0").build(),
        Wheel::new("public", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&outside);
    let inside_url = inside.url();
    context.write("requirements.txt", "private\npublic\n");
    let layer = context.build(&["--extra-index-url", &inside_url]);
    assert_eq!(
        layer.text("python/private/__init__.py"),
        "VERSION = \"1.0\"\n"
    );
    let asked = outside.requests();
    assert!(
        asked
            .iter()
            .all(|request| !request.path.contains("private")),
        "the name of a private package went out: {asked:?}"
    );

    let both = ["--extra-index-url", &inside_url, "--upgrade"];
    let best = [&both[..], &["--index-strategy", "unsafe-best-match"]].concat();
    let layer = context.build(&best);
    assert_eq!(
        layer.text("python/private/__init__.py"),
        "VERSION = \"99.0\"\n"
    );
}

#[test]
fn a_package_with_an_index_of_its_own_comes_from_nowhere_else() {
    let inside = LoopbackIndex::of([Wheel::new("private", "1.0").build()]);
    let outside = LoopbackIndex::of([Wheel::new("private", "99.0").build()]);
    let context = TestContext::new().with_index(&outside);
    context.write(
        "pyproject.toml",
        format!(
            "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"private\"]\n\
             [[tool.uv.index]]\nname = \"inside\"\nurl = \"{}\"\nexplicit = true\n\
             [tool.uv.sources]\nprivate = {{ index = \"inside\" }}\n",
            inside.url()
        ),
    );
    context
        .run(["build", "pyproject.toml", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    assert_eq!(
        layer.text("python/private/__init__.py"),
        "VERSION = \"1.0\"\n"
    );
    assert_eq!(outside.requests(), []);
}

#[test]
fn the_proxy_of_pips_settings_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("the rest of a request");
            asked.push(byte[0]);
        }
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer).expect("a listener");
        String::from_utf8_lossy(&asked).into_owned()
    });
    let context = TestContext::new()
        .with_variable("NO_PROXY", "")
        .with_variable("no_proxy", "")
        .with_variable("PIP_PROXY", &format!("user:s3cret@127.0.0.1:{port}"))
        .with_variable("PIP_INDEX_URL", "http://index.example/simple");
    context.write("requirements.txt", "app\n");
    let run = context.run(["build", "requirements.txt", "-v"]);
    run.expect_code(UNMET);
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
    let asked = asked.join().expect("the proxy ended");
    assert!(
        asked.starts_with("GET http://index.example/simple/app/ "),
        "{asked}"
    );
    let login = "proxy-authorization: basic";
    assert!(asked.to_ascii_lowercase().contains(login), "{asked}");
}

#[test]
fn plain_indexes_are_enough() {
    let plain = IndexFeatures {
        json: false,
        core_metadata: false,
        etags: false,
        cache_control: None,
        gzip: false,
        ranges: false,
        ..IndexFeatures::default()
    };
    let index = LoopbackIndex::with(plain);
    index.add([
        Wheel::new("app", "1.0").requires("library").build(),
        Wheel::new("library", "1.0").build(),
    ]);
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "app\n");
    context
        .run(["build", "requirements.txt", "-o", "out.zip"])
        .expect_code(0);
    let layer = context.layer("out.zip");
    assert!(layer.paths().contains(&"python/library/__init__.py"));
}

#[test]
fn pages_are_fresh_for_a_while_and_refresh_asks_anew() {
    let index = LoopbackIndex::small_world();
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", "library\n");
    let lock = |arguments: &[&str]| {
        let arguments = ["lock", "requirements.txt", "-o", "pylock.new.toml"]
            .iter()
            .chain(arguments);
        context.run(arguments).expect_code(0);
        let lock = context.read("pylock.new.toml");
        fs::remove_file(context.folder().join("pylock.new.toml")).expect("it was read");
        lock
    };
    assert!(lock(&[]).contains("\"2.0\""));
    index.add([Wheel::new("library", "2.1").build()]);
    assert!(!lock(&[]).contains("\"2.1\""));
    assert!(lock(&["--refresh"]).contains("\"2.1\""));
}

#[test]
fn what_lock_fetched_is_there_for_the_next_one() {
    let names: Vec<String> = (0..100).map(|number| format!("library-{number}")).collect();
    let index = LoopbackIndex::of(names.iter().map(|name| Wheel::new(name, "1.0").build()));
    let context = TestContext::new().with_index(&index);
    context.write("requirements.txt", names.join("\n"));
    let lock = |arguments: &[&str]| {
        let arguments = ["lock", "requirements.txt"].iter().chain(arguments);
        context.run(arguments).expect_code(0);
        context.read("pylock.toml")
    };
    let first = lock(&[]);
    fs::remove_file(context.folder().join("pylock.toml")).expect("it was read");
    assert_eq!(lock(&["--offline"]), first);
}
