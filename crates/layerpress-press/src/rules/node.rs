//! What an npm package's files are, by path: which are candidates of a rule, and which are code; and what
//! its package.json points to.
//!
//! Paths are relative to the package's folder.

use serde_json::Value;

use super::Kind;
use super::builds::FOLDERS;
use super::evidence::Sorted;
use super::python::is_readme;
use crate::class::is_licence;

/// Folders of tests. Many a package has code in a folder of this name: what reaches it decides.
const TESTS: [&str; 3] = ["test", "tests", "__tests__"];

/// Folders of documentation and examples at a package's root.
const DOCS: [&str; 2] = ["docs", "doc"];
const EXAMPLES: [&str; 2] = ["examples", "example"];

/// Declarations of types, the longest ending first.
pub(super) const STUBS: [&str; 5] = [".d.ts", ".d.mts", ".d.cts", ".js.flow", ".mjs.flow"];

/// TypeScript itself.
pub(super) const TYPESCRIPT: [&str; 4] = [".ts", ".mts", ".cts", ".tsx"];

/// Source maps; a `.map` alone may be anything.
pub(super) const MAPS: [&str; 9] = [
    ".js.map", ".mjs.map", ".cjs.map", ".css.map", ".ts.map", ".mts.map", ".cts.map", ".jsx.map",
    ".tsx.map",
];

/// Sources and headers of compiled languages, and what node-gyp builds them by.
pub(super) const SOURCES: [&str; 16] = [
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".rs", ".gyp", ".gypi", ".S", ".asm",
    ".cu", ".m4", ".pyx",
];

/// What only a linker reads.
pub(super) const LINK: [&str; 5] = [".a", ".lib", ".o", ".obj", ".la"];

/// Prose.
pub(super) const PROSE: [&str; 3] = [".md", ".markdown", ".rst"];

/// What sort of file the one at `path` is, which may lie in the package's own `node_modules`.
pub(super) fn sort_nested(path: &str) -> Sorted<'_> {
    let Some((outer, inner)) = path.rsplit_once("node_modules/") else {
        return sort(path);
    };
    let scope = usize::from(inner.starts_with('@'));
    let Some((end, _)) = inner.match_indices('/').nth(scope) else {
        return Sorted::Other;
    };
    let start = outer.len() + "node_modules/".len() + end + 1;
    match sort(&path[start..]) {
        Sorted::Member { kind, folder } => Sorted::Member {
            kind,
            folder: &path[..start + folder.len()],
        },
        sorted => sorted,
    }
}

/// Whether a file stays whatever anybody says: the package is found by it.
pub(super) fn stays_always(path: &str) -> bool {
    sort_nested(path) == Sorted::Never
}

/// Whether a folder of this name may be set aside.
pub(super) fn is_set_aside(name: &str) -> bool {
    [&TESTS[..], &DOCS, &EXAMPLES, &FOLDERS]
        .iter()
        .any(|it| it.contains(&name))
}

/// Whether a path is TypeScript, and no declaration.
pub(super) fn is_typescript(path: &str) -> bool {
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    ends_with(&TYPESCRIPT) && !ends_with(&STUBS)
}

/// What sort of file the one at `path` is.
fn sort(path: &str) -> Sorted<'_> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    if is_licence(&lower) {
        return Sorted::Candidate(Kind::Licences);
    }
    if let Some((kind, folder)) = set_aside(path) {
        return Sorted::Member { kind, folder };
    }
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    if name == "package.json" {
        return Sorted::Never;
    }
    if ends_with(&[
        ".test.js",
        ".spec.js",
        ".test.mjs",
        ".test.cjs",
        ".spec.mjs",
        ".spec.cjs",
    ]) {
        return Sorted::Member {
            kind: Kind::Tests,
            folder: path,
        };
    }
    let kind = if ends_with(&STUBS) {
        Kind::TypeStubs
    } else if ends_with(&TYPESCRIPT) {
        Kind::TypeScript
    } else if ends_with(&MAPS) {
        Kind::SourceMaps
    } else if SOURCES.iter().any(|ending| name.ends_with(ending)) {
        Kind::NativeSources
    } else if ends_with(&LINK) {
        Kind::LinkLibraries
    } else if is_readme(name) || folders.is_empty() && ends_with(&PROSE) {
        Kind::Docs
    } else if is_tool_config(&lower, folders) {
        Kind::ToolConfig
    } else if ends_with(&[".js", ".cjs", ".mjs", ".jsx", ".json"]) {
        return Sorted::Code;
    } else {
        return Sorted::Other;
    };
    Sorted::Candidate(kind)
}

