//! [`look`]: what one file of code says that bears on candidates.

use std::collections::{BTreeSet, HashSet};

use layerpress_tree::seen_from;

use super::evidence::{Candidate, Source, is_at, last_word};
use super::python_imports::{Named, imports, strings};
use super::{Ecosystem, Kind, node, python, quoted, types};

/// What only code names that asks which distribution brought a module.
pub(super) const ASKS_RECORDS: &str = "packages_distributions";

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Names of candidates that stand in its strings.
    pub(super) names: BTreeSet<String>,
    /// Strings that end in what candidates end in, without a name before it.
    pub(super) endings: BTreeSet<String>,
    /// Groups of its own package that it reaches.
    pub(super) groups: BTreeSet<usize>,
    /// What it names that could be a group of another package.
    pub(super) reaches: BTreeSet<String>,
    /// Whether it asks which distribution brought a module.
    pub(super) asks_records: bool,
    /// Whether it looks for files beside it, or for modules whose names it puts together.
    pub(super) is_dynamic: bool,
    /// Whether it loads libraries, whose names it may put together.
    pub(super) loads_libraries: bool,
    /// Whether it reads its own type stub when it is imported.
    pub(super) attaches_stub: bool,
}

/// Looks at a file; `names` are the last words of candidates' paths, `folders` those of groups.
pub(super) fn look(
    ecosystem: Ecosystem,
    source: &Source<'_>,
    bytes: &[u8],
    names: &HashSet<String>,
    folders: &[&str],
) -> Look {
    let mut look = Look::default();
    let known = known(ecosystem);
    for word in quoted::endings(bytes, ecosystem) {
        if names.contains(word) {
            look.names.insert(word.to_owned());
        }
        if ending_of(word, &known).is_some() {
            look.endings.insert(word.to_owned());
        }
    }
    let has = |text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    match ecosystem {
        Ecosystem::Python => {
            let text = String::from_utf8_lossy(bytes);
            if source.path.ends_with(".py") || source.path.ends_with("entry_points.txt") {
                python_reaches(source.path, &text, &mut look.reaches);
            }
            // PEP 562 and `lazy_loader`: https://scientific-python.org/specs/spec-0001/
            look.attaches_stub = has("attach_stub");
            look.loads_libraries = ["CDLL", "cdll", "dlopen", "LoadLibrary", "load_library"]
                .iter()
                .any(|text| has(text));
            let is_its_own = source.path.contains("importlib_metadata");
            look.asks_records = !is_its_own && has(ASKS_RECORDS);
            let is_dynamic = ["__file__", "__path__", "resources", "get_data"]
                .iter()
                .any(|text| has(text));
            if is_dynamic {
                python_paths(source.path, &text, folders, &mut look.groups);
            }
            look.is_dynamic = is_dynamic
                || ["pkgutil", "import_module", "__import__", "runpy"]
                    .iter()
                    .any(|text| has(text));
        }
        Ecosystem::Node => {
            let is_dynamic = ["__dirname", "__filename", "import.meta"]
                .iter()
                .any(|text| has(text));
            let looks = match is_dynamic {
                true => Looks::Anywhere,
                false if has_open_require(bytes) => Looks::Beside,
                false => Looks::Nowhere,
            };
            node_reaches(source.path, bytes, folders, looks, &mut look);
        }
    }
    if let Some(own) = source.group {
        look.groups.remove(&own);
    }
    look
}

/// Whether a file is code that imports.
pub(super) fn is_code(path: &str, ecosystem: Ecosystem) -> bool {
    let endings: &[&str] = match ecosystem {
        Ecosystem::Python => &[".py"],
        Ecosystem::Node => &[".js", ".cjs", ".mjs", ".jsx"],
    };
    endings.iter().any(|ending| path.ends_with(ending))
}

/// Whether code could speak against taking a candidate: not against what no code opens by itself.
pub(super) fn is_open_to_evidence(candidate: &Candidate, ecosystem: Ecosystem) -> bool {
    match candidate.kind {
        Kind::StaleBytecode | Kind::InstallNotes | Kind::OtherPlatforms | Kind::Licences => false,
        // The names of tests' modules are no news in code.
        _ => candidate.group.is_none() || !is_code(&candidate.path, ecosystem),
    }
}

/// The endings that code may list candidates by, the longest first where one is another's end.
pub(super) fn known(ecosystem: Ecosystem) -> Vec<&'static str> {
    let parts: [&[&'static str]; 5] = match ecosystem {
        Ecosystem::Python => [
            &python::STUBS,
            &python::SOURCES,
            &python::LINK,
            &python::PROSE,
            &[],
        ],
        Ecosystem::Node => [
            &node::STUBS,
            &node::TYPESCRIPT,
            &node::MAPS,
            &node::SOURCES,
            &node::PROSE,
        ],
    };
    parts.concat()
}

/// The first of `known` that a path ends in.
pub(super) fn ending_of(path: &str, known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .find(|ending| path.ends_with(**ending))
        .copied()
}

/// Whether what the file `by` lists may be the file at `path`. Stubs, Cython's files and prose are read from
/// anywhere in a package; what only compilers read is handed to them by the code beside it. (numpy.f2py
/// knows the endings of C, and numpy's headers are none of its business.)
pub(super) fn is_near(ecosystem: Ecosystem, by: &str, path: &str, ending: &str) -> bool {
    let is_wide =
        [".pyi", ".pyx", ".pxd", ".pxi"].contains(&ending) || python::PROSE.contains(&ending);
    if ecosystem == Ecosystem::Python && is_wide {
        return top(by) == top(path);
    }
    match by.rsplit_once('/') {
        Some((folder, _)) => path
            .strip_prefix(folder)
            .is_some_and(|it| it.starts_with('/')),
        None => true,
    }
}

