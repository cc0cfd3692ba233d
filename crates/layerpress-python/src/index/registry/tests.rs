//! Negotiation, strategies and fall-through, against a server on the loopback address.

mod server;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use layerpress_fetch::{ClientOptions, Event, Reporter, Retries, Store};
use layerpress_tree::Sha256;
use sha2::Digest as _;
use tempfile::TempDir;

use self::server::{Answer, Server, bytes, page};
use super::*;
use crate::index::tail::tests::zip;
use crate::index::{FileRecord, SdistMetadata};

/// Writes down warnings.
#[derive(Debug, Default)]
struct Warnings(Mutex<Vec<String>>);

impl Reporter for Warnings {
    fn report(&self, event: Event) {
        if let Event::Warning { message, .. } = event {
            lock(&self.0).push(message);
        }
    }
}

struct World {
    _folder: TempDir,
    registry: Registry,
    warnings: Arc<Warnings>,
}

fn world(options: RegistryOptions) -> World {
    let folder = tempfile::tempdir().expect("writable");
    let (registry, warnings) = registry_in(folder.path(), options, false);
    World {
        _folder: folder,
        registry,
        warnings,
    }
}

fn registry_in(
    folder: &Path,
    options: RegistryOptions,
    offline: bool,
) -> (Registry, Arc<Warnings>) {
    let store = Store::open(folder).expect("a folder");
    let client = ClientOptions {
        offline,
        system_proxy: false,
        retries: Retries {
            tries: 1,
            silent_tries: 1,
            ..Retries::default()
        },
        ..ClientOptions::default()
    };
    let warnings = Arc::new(Warnings::default());
    let reporter = Arc::clone(&warnings) as Arc<dyn Reporter>;
    (
        Registry::new(options, Client::new(client, store, reporter)),
        warnings,
    )
}

fn on(index: Url) -> RegistryOptions {
    RegistryOptions {
        index_url: Some(index),
        ..RegistryOptions::default()
    }
}

fn name(text: &str) -> PackageName {
    text.parse().expect("valid")
}

fn listed(versions: &Versions) -> Vec<Vec<String>> {
    let shelf = |shelf: &Arc<crate::index::Shelf>| {
        let all = 0..shelf.versions().len();
        all.flat_map(|at| shelf.files(at).map(|file| file.file_name().to_owned()))
            .collect()
    };
    versions.shelves().iter().map(shelf).collect()
}

const METADATA: &str = "Metadata-Version: 2.4\nName: a\nVersion: 1\nRequires-Dist: six\n\n";

fn wheel() -> Vec<u8> {
    let filler = vec![b'x'; 60_000];
    zip(&[
        ("a-1.dist-info/METADATA", METADATA.as_bytes(), true),
        ("vendored-2.dist-info/METADATA", b"Name: vendored", true),
        ("a/filler", &filler, false),
    ])
}

fn sha256(bytes: &[u8]) -> String {
    Sha256(sha2::Sha256::digest(bytes).into()).hex()
}

async fn only_file(registry: &Registry) -> FileRecord {
    let versions = registry.versions(&name("a")).await.expect("found");
    let file = versions.shelves()[0].files(0).next().expect("one");
    file.record().expect("valid")
}

fn dependencies(metadata: &crate::Metadata) -> Vec<String> {
    metadata.requires_dist().map(ToString::to_string).collect()
}

/// A page that lists the wheel above, with attributes.
fn listing(attributes: &str) -> Answer {
    let hash = sha256(&wheel());
    page(format!(
        "<a href='/f/a-1-py3-none-any.whl#sha256={hash}' {attributes}>a</a>"
    ))
}

#[tokio::test]
async fn html_and_json_say_the_same() {
    let json =
        r#"{"meta":{"api-version":"1.1"},"files":[{"filename":"a-1.zip","url":"/f/a-1.zip"}]}"#;
    let server = Server::start(vec![
        ("/html/a/", page("<a href=/f/a-1.zip>a</a>")),
        (
            "/json/a/",
            Answer {
                content_type: "application/vnd.pypi.simple.v1+json; charset=utf-8",
                ..page(json)
            },
        ),
        ("/plain/a/", bytes("\n<a href=/f/a-1.zip>a</a>")),
    ]);
    for index in ["html", "json/", "plain/"] {
        let registry = world(on(server.url(index))).registry;
        let file = only_file(&registry).await;
        assert_eq!(file.url, server.url("f/a-1.zip"), "{index}");
        assert_eq!(file.index, Some(server.url(index)));
        assert!(registry.versions_now(&name("a")).is_some());
    }
}

