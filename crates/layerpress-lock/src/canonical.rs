//! The canonical form of each value of a `pylock.toml`: what is written where no earlier text is kept.
//!
//! Keys in the order of PEP 751; arrays of tables as one inline table a line, so that a diff shows
//! one line for one file.

use toml_edit::{Array, InlineTable, Item, Table, Value};

use crate::{
    Archive, DependencyRef, Directory, File, Location, Package, Pylock, Source, UploadTime, Vcs,
    shown_marker,
};

/// The keys of the file that this crate writes, in order, each with its value; `None`: not written.
/// `packages` and `tool` are not among them: they are tables.
pub(crate) fn top(lock: &Pylock) -> Vec<(&'static str, Option<Item>)> {
    let environments = lock.environments.iter().map(|marker| {
        // A marker that is always true has no text; this one has that meaning.
        shown_marker(marker).unwrap_or_else(|| "python_version >= '0'".to_owned())
    });
    let names = |names: &[pep508_rs::ExtraName]| flat(names.iter().map(ToString::to_string));
    vec![
        ("lock-version", text(&lock.lock_version)),
        ("environments", some_lines(environments.map(Value::from))),
        (
            "requires-python",
            lock.requires_python.as_ref().and_then(text),
        ),
        ("extras", lock.extras.as_deref().map(names)),
        (
            "dependency-groups",
            lock.dependency_groups.as_deref().map(names),
        ),
        (
            "default-groups",
            (!lock.default_groups.is_empty()).then(|| names(&lock.default_groups)),
        ),
        ("created-by", text(&lock.created_by)),
    ]
}

/// The keys of a package that this crate writes, in order, each with its value; `None`: not written.
pub(crate) fn package(package: &Package) -> Vec<(&'static str, Option<Item>)> {
    let (mut vcs, mut directory, mut archive) = (None, None, None);
    let (mut sdist, mut wheels) = (None, None);
    match &package.source {
        Source::Files {
            sdist: source,
            wheels: files,
        } => {
            sdist = source.as_ref().map(|source| item(file(source)));
            wheels = some_lines(files.iter().map(file));
        }
        Source::Archive(source) => archive = Some(item(archive_table(source))),
        Source::Directory(source) => directory = Some(item(directory_table(source))),
        Source::Vcs(source) => vcs = Some(item(vcs_table(source))),
    }
    vec![
        ("name", text(&package.name)),
        ("version", package.version.as_ref().and_then(text)),
        (
            "marker",
            shown_marker(&package.marker).and_then(|marker| text(&marker)),
        ),
        (
            "requires-python",
            package.requires_python.as_ref().and_then(text),
        ),
        (
            "dependencies",
            some_lines(package.dependencies.iter().map(dependency)),
        ),
        ("vcs", vcs),
        ("directory", directory),
        ("archive", archive),
        ("index", package.index.as_ref().and_then(text)),
        ("sdist", sdist),
        ("wheels", wheels),
    ]
}

/// `[tool.layerpress]`'s `targets`.
pub(crate) fn targets(lock: &Pylock) -> Option<Item> {
    some_lines(lock.targets.iter().map(|target| {
        let mut table = InlineTable::new();
        table.insert("runtime", target.runtime.name().into());
        table.insert("arch", target.arch.name().into());
        Value::InlineTable(table)
    }))
}

/// `[tool.layerpress]`'s `roots`.
pub(crate) fn roots(lock: &Pylock) -> Option<Item> {
    some_lines(lock.roots.iter().map(|root| root.as_str().into()))
}

/// `[tool.layerpress]`'s `config-settings`.
pub(crate) fn config_settings(lock: &Pylock) -> Option<Item> {
    some_lines(lock.config_settings.iter().map(|setting| {
        let mut table = InlineTable::new();
        table.insert("package", setting.package.to_string().into());
        table.insert("key", setting.key.as_str().into());
        table.insert("value", setting.value.as_str().into());
        Value::InlineTable(table)
    }))
}

/// A package as a table of its own.
pub(crate) fn package_table(package: &Package) -> Table {
    let mut table = Table::new();
    for (key, value) in self::package(package) {
        if let Some(value) = value {
            table.insert(key, value);
        }
    }
    table
}

/// A file of a release as an inline table.
pub(crate) fn file(file: &File) -> Value {
    let mut table = InlineTable::new();
    if file.location.file_name().as_deref() != Some(&file.name) {
        table.insert("name", file.name.as_str().into());
    }
    upload_time(&mut table, file.upload_time);
    location(&mut table, &file.location);
    size(&mut table, file.size);
    hashes(&mut table, &file.hashes);
    Value::InlineTable(table)
}

/// A reference to another package as an inline table.
pub(crate) fn dependency(dependency: &DependencyRef) -> Value {
    let mut table = InlineTable::new();
    table.insert("name", dependency.name.to_string().into());
    if let Some(version) = &dependency.version {
        table.insert("version", version.to_string().into());
    }
    Value::InlineTable(table)
}

/// The elements as an array with one of them a line; `None` if there are none.
fn some_lines(values: impl Iterator<Item = Value>) -> Option<Item> {
    let mut array = Array::new();
    for mut value in values {
        value.decor_mut().set_prefix("\n    ");
        array.push_formatted(value);
    }
    if array.is_empty() {
        return None;
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
    Some(item(array))
}

fn flat(texts: impl Iterator<Item = String>) -> Item {
    Item::Value(Value::Array(texts.collect()))
}

fn archive_table(archive: &Archive) -> InlineTable {
    let mut table = InlineTable::new();
    location(&mut table, &archive.location);
    size(&mut table, archive.size);
    upload_time(&mut table, archive.upload_time);
    hashes(&mut table, &archive.hashes);
    if let Some(path) = &archive.subdirectory {
        table.insert("subdirectory", path.as_str().into());
    }
    table
}

fn directory_table(directory: &Directory) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("path", directory.path.as_str().into());
    if directory.editable {
        table.insert("editable", true.into());
    }
    if let Some(path) = &directory.subdirectory {
        table.insert("subdirectory", path.as_str().into());
    }
    table
}

fn vcs_table(vcs: &Vcs) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("type", vcs.kind.as_str().into());
    location(&mut table, &vcs.location);
    if let Some(revision) = &vcs.requested_revision {
        table.insert("requested-revision", revision.as_str().into());
    }
    table.insert("commit-id", vcs.commit_id.as_str().into());
    if let Some(path) = &vcs.subdirectory {
        table.insert("subdirectory", path.as_str().into());
    }
    table
}

fn location(table: &mut InlineTable, location: &Location) {
    match location {
        Location::Url(url) => table.insert("url", url.as_str().into()),
        Location::Path(path) => table.insert("path", path.as_str().into()),
    };
}

fn upload_time(table: &mut InlineTable, time: Option<UploadTime>) {
    if let Some(time) = time {
        table.insert("upload-time", time.0.into());
    }
}

fn size(table: &mut InlineTable, size: Option<u64>) {
    // A size that TOML cannot hold belongs to no file.
    if let Some(size) = size.and_then(|size| i64::try_from(size).ok()) {
        table.insert("size", size.into());
    }
}

fn hashes(table: &mut InlineTable, hashes: &[layerpress_tree::Digest]) {
    let mut inner = InlineTable::new();
    for digest in hashes {
        inner.insert(digest.algorithm().name(), digest.hex().into());
    }
    table.insert("hashes", Value::InlineTable(inner));
}

fn text(value: &impl ToString) -> Option<Item> {
    Some(Item::Value(Value::from(value.to_string())))
}

fn item(value: impl Into<Value>) -> Item {
    Item::Value(value.into())
}
