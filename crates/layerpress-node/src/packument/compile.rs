//! From a registry's JSON to the compact form, one version at a time.
//!
//! What a field cannot hold is passed over, as npm does: one strange version must not take the
//! others with it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::error::PackumentError;
use super::stored::{Builder, Entry, NO_TIME, Stored, TextId, flag};
use crate::json::{Json, Key};
use crate::name::PackageName;
use crate::semver::Version;

/// More than any packument.
const MAX_BYTES: usize = 512 * 1024 * 1024;

/// Brings a packument, abbreviated or full, into the compact form.
///
/// # Errors
/// When it is no JSON object, speaks of another package, has no version, or is absurdly large.
pub fn compile(name: &PackageName, json: &[u8]) -> Result<Vec<u8>, PackumentError> {
    let mut packument = Collected::new(name);
    read(name, json, Whole(&mut packument))?;
    packument.finish()
}

/// Brings the document of a single version into the compact form: a packument without tags.
///
/// # Errors
/// When it is no JSON object, speaks of another package or has no version.
pub fn compile_version(name: &PackageName, json: &[u8]) -> Result<Vec<u8>, PackumentError> {
    let mut packument = Collected::new(name);
    let version = read(name, json, std::marker::PhantomData::<RawVersion<'_>>)?;
    packument.found = version.name.text().map(str::to_owned);
    if let Some(text) = version.version.text() {
        let text = text.to_owned();
        packument.add(&text, &version);
    }
    packument.finish()
}

fn read<'de, S: DeserializeSeed<'de>>(
    name: &PackageName,
    json: &'de [u8],
    seed: S,
) -> Result<S::Value, PackumentError> {
    if json.len() > MAX_BYTES {
        return Err(PackumentError::TooLarge {
            name: name.to_string(),
            bytes: json.len(),
        });
    }
    let value = match std::str::from_utf8(json) {
        Ok(text) => whole(serde_json::Deserializer::from_str(text), seed),
        // Says where.
        Err(_) => whole(serde_json::Deserializer::from_slice(json), seed),
    };
    value.map_err(|error| PackumentError::Json {
        name: name.to_string(),
        line: error.line(),
        column: error.column().max(1),
        message: error
            .to_string()
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned(),
    })
}

fn whole<'de, R: serde_json::de::Read<'de>, S: DeserializeSeed<'de>>(
    mut from: serde_json::Deserializer<R>,
    seed: S,
) -> Result<S::Value, serde_json::Error> {
    let value = seed.deserialize(&mut from)?;
    from.end()?;
    Ok(value)
}

/// What was read so far.
struct Collected<'n> {
    name: &'n PackageName,
    found: Option<String>,
    builder: Builder,
    versions: Vec<(Entry, Stored)>,
    order: Vec<(Option<Version>, String)>,
    tags: Vec<(TextId, TextId)>,
    times: FxHashMap<String, i64>,
}

impl<'n> Collected<'n> {
    fn new(name: &'n PackageName) -> Self {
        Collected {
            name,
            found: None,
            builder: Builder::default(),
            versions: Vec::new(),
            order: Vec::new(),
            tags: Vec::new(),
            times: FxHashMap::default(),
        }
    }

    fn add(&mut self, text: &str, raw: &RawVersion<'_>) {
        let entry = Entry {
            version: self.builder.id(text),
            offset: 0,
            length: 0,
            node: self.builder.maybe(raw.engines.get("node").text()),
            deprecated: self
                .builder
                .maybe(raw.deprecated.text().filter(|text| !text.is_empty())),
            published: NO_TIME,
        };
        let stored = stored(&mut self.builder, self.name, text, raw);
        self.versions.push((entry, stored));
        self.order.push((Version::loose(text), text.to_owned()));
    }

