//! What a distribution's files are, by path: which are candidates of a rule, and which are code.
//!
//! Paths are relative to where its modules lie.

use super::Kind;
use super::evidence::Sorted;
use crate::class::is_licence;

/// Folders of tests, whatever they lie in.
const TESTS: [&str; 3] = ["tests", "test", "__tests__"];

/// Folders of examples.
const EXAMPLES: [&str; 2] = ["examples", "example"];

/// Sources and headers of compiled languages. A `.pxd` or `.pyx` is one to Cython alone.
pub(super) const SOURCES: [&str; 22] = [
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".pyx", ".pxd", ".pxi", ".rs", ".f",
    ".f90", ".f95", ".for", ".cu", ".cuh", ".S", ".asm", ".m4", ".pyf",
];

/// What only a linker reads.
pub(super) const LINK: [&str; 5] = [".a", ".lib", ".o", ".obj", ".la"];

/// Endings that code may list files by.
pub(super) const STUBS: [&str; 1] = [".pyi"];

/// Prose.
pub(super) const PROSE: [&str; 5] = [".md", ".rst", ".markdown", ".adoc", ".txt"];

/// What sort of file the one at `path` is. `has_code` says whether there is other code at the top of the
/// distribution than what is given to it.
pub(super) fn sort(path: &str, has_code: impl Fn(&str) -> bool) -> Sorted<'_> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    if folders.split('/').any(is_info) {
        return in_dist_info(name, folders);
    }
    if is_licence(&name.to_ascii_lowercase()) {
        return Sorted::Candidate(Kind::Licences);
    }
    if let Some((kind, folder)) = set_aside(path) {
        // What there is nothing beside is what the distribution is for.
        if folder.contains('/') || has_code(folder) {
            return Sorted::Member { kind, folder };
        }
    }
    if name.ends_with(".py") {
        let is_test = name.starts_with("test_") || name == "conftest.py";
        let is_beside = !folders.is_empty() || has_code(path);
        return match is_test && is_beside {
            true => Sorted::Member {
                kind: Kind::Tests,
                folder: path,
            },
            false => Sorted::Code,
        };
    }
    match candidate(name, folders) {
        Some(kind) => Sorted::Candidate(kind),
        None if is_text(name) => Sorted::Code,
        None => Sorted::Other,
    }
}

/// Whether a folder or module of this name may be set aside.
pub(super) fn is_set_aside(name: &str) -> bool {
    TESTS.contains(&name) || EXAMPLES.contains(&name)
}

/// The outermost folder of tests or examples that `path` lies in.
fn set_aside(path: &str) -> Option<(Kind, &str)> {
    let mut start = 0;
    for (end, _) in path.match_indices('/') {
        let component = &path[start..end];
        if is_set_aside(component) {
            let is_test = TESTS.contains(&component);
            let kind = if is_test { Kind::Tests } else { Kind::Examples };
            return Some((kind, &path[..end]));
        }
        start = end + 1;
    }
    None
}

fn candidate(name: &str, folders: &str) -> Option<Kind> {
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends_with(&STUBS) || name == "py.typed" {
        Some(Kind::TypeStubs)
    } else if ends_with(&SOURCES) {
        Some(Kind::NativeSources)
    } else if ends_with(&LINK) {
        Some(Kind::LinkLibraries)
    } else if is_readme(name) || is_documentation(name, folders) {
        Some(Kind::Docs)
    } else if is_tool_config(name, folders) {
        Some(Kind::ToolConfig)
    } else if name.ends_with(".pyc") || name.ends_with(".pyo") {
        Some(Kind::StaleBytecode)
    } else if folders.starts_with("botocore/data/") && name.starts_with("examples-1.json") {
        Some(Kind::BotocoreExamples)
    } else {
        None
    }
}

/// What an installer notes. `METADATA`, `entry_points.txt` and whatever else `importlib.metadata` may be
/// asked for stays, and so does `WHEEL`, which tells what a layer is for.
/// <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>
fn in_dist_info<'a>(name: &str, folders: &str) -> Sorted<'a> {
    if folders.ends_with(".dist-info/sboms") {
        return Sorted::Candidate(Kind::Sboms);
    }
    let is_direct = is_info(folders.rsplit('/').next().unwrap_or(folders));
    match name {
        "METADATA" | "PKG-INFO" if is_direct => Sorted::Never,
        "RECORD"
        | "INSTALLER"
        | "REQUESTED"
        | "direct_url.json"
        | "RECORD.jws"
        | "RECORD.p7s"
        | "installed-files.txt"
        | "SOURCES.txt"
        | "uv_build.json"
        | "uv_cache.json"
            if is_direct =>
        {
            Sorted::Candidate(Kind::InstallNotes)
        }
        _ if is_licence(&name.to_ascii_lowercase()) || folders.ends_with("/licenses") => {
            Sorted::Candidate(Kind::Licences)
        }
        "entry_points.txt" if is_direct => Sorted::Code,
        _ => Sorted::Other,
    }
}

fn is_info(folder: &str) -> bool {
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info")
}

/// Whether a file stays whatever anybody says: the distribution is found by it.
pub(super) fn stays_always(path: &str) -> bool {
    sort(path, |_| true) == Sorted::Never
}

/// README, CHANGELOG and their like, under the names by which people look for them: capitals, since
/// `news.txt` may be anything.
pub(super) fn is_readme(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "CHANGELOG",
        "CHANGES",
        "HISTORY",
        "NEWS",
        "CONTRIBUTING",
        "CODE_OF_CONDUCT",
        "SECURITY",
        "TODO",
        "UPGRADING",
        "MIGRATION",
        "RELEASE_NOTES",
        "RELEASING",
    ];
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let is_prose = PROSE.iter().any(|ending| name.ends_with(ending)) || stem == name;
    let is_capital = stem.starts_with(|it: char| it.is_ascii_uppercase());
    let is_named = is_capital && NAMES.iter().any(|it| stem.eq_ignore_ascii_case(it));
    is_prose && (is_named || stem.eq_ignore_ascii_case("README"))
}

/// Manual pages and what lies in `share/doc`; prose in a folder of documentation.
fn is_documentation(name: &str, folders: &str) -> bool {
    let is_prose = PROSE.iter().any(|ending| name.ends_with(ending));
    let is_docs = |folder: &str| ["docs", "doc"].contains(&folder);
    folders == "share/doc"
        || folders.starts_with("share/doc/")
        || folders.starts_with("share/man/")
        || is_prose && folders.split('/').any(is_docs)
}

/// What tools read that work on a package's source.
fn is_tool_config(name: &str, folders: &str) -> bool {
    const NAMES: [&str; 15] = [
        ".gitignore",
        ".gitattributes",
        ".gitkeep",
        ".gitmodules",
        ".editorconfig",
        ".coveragerc",
        ".flake8",
        ".pylintrc",
        ".travis.yml",
        ".pre-commit-config.yaml",
        ".readthedocs.yaml",
        ".readthedocs.yml",
        ".dockerignore",
        ".clang-format",
        ".isort.cfg",
    ];
    const FOLDERS: [&str; 6] = [
        ".github",
        ".circleci",
        ".vscode",
        ".idea",
        ".gitlab",
        ".git",
    ];
    NAMES.contains(&name) || folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

/// Text beside code that may list files by name.
fn is_text(name: &str) -> bool {
    [".json", ".toml", ".yaml", ".yml", ".cfg", ".ini"]
        .iter()
        .any(|ending| name.ends_with(ending))
}