/// The outermost folder of tests that `path` lies in, or the folder of documentation or examples at the
/// package's root.
fn set_aside(path: &str) -> Option<(Kind, &str)> {
    let (first, _) = path.split_once('/')?;
    if DOCS.contains(&first) {
        return Some((Kind::Docs, first));
    }
    if EXAMPLES.contains(&first) {
        return Some((Kind::Examples, first));
    }
    let mut start = 0;
    for (end, _) in path.match_indices('/') {
        if TESTS.contains(&&path[start..end]) {
            return Some((Kind::Tests, &path[..end]));
        }
        start = end + 1;
    }
    None
}

/// What tools read that work on a package's source. A `.yml` or `.json` without a name of this kind may
/// be data.
fn is_tool_config(lower: &str, folders: &str) -> bool {
    const ROOT: [&str; 26] = [
        "yarn.lock",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "bun.lock",
        "bun.lockb",
        "tsconfig.json",
        "tslint.json",
        "bower.json",
        "component.json",
        "lerna.json",
        "appveyor.yml",
        "gruntfile.js",
        "gulpfile.js",
        "karma.conf.js",
        "rollup.config.js",
        "rollup.config.mjs",
        "webpack.config.js",
        "jest.config.js",
        "vitest.config.js",
        "eslint.config.js",
        "eslint.config.mjs",
        "prettier.config.js",
        "tsdoc-metadata.json",
        "api-extractor.json",
    ];
    const STARTS: [&str; 22] = [
        ".eslintrc",
        ".eslintignore",
        ".prettierrc",
        ".prettierignore",
        ".editorconfig",
        ".npmignore",
        ".gitignore",
        ".gitattributes",
        ".gitmodules",
        ".travis.yml",
        ".nycrc",
        ".jshintrc",
        ".jshintignore",
        ".jscsrc",
        ".mocharc",
        ".babelrc",
        ".swcrc",
        ".taprc",
        ".dockerignore",
        ".lintstagedrc",
        ".coveralls.yml",
        ".releaserc",
    ];
    const FOLDERS: [&str; 7] = [
        ".github",
        ".circleci",
        ".vscode",
        ".idea",
        ".husky",
        ".nyc_output",
        ".changeset",
    ];
    let is_tsconfig = lower.starts_with("tsconfig.") && lower.ends_with(".json");
    folders.is_empty() && (ROOT.contains(&lower) || is_tsconfig)
        || STARTS.iter().any(|it| lower.starts_with(it))
        || folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

/// The files that a package.json points to, as it writes them, without `./`: entry points of every
/// condition but those for types.
pub(super) fn entry_points(text: &[u8]) -> Vec<String> {
    const FIELDS: [&str; 14] = [
        "main",
        "module",
        "jsnext:main",
        "browser",
        "bin",
        "exports",
        "imports",
        "react-native",
        "es2015",
        "esnext",
        "unpkg",
        "jsdelivr",
        "style",
        "config",
    ];
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let Ok(json) = serde_json::from_slice::<Value>(text) else {
        return Vec::new();
    };
    targets(&json, &FIELDS, is_for_types)
}

/// Whether what stands under a name is for checkers of types.
pub(super) fn is_for_types(name: &str) -> bool {
    name.starts_with("types") || name == "typings"
}

/// The texts of some fields, without `./`, but for what stands under names that are passed over.
pub(crate) fn targets(json: &Value, fields: &[&str], passed_over: fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for &field in fields {
        match &json[field] {
            Value::Object(commands) if field == "bin" => {
                let commands = commands.values();
                commands.for_each(|it| collect(it, true, passed_over, &mut found));
            }
            value => collect(value, true, passed_over, &mut found),
        }
    }
    found
}

/// The texts of a field at any depth; serde_json bounds how deep that is. TypeScript counts where Node.js itself
/// is led to it (`is_nodes`): it loads none from `node_modules` (`ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING`),
/// so what stands behind a package's own conditions (zod's `@zod/source`) is for who builds it.
pub(crate) fn collect(
    value: &Value,
    is_nodes: bool,
    passed_over: fn(&str) -> bool,
    found: &mut Vec<String>,
) {
    match value {
        Value::String(text) if is_nodes || !is_typescript(text) => {
            found.push(text.strip_prefix("./").unwrap_or(text).to_owned());
        }
        Value::Array(values) => {
            for value in values {
                collect(value, is_nodes, passed_over, found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if !passed_over(name) {
                    let is_nodes = is_nodes && !is_foreign_condition(name);
                    collect(value, is_nodes, passed_over, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether a key of `exports` is neither a path nor a condition that Node.js knows.
/// <https://nodejs.org/api/packages.html#conditional-exports>
fn is_foreign_condition(name: &str) -> bool {
    const CONDITIONS: [&str; 6] = [
        "node-addons",
        "node",
        "import",
        "require",
        "module-sync",
        "default",
    ];
    !name.starts_with(['.', '#']) && !CONDITIONS.contains(&name)
}
