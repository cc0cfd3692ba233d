//! What a layer holds, told three ways: a table, a JSON document, and a page with a picture.

mod page;

use std::fmt::Write as _;

use layerpress_compile::{FoundPackage, Inferred, Inspection, RemovedReport, Weight};
use layerpress_target::limits::UNZIPPED_BYTES;
use serde_json::{Value, json};

use crate::size::{grouped, readable, share, twice};

pub(crate) use page::page;

/// How many lines a table has unless all are asked for.
const LINES: usize = 15;

/// As many characters of a name leave the numbers beside it on a terminal's line of 80.
const NAME: usize = 39;

/// What is said of a layer whose files do not tell what it is for.
pub(crate) const UNTOLD: &str = "its files do not tell; `--runtime` and `--arch` do";

/// The account for people: the layer's size, then what weighs most by package, by class and by
/// folder. `all` lists every line.
pub(crate) fn account(inspection: &Inspection, all: bool) -> String {
    let total = inspection.total();
    let lines = if all { usize::MAX } else { LINES };
    let mut text = format!(
        "{}\n  files     {}\n  zipped    {}\n  unzipped  {}, {} of what a function may hold\n",
        inspection.path.display(),
        grouped(total.files),
        twice(inspection.zipped_bytes),
        twice(total.unzipped_bytes),
        share(total.unzipped_bytes, UNZIPPED_BYTES),
    );
    // A string takes everything that is written to it.
    let _infallible = match inspection.inferred.is_empty() {
        true => writeln!(text, "  made for  {UNTOLD}"),
        false => writeln!(text, "  made for  {}", inspection.inferred),
    };
    let shown = |name: String| if all { name } else { shortened(name) };
    let packages = inspection.by_package();
    let packages = packages
        .iter()
        .map(|(package, weight)| (shown(label(*package)), *weight));
    text.push_str(&table("package", packages.collect(), total, lines));
    let classes = inspection.by_class();
    let classes = classes
        .iter()
        .map(|(class, weight)| (class.name().to_owned(), *weight));
    text.push_str(&table("class", classes.collect(), total, lines));
    let folders = inspection.by_folder();
    let folders = folders
        .iter()
        .map(|(folder, weight)| (shown(place(folder).to_owned()), *weight));
    text.push_str(&table("folder", folders.collect(), total, lines));
    if let Some(savings) = &inspection.savings {
        text.push_str(&savings_table(savings, total));
    }
    text
}

/// What rules and passes would save.
fn savings_table(savings: &[RemovedReport], total: Weight) -> String {
    let width = savings.iter().map(|it| it.rule.len()).max().unwrap_or(0);
    let width = width.max("rule".len());
    let mut text = format!(
        "\n{:width$}  {:>8}  {:>9}  {:>7}\n",
        "rule", "files", "saved", "share"
    );
    for it in savings {
        // A string takes everything that is written to it.
        let _infallible = writeln!(
            text,
            "{:width$}  {:>8}  {:>9}  {:>7}",
            it.rule,
            grouped(it.files),
            readable(it.bytes),
            share(it.bytes, total.unzipped_bytes),
        );
    }
    text
}

/// The document of `inspect --json`: all of it, the heaviest first.
pub(crate) fn document(inspection: &Inspection) -> Value {
    let total = inspection.total();
    let weighed = |mut row: Value, weight: &Weight| {
        row["files"] = weight.files.into();
        row["zipped_bytes"] = weight.zipped_bytes.into();
        row["unzipped_bytes"] = weight.unzipped_bytes.into();
        row
    };
    let packages = inspection.by_package();
    let packages = packages.iter().map(|(package, weight)| {
        let row = match package {
            Some(it) => json!({"ecosystem": it.ecosystem, "name": it.name, "version": it.version}),
            None => json!({"ecosystem": null, "name": null, "version": null}),
        };
        weighed(row, weight)
    });
    let classes = inspection.by_class();
    let classes = classes
        .iter()
        .map(|(class, weight)| weighed(json!({"class": class.name()}), weight));
    let folders = inspection.by_folder();
    let folders = folders
        .iter()
        .map(|(folder, weight)| weighed(json!({"folder": folder}), weight));
    let (runtimes, arch) = names(inspection.inferred);
    json!({
        "path": inspection.path.display().to_string(),
        "zipped_bytes": inspection.zipped_bytes,
        "unzipped_bytes": total.unzipped_bytes,
        "files": total.files,
        "limit_bytes": UNZIPPED_BYTES,
        "runtimes": runtimes,
        "arch": arch,
        "packages": packages.collect::<Vec<_>>(),
        "classes": classes.collect::<Vec<_>>(),
        "folders": folders.collect::<Vec<_>>(),
        "rules": inspection.savings.as_ref().map(|savings| {
            let rows = savings.iter();
            rows.map(|it| json!({ "rule": it.rule, "files": it.files, "bytes": it.bytes }))
                .collect::<Vec<_>>()
        }),
    })
}

