//! npm registries as they are: settings, scopes and logins, what is asked of them and how often,
//! and what becomes of their faults.

use std::time::{Duration, Instant};

use layerpress_tests::{
    Fault, Login, LoopbackRegistry, NpmPackage, On, RegistryFeatures, Request, TestContext,
};

/// The network did not do its part.
const NETWORK: i32 = 3;
/// What came is wrong in itself.
const INPUT: i32 = 4;

#[test]
fn a_resolve_asks_briefly_and_a_second_one_not_at_all() {
    let registry = small_world();
    let context = context(&registry);
    lock(&context, &[]);
    let requests = registry.requests();
    assert_eq!(asked(&requests), ["/app", "/library"]);
    for request in &requests {
        let accept = &request.headers["accept"];
        assert!(
            accept.starts_with("application/vnd.npm.install-v1+json"),
            "{accept}"
        );
        assert!(request.headers["accept-encoding"].contains("gzip"));
    }
    registry.forget_requests();
    lock(&context, &[]);
    assert_eq!(registry.requests(), []);
    // Anew, but only if something has changed.
    lock(&context, &["--refresh"]);
    let statuses: Vec<_> = registry.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [304, 304]);
    // A date needs the times, which only the long form has.
    registry.forget_requests();
    lock(&context, &["--exclude-newer", "2024-06-01"]);
    let long = registry.requests();
    assert!(long.iter().all(|it| it.status == 200), "{long:?}");
}

#[test]
fn nothing_newer_than_a_date_is_taken() {
    let registry = LoopbackRegistry::start();
    let at = |version: &str, time: &str| NpmPackage::new("app", version).build().published(time);
    registry.publish([
        at("1.0.0", "2024-01-01T00:00:00.000Z"),
        at("1.1.0", "2024-05-01T00:00:00.000Z"),
        at("1.2.0", "2025-01-01T00:00:00.000Z"),
    ]);
    let context = context(&registry);
    lock(&context, &["--exclude-newer", "2024-06-01"]);
    let lock = context.read("package-lock.json");
    assert!(lock.contains("app-1.1.0.tgz"), "{lock}");
}

#[test]
fn a_scope_has_its_registry_and_its_token() {
    let public = small_world();
    let team = LoopbackRegistry::with(RegistryFeatures {
        path: "/team".to_owned(),
        login: Some(Login::Token("secret-token".to_owned())),
        ..RegistryFeatures::default()
    });
    team.publish([NpmPackage::new("@team/lib", "1.0.0")
        .depends("library", "1")
        .build()]);
    let dart = team.nerf_dart();
    let scope = format!("@team:registry={}\n", team.url());
    let settings = [
        // As it is, from the environment, and in the home folder.
        (
            format!("{scope}{dart}:_authToken=secret-token\n"),
            String::new(),
        ),
        (
            format!("{scope}{dart}:_authToken=${{TEAM_TOKEN}}\n"),
            String::new(),
        ),
        (
            String::new(),
            format!("{scope}{dart}:_authToken=secret-token\n"),
        ),
    ];
    for (project, user) in settings {
        public.forget_requests();
        team.forget_requests();
        let context = TestContext::new()
            .with_registry(&public)
            .with_registry_port(&team)
            .with_variable("TEAM_TOKEN", "secret-token");
        context
            .write(
                "package.json",
                r#"{"dependencies": {"@team/lib": "1", "app": "1"}}"#,
            )
            .write(".npmrc", project);
        std::fs::write(context.home().join(".npmrc"), user).expect("a file");
        let run = context.run(["build", "package.json", "-o", "out.zip", "-v"]);
        run.expect_code(0);
        let layer = context.layer("out.zip");
        assert!(
            layer
                .paths()
                .contains(&"nodejs/node_modules/@team/lib/index.js")
        );
        let told = format!("{}{}", run.stdout, run.stderr);
        assert!(!told.contains("secret-token"), "{told}");
        assert!(!context.read("package-lock.json").contains("secret-token"));
        // Both the packument and the tarball took the token, and nobody else saw it.
        let with_token = |request: &Request| request.headers.contains_key("authorization");
        assert!(
            team.requests().iter().all(with_token),
            "{:?}",
            team.requests()
        );
        assert!(team.requests().len() >= 2);
        assert!(
            !public.requests().iter().any(with_token),
            "{:?}",
            public.requests()
        );
        assert!(!holds_the_token(context.cache()), "a token in the cache");
    }
}

#[test]
fn a_password_works_as_well_as_a_token() {
    let registry = LoopbackRegistry::with(RegistryFeatures {
        login: Some(Login::Password("user".to_owned(), "pass".to_owned())),
        ..RegistryFeatures::default()
    });
    registry.publish([NpmPackage::new("app", "1.0.0").build()]);
    let dart = registry.nerf_dart();
    for login in [
        format!("{dart}:_auth=dXNlcjpwYXNz\n"),
        format!("{dart}:username=user\n{dart}:_password=cGFzcw==\n"),
    ] {
        let context = context(&registry);
        context.write(".npmrc", login);
        lock(&context, &[]);
    }
    let context = context(&registry);
    let run = context.run(["lock", "package.json"]);
    run.expect_code(NETWORK);
    run.expect_words(&["app", "401", "hint: ", ".npmrc"]);
}

