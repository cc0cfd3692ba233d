//! Layers of real packages from the real index, imported by real interpreters in a root like
//! Lambda's. The one group of tests that needs the network.
//!
//! Downloads are kept in the target folder between runs. `python3.11` stands for the older base
//! image (glibc 2.26), 3.12 and 3.13 for the newer.

use std::path::{Path, PathBuf};

use layerpress_tests::{LambdaRoot, Layer, TestContext};

#[test]
fn requests_and_boto3() {
    let code = "import requests, boto3, certifi\n\
        boto3.client('s3', region_name='eu-west-1', aws_access_key_id='a', aws_secret_access_key='b')\n\
        print(len(open(certifi.where()).read()) > 100000)\n";
    let layer = build(&["requests", "boto3"], "python3.13", "x86_64");
    prints(&layer, "python3.13", code, "True");
}

/// The models of all services are in the layer, without their prose.
#[test]
fn every_service_of_boto3_comes_up() {
    let code = "import boto3\n\
        keys = dict(aws_access_key_id='a', aws_secret_access_key='b', region_name='us-east-1')\n\
        session = boto3.session.Session(**keys)\n\
        clients = [session.client(it) for it in session.get_available_services()]\n\
        resources = [session.resource(it) for it in session.get_available_resources()]\n\
        print(len(clients) > 400, len(resources) > 8)\n";
    let layer = build(&["boto3"], "python3.13", "x86_64");
    prints(&layer, "python3.13", code, "True True");
}

#[test]
fn pydantic_and_orjson() {
    let code = "import pydantic, orjson\n\
        class Point(pydantic.BaseModel):\n    x: int\n\
        print(orjson.dumps(Point(x='3').model_dump()).decode())\n";
    for runtime in ["python3.11", "python3.12", "python3.13"] {
        let layer = build(&["pydantic", "orjson"], runtime, "x86_64");
        prints(&layer, runtime, code, "{\"x\":3}");
    }
}

/// It reads its own stubs when it is imported.
#[test]
fn scikit_image_with_the_stubs_that_it_reads() {
    let code = "import numpy, skimage\n\
        print(skimage.filters.gaussian(numpy.ones((4, 4))).shape)\n\
        print(skimage.measure.label(numpy.eye(3)).max())\n";
    let layer = build(&["scikit-image"], "python3.13", "x86_64");
    let paths = layer.paths();
    assert!(paths.contains(&"python/skimage/filters/__init__.pyi"));
    let is_test = |path: &&&str| path.starts_with("python/skimage/") && path.contains("/tests/");
    assert_eq!(paths.iter().find(is_test), None);
    prints(&layer, "python3.13", code, "(4, 4)\n1");
}

#[test]
fn numpy_and_pandas() {
    let code = "import numpy, pandas\n\
        print(int(pandas.DataFrame({'a': numpy.arange(4)})['a'].sum()))\n";
    for runtime in ["python3.12", "python3.13"] {
        let layer = build(&["numpy", "pandas"], runtime, "x86_64");
        prints(&layer, runtime, code, "6");
    }
}

#[test]
fn cryptography() {
    let code = "from cryptography.fernet import Fernet\n\
        key = Fernet(Fernet.generate_key())\nprint(key.decrypt(key.encrypt(b'secret')).decode())\n";
    for runtime in ["python3.11", "python3.13"] {
        let layer = build(&["cryptography"], runtime, "x86_64");
        prints(&layer, runtime, code, "secret");
    }
}

#[test]
fn pillow() {
    let code = "import io\nfrom PIL import Image\nout = io.BytesIO()\n\
        Image.new('RGB', (8, 8), 'red').save(out, 'JPEG')\n\
        print(Image.open(io.BytesIO(out.getvalue())).size)\n";
    let layer = build(&["pillow"], "python3.13", "x86_64");
    prints(&layer, "python3.13", code, "(8, 8)");
}

#[test]
fn lxml() {
    let code = "from lxml import etree\nprint(etree.fromstring('<a><b/></a>')[0].tag)\n";
    let layer = build(&["lxml"], "python3.12", "x86_64");
    prints(&layer, "python3.12", code, "b");
}

