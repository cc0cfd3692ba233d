//! [`Metadata`]: what a distribution says about itself (core metadata: METADATA, PKG-INFO).
//!
//! In come the bytes of the file, or the compact form that the store keeps; out go name, version
//! and dependencies. Every requirement is checked once, when the file is parsed; after that it is
//! parsed again only if somebody asks for it, and those that need an extra nobody asked for never
//! are: a large package lists a thousand of them.

use std::str::FromStr;
use std::sync::OnceLock;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use rkyv::{Archive, Deserialize, Serialize};

use crate::escaped::escaped;
use crate::lenient::{self, Dependency};
use crate::wheel_name::package_name;

/// The core metadata of one distribution.
#[derive(Debug)]
pub struct Metadata {
    /// The distribution's normalised name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The Pythons it runs on; `None` is every one.
    pub requires_python: Option<VersionSpecifiers>,
    /// The extras it offers, as declared, normalised, in the file's order.
    pub provides_extra: Vec<ExtraName>,
    /// `Metadata-Version`, (0, 0) if it has none.
    pub metadata_version: (u32, u32),
    /// The fields that a build may change (PEP 643), in lower case.
    pub dynamic: Vec<String>,
    requires: Vec<LazyDependency>,
}

/// Why metadata is unusable; the file that it came from is named by the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A field that every distribution has is absent.
    #[error("metadata has no `{field}`")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field cannot be read.
    #[error("metadata field `{field}: {value}`: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// Its value, escaped and cut for display.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// Its major version is newer than this program.
    #[error("metadata version {major}.{minor} is newer than the 2.x that is understood")]
    Newer {
        /// Found major version.
        major: u32,
        /// Found minor version.
        minor: u32,
    },
}

/// How large the trees of all markers may get together, roughly, in nodes; ten thousand plain
/// requirements fit, and so do the worst of real markers a hundred times.
const MAX_MARKER_WORK: u64 = 200_000;

/// A requirement that was valid when the metadata was parsed.
#[derive(Debug)]
struct LazyDependency {
    text: String,
    needs: Option<Vec<ExtraName>>,
    parsed: OnceLock<Option<Dependency>>,
}

impl Metadata {
    /// Reads METADATA or PKG-INFO.
    ///
    /// Line ends, encodings, unknown fields and legacy requirement forms are taken as they come.
    ///
    /// # Errors
    /// [`MetadataError`] if name, version or a requirement cannot be read even so.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let text = String::from_utf8_lossy(headers(bytes));
        let mut fields = Fields::default();
        for (name, value) in unfolded(&text) {
            fields.take(&name, &value)?;
        }
        fields.finish()
    }

    /// All dependencies, whatever their markers say.
    pub fn requires_dist(&self) -> impl Iterator<Item = &Dependency> {
        self.requires.iter().filter_map(LazyDependency::get)
    }

    /// The dependencies that can apply when these extras are asked for; their markers are still to
    /// be evaluated, but what is left out certainly does not apply.
    pub fn dependencies(&self, extras: &[ExtraName]) -> impl Iterator<Item = &Dependency> {
        self.requires
            .iter()
            .filter(|dependency| match &dependency.needs {
                None => true,
                Some(any) => any.iter().any(|extra| extras.contains(extra)),
            })
            .filter_map(LazyDependency::get)
    }

    /// How many dependencies there are, whatever their markers say.
    #[must_use]
    pub fn dependency_count(&self) -> usize {
        self.requires.len()
    }

    /// Whether the metadata of a source distribution holds for every wheel built from it: since
    /// metadata 2.2, unless a field is declared dynamic (PEP 643).
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.metadata_version >= (2, 2)
            && !self.dynamic.iter().any(|field| {
                matches!(
                    field.as_str(),
                    "requires-dist" | "requires-python" | "provides-extra"
                )
            })
    }

    /// The compact form for the store, to be kept at an address that is a multiple of 16.
    #[must_use]
    pub fn to_stored(&self) -> Vec<u8> {
        let stored = Stored {
            name: self.name.to_string(),
            version: self.version.to_string(),
            requires_python: self.requires_python.as_ref().map(ToString::to_string),
            provides_extra: self
                .provides_extra
                .iter()
                .map(ToString::to_string)
                .collect(),
            metadata_version: self.metadata_version,
            dynamic: self.dynamic.clone(),
            requires: self
                .requires
                .iter()
                .map(|dependency| StoredDependency {
                    text: dependency.text.clone(),
                    needs: dependency
                        .needs
                        .as_ref()
                        .map(|extras| extras.iter().map(ToString::to_string).collect()),
                })
                .collect(),
        };
        rkyv::to_bytes::<rkyv::rancor::Error>(&stored)
            .map(rkyv::util::AlignedVec::into_vec)
            .unwrap_or_default()
    }

    /// Reads the compact form; `None` if it is damaged, or was written by a stricter program.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let stored = rkyv::access::<ArchivedStored, rkyv::rancor::Error>(bytes).ok()?;
        let requires_python = stored.requires_python.as_ref();
        Some(Self {
            name: package_name(&stored.name)?,
            version: stored.version.parse().ok()?,
            requires_python: match requires_python {
                Some(text) => Some(text.parse().ok()?),
                None => None,
            },
            provides_extra: extra_names(&stored.provides_extra)?,
            metadata_version: (
                stored.metadata_version.0.to_native(),
                stored.metadata_version.1.to_native(),
            ),
            dynamic: stored
                .dynamic
                .iter()
                .map(|s| s.as_str().to_owned())
                .collect(),
            requires: stored
                .requires
                .iter()
                .map(|dependency| {
                    Some(LazyDependency {
                        text: dependency.text.as_str().to_owned(),
                        needs: match dependency.needs.as_ref() {
                            Some(extras) => Some(extra_names(extras)?),
                            None => None,
                        },
                        parsed: OnceLock::new(),
                    })
                })
                .collect::<Option<_>>()?,
        })
    }
}

