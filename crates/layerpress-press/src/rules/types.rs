//! Packages of nothing but declarations, as `@types/node` is.
//!
//! A compiler in the layer may look for them by their name: ts-node finds `@types/node/package.json`, and what
//! declares `console` and `process` with it. So the declarations of such a package are a group, which stays
//! whole if code of any package names it; and so do those of the packages that it depends on, which its own
//! declarations import.

use serde_json::Value;

use super::Kind;
use super::evidence::{Evidence, Group, Reach};

/// Whether a string of code names a package of declarations, or a file in it, by the scope that npm's registry
/// has for those of packages that bring none.
pub(super) fn are_named_by(string: &str) -> bool {
    let name = string.strip_prefix("@types/");
    name.is_some_and(|it| it.starts_with(|first: char| first.is_ascii_alphanumeric()))
}

/// Makes a group of the declarations of a package that has no code, which reaches the packages that its
/// package.json says it depends on.
pub(super) fn group(found: &mut Evidence, package_json: &[u8]) {
    let Ok(index) = u32::try_from(found.groups.len()) else {
        return;
    };
    for candidate in &mut found.candidates {
        if candidate.kind == Kind::TypeStubs && candidate.group.is_none() {
            candidate.group = Some(index);
        }
    }
    let text = package_json;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let json: Value = serde_json::from_slice(text).unwrap_or_default();
    let fields = ["dependencies", "peerDependencies"].map(|field| json[field].as_object());
    let names = fields.into_iter().flatten().flat_map(|it| it.keys());
    let reaches = names.map(|to| Reach {
        to: to.clone(),
        from: "package.json".to_owned(),
    });
    found.groups.push(Group {
        key: "/".to_owned(),
        within: None,
        kept: None,
        reaches: reaches.collect(),
    });
}
