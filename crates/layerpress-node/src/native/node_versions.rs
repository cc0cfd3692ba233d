//! Which version of Node.js a file was built for, where its path says so.
//!
//! Files built against Node-API run in every version; others in those of one binary interface alone,
//! whose number (`process.versions.modules`) their loaders look for in the path.

use std::collections::BTreeSet;
use std::ops::Range;

use layerpress_target::Target;
use layerpress_tree::LayerPath;

/// Whether a file built for one version of Node.js is for the target's: node-gyp-build's tag `abi127`
/// without `napi`, node-pre-gyp's folder `node-v127-linux-x64-glibc`, and `linux-x64-127` or
/// `linux-x64-node-22` of those that have their own ways.
pub(super) fn fits_node(path: &LayerPath, target: Target) -> bool {
    let tags: Vec<&str> = path.file_name().split('.').collect();
    if tags.contains(&"napi") {
        return true;
    }
    let abi = |text: &str| {
        let abi = text.parse::<u16>().ok()?;
        Some(Some(abi) == target.runtime.node_module_version())
    };
    let by_folder = |folder: &str| {
        let words: Vec<&str> = folder.split('-').collect();
        match words[..] {
            ["node", version, "linux", ..] => abi(version.strip_prefix('v')?),
            ["linux", _, "node", major] => Some(major == target.runtime.version().0.to_string()),
            ["linux", _, version, ..] => abi(version),
            _ => None,
        }
    };
    let by_tag = tags.iter().find_map(|tag| abi(tag.strip_prefix("abi")?));
    by_tag
        .or_else(|| path.components().find_map(by_folder))
        .unwrap_or(true)
}

/// Whether a file is for another version of Node.js, or for another program that takes the same kind
/// of files.
///
/// A number in a path may be anything. It counts as a version if the package has the same file with
/// the target's own version in that place, or with `napi`, which is for all of them.
pub(super) fn is_for_other_node(path: &LayerPath, files: &BTreeSet<&str>, target: Target) -> bool {
    let text = path.as_str();
    if !text.ends_with(".node") {
        return false;
    }
    if text.contains("prebuilds/") && is_for_electron(path.file_name()) {
        return true;
    }
    let abi = target.runtime.node_module_version().map(u32::from);
    let major = u32::from(target.runtime.version().0);
    numbers(text).any(|at| {
        let (before, rest) = (&text[..at.start], &text[at.end..]);
        let number = &text[at];
        let has = |own: &str| files.contains(format!("{before}{own}{rest}").as_str());
        let is_major = ["node-", "node", "node-v"]
            .iter()
            .any(|it| before.ends_with(it));
        match number.parse::<u32>() {
            Ok(number) if ABIS.contains(&number) => {
                let Some(own) = abi.filter(|own| *own != number) else {
                    return false;
                };
                let with_napi = || {
                    let before = before.strip_suffix("abi")?;
                    Some(files.contains(format!("{before}napi{rest}").as_str()))
                };
                has(&own.to_string()) || with_napi() == Some(true)
            }
            // Node.js began with `0.10` and the like.
            Ok(number) => is_major && number != major && has(&major.to_string()),
            Err(_) => is_major && has(&major.to_string()),
        }
    })
}

/// What the number of a binary interface can be: Node.js 4 had 46 (Node.js, `abi_version_registry`).
const ABIS: Range<u32> = 46..300;

/// Whether node-gyp-build would load a file in Electron or NW.js alone (`parseTags`: `runtime`).
fn is_for_electron(name: &str) -> bool {
    name.split('.')
        .any(|tag| ["electron", "node-webkit"].contains(&tag))
}

/// The numbers, with periods inside, that stand alone or behind `abi`, `v` or `node`.
fn numbers(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text[at..].find(|c: char| c.is_ascii_digit())?;
            let mut end = start;
            while let Some(byte) = bytes.get(end) {
                let inside = *byte == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
                if !byte.is_ascii_digit() && !inside {
                    break;
                }
                end += 1;
            }
            at = end;
            let before = &text[..start];
            let alone = before.ends_with(|c: char| !c.is_ascii_alphanumeric()) || before.is_empty();
            let led = ["abi", "-v", "/v", "node"]
                .iter()
                .any(|it| before.ends_with(it));
            let ends = text[end..].starts_with(['.', '-', '_', '/']);
            if (alone || led) && ends {
                return Some(start..end);
            }
        }
    })
}