#[tokio::test]
async fn what_is_no_index_is_said_and_never_skipped() {
    let login = "<form><input type=password></form>";
    let typed = |content_type| Answer {
        content_type,
        ..page("{}")
    };
    let server = Server::start(vec![
        ("/login/a/", page(login)),
        ("/image/a/", typed("image/png")),
        ("/v2/a/", typed("application/vnd.pypi.simple.v2+json")),
        (
            "/denied/a/",
            Answer {
                status: 403,
                ..page("")
            },
        ),
        (
            "/locked/a/",
            Answer {
                status: 401,
                ..page("")
            },
        ),
        (
            "/failing/a/",
            Answer {
                status: 500,
                ..page("")
            },
        ),
    ]);
    let mut said = String::new();
    for index in [
        "login", "image", "v2", "denied", "locked", "failing", "none",
    ] {
        let mut options = on(server.url("none/"));
        options.extra_index_urls = vec![server.url(&format!("{index}/"))];
        let error = world(options)
            .registry
            .versions(&name("a"))
            .await
            .expect_err(index);
        let hint = error.hint().unwrap_or_default();
        writeln!(said, "{error} ({:?})\n  hint: {hint}", error.kind()).expect("to memory");
    }
    let said = said.replace(server.url.as_str(), "http://index.example/");
    insta::assert_snapshot!(said, @r"
    `http://index.example/login/a/`: a web page with a form stands where a package index should be (Network)
      hint: is there a login page in between?
    `http://index.example/image/a/`: content of type `image/png` stands where a package index should be (Network)
      hint: is there a login page in between?
    `http://index.example/v2/a/`: the index speaks version 2 of the simple API, only 1.x is understood (Input)
      hint: a newer release of layerpress may understand it
    `http://index.example/denied/a/`: the server refuses access (403) (Network)
      hint: give credentials in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`
    `http://index.example/locked/a/`: the server asks for a user name and password (401) (Network)
      hint: give credentials in the index URL, in `.netrc`, or in `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`
    `http://index.example/failing/a/`: the server failed (500) (Network)
      hint: try again later; what was fetched already stays in the cache
    `a`: not found on `http://index.example/none/` (Input)
      hint:
    ");
}

#[tokio::test]
async fn the_first_index_that_has_the_name_gives_it() {
    let server = Server::start(vec![
        (
            "/one/a/",
            page("<a href=/f/a-1.zip>a</a><a href=/f/a-3.zip>a</a>"),
        ),
        ("/two/a/", page("<a href=/f/a-2.zip>a</a>")),
    ]);
    let options = |strategy| RegistryOptions {
        index_url: Some(server.url("two/")),
        extra_index_urls: vec![server.url("none/"), server.url("one/"), server.url("one/")],
        strategy,
        ..RegistryOptions::default()
    };
    for (strategy, expected) in [
        (IndexStrategy::FirstIndex, vec![vec!["a-1.zip", "a-3.zip"]]),
        (
            IndexStrategy::UnsafeFirstMatch,
            vec![vec!["a-1.zip", "a-3.zip"], vec!["a-2.zip"]],
        ),
        (
            IndexStrategy::UnsafeBestMatch,
            vec![vec!["a-1.zip", "a-2.zip", "a-3.zip"]],
        ),
    ] {
        server.asked();
        let registry = world(options(strategy)).registry;
        let versions = registry.versions(&name("a")).await.expect("found");
        assert_eq!(listed(&versions), expected);
        let two = server.asked().contains(&"/two/a/".to_owned());
        assert_eq!(two, strategy != IndexStrategy::FirstIndex);
        let passed_over = registry.passed_over(&name("a")).await;
        let told: Vec<_> = passed_over
            .iter()
            .map(|it| (it.before.as_str(), it.index.as_str(), listed(&it.versions)))
            .collect();
        let (one, two) = (server.url("one/"), server.url("two/"));
        match strategy {
            IndexStrategy::FirstIndex => {
                let there = vec![vec!["a-2.zip".to_owned()]];
                assert_eq!(told, [(one.as_str(), two.as_str(), there)]);
            }
            _ => assert!(told.is_empty()),
        }
    }
}

#[tokio::test]
async fn find_links_stand_beside_the_first_index() {
    let folder = tempfile::tempdir().expect("writable");
    for file in ["a-2-py3-none-any.whl", "a-b-1.zip", "b-1.zip", "readme.txt"] {
        std::fs::write(folder.path().join(file), "").expect("writable");
    }
    let server = Server::start(vec![
        ("/one/a/", page("<a href=/f/a-1.zip>a</a>")),
        (
            "/links",
            page("<a href=f/a-3.zip>a</a><a href=f/b-2.zip>b</a>"),
        ),
    ]);
    let mut options = on(server.url("one/"));
    options.find_links = vec![
        FindLinks::Url(server.url("links")),
        FindLinks::Folder(folder.path().to_owned()),
        FindLinks::Folder(folder.path().join("absent")),
    ];
    let world = world(options.clone());
    let files = async |package| match world.registry.versions(&name(package)).await {
        Ok(versions) => listed(&versions),
        Err(error) => vec![vec![error.to_string().replace(server.url.as_str(), "/")]],
    };
    assert_eq!(
        files("a").await,
        [["a-1.zip", "a-2-py3-none-any.whl", "a-3.zip"]]
    );
    assert_eq!(files("b").await, [["b-1.zip", "b-2.zip"]]);
    assert_eq!(files("a-b").await, [["a-b-1.zip"]]);
    let warnings = lock(&world.warnings.0).clone();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("find-links folder cannot be read"));

    options.no_index = true;
    server.asked();
    let registry = super::tests::world(options).registry;
    let error = registry.versions(&name("c")).await.expect_err("nowhere");
    assert!(
        matches!(&error, IndexError::Unknown { asked, no_index: true, .. } if asked.len() == 3)
    );
    assert_eq!(server.asked(), ["/links"]);
}

