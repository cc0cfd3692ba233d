//! Reads the fields of a package.json, and remembers which one it was in when something failed.
//!
//! Every reader takes what npm takes in that place and refuses the rest; the JSON parser adds line
//! and column. Its own limit on nesting, 128, bounds all recursion here.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor,
};

use super::{Override, PackageJson};
use crate::json::Json;
use crate::manifest::{Pairs, without_optional};
use crate::spec::Spec;
use crate::trail::Trail;

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
        let (mut bin, mut bundled, mut old_bundled) = (Json::Null, None, None);
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
                        out.manifest.extra.has_dev_dependencies = true;
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
                        let meta = map.next_value::<Json<'de>>()?;
                        let optional = meta.optional_peers().into_iter().map(Arc::from);
                        out.manifest.optional_peers = optional.collect();
                        out.manifest.extra.peer_dependencies_meta = meta.kept().map(Arc::from);
                    }
                    "bundleDependencies" => bundled = Some(map.next_value::<Json<'de>>()?),
                    "bundledDependencies" => old_bundled = Some(map.next_value::<Json<'de>>()?),
                    "overrides" => out.overrides = map.next_value_seed(Overrides(trail))?.children,
                    "workspaces" => {
                        let json = map.next_value::<Json<'de>>()?;
                        out.workspaces = workspaces(&json)?;
                        out.manifest.extra.workspaces = json.kept().map(Arc::from);
                    }
                    "engines" => {
                        let engines = map.next_value::<Json<'de>>()?;
                        out.manifest.node = engines.get("node").text().map(Arc::from);
                        out.manifest.extra.engines = engines.kept().map(Arc::from);
                    }
                    "os" => out.manifest.os = map.next_value::<Names>()?.0,
                    "cpu" => out.manifest.cpu = map.next_value::<Names>()?.0,
                    "libc" => out.manifest.libc = map.next_value::<Names>()?.0,
                    "bin" => bin = map.next_value()?,
                    "scripts" => {
                        let scripts = map.next_value::<Json<'de>>()?;
                        out.manifest.has_install_script = scripts.has_install_script();
                    }
                    "license" => {
                        out.manifest.extra.license =
                            map.next_value::<Json<'de>>()?.license().map(Arc::from);
                    }
                    "funding" => {
                        out.manifest.extra.funding =
                            map.next_value::<Json<'de>>()?.funding().map(Arc::from);
                    }
                    _ => drop(map.next_value::<IgnoredAny>()?),
                }
                Ok(())
            })?;
        }
        let manifest = &mut out.manifest;
        manifest.bin = bin.bin(manifest.name.as_deref());
        let names = manifest.dependencies.iter().map(|(name, _)| &**name);
        manifest.bundled = bundled.or(old_bundled).unwrap_or_default().bundled(names);
        without_optional(&mut manifest.dependencies, &manifest.optional_dependencies);
        Ok(out)
    }
}

/// Looks for a field; reading fails once it is found.
pub(super) struct Field<'f> {
    pub(super) path: &'f [String],
    pub(super) found: &'f Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.path {
                [last] if *last == key => {
                    self.found.set(true);
                    return Err(A::Error::custom("found"));
                }
                [first, path @ ..] if *first == key => {
                    let found = self.found;
                    map.next_value_seed(Field { path, found })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
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

/// A list of globs, or an object that has it as `packages`.
fn workspaces<E: Error>(json: &Json<'_>) -> Result<Vec<Arc<str>>, E> {
    let globs = match json {
        Json::Object(_) => json.get("packages"),
        other => other,
    };
    let wrong = |found: &Json<'_>| {
        let found = found
            .text()
            .map_or(Unexpected::Other("something else"), Unexpected::Str);
        E::invalid_type(found, &"a list of folders")
    };
    match globs {
        Json::Null => Ok(Vec::new()),
        Json::List(list) => {
            let text = |glob: &Json<'_>| glob.text().map(Arc::from).ok_or_else(|| wrong(glob));
            list.iter().map(text).collect()
        }
        other => Err(wrong(other)),
    }
}

/// A list of texts, or one alone.
struct Names(Vec<Arc<str>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Names, D::Error> {
        let read = Json::deserialize(from)?;
        let texts = read.texts();
        let count = if let Json::List(list) = &read {
            list.len()
        } else {
            texts.len()
        };
        if texts.len() < count || !matches!(read, Json::Null | Json::Text(_) | Json::List(_)) {
            return Err(D::Error::custom("expected a list of texts"));
        }
        Ok(Names(texts.into_iter().map(Arc::from).collect()))
    }
}
