//! [`Pylock`] → `pylock.toml`: a new file in canonical form, or an old one with the least changes.
//!
//! A key of the old file is touched only if its value differs, so comments, order, spacing and the
//! tables of other tools stay where nothing changed. The result is read back before it is handed
//! out; should it not say what the lock says, the canonical form is written instead.

use std::cmp::Ordering;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use crate::canonical;
use crate::location::strip_credentials;
use crate::{File, Location, Package, Pylock, Source, shown_marker};

impl Pylock {
    /// Writes the lock; with the previous text of the file, as an edit of that text.
    ///
    /// Packages are sorted by name and version, wheels by file name. Writing a lock onto its own
    /// text changes no byte. A size, an upload time or a further hash that only the previous text
    /// knows of the same file is kept. Credentials in URLs are not written.
    #[must_use]
    pub fn write(&self, previous: Option<&str>) -> String {
        let mut lock = self.clone();
        let Some((text, old)) = previous.and_then(|text| Some((text, Self::parse(text).ok()?)))
        else {
            return fresh(&lock.in_normal_form());
        };
        lock.complete_from(&old);
        let lock = lock.in_normal_form();
        if lock == old.clone().in_normal_form() {
            return text.to_owned();
        }
        let edited = edited(&lock, &old, text);
        match edited {
            Some(edited)
                if Self::parse(&edited).is_ok_and(|read| read.in_normal_form() == lock) =>
            {
                edited
            }
            _ => fresh(&lock),
        }
    }

    /// The lock as it is written: all that has no order of its own sorted, and no credentials.
    fn in_normal_form(mut self) -> Self {
        for package in &mut self.packages {
            package.dependencies.sort();
            if let Some(index) = &mut package.index {
                strip_credentials(index);
            }
            for location in package.source.locations_mut() {
                if let Location::Url(url) = location {
                    strip_credentials(url);
                }
            }
            if let Source::Files { wheels, .. } = &mut package.source {
                wheels.sort_by(|one, other| one.name.cmp(&other.name));
            }
        }
        self.packages.sort_by(by_name_and_version);
        for names in [&mut self.extras, &mut self.dependency_groups]
            .into_iter()
            .flatten()
        {
            names.sort();
        }
        self.targets.sort();
        self.roots.sort();
        // Stable: the settings of one package keep their order.
        self.config_settings
            .sort_by(|one, other| one.package.cmp(&other.package));
        self
    }

    /// Takes from an older lock what it alone knows of the same files.
    fn complete_from(&mut self, old: &Self) {
        self.lock_version = self.lock_version.max(old.lock_version);
        let old_files = |package: &Package| -> Vec<File> {
            let same = old.packages.iter().filter(|old| old.name == package.name);
            same.flat_map(|old| old.sdist().into_iter().chain(old.wheels()))
                .cloned()
                .collect()
        };
        for package in &mut self.packages {
            let old_files = old_files(package);
            if let Source::Files { sdist, wheels } = &mut package.source {
                for file in sdist.iter_mut().chain(wheels) {
                    let same = |old: &&File| {
                        old.name == file.name
                            && file.hashes.iter().all(|hash| old.hashes.contains(hash))
                    };
                    if let Some(old) = old_files.iter().find(same) {
                        file.size = file.size.or(old.size);
                        file.upload_time = file.upload_time.or(old.upload_time);
                        file.hashes.clone_from(&old.hashes);
                    }
                }
            }
        }
    }
}

fn by_name_and_version(one: &Package, other: &Package) -> Ordering {
    let key = |package: &Package| (package.name.clone(), package.version.clone());
    key(one)
        .cmp(&key(other))
        .then_with(|| shown_marker(&one.marker).cmp(&shown_marker(&other.marker)))
}

/// The canonical form.
fn fresh(lock: &Pylock) -> String {
    let mut document = DocumentMut::new();
    for (key, value) in canonical::top(lock) {
        if let Some(value) = value {
            document.insert(key, value);
        }
    }
    let tables = lock.packages.iter().map(canonical::package_table);
    document.insert("packages", packages_item(tables.collect()));
    set_own(&mut document, "targets", canonical::targets(lock));
    set_own(&mut document, "roots", canonical::roots(lock));
    set_own(
        &mut document,
        "config-settings",
        canonical::config_settings(lock),
    );
    document.to_string()
}

