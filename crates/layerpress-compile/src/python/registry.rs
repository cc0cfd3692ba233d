//! Where the packages of a project come from: flags, then the manifest's lines, then configuration.

use std::collections::BTreeMap;

use layerpress_fetch::redacted;
use layerpress_lock::marker_environment;
use layerpress_python::index::{Registry, RegistryOptions};
use layerpress_python::manifest::{Manifest, Origin, Settings};
use layerpress_target::Target;
use pep508_rs::PackageName;
use url::Url;

use super::error::PythonError;
use crate::request::PythonOptions;
use crate::session::Session;

/// What applies to one project.
///
/// As in pip, what the command line and the file name adds up, and an index URL on the command line
/// beats the file's. Variables and configuration files speak where neither does.
pub(crate) fn effective(manifest: Option<&Manifest>, options: &PythonOptions) -> Settings {
    let mut settings = options.flags.clone();
    if let Some(manifest) = manifest {
        settings.indexes = manifest.indexes.clone().merge(settings.indexes);
        settings.build = manifest.build.clone().merge(settings.build);
        settings.pre |= manifest.pre;
        settings.prefer_binary |= manifest.prefer_binary;
    }
    settings.over(options.configured.clone())
}

/// The indexes of packages that may come from nowhere else.
pub(crate) type OwnIndexes = BTreeMap<PackageName, Vec<Url>>;

/// The indexes of a project; nothing is asked yet.
pub(crate) fn registry(
    settings: &Settings,
    own_indexes: OwnIndexes,
    options: &PythonOptions,
    session: &Session,
) -> Registry {
    let indexes = &settings.indexes;
    session.learn_logins(indexes.index_url.iter().chain(&indexes.extra_index_urls));
    session.learn_logins(indexes.named.values());
    for (url, login) in settings.credentials_for(indexes) {
        session
            .client
            .credentials()
            .add(&url, &login.user, login.password.as_deref());
    }
    let registry = RegistryOptions {
        index_url: indexes.index_url.clone(),
        extra_index_urls: indexes.extra_index_urls.clone(),
        own_indexes,
        no_index: indexes.no_index,
        find_links: indexes.find_links.clone(),
        strategy: options.index_strategy,
        exclude_newer: options.exclude_newer,
    };
    Registry::new(registry, session.client.clone())
}

/// The index that single requirements name for their package on a target: a package may have one for
/// each kind of machine.
///
/// # Errors
/// Two lines that name different ones for one package on the target.
pub(crate) fn own_indexes(manifest: &Manifest, target: Target) -> Result<OwnIndexes, PythonError> {
    let environment = marker_environment(&target);
    let mut own = OwnIndexes::new();
    let mut lines: BTreeMap<&PackageName, (&Url, &Origin)> = BTreeMap::new();
    let all = [
        &manifest.requirements,
        &manifest.constraints,
        &manifest.overrides,
    ];
    for requirement in all.into_iter().flatten() {
        let (Some(name), Some(index)) = (&requirement.name, &requirement.index) else {
            continue;
        };
        if !requirement.marker.evaluate(&environment, &[]) {
            continue;
        }
        let line = (index, &requirement.origin);
        let (first, origin) = *lines.entry(name).or_insert(line);
        if first != index {
            return Err(PythonError::ConflictingIndexes {
                name: name.clone(),
                lines: Box::new([
                    (origin.to_string(), redacted(first)),
                    (requirement.origin.to_string(), redacted(index)),
                ]),
            });
        }
        own.insert(name.clone(), vec![index.clone()]);
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use layerpress_python::manifest::{Requirement, parse_requirement};
    use layerpress_target::Arch;

    use super::*;

    fn from(index: &str, text: &str) -> Requirement {
        let origin = Origin::new("pyproject.toml", None, text);
        let mut requirement = parse_requirement(text, &origin, None).expect("valid");
        requirement.index = Some(index.parse().expect("a URL"));
        requirement
    }

    #[test]
    fn a_package_has_the_index_that_is_named_for_the_target() {
        let manifest = Manifest {
            requirements: vec![
                from("https://mac.example/", "a ; sys_platform == 'darwin'"),
                from("https://arm.example/", "a ; platform_machine == 'aarch64'"),
                from("https://intel.example/", "a ; platform_machine == 'x86_64'"),
            ],
            ..Manifest::default()
        };
        let of = |arch| {
            let target = Target {
                runtime: "python3.13".parse().expect("a runtime"),
                arch,
            };
            let own = own_indexes(&manifest, target).expect("no conflict");
            own.values()
                .flatten()
                .map(Url::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Arch::Arm64), ["https://arm.example/"]);
        assert_eq!(of(Arch::X86_64), ["https://intel.example/"]);
    }

    #[test]
    fn two_indexes_for_one_package_on_one_target_are_refused() {
        let manifest = Manifest {
            requirements: vec![
                from("https://me:hush@one.example/", "a"),
                from("https://two.example/", "a ; sys_platform == 'linux'"),
            ],
            ..Manifest::default()
        };
        let target = Target {
            runtime: "python3.13".parse().expect("a runtime"),
            arch: Arch::X86_64,
        };
        let error = own_indexes(&manifest, target).expect_err("is refused");
        insta::assert_snapshot!(error, @r#"
        a: pyproject.toml names the index `https://one.example/` for it, and pyproject.toml names `https://two.example/`
        "#);
    }
}
