//! Layers of real packages from the real registry, run by real Node.js in a root like Lambda's. With
//! `real_packages`, the tests that need the network.
//!
//! Downloads are kept in the target folder between runs. Versions are pinned to what a date offers,
//! so that a test does not change under its reader.

use std::path::{Path, PathBuf};

use layerpress_tests::{LambdaRoot, Layer, TestContext};
use serde_json::{Value, json};

/// Nothing newer is taken.
const DATE: &str = "2026-11-01T00:00:00Z";
const RUNTIMES: [&str; 3] = ["nodejs20.x", "nodejs22.x", "nodejs24.x"];

#[test]
fn express_and_zod_answer_a_request() {
    let code = "const express = require('express'), { z } = require('zod'), http = require('http');\n\
        const app = express();\n\
        app.get('/:id', (req, res) => res.json({ id: z.coerce.number().parse(req.params.id) }));\n\
        const req = Object.assign(new http.IncomingMessage(null), { method: 'GET', url: '/42' });\n\
        const end = (body) => console.log(String(body));\n\
        app(req, Object.assign(new http.ServerResponse(req), { end }));\n";
    let wanted = [("express", "^4.21.0"), ("zod", "^3.23.0")];
    let layer = build(&wanted, "x86_64");
    for runtime in RUNTIMES {
        prints(&layer, runtime, code, "{\"id\":42}");
    }
}

#[test]
fn two_clients_of_the_aws_sdk() {
    let code = "import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';\n\
        import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';\n\
        const options = { region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };\n\
        const seen = [];\n\
        const requestHandler = { handle: async ({ method, hostname }) => {\n\
          seen.push(method + ' ' + hostname); throw new Error('no network'); } };\n\
        for (const [client, command] of [\n\
          [new S3Client({ ...options, requestHandler, maxAttempts: 1 }), new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x' })],\n\
          [new DynamoDBClient({ ...options, requestHandler, maxAttempts: 1 }), new ListTablesCommand({})],\n\
        ]) await client.send(command).catch(() => {});\n\
        console.log(seen.join(', '));\n";
    let wanted = [
        ("@aws-sdk/client-s3", "^3.600.0"),
        ("@aws-sdk/client-dynamodb", "^3.600.0"),
    ];
    let layer = build(&wanted, "x86_64");
    let expected = "PUT bucket.s3.eu-west-1.amazonaws.com, POST dynamodb.eu-west-1.amazonaws.com";
    for runtime in RUNTIMES {
        imports(&layer, runtime, code, expected);
    }
}

#[test]
fn sharp_makes_a_picture() {
    let code = "const sharp = require('sharp');\n\
        sharp({ create: { width: 8, height: 4, channels: 3, background: 'red' } }).png().toBuffer()\n\
        .then((png) => sharp(png).metadata()).then((it) => console.log(it.format, it.width, it.height));\n";
    let layer = build(&[("sharp", "^0.34.0")], "x86_64");
    for runtime in RUNTIMES {
        prints(&layer, runtime, code, "png 8 4");
    }
}

/// exceljs has code in `lib/doc`, tslint in `lib/test`, and TypeScript reads declarations of its own.
#[test]
fn what_sounds_like_documentation_tests_or_types_but_is_read() {
    let code = "const { Workbook } = require('exceljs');\n\
        const { Test } = require('tslint');\n\
        const ts = require('typescript');\n\
        const lib = ts.sys.fileExists(ts.getDefaultLibFilePath({}));\n\
        console.log(typeof Workbook, typeof Test.runTests, lib);\n";
    let wanted = [
        ("exceljs", "^4.4.0"),
        ("tslint", "^6.1.0"),
        ("typescript", "^5.0.0"),
    ];
    let layer = build(&wanted, "x86_64");
    assert!(!layer.paths().iter().any(|path| path.ends_with(".js.map")));
    prints(&layer, "nodejs22.x", code, "function function true");
}

