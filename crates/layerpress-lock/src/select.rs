//! [`Pylock::select`]: what of a lock is to be installed on a target.
//!
//! The steps are those of PEP 751, section "Installation", up to the choice of a file.

use std::collections::BTreeMap;

use layerpress_target::{PythonMarkers, Target};
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree, PackageName};

use crate::marker::group_as_extra;
use crate::{GroupName, Package, Pylock, SelectError, shown_marker};

/// What is asked for beside the plain dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Extras; by default none.
    pub extras: Vec<ExtraName>,
    /// Dependency groups; `None`: the lock's default groups.
    pub groups: Option<Vec<GroupName>>,
}

impl Pylock {
    /// The packages to install on a target, in the lock's order, no name twice.
    ///
    /// # Errors
    /// [`SelectError`] if the lock is not for the target, knows nothing of an extra or group, or
    /// leaves open which of two entries to install.
    pub fn select(
        &self,
        target: &Target,
        selection: &Selection,
    ) -> Result<Vec<&Package>, SelectError> {
        let environment = marker_environment(target);
        let python = &environment.python_full_version().version;
        let sets = self.sets(selection)?;
        if let Some(requires_python) = unmet(self.requires_python.as_ref(), python) {
            return Err(SelectError::Python {
                requires_python,
                target: target.to_string(),
                version: python.to_string(),
            });
        }
        check_covered(&self.environments, &environment, &sets, target)?;
        let mut packages = Vec::new();
        let mut chosen: BTreeMap<&PackageName, &Package> = BTreeMap::new();
        for package in &self.packages {
            if !package.marker.evaluate(&environment, &sets) {
                continue;
            }
            if let Some(requires_python) = unmet(package.requires_python.as_ref(), python) {
                return Err(SelectError::PackagePython {
                    package: package.name.clone(),
                    requires_python,
                    target: target.to_string(),
                    version: python.to_string(),
                });
            }
            if let Some(first) = chosen.insert(&package.name, package) {
                return Err(SelectError::Ambiguous {
                    package: package.name.clone(),
                    target: target.to_string(),
                    one: first.edition(),
                    other: package.edition(),
                });
            }
            packages.push(package);
        }
        Ok(packages)
    }

    /// The extras and groups asked for, as a marker sees them.
    fn sets(&self, selection: &Selection) -> Result<Vec<ExtraName>, SelectError> {
        let names = |names: &[ExtraName]| names.iter().map(ToString::to_string).collect();
        let extras = self.extras.as_deref().unwrap_or_default();
        let groups = self.dependency_groups.as_deref().unwrap_or_default();
        if let Some(extra) = selection
            .extras
            .iter()
            .find(|extra| !extras.contains(extra))
        {
            return Err(SelectError::Extra {
                extra: extra.to_string(),
                known: names(extras),
            });
        }
        let asked = selection.groups.as_ref().unwrap_or(&self.default_groups);
        let known =
            |group: &&GroupName| groups.contains(group) || self.default_groups.contains(group);
        if let Some(group) = asked.iter().find(|group| !known(group)) {
            return Err(SelectError::Group {
                group: group.to_string(),
                known: names(groups),
            });
        }
        let groups = asked.iter().map(group_as_extra);
        Ok(selection.extras.iter().cloned().chain(groups).collect())
    }
}

/// Whether a target is among the environments that a lock is for; none are all.
pub(crate) fn check_covered(
    environments: &[MarkerTree],
    environment: &MarkerEnvironment,
    sets: &[ExtraName],
    target: &Target,
) -> Result<(), SelectError> {
    let mut markers = environments.iter();
    if environments.is_empty() || markers.any(|marker| marker.evaluate(environment, sets)) {
        return Ok(());
    }
    Err(SelectError::Environment {
        target: target.to_string(),
        covered: environments.iter().filter_map(shown_marker).collect(),
    })
}

/// The values of a target's markers, in the form that [`MarkerTree`](pep508_rs::MarkerTree) takes.
#[must_use]
pub fn marker_environment(target: &Target) -> MarkerEnvironment {
    environment_of(&target.markers())
        .expect("the versions in the table of runtimes are versions: see the test")
}

/// Marker values in the form that [`MarkerTree`](pep508_rs::MarkerTree) takes; `None` if a version
/// among them is none.
#[must_use]
pub fn environment_of(markers: &PythonMarkers) -> Option<MarkerEnvironment> {
    MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: &markers.implementation_name,
        implementation_version: &markers.implementation_version,
        os_name: &markers.os_name,
        platform_machine: &markers.platform_machine,
        platform_python_implementation: &markers.platform_python_implementation,
        platform_release: &markers.platform_release,
        platform_system: &markers.platform_system,
        platform_version: &markers.platform_version,
        python_full_version: &markers.python_full_version,
        python_version: &markers.python_version,
        sys_platform: &markers.sys_platform,
    })
    .ok()
}

/// The specifiers that a Python does not meet, as text.
pub(crate) fn unmet(specifiers: Option<&VersionSpecifiers>, python: &Version) -> Option<String> {
    let specifiers = specifiers?;
    (!specifiers.contains(python)).then(|| specifiers.to_string())
}