    fn finish(mut self) -> Result<Vec<u8>, PackumentError> {
        let name = || self.name.to_string();
        if let Some(found) = self.found.filter(|found| found != self.name.as_str()) {
            return Err(PackumentError::OtherPackage {
                name: name(),
                found,
            });
        }
        if self.versions.is_empty() {
            return Err(PackumentError::NoVersions { name: name() });
        }
        for ((entry, _), (_, text)) in self.versions.iter_mut().zip(&self.order) {
            entry.published = self.times.get(text).copied().unwrap_or(NO_TIME);
        }
        let mut versions: Vec<_> = self.versions.into_iter().zip(self.order).collect();
        // Highest first; of equal ones the registry's order, and last what is no version at all.
        versions.sort_by(|(_, (a, _)), (_, (b, _))| match (a, b) {
            (Some(a), Some(b)) => b.cmp(a),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        let versions = versions.into_iter().map(|(version, _)| version).collect();
        self.builder
            .finish(self.tags, versions)
            .map_err(|error| PackumentError::Json {
                name: self.name.to_string(),
                line: 0,
                column: 0,
                message: error.to_string(),
            })
    }
}

fn stored(
    builder: &mut Builder,
    name: &PackageName,
    version: &str,
    raw: &RawVersion<'_>,
) -> Stored {
    let optional = raw.optional_dependencies.pairs();
    let mut dependencies = raw.dependencies.pairs();
    let bundle = if raw.bundle_dependencies == Json::Null {
        &raw.bundled_dependencies
    } else {
        &raw.bundle_dependencies
    };
    let bundled = bundle.bundled(dependencies.iter().map(|(name, _)| *name));
    dependencies.retain(|(name, _)| !optional.iter().any(|(other, _)| other == name));
    let mut flags = 0;
    if raw.has_install_script.is_true() || raw.scripts.has_install_script() {
        flags |= flag::INSTALL_SCRIPT;
    }
    if raw.has_shrinkwrap.is_true() {
        flags |= flag::SHRINKWRAP;
    }
    for (list, lone) in [
        (&raw.os, flag::LONE_OS),
        (&raw.cpu, flag::LONE_CPU),
        (&raw.libc, flag::LONE_LIBC),
    ] {
        if list.text().is_some() {
            flags |= lone;
        }
    }
    let tarball = raw.dist.get("tarball").text();
    let usual = tarball.and_then(|url| url.strip_suffix(usual_ending(name, version).as_str()));
    if usual.is_some() {
        flags |= flag::USUAL_TARBALL;
    }
    let bin = raw.bin.bin(Some(name.as_str()));
    let bin: Vec<_> = bin
        .iter()
        .map(|(command, path)| (&**command, &**path))
        .collect();
    let bundled: Vec<&str> = bundled.iter().map(|name| &**name).collect();
    Stored {
        dependencies: flat(builder, &dependencies),
        optional_dependencies: flat(builder, &optional),
        peer_dependencies: flat(builder, &raw.peer_dependencies.pairs()),
        optional_peers: list(builder, &raw.peer_dependencies_meta.optional_peers()),
        accept_dependencies: flat(builder, &raw.accept_dependencies.pairs()),
        bundled: list(builder, &bundled),
        os: list(builder, &raw.os.texts()),
        cpu: list(builder, &raw.cpu.texts()),
        libc: list(builder, &raw.libc.texts()),
        bin: flat(builder, &bin),
        flags,
        tarball: builder.maybe(usual.or(tarball)),
        integrity: builder.maybe(integrity(&raw.dist).as_deref()),
        license: builder.maybe(raw.license.license().as_deref()),
        funding: builder.maybe(raw.funding.funding().as_deref()),
        engines: builder.maybe(raw.engines.kept().as_deref()),
        peer_dependencies_meta: builder.maybe(raw.peer_dependencies_meta.kept().as_deref()),
        workspaces: builder.maybe(raw.workspaces.kept().as_deref()),
    }
}

/// How nearly every tarball's address ends.
pub(super) fn usual_ending(name: &PackageName, version: &str) -> String {
    let base = name.as_str().rsplit('/').next().unwrap_or_default();
    format!("/{base}-{version}.tgz")
}

/// The digests as the registry writes them; old packages have a sha1 in hex alone.
fn integrity(dist: &Json<'_>) -> Option<String> {
    if let Some(text) = dist.get("integrity").text().filter(|text| !text.is_empty()) {
        return Some(text.to_owned());
    }
    let hex = dist.get("shasum").text().filter(|text| text.len() == 40)?;
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let bytes = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    Some(format!(
        "sha1-{}",
        STANDARD.encode(bytes.collect::<Option<Vec<u8>>>()?)
    ))
}

fn flat(builder: &mut Builder, pairs: &[(&str, &str)]) -> Vec<TextId> {
    pairs
        .iter()
        .flat_map(|(name, value)| [builder.id(name), builder.id(value)])
        .collect()
}

fn list(builder: &mut Builder, texts: &[&str]) -> Vec<TextId> {
    texts.iter().map(|text| builder.id(text)).collect()
}

/// The fields of a version that are looked at.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "a version: an object")]
struct RawVersion<'j> {
    #[serde(borrow)]
    name: Json<'j>,
    #[serde(borrow)]
    version: Json<'j>,
    #[serde(borrow)]
    dependencies: Json<'j>,
    #[serde(borrow)]
    optional_dependencies: Json<'j>,
    #[serde(borrow)]
    peer_dependencies: Json<'j>,
    #[serde(borrow)]
    peer_dependencies_meta: Json<'j>,
    #[serde(borrow)]
    accept_dependencies: Json<'j>,
    #[serde(borrow)]
    bundle_dependencies: Json<'j>,
    #[serde(borrow)]
    bundled_dependencies: Json<'j>,
    #[serde(borrow)]
    os: Json<'j>,
    #[serde(borrow)]
    cpu: Json<'j>,
    #[serde(borrow)]
    libc: Json<'j>,
    #[serde(borrow)]
    engines: Json<'j>,
    #[serde(borrow)]
    bin: Json<'j>,
    #[serde(borrow, deserialize_with = "scripts")]
    scripts: Json<'j>,
    #[serde(borrow)]
    has_install_script: Json<'j>,
    #[serde(rename = "_hasShrinkwrap")]
    #[serde(borrow)]
    has_shrinkwrap: Json<'j>,
    #[serde(borrow)]
    deprecated: Json<'j>,
    #[serde(borrow, deserialize_with = "dist")]
    dist: Json<'j>,
    #[serde(borrow)]
    license: Json<'j>,
    #[serde(borrow)]
    funding: Json<'j>,
    #[serde(borrow)]
    workspaces: Json<'j>,
}

/// The scripts that say something of unpacking; there may be dozens.
fn scripts<'de, D: Deserializer<'de>>(from: D) -> Result<Json<'de>, D::Error> {
    Json::only(from, &["preinstall", "install", "postinstall"])
}

