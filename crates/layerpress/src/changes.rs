//! What changed from one layer to another, as a table and as a JSON document.

use std::fmt::Write as _;

use layerpress_compile::{Difference, FileDifference, Inferred, PackageDifference, Pair, Weight};
use serde_json::{Value, json};

use crate::size::{grouped, readable};
use crate::weights::names;

/// How many files are listed unless all are asked for.
const FILES: usize = 20;

/// The account for people. `all` lists every file.
pub(crate) fn account(difference: &Difference, all: bool) -> String {
    let mut text = made_for(&difference.made_for);
    if difference.is_empty() {
        return text + "both layers hold the same files\n";
    }
    let total = difference.total;
    let unzipped = of(total, |it| it.unzipped_bytes);
    let mut rows = vec![
        row("zipped", difference.zipped_bytes),
        row("unzipped", unzipped),
    ];
    text.push_str(&table("", &rows));
    rows.clear();
    for package in &difference.packages {
        rows.push(row(
            &moved(package),
            of(package.weight, |it| it.unzipped_bytes),
        ));
    }
    text.push_str(&table("package", &rows));
    rows.clear();
    for (class, weight) in &difference.classes {
        rows.push(row(class.name(), of(*weight, |it| it.unzipped_bytes)));
    }
    text.push_str(&table("class", &rows));
    text.push_str(&files(
        &difference.files,
        if all { usize::MAX } else { FILES },
    ));
    text
}

/// The document of `diff --json`.
pub(crate) fn document(difference: &Difference) -> Value {
    let packages = difference.packages.iter().map(|it| {
        json!({
            "ecosystem": it.ecosystem,
            "name": it.name,
            "versions": { "before": it.versions.before, "after": it.versions.after },
            "before": weight(it.weight.before),
            "after": weight(it.weight.after),
        })
    });
    let classes = difference.classes.iter().map(|(class, pair)| {
        json!({
            "class": class.name(),
            "before": weight(pair.before),
            "after": weight(pair.after),
        })
    });
    let files = difference.files.iter().map(|file| {
        let side = |it: Option<Weight>| {
            it.map(|it| {
                json!({ "zipped_bytes": it.zipped_bytes, "unzipped_bytes": it.unzipped_bytes })
            })
        };
        json!({
            "path": file.path,
            "change": change(file),
            "before": side(file.weight.before),
            "after": side(file.weight.after),
        })
    });
    let side = |zipped_bytes: u64, of: Weight, made_for| {
        let (runtimes, arch) = names(made_for);
        json!({
            "runtimes": runtimes,
            "arch": arch,
            "zipped_bytes": zipped_bytes,
            "unzipped_bytes": of.unzipped_bytes,
            "files": of.files,
        })
    };
    let Pair { before, after } = difference.made_for;
    json!({
        "before": side(difference.zipped_bytes.before, difference.total.before, before),
        "after": side(difference.zipped_bytes.after, difference.total.after, after),
        "packages": packages.collect::<Vec<_>>(),
        "classes": classes.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
    })
}

/// What the layers were made for: once where that is the same.
fn made_for(pair: &Pair<Inferred>) -> String {
    let line = |which, inferred: &Inferred| match inferred.is_empty() {
        true => String::new(),
        false => format!("{which}made for {inferred}\n"),
    };
    if names(pair.before) == names(pair.after) {
        return line("", &pair.after);
    }
    line("before: ", &pair.before) + &line("after: ", &pair.after)
}

fn weight(weight: Weight) -> Value {
    json!({
        "files": weight.files,
        "zipped_bytes": weight.zipped_bytes,
        "unzipped_bytes": weight.unzipped_bytes,
    })
}

fn of(pair: Pair<Weight>, measure: fn(&Weight) -> u64) -> Pair<u64> {
    Pair {
        before: measure(&pair.before),
        after: measure(&pair.after),
    }
}

/// `numpy 2.1.0 -> 2.2.0`, `six 1.17.0 added`.
fn moved(package: &PackageDifference) -> String {
    let Some(name) = &package.name else {
        return "(no package)".to_owned();
    };
    let (before, after) = (&package.versions.before, &package.versions.after);
    match (before.join(", "), after.join(", ")) {
        (_, after) if before.is_empty() => format!("{name} {after} added"),
        (before, _) if after.is_empty() => format!("{name} {before} removed"),
        (before, after) if before == after => format!("{name} {after}"),
        (before, after) => format!("{name} {before} -> {after}"),
    }
}

/// What happened to a file.
fn change(file: &FileDifference) -> &'static str {
    match (file.weight.before, file.weight.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

type Row = (String, String, String, String);

fn row(name: &str, bytes: Pair<u64>) -> Row {
    let Pair { before, after } = bytes;
    let sign = if after < before { "-" } else { "+" };
    let change = format!("{sign}{}", readable(after.abs_diff(before)));
    (name.to_owned(), readable(before), readable(after), change)
}

/// Names, and bytes unzipped on both sides.
fn table(title: &str, rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let widths = rows.iter().map(|(name, ..)| name.chars().count());
    let width = widths.max().unwrap_or(0).max(title.len());
    let mut text = if title.is_empty() {
        String::new()
    } else {
        format!(
            "\n{title:width$}  {:>10}  {:>10}  {:>11}\n",
            "before", "after", "change"
        )
    };
    for (name, before, after, change) in rows {
        // A string takes everything that is written to it.
        let _infallible = writeln!(
            text,
            "{name:width$}  {before:>10}  {after:>10}  {change:>11}"
        );
    }
    text
}

fn files(files: &[FileDifference], most: usize) -> String {
    let mut text = String::new();
    for what in ["added", "removed", "changed"] {
        let count = files.iter().filter(|file| change(file) == what).count();
        if count > 0 {
            let start = if text.is_empty() { "\nfiles: " } else { ", " };
            text.push_str(&format!("{start}{} {what}", grouped(count as u64)));
        }
    }
    text.push('\n');
    for file in files.iter().take(most) {
        let mark = match change(file) {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        text.push_str(&format!("  {mark} {}\n", file.path));
    }
    if let Some(more @ 1..) = files.len().checked_sub(most) {
        text.push_str(&format!(
            "  and {} more: `-v` lists them\n",
            grouped(more as u64)
        ));
    }
    text
}
