//! [`pack_list`]: which files of a package's folder belong to the package, as `npm pack` chooses
//! them (`npm-packlist`).
//!
//! Rules come in layers, and the last one that has something to say of a file decides: what nobody
//! packs, `files` of package.json, else `.npmignore`, else `.gitignore`, then what is packed or left
//! out whatever the others say. Links are left out, as by npm.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use layerpress_tree::LayerPath;
use serde_json::Value;

use super::error::NodeError;

/// How deep folders may lie in a package.
const MOST_DEPTH: usize = 64;

/// Folders that are never part of a package, wherever they lie.
const NO_FOLDERS: [&str; 5] = [".git", ".svn", ".hg", "CVS", ".DS_Store"];

/// Names that are left out unless `files` asks for them.
const NO_FILES: [&str; 6] = [
    ".npmignore",
    ".gitignore",
    "npm-debug.log",
    ".npmrc",
    ".DS_Store",
    ".lock-wscript",
];

/// What of a package's own folder is left out whatever `files` says.
const NEVER: [&str; 6] = [
    ".git",
    "node_modules",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lockb",
];

/// Files at the top of a package that are always packed, with any ending.
const ALWAYS: [&str; 4] = ["readme", "copying", "license", "licence"];

/// The files of a package, in the order of a layer.
#[derive(Debug, Default)]
pub(crate) struct PackList {
    /// Where each goes in the package, and where it lies.
    pub files: Vec<(LayerPath, PathBuf)>,
    /// The package's entry, where its folder is left out by `.gitignore`: most likely what it needs
    /// is left out with it.
    pub lonely_main: Option<String>,
}

/// Lists the files of the package in `folder`; `package` is its package.json, and `above` the
/// folders whose ignore files hold for it too, the outermost first.
///
/// # Errors
/// A folder that cannot be read, or a name that cannot stand in a layer.
pub(crate) fn pack_list(
    folder: &Path,
    package: &Value,
    above: &[PathBuf],
) -> Result<PackList, NodeError> {
    let root = Root::new(folder, package, above);
    let mut list = PackList::default();
    let mut rules = vec![Rules::of(folder, "", root.files.is_some())];
    walk(&root, &mut rules, "", &mut list)?;
    list.files.sort();
    Ok(list)
}

/// What holds for the whole package.
struct Root {
    folder: PathBuf,
    /// Ignore files of the folders above, as if they lay in the package's own.
    above: Vec<Gitignore>,
    /// `files` of package.json, as the rules of what is not to be left out.
    files: Option<Gitignore>,
    /// Files that `files`, `main`, `browser` or `bin` name.
    required: BTreeSet<String>,
    main: Option<String>,
}

impl Root {
    fn new(folder: &Path, package: &Value, above: &[PathBuf]) -> Self {
        let mut required = BTreeSet::new();
        let listed = package["files"].as_array().map(|files| {
            let mut lines = vec!["*".to_owned()];
            for file in files.iter().filter_map(Value::as_str) {
                let file = file
                    .strip_prefix('.')
                    .filter(|it| it.starts_with('/'))
                    .unwrap_or(file);
                let plain = file.trim_start_matches(['!', '/']);
                let metadata = fs::symlink_metadata(folder.join(plain));
                match metadata {
                    Ok(found) if found.is_file() => drop(required.insert(plain.to_owned())),
                    Ok(found) if found.is_dir() => {
                        lines.push(inverted(file));
                        lines.push(inverted(&format!("{}/**", file.trim_end_matches('/'))));
                    }
                    Ok(_) => {}
                    Err(_) if file.ends_with("/*") => lines.push(inverted(&format!("{file}*"))),
                    Err(_) => lines.push(inverted(file)),
                }
            }
            rules(folder, &lines)
        });
        let main = package["main"].as_str().map(plain);
        let bin = match &package["bin"] {
            Value::String(file) => vec![plain(file)],
            Value::Object(all) => all.values().filter_map(Value::as_str).map(plain).collect(),
            _ => Vec::new(),
        };
        let browser = package["browser"].as_str().map(plain);
        required.extend(main.iter().cloned().chain(browser).chain(bin));
        Self {
            folder: folder.to_owned(),
            above: above
                .iter()
                .filter_map(|other| ignore_lines(other))
                .map(|lines| rules(folder, &lines))
                .collect(),
            files: listed,
            required,
            main,
        }
    }
}

