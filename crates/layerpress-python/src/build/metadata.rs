//! What a source says about itself without being built.
//!
//! A source distribution's PKG-INFO holds for every wheel of it since metadata 2.2, unless a field
//! is marked dynamic (PEP 643); a `[project]` table does, unless a field is listed as dynamic
//! (PEP 621). Anything else takes a build backend to find out.

use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use layerpress_fetch::let_go;
use layerpress_pack::tarball::{self, Kind};
use layerpress_pack::{Archive, TarballError, read_all};
use pep440_rs::Version;
use toml_edit::TableLike;

use super::backend::{parse_document, strings};
use super::source::{LET_GO_AFTER_BYTES, LIMITS};
use crate::metadata::Metadata;

/// Neither of the files that are read comes near this.
const FILE_LIMIT: u64 = 4 << 20;

/// The metadata of a source archive, if it is static. An archive that cannot be read has none; its
/// build will say what is wrong with it.
#[must_use]
pub fn archive_metadata(
    bytes: &Bytes,
    subdirectory: Option<&str>,
    version: Option<&Version>,
) -> Option<Metadata> {
    let mut found = Found::default();
    if bytes.starts_with(b"PK") {
        found.read_zip(bytes, subdirectory);
    } else {
        found.read_tarball(bytes, subdirectory);
    }
    if let Some(metadata) = found.package_info.as_deref().and_then(of_package_info) {
        return Some(metadata);
    }
    let text = String::from_utf8(found.pyproject?).ok()?;
    of_pyproject(&text, version)
}

/// The metadata of a source tree on disk, if its `pyproject.toml` is static; an old build's PKG-INFO
/// may lie there too, and is not believed.
#[must_use]
pub fn folder_metadata(root: &Path) -> Option<Metadata> {
    let text = super::backend::read_pyproject(root, "").ok()??;
    of_pyproject(&text, None)
}

#[derive(Default)]
struct Found {
    package_info: Option<Vec<u8>>,
    pyproject: Option<Vec<u8>>,
}

impl Found {
    fn read_zip(&mut self, bytes: &Bytes, subdirectory: Option<&str>) {
        let Ok(archive) = Archive::open(bytes.clone(), &LIMITS) else {
            return;
        };
        for entry in archive.entries() {
            if let Some(slot) = self.slot(entry.path.as_str(), subdirectory)
                && entry.content.size <= FILE_LIMIT
            {
                *slot = read_all(&entry.content).ok();
            }
        }
    }

    fn read_tarball(&mut self, bytes: &Bytes, subdirectory: Option<&str>) {
        enum Stop {
            Found,
            Fault,
        }
        impl From<TarballError> for Stop {
            fn from(_: TarballError) -> Self {
                Self::Fault
            }
        }
        let options = tarball::Options {
            limits: LIMITS,
            links: tarball::Links::Report,
            ..tarball::Options::default()
        };
        let mut since = 0;
        let read = tarball::read(bytes, &options, |member| {
            let Kind::File { size, data, .. } = member.kind else {
                return Ok(());
            };
            since += size;
            if since >= LET_GO_AFTER_BYTES {
                since = 0;
                let_go(bytes);
            }
            let Some(slot) = self.slot(member.path.as_str(), subdirectory) else {
                return Ok(());
            };
            if size > FILE_LIMIT {
                return Ok(());
            }
            let mut text = Vec::new();
            data.read_to_end(&mut text).map_err(|_| Stop::Fault)?;
            *slot = Some(text);
            // Large archives are not read to their end for one file at their beginning.
            let enough = self.package_info.as_deref().and_then(of_package_info);
            enough.map_or(Ok(()), |_| Err(Stop::Found))
        });
        if let Err(Stop::Fault) = read {
            *self = Self::default();
        }
    }

    /// Where the file at `path` goes: those at the top of the one folder that an archive holds.
    fn slot(&mut self, path: &str, subdirectory: Option<&str>) -> Option<&mut Option<Vec<u8>>> {
        let below = path.split_once('/')?.1;
        let name = match subdirectory {
            None => below,
            Some(folder) => below
                .strip_prefix(folder.trim_matches('/'))?
                .strip_prefix('/')?,
        };
        match name {
            "PKG-INFO" => Some(&mut self.package_info),
            "pyproject.toml" => Some(&mut self.pyproject),
            _ => None,
        }
    }
}

fn of_package_info(bytes: &[u8]) -> Option<Metadata> {
    Metadata::parse(bytes).ok().filter(Metadata::is_static)
}