#[test]
fn better_sqlite3_keeps_a_table() {
    let code = "const db = require('better-sqlite3')(':memory:');\n\
        db.exec('create table t (x)'); db.prepare('insert into t values (?)').run(7);\n\
        console.log(db.prepare('select x from t').get().x);\n";
    let layer = build(&[("better-sqlite3", "^13.0.0")], "x86_64");
    // It is for Node.js 22 and later.
    for runtime in &RUNTIMES[1..] {
        prints(&layer, runtime, code, "7");
    }
}

#[test]
fn modules_scopes_aliases_and_overrides() {
    let manifest = json!({
        "name": "mixed",
        "version": "1.0.0",
        "dependencies": {
            // ES modules alone.
            "nanoid": "^5.0.0",
            "p-limit": "^6.0.0",
            "@noble/hashes": "^1.4.0",
            "lodash-three": "npm:lodash@^3.10.0",
            "micromatch": "^4.0.5",
        },
        "overrides": { "micromatch": { "picomatch": "2.3.0" } },
    });
    let layer = build_manifest(&manifest, "x86_64", &[]);
    let code = "import { nanoid } from 'nanoid';\nimport limit from 'p-limit';\n\
        import { sha256 } from '@noble/hashes/sha256';\nimport lodash from 'lodash-three';\n\
        import { createRequire } from 'node:module';\n\
        const require = createRequire('/var/task/function.mjs');\n\
        const picomatch = require('picomatch/package.json').version;\n\
        console.log(nanoid().length, typeof limit(1), sha256('a').length, lodash.VERSION, picomatch);\n";
    for runtime in RUNTIMES {
        imports(&layer, runtime, code, "21 function 32 3.10.1 2.3.0");
    }
}

/// What of the table of native packages runs without a network, each in a layer of its own.
#[test]
fn native_packages_run() {
    let cases = [
        (
            ("esbuild", "^0.25.0"),
            "console.log(require('esbuild').transformSync('let x: number = 1', { loader: 'ts' }).code.trim())",
            "let x = 1;",
        ),
        (
            ("@swc/core", "^1.9.0"),
            "console.log(require('@swc/core').transformSync('let x = 1').code.trim())",
            "var x = 1;",
        ),
        (
            ("bcrypt", "^6.0.0"),
            "const b = require('bcrypt'); console.log(b.compareSync('a', b.hashSync('a', 4)))",
            "true",
        ),
        (
            ("argon2", "^0.44.0"),
            "const a = require('argon2'); a.hash('a').then((it) => a.verify(it, 'a')).then((it) => console.log(it))",
            "true",
        ),
        (
            ("aws-crt", "^1.27.0"),
            "console.log(require('aws-crt').checksums.crc32('hello'))",
            "907060870",
        ),
    ];
    for ((name, range), code, expected) in cases {
        let layer = build(&[(name, range)], "x86_64");
        only_for(&layer, "x86_64", name);
        prints(&layer, "nodejs22.x", code, expected);
    }
}

#[test]
fn native_packages_for_the_other_architecture() {
    let wanted = [
        ("sharp", "^0.34.0"),
        ("esbuild", "^0.25.0"),
        ("@swc/core", "^1.9.0"),
        ("better-sqlite3", "^13.0.0"),
        ("bcrypt", "^6.0.0"),
        ("argon2", "^0.44.0"),
        ("aws-crt", "^1.27.0"),
    ];
    for wanted in wanted {
        let layer = build(&[wanted], "arm64");
        only_for(&layer, "aarch64", wanted.0);
    }
}

#[test]
fn what_a_script_would_have_fetched_is_asked_for() {
    let cases = [
        ("puppeteer", "^23.0.0", "@sparticuz/chromium"),
        ("@prisma/client", "^5.20.0", "prisma generate"),
        ("better-sqlite3", "^11.0.0", "`better-sqlite3` 13"),
        ("sqlite3", "^5.1.0", "`better-sqlite3` 13"),
        ("canvas", "^3.0.0", "`@napi-rs/canvas`"),
    ];
    for (name, range, remedy) in cases {
        let context = context();
        let manifest = json!({ "name": "app", "dependencies": { name: range } });
        context.write("package.json", manifest.to_string());
        let build = ["build", "package.json", "-o", "out.zip"];
        let build = || build.iter().chain(&["--exclude-newer", DATE]);
        let run = context.run(build());
        run.expect_code(1);
        run.expect_words(&[name, remedy, "hint: "]);
        assert!(!context.files().contains(&"out.zip".to_owned()), "{name}");
    }
}

