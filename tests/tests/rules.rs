//! What `layerpress build` leaves out of a layer, end to end: the rules, the user's own choices, and the
//! account of both.

use std::collections::BTreeSet;

use layerpress_tests::{
    BuiltPackage, Layer, LoopbackIndex, LoopbackRegistry, NpmPackage, TestContext, Wheel,
};
use serde_json::{Value, json};

/// The command line cannot be understood.
const USAGE: i32 = 2;

/// A distribution with something for several rules, and tests that another one imports.
fn world() -> [BuiltPackage; 2] {
    let library = Wheel::new("library", "1.0")
        .file("library/tests/__init__.py", "")
        .file("library/tests/util.py", "x = 1\n")
        .file("library/docs/README.md", "# Read me\n")
        .file("library/_speed.pyi", "x: int\n")
        .file("library/_speed.c", "int x;\n")
        .file("library/named.h", "int y;\n")
        .file(
            "library/build.py",
            "text = open('named.h')\nexample = 'named.c'\n",
        );
    let app = Wheel::new("app", "1.0")
        .requires("library")
        .file("app/use.py", "from library.tests.util import x\n")
        .file("app/tests/test_use.py", "import app.use\n");
    [library.build(), app.build()]
}

fn context(index: &LoopbackIndex, requirements: &str) -> TestContext {
    let context = TestContext::new().with_index(index);
    context.write("requirements.txt", requirements);
    context
}

fn build(context: &TestContext, options: &[&str]) -> (Layer, Value) {
    let all = ["build", "requirements.txt", "-o", "out.zip", "--json"];
    let run = context.run(all.iter().chain(options));
    run.expect_code(0);
    (context.layer("out.zip"), run.json()["layers"][0].clone())
}

fn paths(layer: &Layer) -> BTreeSet<String> {
    layer.paths().into_iter().map(str::to_owned).collect()
}

/// What is not in `layer` of what is in `whole`.
fn missing(whole: &Layer, layer: &Layer) -> Vec<String> {
    (&paths(whole) - &paths(layer)).into_iter().collect()
}

#[test]
fn nothing_goes_that_code_of_the_layer_reads_and_every_byte_is_accounted_for() {
    let index = LoopbackIndex::start();
    index.add(world());
    let context = context(&index, "app\n");
    let (whole, document) = build(&context, &["--profile", "none"]);
    assert_eq!(document["removed"], json!([]));
    let (layer, document) = build(&context, &[]);
    assert_eq!(
        missing(&whole, &layer),
        [
            "python/app-1.0.dist-info/RECORD",
            "python/app/tests/test_use.py",
            "python/library-1.0.dist-info/RECORD",
            "python/library/_speed.c",
            "python/library/_speed.pyi",
            "python/library/docs/README.md",
        ]
    );
    let removed = document["removed"].as_array().expect("rules");
    let sum = |field: &str| {
        let all = removed
            .iter()
            .map(|it| it[field].as_u64().expect("a number"));
        all.sum::<u64>()
    };
    assert_eq!(sum("files"), 6);
    assert_eq!(
        sum("bytes"),
        whole.unzipped_bytes() - layer.unzipped_bytes()
    );
    let packages = document["packages"].as_array().expect("packages");
    let weights = packages.iter().map(|it| it["unzipped_bytes"].as_u64());
    let weights: u64 = weights.map(|it| it.expect("a number")).sum();
    assert_eq!(weights, layer.unzipped_bytes());
}

#[test]
fn the_users_choices_come_first_in_their_order() {
    let index = LoopbackIndex::start();
    index.add(world());
    let context = context(&index, "app\n");
    let (whole, _) = build(&context, &["--profile", "none"]);
    let (kept, _) = build(
        &context,
        &[
            "--keep",
            "library:**",
            "--drop",
            "*.c",
            "--keep",
            "rule:tests",
        ],
    );
    assert_eq!(
        missing(&whole, &kept),
        ["python/app-1.0.dist-info/RECORD", "python/library/_speed.c"]
    );
    let (dropped, document) = build(
        &context,
        &["--profile", "none", "--drop", "library/build.py"],
    );
    assert_eq!(missing(&whole, &dropped), ["python/library/build.py"]);
    assert_eq!(document["removed"][0]["rule"], "your-drop");
}

