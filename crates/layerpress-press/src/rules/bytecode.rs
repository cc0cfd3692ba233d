//! Compiled Python: what is of no use, and what it says of the files beside it.

use layerpress_pack::read_all;
use layerpress_tree::{Content, LayerTree};
use rayon::prelude::*;

use super::evidence::{Evidence, head, last_word};
use super::{Ecosystem, code};

/// Keeps what code without its source could speak for: what it opens and imports is not seen.
pub(super) fn keep_beside(
    found: &mut Evidence,
    ecosystem: Ecosystem,
    compiled: &[(&str, &Content)],
) {
    let Some((first, _)) = compiled.first() else {
        return;
    };
    let reason = format!("`{first}` has no source that tells what it opens");
    for candidate in &mut found.candidates {
        if code::is_open_to_evidence(candidate, ecosystem) {
            candidate.kept.get_or_insert_with(|| reason.clone());
        }
    }
    for group in &mut found.groups {
        group.kept.get_or_insert_with(|| reason.clone());
    }
    // Names stand in it as they are.
    let asks = |content: &Content| {
        let bytes = read_all(content).unwrap_or_default();
        memchr::memmem::find(&bytes, code::ASKS_RECORDS.as_bytes()).is_some()
    };
    if found.asks_records.is_none() {
        let asking = compiled.par_iter().find_first(|(_, content)| asks(content));
        found.asks_records = asking.map(|(path, _)| (*path).to_owned());
    }
}

/// Whether compiled Python is of no use: made for a source file's time stamp, and that file is there. What
/// is checked by a hash, or by nothing, stays (PEP 552: bit 0 of the flags, at byte 4).
pub(super) fn is_stale(path: &str, content: &Content, tree: &LayerTree, root: &str) -> bool {
    let head = head(content);
    let flags = head
        .get(4..8)
        .and_then(|it| it.try_into().ok())
        .map(u32::from_le_bytes);
    flags.is_some_and(|flags| flags & 1 == 0) && has_source(path, tree, root)
}

/// Whether compiled Python is loaded in place of a source file that is not there.
pub(super) fn is_alone(path: &str, tree: &LayerTree, root: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    last_word(folder) != "__pycache__" && !has_source(path, tree, root)
}

/// Whether the source of compiled Python is there.
fn has_source(path: &str, tree: &LayerTree, root: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    let source = match folder.strip_suffix("__pycache__") {
        Some(above) => format!("{above}{stem}.py"),
        None => format!(
            "{}.py",
            path.rsplit_once('.').map_or(path, |(stem, _)| stem)
        ),
    };
    let source = match root {
        "" => source,
        root => format!("{root}/{source}"),
    };
    tree.get(&source).is_some()
}
