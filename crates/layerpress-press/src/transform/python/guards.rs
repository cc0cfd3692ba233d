//! [`Guard`]: what of a module somebody reads while the program runs, as far as the file itself tells.

use ruff_python_ast::ModModule;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Parsed;

use crate::python::span;

/// What must stay of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// The code.
    Code,
    /// The code and every docstring.
    Docstrings,
    /// The file as it is.
    Everything,
}

/// Words of code that reads source text: in such a file nothing is touched.
const SOURCE_READERS: &[&str] = &["getsource", "getcomments", "findsource"];

/// Words of code that reads docstrings, most likely those of its own file.
const DOCSTRING_READERS: &[&str] = &[
    "__doc__",
    "docopt",
    "docstring",
    "doctest",
    "from_defaults",
    "from_function",
    "function_tool",
    "getdoc",
    "pydoc",
];

/// Packages that work on docstrings when they are imported or show what is in them, in whatever file these
/// are: `numpy.ma` asserts what is in that of `np.clip`, seaborn and altair take parameters out of some to
/// put them into others, scikit-learn's estimators show them.
const READING_PACKAGES: &[&str] = &[
    "altair",
    "astropy",
    "numpy",
    "pandas",
    "scipy",
    "seaborn",
    "sklearn",
    "statsmodels",
];

/// Packages that read their own source when they are imported, line by line, as it is written:
/// transformers looks for `@requires(backends=("torch", "timm"))` by its commas and spaces.
const SOURCE_READING_PACKAGES: &[&str] = &["transformers"];

/// Packages that hand on the docstrings of those who use them, as help, as schemas and descriptions of
/// routes, or to a language model; all of a name that ends in `*`.
const HANDING_ON: &[&str] = &[
    "agents",
    "agno",
    "airflow",
    "apispec",
    "argh",
    "ariadne",
    "autogen*",
    "aws_lambda_powertools",
    "bedrock_agentcore",
    "clize",
    "click",
    "connexion",
    "crewai*",
    "cyclopts",
    "dagster",
    "defopt",
    "discord",
    "dspy",
    "fastapi",
    "fastmcp",
    "fire",
    "flasgger",
    "flask_restx",
    "google",
    "gradio",
    "graphene*",
    "haystack",
    "instructor",
    "invoke",
    "jsonargparse",
    "langchain*",
    "langgraph*",
    "litestar",
    "llama_index",
    "magentic",
    "mcp",
    "mirascope",
    "nextcord",
    "ninja",
    "openai",
    "plac",
    "ply",
    "prefect",
    "pydantic_ai*",
    "rest_framework",
    "robot",
    "semantic_kernel",
    "smolagents",
    "spark_parser",
    "strands*",
    "strawberry",
    "streamlit",
    "typer",
];

impl Guard {
    pub(super) fn of(path: &str, text: &str, module: &Parsed<ModModule>) -> Self {
        let own = package(path);
        let words = code_words(text, module);
        let mentions = |wanted: &[&str]| {
            let mut words = words.iter();
            words.any(|word| wanted.iter().any(|it| word.contains(it)))
        };
        if SOURCE_READING_PACKAGES.contains(&own) || mentions(SOURCE_READERS) {
            return Self::Everything;
        }
        // One of a family is no user of the others: `langchain_openai` of `langchain_core`.
        let handing_on = || HANDING_ON.iter().filter(|it| !matches(it, own));
        let is_handed_on =
            imports(text, module).any(|name| handing_on().any(|it| matches(it, name)));
        match READING_PACKAGES.contains(&own) || is_handed_on || mentions(DOCSTRING_READERS) {
            true => Self::Docstrings,
            false => Self::Code,
        }
    }
}

/// Whether the file at `path` is one that somebody copies and completes.
pub(super) fn is_template(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    folders.any(|it| it.ends_with("template") || it.ends_with("templates"))
}

/// Whether one of the first two lines names an encoding that is not UTF-8 (PEP 263).
pub(super) fn has_other_encoding(text: &str) -> bool {
    let mut lines = text.split(['\n', '\r']).take(3);
    lines.any(|line| {
        encoding(line).is_some_and(|it| {
            let name = it.to_ascii_lowercase().replace('_', "-");
            !matches!(
                name.as_str(),
                "utf-8" | "utf8" | "utf-8-sig" | "ascii" | "us-ascii"
            )
        })
    })
}

/// What a line names as the encoding of its file (PEP 263).
pub(super) fn encoding(line: &str) -> Option<&str> {
    let line = line.trim_start_matches('\u{feff}').trim_start();
    let comment = line.strip_prefix('#')?;
    let named = comment
        .match_indices("coding")
        .find_map(|(at, word)| comment[at + word.len()..].strip_prefix([':', '=']))?;
    let named = named.trim_start_matches([' ', '\t']);
    let is_of_name = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let end = named.find(|it| !is_of_name(it)).unwrap_or(named.len());
    (end > 0).then(|| &named[..end])
}

/// The package that the file at `path` is of: its first folder below what a layer puts before it.
fn package(path: &str) -> &str {
    let inner = match path.rsplit_once("/site-packages/") {
        Some((_, inner)) => inner,
        None => path.strip_prefix("python/").unwrap_or(path),
    };
    let first = inner.split('/').next().unwrap_or(inner);
    first.strip_suffix(".py").unwrap_or(first)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// Names and strings of the code; docstrings are none, nor are comments.
fn code_words<'a>(text: &'a str, module: &Parsed<ModModule>) -> Vec<&'a str> {
    let mut begins_statement = true;
    let mut words = Vec::new();
    for token in module.tokens().iter() {
        let is_docstring = begins_statement && token.kind() == TokenKind::String;
        match token.kind() {
            TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent => begins_statement = true,
            TokenKind::Comment | TokenKind::NonLogicalNewline => {}
            _ => begins_statement = false,
        }
        let is_word = matches!(token.kind(), TokenKind::Name | TokenKind::String);
        if is_word && !is_docstring {
            words.push(&text[span(token)]);
        }
    }
    words
}

/// The top-level packages that the module imports, wherever it does.
fn imports<'a>(text: &'a str, module: &'a Parsed<ModModule>) -> impl Iterator<Item = &'a str> {
    let tokens = module.tokens();
    let follows = |at: usize| {
        let next = tokens.get(at + 1)?;
        (next.kind() == TokenKind::Name).then(|| &text[span(next)])
    };
    tokens
        .iter()
        .enumerate()
        .filter_map(move |(at, token)| match token.kind() {
            // After a comma a name may be one of `from … import`: an import too many keeps too much.
            TokenKind::Import | TokenKind::From => follows(at),
            _ => None,
        })
}