/// What is kept of `dist`, which holds signatures too.
fn dist<'de, D: Deserializer<'de>>(from: D) -> Result<Json<'de>, D::Error> {
    Json::only(from, &["tarball", "integrity", "shasum"])
}

/// A whole packument.
struct Whole<'c, 'n>(&'c mut Collected<'n>);

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a packument: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "name" => self.0.found = map.next_value::<Json<'de>>()?.text().map(str::to_owned),
                "versions" => map.next_value_seed(Versions(self.0))?,
                "dist-tags" => {
                    for (tag, version) in map.next_value::<Json<'de>>()?.pairs() {
                        let ids = (self.0.builder.id(tag), self.0.builder.id(version));
                        self.0.tags.push(ids);
                    }
                }
                "time" => {
                    for (version, time) in map.next_value::<Json<'de>>()?.pairs() {
                        if let Ok(time) = time.parse::<Timestamp>() {
                            self.0.times.insert(version.to_owned(), time.as_second());
                        }
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The versions of a packument, read one by one.
struct Versions<'c, 'n>(&'c mut Collected<'n>);

impl<'de> DeserializeSeed<'de> for Versions<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of versions")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(version)) = map.next_key::<Key<'de>>()? {
            let version: Cow<'de, str> = version;
            let raw = map.next_value::<RawVersion<'de>>()?;
            self.0.add(&version, &raw);
        }
        Ok(())
    }
}
