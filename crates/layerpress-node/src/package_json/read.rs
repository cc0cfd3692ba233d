//! Reads the fields of a package.json, and remembers which one it was in when something failed.
//!
//! Every reader takes what npm takes in that place and refuses the rest; the JSON parser adds line
//! and column. Its own limit on nesting, 128, bounds all recursion here.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use super::{Bundled, Override, PackageJson};
use crate::manifest::{Pairs, clean_bin};
use crate::spec::Spec;

/// Where the reader is, for the error.
#[derive(Default)]
pub(super) struct Trail {
    pub(super) fields: RefCell<Vec<String>>,
    pub(super) hint: Cell<Option<&'static str>>,
}

impl Trail {
    /// Reads one value below `field`. After a failure the trail still leads to it.
    fn below<T, E>(&self, field: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.fields.borrow_mut().push(field.to_owned());
        let value = read()?;
        self.fields.borrow_mut().pop();
        Ok(value)
    }

    fn fault<E: Error>(&self, message: impl fmt::Display, hint: &'static str) -> E {
        self.hint.set(Some(hint));
        E::custom(message)
    }
}

/// The whole file.
pub(super) struct Document<'r>(pub(super) &'r Trail);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = PackageJson;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<PackageJson, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = PackageJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a package.json: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PackageJson, A::Error> {
        let trail = self.0;
        let mut out = PackageJson::default();
        let (mut bin, mut bundled, mut old_bundled) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            trail.below(&key, || -> Result<(), A::Error> {
                match key.as_str() {
                    "name" => out.manifest.name = map.next_value::<Text>()?.0,
                    "version" => out.manifest.version = map.next_value::<Text>()?.0,
                    "dependencies" => {
                        out.manifest.dependencies = map.next_value_seed(Specs(trail))?;
                    }
                    "devDependencies" => {
                        out.dev_dependencies = map.next_value_seed(Specs(trail))?;
                    }
                    "optionalDependencies" => {
                        out.manifest.optional_dependencies = map.next_value_seed(Specs(trail))?;
                    }
                    "peerDependencies" => {
                        out.manifest.peer_dependencies = map.next_value_seed(Specs(trail))?;
                    }
                    "acceptDependencies" => {
                        out.manifest.accept_dependencies = map.next_value_seed(Specs(trail))?;
                    }
                    "peerDependenciesMeta" => {
                        let meta = map.next_value::<Value>()?;
                        out.manifest.optional_peers = optional_peers(&meta);
                        out.manifest.extra.peer_dependencies_meta = json(&meta);
                    }
                    "bundleDependencies" => bundled = map.next_value()?,
                    "bundledDependencies" => old_bundled = map.next_value()?,
                    "overrides" => out.overrides = map.next_value_seed(Overrides(trail))?.children,
                    "workspaces" => out.workspaces = map.next_value::<Workspaces>()?.0,
                    "engines" => {
                        let engines = map.next_value::<Value>()?;
                        out.manifest.node = engines["node"].as_str().map(Arc::from);
                        out.manifest.extra.engines = json(&engines);
                    }
                    "os" => out.manifest.os = map.next_value::<Names>()?.0,
                    "cpu" => out.manifest.cpu = map.next_value::<Names>()?.0,
                    "libc" => out.manifest.libc = map.next_value::<Names>()?.0,
                    "bin" => bin = Some(map.next_value::<Value>()?),
                    "scripts" => {
                        let scripts = map.next_value::<Value>()?;
                        out.manifest.has_install_script = has_install_script(&scripts);
                    }
                    "license" => out.manifest.extra.license = license(&map.next_value()?),
                    "funding" => out.manifest.extra.funding = funding(&map.next_value()?),
                    _ => drop(map.next_value::<IgnoredAny>()?),
                }
                Ok(())
            })?;
        }
        out.manifest.bin = bin_entries(bin.as_ref(), out.manifest.name.as_deref());
        out.bundled = bundled.or(old_bundled);
        Ok(out)
    }
}

/// A text, or nothing.
struct Text(Option<Arc<str>>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        Option::<String>::deserialize(from).map(|text| Text(text.map(Arc::from)))
    }
}

/// Names and specifiers; each is one that can be fetched.
struct Specs<'r>(&'r Trail);

impl<'de> DeserializeSeed<'de> for Specs<'_> {
    type Value = Pairs;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Pairs, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Specs<'_> {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and ranges")
    }

    fn visit_unit<E>(self) -> Result<Pairs, E> {
        Ok(Pairs::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Pairs::new();
        while let Some(name) = map.next_key::<String>()? {
            let spec = self.0.below(&name, || {
                let spec = map.next_value::<String>()?;
                match Spec::parse(&name, &spec) {
                    Ok(_) => Ok(spec),
                    Err(error) => Err(self.0.fault(&error, error.hint())),
                }
            })?;
            pairs.retain(|(other, _)| **other != *name);
            pairs.push((name.into(), spec.into()));
        }
        Ok(pairs)
    }
}