#[test]
fn a_token_goes_nowhere_else() {
    let thief = small_world();
    let login = || RegistryFeatures {
        login: Some(Login::Token("secret-token".to_owned())),
        ..RegistryFeatures::default()
    };
    let with_token = |request: &Request| request.headers.contains_key("authorization");

    // Not after a redirect to another port.
    let registry = LoopbackRegistry::with(login());
    registry.publish([NpmPackage::new("app", "1.0.0").build()]);
    let elsewhere = format!("{}app", thief.url());
    registry.fault(On::packument("app"), Fault::Redirect(elsewhere));
    let first = context(&registry);
    first.write(
        ".npmrc",
        format!("{}:_authToken=secret-token\n", registry.nerf_dart()),
    );
    first.run(["lock", "package.json"]);
    assert!(registry.requests().iter().all(with_token));
    assert!(!thief.requests().is_empty());
    assert!(
        !thief.requests().iter().any(with_token),
        "{:?}",
        thief.requests()
    );

    // Not to where a packument says that a tarball is.
    thief.forget_requests();
    let registry = LoopbackRegistry::with(RegistryFeatures {
        tarballs_at: Some(thief.url().trim_end_matches('/').to_owned()),
        ..login()
    });
    registry.publish([NpmPackage::new("app", "1.0.0")
        .depends("library", "1")
        .build()]);
    registry.publish([NpmPackage::new("library", "1.5.0").build()]);
    let second = context(&registry);
    second.write(
        ".npmrc",
        format!("{}:_authToken=secret-token\n", registry.nerf_dart()),
    );
    second.run(["build", "package.json", "-o", "out.zip"]);
    assert!(!thief.requests().is_empty());
    assert!(
        !thief.requests().iter().any(with_token),
        "{:?}",
        thief.requests()
    );

    // Not to another path of the same host.
    let registry = LoopbackRegistry::start();
    registry.publish([NpmPackage::new("app", "1.0.0").build()]);
    let third = context(&registry);
    third.write(
        ".npmrc",
        format!("{}team/:_authToken=secret-token\n", registry.nerf_dart()),
    );
    lock(&third, &[]);
    assert!(!registry.requests().iter().any(with_token));

    // Not where a project's own file sends the user's.
    thief.forget_requests();
    let fourth = TestContext::new();
    fourth
        .write("package.json", r#"{"dependencies": {"app": "1"}}"#)
        .write(".npmrc", format!("registry={}\n", thief.url()));
    let user = format!("{}:_authToken=secret-token\n", registry.nerf_dart());
    std::fs::write(fourth.home().join(".npmrc"), user).expect("a file");
    fourth.run(["lock", "package.json"]);
    assert!(!thief.requests().is_empty());
    assert!(!thief.requests().iter().any(with_token));
}

#[test]
fn faults_that_pass_cost_only_a_moment() {
    let faults = [
        Fault::Status(503),
        Fault::TooManyRequests { retry_after: 1 },
        Fault::ResetMidBody,
    ];
    for fault in faults {
        for on in [On::packument("app"), On::tarball("app-1.1.0.tgz")] {
            let registry = small_world();
            registry.fault_times(on.clone(), fault.clone(), 1);
            let run = context(&registry).run(["build", "package.json"]);
            assert_eq!(run.code, Some(0), "{fault:?} {on:?}: {}", run.stderr);
        }
    }
    let registry = small_world();
    registry.fault_times(On::tarball("app-1.1.0.tgz"), Fault::WrongBytes, 1);
    let run = context(&registry).run(["build", "package.json"]);
    run.expect_code(0);
    assert!(run.stderr.contains("fetching it again"), "{}", run.stderr);
    let slow = Fault::Slow {
        piece: 64,
        pause: Duration::from_millis(10),
    };
    let registry = small_world();
    registry.fault(On::Everything, slow);
    context(&registry)
        .run(["build", "package.json"])
        .expect_code(0);
}

#[test]
fn a_registry_that_answers_badly_is_told() {
    let cases = [
        (Fault::Status(401), NETWORK, "401"),
        (Fault::Status(403), NETWORK, "403"),
        (Fault::Status(500), NETWORK, "500"),
        (
            Fault::TooManyRequests { retry_after: 3_600 },
            NETWORK,
            "429",
        ),
        (Fault::ResetMidBody, NETWORK, "app"),
        (Fault::LoginPage, INPUT, "no login page in between?"),
        (Fault::Truncated, INPUT, "app"),
        (Fault::WrongBytes, INPUT, "app"),
    ];
    for (fault, code, word) in cases {
        let registry = small_world();
        registry.reform(|features| features.gzip = false);
        registry.fault(On::packument("app"), fault.clone());
        let context = context(&registry);
        let started = Instant::now();
        let run = context.run(["build", "package.json"]);
        // An answer that makes no sense may be the network's fault or the registry's.
        let codes = if code == INPUT {
            [INPUT, NETWORK]
        } else {
            [code; 2]
        };
        let is_one = run.code.is_some_and(|code| codes.contains(&code));
        assert!(is_one, "{fault:?}: {}", run.stderr);
        run.expect_words(&["app", word]);
        assert!(started.elapsed() < Duration::from_secs(20), "{fault:?}");
        assert_eq!(context.files(), ["package.json"], "{fault:?}");
    }
}

#[test]
fn a_tarball_that_cannot_be_had_is_told_and_leaves_no_layer() {
    let cases = [
        (Fault::Status(401), NETWORK, "401"),
        (Fault::Status(404), NETWORK, "404"),
        (Fault::Status(500), NETWORK, "500"),
        (Fault::Truncated, INPUT, "sha512"),
        (Fault::WrongBytes, INPUT, "sha512"),
        (Fault::LoginPage, INPUT, "hint: "),
    ];
    for (fault, code, word) in cases {
        let registry = small_world();
        registry.fault(On::tarball("app-1.1.0.tgz"), fault.clone());
        let context = context(&registry);
        let run = context.run(["build", "package.json", "-o", "out.zip"]);
        assert_eq!(run.code, Some(code), "{fault:?}: {}", run.stderr);
        run.expect_words(&["app-1.1.0.tgz", word]);
        assert!(!context.files().contains(&"out.zip".to_owned()));
    }
}

#[test]
fn hosts_that_npms_settings_except_are_reached_without_the_proxy() {
    let registry = small_world();
    // Nothing listens there.
    let proxy = "http://127.0.0.1:9";
    let lock = |settings: &str, variable: bool| {
        let mut context = context(&registry);
        if variable {
            context = context.with_variable("HTTPS_PROXY", proxy);
        }
        context.write(".npmrc", settings);
        context.run(["lock", "package.json"]).code
    };
    let proxied = format!("https-proxy={proxy}\n");
    assert_eq!(lock(&proxied, false), Some(3));
    assert_eq!(
        lock(&format!("{proxied}noproxy=127.0.0.1\n"), false),
        Some(0)
    );
    assert_eq!(
        lock(&format!("{proxied}noproxy=x.example,127.0.0.0/8\n"), false),
        Some(0)
    );
    assert_eq!(
        lock(&format!("{proxied}noproxy=x.example\n"), false),
        Some(3)
    );
    // The same for the proxy of the environment.
    assert_eq!(lock("noproxy=127.0.0.1\n", true), Some(0));
    assert_eq!(lock("noproxy=x.example\n", true), Some(3));
}

#[test]
fn a_registry_that_is_not_there_or_never_answers() {
    let registry = small_world();
    registry.fault(On::packument("app"), Fault::Hang);
    let started = Instant::now();
    let run = context(&registry).run(["build", "package.json"]);
    run.expect_code(NETWORK).expect_words(&["127.0.0.1"]);
    assert!(
        started.elapsed() < Duration::from_secs(27),
        "{:?}",
        started.elapsed()
    );

    let context = context(&registry);
    drop(registry);
    let run = context.run(["build", "package.json"]);
    run.expect_code(NETWORK).expect_words(&["127.0.0.1"]);
}

#[test]
fn offline_names_everything_that_is_missing() {
    let registry = small_world();
    let first = context(&registry);
    lock(&first, &[]);
    let second = context(&registry);
    second.write("package-lock.json", first.read("package-lock.json"));
    registry.forget_requests();
    let run = second.run(["build", "package.json", "-o", "out.zip", "--offline"]);
    run.expect_code(NETWORK);
    insta::assert_snapshot!(run.stderr, @r"
    error: 2 archives are not in the cache, and the network is switched off:
      app@1.1.0
      library@1.5.0
    hint: run once without `--offline`, or fill the cache with `layerpress fetch`
    ");
    assert_eq!(registry.requests(), []);
    second.run(["fetch", "package-lock.json"]).expect_code(0);
    second
        .run(["build", "package.json", "-o", "out.zip", "--offline"])
        .expect_code(0);
}

fn small_world() -> LoopbackRegistry {
    let registry = LoopbackRegistry::start();
    registry.publish([
        NpmPackage::new("app", "1.1.0")
            .depends("library", "^1")
            .build(),
        NpmPackage::new("library", "1.5.0").build(),
    ]);
    registry
}

/// A world with a project that wants `app`.
fn context(registry: &LoopbackRegistry) -> TestContext {
    let context = TestContext::new().with_registry(registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    context
}

/// Locks anew.
fn lock(context: &TestContext, options: &[&str]) {
    // None the first time.
    let _absent = std::fs::remove_file(context.folder().join("package-lock.json"));
    let lock = ["lock", "package.json"];
    context.run(lock.iter().chain(options)).expect_code(0);
}

/// The paths asked for, sorted.
fn asked(requests: &[Request]) -> Vec<&str> {
    let mut paths: Vec<_> = requests.iter().map(|it| it.path.as_str()).collect();
    paths.sort_unstable();
    paths
}

/// Whether a file below a folder holds the token.
fn holds_the_token(folder: &std::path::Path) -> bool {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    entries.flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds_the_token(&path);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(12).any(|window| window == b"secret-token")
    })
}
