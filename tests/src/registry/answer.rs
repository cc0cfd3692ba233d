//! The right answers: packuments, versions, tarballs.

use serde_json::{Map, Value, json};

use super::{Digests, NpmRegistry, Published};
use crate::loopback::{Answer, Request, decoded};
use crate::npm_package::BuiltTarball;

/// The media type of an abbreviated packument.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// The fields that an abbreviated packument keeps of a version (npm's registry documentation,
/// "package metadata").
const KEPT: [&str; 21] = [
    "name",
    "version",
    "deprecated",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bin",
    "directories",
    "dist",
    "engines",
    "_hasShrinkwrap",
    "hasInstallScript",
    "cpu",
    "os",
    "libc",
    "funding",
];

/// What a well-behaved registry answers.
pub(crate) fn right(registry: &NpmRegistry, request: &Request) -> Answer {
    if let Some(login) = &registry.features.login
        && request.headers.get("authorization") != Some(&login.header())
    {
        return Answer::new(
            401,
            "application/json",
            br#"{"error":"who are you?"}"#.to_vec(),
        )
        .with("WWW-Authenticate", "Bearer");
    }
    let path = decoded(request.path.split('?').next().unwrap_or_default());
    let Some(path) = path.strip_prefix(&registry.features.path) else {
        return missing();
    };
    let path = path.trim_start_matches('/');
    if let Some(bytes) = registry.files.get(path) {
        return Answer::new(200, "application/octet-stream", bytes.clone());
    }
    if let Some((name, file)) = path.split_once("/-/") {
        return tarball(registry, name, file);
    }
    // A scope's slash belongs to the name.
    let scope = if path.starts_with('@') {
        path.find('/').map_or(0, |at| at + 1)
    } else {
        0
    };
    let (name, version) = match path[scope..].find('/') {
        Some(at) => (&path[..scope + at], Some(&path[scope + at + 1..])),
        None => (path, None),
    };
    let Some(published) = registry.packages.get(name) else {
        return missing();
    };
    match version {
        Some(version) => one_version(registry, request, published, version),
        None => packument(registry, request, name, published),
    }
}

fn missing() -> Answer {
    let body = br#"{"error":"Not found"}"#.to_vec();
    Answer::new(404, "application/json", body)
}

fn packument(
    registry: &NpmRegistry,
    request: &Request,
    name: &str,
    published: &Published,
) -> Answer {
    let accepts = request.headers.get("accept").map_or("", String::as_str);
    let is_short = registry.features.abbreviated && accepts.contains(ABBREVIATED);
    let versions: Map<String, Value> = published
        .versions
        .iter()
        .map(|package| {
            let mut manifest = manifest(registry, request, package);
            if is_short {
                manifest.retain(|field, _| KEPT.contains(&field.as_str()));
            }
            (package.version.clone(), Value::Object(manifest))
        })
        .collect();
    let times = published.versions.iter().map(|package| &package.published);
    let (first, last) = (times.clone().min(), times.max());
    let mut document = json!({
        "name": name,
        "dist-tags": published.tags,
        "versions": versions,
    });
    if is_short {
        document["modified"] = json!(last);
    } else {
        document["_id"] = json!(name);
        document["readme"] = json!("as long as a book");
        if registry.features.time {
            let mut time = Map::new();
            time.insert("created".to_owned(), json!(first));
            time.insert("modified".to_owned(), json!(last));
            for package in &published.versions {
                time.insert(package.version.clone(), json!(package.published));
            }
            document["time"] = Value::Object(time);
        }
    }
    let media_type = if is_short {
        ABBREVIATED
    } else {
        "application/json"
    };
    told(registry, request, media_type, &document)
}

fn one_version(
    registry: &NpmRegistry,
    request: &Request,
    published: &Published,
    version: &str,
) -> Answer {
    if !registry.features.versions {
        return missing();
    }
    let version = published.tags.get(version).map_or(version, String::as_str);
    let mut versions = published.versions.iter();
    match versions.find(|package| package.version == version) {
        Some(package) => {
            let manifest = Value::Object(manifest(registry, request, package));
            told(registry, request, "application/json", &manifest)
        }
        None => missing(),
    }
}

/// A document with all that HTTP knows to save bytes.
fn told(registry: &NpmRegistry, request: &Request, media_type: &str, document: &Value) -> Answer {
    let body = document.to_string().into_bytes();
    let mut answer = Answer::new(200, media_type, body).with("Vary", "Accept, Accept-Encoding");
    if let Some(value) = &registry.features.cache_control {
        answer = answer.with("Cache-Control", value);
    }
    if registry.features.etags {
        answer = answer.tagged(request);
    }
    if registry.features.gzip {
        answer = answer.compressed(request);
    }
    answer
}

/// What the registry tells of a version.
fn manifest(
    registry: &NpmRegistry,
    request: &Request,
    package: &BuiltTarball,
) -> Map<String, Value> {
    let mut manifest = package.manifest.clone();
    let host = request.headers.get("host").map_or("", String::as_str);
    let here = format!("http://{host}");
    let host = registry.features.tarballs_at.as_ref().unwrap_or(&here);
    let path = &registry.features.path;
    let url = format!("{host}{path}/{}/-/{}", package.name, package.file_name());
    let mut dist = json!({ "tarball": url, "shasum": package.shasum() });
    if registry.features.digests == Digests::Both {
        dist["integrity"] = json!(package.integrity());
    }
    manifest.insert("dist".to_owned(), dist);
    let runs = |event: &str| {
        package
            .manifest
            .get("scripts")
            .is_some_and(|it| !it[event].is_null())
    };
    if ["preinstall", "install", "postinstall"]
        .into_iter()
        .any(runs)
    {
        manifest.insert("hasInstallScript".to_owned(), json!(true));
    }
    manifest
}

fn tarball(registry: &NpmRegistry, name: &str, file: &str) -> Answer {
    let versions = registry.packages.get(name).map(|it| &it.versions);
    let mut versions = versions.into_iter().flatten();
    match versions.find(|package| package.file_name() == file) {
        Some(package) => Answer::new(200, "application/octet-stream", package.bytes.clone())
            .with("Cache-Control", "public, immutable, max-age=31557600"),
        None => missing(),
    }
}
