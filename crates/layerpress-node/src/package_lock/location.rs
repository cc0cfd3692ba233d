//! Folders as lockfiles name them: checked before anything is joined to a path.

use crate::name::PackageName;

/// What is wrong with the folder of an entry, in a few words. Nothing leaves the project but a plain
/// folder that a link may lead to (`../lib`).
pub(crate) fn fault(location: &str) -> Option<&'static str> {
    if location.is_empty() {
        return None;
    }
    let drive = location.as_bytes().get(1) == Some(&b':');
    if location.starts_with('/') || drive || location.contains('\\') {
        return Some("a folder is relative to the project and written with `/`");
    }
    if location.chars().any(char::is_control) {
        return Some("the folder holds a control character");
    }
    let mut parts = location.split('/').peekable();
    let mut outside = false;
    while parts.next_if_eq(&"..").is_some() {
        outside = true;
    }
    while let Some(part) = parts.next() {
        match part {
            "" | "." | ".." => return Some("the folder holds an empty, `.` or `..` part"),
            "node_modules" if outside => return Some("the folder is outside of the project"),
            "node_modules" => {
                let name = match (parts.next(), parts.peek()) {
                    (Some(scope), Some(rest)) if scope.starts_with('@') => {
                        let name = format!("{scope}/{rest}");
                        parts.next();
                        name
                    }
                    (Some(name), _) => name.to_owned(),
                    (None, _) => return Some("no package follows `node_modules`"),
                };
                if PackageName::parse(&name).is_err() {
                    return Some("what follows `node_modules` is no name of a package");
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a folder lies outside of the project.
pub(super) fn is_outside(location: &str) -> bool {
    location == ".." || location.starts_with("../")
}

/// The name that a folder gives to what is in it, its scope included.
pub(crate) fn folder_name(location: &str) -> String {
    let mut parts = location.rsplit('/');
    let base = parts.next().unwrap_or_default();
    match parts.next().filter(|scope| scope.starts_with('@')) {
        Some(scope) => format!("{scope}/{base}"),
        None => base.to_owned(),
    }
}

/// The folder above, and the name below its `node_modules`; nothing for a folder that is in none.
pub(crate) fn split(location: &str) -> Option<(&str, &str)> {
    let (above, name) = match location.rsplit_once("/node_modules/") {
        Some(parts) => parts,
        None => ("", location.strip_prefix("node_modules/")?),
    };
    let slashes = usize::from(name.starts_with('@'));
    (name.matches('/').count() == slashes).then_some((above, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_inside_and_named() {
        for location in [
            "",
            "node_modules/a",
            "node_modules/@s/a/node_modules/b",
            "packages/a/node_modules/JSONStream",
            "node_modules/a/vendor/b",
            "../lib",
            "../../libs/a",
        ] {
            assert_eq!(fault(location), None, "{location}");
        }
        for location in [
            "/etc",
            "C:/x",
            "a\\b",
            "node_modules/../x",
            "node_modules/a/../../../x",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "node_modules",
            "node_modules/@s",
            "node_modules/.bin",
            "node_modules/node_modules/a",
            "../lib/node_modules/a",
            "node_modules/a\u{1b}",
            "node_modules/@s/../../x",
        ] {
            assert!(fault(location).is_some(), "{location}");
        }
    }

    #[test]
    fn folders_split_at_the_last_node_modules() {
        assert_eq!(split("node_modules/a"), Some(("", "a")));
        let nested = "packages/x/node_modules/@s/a/node_modules/b";
        assert_eq!(split(nested), Some(("packages/x/node_modules/@s/a", "b")));
        assert_eq!(split("node_modules/@s/a"), Some(("", "@s/a")));
        assert_eq!(split("packages/x"), None);
        assert_eq!(split("node_modules/a/vendor/b"), None);
    }
}
