//! The corpus (`tests/corpus`): realistic layers of real packages, pressed by each profile, which must do
//! on a root like Lambda's what a function would have them do. Their sizes are told by
//! `benches/sizes.py`, which reads the same folders.
//!
//! Needs the network; downloads are kept in the target folder between runs.

use std::fs;
use std::path::{Path, PathBuf};

use layerpress_tests::{LambdaRoot, TestContext};

/// A test for each folder of the corpus.
macro_rules! corpus {
    ($($test:ident: $folder:literal,)*) => {
        $(#[test]
        fn $test() {
            works($folder);
        })*

        #[test]
        fn every_folder_is_tested() {
            let mut folders: Vec<_> = fs::read_dir(corpus())
                .expect("the corpus")
                .map(|folder| folder.expect("a folder").file_name().into_string().expect("UTF-8"))
                .collect();
            folders.sort();
            assert_eq!(folders, [$($folder),*]);
        }
    };
}

corpus! {
    boto3: "boto3",
    cryptography: "cryptography",
    database: "database",
    fastapi: "fastapi",
    images: "images",
    langchain: "langchain",
    matplotlib: "matplotlib",
    node: "node",
    numpy_pandas: "numpy-pandas",
    pandas_pyarrow: "pandas-pyarrow",
    powertools: "powertools",
    requests: "requests",
    scikit_learn: "scikit-learn",
}

/// Clients and resources of the services that are named, and what credentials come from; of others,
/// botocore's own error.
#[test]
fn boto3_of_named_services() {
    let context = TestContext::new().sharing_cache(&scratch().join("cache-of-the-corpus"));
    let manifest = fs::read_to_string(corpus().join("boto3/requirements.txt")).expect("a manifest");
    context.write("requirements.txt", manifest);
    let named = ["--aws-services", "s3,dynamodb", "--profile", "small"];
    let build = ["build", "requirements.txt", "--runtime", "python3.13"];
    let place = ["-o", "layer.zip", "--compression", "fast"];
    context
        .run(build.iter().chain(&place).chain(&named))
        .expect_code(0);
    let layer = context.layer("layer.zip");
    if let Some(root) = LambdaRoot::for_runtime("python3.13", &scratch()) {
        root.expect(
            &layer,
            "\
import boto3, botocore.exceptions
from boto3.s3.transfer import TransferConfig
session = boto3.Session(aws_access_key_id='a', aws_secret_access_key='b', region_name='us-east-1')
kept = ['dynamodb', 's3', 'signin', 'sso', 'sso-oidc', 'sts']
assert session.get_available_services() == kept, session.get_available_services()
for service in kept:
    client = session.client(service)
    for operation in client.meta.service_model.operation_names:
        client.meta.service_model.operation_model(operation).input_shape
assert session.get_available_resources() == ['dynamodb', 's3']
session.resource('dynamodb').Table('t')
session.resource('s3').Bucket('b').Object('k')
url = session.client('s3').generate_presigned_url('get_object', {'Bucket': 'b', 'Key': 'k'})
assert url.startswith('https://') and 'Signature=' in url, url
session.client('s3').get_paginator('list_objects_v2')
session.client('dynamodb').get_waiter('table_exists')
try:
    session.client('ec2')
except botocore.exceptions.UnknownServiceError as error:
    assert 'dynamodb, s3' in str(error), error
else:
    raise AssertionError('ec2')
",
        );
    }
}

/// Builds the layer of a folder with each profile that changes files, and runs its lines. Compression
/// `best` changes no file, and would take most of the time.
fn works(name: &str) {
    let folder = corpus().join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file));
    let (manifest, runtime, code) = match read("requirements.txt") {
        Ok(_) => ("requirements.txt", "python3.13", read("smoke.py")),
        Err(_) => ("package.json", "nodejs22.x", read("smoke.js")),
    };
    let code = code.expect("lines to run");
    let context = TestContext::new().sharing_cache(&scratch().join("cache-of-the-corpus"));
    context.write(manifest, read(manifest).expect("a manifest"));
    let mut sizes = Vec::new();
    for profile in ["safe", "small"] {
        let more = ["--profile", profile, "--compression", "fast"];
        let build = ["build", manifest, "--runtime", runtime, "-o", "layer.zip"];
        context.run(build.iter().chain(&more)).expect_code(0);
        let layer = context.layer("layer.zip");
        sizes.push(layer.unzipped_bytes());
        if let Some(root) = LambdaRoot::for_runtime(runtime, &scratch()) {
            root.expect(&layer, &code);
        }
    }
    assert!(
        sizes[1] < sizes[0],
        "`small` is smaller than `safe`: {sizes:?}"
    );
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}
