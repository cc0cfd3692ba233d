//! The harness checked against itself: a test bed that lies is worse than none.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use layerpress_tests::{Fault, IndexFeatures, LambdaRoot, Layer, LoopbackIndex, On, Sdist, Wheel};

#[test]
fn the_index_speaks_json_and_html_and_revalidates() {
    let index = LoopbackIndex::start();
    index.add([Wheel::new("one", "1.0").requires_python(">=3.9").build()]);
    let json = get(
        &index,
        "/simple/one/",
        &["Accept: application/vnd.pypi.simple.v1+json"],
    );
    assert!(
        json.contains("\"filename\":\"one-1.0-py3-none-any.whl\""),
        "{json}"
    );
    assert!(json.contains("Cache-Control: max-age=600"), "{json}");
    let html = get(&index, "/simple/one/", &["Accept: text/html"]);
    assert!(html.contains("data-requires-python=\"&gt;=3.9\""), "{html}");
    let tag = html.lines().find_map(|line| line.strip_prefix("ETag: "));
    let known = format!("If-None-Match: {}", tag.expect("an ETag"));
    let unchanged = get(&index, "/simple/one/", &["Accept: text/html", &known]);
    assert!(unchanged.starts_with("HTTP/1.1 304"), "{unchanged}");
    let moved = get(&index, "/simple/One", &[]);
    assert!(moved.contains("Location: /simple/one/"), "{moved}");
    let statuses: Vec<_> = index.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [200, 200, 304, 301]);
}

#[test]
fn faults_strike_where_they_should_and_pass() {
    let index = LoopbackIndex::start();
    let wheel = Wheel::new("one", "1.0").build();
    let name = wheel.file_name.clone();
    index.add([wheel]);
    index.fault_times(
        On::page("one"),
        Fault::TooManyRequests { retry_after: 1 },
        1,
    );
    let limited = get(&index, "/simple/one/", &[]);
    assert!(
        limited.contains("429") && limited.contains("Retry-After: 1"),
        "{limited}"
    );
    assert!(get(&index, "/simple/one/", &[]).starts_with("HTTP/1.1 200"));
    index.fault(On::file(&name), Fault::ResetMidBody);
    let cut = get(&index, &format!("/files/{name}"), &[]);
    let (head, body) = cut.split_once("\r\n\r\n").expect("a head");
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .and_then(|length| length.parse().ok())
        .expect("a length");
    assert!(body.len() < length);
    let metadata = get(&index, &format!("/files/{name}.metadata"), &[]);
    assert!(metadata.contains("Name: one"), "{metadata}");
}

#[test]
fn a_login_is_demanded() {
    let index = LoopbackIndex::with(IndexFeatures {
        login: Some(("user".to_owned(), "pass".to_owned())),
        ..IndexFeatures::default()
    });
    assert!(get(&index, "/simple/one/", &[]).starts_with("HTTP/1.1 401"));
    let known = get(
        &index,
        "/simple/one/",
        &["Authorization: Basic dXNlcjpwYXNz"],
    );
    assert!(known.starts_with("HTTP/1.1 404"), "{known}");
}

/// A layer made by hand imports in each root that this machine can offer; what it cannot is said.
#[test]
fn each_runtime_imports_what_a_layer_holds_and_says_how() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layer.zip");
    std::fs::write(&path, layer_of_one_module()).expect("a file");
    let layer = Layer::open(&path);
    for runtime in ["python3.11", "python3.12", "python3.13"] {
        let Some(root) = LambdaRoot::for_runtime(runtime, &scratch()) else {
            continue;
        };
        let code = "import one, sys\nprint(one.VERSION, '%d.%d' % sys.version_info[:2])\n";
        let printed = root.expect(&layer, code);
        let version = runtime.trim_start_matches("python");
        assert_eq!(printed.trim(), format!("1.0 {version}"));
        assert!(!root.run(&layer, "import no_such_module").ok);
        if root.is_complete() {
            let code = "import one\nprint(one.__file__)\nopen('/opt/new', 'w')";
            let written = root.run(&layer, code);
            assert_eq!(written.stdout.trim(), "/opt/python/one/__init__.py");
            assert!(
                written.stderr.contains("Read-only file system"),
                "{}",
                written.stderr
            );
        }
    }
}

#[test]
fn source_distributions_are_the_same_every_time() {
    let build = || Sdist::new("one", "1.0").requires("two").dynamic().build();
    assert_eq!(build().bytes, build().bytes);
    assert_eq!(build().file_name, "one-1.0.tar.gz");
}

fn scratch() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}

fn layer_of_one_module() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o644);
    writer
        .start_file("python/one/__init__.py", options)
        .expect("a new path");
    writer.write_all(b"VERSION = '1.0'\n").expect("memory");
    writer.finish().expect("memory").into_inner()
}

/// One request over a connection of its own, as bytes on the wire.
fn get(index: &LoopbackIndex, path: &str, headers: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", index.port())).expect("a server");
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    // A reset is one of the answers.
    let _cut = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