#[test]
fn a_choice_that_means_nothing_is_said_and_one_that_cannot_be_read_is_refused() {
    let index = LoopbackIndex::start();
    index.add(world());
    let context = context(&index, "app\n");
    let arguments = ["build", "requirements.txt", "--drop"];
    let run = context.run(arguments.iter().chain(&["libary:**"]));
    run.expect_code(0).says(&[
        "--drop libary:**",
        "means no file",
        "did you mean `library`?",
    ]);
    let run = context.run(arguments.iter().chain(&["rule:test"]));
    run.expect_code(USAGE).says(&["rule:test", "rule:tests"]);
}

/// A botocore that describes three services.
fn botocore() -> BuiltPackage {
    let mut wheel = Wheel::new("botocore", "1.0").file("botocore/data/endpoints.json", "{}");
    for service in ["s3", "sts", "ec2"] {
        let path = format!("botocore/data/{service}/2006-03-01/service-2.json");
        wheel = wheel.file(&path, "{}");
    }
    wheel.build()
}

#[test]
fn botocore_keeps_the_services_that_are_named() {
    let index = LoopbackIndex::start();
    index.add([botocore()]);
    let context = context(&index, "botocore\n");
    let whole = ["--profile", "none"];
    let (all, _) = build(&context, &whole);
    let gone = ["python/botocore/data/ec2/2006-03-01/service-2.json"];
    let (layer, document) = build(&context, &["--profile", "none", "--aws-services", "s3"]);
    assert_eq!(missing(&all, &layer), gone);
    assert_eq!(document["removed"][0]["rule"], "aws-services");

    let run = context.run(["shrink", "out.zip", "--in-place", "--aws-services", "sts"]);
    run.expect_code(0);
    let again = context.layer("out.zip");
    let service = |name| format!("python/botocore/data/{name}/2006-03-01/service-2.json");
    assert!(!again.paths().contains(&service("s3").as_str()));
    assert!(again.paths().contains(&service("sts").as_str()));
}

#[test]
fn a_pass_is_switched_by_its_name() {
    let index = LoopbackIndex::start();
    let model = "{\"documentation\": \"what it does\"}";
    let path = "python/botocore/data/s3/2006-03-01/service-2.json";
    let wheel = Wheel::new("botocore", "1.0").file(&path["python/".len()..], model);
    index.add([wheel.build()]);
    let context = context(&index, "botocore\n");
    let model_by = |options: &[&str]| {
        let (layer, document) = build(&context, options);
        let mut told = document["removed"].as_array().into_iter().flatten();
        let is_told = told.any(|it| it["rule"] == "botocore-docs");
        (layer.text(path), is_told)
    };
    let blank = "{\"documentation\":\"\"}".to_owned();
    let pass = "rule:botocore-docs";
    let pressed = (blank, true);
    assert_eq!(model_by(&[]), pressed);
    assert_eq!(model_by(&["--keep", pass]), (model.to_owned(), false));
    let explain = ["-o", "out.zip", "--explain", path];
    let run = context.run(["build", "requirements.txt"].iter().chain(&explain));
    run.expect_code(0);
    assert_eq!(
        run.stdout,
        format!(
            "out.zip\n{path}: stays: no rule is for such files\n  smaller by `botocore-docs`: 13 bytes of \
             33 bytes: botocore makes docstrings of it and nothing else\n"
        )
    );
    assert_eq!(model_by(&["--profile", "none", "--drop", pass]), pressed);

    build(&context, &["--profile", "none"]);
    let shrink = ["shrink", "out.zip", "--in-place", "--keep", pass];
    context.run(shrink).expect_code(0);
    let same = context.layer("out.zip");
    assert_eq!(same.text(path), model);
    let explain = [
        "shrink",
        "out.zip",
        "--explain",
        path,
        "--explain",
        "nowhere.json",
    ];
    let shrunk = context.run(explain);
    shrunk
        .expect_code(0)
        .says(&["`--explain nowhere.json`: there is no such file in the layer"]);
    assert_eq!(
        shrunk.stdout,
        run.stdout.replace("out.zip", "out.small.zip")
    );
}