/// The form in the store; a change of it needs a new key, see `index::metadata`.
#[derive(Archive, Serialize, Deserialize)]
struct Stored {
    name: String,
    version: String,
    requires_python: Option<String>,
    provides_extra: Vec<String>,
    metadata_version: (u32, u32),
    dynamic: Vec<String>,
    requires: Vec<StoredDependency>,
}

#[derive(Archive, Serialize, Deserialize)]
struct StoredDependency {
    text: String,
    needs: Option<Vec<String>>,
}

fn extra_names(
    names: &rkyv::vec::ArchivedVec<rkyv::string::ArchivedString>,
) -> Option<Vec<ExtraName>> {
    names
        .iter()
        .map(|name| ExtraName::from_str(name).ok())
        .collect()
}

impl LazyDependency {
    fn new(text: &str) -> Result<Self, String> {
        let (dependency, text) = lenient::dependency(text)?;
        Ok(Self {
            needs: needed_extras(&dependency.marker, &text),
            text: text.into_owned(),
            parsed: OnceLock::from(Some(dependency)),
        })
    }

    fn get(&self) -> Option<&Dependency> {
        self.parsed
            .get_or_init(|| Some(lenient::dependency(&self.text).ok()?.0))
            .as_ref()
    }
}

/// The extras of which at least one must be asked for before the marker can hold; `None` if it can
/// hold without any.
///
/// Every string in it counts, whatever it is compared with: that lets some through for nothing, and
/// costs no walk over a tree that may be large.
fn needed_extras(marker: &MarkerTree, text: &str) -> Option<Vec<ExtraName>> {
    if marker.evaluate_extras(&[]) {
        return None;
    }
    let marker = text.split_once(';').map_or("", |(_, marker)| marker);
    let mut extras: Vec<_> = lenient::quoted(marker)
        .filter_map(|name| ExtraName::from_str(name).ok())
        .collect();
    extras.sort();
    extras.dedup();
    Some(extras)
}

/// The fields as they are met.
#[derive(Default)]
struct Fields {
    name: Option<PackageName>,
    version: Option<Version>,
    requires_python: Option<VersionSpecifiers>,
    provides_extra: Vec<ExtraName>,
    metadata_version: (u32, u32),
    dynamic: Vec<String>,
    requires: Vec<LazyDependency>,
    marker_work: u64,
}

