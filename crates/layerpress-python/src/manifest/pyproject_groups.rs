//! Dependency groups of a `pyproject.toml` (PEP 735).

use toml_edit::{Item, TableLike};

use super::error::ManifestError;
use super::pyproject::no_such_set;
use super::requirement::Origin;
use super::shown::shown;
use super::toml_file::{TomlFile, same_name, table};

/// The dependencies of `group`, included groups in their place, each with where it stands.
pub(crate) fn group_dependencies<'a>(
    file: &'a TomlFile,
    group: &str,
) -> Result<Vec<(&'a str, Origin)>, ManifestError> {
    let mut out = Vec::new();
    expand(file, group, None, &mut Vec::new(), &mut out)?;
    Ok(out)
}

fn expand<'a>(
    file: &'a TomlFile,
    group: &str,
    included_by: Option<&Origin>,
    open: &mut Vec<&'a str>,
    out: &mut Vec<(&'a str, Origin)>,
) -> Result<(), ManifestError> {
    let (key, item) = find(file, group)?;
    let field = format!("`dependency-groups.{key}`");
    if let Some(at) = open.iter().position(|open| *open == key) {
        let chain: Vec<String> = open[at..]
            .iter()
            .chain([&key])
            .map(|k| format!("`{k}`"))
            .collect();
        let origin = included_by.cloned();
        let origin = origin.unwrap_or_else(|| file.origin(item.span(), key));
        return Err(ManifestError::SetCycle {
            origin: Box::new(origin),
            kind: "dependency group",
            chain: chain.join(" → "),
        });
    }
    let Some(array) = item.as_array() else {
        return Err(file.wrong_type(item, &field, "an array"));
    };
    open.push(key);
    for value in array {
        if let Some(text) = value.as_str() {
            out.push((text, file.origin(value.span(), text)));
            continue;
        }
        let origin = file.origin(value.span(), value.to_string().trim());
        let included = value
            .as_inline_table()
            .filter(|table| table.len() == 1)
            .and_then(|table| table.get("include-group")?.as_str());
        let Some(included) = included else {
            return Err(ManifestError::Field {
                origin: Box::new(origin),
                field,
                fault: "holds an entry that is neither a requirement nor an inclusion".into(),
                remedy: Some("write `\"name>=1.0\"` or `{include-group = \"name\"}`".into()),
            });
        };
        expand(file, included, Some(&origin), open, out)?;
    }
    open.pop();
    Ok(())
}

/// The group by any spelling of its name; two keys with one normalised name are an error.
fn find<'a>(file: &'a TomlFile, group: &str) -> Result<(&'a str, &'a Item), ManifestError> {
    let entries = || {
        table(file.root(), "dependency-groups")
            .into_iter()
            .flat_map(TableLike::iter)
    };
    let mut found = entries().filter(|(key, _)| same_name(key, group));
    match (found.next(), found.next()) {
        (Some((first, _)), Some((second, item))) => {
            let origin = file.origin(item.span(), second);
            let fault = format!(
                "has `{}` and `{}`, which are one name",
                shown(first),
                shown(second)
            );
            Err(ManifestError::field(&origin, "`dependency-groups`", fault))
        }
        (Some(entry), None) => Ok(entry),
        (None, _) => Err(no_such_set(
            file,
            "dependency group",
            group,
            entries().map(|(key, _)| key),
        )),
    }
}