#[test]
fn a_pass_is_chosen_for_one_package_and_no_pressed_copy_of_another_choice_is_taken() {
    let index = LoopbackIndex::start();
    let text = "x = 1  # a note that nobody reads while a function runs\n";
    let wheel = |name: &str| Wheel::new(name, "1.0").file(&format!("{name}.py"), text);
    index.add([wheel("one").build(), wheel("two").build()]);
    let context = context(&index, "one\ntwo\n");
    let sizes = |layer: &Layer| {
        ["one", "two"].map(|name| layer.text(&format!("python/{name}.py")).len() < text.len())
    };
    let small = ["--profile", "small"];
    let keep = ["--keep", "One:rule:python-source"];
    let drop = ["--drop", "two:rule:python-source"];
    let all = ["--keep", "rule:python-source"];
    let cases: [(&[[&str; 2]], [bool; 2]); 7] = [
        (&[small], [true, true]),
        (&[small, keep], [false, true]),
        (&[drop], [false, true]),
        (&[small, all, drop], [false, true]),
        (&[small, drop, all], [false, false]),
        (&[], [false, false]),
        (&[small, keep], [false, true]),
    ];
    for (options, expected) in cases {
        let (layer, document) = build(&context, options.as_flattened());
        assert_eq!(sizes(&layer), expected, "{options:?}");
        let digest = document["sha256"].as_str().expect("a digest");
        let again = ["--offline", "--check-digest", digest];
        build(&context, &[options.as_flattened(), &again].concat());
    }

    let run = context.run(
        ["build", "requirements.txt", "-o", "out.zip"]
            .iter()
            .chain(&[
                "--profile",
                "small",
                "--keep",
                "one:rule:python-source",
                "--keep",
                "two:rule:elf-strip",
                "--explain",
                "one.py",
            ]),
    );
    run.expect_code(0)
        .says(&["`--keep two:rule:elf-strip` means no file"]);
    assert_eq!(
        run.stdout,
        "out.zip\npython/one.py: stays: no rule is for such files\n  `python-source` leaves it as it \
         is: `--keep one:rule:python-source` says so\n"
    );

    build(&context, &["--profile", "none"]);
    let shrink = ["shrink", "out.zip", "--in-place", "--profile", "small"];
    let run = context.run(
        shrink
            .iter()
            .chain(&keep)
            .chain(&["--keep", "six:rule:elf-strip"]),
    );
    run.expect_code(0)
        .says(&["`--keep six:rule:elf-strip` means no file"]);
    assert_eq!(sizes(&context.layer("out.zip")), [false, true]);
}

#[test]
fn a_service_that_botocore_does_not_know_is_refused_and_one_of_no_botocore_is_said() {
    let index = LoopbackIndex::start();
    index.add(world().into_iter().chain([botocore()]));
    let first = context(&index, "botocore\n");
    let typed = ["requirements.txt", "--aws-services", "ec22,s3"];
    let run = first.run(["build"].iter().chain(&typed));
    run.expect_code(USAGE)
        .says(&["no service `ec22`", "did you mean `ec2`"]);
    let second = context(&index, "library\n");
    second
        .run(["build"].iter().chain(&typed))
        .expect_code(0)
        .says(&["--aws-services ec22,s3` means no file", "JavaScript"]);
}