/// The metadata of a `[project]` table; a dynamic version is the one that is known otherwise.
fn of_pyproject(text: &str, version: Option<&Version>) -> Option<Metadata> {
    const NEEDED: [&str; 3] = ["dependencies", "optional-dependencies", "requires-python"];
    let document = parse_document(text).ok()?;
    let project = document.get("project")?.as_table_like()?;
    let dynamic = project.get("dynamic").map_or(Some(Vec::new()), strings)?;
    if NEEDED
        .iter()
        .any(|field| dynamic.iter().any(|it| it == field))
    {
        return None;
    }
    // Poetry reads its own table where the standard one is silent.
    let poetry = document
        .get("tool")
        .and_then(|tool| tool.get("poetry"))
        .is_some_and(|poetry| poetry.get("dependencies").is_some());
    if poetry && project.get("dependencies").is_none() {
        return None;
    }
    let version = match project.get("version") {
        Some(stated) => stated.as_str()?.to_owned(),
        None => version?.to_string(),
    };
    Metadata::parse(as_metadata(project, &version)?.as_bytes()).ok()
}

/// The table as core metadata; nothing if a field is not what it should be.
fn as_metadata(project: &dyn TableLike, version: &str) -> Option<String> {
    let one_line = |text: &str| (!text.contains(['\n', '\r'])).then(|| text.to_owned());
    let name = one_line(project.get("name")?.as_str()?)?;
    let version = one_line(version)?;
    let mut text = format!("Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n");
    if let Some(python) = project.get("requires-python") {
        let _ = writeln!(text, "Requires-Python: {}", one_line(python.as_str()?)?);
    }
    for requirement in project
        .get("dependencies")
        .map_or(Some(Vec::new()), strings)?
    {
        let _ = writeln!(text, "Requires-Dist: {}", one_line(&requirement)?);
    }
    let extras = match project.get("optional-dependencies") {
        None => return Some(text),
        Some(item) => item.as_table_like()?,
    };
    for (extra, requirements) in extras.iter() {
        let extra = one_line(extra).filter(|extra| !extra.contains(['\'', '"']))?;
        let _ = writeln!(text, "Provides-Extra: {extra}");
        for requirement in strings(requirements)? {
            let requirement = of_extra(&one_line(&requirement)?, &extra);
            let _ = writeln!(text, "Requires-Dist: {requirement}");
        }
    }
    Some(text)
}

/// The requirement with the marker that its extra puts on it.
fn of_extra(requirement: &str, extra: &str) -> String {
    // A URL ends at white space; anywhere else a semicolon begins the marker (PEP 508).
    let separator = if requirement.contains('@') { " ;" } else { ";" };
    match requirement.split_once(separator) {
        Some((plain, marker)) => {
            format!("{plain} ; ({}) and extra == '{extra}'", marker.trim())
        }
        None => format!("{requirement} ; extra == '{extra}'"),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn shown(metadata: Option<Metadata>) -> String {
        let Some(metadata) = metadata else {
            return "not static".to_owned();
        };
        let requires: Vec<String> = metadata.requires_dist().map(ToString::to_string).collect();
        format!(
            "{} {} {:?} {:?} {requires:?}",
            metadata.name,
            metadata.version,
            metadata.requires_python.map(|python| python.to_string()),
            metadata.provides_extra,
        )
    }

    #[test]
    fn a_project_table_is_static_unless_it_says_otherwise() {
        let text = "[project]\nname = 'A.b'\nversion = '1.0'\nrequires-python = '>=3.9'\n\
                    dependencies = ['six>=1', \"x; python_version<'3'\"]\n\
                    [project.optional-dependencies]\n\
                    web = ['flask', \"y; os_name=='nt'\", 'z @ https://x.example/z.zip ; os_name==\"nt\"']\n";
        insta::assert_snapshot!(shown(of_pyproject(text, None)), @r#"a-b 1.0 Some(">=3.9") [ExtraName("web")] ["six>=1", "x ; python_full_version < '3'", "flask ; extra == 'web'", "y ; os_name == 'nt' and extra == 'web'", "z @ https://x.example/z.zip ; os_name == 'nt' and extra == 'web'"]"#);
        let version = Version::from_str("2.0").expect("valid");
        let dynamic = "[project]\nname = 'a'\ndynamic = ['version']\n";
        assert!(of_pyproject(dynamic, None).is_none());
        insta::assert_snapshot!(shown(of_pyproject(dynamic, Some(&version))), @"a 2.0 None [] []");
        for text in [
            "[project]\nname = 'a'\nversion = '1'\ndynamic = ['dependencies']\n",
            "[project]\nname = 'a'\nversion = '1'\n[tool.poetry.dependencies]\nsix = '*'\n",
            "[project]\nname = 'a'\nversion = 1\n",
            "[project]\nname = \"a\\nRequires-Dist: x\"\nversion = '1'\n",
            "[tool.poetry]\nname = 'a'\nversion = '1'\n",
            "[project",
        ] {
            assert!(of_pyproject(text, None).is_none(), "{text}");
        }
    }
}