impl Fields {
    fn take(&mut self, name: &str, value: &str) -> Result<(), MetadataError> {
        let malformed = |field, reason: String| MetadataError::Field {
            field,
            value: escaped(value),
            reason,
        };
        match name {
            "metadata-version" => self.metadata_version = metadata_version(value)?,
            "name" if self.name.is_none() => {
                let name = package_name(value)
                    .ok_or_else(|| malformed("Name", "not a package name".to_owned()))?;
                self.name = Some(name);
            }
            "version" if self.version.is_none() => {
                let version = value
                    .parse()
                    .map_err(|_| malformed("Version", "not a version".to_owned()))?;
                self.version = Some(version);
            }
            "requires-python" if !value.is_empty() => {
                let specifiers = lenient::specifiers(value)
                    .map_err(|reason| malformed("Requires-Python", reason))?;
                self.requires_python = Some(specifiers);
            }
            "requires-dist" => {
                let malformed = |reason| malformed("Requires-Dist", reason);
                self.marker_work += lenient::marker_work(value).map_err(malformed)?;
                if self.marker_work > MAX_MARKER_WORK {
                    return Err(malformed(
                        "the markers are too many and too large".to_owned(),
                    ));
                }
                let dependency = LazyDependency::new(value).map_err(malformed)?;
                self.requires.push(dependency);
            }
            // A malformed extra cannot be asked for: nothing is lost without it.
            "provides-extra" => self.provides_extra.extend(ExtraName::from_str(value).ok()),
            "dynamic" => self.dynamic.push(value.to_ascii_lowercase()),
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Metadata, MetadataError> {
        Ok(Metadata {
            name: self.name.ok_or(MetadataError::Missing { field: "Name" })?,
            version: self
                .version
                .ok_or(MetadataError::Missing { field: "Version" })?,
            requires_python: self.requires_python,
            provides_extra: self.provides_extra,
            metadata_version: self.metadata_version,
            dynamic: self.dynamic,
            requires: self.requires,
        })
    }
}

fn metadata_version(value: &str) -> Result<(u32, u32), MetadataError> {
    let version = value
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| MetadataError::Field {
            field: "Metadata-Version",
            value: escaped(value),
            reason: "not a version".to_owned(),
        })?;
    match version {
        (major @ 3.., minor) => Err(MetadataError::Newer { major, minor }),
        known => Ok(known),
    }
}

/// The part before the first empty line: what follows is the description, often hundreds of KiB.
fn headers(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if start > 0 && matches!(line, b"\n" | b"\r\n") {
            return &bytes[..start];
        }
        start += line.len();
    }
    bytes
}

