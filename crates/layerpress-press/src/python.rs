//! [`parsed`]: Python source as a syntax tree, however it is nested.
//!
//! The parser guards its own stack, but whoever walks or drops a tree recurses as deep as the tree is.
//! So the tokens are looked at first, and what is nested deeper than any Python would compile is
//! not parsed at all; the rest is parsed, looked at and dropped on a stack that holds it.

use std::ops::Range;

use ruff_python_ast::ModModule;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::lexer::lex;
use ruff_python_parser::{Mode, Parsed, parse_module};
use ruff_text_size::Ranged;

/// Larger files are data that happens to be Python.
const MOST_BYTES: usize = 16 << 20;

/// How many tokens may wrap each other. CPython itself compiles no expression that is nested deeper
/// than some thousand levels, and no more than 100 of indentation.
const MOST_LEVELS: usize = 3000;

/// The stack for [`MOST_LEVELS`], generously.
const STACK_BYTES: usize = 16 << 20;

/// What `look` sees in the module that `text` is; `None` if it is no Python of the present day, or
/// too large or too deep to be looked at.
pub(crate) fn parsed<T>(text: &str, look: impl FnOnce(&Parsed<ModModule>) -> T) -> Option<T> {
    if text.len() > MOST_BYTES || is_too_deep(text) {
        return None;
    }
    stacker::maybe_grow(STACK_BYTES, STACK_BYTES, || {
        let module = parse_module(text).ok()?;
        Some(look(&module))
    })
}

/// Where `node` stands in the text that was parsed, in bytes.
pub(crate) fn span(node: &impl Ranged) -> Range<usize> {
    node.range().into()
}

/// Whether a syntax tree of `text` could have more than [`MOST_LEVELS`]. Errs on the side of depth:
/// every token since the last comma of its bracket may wrap the next one.
fn is_too_deep(text: &str) -> bool {
    let mut lexer = lex(text, Mode::Module);
    let mut indents = 0usize;
    // For each open bracket, and the statement around them all, the tokens since its last comma.
    let mut chains = vec![0usize];
    let mut depth = 0usize;
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return false,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Newline | TokenKind::Semi => {
                chains.clear();
                chains.push(0);
                depth = 0;
            }
            TokenKind::Comma => {
                if let Some(chain) = chains.last_mut() {
                    depth -= std::mem::take(chain);
                }
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                depth += 1;
                chains.push(1);
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if chains.len() > 1 => {
                // What was closed is one more link of what is around it.
                let closed = chains.pop().unwrap_or(0);
                depth = depth - closed + 1;
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
            }
            TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline => {}
            _ => {
                depth += 1;
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
            }
        }
        if depth + indents > MOST_LEVELS {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        parsed(text, |_| ()).is_some()
    }

    #[test]
    fn python_of_the_present_day_is_read_and_older_is_not() {
        assert!(is_read("def f[T](x: T) -> T:\n    return f'{x!r}'\n"));
        assert!(is_read(""));
        assert!(!is_read("print 'hello'\n"));
        assert!(!is_read("def f(:\n"));
    }

    #[test]
    fn what_is_nested_too_deep_is_not_read() {
        let many = 100_000;
        for (open, middle, close) in [
            ("(", "1", ")"),
            ("[", "", "]"),
            ("{", "1", "}"),
            ("f(", "", ")"),
            ("-", "1", ""),
            ("not ", "x", ""),
            ("a+", "a", ""),
            ("a**", "a", ""),
            ("a.", "a", ""),
            ("lambda:", "1", ""),
            ("a if b else ", "c", ""),
            ("x = ", "1", ""),
            ("a", "()", "()"),
            ("f'{", "1", "}'"),
        ] {
            let text = [&open.repeat(many), middle, &close.repeat(many), "\n"].concat();
            assert!(!is_read(&text), "{open}");
        }
        let nested: String = (0..many / 100)
            .map(|level| format!("{}if x:\n", " ".repeat(level)))
            .collect();
        assert!(!is_read(&nested));
    }

    #[test]
    fn what_is_nested_as_deep_as_allowed_is_read_on_a_small_stack() {
        let small = std::thread::Builder::new().stack_size(128 << 10);
        let read = small.spawn(|| {
            let links = MOST_LEVELS - 10;
            is_read(&format!("{}1\n", "-".repeat(links)))
                && is_read(&format!("x{}\n", ".y".repeat(links / 2)))
        });
        assert!(read.expect("a thread starts").join().expect("no overflow"));
    }

    #[test]
    fn a_long_table_is_not_a_deep_one() {
        let rows = "    'name': [1, 2, (3, 4)], \n".repeat(50_000);
        assert!(is_read(&format!("table = {{\n{rows}}}\n")));
        let lines = "x = f(a.b.c[1]) + 2\n".repeat(50_000);
        assert!(is_read(&lines));
    }
}