#[test]
fn psycopg_with_its_binary_extra() {
    let code = "import psycopg\nprint(psycopg.pq.__impl__)\n";
    let layer = build(&["psycopg[binary]"], "python3.13", "x86_64");
    prints(&layer, "python3.13", code, "binary");
}

#[test]
fn opentelemetry_finds_its_entry_points() {
    let code = "from importlib.metadata import entry_points\n\
        from opentelemetry import context, trace\n\
        names = [it.name for it in entry_points(group='opentelemetry_context')]\n\
        print('contextvars_context' in names)\n";
    let layer = build(
        &["opentelemetry-api", "opentelemetry-sdk"],
        "python3.13",
        "x86_64",
    );
    prints(&layer, "python3.13", code, "True");
}

#[test]
fn a_source_distribution() {
    let code = "import docopt\nprint(docopt.docopt('Usage: x [--y]', ['--y'])['--y'])\n";
    let layer = build(&["docopt==0.6.2"], "python3.11", "x86_64");
    prints(&layer, "python3.11", code, "True");
}

#[test]
fn namespace_packages_stay_namespaces() {
    let code = "import google.auth, google.protobuf\n\
        print(type(google.__path__).__name__)\n";
    let layer = build(&["google-auth", "protobuf"], "python3.13", "x86_64");
    assert!(!layer.paths().contains(&"python/google/__init__.py"));
    prints(&layer, "python3.13", code, "_NamespacePath");
}

#[test]
fn arm64_holds_arm64_code_only() {
    let requirements = ["numpy", "cryptography", "orjson", "psycopg[binary]"];
    // The newest numpy has no wheel for the older base image's glibc: wheels alone, and an older
    // one is taken.
    let runtimes = ["python3.11", "python3.13"];
    for runtime in runtimes {
        let layer = build_with(&requirements, runtime, "arm64", &["--only-binary", ":all:"]);
        let machines = layer.machines();
        assert!(machines.len() > 20, "{machines:?}");
        let foreign = machines.iter().find(|(_, machine)| *machine != "aarch64");
        assert_eq!(foreign, None);
    }
}

#[test]
fn x86_64_holds_x86_64_code_only() {
    let layer = build(&["numpy", "cryptography"], "python3.13", "x86_64");
    let machines = layer.machines();
    assert!(machines.len() > 10, "{machines:?}");
    assert_eq!(machines.values().find(|machine| *machine != "x86_64"), None);
}

/// Builds a layer, holds it against what every layer promises, and opens it.
fn build(requirements: &[&str], runtime: &str, arch: &str) -> Layer {
    build_with(requirements, runtime, arch, &[])
}

/// The same with some options more.
fn build_with(requirements: &[&str], runtime: &str, arch: &str, options: &[&str]) -> Layer {
    let context = TestContext::new().sharing_cache(&scratch().join("cache-of-real-packages"));
    context.write("requirements.txt", requirements.join("\n") + "\n");
    let build = ["build", "requirements.txt", "-o", "layer.zip"];
    let target = ["--runtime", runtime, "--arch", arch];
    context
        .run(build.iter().chain(&target).chain(options))
        .expect_code(0);
    let layer = context.layer("layer.zip");
    layer.assert_safe_to_attach(&["python/"]);
    // numpy's wheels up to 2.2 hold one of their own; nothing else may.
    let own = "python/numpy/distutils/__pycache__/conv_template.";
    let compiled = layer.bytecode();
    assert_eq!(compiled.iter().find(|path| !path.starts_with(own)), None);
    layer
}

/// Runs the code with the layer attached, and holds what it prints against `expected`. Where this
/// machine has no such interpreter that part is left out, and the harness says so.
fn prints(layer: &Layer, runtime: &str, code: &str, expected: &str) {
    if let Some(root) = LambdaRoot::for_runtime(runtime, &scratch()) {
        assert_eq!(root.expect(layer, code).trim(), expected, "{runtime}");
    }
}

fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}