/// `overrides`: a text, or an object of the same.
struct Overrides<'r>(&'r Trail);

impl<'de> DeserializeSeed<'de> for Overrides<'_> {
    type Value = Override;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Override, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Overrides<'_> {
    type Value = Override;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version or an object of overrides")
    }

    fn visit_unit<E>(self) -> Result<Override, E> {
        Ok(Override::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Override, E> {
        Ok(Override {
            value: Some(text.into()),
            children: Vec::new(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Override, A::Error> {
        let mut out = Override::default();
        while let Some(key) = map.next_key::<String>()? {
            let child = self
                .0
                .below(&key, || map.next_value_seed(Overrides(self.0)))?;
            if key == "." {
                out.value = child.value;
            } else {
                out.children.retain(|(other, _)| **other != *key);
                out.children.push((key.into(), child));
            }
        }
        Ok(out)
    }
}

impl<'de> Deserialize<'de> for Bundled {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bundled, D::Error> {
        Ok(match Value::deserialize(from)? {
            Value::Bool(true) => Bundled::All,
            Value::Array(names) => Bundled::These(
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .map(Arc::from)
                    .collect(),
            ),
            Value::Object(names) => {
                Bundled::These(names.keys().map(|k| k.as_str().into()).collect())
            }
            _ => Bundled::These(Vec::new()),
        })
    }
}

/// A list of globs, or an object that has it as `packages`.
struct Workspaces(Vec<Arc<str>>);

impl<'de> Deserialize<'de> for Workspaces {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Workspaces, D::Error> {
        struct Found;
        impl<'de> Visitor<'de> for Found {
            type Value = Workspaces;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of folders")
            }

            fn visit_unit<E>(self) -> Result<Workspaces, E> {
                Ok(Workspaces(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Workspaces, A::Error> {
                let mut globs = Vec::new();
                while let Some(glob) = seq.next_element::<String>()? {
                    globs.push(glob.into());
                }
                Ok(Workspaces(globs))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Workspaces, A::Error> {
                let mut found = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "packages" {
                        found = map.next_value::<Vec<String>>()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Workspaces(found.into_iter().map(Arc::from).collect()))
            }
        }
        from.deserialize_any(Found)
    }
}

/// A list of texts, or one alone.
struct Names(Vec<Arc<str>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Names, D::Error> {
        Ok(Names(match Value::deserialize(from)? {
            Value::Null => Vec::new(),
            Value::String(one) => vec![one.into()],
            Value::Array(all) => all
                .iter()
                .map(|name| name.as_str().map(Arc::from))
                .collect::<Option<_>>()
                .ok_or_else(|| D::Error::custom("expected a list of texts"))?,
            _ => return Err(D::Error::custom("expected a list of texts")),
        }))
    }
}

fn bin_entries(bin: Option<&Value>, name: Option<&str>) -> Pairs {
    match (bin, name) {
        (Some(Value::String(path)), Some(name)) => clean_bin([(name, path.as_str())]),
        (Some(Value::Array(paths)), _) => clean_bin(
            paths
                .iter()
                .filter_map(Value::as_str)
                .map(|path| (path, path)),
        ),
        (Some(Value::Object(map)), _) => clean_bin(
            map.iter()
                .filter_map(|(name, path)| Some((name.as_str(), path.as_str()?))),
        ),
        _ => Pairs::new(),
    }
}

/// The peers that `peerDependenciesMeta` marks as optional.
fn optional_peers(meta: &Value) -> Vec<Arc<str>> {
    let optional = |(_, of): &(&String, &Value)| truthy(&of["optional"]);
    meta.as_object()
        .map(|map| {
            map.iter()
                .filter(optional)
                .map(|(name, _)| name.as_str().into())
                .collect()
        })
        .unwrap_or_default()
}

fn has_install_script(scripts: &Value) -> bool {
    ["preinstall", "install", "postinstall"]
        .iter()
        .any(|script| {
            scripts[*script]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        })
}

fn license(license: &Value) -> Option<Arc<str>> {
    match &license["type"] {
        of if truthy(of) => json(of),
        _ => json(license),
    }
}

fn funding(funding: &Value) -> Option<Arc<str>> {
    match funding {
        Value::String(url) if !url.is_empty() => json(&serde_json::json!({ "url": url })),
        other => json(other),
    }
}

/// The text of a value that a lockfile would repeat: nothing empty or false.
fn json(value: &Value) -> Option<Arc<str>> {
    let empty = match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        other => !truthy(other),
    };
    (!empty).then(|| value.to_string().into())
}

/// What JavaScript takes for true.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}