/// The ignore file of one folder of the package.
struct Rules {
    /// The folder's path in the package, with a slash at its end unless it is the package itself.
    prefix: String,
    ignored: Option<Gitignore>,
}

impl Rules {
    fn of(folder: &Path, prefix: &str, has_files: bool) -> Self {
        // At the top, `files` stands in the place of both ignore files.
        let lines = if prefix.is_empty() && has_files {
            None
        } else {
            ignore_lines(folder)
        };
        Self {
            prefix: prefix.to_owned(),
            ignored: lines.map(|lines| rules(folder, &lines)),
        }
    }
}

fn walk(
    root: &Root,
    all: &mut Vec<Rules>,
    prefix: &str,
    list: &mut PackList,
) -> Result<(), NodeError> {
    let folder = root.folder.join(prefix);
    let unreadable = |source| NodeError::Folder {
        path: folder.clone(),
        source,
    };
    if all.len() > MOST_DEPTH {
        return Err(unreadable(std::io::Error::other(
            "folders lie too deep in it",
        )));
    }
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            return Err(NodeError::PackedName {
                path: entry.path(),
                reason: "its name is not UTF-8".to_owned(),
            });
        };
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !never(prefix, &name) && !NO_FOLDERS.contains(&&*name) {
            let below = format!("{path}/");
            all.push(Rules::of(&entry.path(), &below, false));
            walk(root, all, &below, list)?;
            all.pop();
        } else if kind.is_file() && !never(prefix, &name) {
            let by_rules = is_packed(root, all, &path);
            let required = is_required(root, &path);
            if !by_rules && root.main.as_deref() == Some(&*path) && path.contains('/') {
                list.lonely_main = Some(path.clone());
            }
            if by_rules || required {
                let layer_path = LayerPath::new(&path).map_err(|error| NodeError::PackedName {
                    path: entry.path(),
                    reason: error.to_string(),
                })?;
                list.files.push((layer_path, entry.path()));
            }
        }
    }
    Ok(())
}

/// What is left out whatever anybody says.
fn never(prefix: &str, name: &str) -> bool {
    name == ".npmrc" || prefix.is_empty() && NEVER.contains(&name)
}

/// What is packed whatever ignore files say.
fn is_required(root: &Root, path: &str) -> bool {
    if path == "package.json" || root.required.contains(path) {
        return true;
    }
    let lower = path.to_ascii_lowercase();
    let is_always = |stem: &&str| match lower.strip_prefix(*stem) {
        Some("") => true,
        Some(ending) => {
            ending.len() > 1 && ending.starts_with('.') && !ending.ends_with(['~', '$'])
        }
        None => false,
    };
    !path.contains('/') && ALWAYS.iter().any(is_always)
}

fn is_packed(root: &Root, all: &[Rules], path: &str) -> bool {
    let mut packed = !by_default_left_out(path);
    let mut judge = |rules: &Gitignore, path: &str| {
        let verdict = rules.matched_path_or_any_parents(Path::new(path), false);
        if !verdict.is_none() {
            packed = verdict.is_whitelist();
        }
    };
    for rules in root.above.iter().chain(&root.files) {
        judge(rules, path);
    }
    for rules in all {
        if let (Some(ignored), Some(below)) = (&rules.ignored, path.strip_prefix(&*rules.prefix)) {
            judge(ignored, below);
        }
    }
    packed
}

/// What `npm-packlist` leaves out unless somebody asks for it.
fn by_default_left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    NO_FILES.contains(&name)
        || path.split('/').any(|part| part.starts_with("._"))
        || name.starts_with('.') && name.ends_with(".swp")
        || name.starts_with(".wafpickle-")
        || name.ends_with(".orig")
        || path.ends_with("build/config.gypi")
        || path.starts_with("archived-packages/")
}