/// The old text with what differs changed; `None` if it has a form that cannot be edited so.
fn edited(lock: &Pylock, old: &Pylock, text: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let top = pairs(canonical::top(old), canonical::top(lock));
    for change in &top {
        apply(document.as_table_mut(), change, &top, None);
    }
    let tables = match document.get_mut("packages")? {
        Item::ArrayOfTables(tables) => std::mem::take(tables).into_iter().collect(),
        // All packages in one value: no table to keep.
        _ => Vec::new(),
    };
    let packages = packages_item(merged(lock, old, tables));
    put(document.as_table_mut(), "packages", packages);
    if lock.targets != old.targets {
        set_own(&mut document, "targets", canonical::targets(lock));
    }
    if lock.roots != old.roots {
        set_own(&mut document, "roots", canonical::roots(lock));
    }
    if lock.config_settings != old.config_settings {
        set_own(
            &mut document,
            "config-settings",
            canonical::config_settings(lock),
        );
    }
    let edited = document.to_string();
    // The editor writes bare newlines.
    Some(if text.contains("\r\n") {
        edited.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        edited
    })
}

/// A key with its canonical value before and after.
struct Change {
    key: &'static str,
    before: Option<Item>,
    after: Option<Item>,
}

impl Change {
    fn is_none(&self) -> bool {
        let text = |item: &Option<Item>| item.as_ref().map(Item::to_string);
        text(&self.before) == text(&self.after)
    }
}

fn pairs(
    before: Vec<(&'static str, Option<Item>)>,
    after: Vec<(&'static str, Option<Item>)>,
) -> Vec<Change> {
    let both = before.into_iter().zip(after);
    both.map(|((key, before), (_, after))| Change { key, before, after })
        .collect()
}

/// Makes one change to a table; `order` is that of the keys, `old` the package that the table held.
fn apply(table: &mut Table, change: &Change, order: &[Change], old: Option<&Package>) {
    if change.is_none() {
        return;
    }
    let Some(after) = change.after.clone() else {
        table.remove(change.key);
        return;
    };
    let Some(place) = table.get(change.key) else {
        insert_in_order(table, change.key, after, order);
        return;
    };
    let after = match (place.as_value(), after.into_value()) {
        (Some(before), Ok(after)) => Item::Value(replaced(before, after, change.key, old)),
        (None, Ok(after)) => Item::Value(after),
        (_, Err(after)) => after,
    };
    put(table, change.key, after);
}

/// Puts another item under a key that is there.
fn put(table: &mut Table, key: &str, item: Item) {
    if let Some((mut key, place)) = table.get_key_value_mut(key) {
        if item.is_value() && !place.is_value() {
            // It was the key of a table header, which has no space around it.
            key.leaf_decor_mut().clear();
        }
        *place = item;
    }
}

/// A new value in the place of an old one: with its comments, and with those of its elements that
/// stay.
fn replaced(before: &Value, after: Value, key: &str, old: Option<&Package>) -> Value {
    let mut value = match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            let known: Vec<Value> = match (key, old) {
                ("wheels", Some(old)) => old.wheels().iter().map(canonical::file).collect(),
                ("dependencies", Some(old)) => {
                    old.dependencies.iter().map(canonical::dependency).collect()
                }
                _ => before.iter().cloned().collect(),
            };
            Value::Array(replaced_lines(before, &known, after))
        }
        (_, after) => after,
    };
    *value.decor_mut() = before.decor().clone();
    value
}

