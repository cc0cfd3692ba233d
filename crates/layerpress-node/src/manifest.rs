//! What is known of one version of one package: the part of package.json that decides the tree and
//! stands in the lockfile.
//!
//! It comes from a [`PackageJson`](crate::package_json::PackageJson) on the disk or from a registry,
//! normalised in the same way: an optional dependency is not a dependency too, `bin` is a map,
//! bundled dependencies are a list.

use std::sync::Arc;

/// Names with what they are asked for by, in the order of the file; no name twice.
pub type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// One version of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The package's own name; nothing where a folder has none.
    pub name: Option<Arc<str>>,
    /// Its version, as written.
    pub version: Option<Arc<str>>,
    /// What it needs.
    pub dependencies: Pairs,
    /// What it uses where it can be had.
    pub optional_dependencies: Pairs,
    /// What it expects beside it.
    pub peer_dependencies: Pairs,
    /// Those of the peers that may be missing.
    pub optional_peers: Vec<Arc<str>>,
    /// What npm takes in place of a range that is not met.
    pub accept_dependencies: Pairs,
    /// The dependencies that its tarball holds.
    pub bundled: Vec<Arc<str>>,
    /// The operating systems it is for; `!` before those it is not for. Empty for all.
    pub os: Vec<Arc<str>>,
    /// The processors, likewise.
    pub cpu: Vec<Arc<str>>,
    /// The C libraries, likewise.
    pub libc: Vec<Arc<str>>,
    /// The versions of Node.js it is for (`engines.node`).
    pub node: Option<Arc<str>>,
    /// Commands and their files.
    pub bin: Pairs,
    /// Whether npm would run a script after unpacking it.
    pub has_install_script: bool,
    /// Whether its tarball holds an `npm-shrinkwrap.json`.
    pub has_shrinkwrap: bool,
    /// Why it should not be used any more.
    pub deprecated: Option<Arc<str>>,
    /// Where its tarball is.
    pub tarball: Option<Arc<str>>,
    /// The tarball's digests as the registry writes them (`sha512-…`), or made of `shasum`.
    pub integrity: Option<Arc<str>>,
    /// What only the lockfile repeats, as JSON texts.
    pub extra: Extra,
}

/// What a lockfile repeats of a package without any meaning for the tree; JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// `license`: its name alone where it was an object.
    pub license: Option<Arc<str>>,
    /// `funding`: an object with `url` where it was a text.
    pub funding: Option<Arc<str>>,
    /// `engines`
    pub engines: Option<Arc<str>>,
    /// `peerDependenciesMeta`
    pub peer_dependencies_meta: Option<Arc<str>>,
    /// Whether there is a `devDependencies`, which a folder's entry repeats even when it is empty.
    pub has_dev_dependencies: bool,
    /// `workspaces`
    pub workspaces: Option<Arc<str>>,
    /// Which lists of platforms were a text.
    pub lone: Lone,
}

/// Which lists of platforms were a text instead, and so are one in a lockfile, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lone {
    /// `os`
    pub os: bool,
    /// `cpu`
    pub cpu: bool,
    /// `libc`
    pub libc: bool,
}

/// Drops from the dependencies what is an optional one too, as npm does.
pub(crate) fn without_optional(dependencies: &mut Pairs, optional: &Pairs) {
    dependencies.retain(|(name, _)| !optional.iter().any(|(other, _)| other == name));
}

/// The commands of a package, as npm cleans them: a plain name, a path that stays inside.
pub(crate) fn clean_bin<'t>(entries: impl IntoIterator<Item = (&'t str, &'t str)>) -> Pairs {
    let mut bin = Pairs::new();
    for (command, path) in entries {
        let command = joined(
            command
                .replace(['\\', ':'], "/")
                .rsplit('/')
                .next()
                .unwrap_or(""),
        );
        let path = joined(&path.replace('\\', "/"));
        if !command.is_empty() && !path.is_empty() {
            bin.retain(|(name, _)| **name != *command);
            bin.push((command.into(), path.into()));
        }
    }
    bin
}

/// A path below a root that it cannot leave: `a/../../b` is `b`.
fn joined(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let trailing = path.ends_with('/') && !parts.is_empty();
    parts.join("/") + if trailing { "/" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stay_inside_their_package() {
        let bin = clean_bin([
            ("tool", "./bin/tool.js"),
            ("../../etc/cron", "../../../etc/passwd"),
            ("c:\\evil", "..\\x.js"),
            ("..", "x"),
            ("empty", ".."),
            ("tool", "last.js"),
        ]);
        let shown: Vec<String> = bin
            .iter()
            .map(|(name, path)| format!("{name} {path}"))
            .collect();
        assert_eq!(shown, ["cron etc/passwd", "evil x.js", "tool last.js"]);
    }
}
