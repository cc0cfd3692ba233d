//! [`copies`]: shared libraries that a package holds once more under another name.
//!
//! A library has a name for the loader (its SONAME: `libarrow.so.2600`), one for linkers (`libarrow.so`), and
//! one that tells its version in full. Where packages are made of links two of the three are links; a wheel
//! has none, so that it may hold the same file three times.

use std::collections::BTreeMap;

use layerpress_pack::read_all;
use layerpress_tree::Content;

use super::Kind;
use super::evidence::Candidate;
use crate::binary::linkage;

/// Those of `files` that are, byte for byte, the library beside them whose file name is the one that the
/// loader is told. Nothing that is linked names them.
pub(super) fn copies(files: &[(&str, &Content)]) -> Vec<Candidate> {
    let mut alike: BTreeMap<(&str, u64), Vec<(&str, &Content)>> = BTreeMap::new();
    for &(path, content) in files {
        if let Some(stem) = stem(path) {
            let same = alike.entry((stem, content.size)).or_default();
            same.push((path, content));
        }
    }
    let alike = alike.into_values().filter(|it| it.len() > 1);
    let copies = alike.flat_map(|same| but_the_loaders(&same));
    let candidates = copies.map(|path| Candidate {
        path: path.to_owned(),
        kind: Kind::LibraryCopies,
        group: None,
        kept: None,
    });
    candidates.collect()
}

/// A library's path up to its ending, which a version may follow.
fn stem(path: &str) -> Option<&str> {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    let end = path[name..].find(".so").map(|at| name + at)?;
    let version = &path[end + ".so".len()..];
    let is_version = |it: &str| it.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    (version.is_empty() || version.starts_with('.') && is_version(version)).then(|| &path[..end])
}

fn but_the_loaders<'a>(same: &[(&'a str, &Content)]) -> Vec<&'a str> {
    let read = same
        .iter()
        // What cannot be read is found by whoever needs it.
        .filter_map(|(path, content)| Some((*path, read_all(content).ok()?)));
    let read: Vec<_> = read.collect();
    let loaders = read.iter().find(|(path, bytes)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        linkage(bytes).name == Some(name.as_bytes())
    });
    let Some((loaders, bytes)) = loaders else {
        return Vec::new();
    };
    let others = read.iter().filter(|(path, _)| path != loaders);
    let copies = others.filter(|(_, other)| other == bytes);
    copies.map(|(path, _)| *path).collect()
}

#[cfg(test)]
mod tests {
    use layerpress_pack::stored;

    use super::*;
    use crate::binary::tests::{Elf, LINUX};

    #[test]
    fn only_what_the_loader_is_told_stays_of_copies() {
        let elf = |name| {
            let elf = Elf {
                name: Some(name),
                ..LINUX
            };
            stored(elf.bytes().into())
        };
        let (a, other, b) = (elf("liba.so.2"), elf("liba.so.3"), elf("libb.so.1"));
        let files = [
            ("p/_a.cpython-313-x86_64-linux-gnu.so", &a),
            ("p/liba.so", &a),
            ("p/liba.so.1", &other),
            ("p/liba.so.2", &a),
            ("p/liba.so.2.0.1", &a),
            ("p/liba.so.bak", &a),
            // Under which of the two it is loaded nothing tells.
            ("p/libb.so", &b),
            ("p/libb.so.1.0", &b),
            ("q/liba.so", &a),
        ];
        let copies: Vec<String> = copies(&files).into_iter().map(|it| it.path).collect();
        assert_eq!(copies, ["p/liba.so", "p/liba.so.2.0.1"]);
    }
}
