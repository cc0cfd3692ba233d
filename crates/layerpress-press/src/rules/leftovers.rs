//! [`leftover`]: what tools leave in a layer that is part of no package.

use super::Kind;

/// What package managers note in `node_modules` of what they put there.
const INSTALLED: [&str; 6] = [
    ".modules.yaml",
    ".package-lock.json",
    ".pnpm-workspace-state-v1.json",
    ".pnpm-workspace-state.json",
    ".yarn-integrity",
    ".yarn-state.yml",
];

/// Lockfiles, which lie beside `node_modules`.
const LOCKFILES: [&str; 6] = [
    "bun.lock",
    "bun.lockb",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
];

/// The rule that a file of a layer falls under that belongs to no package, if it is some tool's own.
pub(super) fn leftover(path: &str) -> Option<Kind> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = folder.rsplit('/').next().unwrap_or(folder);
    match (parent, name) {
        ("node_modules", name) if INSTALLED.contains(&name) => Some(Kind::InstallNotes),
        // uv locks the folder that it installs to.
        ("python" | "site-packages", ".lock") => Some(Kind::InstallNotes),
        ("nodejs", name) if LOCKFILES.contains(&name) => Some(Kind::ToolConfig),
        (_, ".DS_Store") => Some(Kind::ToolConfig),
        _ if path.starts_with("__MACOSX/") => Some(Kind::ToolConfig),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_leave_notes_locks_and_what_a_finder_shows() {
        for (path, kind) in [
            (
                "nodejs/node_modules/.package-lock.json",
                Some(Kind::InstallNotes),
            ),
            (
                "nodejs/node_modules/a/node_modules/.modules.yaml",
                Some(Kind::InstallNotes),
            ),
            ("python/.lock", Some(Kind::InstallNotes)),
            (
                "python/lib/python3.13/site-packages/.lock",
                Some(Kind::InstallNotes),
            ),
            ("nodejs/package-lock.json", Some(Kind::ToolConfig)),
            ("nodejs/bun.lock", Some(Kind::ToolConfig)),
            ("python/mine/.DS_Store", Some(Kind::ToolConfig)),
            (".DS_Store", Some(Kind::ToolConfig)),
            ("__MACOSX/python/._mine.py", Some(Kind::ToolConfig)),
            ("nodejs/package.json", None),
            ("nodejs/mine/package-lock.json", None),
            ("python/mine/.lock", None),
            ("python/mine/__MACOSX/a", None),
            ("lib/.modules.yaml", None),
        ] {
            assert_eq!(leftover(path), kind, "{path}");
        }
    }
}