#[cfg(test)]
mod tests {
    use layerpress_target::{Arch, Runtime};

    use super::*;

    fn target(runtime: &str, arch: Arch) -> Target {
        Target {
            runtime: runtime.parse().expect("a runtime"),
            arch,
        }
    }

    fn lock(head: &str, packages: &[(&str, &str, &str)]) -> Pylock {
        let mut text = format!("lock-version = '1.0'\ncreated-by = 'test'\n{head}\npackages = [\n");
        for (name, version, rest) in packages {
            let hash = "00".repeat(32);
            text.push_str(&format!(
                "{{ name = '{name}', version = '{version}', {rest} sdist = {{ \
                 url = 'https://files.example/{name}-{version}.tar.gz', \
                 hashes = {{ sha256 = '{hash}' }} }} }},\n"
            ));
        }
        text.push(']');
        Pylock::parse(&text).expect("a lock")
    }

    fn chosen(lock: &Pylock, target: Target, selection: &Selection) -> String {
        match lock.select(&target, selection) {
            Ok(packages) => {
                let chosen = packages
                    .iter()
                    .map(|package| format!("{} {}", package.name, package.edition()));
                chosen.collect::<Vec<_>>().join(", ")
            }
            Err(error) => format!("{error}\nhint: {}", error.hint()),
        }
    }

    #[test]
    fn every_runtime_has_marker_values() {
        for runtime in Runtime::all() {
            for arch in Arch::ALL {
                let environment = marker_environment(&Target { runtime, arch });
                assert_eq!(environment.platform_machine(), arch.machine());
            }
        }
    }

    #[test]
    fn one_entry_of_several_is_chosen_by_its_marker() {
        let lock = lock(
            "",
            &[
                ("a", "1", "marker = \"platform_machine == 'x86_64'\","),
                ("a", "2", "marker = \"platform_machine == 'aarch64'\","),
                ("b", "1", "marker = \"sys_platform == 'win32'\","),
                ("c", "1", ""),
            ],
        );
        let none = Selection::default();
        assert_eq!(
            chosen(&lock, target("python3.13", Arch::X86_64), &none),
            "a 1, c 1"
        );
        assert_eq!(
            chosen(&lock, target("python3.13", Arch::Arm64), &none),
            "a 2, c 1"
        );
    }

    #[test]
    fn extras_and_groups_choose_too() {
        let lock = lock(
            "extras = ['socks']\ndependency-groups = ['dev']\ndefault-groups = ['main']",
            &[
                ("a", "1", "marker = \"'main' in dependency_groups\","),
                ("b", "1", "marker = \"'dev' in dependency_groups\","),
                (
                    "c",
                    "1",
                    "marker = \"'socks' in extras and 'dev' not in dependency_groups\",",
                ),
            ],
        );
        let target = target("python3.13", Arch::X86_64);
        let ask = |extras: &[&str], groups: Option<&[&str]>| {
            let names =
                |names: &[&str]| names.iter().map(|it| it.parse().expect("a name")).collect();
            let selection = Selection {
                extras: names(extras),
                groups: groups.map(names),
            };
            chosen(&lock, target, &selection)
        };
        assert_eq!(ask(&[], None), "a 1");
        assert_eq!(ask(&["socks"], None), "a 1, c 1");
        assert_eq!(ask(&["socks"], Some(&["dev"])), "b 1");
        assert_eq!(ask(&[], Some(&["main", "dev"])), "a 1, b 1");
        insta::assert_snapshot!(ask(&["sock"], None), @r"
        the lock has no extra `sock`
        hint: it has `socks`
        ");
        insta::assert_snapshot!(ask(&[], Some(&["main", "docs"])), @r"
        the lock has no dependency group `docs`
        hint: it has `dev`
        ");
    }

    #[test]
    fn a_lock_that_cannot_serve_says_why() {
        let target = target("python3.10", Arch::X86_64);
        let none = Selection::default();
        let python = lock("requires-python = '>=3.12'", &[]);
        insta::assert_snapshot!(chosen(&python, target, &none), @r"
        the lock is for Python `>=3.12`, python3.10 x86_64 has 3.10.20
        hint: lock again for this target
        ");
        let environment = lock("environments = [\"platform_machine == 'aarch64'\"]", &[]);
        insta::assert_snapshot!(chosen(&environment, target, &none), @r"
        the lock does not cover python3.10 x86_64
        hint: lock again for this target; the lock covers `platform_machine == 'aarch64'`
        ");
        let package = lock("", &[("a", "1", "requires-python = '>=3.12',")]);
        insta::assert_snapshot!(chosen(&package, target, &none), @r"
        a: the lock pins a release for Python `>=3.12`, python3.10 x86_64 has 3.10.20
        hint: lock again for this target
        ");
        let ambiguous = lock(
            "",
            &[
                ("a", "1", "marker = \"os_name == 'posix'\","),
                ("a", "2", "marker = \"sys_platform == 'linux'\","),
            ],
        );
        insta::assert_snapshot!(chosen(&ambiguous, target, &none), @r"
        a: two entries of the lock apply to python3.10 x86_64: 1 and 2
        hint: give the entries markers that exclude each other, or lock again
        ");
    }
}
