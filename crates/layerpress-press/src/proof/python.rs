//! Which modules that were taken out are still imported.

use std::collections::{BTreeMap, BTreeSet};

use layerpress_tree::LayerPath;

use super::Layer;
use crate::rules::imports;

/// The modules that were taken out, by their path without what follows its first dot:
/// `python/numpy/tests/util`.
pub(super) struct Modules {
    taken: BTreeMap<String, LayerPath>,
    /// Where Python looks for modules: `python`, and the versioned folders.
    roots: Vec<String>,
}

impl Modules {
    pub(super) fn new(layer: &Layer<'_>) -> Self {
        let mut taken = BTreeMap::new();
        for path in layer.removed {
            if let Some(stem) = stem(path.as_str()) {
                taken.insert(stem, path.clone());
            }
        }
        let mut roots = BTreeSet::from([String::new(), "python".to_owned()]);
        if !taken.is_empty() {
            for (path, _) in layer.tree.iter() {
                roots.extend(versioned(path.as_str()));
                // What is there in another form is found in that form.
                if !layer.removed.contains(path)
                    && let Some(stem) = stem(path.as_str())
                {
                    taken.remove(&stem);
                }
            }
        }
        Self {
            taken,
            roots: roots.into_iter().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// The modules that the file at `path` imports, and the packages that they are in.
    pub(super) fn imported(
        &self,
        path: &LayerPath,
        source: &str,
        found: &mut Vec<(LayerPath, &'static str)>,
    ) {
        for named in imports(source) {
            let relative = named.path.replace('.', "/");
            if named.level == 0 {
                self.below_roots(&relative, "imports it", found);
                continue;
            }
            let folder = path.folders().nth(named.level - 1).unwrap_or_default();
            self.each(folder, &relative, "imports it", found);
        }
    }

    /// The modules of lines `name = module:attribute [extras]`
    /// (<https://packaging.python.org/en/latest/specifications/entry-points/>), those behind commands where
    /// `commands` count.
    pub(super) fn entry_points(
        &self,
        path: &LayerPath,
        text: &str,
        commands: bool,
        found: &mut Vec<(LayerPath, &'static str)>,
    ) {
        let root = path.folders().nth(1).unwrap_or_default();
        let mut counts = true;
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| {
            if line.starts_with('[') {
                counts = commands || !matches!(*line, "[console_scripts]" | "[gui_scripts]");
            }
            counts && !line.starts_with([';', '#', '['])
        });
        for (_, object) in lines.filter_map(|line| line.split_once('=')) {
            let module = object.split([':', '[']).next().unwrap_or_default();
            let relative = module.trim().replace('.', "/");
            self.each(root, &relative, "names it as an entry point", found);
        }
    }

    fn below_roots(
        &self,
        relative: &str,
        how: &'static str,
        found: &mut Vec<(LayerPath, &'static str)>,
    ) {
        for root in &self.roots {
            self.each(root, relative, how, found);
        }
    }

    /// A module, and each package above it: an import runs them all.
    fn each(
        &self,
        folder: &str,
        relative: &str,
        how: &'static str,
        found: &mut Vec<(LayerPath, &'static str)>,
    ) {
        let ends = relative.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([relative.len()]) {
            let stem = match (folder, &relative[..end]) {
                ("", stem) => stem.to_owned(),
                (folder, "") => folder.to_owned(),
                (folder, stem) => format!("{folder}/{stem}"),
            };
            found.extend(self.taken.get(&stem).map(|path| (path.clone(), how)));
        }
    }
}

/// The name under which a file is imported, as a path; nothing for what cannot be.
fn stem(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (stem, rest) = name.split_once('.')?;
    if rest != "py" && !(rest == "so" || rest.ends_with(".so")) {
        return None;
    }
    Some(match (folder, stem) {
        (folder, "__init__") => folder.to_owned(),
        ("", stem) => stem.to_owned(),
        (folder, stem) => format!("{folder}/{stem}"),
    })
}

/// `python/lib/python3.13/site-packages`
fn versioned(path: &str) -> Option<String> {
    let rest = path.strip_prefix("python/lib/python")?;
    let (version, rest) = rest.split_once('/')?;
    rest.starts_with("site-packages/")
        .then(|| format!("python/lib/python{version}/site-packages"))
}