/// What stands between a module and what lies below it.
pub(super) fn separator(ecosystem: Ecosystem) -> char {
    match ecosystem {
        Ecosystem::Python => '.',
        Ecosystem::Node => '/',
    }
}

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// The modules that a Python file names, as far as they could be set aside somewhere.
fn python_reaches(path: &str, text: &str, reaches: &mut BTreeSet<String>) {
    if path.ends_with("entry_points.txt") {
        let objects = text.lines().filter_map(|line| line.split_once('='));
        let modules = objects.filter_map(|(_, it)| it.split(':').next());
        reaches.extend(
            modules
                .map(|it| it.trim().to_owned())
                .filter(|it| is_aside(it)),
        );
        return;
    }
    let package = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let package = package.replace('/', ".");
    for Named { level, path } in imports(text) {
        if level > 0 {
            let above = package.split('.').count().saturating_sub(level - 1);
            let above: Vec<&str> = package.split('.').take(above).collect();
            let meant = match (above.join(".").as_str(), path.as_str()) {
                ("", path) => path.to_owned(),
                (above, "") => above.to_owned(),
                (above, path) => format!("{above}.{path}"),
            };
            // Among tests any neighbour is one that may be set aside.
            if is_aside(&meant) {
                reaches.insert(meant);
            }
            continue;
        }
        if !is_aside(&path) {
            continue;
        }
        if !path.contains('.') && !package.is_empty() {
            // A module's name alone may be meant beside the file, as tables of lazy imports have it.
            if path.starts_with("test_") || path == "conftest" {
                reaches.insert(format!("{package}.{path}"));
            }
        }
        reaches.insert(path);
    }
    // `from a.tests import b` names `a.tests` for the sake of `a.tests.b`. A package's name sorts right before
    // those of its modules.
    let mut named = std::mem::take(reaches).into_iter().peekable();
    while let Some(name) = named.next() {
        let is_on_the_way = |next: &String| next.len() > name.len() && is_at(next, &name, '.');
        if !named.peek().is_some_and(is_on_the_way) {
            reaches.insert(name);
        }
    }
}

/// Whether a module could be one that is set aside.
fn is_aside(module: &str) -> bool {
    module
        .split('.')
        .any(|part| python::is_set_aside(part) || part.starts_with("test_") || part == "conftest")
}

/// Folders that a Python file which looks for files by their paths has in its strings: of examples by their
/// name alone, of tests where the path before the name leads to them. (Addresses hold such names too.)
fn python_paths(path: &str, text: &str, folders: &[&str], groups: &mut BTreeSet<usize>) {
    let own = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for string in strings(text) {
        if string.contains([' ', ':', '\t', '\n']) {
            continue;
        }
        for (index, folder) in folders.iter().enumerate() {
            let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
            if top(path) != top(folder) || !string.split('/').any(|part| part == name) {
                continue;
            }
            let before = string.split('/').take_while(|part| *part != name);
            let before: Vec<&str> = before
                .filter(|part| !["", ".", ".."].contains(part))
                .collect();
            let leads = match before.is_empty() {
                true => string.contains('/') && (parent.is_empty() || is_at(own, parent, '/')),
                false => parent.ends_with(&before.join("/")),
            };
            if leads || name.starts_with("example") {
                groups.insert(index);
            }
        }
    }
}

/// Where a JavaScript file may look for folders that it names without a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// It knows where it lies.
    Anywhere,
    /// It requires what it puts together, which begins with `./` (a bundle does so, too).
    Beside,
    Nowhere,
}

/// What the strings of a JavaScript file lead to: groups of its own package, and paths in other packages.
fn node_reaches(path: &str, bytes: &[u8], folders: &[&str], looks: Looks, look: &mut Look) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for string in quoted::strings(bytes, Ecosystem::Node) {
        if string.starts_with('.') {
            let Some(target) = seen_from(folder, string) else {
                continue;
            };
            // `./a.test` stands for `./a.test.js`.
            let reached = folders.iter().enumerate().filter(|(_, group)| {
                is_at(&target, group, '/')
                    || group
                        .rsplit_once('.')
                        .is_some_and(|(stem, _)| stem == target)
            });
            look.groups.extend(reached.map(|(index, _)| index));
            continue;
        }
        let is_aside = string.contains('/') && string.split('/').any(node::is_set_aside);
        if is_aside || types::are_named_by(string) {
            look.reaches.insert(string.to_owned());
        }
        if looks != Looks::Nowhere {
            let meant = folders.iter().enumerate().filter(|(_, group)| {
                let name = last_word(group);
                let parent = group.rsplit_once('/').map_or("", |(parent, _)| parent);
                string.split(['/', '\\']).any(|part| part == name)
                    && (looks == Looks::Anywhere || parent == folder)
            });
            look.groups.extend(meant.map(|(index, _)| index));
        }
    }
}

/// Whether something else than a string is required.
fn has_open_require(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"require(").any(|at| {
        let rest = &bytes[at + "require(".len()..];
        let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
        next.is_some_and(|byte| !b"'\"`)".contains(byte))
    })
}
