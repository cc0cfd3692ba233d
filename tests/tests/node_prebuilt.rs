//! Machine code that a package's install script would download: by choice, pinned, and never in the
//! dark.

use layerpress_tests::{Fault, LoopbackRegistry, NpmPackage, On, Request, Run, TestContext};
use serde_json::json;

/// The request cannot be met.
const UNMET: i32 = 1;
/// What came is wrong in itself.
const INPUT: i32 = 4;

/// Where the registry keeps what the authors of `addon` built.
const AT: &str = "builds/v1.0.0";

/// The beginning of a library for Linux: enough for what looks at the machine alone.
fn library(machine: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (bytes[16], bytes[18], bytes[20]) = (3, machine, 1);
    bytes
}

const X86_64: u8 = 62;
const AARCH64: u8 = 183;

fn build_of(path: &str, machine: u8) -> NpmPackage {
    NpmPackage::archive("build").file(path, library(machine))
}

/// A package with a native part for Node.js 22 on both processors, beside its registry.
fn world() -> (LoopbackRegistry, TestContext) {
    let registry = LoopbackRegistry::start();
    let addon =
        NpmPackage::new("addon", "1.0.0").script("install", "prebuild-install || node-gyp rebuild");
    registry.publish([addon.build()]);
    for (arch, machine) in [("x64", X86_64), ("arm64", AARCH64)] {
        let archive = build_of("Release/addon.node", machine).build();
        let name = format!("{AT}/addon-v1.0.0-node-v127-linux-{arch}.tar.gz");
        registry.serve(&name, &archive.bytes);
    }
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        r#"{"name": "api", "dependencies": {"addon": "1.0.0"}}"#,
    );
    let host = format!("addon_binary_host={}builds\n", registry.url());
    context.write(".npmrc", host);
    (registry, context)
}

fn build(context: &TestContext, options: &[&str]) -> Run {
    let build = [
        "build",
        "package.json",
        "--runtime",
        "nodejs22.x",
        "-o",
        "dist",
    ];
    context.run(build.iter().chain(options))
}

fn warnings(run: &Run) -> String {
    let lines = run.stderr.lines();
    let warnings: Vec<&str> = lines.filter(|line| line.starts_with("warning:")).collect();
    warnings.join("\n")
}

#[test]
fn nothing_is_downloaded_unasked_and_the_hint_says_how_to_ask() {
    let (registry, context) = world();
    let run = build(&context, &[]);
    run.expect_code(0);
    assert!(run.stderr.contains("`--prebuilt addon`"), "{}", run.stderr);
    let is_build = |request: &Request| request.path.contains("builds");
    assert!(!registry.requests().iter().any(is_build));
    // One that is known not to work without is no layer at all.
    let registry = LoopbackRegistry::start();
    let known = NpmPackage::new("better-sqlite3", "11.10.0");
    let known = known.script("install", "prebuild-install || node-gyp rebuild --release");
    registry.publish([known.build()]);
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        r#"{"name": "api", "dependencies": {"better-sqlite3": "11"}}"#,
    );
    let run = build(&context, &[]);
    run.expect_code(UNMET);
    insta::assert_snapshot!(run.stderr, @r"
    error: `better-sqlite3@11.10.0`: its native part for Linux on x86_64 comes by an install script, and no install script is run
    hint: take `better-sqlite3` 13 or later with Node.js 22 or later: its tarball has it for every platform; or have what its authors built downloaded, with `--prebuilt better-sqlite3`; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    hint: to build it as it is, set `ignore-scripts=true` in `.npmrc`
    ");
    assert_eq!(context.files(), ["package.json"]);
}

