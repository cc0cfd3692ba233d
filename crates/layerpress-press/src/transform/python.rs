//! `python-source`: Python without docstrings, comments and spaces, every line where it was.
//!
//! What comes out has the same tokens on the same lines, but for docstrings, which become `''`; so it
//! compiles to the same code and tracebacks stay true. A docstring stays where something reads it
//! while the program runs ([`guards`], [`docstrings`], [`classes`]).

mod classes;
mod docstrings;
mod guards;
mod proof;
mod writer;

use ruff_python_ast::ModModule;
use ruff_python_parser::Parsed;

use self::docstrings::Docstring;
use self::guards::Guard;
use super::Outcome;
use crate::python::parsed;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Makes a `.py` file smaller.
pub(super) fn python_source(path: &str, bytes: &[u8]) -> Outcome {
    if !path.ends_with(".py") {
        return Outcome::NotMine;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Outcome::Nothing;
    };
    if guards::is_template(path) || guards::has_other_encoding(text) {
        return Outcome::Nothing;
    }
    let (mark, code) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(code) => (&text[..BYTE_ORDER_MARK.len_utf8()], code),
        None => ("", text),
    };
    match parsed(code, |module| rewritten(path, code, module)) {
        Some(Ok(new)) if new.len() < code.len() => {
            Outcome::Smaller([mark, &new].concat().into_bytes())
        }
        Some(Err(fault)) => Outcome::Refused(fault),
        // What does not parse may be for another Python, or for none.
        Some(Ok(_)) | None => Outcome::Nothing,
    }
}

/// The module as it may stand in its place, proven.
fn rewritten(path: &str, text: &str, module: &Parsed<ModModule>) -> Result<String, String> {
    let guard = Guard::of(path, text, module);
    if guard == Guard::Everything {
        return Ok(text.to_owned());
    }
    let docstrings = match guard {
        Guard::Docstrings => Vec::new(),
        _ => docstrings::needless(text, module),
    };
    let new = writer::write(text, module.tokens(), &docstrings)?;
    proof::is_same(text, module.tokens(), &docstrings, &new)?;
    Ok(new)
}

/// What a docstring becomes: never nothing, for a body may have nothing else.
const EMPTY: &str = "''";

/// The docstring that begins at `start`, if it is one of `docstrings`, which are sorted.
fn docstring_at(docstrings: &[Docstring], start: usize) -> Option<&Docstring> {
    let at = docstrings
        .binary_search_by_key(&start, |it| it.start)
        .ok()?;
    docstrings.get(at)
}

#[cfg(test)]
mod tests;
