//! The dist-info folder: which it is, and whether WHEEL and METADATA say what the file name says.
//!
//! <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>

use std::str::FromStr;

use layerpress_pack::{Archive, ArchiveEntry};
use pep440_rs::Version;
use pep508_rs::PackageName;

use super::error::WheelFault;
use crate::wheel_name::WheelParts;

/// No file of a real dist-info folder that is read as text comes near this; RECORD of a wheel with
/// 100,000 files is below it.
const TEXT_LIMIT: u64 = 32 << 20;

/// What the dist-info folder says about the wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DistInfo {
    /// The folder's name: `six-1.17.0.dist-info`.
    pub(super) folder: String,
    pub(super) name: PackageName,
    pub(super) version: Version,
    pub(super) root_is_purelib: bool,
    /// The text of RECORD.
    pub(super) record: String,
    /// The text of `entry_points.txt`; empty if there is none.
    pub(super) entry_points: String,
}

impl DistInfo {
    /// Reads and checks the dist-info folder of the wheel called `file_name`.
    pub(super) fn read(archive: &Archive, file_name: &str) -> Result<Self, WheelFault> {
        let (name, version) = parse_file_name(file_name).ok_or(WheelFault::FileName)?;
        let folder = find(archive, &name)?;
        let wheel = text(archive, &format!("{folder}/WHEEL"))?;
        let root_is_purelib = check_wheel(&wheel, &format!("{folder}/WHEEL"))?;
        let metadata_path = format!("{folder}/METADATA");
        let metadata = text(archive, &metadata_path)?;
        check_identity(&metadata, &metadata_path, &name, &version)?;
        let record = text(archive, &format!("{folder}/RECORD"))?;
        let entry_points_path = format!("{folder}/entry_points.txt");
        let entry_points = match archive.find(&entry_points_path) {
            Some(_) => text(archive, &entry_points_path)?,
            None => String::new(),
        };
        Ok(Self {
            folder,
            name,
            version,
            root_is_purelib,
            record,
            entry_points,
        })
    }
}

/// The name and the version that a wheel's file name states.
pub(super) fn parse_file_name(file_name: &str) -> Option<(PackageName, Version)> {
    let parts = WheelParts::split(file_name).ok()?;
    let name = PackageName::from_str(parts.name).ok()?;
    Some((name, parse_version(parts.version)?))
}

/// The value of the first `field` in a file of RFC 822 headers, up to the empty line.
pub(super) fn header<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    headers(text, field).next()
}

/// The values of every `field` in a file of RFC 822 headers, up to the empty line.
pub(super) fn headers<'a>(text: &'a str, field: &str) -> impl Iterator<Item = &'a str> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .filter_map(move |line| {
            let (key, value) = line.split_once(':')?;
            key.trim_end()
                .eq_ignore_ascii_case(field)
                .then_some(value.trim())
        })
}

/// Older tools escaped the `+` of a local version, and any `-`, as `_`.
fn parse_version(text: &str) -> Option<Version> {
    Version::from_str(text)
        .or_else(|_| Version::from_str(&text.replacen('_', "+", 1)))
        .or_else(|_| Version::from_str(&text.replace('_', "-")))
        .ok()
}

fn find(archive: &Archive, name: &PackageName) -> Result<String, WheelFault> {
    let mut found: Option<&str> = None;
    for entry in archive.entries() {
        let Some((folder, _)) = entry.path.as_str().split_once('/') else {
            continue;
        };
        if !folder.ends_with(".dist-info") {
            continue;
        }
        match found {
            Some(first) if first != folder => {
                return Err(WheelFault::SeveralDistInfos {
                    first: first.to_owned(),
                    second: folder.to_owned(),
                });
            }
            _ => found = Some(folder),
        }
    }
    let folder = found.ok_or(WheelFault::NoDistInfo)?;
    // The folder's version is not held against the file name: its spelling varies among tools,
    // and METADATA's decides.
    let stem = folder.trim_end_matches(".dist-info");
    let stated = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
    if PackageName::from_str(stated).as_ref() == Ok(name) {
        Ok(folder.to_owned())
    } else {
        Err(WheelFault::Identity {
            path: folder.to_owned(),
            field: "Name",
            found: stated.to_owned(),
            expected: name.to_string(),
        })
    }
}

