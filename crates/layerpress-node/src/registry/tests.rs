//! Asking registries, against a server on the loopback address.

pub(crate) mod server;

use std::path::Path;

use layerpress_fetch::{ClientOptions, Clock, Credentials, Retries, Silent, Store, Token};
use tempfile::TempDir;

use self::server::{Server, ok, status};
use super::*;

pub(crate) fn client(folder: &Path, options: ClientOptions) -> Client {
    let options = ClientOptions {
        system_proxy: false,
        retries: Retries {
            tries: 1,
            silent_tries: 1,
            ..Retries::default()
        },
        ..options
    };
    Client::new(
        options,
        Store::open(folder).expect("a folder"),
        Arc::new(Silent),
    )
}

pub(crate) fn options(server: &Server) -> RegistryOptions {
    RegistryOptions {
        registry: server.url.clone(),
        ..RegistryOptions::default()
    }
}

fn registry(server: &Server) -> (Registry, TempDir) {
    let folder = tempfile::tempdir().expect("writable");
    let client = client(folder.path(), ClientOptions::default());
    (Registry::new(options(server), client), folder)
}

fn name(text: &str) -> PackageName {
    PackageName::parse(text).expect("a name")
}

async fn versions(registry: &Registry, package: &str) -> String {
    match registry.packument(&name(package)).await {
        Ok(found) => found
            .versions()
            .map(|version| version.text().to_owned())
            .collect::<Vec<_>>()
            .join(" "),
        Err(error) => format!("{error}\nhint: {}", error.hint().unwrap_or_default()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packument_is_asked_for_once() {
    let server = Server::start();
    server.package("a", &[("1.0.0", ""), ("1.1.0", "")]);
    server.package("@s/b", &[("2.0.0", "")]);
    let (registry, folder) = registry(&server);
    assert!(registry.packument_now(&name("a")).is_none());
    assert_eq!(versions(&registry, "a").await, "1.1.0 1.0.0");
    assert_eq!(versions(&registry, "a").await, "1.1.0 1.0.0");
    assert_eq!(versions(&registry, "@s/b").await, "2.0.0");
    assert_eq!(server.asked(), ["/@s%2fb", "/a"]);
    // Another run, without a network.
    let offline = ClientOptions {
        offline: true,
        ..ClientOptions::default()
    };
    let again = Registry::new(options(&server), client(folder.path(), offline));
    assert!(again.packument_now(&name("a")).is_some());
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_confirmed_when_they_are_stale() {
    let server = Server::start();
    let packument = server.packument("a", &[("1.0.0", "")]);
    let fresh = "public, max-age=300";
    server.put(
        "/a",
        ok(packument)
            .etag("\"1\"")
            .header("Cache-Control", fresh)
            .gzipped(),
    );
    let folder = tempfile::tempdir().expect("writable");
    let clock = Clock::fixed(1_800_000_000_000);
    for (seconds, asked) in [
        (0, "/a"),
        (299, ""),
        (301, "/a again"),
        (600, ""),
        (700, "/a again"),
    ] {
        if let Clock::Fixed(millis) = &clock {
            millis.store(1_800_000_000_000 + seconds * 1000, Ordering::Relaxed);
        }
        let options = ClientOptions {
            clock: clock.clone(),
            ..ClientOptions::default()
        };
        let registry = Registry::new(self::options(&server), client(folder.path(), options));
        assert_eq!(versions(&registry, "a").await, "1.0.0");
        assert_eq!(server.asked().concat(), asked, "after {seconds} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_packument_is_named() {
    let server = Server::start();
    server.put("/page", ok("<!DOCTYPE html><title>log in</title>"));
    server.put("/other", ok(server.packument("another", &[("1.0.0", "")])));
    server.put("/gone", ok(r#"{"name": "gone", "versions": {}}"#));
    server.put("/secret", status(401));
    server.put("/broken", status(500));
    let (registry, folder) = registry(&server);
    let mut shown = String::new();
    for package in ["page", "other", "gone", "secret", "broken", "missing"] {
        shown += &format!("{}\n", versions(&registry, package).await);
    }
    let shown = shown.replace(server.url.as_str(), "http://r.example/");
    insta::assert_snapshot!(shown, @r"
    page: the registry's answer cannot be read at line 1, column 1: expected value, asked at `http://r.example/`
    hint: is the registry's address right, and is there no login page in between?
    other: the registry answered with `another`, asked at `http://r.example/`
    hint: is the registry's address right, and is there no login page in between?
    gone: `http://r.example/` has no version of it any more
    hint: all of its versions were unpublished
    secret: `http://r.example/secret`: the server asks for a user name and password (401)
    hint: give a token in `.npmrc`: `//HOST/PATH/:_authToken=TOKEN`, as `npm login` does
    broken: `http://r.example/broken`: the server failed (500)
    hint: try again later; what was fetched already stays in the cache
    missing: `http://r.example/` has no such package
    hint: check the name; a private one needs its registry and a token in `.npmrc`, and to look again for a new one there is `--refresh`
    ");
    // No failure is asked for again, and in the next run what is missing is still known to be.
    assert_eq!(server.asked().len(), 6);
    versions(&registry, "missing").await;
    registry.client().settle();
    let offline = ClientOptions {
        offline: true,
        ..ClientOptions::default()
    };
    let again = Registry::new(options(&server), client(folder.path(), offline));
    let shown = versions(&again, "missing").await;
    assert!(shown.contains("no such package"), "{shown}");
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_need_the_full_form() {
    let server = Server::start();
    let times = r#""time": {"1.0.0": "2020-01-01T00:00:00Z", "1.1.0": "2024-01-01T00:00:00Z"}"#;
    let bare = server.packument("a", &[("1.0.0", ""), ("1.1.0", "")]);
    server.put("/a", ok(bare.replacen('{', &format!("{{{times}, "), 1)));
    server.package("@my/a", &[("1.0.0", "")]);
    let dated = RegistryOptions {
        before: Some("2022-01-01T00:00:00Z".parse().expect("a time")),
        before_exempt: vec!["@my/*".to_owned()],
        ..options(&server)
    };
    let folder = tempfile::tempdir().expect("writable");
    let store = || client(folder.path(), ClientOptions::default());
    let registry = Registry::new(dated.clone(), store());
    assert_eq!(registry.before(&name("a")), Some(1_640_995_200));
    assert_eq!(registry.before(&name("@my/a")), None);
    versions(&registry, "a").await;
    versions(&registry, "@my/a").await;
    assert_eq!(server.asked(), ["/@my%2fa", "/a full"]);
    // A registry that answered in full without being asked to is not asked again.
    let plain = tempfile::tempdir().expect("writable");
    let store = || client(plain.path(), ClientOptions::default());
    versions(&Registry::new(options(&server), store()), "a").await;
    versions(&Registry::new(dated, store()), "a").await;
    assert_eq!(server.asked(), ["/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_version_has_a_document_of_its_own() {
    let server = Server::start();
    server.put(
        "/a/1.0.0",
        ok(r#"{"name": "a", "version": "1.0.0", "scripts": {"install": "x"}}"#),
    );
    server.put(
        "/@s%2fb/2.0.0-rc.1",
        ok(r#"{"name": "@s/b", "version": "2.0.0-rc.1"}"#),
    );
    server.put("/b/1.0.0", ok(r#"{"name": "a", "version": "1.0.0"}"#));
    let (registry, _folder) = registry(&server);
    let mut found = Vec::new();
    for (package, version) in [
        ("a", "1.0.0"),
        ("@s/b", "2.0.0-rc.1"),
        ("a", "9.0.0"),
        ("a", "../x"),
        ("a", "v1.0.0"),
    ] {
        let manifest = registry
            .version(&name(package), version)
            .await
            .expect("answers");
        found.push(manifest.map(|manifest| manifest.has_install_script));
    }
    assert_eq!(found, [Some(true), Some(false), None, None, None]);
    let error = registry
        .version(&name("b"), "1.0.0")
        .await
        .expect_err("another package");
    assert!(error.to_string().contains("answered with `a`"), "{error}");
    let asked = [
        "/@s%2fb/2.0.0-rc.1 full",
        "/a/1.0.0 full",
        "/a/9.0.0 full",
        "/b/1.0.0 full",
    ];
    assert_eq!(server.asked(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_have_registries_and_tokens_stay_with_them() {
    let (main, scoped) = (Server::start(), Server::start());
    let packument = scoped.packument("@s/a", &[("1.0.0", "")]);
    scoped.put("/npm/@s%2fa", ok(packument).only_with("Bearer t0ken"));
    scoped.put(
        "/npm/@s%2fmoved",
        status(302).header("Location", main.url("/@s%2fmoved").as_str()),
    );
    main.package("@s/moved", &[("3.0.0", "")]);
    main.package("b", &[("2.0.0", "")]);
    let credentials = Credentials::new();
    credentials.add_token(&scoped.url("/npm/"), Token::Bearer("t0ken".to_owned()));
    let folder = tempfile::tempdir().expect("writable");
    let options = RegistryOptions {
        scopes: BTreeMap::from([("@s".to_owned(), scoped.url("/npm/"))]),
        ..options(&main)
    };
    let client = client(
        folder.path(),
        ClientOptions {
            credentials,
            ..ClientOptions::default()
        },
    );
    let registry = Registry::new(options, client);
    assert_eq!(versions(&registry, "@s/a").await, "1.0.0");
    assert_eq!(versions(&registry, "@s/moved").await, "3.0.0");
    assert_eq!(versions(&registry, "b").await, "2.0.0");
    assert_eq!(
        scoped.asked(),
        [
            "/npm/@s%2fa with Bearer t0ken",
            "/npm/@s%2fmoved with Bearer t0ken"
        ]
    );
    assert_eq!(main.asked(), ["/@s%2fmoved", "/b"]);
}

#[test]
fn tarballs_of_npms_own_registry_come_from_the_one_that_is_asked() {
    let folder = tempfile::tempdir().expect("writable");
    let from = |registry: &str, replace_host, tarball: &str| {
        let options = RegistryOptions {
            registry: Url::parse(registry).expect("a URL"),
            replace_host,
            ..RegistryOptions::default()
        };
        let registry = Registry::new(options, client(folder.path(), ClientOptions::default()));
        let tarball = tarball.replace("NPM/", default_registry().as_str());
        let url = registry.fetched_from(&name("a"), &Url::parse(&tarball).expect("a URL"));
        url.to_string()
    };
    let mine = "https://r.example/npm/";
    let tarball = "NPM/a/-/a-1.0.0.tgz";
    assert_eq!(
        from(mine, ReplaceHost::Npm, tarball),
        "https://r.example/npm/a/-/a-1.0.0.tgz"
    );
    assert_eq!(
        from(mine, ReplaceHost::Npm, "https://o.example/a.tgz"),
        "https://o.example/a.tgz"
    );
    assert_eq!(
        from(mine, ReplaceHost::Always, "https://o.example/a.tgz"),
        "https://r.example/npm/a.tgz"
    );
    assert_eq!(
        from(
            mine,
            ReplaceHost::Host("o.example".to_owned()),
            "https://o.example/a.tgz"
        ),
        "https://r.example/npm/a.tgz"
    );
    assert!(!from(mine, ReplaceHost::Never, tarball).contains("r.example"));
    assert_eq!(
        from(mine, ReplaceHost::Always, "https://r.example/npm/a.tgz"),
        "https://r.example/npm/a.tgz"
    );

    let registry = Registry::new(
        RegistryOptions {
            registry: Url::parse(mine).expect("a URL"),
            ..RegistryOptions::default()
        },
        client(folder.path(), ClientOptions::default()),
    );
    let url = registry.tarball_url(&name("@s/a"), "1.0.0").expect("a URL");
    assert_eq!(url.as_str(), "https://r.example/npm/@s/a/-/a-1.0.0.tgz");
}

#[test]
fn a_lockfiles_tarball_is_found_at_the_registry_that_is_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scopes = [(
        "@own".to_owned(),
        Url::parse("https://own.example/").expect("a URL"),
    )];
    let options = RegistryOptions {
        registry: Url::parse("https://mirror.example/npm/").expect("a URL"),
        scopes: scopes.into(),
        ..RegistryOptions::default()
    };
    let registry = Registry::new(options, client(folder.path(), ClientOptions::default()));
    let rebased = |package: &str, tarball: &str| {
        let url = registry.rebased(&name(package), &Url::parse(tarball).expect("a URL"));
        url.map(|url| url.to_string())
    };
    let mirrored = |path: &str| Some(format!("https://mirror.example/npm/{path}"));
    assert_eq!(
        rebased("a", "https://r.example/a/-/a-1.0.0.tgz"),
        mirrored("a/-/a-1.0.0.tgz")
    );
    let below = "https://r.example/artifacts/api/@s%2Fa/-/a-1.0.0-rc.1.tgz?x=1#y";
    assert_eq!(rebased("@s/a", below), mirrored("@s/a/-/a-1.0.0-rc.1.tgz"));
    for (package, elsewhere) in [
        ("a", "https://mirror.example/other/a/-/a-1.0.0.tgz"),
        ("a", "https://r.example/b/-/a-1.0.0.tgz"),
        ("a", "https://r.example/a/-/b-1.0.0.tgz"),
        ("a", "https://r.example/ba/-/a-1.0.0.tgz"),
        ("a", "https://git.example/team/a/archive/v1.tgz"),
        ("@own/a", "https://r.example/@own/a/-/a-1.0.0.tgz"),
    ] {
        assert_eq!(rebased(package, elsewhere), None, "{elsewhere}");
    }
}

#[test]
fn slips_in_names_are_recognised() {
    let known = ["express", "lodash", "@types/node", "a", "expresso"];
    assert_eq!(nearest("expres", known), Some("express"));
    assert_eq!(nearest("lodahs", known), Some("lodash"));
    assert_eq!(nearest("@type/node", known), Some("@types/node"));
    assert_eq!(nearest("express", ["express"]), None);
    assert_eq!(nearest("webpack", known), None);
}
