//! [`meaning`]: whether a `/` divides, or opens a regular expression.

use super::{Kind, Levels, Unclear, is_line_end};

/// What a `/` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The operator, or the first character of `/=`.
    Division,
    /// A regular expression of `length` bytes, flags and all.
    Pattern { length: usize },
}

/// Words after which an expression begins. All are reserved: none is ever a value's name.
const BEFORE_EXPRESSION: [&str; 13] = [
    "return",
    "typeof",
    "instanceof",
    "in",
    "new",
    "delete",
    "void",
    "throw",
    "case",
    "do",
    "else",
    "default",
    "extends",
];

/// Words that are keywords in some places and names in others.
const EITHER: [&str; 3] = ["await", "yield", "of"];

/// What the `/` is that `rest` begins with, after the tokens `last` and `before_last`.
pub(super) fn meaning(
    last: Option<(Kind, &str)>,
    before_last: Option<(Kind, &str)>,
    levels: &Levels,
    rest: &str,
) -> Result<Meaning, Unclear> {
    let Some((kind, text)) = last else {
        return pattern(rest);
    };
    match kind {
        Kind::Number | Kind::Text | Kind::Pattern => Ok(Meaning::Division),
        Kind::Template if text.ends_with('`') => Ok(Meaning::Division),
        Kind::Template | Kind::Hashbang => pattern(rest),
        Kind::Word => {
            let of_object = before_last.is_some_and(|(_, it)| matches!(it, "." | "?."));
            if !of_object && BEFORE_EXPRESSION.contains(&text) {
                pattern(rest)
            } else if !of_object && EITHER.contains(&text) {
                either(rest)
            } else {
                Ok(Meaning::Division)
            }
        }
        Kind::Mark => match text {
            ")" if levels.closed_header() => pattern(rest),
            ")" | "]" => Ok(Meaning::Division),
            // After a block a statement begins, after an object an operator; likewise before and
            // after a variable.
            "}" | "++" | "--" => either(rest),
            _ => pattern(rest),
        },
    }
}

/// Division if it cannot be a regular expression.
fn either(rest: &str) -> Result<Meaning, Unclear> {
    match pattern(rest) {
        Ok(_) => Err(Unclear),
        Err(_) => Ok(Meaning::Division),
    }
}

/// The regular expression that `rest` begins with (ECMA-262, 12.9.5).
fn pattern(rest: &str) -> Result<Meaning, Unclear> {
    let mut in_class = false;
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, it)) = chars.next() {
        match it {
            _ if is_line_end(it) => return Err(Unclear),
            '\\' => {
                let escaped = chars.next().filter(|&(_, it)| !is_line_end(it));
                escaped.ok_or(Unclear)?;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => {
                let flags = rest[at + 1..]
                    .bytes()
                    .take_while(|it| super::is_word_byte(*it))
                    .count();
                return Ok(Meaning::Pattern {
                    length: at + 1 + flags,
                });
            }
            _ => {}
        }
    }
    Err(Unclear)
}