fn check_wheel(text: &str, path: &str) -> Result<bool, WheelFault> {
    let field = |field| WheelFault::Field {
        path: path.to_owned(),
        field,
    };
    let version = header(text, "Wheel-Version").ok_or_else(|| field("Wheel-Version"))?;
    let major = version.split('.').next().unwrap_or_default();
    if major.parse::<u32>().map_err(|_| field("Wheel-Version"))? != 1 {
        return Err(WheelFault::WheelVersion {
            found: version.escape_default().to_string(),
        });
    }
    // Where nothing is said the wheel is taken as platlib, as pip does; both lie in one folder here.
    Ok(header(text, "Root-Is-Purelib").is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

fn check_identity(
    text: &str,
    path: &str,
    name: &PackageName,
    version: &Version,
) -> Result<(), WheelFault> {
    let missing = |field| WheelFault::Field {
        path: path.to_owned(),
        field,
    };
    let differs = |field, found: &str, expected: String| WheelFault::Identity {
        path: path.to_owned(),
        field,
        found: found.escape_default().to_string(),
        expected,
    };
    let stated = header(text, "Name").ok_or_else(|| missing("Name"))?;
    if PackageName::from_str(stated).as_ref() != Ok(name) {
        return Err(differs("Name", stated, name.to_string()));
    }
    let stated = header(text, "Version").ok_or_else(|| missing("Version"))?;
    if parse_version(stated).as_ref() != Some(version) {
        return Err(differs("Version", stated, version.to_string()));
    }
    Ok(())
}

fn text(archive: &Archive, path: &str) -> Result<String, WheelFault> {
    let entry: &ArchiveEntry = archive.find(path).ok_or_else(|| WheelFault::Missing {
        path: path.to_owned(),
    })?;
    if entry.content.size > TEXT_LIMIT {
        return Err(WheelFault::TooLong {
            path: path.to_owned(),
            bytes: entry.content.size,
            limit: TEXT_LIMIT,
        });
    }
    let bytes = layerpress_pack::read_all(&entry.content).map_err(|error| WheelFault::Stream {
        path: path.to_owned(),
        message: error.to_string(),
    })?;
    // METADATA of some old wheels is Latin-1; only ASCII fields of it are read here.
    if path.ends_with("/METADATA") {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|_| WheelFault::NotText {
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_state_name_and_version() {
        let read = |name| parse_file_name(name).map(|(n, v)| format!("{n} {v}"));
        let cases = [
            ("six-1.17.0-py2.py3-none-any.whl", Some("six 1.17.0")),
            ("Foo_Bar-1.0-1-py3-none-any.whl", Some("foo-bar 1.0")),
            (
                "torch-2.1+cu118-cp311-cp311-linux_x86_64.whl",
                Some("torch 2.1+cu118"),
            ),
            ("a-1.0_local.1-py3-none-any.whl", Some("a 1.0+local.1")),
            ("six-1.17.0.tar.gz", None),
            ("six-py3-none-any.whl", None),
            ("six-1.0-a-b-py3-none-any.whl", None),
            ("six--py3-none-any.whl", None),
            ("six-x-py3-none-any.whl", None),
        ];
        for (name, expected) in cases {
            assert_eq!(read(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn headers_end_at_the_empty_line() {
        let text = "\u{feff}Name : a\r\nTag: x\nTag: y\n\nName: body";
        assert_eq!(header(text, "name"), Some("a"));
        assert_eq!(headers(text, "Tag").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(header("\nName: body", "Name"), None);
    }

    #[test]
    fn only_wheel_1_is_read() {
        assert!(check_wheel("Wheel-Version: 1.9\n", "WHEEL").is_ok());
        assert!(check_wheel("Wheel-Version: 2.0\n", "WHEEL").is_err());
        assert!(check_wheel("Wheel-Version: 10\n", "WHEEL").is_err());
        assert!(check_wheel("Root-Is-Purelib: true\n", "WHEEL").is_err());
    }
}