/// The headers with lower-case names, folded lines joined by a space; lines that are no header are
/// skipped.
fn unfolded(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Metadata {
        Metadata::parse(text.as_bytes()).expect("valid")
    }

    fn extra(name: &str) -> ExtraName {
        ExtraName::from_str(name).expect("valid")
    }

    fn listed<'a>(dependencies: impl Iterator<Item = &'a Dependency>) -> Vec<String> {
        dependencies.map(ToString::to_string).collect()
    }

    const EXAMPLE: &str = "Metadata-Version: 2.4\n\
        Name: Foo.Bar\n\
        Version: 1.0\n\
        License: one\n  Version: 9\n\
        Requires-Python: >=3.8.*\n\
        Provides-Extra: A_b\n\
        Requires-Dist: one (>=1.0.*)\n\
        Requires-Dist: two; extra == 'a-b'\n\
        Requires-Dist: three; python_version < '3' or extra == 'a-b'\n\
        Requires-Dist: four; extra == 'a-b' and\n\tos_name == 'posix'\n\
        Requires-Dist: five; extra != 'a-b'\n\
        \n\
        Version: 9\n\nRequires-Dist: six\n";

    #[test]
    fn the_headers_are_read_and_the_description_is_not() {
        let metadata = parse(EXAMPLE);
        assert_eq!(metadata.name.as_ref(), "foo-bar");
        assert_eq!(metadata.version.to_string(), "1.0");
        assert_eq!(
            metadata.requires_python.as_ref().map(ToString::to_string),
            Some(">=3.8".to_owned())
        );
        assert_eq!(metadata.provides_extra, [extra("a-b")]);
        assert_eq!(
            listed(metadata.requires_dist()),
            [
                "one>=1.0",
                "two ; extra == 'a-b'",
                "three ; python_full_version < '3' or extra == 'a-b'",
                "four ; os_name == 'posix' and extra == 'a-b'",
                "five ; extra != 'a-b'",
            ]
        );
    }

    #[test]
    fn dependencies_of_extras_not_asked_for_are_left_out() {
        let metadata = parse(EXAMPLE);
        let names = |extras: &[ExtraName]| {
            metadata
                .dependencies(extras)
                .map(|dependency| dependency.name.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["one", "three", "five"]);
        assert_eq!(names(&[extra("other")]), ["one", "three", "five"]);
        assert_eq!(
            names(&[extra("a-b")]),
            ["one", "two", "three", "four", "five"]
        );
    }

    #[test]
    fn the_stored_form_says_the_same() {
        let metadata = parse(EXAMPLE);
        let stored = metadata.to_stored();
        let read = Metadata::from_stored(&stored).expect("undamaged");
        assert_eq!(
            listed(read.requires_dist()),
            listed(metadata.requires_dist())
        );
        assert_eq!(
            listed(read.dependencies(&[])),
            listed(metadata.dependencies(&[]))
        );
        assert_eq!(read.to_stored(), stored);
        assert!(Metadata::from_stored(&stored[..stored.len() - 4]).is_none());
        assert!(Metadata::from_stored(&[]).is_none());
    }

    #[test]
    fn carriage_returns_and_foreign_encodings_are_taken_as_they_come() {
        let bytes = b"\xef\xbb\xbfMetadata-Version: 1.1\r\nName: a\r\nAuthor: J\xf6rg\r\nVersion: 1\r\n\r\nVersion: 2\r\n";
        let metadata = Metadata::parse(bytes).expect("valid");
        assert_eq!(metadata.version.to_string(), "1");
        assert_eq!(metadata.metadata_version, (1, 1));
    }

    #[test]
    fn static_means_declared_so() {
        let of = |head: &str| parse(&format!("{head}Name: a\nVersion: 1\n")).is_static();
        assert!(of("Metadata-Version: 2.2\n"));
        assert!(of("Metadata-Version: 2.7\nDynamic: License\n"));
        assert!(!of("Metadata-Version: 2.1\n"));
        assert!(!of(""));
        for field in ["Requires-Dist", "requires-python", "Provides-Extra"] {
            assert!(!of(&format!("Metadata-Version: 2.4\nDynamic: {field}\n")));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let said: Vec<_> = [
            "",
            "Name: a",
            "Name: -\nVersion: 1",
            "Name: a\nVersion: one",
            "Name: a\nVersion: 1\nRequires-Dist: six one",
            "Name: a\nVersion: 1\nRequires-Python: three",
            "Metadata-Version: 3.0\nName: a\nVersion: 1",
        ]
        .into_iter()
        .map(|text| {
            Metadata::parse(text.as_bytes())
                .expect_err(text)
                .to_string()
        })
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        metadata has no `Name`
        metadata has no `Version`
        metadata field `Name: -`: not a package name
        metadata field `Version: one`: not a version
        metadata field `Requires-Dist: six one`: Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, found `o`
        metadata field `Requires-Python: three`: Failed to parse version: Unexpected end of version specifier, expected operator:
        metadata version 3.0 is newer than the 2.x that is understood
        ");
    }

    #[test]
    fn markers_that_would_take_all_memory_are_refused() {
        let pairs: Vec<_> = (0..12)
            .map(|n| format!("(os_name == 'a{n}' or sys_platform == 'b{n}')"))
            .collect();
        let line = format!("Requires-Dist: six ; {}\n", pairs.join(" and "));
        let of = |lines| format!("Name: a\nVersion: 1\n{}", line.repeat(lines));
        assert!(Metadata::parse(of(10).as_bytes()).is_ok());
        let error = Metadata::parse(of(100).as_bytes()).expect_err("too much");
        assert!(
            error
                .to_string()
                .ends_with("the markers are too many and too large")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Metadata::parse(&bytes);
            let _ = Metadata::from_stored(&bytes);
        }

        #[test]
        fn no_field_panics(lines in "((Name|Version|Requires-Dist|Requires-Python|Metadata-Version): ?\\PC{0,20}\n){0,6}") {
            let _ = Metadata::parse(lines.as_bytes());
        }
    }
}
