//! [`hashed`]: a requirements file that is a lock already, every line of it pinned and hashed.
//!
//! What pip-compile, uv and PDM export leaves nothing to decide: pip installs such a file with
//! `--require-hashes`, and what is listed is what is installed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use layerpress_lock::{
    Archive, ForeignPackage, Listed, Location, LockPath, Package, Source as Locked,
};
use pep440_rs::{Operator, Version};
use pep508_rs::PackageName;

use crate::manifest::{Manifest, Requirement, Source};
use crate::wheel_name::WheelName;

/// The packages of a manifest, if its lines pin them all to their bytes.
///
/// Nothing if a line leaves anything open: a version, which of several hashes an address has, the
/// name of what lies there. Nothing either if lines contradict each other, or constraints them, which
/// the resolver tells of.
#[must_use]
pub fn hashed(manifest: &Manifest) -> Option<Vec<ForeignPackage>> {
    let is_plain = manifest.overrides.is_empty() && manifest.require_hashes;
    if !is_plain || manifest.requirements.is_empty() {
        return None;
    }
    let mut known: BTreeMap<(PackageName, Option<Version>), usize> = BTreeMap::new();
    let mut packages: Vec<ForeignPackage> = Vec::new();
    for requirement in &manifest.requirements {
        let foreign = pinned(requirement)?;
        let key = (
            foreign.package.name.clone(),
            foreign.package.version.clone(),
        );
        match known.entry(key) {
            Entry::Occupied(first) => add(&mut packages[*first.get()], foreign)?,
            Entry::Vacant(new) => {
                new.insert(packages.len());
                packages.push(foreign);
            }
        }
    }
    let mut constraints = manifest.constraints.iter();
    constraints
        .all(|it| changes_nothing(it, &packages))
        .then_some(packages)
}

/// Adds what a second line says of the same version: extras have lines of their own, and so may markers.
fn add(first: &mut ForeignPackage, second: ForeignPackage) -> Option<()> {
    let is_same = first.package.source == second.package.source
        && first.package.index == second.package.index;
    let of_both = first.listed.iter().filter(|it| second.listed.contains(it));
    let of_both: Vec<Listed> = of_both.cloned().collect();
    let is_alike = of_both.len() == first.listed.len() && of_both.len() == second.listed.len();
    if !is_same {
        None
    } else if first.package.marker == second.package.marker {
        // A file has to be one of either line's, as with pip.
        let is_possible = is_alike || !of_both.is_empty();
        first.listed = of_both;
        is_possible.then_some(())
    } else {
        first.package.marker.or(second.package.marker);
        is_alike.then_some(())
    }
}

/// Whether the pins stand as they are, for all that a constraint says.
fn changes_nothing(constraint: &Requirement, packages: &[ForeignPackage]) -> bool {
    let Some(name) = &constraint.name else {
        return false;
    };
    let admits = |foreign: &ForeignPackage| match (&constraint.source, &foreign.package.version) {
        (Source::Index(versions), Some(version)) => versions.contains(version),
        _ => false,
    };
    let mut bound = packages.iter().filter(|it| it.package.name == *name);
    bound.all(|it| constraint.hashes.is_empty() && admits(it))
}

fn pinned(requirement: &Requirement) -> Option<ForeignPackage> {
    if requirement.hashes.is_empty() || !requirement.config_settings.is_empty() {
        return None;
    }
    let (name, version, source, listed) = match &requirement.source {
        Source::Index(_) => {
            let digests = requirement.hashes.iter();
            let listed = digests.map(|digest| Listed {
                name: None,
                digest: digest.clone(),
            });
            let files = Locked::Files {
                sdist: None,
                wheels: Vec::new(),
            };
            let name = requirement.name.clone()?;
            (name, Some(version(requirement)?), files, listed.collect())
        }
        Source::Url { url, subdirectory } => {
            let location = Location::url(url.clone());
            archive(requirement, location, subdirectory.as_deref())?
        }
        Source::File(path) => {
            let path = std::path::absolute(path).ok()?;
            let location = Location::Path(LockPath::new(path.to_str()?).ok()?);
            archive(requirement, location, None)?
        }
        Source::Git { .. } | Source::Folder(_) => return None,
    };
    let package = Package {
        name,
        version,
        marker: requirement.marker.clone(),
        requires_python: None,
        dependencies: Vec::new(),
        index: requirement.index.clone(),
        source,
    };
    Some(ForeignPackage { package, listed })
}

/// What a line with an address pins: name, version as far as a wheel's name tells it, place and digest.
type Named = (PackageName, Option<Version>, Locked, Vec<Listed>);

fn archive(
    requirement: &Requirement,
    location: Location,
    subdirectory: Option<&str>,
) -> Option<Named> {
    // Of several hashes one must be the file's, where a lock's must all be.
    let [digest] = requirement.hashes.as_slice() else {
        return None;
    };
    let wheel: Option<WheelName> = location.file_name()?.parse().ok();
    let name = match (&requirement.name, &wheel) {
        (Some(name), _) => name.clone(),
        (None, Some(wheel)) => wheel.name.clone(),
        (None, None) => return None,
    };
    let subdirectory = match subdirectory {
        Some(inner) => Some(LockPath::new(inner).ok()?.inside().ok()?),
        None => None,
    };
    let archive = Archive {
        location,
        size: None,
        upload_time: None,
        hashes: vec![digest.clone()],
        subdirectory,
    };
    let version = wheel.map(|wheel| wheel.version);
    Some((name, version, Locked::Archive(archive), Vec::new()))
}

