//! From a tree to the text of its lockfile (npm's `Shrinkwrap.metaFromNode`).

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::legacy;
use super::location::{folder_name, split};
use super::model::PackageLock;
use super::nice;
use crate::json::Json;
use crate::manifest::Pairs;
use crate::place::{IdealTree, Placed, Project};
use crate::spec::Spec;

/// How a lockfile is written.
#[derive(Clone, Debug)]
pub struct Style {
    /// What one step of indentation is; two spaces by default.
    pub indent: String,
    /// What ends a line; a line feed by default.
    pub newline: String,
    /// The version of the format: 3 by default; 2 has every package a second time, nested.
    pub version: u8,
    /// Whether the addresses of registry tarballs are left out, as npm's setting
    /// `omit-lockfile-registry-resolved` asks for.
    pub omits_resolved: bool,
    /// Fields beside npm's own, as JSON texts.
    pub other: Vec<(Arc<str>, Arc<str>)>,
    /// What stands for the project's version when it has none (any more).
    pub project_version: Option<Arc<str>>,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            indent: "  ".to_owned(),
            newline: "\n".to_owned(),
            version: 3,
            omits_resolved: false,
            other: Vec::new(),
            project_version: None,
        }
    }
}

impl Style {
    /// The layout of a JSON file, which npm takes from package.json: the indentation and the line
    /// ends of its first lines. A file of one line has none, and the defaults stand.
    #[must_use]
    pub fn of(package_json: &str) -> Style {
        let default = Style::default();
        let text = package_json.trim_start_matches('\u{feff}').trim_start();
        let Some(rest) = text.strip_prefix('{') else {
            return default;
        };
        let newline = if rest.starts_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let inside = rest.trim_start_matches(['\r', '\n']);
        let indent = &inside[..inside.len() - inside.trim_start_matches([' ', '\t']).len()];
        if inside.len() == rest.len() || indent.is_empty() {
            return default;
        }
        Style {
            indent: indent.to_owned(),
            newline: newline.to_owned(),
            ..default
        }
    }

    /// With what npm keeps of the lockfile that is written over: version 2 of the format, and fields
    /// that are not its own.
    #[must_use]
    pub fn keeping(self, previous: &PackageLock) -> Style {
        Style {
            version: if previous.version == 2 { 2 } else { 3 },
            other: previous.other.clone(),
            project_version: previous.project_version.clone(),
            ..self
        }
    }
}

/// Puts other digests in the place of some, wherever they stand in the text of a lockfile; all else
/// stays as it is. For entries with nothing but a SHA-1, once their tarballs were fetched.
#[must_use]
pub fn with_integrity(text: &str, changes: &[(Arc<str>, Arc<str>)]) -> String {
    let mut out = text.to_owned();
    for (old, new) in changes {
        let quoted = |digest: &str| Json::Text(digest.into()).to_string();
        out = out.replace(&quoted(old), &quoted(new));
    }
    out
}

/// Writes the lockfile of a tree. `folder` is the name of the project's folder, which stands in for
/// a name that the project does not have.
#[must_use]
pub fn write(project: &Project, tree: &IdealTree, folder: &str, style: &Style) -> String {
    let own = &project.package.manifest;
    let mut lock = Fields::default();
    lock.text("name", Some(own.name.as_deref().unwrap_or(folder)));
    let version = own.version.as_deref().or(style.project_version.as_deref());
    lock.text("version", version);
    lock.put("lockfileVersion", Json::Number(style.version.to_string()));
    lock.flag("requires", true);
    for (key, value) in &style.other {
        lock.json(key, Some(value));
    }
    let registry = style.omits_resolved.then(|| from_registry(tree));
    let mut packages = Fields::default();
    for placed in kept(tree) {
        let omits = registry
            .as_ref()
            .is_some_and(|all| all.contains(&*placed.location));
        let entry = entry(placed, omits);
        if entry.entries().next().is_some() {
            packages.put(&placed.location, entry);
        }
    }
    lock.put("packages", Json::Object(packages.0));
    if style.version == 2 {
        let omits = |placed: &Placed| {
            registry
                .as_ref()
                .is_some_and(|all| all.contains(&*placed.location))
        };
        if let Some(dependencies) = legacy::dependencies(tree, &omits) {
            lock.put("dependencies", dependencies);
        }
    }
    nice::text(&Json::Object(lock.0), &style.indent, &style.newline)
}

/// How many packages the lockfile of a tree pins: the project itself and links apart.
#[must_use]
pub fn count(tree: &IdealTree) -> usize {
    let has_entry = |placed: &&&Placed| {
        placed.manifest.version.is_some() || entry(placed, true).entries().next().is_some()
    };
    kept(tree)
        .iter()
        .filter(|placed| !placed.location.is_empty() && placed.link.is_none())
        .filter(has_entry)
        .count()
}

/// What has an entry, unless that would be empty.
fn kept(tree: &IdealTree) -> Vec<&Placed> {
    let mut kept: Vec<&Placed> = tree.packages.iter().filter(|it| is_kept(it)).collect();
    // A link to the project leads to a folder that has its entry already.
    kept.dedup_by(|second, first| second.location == first.location);
    kept
}

