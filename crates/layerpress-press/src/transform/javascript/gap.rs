//! [`between`]: what has to stand between two tokens.

use super::scan::{Kind, Token, is_line_end, is_word_byte};

/// How far line ends are trusted to have no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Where the tokens beside it show that no statement ends there.
    Usual,
    /// Nowhere.
    EveryLine,
}

/// What stands between `before` and `after` in place of the gap that is there.
pub(super) fn between(before: &Token<'_>, after: &Token<'_>, care: Care) -> &'static str {
    if after.gap.is_empty() {
        ""
    } else if after.newline && (care == Care::EveryLine || may_end(before, after)) {
        "\n"
    } else if would_join(before, after) {
        " "
    } else {
        ""
    }
}

/// Whether a statement may end between the two for there being a line's end.
///
/// It ends there only where the token after it could not go on with what is before it, or where the
/// grammar forbids a line's end (ECMA-262, 12.10.1). After an operator an operand comes, and after an
/// operand an operator goes on; before a bracket that closes a statement ends anyway.
fn may_end(before: &Token<'_>, after: &Token<'_>) -> bool {
    let opens_or_joins =
        before.kind == Kind::Mark && !matches!(before.text, ")" | "]" | "}" | "++" | "--");
    let opens = before.kind == Kind::Template && before.text.ends_with("${");
    let closes_or_joins = after.kind == Kind::Mark
        && matches!(
            after.text,
            ")" | "]"
                | "}"
                | ","
                | ";"
                | "."
                | "?."
                | "?"
                | ":"
                | "="
                | "%"
                | "&"
                | "|"
                | "^"
                | "<"
                | ">"
        );
    let closes = after.kind == Kind::Template && after.text.starts_with('}');
    !(opens_or_joins || opens || closes_or_joins || closes)
}

/// Whether the two would be read as something else without a gap.
fn would_join(before: &Token<'_>, after: &Token<'_>) -> bool {
    let (Some(&end), Some(&start)) = (before.text.as_bytes().last(), after.text.as_bytes().first())
    else {
        return false;
    };
    let letter_next = is_word_byte(start) || start == b'\\';
    match before.kind {
        // Read by code that looks at its own text.
        Kind::Word if matches!(before.text, "class" | "async") => true,
        Kind::Word => letter_next,
        // `1. in x`, `1 .toString()`, `/x/ in y`.
        Kind::Number | Kind::Pattern => letter_next || start == b'.',
        Kind::Text | Kind::Template => false,
        Kind::Hashbang => true,
        Kind::Mark => {
            end == start
                && !matches!(
                    start,
                    b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b';' | b'!' | b'~'
                )
                || matches!(
                    (end, start),
                    (b'/', b'*') | (b'<', b'!') | (b'-', b'>') | (b'?', b'.') | (b'.', b'0'..=b'9')
                )
                || after.kind == Kind::Pattern && end == b'<'
        }
    }
}

/// Writes the comments of a gap that state a licence; says whether there was one.
///
/// Where the gap has a line's end they get lines of their own, and where it has none they get none.
pub(super) fn push_legal(text: &mut String, gap: &str, newline: bool) -> bool {
    let mut any = false;
    for comment in (Comments { gap }).filter(|it| is_legal(it)) {
        if newline && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        any = true;
        text.push_str(comment);
    }
    if any && newline {
        text.push('\n');
    }
    any
}

fn is_legal(comment: &str) -> bool {
    comment[2..].starts_with('!') || comment.contains("@license") || comment.contains("@preserve")
}

/// The comments of a gap, which has nothing else but white space.
struct Comments<'a> {
    gap: &'a str,
}

impl<'a> Iterator for Comments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = &self.gap[self.gap.find('/')?..];
        let length = if let Some(body) = rest.strip_prefix("/*") {
            body.find("*/").map(|it| it + 4)
        } else {
            rest.find(is_line_end)
        };
        let (comment, gap) = rest.split_at(length.unwrap_or(rest.len()));
        self.gap = gap;
        Some(comment)
    }
}