#[test]
fn what_was_asked_for_is_pinned_and_rebuilt_without_asking() {
    let (registry, context) = world();
    let both = ["--arch", "x86_64,arm64"];
    let run = build(&context, &[&both[..], &["--prebuilt", "addon"]].concat());
    run.expect_code(0);
    insta::assert_snapshot!(warnings(&run), @r"
    warning: `addon@1.0.0`: its native part for nodejs22.x x86_64 is downloaded from `http://127.0.0.1:[PORT]/builds/v1.0.0/addon-v1.0.0-node-v127-linux-x64.tar.gz`, and pinned in `layerpress-prebuilt.json`
    warning: `addon@1.0.0`: its native part for nodejs22.x arm64 is downloaded from `http://127.0.0.1:[PORT]/builds/v1.0.0/addon-v1.0.0-node-v127-linux-arm64.tar.gz`, and pinned in `layerpress-prebuilt.json`
    ");
    let zips = [
        "dist/api-nodejs22.x-x86_64.zip",
        "dist/api-nodejs22.x-arm64.zip",
    ];
    let digests = zips.map(|zip| {
        let layer = context.layer(zip);
        let path = "nodejs/node_modules/addon/build/Release/addon.node";
        assert!(layer.paths().contains(&path), "{:?}", layer.paths());
        layer.sha256
    });
    assert_ne!(digests[0], digests[1]);
    let pins = context.read("layerpress-prebuilt.json");
    insta::assert_snapshot!(pins.replace(&registry.port().to_string(), "[PORT]"), @r#"
    {
      "version": 1,
      "prebuilt": [
        {
          "package": "addon",
          "packageVersion": "1.0.0",
          "runtime": "nodejs22.x",
          "arch": "x86_64",
          "url": "http://127.0.0.1:[PORT]/builds/v1.0.0/addon-v1.0.0-node-v127-linux-x64.tar.gz",
          "sha256": "d4316d3462b2d5427615c5431c1fccd4d3de451ba3e3c1ae8279659b81ad9e2c"
        },
        {
          "package": "addon",
          "packageVersion": "1.0.0",
          "runtime": "nodejs22.x",
          "arch": "arm64",
          "url": "http://127.0.0.1:[PORT]/builds/v1.0.0/addon-v1.0.0-node-v127-linux-arm64.tar.gz",
          "sha256": "0d0e5e0270210f3116cc1e52e4c9f340b46c7e09914e8bca32a7a91f54aa64ef"
        }
      ]
    }
    "#);
    // The mirror is gone, and so is the network: the pins and the store do.
    context.write(".npmrc", "");
    let again = build(&context, &[&both[..], &["--locked", "--offline"]].concat());
    again.expect_code(0);
    assert_eq!(zips.map(|zip| context.layer(zip).sha256), digests);
    // An empty store: the pinned address is asked, whatever else there is.
    let fresh = TestContext::new().with_registry(&registry);
    for file in [
        "package.json",
        "package-lock.json",
        "layerpress-prebuilt.json",
    ] {
        fresh.write(file, context.read(file));
    }
    fresh
        .run([
            "fetch",
            "package-lock.json",
            "--runtime",
            "nodejs22.x",
            "--arch",
            "arm64",
        ])
        .expect_code(0);
    build(&fresh, &["--arch", "arm64", "--locked", "--offline"]).expect_code(0);
    assert_eq!(fresh.layer(zips[1]).sha256, digests[1]);
}

#[test]
fn a_locked_build_pins_nothing_new() {
    let (_registry, context) = world();
    context.run(["lock", "package.json"]).expect_code(0);
    let run = build(&context, &["--locked", "--prebuilt", "addon"]);
    run.expect_code(UNMET);
    insta::assert_snapshot!(run.stderr, @r"
    error: `addon@1.0.0`: its native part for nodejs22.x x86_64 is not pinned in `layerpress-prebuilt.json`
    hint: run it once without `--locked`
    ");
    assert_eq!(
        context.files(),
        [".npmrc", "package-lock.json", "package.json"]
    );
}

#[test]
fn what_is_not_what_was_pinned_is_refused() {
    let (registry, context) = world();
    build(&context, &["--prebuilt", "addon"]).expect_code(0);
    let name = format!("{AT}/addon-v1.0.0-node-v127-linux-x64.tar.gz");
    registry.serve(&name, &build_of("Release/other.node", X86_64).build().bytes);
    let fresh = TestContext::new().with_registry(&registry);
    for file in [
        "package.json",
        "package-lock.json",
        "layerpress-prebuilt.json",
    ] {
        fresh.write(file, context.read(file));
    }
    let run = build(&fresh, &[]);
    run.expect_code(INPUT);
    assert!(run.stderr.contains("sha256"), "{}", run.stderr);
    assert!(!fresh.files().iter().any(|file| file.starts_with("dist")));
}

#[test]
fn what_is_not_there_names_its_address_and_a_way_out() {
    let (_registry, context) = world();
    let run = context.run([
        "build",
        "package.json",
        "--runtime",
        "nodejs24.x",
        "-o",
        "dist",
        "--prebuilt",
        "addon",
    ]);
    run.expect_code(UNMET);
    insta::assert_snapshot!(run.stderr, @r"
    error: `addon@1.0.0`: there is no native part for nodejs24.x x86_64 at `http://127.0.0.1:[PORT]/builds/v1.0.0/addon-v1.0.0-node-v137-linux-x64.tar.gz` (status 404)
    hint: its authors built none for that version of Node.js or that processor: name another `--runtime` or version, or a mirror that has it with `NAME_binary_host` in `.npmrc`
    ");
    assert_eq!(context.files(), [".npmrc", "package.json"]);
}

#[test]
fn an_archive_that_cannot_be_used_is_refused() {
    let cases = [
        (
            "for another processor",
            build_of("Release/addon.node", AARCH64),
        ),
        (
            "no machine code",
            NpmPackage::archive("build").file("readme", "hello"),
        ),
        (
            "a link",
            build_of("Release/addon.node", X86_64).symlink("Release/x", "/etc/passwd"),
        ),
        ("a way out", build_of("../../../evil.node", X86_64)),
    ];
    for (what, archive) in cases {
        let (registry, context) = world();
        let name = format!("{AT}/addon-v1.0.0-node-v127-linux-x64.tar.gz");
        registry.serve(&name, &archive.build().bytes);
        let run = build(&context, &["--prebuilt", "addon"]);
        run.expect_code(INPUT);
        assert!(run.stderr.contains("addon@1.0.0"), "{what}: {}", run.stderr);
        assert_eq!(context.files(), [".npmrc", "package.json"], "{what}");
    }
}

#[test]
fn an_archive_replaces_no_file_of_the_package() {
    let (registry, context) = world();
    let archive = build_of("Release/addon.node", X86_64).file_at("index.js", "evil()");
    let archive = archive.build();
    let name = format!("{AT}/addon-v1.0.0-node-v127-linux-x64.tar.gz");
    registry.serve(&name, &archive.bytes);
    let run = build(&context, &["--prebuilt", "addon"]);
    run.expect_code(INPUT);
    assert!(
        run.stderr
            .contains("`index.js` is a file of the package already"),
        "{}",
        run.stderr
    );
}

#[test]
fn pins_that_cannot_be_read_name_their_line() {
    let (_registry, context) = world();
    context.write("layerpress-prebuilt.json", "{\"version\": 1,\n  oops");
    let run = build(&context, &[]);
    run.expect_code(INPUT);
    insta::assert_snapshot!(run.stderr, @r"
    error: layerpress-prebuilt.json:2:3: key must be a string
    hint: take it from version control again, or delete it and pin anew with `--prebuilt`
    ");
}

#[test]
fn a_package_that_has_its_native_part_is_left_as_it_is() {
    let registry = LoopbackRegistry::start();
    let addon = NpmPackage::new("addon", "1.0.0")
        .script("install", "prebuild-install || node-gyp rebuild")
        .file("prebuilds/linux-x64/addon.node", library(X86_64));
    registry.publish([addon.build()]);
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        r#"{"name": "api", "dependencies": {"addon": "1.0.0"}}"#,
    );
    let run = build(&context, &["--prebuilt", "addon", "--prebuilt", "absent"]);
    run.expect_code(0);
    insta::assert_snapshot!(warnings(&run), @r"
    warning: `--prebuilt absent`: nothing of that name is in the lock
    warning: `addon@1.0.0`: nothing is downloaded: its tarball has all of it
    ");
    assert!(
        !context
            .files()
            .contains(&"layerpress-prebuilt.json".to_owned())
    );
}

#[test]
fn node_pre_gyp_has_a_folder_of_its_own_and_a_server_that_fails_is_tried_again() {
    let registry = LoopbackRegistry::start();
    let binary = json!({
        "module_name": "addon",
        "module_path": "./lib/binding/{node_abi}-{platform}-{arch}-{libc}",
        "host": format!("{}builds/", registry.url()),
        "remote_path": "v{version}",
        "package_name": "{module_name}-{node_abi}.tar.gz",
    });
    let addon = NpmPackage::new("@team/addon", "1.0.0")
        .script("install", "node-pre-gyp install --fallback-to-build")
        .field("binary", binary);
    registry.publish([addon.build()]);
    let archive = build_of("addon.node", X86_64).build();
    registry.serve(&format!("{AT}/addon-node-v127.tar.gz"), &archive.bytes);
    registry.fault_times(
        On::packument("addon-node-v127.tar.gz"),
        Fault::Status(503),
        1,
    );
    let context = TestContext::new().with_registry(&registry);
    context.write(
        "package.json",
        r#"{"name": "api", "dependencies": {"@team/addon": "1"}}"#,
    );
    build(&context, &["--prebuilt", "@team/addon"]).expect_code(0);
    let layer = context.layer("dist/api-nodejs22.x-x86_64.zip");
    let path = "nodejs/node_modules/@team/addon/lib/binding/node-v127-linux-x64-glibc/addon.node";
    assert!(layer.paths().contains(&path), "{:?}", layer.paths());
}