/// The folders of packages that were asked for from a registry by whoever asks for them.
fn from_registry(tree: &IdealTree) -> FxHashSet<&str> {
    let (mut asked, mut others) = (FxHashSet::default(), FxHashSet::default());
    // A few hundred specifiers stand in thousands of places.
    let mut known: FxHashMap<&str, bool> = FxHashMap::default();
    for dependency in tree.packages.iter().flat_map(|placed| &placed.dependencies) {
        let Some(location) = &dependency.location else {
            continue;
        };
        let is_registry = *known.entry(&dependency.spec).or_insert_with(|| {
            // The name plays no part in what a specifier means.
            let spec = Spec::parse("any", &dependency.spec);
            matches!(spec, Ok(Spec::Registry(_) | Spec::Alias { .. }))
        });
        if is_registry {
            asked.insert(&**location);
        } else {
            others.insert(&**location);
        }
    }
    asked.retain(|location| !others.contains(location));
    asked
}

/// Folders that nothing asks for are left out.
///
/// What is optional and could not be had is an entry of flags alone, as npm wrote it up to version
/// 10: `npm ci` asks for an entry at every place where its own tree has one, and there it has. npm 11
/// leaves it out, and then refuses the lockfile that it wrote.
fn is_kept(placed: &Placed) -> bool {
    let is_folder = !placed.location.is_empty() && !placed.location.contains("node_modules/");
    !(is_folder && placed.is_extraneous)
}

fn entry(placed: &Placed, omits_resolved: bool) -> Json<'_> {
    let mut fields = Fields::default();
    if let Some(target) = &placed.link {
        fields.own("resolved", &**target);
        fields.flag("link", true);
        return Json::Object(fields.0);
    }
    let manifest = &*placed.manifest;
    let is_root = placed.location.is_empty();
    if let Some(name) = &manifest.name
        && (is_root || *name != placed.name || **name != *folder_name(&placed.location))
    {
        fields.text("name", Some(name));
    }
    fields.text("version", manifest.version.as_deref());
    if !omits_resolved {
        fields.text("resolved", manifest.tarball.as_deref());
    }
    fields.text("integrity", manifest.integrity.as_deref());
    fields.pairs("dependencies", &manifest.dependencies);
    if placed.dev_dependencies.is_empty() {
        let is_top = split(&placed.location).is_none();
        if is_top && manifest.extra.has_dev_dependencies {
            fields.put("devDependencies", Json::Object(Vec::new()));
        }
    } else {
        fields.pairs("devDependencies", &placed.dev_dependencies);
    }
    fields.pairs("peerDependencies", &manifest.peer_dependencies);
    fields.pairs("optionalDependencies", &manifest.optional_dependencies);
    fields.pairs("acceptDependencies", &manifest.accept_dependencies);
    fields.pairs("bin", &manifest.bin);
    fields.list("bundleDependencies", &manifest.bundled);
    let lone = manifest.extra.lone;
    for (key, list, is_lone) in [
        ("os", &manifest.os, lone.os),
        ("cpu", &manifest.cpu, lone.cpu),
        ("libc", &manifest.libc, lone.libc),
    ] {
        match list.as_slice() {
            [text] if is_lone => fields.text(key, Some(text)),
            list => fields.list(key, list),
        }
    }
    for (key, json) in [
        (
            "peerDependenciesMeta",
            &manifest.extra.peer_dependencies_meta,
        ),
        ("funding", &manifest.extra.funding),
        ("engines", &manifest.extra.engines),
        ("license", &manifest.extra.license),
        ("workspaces", &manifest.extra.workspaces),
    ] {
        fields.json(key, json.as_deref());
    }
    fields.text("deprecated", manifest.deprecated.as_deref());
    fields.flag("hasInstallScript", manifest.has_install_script);
    fields.flag("hasShrinkwrap", manifest.has_shrinkwrap);
    fields.flag("inBundle", placed.in_bundle);
    fields.flag("extraneous", placed.is_extraneous);
    let counts = !placed.is_extraneous;
    fields.flag("peer", counts && placed.is_peer);
    fields.flag("dev", counts && placed.is_dev);
    fields.flag("optional", counts && placed.is_optional);
    let both = placed.is_dev_optional && !placed.is_dev && !placed.is_optional;
    fields.flag("devOptional", counts && both);
    Json::Object(fields.0)
}

/// The fields of an object; what is empty or false is not one.
#[derive(Default)]
pub(super) struct Fields<'p>(pub(super) Vec<(std::borrow::Cow<'p, str>, Json<'p>)>);

impl<'p> Fields<'p> {
    pub(super) fn put(&mut self, key: &'p str, value: Json<'p>) {
        self.0.push((key.into(), value));
    }

    /// A text that was made for it.
    pub(super) fn own(&mut self, key: &'p str, text: impl Into<std::borrow::Cow<'p, str>>) {
        self.put(key, Json::Text(text.into()));
    }

    pub(super) fn text(&mut self, key: &'p str, text: Option<&'p str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.put(key, Json::Text(text.into()));
        }
    }

    pub(super) fn flag(&mut self, key: &'p str, value: bool) {
        if value {
            self.put(key, Json::Bool(true));
        }
    }

    fn pairs(&mut self, key: &'p str, pairs: &'p Pairs) {
        if !pairs.is_empty() {
            let entry = |(name, spec): &'p (Arc<str>, Arc<str>)| {
                ((&**name).into(), Json::Text((&**spec).into()))
            };
            self.put(key, Json::Object(pairs.iter().map(entry).collect()));
        }
    }

    fn list(&mut self, key: &'p str, list: &'p [Arc<str>]) {
        if !list.is_empty() {
            self.put(
                key,
                Json::List(
                    list.iter()
                        .map(|text| Json::Text((&**text).into()))
                        .collect(),
                ),
            );
        }
    }

    fn json(&mut self, key: &'p str, text: Option<&'p str>) {
        if let Some(value) = text.and_then(|text| serde_json::from_str(text).ok()) {
            self.put(key, value);
        }
    }
}
