//! Where the packages of a project come from: flags, then the manifest's lines, then configuration.

use std::collections::BTreeMap;

use layerpress_python::index::{Registry, RegistryOptions};
use layerpress_python::manifest::{Manifest, Settings};

use pep508_rs::PackageName;
use url::Url;

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

/// The indexes of a project; nothing is asked yet.
pub(crate) fn registry(
    settings: &Settings,
    manifest: Option<&Manifest>,
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
        own_indexes: manifest.map(own_indexes).unwrap_or_default(),
        no_index: indexes.no_index,
        find_links: indexes.find_links.clone(),
        strategy: options.index_strategy,
        exclude_newer: options.exclude_newer,
    };
    Registry::new(registry, session.client.clone())
}

/// The indexes that single requirements name for their packages.
fn own_indexes(manifest: &Manifest) -> BTreeMap<PackageName, Vec<Url>> {
    let mut own: BTreeMap<PackageName, Vec<Url>> = BTreeMap::new();
    let all = [
        &manifest.requirements,
        &manifest.constraints,
        &manifest.overrides,
    ];
    for requirement in all.into_iter().flatten() {
        if let (Some(name), Some(index)) = (&requirement.name, &requirement.index) {
            let indexes = own.entry(name.clone()).or_default();
            if !indexes.contains(index) {
                indexes.push(index.clone());
            }
        }
    }
    own
}
