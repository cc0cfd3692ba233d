use layerpress_target::{Arch, Target};

use super::*;

fn target(runtime: &str, arch: Arch) -> Target {
    let runtime = runtime.parse().expect("a runtime");
    Target { runtime, arch }
}

fn told(json: &str, runtime: &str, host: Option<&str>) -> String {
    match prebuilt(json.as_bytes(), target(runtime, Arch::X86_64), host) {
        Ok(Prebuilt { url, unpacked }) => match unpacked {
            Unpacked::AsIs => url.to_string(),
            Unpacked::Into(folder) => format!("{url} into {folder}"),
        },
        Err(error) => error.to_string(),
    }
}

/// As better-sqlite3 11 has it.
const SQLITE: &str = r#"{"name": "better-sqlite3", "version": "11.10.0",
    "repository": {"type": "git", "url": "git://github.com/WiseLibs/better-sqlite3.git"},
    "scripts": {"install": "prebuild-install || node-gyp rebuild --release"}}"#;

/// As sqlite3 5.1 has it since it uses prebuild-install.
const NODE_API: &str = r#"{"name": "@s/sqlite3", "version": "5.1.7-rc.1",
    "repository": "github:TryGhost/node-sqlite3", "binary": {"napi_versions": [3, 6, 11]},
    "scripts": {"install": "prebuild-install -r napi || node-gyp rebuild"}}"#;

/// As bcrypt 5 and others have it.
const PRE_GYP: &str = r#"{"name": "bcrypt", "version": "5.1.1",
    "binary": {"module_name": "bcrypt_lib", "module_path": "./lib/binding/napi-v{napi_build_version}",
      "host": "https://builds.example", "remote_path": "/v{version}//x", "napi_versions": ["3"],
      "package_name": "{module_name}-v{version}-napi-v{napi_build_version}-{platform}-{arch}-{libc}.tar.gz"},
    "scripts": {"install": "node-pre-gyp install --fallback-to-build"}}"#;

#[test]
fn prebuild_install_looks_among_the_releases_of_the_repository() {
    insta::assert_snapshot!(told(SQLITE, "nodejs20.x", None), @"https://github.com/WiseLibs/better-sqlite3/releases/download/v11.10.0/better-sqlite3-v11.10.0-node-v115-linux-x64.tar.gz");
    insta::assert_snapshot!(told(NODE_API, "nodejs22.x", None), @"https://github.com/TryGhost/node-sqlite3/releases/download/v5.1.7-rc.1/sqlite3-v5.1.7-rc.1-napi-v6-linux-x64.tar.gz");
    let arm = prebuilt(SQLITE.as_bytes(), target("nodejs22.x", Arch::Arm64), None);
    let url = arm.expect("an address").url;
    assert!(
        url.path().ends_with("-node-v127-linux-arm64.tar.gz"),
        "{url}"
    );
}

#[test]
fn prebuild_install_goes_by_the_mirror_then_by_the_packages_own_host() {
    insta::assert_snapshot!(told(SQLITE, "nodejs22.x", Some("https://mirror.example/s/")), @"https://mirror.example/s/v11.10.0/better-sqlite3-v11.10.0-node-v127-linux-x64.tar.gz");
    let own = SQLITE.replace(
        "\"scripts\"",
        r#""binary": {"host": "https://own.example/", "remote_path": "/{name}/{major}.{minor}/"}, "scripts""#,
    );
    insta::assert_snapshot!(told(&own, "nodejs24.x", None), @"https://own.example/better-sqlite3/11.10/better-sqlite3-v11.10.0-node-v137-linux-x64.tar.gz");
    let options = SQLITE.replace(
        "prebuild-install ||",
        "prebuild-install --runtime=napi -t 4 --tag-prefix @s/ ||",
    );
    insta::assert_snapshot!(told(&options, "nodejs24.x", None), @"https://github.com/WiseLibs/better-sqlite3/releases/download/@s/11.10.0/better-sqlite3-v11.10.0-napi-v4-linux-x64.tar.gz");
}

#[test]
fn node_pre_gyp_goes_by_the_fields_of_binary() {
    insta::assert_snapshot!(told(PRE_GYP, "nodejs22.x", None), @"https://builds.example/v5.1.1/x/bcrypt_lib-v5.1.1-napi-v3-linux-x64-glibc.tar.gz into lib/binding/napi-v3");
    insta::assert_snapshot!(told(PRE_GYP, "nodejs22.x", Some("http://mirror.example/m")), @"http://mirror.example/v5.1.1/x/bcrypt_lib-v5.1.1-napi-v3-linux-x64-glibc.tar.gz into lib/binding/napi-v3");
    let plain = r#"{"name": "a", "version": "1.0.0", "binary": {"module_name": "b",
        "module_path": "build/{configuration}", "host": "https://builds.example/here/"}}"#;
    insta::assert_snapshot!(told(plain, "nodejs22.x", None), @"https://builds.example/here/b-v1.0.0-node-v127-linux-x64.tar.gz into build/Release");
}