/// Prisma's client is generated beside the project; of its engines the target's comes along.
#[test]
fn prismas_generated_client_comes_from_the_folder() {
    let elf = |machine: u8| {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(64, 0);
        (header[16], header[18], header[20]) = (3, machine, 1);
        header[52] = 64;
        header
    };
    let context = context();
    let manifest = json!({ "name": "app", "dependencies": { "@prisma/client": "^5.20.0" } });
    let client = "layer/nodejs/node_modules/.prisma/client";
    context
        .write("layer/nodejs/package.json", manifest.to_string())
        .write(&format!("{client}/default.js"), "exports.made = 'here';\n")
        .write(
            &format!("{client}/package.json"),
            "{\"name\": \".prisma/client\"}",
        )
        .write(
            &format!("{client}/libquery_engine-rhel-openssl-3.0.x.so.node"),
            elf(62),
        )
        .write(
            &format!("{client}/libquery_engine-linux-arm64-openssl-3.0.x.so.node"),
            elf(183),
        );
    let target = [
        "--runtime",
        "nodejs22.x",
        "--arch",
        "x86_64",
        "--exclude-newer",
        DATE,
    ];
    context
        .run(["build", "layer", "-o", "out.zip"].iter().chain(&target))
        .expect_code(0);
    let layer = context.layer("out.zip");
    only_for(&layer, "x86_64", "@prisma/client");
    let code = "console.log(require('@prisma/client').made)";
    prints(&layer, "nodejs22.x", code, "here");
}

/// Both architectures come out of one lock, which does not change.
#[test]
fn one_lock_serves_both_architectures() {
    let context = context();
    let manifest = json!({ "name": "app", "dependencies": { "sharp": "^0.34.0" } });
    context.write("package.json", manifest.to_string());
    let build = |arch: &str, output: &str| {
        let build = [
            "build",
            "package.json",
            "--runtime",
            "nodejs22.x",
            "--arch",
            arch,
        ];
        let more = ["-o", output, "--exclude-newer", DATE];
        context.run(build.iter().chain(&more)).expect_code(0);
        (context.layer(output), context.read("package-lock.json"))
    };
    let (arm, first) = build("arm64", "arm.zip");
    let (x86, second) = build("x86_64", "x86.zip");
    assert_eq!(first, second);
    only_for(&arm, "aarch64", "sharp");
    only_for(&x86, "x86_64", "sharp");
}

/// Fails unless the layer holds native code, and that for one machine alone.
fn only_for(layer: &Layer, machine: &str, name: &str) {
    let machines = layer.machines();
    assert!(!machines.is_empty(), "{name} holds no native code");
    let foreign = machines.iter().find(|(_, found)| *found != machine);
    assert_eq!(foreign, None, "{name}");
    // Neither of macOS (Mach-O, thin and fat) nor of Windows (PE).
    let magics: [&[u8]; 4] = [
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\xfe\xed\xfa\xcf",
        b"MZ",
    ];
    let is_foreign = |content: &[u8]| magics.iter().any(|magic| content.starts_with(magic));
    let foreign = layer
        .entries
        .iter()
        .find(|entry| is_foreign(&entry.content));
    assert_eq!(foreign.map(|entry| &entry.path), None, "{name}");
    // Nor of another C library.
    let musl = b"libc.musl-";
    let wants_musl = |content: &[u8]| {
        content.starts_with(b"\x7fELF") && content.windows(musl.len()).any(|it| it == musl)
    };
    let foreign = layer
        .entries
        .iter()
        .find(|entry| wants_musl(&entry.content));
    assert_eq!(foreign.map(|entry| &entry.path), None, "{name}");
}

/// The lockfiles in `lockfiles/foreign` that tools for Node.js wrote from one package.json.
const OF_OTHER_TOOLS: [&str; 10] = [
    "bun-0", "bun-1", "bun-2", "pnpm-5.4", "pnpm-6", "pnpm-9", "yarn-1", "yarn-10", "yarn-6",
    "yarn-8",
];