/// What a layer was made for: the runtimes' names and the architecture's, as far as they are known.
pub(crate) fn names(made_for: Inferred) -> (Vec<&'static str>, Option<&'static str>) {
    let runtimes = [made_for.python, made_for.node].into_iter().flatten();
    (
        runtimes.map(|it| it.value.name()).collect(),
        made_for.arch.map(|it| it.value.name()),
    )
}

/// A table of weights; what does not fit into `lines` is summed up in the last one.
fn table(title: &str, mut rows: Vec<(String, Weight)>, total: Weight, lines: usize) -> String {
    if rows.len() > lines.saturating_add(1) {
        let rest = rows.split_off(lines);
        let sum = |of: fn(&Weight) -> u64| rest.iter().map(|(_, weight)| of(weight)).sum();
        let weight = Weight {
            files: sum(|it| it.files),
            zipped_bytes: sum(|it| it.zipped_bytes),
            unzipped_bytes: sum(|it| it.unzipped_bytes),
        };
        rows.push((format!("{} more", grouped(rest.len() as u64)), weight));
    }
    let widths = rows.iter().map(|(name, _)| name.chars().count());
    let width = widths.max().unwrap_or(0).max(title.len());
    let mut text = format!(
        "\n{title:width$}  {:>8}  {:>9}  {:>9}  {:>7}\n",
        "files", "zipped", "unzipped", "share"
    );
    for (name, weight) in rows {
        // A string takes everything that is written to it.
        let _infallible = writeln!(
            text,
            "{name:width$}  {:>8}  {:>9}  {:>9}  {:>7}",
            grouped(weight.files),
            readable(weight.zipped_bytes),
            readable(weight.unzipped_bytes),
            share(weight.unzipped_bytes, total.unzipped_bytes),
        );
    }
    text
}

fn label(package: Option<&FoundPackage>) -> String {
    match package {
        Some(package) if package.version.is_empty() => package.name.clone(),
        Some(package) => format!("{} {}", package.name, package.version),
        None => "(no package)".to_owned(),
    }
}

/// The end of a long name, which tells more than its beginning; from a folder on, if one begins there.
pub(crate) fn shortened(name: String) -> String {
    let length = name.chars().count();
    if length <= NAME {
        return name;
    }
    let from = name.char_indices().nth(length - NAME + 1);
    let end = &name[from.map_or(0, |(at, _)| at)..];
    match end.find('/') {
        Some(slash) if slash + 1 < end.len() => format!("…{}", &end[slash..]),
        _ => format!("…{end}"),
    }
}

fn place(folder: &str) -> &str {
    if folder.is_empty() { "(top)" } else { folder }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(files: u64, bytes: u64) -> Weight {
        Weight {
            files,
            zipped_bytes: bytes / 4,
            unzipped_bytes: bytes,
        }
    }

    #[test]
    fn of_long_names_the_end_is_shown() {
        let told = [
            "nodejs/node_modules/@smithy/types",
            "nodejs/node_modules/@aws-sdk/middleware-sdk-s3",
            "python/ein_sehr_langer_name_ohne_einen_einzigen_strich",
        ];
        let told = told.map(|it| shortened(it.to_owned()));
        assert!(told.iter().all(|it| it.chars().count() <= NAME));
        insta::assert_snapshot!(told.join("\n"), @r"
        nodejs/node_modules/@smithy/types
        …/@aws-sdk/middleware-sdk-s3
        …langer_name_ohne_einen_einzigen_strich
        ");
    }

    #[test]
    fn what_does_not_fit_is_summed_up() {
        let rows = (1..=4)
            .rev()
            .map(|n| (format!("p{n}"), weight(n, n * 1_000)));
        insta::assert_snapshot!(table("package", rows.collect(), weight(10, 10_000), 2), @r"
        package     files     zipped   unzipped    share
        p4              4     1.0 kB     4.0 kB   40.0 %
        p3              3  750 bytes     3.0 kB   30.0 %
        2 more          3  750 bytes     3.0 kB   30.0 %
        ");
    }
}