/// The lines of a folder's `.npmignore`, else of its `.gitignore`.
fn ignore_lines(folder: &Path) -> Option<Vec<String>> {
    let text = [".npmignore", ".gitignore"]
        .iter()
        .find_map(|name| fs::read(folder.join(name)).ok())?;
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().map(str::to_owned).collect())
}

/// Lines in the language of ignore files; npm knows no case there. A line that is no pattern says
/// nothing.
fn rules(folder: &Path, lines: &[String]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    // Only a pattern of another kind than lines could fail to be set.
    let _same = builder.case_insensitive(true);
    for line in lines {
        let _passed_over = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn inverted(pattern: &str) -> String {
    match pattern.strip_prefix('!') {
        Some(pattern) => pattern.to_owned(),
        None => format!("!{pattern}"),
    }
}

/// A path as package.json has it, without a leading `./` or `/`.
fn plain(path: &str) -> String {
    path.trim_start_matches("./")
        .trim_start_matches('/')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        let text = fs::read(folder.path().join("package.json")).expect("a package.json");
        let package = serde_json::from_slice(&text).expect("JSON");
        let list = pack_list(folder.path(), &package, &[]).expect("readable");
        list.files
            .into_iter()
            .map(|(path, _)| path.to_string())
            .collect()
    }

    #[test]
    fn without_rules_everything_is_packed_but_what_nobody_packs() {
        let files = [
            ("package.json", "{}"),
            ("index.js", ""),
            ("lib/a.js", ""),
            ("lib/node_modules/x/index.js", ""),
            ("node_modules/y/index.js", ""),
            (".git/config", ""),
            ("lib/.DS_Store", ""),
            (".npmrc", "secret"),
            ("package-lock.json", "{}"),
            ("a.js.orig", ""),
            (".env.example", ""),
        ];
        assert_eq!(
            packed(&files),
            [
                ".env.example",
                "index.js",
                "lib/a.js",
                "lib/node_modules/x/index.js",
                "package.json"
            ]
        );
    }

    #[test]
    fn files_names_what_is_packed_beside_what_always_is() {
        let package = r#"{"files": ["lib", "/extra/*.js", "one.txt", "!lib/test"],
            "main": "./out/main.js", "bin": {"tool": "bin/tool"}}"#;
        let files = [
            ("package.json", package),
            (".gitignore", "lib\n"),
            ("README.md", ""),
            ("LICENSE", ""),
            ("license.txt~", ""),
            ("one.txt", ""),
            ("two.txt", ""),
            ("lib/a.js", ""),
            ("lib/deep/b.js", ""),
            ("lib/test/c.js", ""),
            ("extra/d.js", ""),
            ("extra/e.md", ""),
            ("out/main.js", ""),
            ("out/other.js", ""),
            ("bin/tool", ""),
        ];
        assert_eq!(
            packed(&files),
            [
                "LICENSE",
                "README.md",
                "bin/tool",
                "extra/d.js",
                "lib/a.js",
                "lib/deep/b.js",
                "one.txt",
                "out/main.js",
                "package.json"
            ]
        );
    }

    #[test]
    fn npmignore_counts_before_gitignore() {
        let files = [
            ("package.json", "{}"),
            (".gitignore", "dist/\n"),
            (".npmignore", "src\n*.map\n!keep.map\n"),
            ("src/a.ts", ""),
            ("dist/a.js", ""),
            ("dist/a.js.map", ""),
            ("dist/keep.map", ""),
            ("dist/sub/.npmignore", "b.js"),
            ("dist/sub/b.js", ""),
        ];
        assert_eq!(
            packed(&files),
            ["dist/a.js", "dist/keep.map", "package.json"]
        );
    }

    #[test]
    fn a_main_whose_folder_git_ignores_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("dist")).expect("created");
        for (name, text) in [
            ("package.json", ""),
            (".gitignore", "dist\n"),
            ("dist/index.js", ""),
            ("dist/other.js", ""),
        ] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let package = serde_json::json!({ "main": "dist/index.js" });
        let list = pack_list(folder.path(), &package, &[]).expect("readable");
        assert_eq!(list.files.len(), 2);
        assert_eq!(list.lonely_main.as_deref(), Some("dist/index.js"));
    }
}