#[test]
fn a_file_is_explained_beside_the_paths_of_the_layers() {
    let index = LoopbackIndex::start();
    index.add(world());
    let context = context(&index, "app\n");
    let files = ["library/tests/util.py", "python/library/_speed.c"];
    let run = context.run([
        "build",
        "requirements.txt",
        "-o",
        "out.zip",
        "--explain",
        files[0],
        "--explain",
        files[1],
    ]);
    run.expect_code(0);
    assert_eq!(
        run.stdout,
        "out.zip\n\
         python/library/tests/util.py: stays although `tests` is for such files: `app/use.py` names \
         `library.tests.util.x`\n\
         python/library/_speed.c: left out by `native-sources`: only compilers read them, and they \
         were compiled already\n"
    );
    build(&context, &["--profile", "none"]);
    let shrink = [
        "shrink",
        "out.zip",
        "--explain",
        files[0],
        "--explain",
        files[1],
    ];
    let shrunk = context.run(shrink);
    shrunk.expect_code(0);
    assert_eq!(
        shrunk.stdout,
        run.stdout.replace("out.zip", "out.small.zip")
    );
    let (_, document) = build(&context, &["--explain", files[0]]);
    let explained = &document["explained"][0];
    assert_eq!(explained["kept"], true);
    assert_eq!(explained["rule"], "tests");
}

#[test]
fn what_the_store_keeps_of_packages_decides_as_they_do() {
    let index = LoopbackIndex::start();
    index.add(world());
    let first = context(&index, "app\n");
    let (cold, _) = build(&first, &[]);
    let (warm, _) = build(&first, &["--offline"]);
    assert_eq!(warm.sha256, cold.sha256);
    let second = context(&index, "app\n");
    second.write("pylock.toml", first.read("pylock.toml"));
    second.run(["fetch", "pylock.toml"]).expect_code(0);
    let (filled, _) = build(&second, &["--offline"]);
    assert_eq!(filled.sha256, cold.sha256);
}

#[test]
fn the_teams_own_code_counts_and_stays() {
    let index = LoopbackIndex::start();
    index.add(world());
    let context = TestContext::new().with_index(&index);
    context.write("layer/python/requirements.txt", "app\n");
    context.write("layer/python/mine.py", "from app.tests import test_use\n");
    context.write("layer/python/tests/test_mine.py", "");
    let run = context.run(["build", "layer/python", "-o", "out.zip"]);
    run.expect_code(0);
    let layer = context.layer("out.zip");
    for path in ["python/tests/test_mine.py", "python/app/tests/test_use.py"] {
        assert!(layer.paths().contains(&path), "{:?}", layer.paths());
    }
}

#[test]
fn npm_packages_go_by_what_reaches_what() {
    let registry = LoopbackRegistry::start();
    registry.publish([
        NpmPackage::new("app", "1.0.0")
            .depends("library", "1")
            .file("index.js", "require('library/test/util');\n")
            .file("index.d.ts", "export {};\n")
            .file("index.js.map", "{}\n")
            .file("README.md", "# Read me\n")
            .file("docs/code.js", "")
            .file("lib/x.js", "require('../docs/code');\n")
            .file("test/x.js", "")
            .build(),
        NpmPackage::new("library", "1.0.0")
            .file("test/util.js", "")
            .file("src/x.cc", "")
            .build(),
    ]);
    let context = TestContext::new().with_registry(&registry);
    context.write("package.json", r#"{"dependencies": {"app": "1"}}"#);
    let build = ["build", "package.json", "-o", "out.zip", "--profile"];
    let layer = |profile: &str| {
        context.run(build.iter().chain(&[profile])).expect_code(0);
        context.layer("out.zip")
    };
    let whole = layer("none");
    assert_eq!(
        missing(&whole, &layer("safe")),
        [
            "nodejs/node_modules/app/README.md",
            "nodejs/node_modules/app/index.d.ts",
            "nodejs/node_modules/app/index.js.map",
            "nodejs/node_modules/app/test/x.js",
            "nodejs/node_modules/library/src/x.cc",
        ]
    );
}
