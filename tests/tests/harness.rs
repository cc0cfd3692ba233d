//! The harness checked against itself: a test bed that lies is worse than none.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use layerpress_tests::{
    Digests, Fault, IndexFeatures, LambdaRoot, Layer, Login, Loopback, LoopbackIndex,
    LoopbackRegistry, NpmPackage, On, RegistryFeatures, Sdist, Wheel,
};

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

#[test]
fn the_registry_tells_as_much_as_is_asked_for() {
    let registry = LoopbackRegistry::start();
    let one = |version| NpmPackage::new("@scope/one", version).field("readme", "long".into());
    registry.publish([
        one("1.0.0").script("install", "node x").build(),
        one("2.0.0-rc.1").build(),
    ]);
    registry.tag("@scope/one", "next", "2.0.0-rc.1");
    let short = "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";
    let short = get(&registry, "/@scope%2fone", &[short]);
    for word in [
        "\"modified\"",
        "\"hasInstallScript\":true",
        "sha512-",
        "\"next\"",
    ] {
        assert!(short.contains(word), "{short}");
    }
    assert!(!short.contains("readme"), "{short}");
    let long = get(&registry, "/@scope/one", &[]);
    assert!(
        long.contains("\"time\"") && long.contains("readme"),
        "{long}"
    );
    assert!(long.contains("\"latest\":\"1.0.0\""), "{long}");
    let tag = long.lines().find_map(|line| line.strip_prefix("ETag: "));
    let known = format!("If-None-Match: {}", tag.expect("an ETag"));
    let unchanged = get(&registry, "/@scope/one", &[&known]);
    assert!(unchanged.starts_with("HTTP/1.1 304"), "{unchanged}");
    for version in ["next", "2.0.0-rc.1"] {
        let document = get(&registry, &format!("/@scope%2fone/{version}"), &[]);
        assert!(
            document.contains("\"version\":\"2.0.0-rc.1\""),
            "{document}"
        );
    }
    let tarball = get(&registry, "/@scope/one/-/one-1.0.0.tgz", &[]);
    assert!(tarball.starts_with("HTTP/1.1 200"), "{tarball}");
    assert!(get(&registry, "/two", &[]).starts_with("HTTP/1.1 404"));
}

#[test]
fn the_registry_below_a_path_knows_its_own() {
    let registry = LoopbackRegistry::with(RegistryFeatures {
        path: "/team".to_owned(),
        digests: Digests::Sha1,
        login: Some(Login::Token("secret".to_owned())),
        ..RegistryFeatures::default()
    });
    registry.publish([NpmPackage::new("one", "1.0.0").build()]);
    assert!(get(&registry, "/team/one", &[]).starts_with("HTTP/1.1 401"));
    let token = "Authorization: Bearer secret";
    let document = get(&registry, "/team/one", &[token]);
    assert!(document.contains("/team/one/-/one-1.0.0.tgz"), "{document}");
    assert!(!document.contains("sha512"), "{document}");
    assert!(get(&registry, "/one", &[token]).starts_with("HTTP/1.1 404"));
    registry.fault_times(On::packument("one"), Fault::Status(403), 1);
    assert!(get(&registry, "/team/one", &[token]).starts_with("HTTP/1.1 403"));
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

/// The same for Node.js, by `require` and `import`, of CommonJS and of a module.
#[test]
fn each_node_finds_what_a_layer_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layer.zip");
    let content = zip_of(&[
        (
            "nodejs/node_modules/one/package.json",
            "{\"main\": \"index.js\"}",
        ),
        (
            "nodejs/node_modules/one/index.js",
            "module.exports = __filename;",
        ),
        (
            "nodejs/node_modules/two/package.json",
            "{\"type\": \"module\", \"exports\": \"./index.js\"}",
        ),
        (
            "nodejs/node_modules/two/index.js",
            "import one from 'one'; export default one; export const here = import.meta.url;",
        ),
    ]);
    std::fs::write(&path, content).expect("a file");
    let layer = Layer::open(&path);
    for runtime in ["nodejs20.x", "nodejs22.x", "nodejs24.x"] {
        let Some(root) = LambdaRoot::for_runtime(runtime, &scratch()) else {
            continue;
        };
        let code = "console.log(require('one').endsWith('/one/index.js'), process.version)";
        let printed = root.expect(&layer, code);
        let version = runtime.trim_start_matches("nodejs").trim_end_matches(".x");
        assert!(
            printed.starts_with(&format!("true v{version}.")),
            "{printed}"
        );
        let code = "import one, { here } from 'two';\nimport direct from 'one';\n\
            console.log(one === direct, here.endsWith('/two/index.js'))";
        assert_eq!(root.expect_module(&layer, code).trim(), "true true");
        assert!(!root.run(&layer, "require('no-such-package')").ok);
        let failed = root.run_module(&layer, "import 'no-such-package'");
        assert!(
            failed.stderr.contains("ERR_MODULE_NOT_FOUND"),
            "{}",
            failed.stderr
        );
        let refused = root.run(&layer, "require('two')");
        assert_eq!(refused.ok, runtime == "nodejs24.x", "{}", refused.stderr);
        if root.is_complete() {
            let code = "console.log(process.getuid(), process.env.NODE_PATH.split(':')[1])";
            let printed = root.expect(&layer, code);
            assert!(
                printed.ends_with(" /opt/nodejs/node_modules\n"),
                "{printed}"
            );
            let written = root.run(&layer, "require('fs').writeFileSync('/opt/new', '')");
            assert!(written.stderr.contains("EROFS"), "{}", written.stderr);
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
    zip_of(&[("python/one/__init__.py", "VERSION = '1.0'\n")])
}

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o644);
    for (path, content) in files {
        writer.start_file(*path, options).expect("a new path");
        writer.write_all(content.as_bytes()).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// One request over a connection of its own, as bytes on the wire.
fn get<S>(index: &Loopback<S>, path: &str, headers: &[&str]) -> String {
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