#[test]
fn what_cannot_be_told_says_why() {
    let other = SQLITE.replace("prebuild-install", "node build.js");
    let nowhere = SQLITE.replace("github.com", "example.org/git");
    let newer = NODE_API.replace("3, 6, 11", "11");
    let no_host = PRE_GYP.replace("\"host\"", "\"x\"");
    let file = PRE_GYP.replace("https://builds.example", "file:///etc");
    let all = [&*other, &nowhere, &newer, &no_host, &file, "[]", "{"];
    let told: Vec<String> = all
        .iter()
        .map(|json| told(json, "nodejs22.x", None))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    its install scripts use neither prebuild-install nor node-pre-gyp
    its package.json names neither a `binary.host` nor a repository on GitHub
    none of its Node-API versions (11) runs in nodejs22.x x86_64
    its package.json names neither a `binary.host` nor a repository on GitHub
    `file:///etc/` is no address to download it from
    its install scripts use neither prebuild-install nor node-pre-gyp
    its install scripts use neither prebuild-install nor node-pre-gyp
    ");
}

#[test]
fn names_that_stand_for_each_other_end() {
    let endless = PRE_GYP.replace("bcrypt_lib", "{module_name}{module_name}{module_name}");
    // What it gives is no matter; it comes to an end.
    assert!(told(&endless, "nodejs22.x", None).len() < 20_000);
}

fn subject(version: &str) -> Subject {
    Subject {
        package: "better-sqlite3".to_owned(),
        version: version.to_owned(),
        target: target("nodejs22.x", Arch::Arm64),
    }
}

#[test]
fn pins_are_read_as_they_were_written_and_hold_no_password() {
    let mut pins = PrebuiltPins::default();
    let sha256 = "ab".repeat(32).parse().expect("a digest");
    let url = Url::parse("https://user:secret@builds.example/a.tar.gz").expect("an address");
    for version in ["11.10.0", "9.0.0"] {
        let url = url.clone();
        pins.insert(subject(version), PinnedBinary { url, sha256 });
    }
    let text = pins.text();
    assert!(!text.contains("secret"), "{text}");
    let read = PrebuiltPins::parse("pins", text.as_bytes()).expect("its own text");
    assert_eq!(read, pins);
    pins.retain(|_, version| version == "9.0.0");
    assert!(pins.get(&subject("11.10.0")).is_none());
    insta::assert_snapshot!(pins.text(), @r#"
    {
      "version": 1,
      "prebuilt": [
        {
          "package": "better-sqlite3",
          "packageVersion": "9.0.0",
          "runtime": "nodejs22.x",
          "arch": "arm64",
          "url": "https://builds.example/a.tar.gz",
          "sha256": "abababababababababababababababababababababababababababababababab"
        }
      ]
    }
    "#);
}

#[test]
fn pins_that_are_none_say_where() {
    let good = r#"{"version": 1, "prebuilt": [{"package": "a", "packageVersion": "1.0.0",
        "runtime": "nodejs22.x", "arch": "arm64", "url": "https://b.example/a", "sha256": "HASH"}]}"#;
    let good = good.replace("HASH", &"0".repeat(64));
    PrebuiltPins::parse("pins", good.as_bytes()).expect("it is good");
    let all = [
        good.replace("arm64", "sparc"),
        good.replace("nodejs22.x", "nodejs99.x"),
        good.replace("https:", "file:"),
        good.replace("00", "x"),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace("\"arch\"", "\"machine\""),
        "{".to_owned(),
        "[]\n".to_owned(),
    ];
    let told = |text: &String| match PrebuiltPins::parse("pins", text.as_bytes()) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    };
    let told: Vec<String> = all.iter().map(told).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    pins: `a`: `sparc` is no architecture
    pins: `a`: `nodejs99.x` is no runtime
    pins: `a`: `file://b.example/a` is no address
    pins: `a`: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is no sha256
    pins: version 2 is not known, only 1 is
    pins:2:42: unknown field `machine`, expected one of `package`, `packageVersion`, `runtime`, `arch`, `url`, `sha256`
    pins:1:1: EOF while parsing an object
    pins:1:2: invalid length 0, expected struct File with 2 elements
    ");
}
