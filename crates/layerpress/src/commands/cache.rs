//! `layerpress cache`: where it is, what it weighs, and how it is tidied.

use std::collections::BTreeMap;
use std::time::Duration;

use layerpress_fetch::{Alone, Area, Removed, Store, Usage};
use layerpress_press::pressed;
use serde_json::json;

use crate::args::{CacheCommand, GlobalArgs};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::settings;
use crate::size::{grouped, readable};

/// Does what was asked of the cache.
///
/// # Errors
///
/// A cache that cannot be read or written, or that `verify` found damaged.
pub(crate) fn run(
    command: &CacheCommand,
    global: &GlobalArgs,
    environment: &Environment,
    printer: &Printer,
) -> Result<(), Failure> {
    let folder = settings::cache_folder(global, environment)?;
    if matches!(command, CacheCommand::Dir) {
        let document = json!({ "path": folder.display().to_string() });
        return report(printer, &document, &folder.display().to_string());
    }
    let store = Store::open(&folder)?;
    match command {
        CacheCommand::Dir => Ok(()),
        CacheCommand::Size => {
            let areas = store.usage()?;
            let bytes = total(&areas);
            for (area, usage) in areas.iter().filter(|(_, usage)| usage.files > 0) {
                printer.note(&format!(
                    "{:>10}  {} in {} files",
                    area.folder(),
                    readable(usage.bytes),
                    grouped(usage.files)
                ));
            }
            let by_area: serde_json::Map<_, _> = areas
                .iter()
                .map(|(area, usage)| {
                    let usage = json!({ "files": usage.files, "bytes": usage.bytes });
                    (area.folder().to_owned(), usage)
                })
                .collect();
            let document = json!({ "bytes": bytes, "areas": by_area });
            report(printer, &document, &bytes.to_string())
        }
        // Everything goes, asked for in so many words: what others need they fetch again.
        CacheCommand::Clean => removed(printer, &store, store.clean()?),
        CacheCommand::Prune { max_size, unused } => {
            let unused_for = unused
                .map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60))
                .or_else(|| max_size.is_none().then_some(UNUSED));
            let _alone = alone(&store, printer);
            removed(printer, &store, store.prune(unused_for, *max_size)?)
        }
        CacheCommand::Verify => {
            let mut found = store.verify()?;
            let (checked, damaged) = pressed::verify(&store)?;
            found.checked += checked;
            found.damaged.extend(damaged);
            printer.note(&format!("{} files checked", grouped(found.checked)));
            for path in &found.damaged {
                printer.warning(&format!("{}: damaged, removed", path.display()), None);
            }
            if found.damaged.is_empty() {
                let document = json!({ "checked": found.checked, "damaged": [] });
                report(printer, &document, "")
            } else {
                let files = found.damaged.len();
                Err(Failure::CacheDamaged { files })
            }
        }
    }
}

/// The store without anybody else: nothing is taken from under a build.
fn alone(store: &Store, printer: &Printer) -> Alone {
    store.alone_now().unwrap_or_else(|| {
        printer.note("waiting for other runs of layerpress that use the cache");
        store.alone()
    })
}

/// What `prune` takes for unused when it is not told: a month.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn removed(printer: &Printer, store: &Store, removed: Removed) -> Result<(), Failure> {
    let left = total(&store.usage()?);
    printer.note(&format!(
        "removed {} files, {}; {} are left",
        grouped(removed.files),
        readable(removed.bytes),
        readable(left)
    ));
    let document = json!({
        "removed_files": removed.files,
        "removed_bytes": removed.bytes,
        "bytes": left,
    });
    report(printer, &document, "")
}

fn total(areas: &BTreeMap<Area, Usage>) -> u64 {
    areas.values().map(|usage| usage.bytes).sum()
}

/// Prints a document with `--json`, else a line of data where there is one.
fn report(printer: &Printer, document: &serde_json::Value, line: &str) -> Result<(), Failure> {
    if printer.json() {
        printer.data(&format!("{document}\n"))
    } else if line.is_empty() {
        Ok(())
    } else {
        printer.data(&format!("{line}\n"))
    }
    .map_err(Failure::Output)
}