/// The one version that a line admits.
fn version(requirement: &Requirement) -> Option<Version> {
    let Source::Index(specifiers) = &requirement.source else {
        return None;
    };
    let exact = |operator: &Operator| matches!(operator, Operator::Equal | Operator::ExactEqual);
    let mut pins = specifiers.iter().filter(|it| exact(it.operator()));
    let version = pins.next()?.version();
    specifiers.contains(version).then(|| version.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Environment, read_requirements};

    const HASH: &str =
        "--hash=sha256:0000000000000000000000000000000000000000000000000000000000000000";
    const OTHER: &str =
        "--hash=sha256:1111111111111111111111111111111111111111111111111111111111111111";

    fn of(text: &str) -> Option<Vec<String>> {
        limited(text, "")
    }

    /// The same beside `constraints.txt`.
    fn limited(text: &str, constraints: &str) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("constraints.txt"), constraints).expect("written");
        let file = folder.path().join("requirements.txt");
        std::fs::write(&file, text).expect("written");
        let manifest = read_requirements(&file, &Environment::default(), &|_| {
            panic!("nothing is fetched")
        });
        let packages = hashed(&manifest.expect("requirements"))?;
        let shown = packages.into_iter().map(|foreign| {
            let package = foreign.package;
            let marker = layerpress_lock::shown_marker(&package.marker).unwrap_or_default();
            let version = package.version.map(|version| version.to_string());
            let (version, files) = (version.unwrap_or_default(), foreign.listed.len());
            format!("{} {version} {files} {marker}", package.name)
        });
        Some(shown.map(|line| line.trim_end().to_owned()).collect())
    }

    #[test]
    fn a_file_whose_lines_are_all_pinned_and_hashed_is_a_lock() {
        let text = format!(
            "--index-url https://index.example/simple\n\
             a[x]==1.0 {HASH} {OTHER}\n\
             b===2 ; python_version < '3.11' {HASH}\n\
             b==3 ; python_version >= '3.11' {HASH}\n\
             c @ https://files.example/c-4-py3-none-any.whl {HASH}\n\
             https://files.example/d-5-py3-none-any.whl {HASH}\n"
        );
        assert_eq!(
            of(&text).expect("a lock"),
            [
                "a 1.0 2",
                "b 2 1 python_full_version < '3.11'",
                "b 3 1 python_full_version >= '3.11'",
                "c 4 0",
                "d 5 0",
            ]
        );
    }

    #[test]
    fn what_lines_say_of_one_version_counts_together() {
        let text = format!(
            "a==1.0 {HASH} {OTHER}\n\
             a[x]==1.0 {OTHER}\n\
             b==2 ; sys_platform == 'linux' {HASH} {OTHER}\n\
             b==2 ; sys_platform == 'win32' {OTHER} {HASH}\n\
             c @ https://files.example/c-4-py3-none-any.whl {HASH}\n\
             https://files.example/c-4-py3-none-any.whl {HASH}\n"
        );
        assert_eq!(
            of(&text).expect("a lock"),
            [
                "a 1.0 1",
                "b 2 2 sys_platform == 'linux' or sys_platform == 'win32'",
                "c 4 0",
            ]
        );
    }

    #[test]
    fn constraints_that_the_pins_meet_change_nothing() {
        let text = format!("-c constraints.txt\na==1.0 {HASH}\n");
        let of = |constraints: &str| limited(&text, constraints);
        assert_eq!(of("a<2\nother==3\n").expect("a lock"), ["a 1.0 1"]);
        assert_eq!(
            of(&format!("other==3 {HASH}\n")).expect("a lock"),
            ["a 1.0 1"]
        );
        for constraints in [
            "a<1".to_owned(),
            format!("a==1.0 {OTHER}"),
            "a @ https://files.example/a-1.0-py3-none-any.whl".to_owned(),
        ] {
            assert_eq!(of(&constraints), None, "{constraints}");
        }
    }

    #[test]
    fn a_file_that_leaves_something_open_is_none() {
        let open = [
            "a==1.0\n".to_owned(),
            format!("a==1.0 {HASH}\nb==1.0\n"),
            format!("a==1.* {HASH}\n"),
            format!("a>=1,<2 {HASH}\n"),
            format!("a==1.0,>2 {HASH}\n"),
            format!("a==1.0 {HASH}\na==1.0 {OTHER}\n"),
            format!(
                "a==1.0; python_version < '3.11' {HASH}\n\
                 a==1.0; python_version >= '3.11' {OTHER}\n"
            ),
            format!("a @ https://files.example/a-1-py3-none-any.whl {HASH} {OTHER}\n"),
            format!("https://files.example/a-1.tar.gz {HASH}\n"),
            "# nothing\n".to_owned(),
        ];
        for text in open {
            assert_eq!(of(&text), None, "{text}");
        }
    }
}
