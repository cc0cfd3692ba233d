//! What is laid out of small lockfiles; each was held against `npm ci --omit=dev` 11.19.

use super::*;
use crate::package_json::PackageJson;
use crate::package_lock::read;

fn target(arch: &str) -> Target {
    Target {
        runtime: "nodejs22.x".parse().unwrap(),
        arch: arch.parse().unwrap(),
    }
}

fn options() -> PinOptions {
    PinOptions {
        target: target("x86_64"),
        omit: [Omit::Dev].into(),
        exclude: Vec::new(),
    }
}

fn chosen(package: &str, packages: &str, options: &PinOptions) -> Result<Vec<Pin>, PinError> {
    let text = format!(r#"{{"lockfileVersion": 3, "packages": {{{packages}}}}}"#);
    let lock = read("package-lock.json", text.as_bytes()).unwrap();
    let package = PackageJson::parse("package.json", package.as_bytes()).unwrap();
    let project = Project {
        package,
        ..Project::default()
    };
    pins(&project, &lock, &|_| None, options)
}

fn laid(package: &str, packages: &str, options: &PinOptions) -> Vec<String> {
    let pins = chosen(package, packages, options).unwrap();
    pins.into_iter()
        .map(|pin| pin.location.to_string())
        .collect()
}

#[test]
fn what_is_only_for_development_stays_out_unless_asked_for() {
    // The lockfile's own flags are those of another package.json.
    let packages = r#""node_modules/a": {"version": "1.0.0", "dev": true, "dependencies": {"s": "1"}},
        "node_modules/d": {"version": "1.0.0", "dependencies": {"s": "1", "t": "1"}},
        "node_modules/s": {"version": "1.0.0", "dev": true}, "node_modules/t": {"version": "1.0.0"},
        "node_modules/stray": {"version": "1.0.0"}"#;
    let package = r#"{"dependencies": {"a": "1"}, "devDependencies": {"d": "1"}}"#;
    assert_eq!(
        laid(package, packages, &options()),
        ["node_modules/a", "node_modules/s"]
    );
    let dev = PinOptions {
        omit: BTreeSet::new(),
        ..options()
    };
    assert_eq!(
        laid(package, packages, &dev),
        [
            "node_modules/a",
            "node_modules/d",
            "node_modules/s",
            "node_modules/t"
        ]
    );
}

#[test]
fn what_the_settings_omit_stays_out() {
    let packages = r#""node_modules/a": {"version": "1.0.0", "dependencies": {"s": "1"}},
        "node_modules/o": {"version": "1.0.0", "dependencies": {"s": "1", "below": "1"}},
        "node_modules/below": {"version": "1.0.0"}, "node_modules/s": {"version": "1.0.0"},
        "node_modules/d": {"version": "1.0.0", "dependencies": {"both": "1"}},
        "node_modules/o2": {"version": "1.0.0", "dependencies": {"both": "1"}},
        "node_modules/both": {"version": "1.0.0"}, "node_modules/p": {"version": "1.0.0"}"#;
    let package = r#"{"dependencies": {"a": "1"}, "devDependencies": {"d": "1"},
        "optionalDependencies": {"o": "1", "o2": "1"}, "peerDependencies": {"p": "1"}}"#;
    let without = |omit: &[Omit]| {
        let omit = omit.iter().copied().collect();
        let laid = laid(package, packages, &PinOptions { omit, ..options() });
        let names = laid
            .iter()
            .filter_map(|it| it.strip_prefix("node_modules/"));
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(without(&[]), "a below both d o o2 p s");
    assert_eq!(without(&[Omit::Dev]), "a below both o o2 p s");
    assert_eq!(without(&[Omit::Optional]), "a both d p s");
    assert_eq!(without(&[Omit::Dev, Omit::Optional]), "a p s");
    assert_eq!(without(&[Omit::Dev, Omit::Peer]), "a below both o o2 s");
}

const NATIVE: &str = r#"
    "node_modules/a": {"version": "1.0.0", "optionalDependencies": {"n-x64": "1", "n-arm64": "1", "n-musl": "1"}},
    "node_modules/n-x64": {"version": "1.0.0", "cpu": ["x64"], "os": ["linux"], "dependencies": {"x": "1"}},
    "node_modules/n-arm64": {"version": "1.0.0", "cpu": ["arm64"], "os": ["!win32"], "libc": ["glibc"], "dependencies": {"x": "1", "y": "1"}},
    "node_modules/n-musl": {"version": "1.0.0", "libc": "musl", "dependencies": {"z": "1"}},
    "node_modules/x": {"version": "1.0.0"}, "node_modules/y": {"version": "1.0.0"},
    "node_modules/z": {"version": "1.0.0", "dependencies": {"y": "1"}}"#;

#[test]
fn an_optional_package_that_does_not_fit_takes_out_what_only_it_needs() {
    let package = r#"{"dependencies": {"a": "1"}}"#;
    let x64 = ["node_modules/a", "node_modules/n-x64", "node_modules/x"];
    assert_eq!(laid(package, NATIVE, &options()), x64);
    let arm64 = PinOptions {
        target: target("arm64"),
        ..options()
    };
    assert_eq!(
        laid(package, NATIVE, &arm64),
        [
            "node_modules/a",
            "node_modules/n-arm64",
            "node_modules/x",
            "node_modules/y"
        ]
    );
}

#[test]
fn an_optional_package_goes_when_what_it_needs_does_not_fit() {
    let packages = r#""node_modules/o": {"version": "1.0.0", "dependencies": {"p": "1", "q": "1"}},
        "node_modules/p": {"version": "1.0.0", "os": ["darwin"]}, "node_modules/q": {"version": "1.0.0"},
        "node_modules/r": {"version": "1.0.0", "engines": {"node": "<20"}}"#;
    let package = r#"{"optionalDependencies": {"o": "1", "r": "1"}}"#;
    assert_eq!(laid(package, packages, &options()), Vec::<String>::new());
}

#[test]
fn a_needed_package_that_does_not_fit_is_an_error_that_names_the_way_to_it() {
    let packages = r#""node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/b": {"version": "2.0.0", "os": ["darwin", "win32"], "cpu": ["!x64"]}"#;
    let package = r#"{"dependencies": {"a": "1"}}"#;
    let error = chosen(package, packages, &options()).unwrap_err();
    insta::assert_snapshot!(format!("{error}\nhint: {}", error.hint()), @r"
    b@2.0.0 does not run on linux x64 glibc: it is for os `darwin`, `win32` and cpu `!x64`; the project needs a@1.0.0, which needs b@2.0.0
    hint: have it as an optional dependency, replace it, or leave it out with `--exclude b`
    ");
    let excluded = PinOptions {
        exclude: vec!["b".into()],
        ..options()
    };
    assert_eq!(laid(package, packages, &excluded), ["node_modules/a"]);
}

#[test]
fn what_is_excluded_goes_with_what_only_it_needed() {
    let packages = r#""node_modules/a": {"version": "1.0.0", "dependencies": {"s": "1", "t": "1"}},
        "node_modules/d": {"version": "1.0.0", "dependencies": {"t": "1"}},
        "node_modules/old": {"name": "real", "version": "1.0.0", "dependencies": {"s": "1"}},
        "node_modules/s": {"version": "1.0.0"}, "node_modules/t": {"version": "1.0.0", "dependencies": {"u": "1"}},
        "node_modules/u": {"version": "1.0.0", "dependencies": {"t": "1"}}"#;
    let package =
        r#"{"dependencies": {"a": "1", "old": "npm:real@1"}, "devDependencies": {"d": "1"}}"#;
    let without = |name: &str| PinOptions {
        exclude: vec![name.into()],
        ..options()
    };
    assert_eq!(
        laid(package, packages, &without("a")),
        ["node_modules/old", "node_modules/s"]
    );
    let all_but_old = [
        "node_modules/a",
        "node_modules/s",
        "node_modules/t",
        "node_modules/u",
    ];
    assert_eq!(laid(package, packages, &without("real")), all_but_old);
    assert_eq!(laid(package, packages, &without("old")), all_but_old);
}

#[test]
fn a_pin_says_where_its_package_comes_from() {
    let packages = r#""node_modules/old": {"name": "@s/real", "version": "1.0.0", "hasInstallScript": true},
        "node_modules/u": {"version": "1.0.0", "resolved": "https://r.example/u.tgz"},
        "node_modules/f": {"version": "1.0.0", "resolved": "file:lib/f.tgz"},
        "node_modules/g": {"version": "1.0.0", "resolved": "git+ssh://git@h.example/g.git#1234567890123456789012345678901234567890"},
        "node_modules/l": {"resolved": "lib/l", "link": true}, "lib/l": {"dependencies": {"n": "2"}},
        "lib/l/node_modules/n": {"version": "2.0.0"}, "node_modules/n": {"version": "1.0.0"},
        "node_modules/b": {"version": "1.0.0", "bundleDependencies": ["i"], "dependencies": {"i": "1"}},
        "node_modules/b/node_modules/i": {"version": "1.0.0", "inBundle": true, "dependencies": {"j": "1"}},
        "node_modules/b/node_modules/j": {"version": "1.0.0", "inBundle": true}"#;
    let package = r#"{"dependencies": {"old": "npm:@s/real@1", "u": "1", "f": "file:lib/f.tgz", "l": "file:lib/l",
        "g": "git+ssh://git@h.example/g.git", "n": "1", "b": "1"}}"#;
    let pins = chosen(package, packages, &options()).unwrap();
    let shown: Vec<String> = pins
        .iter()
        .map(|pin| {
            let bundled = pin.bundled_in.as_ref().map(|by| format!(" in {by}"));
            let bundled = bundled.unwrap_or_default();
            format!(
                "{} ({}): {} {:?}{bundled}",
                pin.location, pin.entry, pin.name, pin.resolved
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    node_modules/b (node_modules/b): b Registry
    node_modules/b/node_modules/i (node_modules/b/node_modules/i): i Registry in node_modules/b
    node_modules/b/node_modules/j (node_modules/b/node_modules/j): j Registry in node_modules/b
    node_modules/f (node_modules/f): f File("lib/f.tgz")
    node_modules/g (node_modules/g): g Git("git+ssh://git@h.example/g.git#1234567890123456789012345678901234567890")
    node_modules/l (node_modules/l): l Folder("lib/l")
    node_modules/l/node_modules/n (lib/l/node_modules/n): n Registry
    node_modules/n (node_modules/n): n Registry
    node_modules/old (node_modules/old): @s/real Registry
    node_modules/u (node_modules/u): u Tarball("https://r.example/u.tgz")
    "#);
    assert!(
        pins.iter()
            .any(|pin| pin.has_install_script && &*pin.name == "@s/real")
    );
}

#[test]
fn folders_that_link_to_each_other_end() {
    let packages = r#""node_modules/l": {"resolved": "lib/l", "link": true}, "lib/l": {"dependencies": {"m": "file:../m"}},
        "lib/l/node_modules/m": {"resolved": "lib/m", "link": true}, "lib/m": {"dependencies": {"l": "file:../l"}},
        "lib/m/node_modules/l": {"resolved": "lib/l", "link": true}"#;
    assert_eq!(
        laid(
            r#"{"dependencies": {"l": "file:lib/l"}}"#,
            packages,
            &options()
        ),
        ["node_modules/l", "node_modules/l/node_modules/m"]
    );
}

#[test]
fn an_entry_that_cannot_be_fetched_is_an_error() {
    let error = chosen(
        r#"{"dependencies": {"a": "*"}}"#,
        r#""node_modules/a": {}"#,
        &options(),
    );
    insta::assert_snapshot!(error.unwrap_err(), @"`node_modules/a` has neither a version nor an address in the lockfile");
}