#[tokio::test]
async fn a_page_once_fetched_serves_without_the_network() {
    let server = Server::start(vec![("/one/a/", page("<a href=/f/a-1.zip>a</a>"))]);
    let folder = tempfile::tempdir().expect("writable");
    let (registry, _) = registry_in(folder.path(), on(server.url("one/")), false);
    assert!(registry.versions_now(&name("a")).is_none());
    registry.versions(&name("a")).await.expect("found");
    assert!(registry.versions(&name("b")).await.is_err());
    assert_eq!(server.asked(), ["/one/a/", "/one/b/"]);
    registry.client().settle();

    let (offline, _) = registry_in(folder.path(), on(server.url("one/")), true);
    assert!(offline.versions_now(&name("a")).is_some());
    let absent = offline.versions(&name("b")).await.expect_err("not there");
    assert!(matches!(absent, IndexError::Unknown { .. }), "{absent}");
    let never = offline.versions(&name("c")).await.expect_err("never asked");
    assert_eq!(never.kind(), layerpress_fetch::ErrorKind::Offline);
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn advertised_metadata_is_taken_and_its_hash_verified() {
    let sidecar = "/f/a-1-py3-none-any.whl.metadata";
    for (promised, expected) in [
        (METADATA, vec!["/i/a/", sidecar]),
        (
            "other",
            vec!["/i/a/", sidecar, "/f/a-1-py3-none-any.whl -16384"],
        ),
    ] {
        let attributes = format!("data-core-metadata=sha256={}", sha256(promised.as_bytes()));
        let archive = Answer {
            ranges: true,
            ..bytes(wheel())
        };
        let server = Server::start(vec![
            ("/i/a/", listing(&attributes)),
            (sidecar, bytes(METADATA)),
            ("/f/a-1-py3-none-any.whl", archive),
        ]);
        let registry = world(on(server.url("i/"))).registry;
        let file = only_file(&registry).await;
        let metadata = registry.metadata(&file).await.expect("read");
        assert_eq!(dependencies(&metadata), ["six"]);
        let asked = server.asked();
        assert_eq!(asked[..expected.len()], expected, "{asked:?}");
    }
}

#[tokio::test]
async fn each_way_that_fails_leads_to_the_next() {
    let path = "/f/a-1-py3-none-any.whl";
    let failing = Answer {
        status: 500,
        ..page("")
    };
    for (ranges, sidecar, last) in [
        (true, None, format!("{path} 0-")),
        (true, Some(failing.clone()), format!("{path} 0-")),
        (
            true,
            Some(page("<html>welcome</html>")),
            format!("{path} 0-"),
        ),
        (false, None, path.to_owned()),
    ] {
        let archive = Answer {
            ranges,
            ..bytes(wheel())
        };
        let mut answers = vec![
            ("/i/a/", listing("data-core-metadata=true")),
            (path, archive),
        ];
        answers.extend(sidecar.map(|answer| ("/f/a-1-py3-none-any.whl.metadata", answer)));
        let server = Server::start(answers);
        let folder = tempfile::tempdir().expect("writable");
        let (registry, _) = registry_in(folder.path(), on(server.url("i/")), false);
        let file = only_file(&registry).await;
        let metadata = registry.metadata(&file).await.expect("read");
        assert_eq!(dependencies(&metadata), ["six"]);
        let asked = server.asked();
        assert!(
            asked.last().is_some_and(|l| l.starts_with(&last)),
            "{asked:?}"
        );

        let (again, _) = registry_in(folder.path(), on(server.url("i/")), true);
        let metadata = again.metadata_now(&file).expect("kept");
        assert_eq!(dependencies(&metadata), ["six"]);
    }
}

#[tokio::test]
async fn a_host_without_sidecars_or_ranges_is_asked_for_them_once() {
    let archive = |version: u8| {
        let text = METADATA.replace("Version: 1", &format!("Version: {version}"));
        zip(&[(
            &*format!("a-{version}.dist-info/METADATA"),
            text.as_bytes(),
            true,
        )])
    };
    let names = ["/f/a-1-py3-none-any.whl", "/f/a-2-py3-none-any.whl"];
    let server = Server::start(vec![
        (names[0], bytes(archive(1))),
        (names[1], bytes(archive(2))),
    ]);
    let registry = world(RegistryOptions::default()).registry;
    for path in names {
        let file = FileRecord::from_url(&server.url(path)).expect("a name");
        registry.metadata(&file).await.expect("read");
    }
    let sidecar = format!("{}.metadata", names[0]);
    let range = format!("{} bytes=-16384", names[0]).replace("bytes=", "");
    assert_eq!(server.asked(), [&sidecar, &range, names[0], names[1]]);
}

#[tokio::test]
async fn metadata_of_something_else_is_refused() {
    let server = Server::start(vec![
        ("/f/a-2-py3-none-any.whl.metadata", bytes(METADATA)),
        ("/f/a-3-py3-none-any.whl", bytes("no zip")),
        (
            "/f/a-4-py3-none-any.whl",
            bytes(zip(&[("a-4.dist-info/METADATA", b"Name: a", true)])),
        ),
    ]);
    let registry = world(RegistryOptions::default()).registry;
    let mut said = Vec::new();
    for number in [2, 3, 4, 5] {
        let path = format!("f/a-{number}-py3-none-any.whl");
        let file = FileRecord::from_url(&server.url(&path)).expect("a name");
        let error = registry.metadata(&file).await.expect_err("useless");
        said.push(format!(
            "{error} (spares others: {})",
            error.spares_others()
        ));
    }
    let said = said
        .join("\n")
        .replace(server.url.as_str(), "http://index.example/");
    insta::assert_snapshot!(said, @r"
    `a-2-py3-none-any.whl`: its metadata is that of `a 1` (spares others: true)
    `a-3-py3-none-any.whl`: not a sound zip archive: it has no end record (spares others: true)
    `a-4-py3-none-any.whl`: metadata has no `Version` (spares others: true)
    `http://index.example/f/a-5-py3-none-any.whl`: there is no such file (404) (spares others: false)
    ");
}

#[tokio::test]
async fn a_source_distribution_tells_what_is_binding() {
    let zipped = |head: &str| {
        let text = METADATA.replace("Metadata-Version: 2.4\n", head);
        zip(&[
            ("a-1/PKG-INFO", text.as_bytes(), true),
            ("a-1/a.egg-info/PKG-INFO", b"Name: other", true),
        ])
    };
    let server = Server::start(vec![
        ("/static/a-1.zip", bytes(zipped("Metadata-Version: 2.2\n"))),
        ("/old/a-1.zip", bytes(zipped("Metadata-Version: 2.1\n"))),
        (
            "/dynamic/a-1.zip",
            bytes(zipped("Metadata-Version: 2.4\nDynamic: Requires-Dist\n")),
        ),
        ("/bare/a-1.zip", bytes(zip(&[("a-1/setup.py", b"", true)]))),
    ]);
    let folder = tempfile::tempdir().expect("writable");
    let (registry, _) = registry_in(folder.path(), RegistryOptions::default(), false);
    let version = pep440_rs::Version::new([1]);
    let mut found = Vec::new();
    for kind in ["static", "old", "dynamic", "bare"] {
        let url = server.url(&format!("{kind}/a-1.zip"));
        let file = FileRecord::from_url(&url).expect("a name");
        let metadata = registry.sdist_metadata(&file, &name("a"), &version).await;
        found.push(match metadata.expect("readable") {
            SdistMetadata::Static(metadata) => dependencies(&metadata).join(","),
            SdistMetadata::NeedsBuild => "build".to_owned(),
        });
        assert!(
            registry
                .sdist_metadata(&file, &name("b"), &version)
                .await
                .is_err()
                == (kind == "static")
        );
    }
    assert_eq!(found, ["six", "build", "build", "build"]);
}
