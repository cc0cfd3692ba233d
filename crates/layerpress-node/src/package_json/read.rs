//! Reads the fields of a package.json, and remembers which one it was in when something failed.
//!
//! Every reader takes what npm takes in that place and refuses the rest; the JSON parser adds line
//! and column. Its own limit on nesting, 128, bounds all recursion here.

use std::fmt;
use std::sync::Arc;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor,
};

use super::{Override, PackageJson};
use crate::fields::{Specs, Wrong, texts};
use crate::json::Json;
use crate::manifest::without_optional;
use crate::spec::{Spec, SpecError};
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
        f.write_str("an object")
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
                        out.manifest.dependencies = map.next_value_seed(specs(trail))?;
                    }
                    "devDependencies" => {
                        out.dev_dependencies = map.next_value_seed(specs(trail))?;
                        out.manifest.extra.has_dev_dependencies = true;
                    }
                    "optionalDependencies" => {
                        out.manifest.optional_dependencies = map.next_value_seed(specs(trail))?;
                    }
                    "peerDependencies" => {
                        out.manifest.peer_dependencies = map.next_value_seed(specs(trail))?;
                    }
                    "acceptDependencies" => {
                        out.manifest.accept_dependencies = map.next_value_seed(specs(trail))?;
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
                    "os" => (out.manifest.os, out.manifest.extra.lone.os) = texts::<A>(&mut map)?,
                    "cpu" => {
                        (out.manifest.cpu, out.manifest.extra.lone.cpu) = texts::<A>(&mut map)?;
                    }
                    "libc" => {
                        (out.manifest.libc, out.manifest.extra.lone.libc) = texts::<A>(&mut map)?;
                    }
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

/// A text, or nothing.
struct Text(Option<Arc<str>>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        Option::<String>::deserialize(from).map(|text| Text(text.map(Arc::from)))
    }
}

/// Names and specifiers; each is one that can be fetched.
fn specs(trail: &Trail) -> Specs<'_, impl Fn(&str, &str) -> Result<(), Wrong>> {
    let check = |name: &str, spec: &str| match Spec::parse(name, spec) {
        Ok(_) => Ok(()),
        Err(error) => Err(Wrong {
            in_name: matches!(error, SpecError::Name { .. }),
            message: error.to_string(),
            hint: error.hint(),
        }),
    };
    Specs { trail, check }
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
