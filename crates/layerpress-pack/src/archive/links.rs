//! Symbolic links of layers: each must lead to a place inside the layer.

use std::collections::BTreeMap;

use layerpress_tree::{LinkError, follow};

use super::ArchiveEntry;
use crate::{ArchiveError, EntryFault, read_all};

/// Linux `PATH_MAX`: no link can be longer (limits.h).
const MAX_TARGET_BYTES: u64 = 4096;

/// Reads where the links among `entries` lead, and refuses those that leave the archive. One that
/// leads in a circle leads to nothing: it is as harmless as one to a file that is not there.
pub(super) fn check(entries: &[ArchiveEntry]) -> Result<(), ArchiveError> {
    let links = entries.iter().filter(|entry| entry.is_link);
    let targets: BTreeMap<&str, String> = links
        .map(|link| Ok((link.path.as_str(), target(link)?)))
        .collect::<Result<_, ArchiveError>>()?;
    for (path, target) in &targets {
        let link_at = |at: &str| targets.get(at).map(String::as_str);
        match follow(path, target, link_at) {
            Ok(_) | Err(LinkError::Circle) => {}
            Err(source) => {
                let target = crate::error::shown(target);
                let fault = EntryFault::Link { target, source };
                return Err(ArchiveError::entry(path, fault));
            }
        }
    }
    Ok(())
}

fn target(link: &ArchiveEntry) -> Result<String, ArchiveError> {
    let fault = |fault| Err(ArchiveError::entry(link.path.as_str(), fault));
    if link.content.size > MAX_TARGET_BYTES {
        return fault(EntryFault::Kind("symbolic link longer than any path"));
    }
    let Ok(bytes) = read_all(&link.content) else {
        return fault(EntryFault::Kind("symbolic link that cannot be read"));
    };
    match String::from_utf8(bytes) {
        Ok(target) => Ok(target),
        Err(_) => fault(EntryFault::Kind("symbolic link to what is no text")),
    }
}