/// An array of lines in the place of another; `known` is what each old element means.
///
/// Elements that stay keep their place, their text and the comments on and above their line. A new
/// one comes after the one that it follows in the order of `after`.
fn replaced_lines(before: &Array, known: &[Value], after: Array) -> Array {
    let text = |value: &Value| {
        let mut value = value.clone();
        value.decor_mut().clear();
        value.to_string()
    };
    let known: Vec<String> = known.iter().map(text).collect();
    let wanted: Vec<(String, Value)> = after.into_iter().map(|it| (text(&it), it)).collect();
    let mut lines: Vec<(String, Line)> = Vec::with_capacity(wanted.len());
    if known.len() == before.len() {
        let old = known.into_iter().zip(Line::of_array(before));
        lines.extend(old.filter(|(known, _)| wanted.iter().any(|(wanted, _)| wanted == known)));
        lines.dedup_by(|one, other| one.0 == other.0);
    }
    let mut place = 0;
    for (wanted, value) in wanted {
        if let Some(index) = lines.iter().position(|(line, _)| *line == wanted) {
            place = index + 1;
        } else {
            lines.insert(place, (wanted, Line::new(value)));
            place += 1;
        }
    }
    let above_bracket = after_newline(before.trailing().as_str().unwrap_or_default());
    Line::array(lines.into_iter().map(|(_, line)| line), above_bracket)
}

/// An element of an array that has a line to itself, with its comments.
struct Line {
    value: Value,
    /// What stands between the preceding newline and the element: comments above, and indentation.
    above: String,
    /// What stands between the element's comma and the next newline.
    beside: String,
}

impl Line {
    fn new(mut value: Value) -> Self {
        value.decor_mut().clear();
        Self {
            value,
            above: "    ".to_owned(),
            beside: String::new(),
        }
    }

    /// The elements of an array. What the editor counts to the next element's prefix, or to the
    /// bracket, but stands on the same line, belongs to the element before.
    fn of_array(array: &Array) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::with_capacity(array.len());
        for value in array {
            let prefix = value.decor().prefix().and_then(|prefix| prefix.as_str());
            let prefix = prefix.unwrap_or_default();
            let suffix = value.decor().suffix().and_then(|suffix| suffix.as_str());
            let mut line = Self::new(value.clone());
            if let Some(last) = lines.last_mut() {
                last.beside = comment_beside(prefix);
            }
            if prefix.contains('\n') {
                line.above = after_newline(prefix).to_owned();
            }
            // Only the last element has one, if no comma follows it.
            line.beside = comment_beside(suffix.unwrap_or_default());
            lines.push(line);
        }
        let trailing = comment_beside(array.trailing().as_str().unwrap_or_default());
        if let Some(last) = lines.last_mut().filter(|_| !trailing.is_empty()) {
            last.beside = trailing;
        }
        lines
    }

    fn array(lines: impl Iterator<Item = Self>, above_bracket: &str) -> Array {
        let mut array = Array::new();
        let mut beside = String::new();
        for mut line in lines {
            line.value
                .decor_mut()
                .set_prefix(format!("{beside}\n{}", line.above));
            beside = line.beside;
            array.push_formatted(line.value);
        }
        if !array.is_empty() {
            array.set_trailing(format!("{beside}\n{above_bracket}"));
            array.set_trailing_comma(true);
        }
        array
    }
}

/// The comment on the first line of a stretch of white space and comments, with the space before it.
fn comment_beside(stretch: &str) -> String {
    let line = stretch.lines().next().unwrap_or_default();
    if line.contains('#') {
        line.trim_end().to_owned()
    } else {
        String::new()
    }
}

fn after_newline(stretch: &str) -> &str {
    stretch.split_once('\n').map_or("", |(_, rest)| rest)
}

/// Inserts a key before the first that follows it in the order.
fn insert_in_order(table: &mut Table, key: &str, item: Item, order: &[Change]) {
    let rank = |key: &str| {
        let place = order.iter().position(|change| change.key == key);
        place.unwrap_or(order.len())
    };
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    let following = keys.iter().skip_while(|other| rank(other) < rank(key));
    let following: Vec<_> = following
        .filter_map(|key| table.remove_entry(key))
        .collect();
    table.insert(key, item);
    for (key, item) in following {
        table.insert_formatted(&key, item);
    }
}