#[test]
fn the_locks_of_all_tools_give_what_node_can_load() {
    // An alias, a folder, an override, a peer, native code from an optional package, two versions.
    let code = "const version = (name) => require(name + '/package.json').version;\n\
        const { createElement } = require('react');\n\
        const html = require('react-dom/server').renderToStaticMarkup(createElement('b'));\n\
        require('express')(); require('zod'); require('@hapi/boom');\n\
        const found = [require('local-lib'), version('ms-one'), version('cookie'), html, version('debug')];\n\
        require('sharp')({ create: { width: 8, height: 4, channels: 3, background: 'red' } }).png().toBuffer()\n\
        .then((png) => console.log(found.join(' '), png.length > 0));\n";
    let lib = r#"{"name": "local-lib", "version": "0.1.0", "dependencies": {"ms": "^2.0.0"}}"#;
    let mut digests = Vec::new();
    for name in OF_OTHER_TOOLS {
        let context = context().with_variable("npm_config_replace_registry_host", "always");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lockfiles/foreign");
        for file in std::fs::read_dir(folder.join(name)).expect("a fixture") {
            let file = file.expect("a file");
            let text = std::fs::read(file.path()).expect("a text");
            context.write(&file.file_name().to_string_lossy(), text);
        }
        context
            .write("lib/package.json", lib)
            .write("lib/index.js", "module.exports = require('ms')('1s');\n");
        let run = context.run([
            "build",
            ".",
            "--runtime",
            "nodejs22.x",
            "--json",
            "-o",
            "layer.zip",
        ]);
        run.expect_code(0);
        digests.push((name, run.json()["layers"][0]["sha256"].to_string()));
        let layer = context.layer("layer.zip");
        layer.assert_safe_to_attach(&["nodejs/node_modules/"]);
        prints(
            &layer,
            "nodejs22.x",
            code,
            "1000 1.0.0 0.7.0 <b></b> 4.4.3 true",
        );
    }
    // Where the lock does not say where packages lie, it does not matter who wrote it.
    let of_bun = |name: &str| name.starts_with("bun");
    let laid_out: Vec<_> = digests.iter().filter(|it| !of_bun(it.0)).collect();
    assert!(
        laid_out.iter().all(|it| it.1 == laid_out[0].1),
        "{digests:?}"
    );
}

fn build(wanted: &[(&str, &str)], arch: &str) -> Layer {
    let dependencies: Value = wanted.iter().copied().collect();
    let manifest = json!({ "name": "app", "version": "1.0.0", "dependencies": dependencies });
    build_manifest(&manifest, arch, &[])
}

/// Builds a layer, holds it against what every layer promises, and opens it.
fn build_manifest(manifest: &Value, arch: &str, options: &[&str]) -> Layer {
    let context = context();
    context.write("package.json", manifest.to_string());
    let build = [
        "build",
        "package.json",
        "-o",
        "layer.zip",
        "--exclude-newer",
        DATE,
    ];
    let target = ["--runtime", "nodejs22.x", "--arch", arch];
    context
        .run(build.iter().chain(&target).chain(options))
        .expect_code(0);
    let layer = context.layer("layer.zip");
    layer.assert_safe_to_attach(&["nodejs/node_modules/"]);
    layer
}

fn context() -> TestContext {
    TestContext::new().sharing_cache(&scratch().join("cache-of-real-packages"))
}

/// Runs CommonJS with the layer attached, and holds what it prints against `expected`. Where this
/// machine has no such Node.js that part is left out, and the harness says so.
fn prints(layer: &Layer, runtime: &str, code: &str, expected: &str) {
    if let Some(root) = LambdaRoot::for_runtime(runtime, &scratch()) {
        assert_eq!(root.expect(layer, code).trim(), expected, "{runtime}");
    }
}

/// The same with an ES module.
fn imports(layer: &Layer, runtime: &str, code: &str, expected: &str) {
    if let Some(root) = LambdaRoot::for_runtime(runtime, &scratch()) {
        assert_eq!(
            root.expect_module(layer, code).trim(),
            expected,
            "{runtime}"
        );
    }
}

fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}
