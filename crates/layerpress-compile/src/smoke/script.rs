//! [`Script`]: a file of JavaScript with the files that it loads by a relative path.
//!
//! Node.js looks for packages in the folders around a file's real place, so the file has to lie beside the
//! layer's; and with it what it loads that is not of the layer: other files of the team's, and the
//! package.json that says which module system they are of.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use layerpress_press::proof::{ENDINGS, specifiers};

use super::SmokeError;

/// How many files a script may load before it is taken for a whole project.
const MOST_FILES: usize = 5000;

/// Files by their real places.
#[derive(Debug)]
pub(super) struct Script {
    /// The folder that all of them lie in.
    root: PathBuf,
    /// The file that is run, below that.
    place: PathBuf,
    files: BTreeSet<PathBuf>,
    /// The package.json above them that says what they are, if it lies outside.
    package: Option<PathBuf>,
}

impl Script {
    /// Finds what the script at `file` loads; its path has no links in it.
    ///
    /// # Errors
    /// A script that cannot be read. What it loads and is not there, Node.js will tell.
    pub(super) fn read(file: &Path) -> Result<Self, SmokeError> {
        let unreadable = |source| SmokeError::Unreadable {
            path: file.to_owned(),
            source,
        };
        fs::metadata(file).map_err(unreadable)?;
        let mut files = BTreeSet::from([file.to_owned()]);
        let mut fresh = vec![file.to_owned()];
        while let Some(script) = fresh.pop() {
            for loaded in loaded(&script) {
                if files.len() < MOST_FILES && files.insert(loaded.clone()) {
                    fresh.push(loaded);
                }
            }
        }
        let folder = file.parent().unwrap_or(file);
        let mut root = folder.to_owned();
        while !files.iter().all(|it| it.starts_with(&root)) && root.pop() {}
        let scripts: Vec<PathBuf> = files.iter().cloned().collect();
        let packages = scripts.iter().flat_map(|it| it.ancestors().skip(1));
        let packages = packages.filter(|it| it.starts_with(&root));
        let packages = packages.map(|it| it.join("package.json"));
        files.extend(packages.filter(|it| it.is_file()));
        let above = root.ancestors().skip(1).map(|it| it.join("package.json"));
        let is_inside = files.contains(&root.join("package.json"));
        let package = above.filter(|_| !is_inside).find(|it| it.is_file());
        let place = file.strip_prefix(&root).unwrap_or(file).to_owned();
        Ok(Self {
            root,
            place,
            files,
            package,
        })
    }

    /// Where the script lies below the folder that it is copied to.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Copies the files to `folder`.
    pub(super) fn copy_to(&self, folder: &Path) -> io::Result<()> {
        for file in &self.files {
            let to = folder.join(file.strip_prefix(&self.root).unwrap_or(file));
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::copy(file, to)?;
        }
        if let Some(package) = &self.package {
            fs::copy(package, folder.join("package.json"))?;
        }
        Ok(())
    }
}

/// The files that a script loads by a relative path. What lies among packages is the layer's to have.
fn loaded(script: &Path) -> Vec<PathBuf> {
    let is_script = |ending: &OsStr| ["js", "mjs", "cjs"].iter().any(|it| *it == ending);
    if !script.extension().is_some_and(is_script) {
        return Vec::new();
    }
    let Ok(bytes) = fs::read(script) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let folder = script.parent().unwrap_or(script);
    let relative = specifiers(&text).into_iter();
    let relative = relative.filter(|it| it.starts_with("./") || it.starts_with("../"));
    let found = relative.filter_map(|specifier| {
        let place = joined(folder, specifier)?;
        let mut places = ENDINGS.iter().map(|ending| {
            let mut place = place.clone().into_os_string();
            place.push(ending);
            PathBuf::from(place)
        });
        places.find(|it| it.is_file())
    });
    let is_package = |it: &PathBuf| it.components().any(|it| it.as_os_str() == "node_modules");
    found.filter(|it| !is_package(it)).collect()
}

/// `folder` and a relative path, without `.` and `..`.
fn joined(folder: &Path, relative: &str) -> Option<PathBuf> {
    let mut place = folder.to_owned();
    for component in Path::new(relative).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => place.pop().then_some(())?,
            Component::Normal(name) => place.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(files: &[(&str, &str)], script: &str) -> (PathBuf, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        for (path, text) in files {
            let place = root.join("project").join(path);
            fs::create_dir_all(place.parent().expect("a folder")).expect("made");
            fs::write(place, text).expect("written");
        }
        let script = Script::read(&root.join("project").join(script)).expect("it is there");
        let task = root.join("task");
        fs::create_dir(&task).expect("made");
        script.copy_to(&task).expect("copied");
        let mut found = Vec::new();
        let mut folders = vec![task.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("there") {
                let path = entry.expect("readable").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path),
                }
            }
        }
        let shown = |it: &PathBuf| it.strip_prefix(&task).map(|it| it.display().to_string());
        let mut found: Vec<_> = found.iter().filter_map(|it| shown(it).ok()).collect();
        found.sort();
        (script.place().to_owned(), found)
    }

    #[test]
    fn a_handler_comes_with_what_it_loads_beside_it() {
        let files = [
            ("package.json", r#"{"type": "module"}"#),
            (
                "src/handlers/a.js",
                "import x from '../lib/x.js';\nimport 'zod';\nimport './none.js';\n",
            ),
            ("src/handlers/b.js", ""),
            (
                "src/lib/x.js",
                "export * from './y/index.js'; import data from './data.json'",
            ),
            ("src/lib/data.json", "{}"),
            ("src/lib/y/index.js", "import '../../lib/x.js'"),
            ("src/node_modules/zod/index.js", ""),
        ];
        let (place, found) = copied(&files, "src/handlers/a.js");
        assert_eq!(place, Path::new("handlers/a.js"));
        assert_eq!(
            found,
            [
                "handlers/a.js",
                "lib/data.json",
                "lib/x.js",
                "lib/y/index.js",
                "package.json"
            ]
        );
    }

    #[test]
    fn a_script_of_one_file_stands_alone() {
        let files = [
            ("a.cjs", "require('./b'); require('./nowhere')"),
            ("b/index.js", "require(`./${name}`)"),
            ("c.js", ""),
        ];
        let (place, found) = copied(&files, "a.cjs");
        assert_eq!(place, Path::new("a.cjs"));
        assert_eq!(found, ["a.cjs", "b/index.js"]);
    }
}