/// The tables of the packages: old ones edited where they changed, new ones in between by name.
fn merged(lock: &Pylock, old: &Pylock, tables: Vec<Table>) -> Vec<Table> {
    let mut tables: Vec<Option<Table>> = tables.into_iter().map(Some).collect();
    // With packages in a single value there are none of these, and everything is new.
    tables.resize(old.packages.len(), None);
    let partners = partners(lock, old);
    let mut merged: Vec<(&Package, Table)> = Vec::with_capacity(lock.packages.len());
    let mut added: Vec<&Package> = Vec::new();
    let mut kept: Vec<(usize, &Package)> = Vec::new();
    for (package, partner) in lock.packages.iter().zip(partners) {
        match partner {
            Some(index) => kept.push((index, package)),
            None => added.push(package),
        }
    }
    kept.sort_by_key(|(index, _)| *index);
    for (index, package) in kept {
        match tables[index].take() {
            Some(mut table) => {
                update(&mut table, &old.packages[index], package);
                merged.push((package, table));
            }
            None => added.push(package),
        }
    }
    for package in added {
        let is_after = |(other, _): &(&Package, Table)| by_name_and_version(other, package).is_gt();
        let place = merged.iter().position(is_after).unwrap_or(merged.len());
        merged.insert(place, (package, canonical::package_table(package)));
    }
    merged.into_iter().map(|(_, table)| table).collect()
}

/// For each package, the index of the old entry that it continues: of the same name, and as alike as
/// there is one.
fn partners(lock: &Pylock, old: &Pylock) -> Vec<Option<usize>> {
    let mut partners = vec![None; lock.packages.len()];
    let mut by_name: std::collections::BTreeMap<_, Vec<usize>> = std::collections::BTreeMap::new();
    for (index, package) in old.packages.iter().enumerate() {
        by_name.entry(&package.name).or_default().push(index);
    }
    let likeness: [fn(&Package, &Package) -> bool; 4] = [
        |one, other| one.version == other.version && one.marker == other.marker,
        |one, other| one.version == other.version,
        |one, other| one.marker == other.marker,
        |_, _| true,
    ];
    for alike in likeness {
        for (package, partner) in lock.packages.iter().zip(&mut partners) {
            let Some(free) = by_name.get_mut(&package.name) else {
                continue;
            };
            if partner.is_none()
                && let Some(place) = free
                    .iter()
                    .position(|it| alike(&old.packages[*it], package))
            {
                *partner = Some(free.remove(place));
            }
        }
    }
    partners
}

fn update(table: &mut Table, old: &Package, new: &Package) {
    // The order in which wheels and dependencies stand is not a difference.
    let values = |package: &Package| {
        let mut lock = Pylock::new();
        lock.packages.push(package.clone());
        canonical::package(&lock.in_normal_form().packages[0])
    };
    let changes = pairs(values(old), values(new));
    for change in &changes {
        apply(table, change, &changes, Some(old));
    }
    let is_source =
        |change: &&Change| ["vcs", "directory", "archive", "sdist", "wheels"].contains(&change.key);
    if !changes.iter().filter(is_source).all(Change::is_none) {
        // Whoever vouched for the old files did not vouch for the new ones.
        table.remove("attestation-identities");
    }
}

/// The value of `packages`.
fn packages_item(tables: Vec<Table>) -> Item {
    if tables.is_empty() {
        return Item::Value(Value::Array(Array::new()));
    }
    let mut array = ArrayOfTables::new();
    for table in tables {
        array.push(table);
    }
    Item::ArrayOfTables(array)
}

/// Sets a key of `[tool.layerpress]`, and leaves every other key of `[tool]` alone.
fn set_own(document: &mut DocumentMut, name: &str, value: Option<Item>) {
    let own = ["tool", "layerpress"];
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for key in own {
        if value.is_none() && !table.contains_key(key) {
            return;
        }
        let inner = table.entry(key).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let Some(inner) = inner.as_table_like_mut() else {
            return;
        };
        table = inner;
    }
    match value {
        Some(value) => table.insert(name, value),
        None => table.remove(name),
    };
}

#[cfg(test)]
mod tests;
