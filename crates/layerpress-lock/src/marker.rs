//! Markers as lockfiles write them: PEP 508's, and PEP 751's `'x' in extras` and
//! `'x' in dependency_groups`.
//!
//! A [`MarkerTree`] has one kind of set, the extras. So `'x' in extras` becomes `extra == 'x'`, and
//! `'x' in dependency_groups` becomes an extra whose name no package uses; both are turned back when
//! a marker is written. All that a tree can answer (is it true here, do two exclude each other)
//! so holds for the whole language.

use std::collections::BTreeSet;

use pep508_rs::{
    ExtraName, ExtraOperator, MarkerExpression, MarkerTree, MarkerValueExtra, MarkerWarningKind,
};

use crate::error::shown;
use crate::{GroupName, model};

/// Parentheses within parentheses that a marker may have: the parser behind recurses.
const MAX_DEPTH: usize = 32;

/// Bytes that a marker may have.
const MAX_BYTES: usize = 16 * 1024;

/// Comparisons that a marker may have: the work grows faster than their number.
const MAX_COMPARISONS: usize = 256;

/// Different strings that a marker with both `and` and `or` may compare with: the tree of such a
/// marker can double with every two of them.
const MAX_MIXED_STRINGS: usize = 32;

/// Begins the extras that stand for dependency groups.
const GROUP_PREFIX: &str = "layerpress-dependency-group-";

/// Why a text is not a marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// More than any tool writes.
    #[error("it has more than {limit} {what}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// What is counted.
        what: &'static str,
    },
    /// Nothing, or white space.
    #[error("it is empty")]
    Empty,
    /// A string without its closing quote.
    #[error("a string is not closed in `{0}`")]
    OpenString(String),
    /// `extras` or `dependency_groups` in another form than `'name' in …`.
    #[error("`{name}` can only be asked as `'name' in {name}` in `{marker}`")]
    Set {
        /// `extras` or `dependency_groups`.
        name: &'static str,
        /// The marker, escaped and cut for display.
        marker: String,
    },
    /// A string that cannot be the name of an extra or a group.
    #[error("`{0}` is not a name")]
    Name(String),
    /// Not the grammar of PEP 508.
    #[error("{message} in `{marker}`")]
    Grammar {
        /// What is wrong.
        message: String,
        /// The marker, escaped and cut for display.
        marker: String,
    },
    /// A comparison that means nothing, which other tools would pass over.
    #[error("a comparison has no meaning in `{marker}`: {message}")]
    Meaningless {
        /// Why it means nothing.
        message: String,
        /// The marker, escaped and cut for display.
        marker: String,
    },
}

/// Reads a marker of a lockfile.
///
/// # Errors
/// [`MarkerError`] if it is not one, if a comparison in it has no meaning, or if it is larger than
/// any tool writes.
pub fn parse_marker(text: &str) -> Result<MarkerTree, MarkerError> {
    let translated = translated(text)?;
    if translated.is_empty() {
        return Err(MarkerError::Empty);
    }
    let mut meaningless = None;
    let mut reporter = |kind: MarkerWarningKind, message: String| match kind {
        MarkerWarningKind::DeprecatedMarkerName => {}
        _ => meaningless = Some(message),
    };
    let tree = MarkerTree::parse_reporter(&translated, &mut reporter).map_err(|error| {
        MarkerError::Grammar {
            message: fragment(&error.message.to_string()),
            marker: shown(text),
        }
    })?;
    match meaningless {
        Some(message) => Err(MarkerError::Meaningless {
            message: fragment(&message),
            marker: shown(text),
        }),
        None => Ok(tree),
    }
}

/// Writes a marker as lockfiles have it; `None` if it is always true.
#[must_use]
pub fn shown_marker(tree: &MarkerTree) -> Option<String> {
    let text = tree.try_to_string()?;
    // Our own output: it has the form that the tokens expect.
    let Ok(tokens) = tokens(&text) else {
        return Some(text);
    };
    let mut words: Vec<String> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (Token::Word("extra"), [Token::Operator(operator), Token::Text(name), tail @ ..]) => {
                let (name, set) = name
                    .strip_prefix(GROUP_PREFIX)
                    .map_or((*name, "extras"), |name| (name, "dependency_groups"));
                let not = if *operator == "!=" { "not " } else { "" };
                words.push(format!("'{name}' {not}in {set}"));
                rest = tail;
            }
            _ => words.push(first.to_string()),
        }
    }
    Some(joined(&words))
}

/// The marker `'name' in extras`.
#[must_use]
pub fn in_extra(name: &ExtraName) -> MarkerTree {
    MarkerTree::expression(MarkerExpression::Extra {
        operator: ExtraOperator::Equal,
        name: MarkerValueExtra::Extra(name.clone()),
    })
}

/// The marker `'name' in dependency_groups`.
#[must_use]
pub fn in_group(name: &GroupName) -> MarkerTree {
    in_extra(&group_as_extra(name))
}

/// The extra that stands for a group in a [`MarkerTree`].
pub(crate) fn group_as_extra(name: &GroupName) -> ExtraName {
    // A name stays one with letters and hyphens before it; but for the empty one, which no group has.
    ExtraName::new(format!("{GROUP_PREFIX}{name}")).unwrap_or_else(|_| name.clone())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    /// A variable, `and`, `or`, `in`, `not`.
    Word(&'a str),
    /// `==` and the like.
    Operator(&'a str),
    /// A quoted string, without its quotes.
    Text(&'a str),
    /// A parenthesis.
    Paren(char),
}

impl<'a> Token<'a> {
    fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl std::fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) | Self::Operator(word) => f.write_str(word),
            Self::Text(text) if text.contains('\'') => write!(f, "\"{text}\""),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Paren(paren) => write!(f, "{paren}"),
        }
    }
}

/// The marker with every question to a set put as a question to `extra`.
fn translated(text: &str) -> Result<String, MarkerError> {
    let tokens = tokens(text)?;
    check_size(text, &tokens)?;
    let mut words: Vec<String> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let (name, operator, set, tail) = match (first, tail) {
            (Token::Text(name), [Token::Word("in"), Token::Word(set), tail @ ..]) => {
                (name, "==", set, tail)
            }
            (
                Token::Text(name),
                [
                    Token::Word("not"),
                    Token::Word("in"),
                    Token::Word(set),
                    tail @ ..,
                ],
            ) => (name, "!=", set, tail),
            _ => {
                for set in ["extras", "dependency_groups"] {
                    if *first == Token::Word(set) {
                        return Err(MarkerError::Set {
                            name: set,
                            marker: shown(text),
                        });
                    }
                }
                words.push(first.to_string());
                continue;
            }
        };
        if !matches!(*set, "extras" | "dependency_groups") {
            words.push(first.to_string());
            continue;
        }
        let name: ExtraName = model::name(name).ok_or_else(|| MarkerError::Name(shown(name)))?;
        let extra = if *set == "extras" {
            name
        } else {
            group_as_extra(&name)
        };
        words.push(format!("extra {operator} '{extra}'"));
        rest = tail;
    }
    Ok(joined(&words))
}

/// Refuses what no tool writes, before anything recurses into it.
fn check_size(text: &str, tokens: &[Token<'_>]) -> Result<(), MarkerError> {
    let within = |count: usize, limit: usize, what| {
        if count > limit {
            return Err(MarkerError::TooLarge { limit, what });
        }
        Ok(())
    };
    within(text.len(), MAX_BYTES, "bytes")?;
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::Paren('(') => depth += 1,
            Token::Paren(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        within(depth, MAX_DEPTH, "nested parentheses")?;
    }
    let is_comparison = |token: &&Token| matches!(token, Token::Operator(_) | Token::Word("in"));
    let comparisons = tokens.iter().filter(is_comparison).count();
    within(comparisons, MAX_COMPARISONS, "comparisons")?;
    let has = |word| tokens.contains(&Token::Word(word));
    if has("and") && has("or") {
        let strings: BTreeSet<&str> = tokens.iter().filter_map(Token::as_text).collect();
        let what = "strings under both `and` and `or`";
        within(strings.len(), MAX_MIXED_STRINGS, what)?;
    }
    Ok(())
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, MarkerError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' | '\t' | '\n' | '\r' => first.len_utf8(),
            '\'' | '"' => {
                let inside = rest[1..]
                    .find(first)
                    .ok_or_else(|| MarkerError::OpenString(shown(text)))?;
                tokens.push(Token::Text(&rest[1..=inside]));
                inside + 2
            }
            '(' | ')' => {
                tokens.push(Token::Paren(first));
                1
            }
            first if is_operator(first) => {
                let length = rest.find(|c| !is_operator(c)).unwrap_or(rest.len());
                tokens.push(Token::Operator(&rest[..length]));
                length
            }
            _ => {
                let ends = |c: char| {
                    c.is_whitespace() || is_operator(c) || matches!(c, '\'' | '"' | '(' | ')')
                };
                // White space of other kinds is a word by itself, for the parser to refuse.
                let length = rest.find(ends).unwrap_or(rest.len());
                let length = length.max(first.len_utf8());
                tokens.push(Token::Word(&rest[..length]));
                length
            }
        };
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn is_operator(character: char) -> bool {
    matches!(character, '<' | '>' | '=' | '!' | '~')
}

/// Words of the parser behind as part of a sentence: on one line, without a capital.
fn fragment(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = line.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    shown(&first.into_iter().chain(letters).collect::<String>())
}

/// The words with one space between them, and none inside parentheses.
fn joined(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        if !(text.is_empty() || text.ends_with('(') || word == ")") {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        let tree = parse_marker(text).expect("a marker");
        shown_marker(&tree).unwrap_or_else(|| "always".to_owned())
    }

    #[test]
    fn sets_are_asked_as_the_format_asks_them() {
        for text in [
            "'dev' in dependency_groups",
            "'dev' not in dependency_groups",
            "'socks' in extras",
            "sys_platform == 'linux' and 'socks' not in extras",
            "'a' in extras and 'a' in dependency_groups",
            "platform_machine == 'aarch64' or ('a' in dependency_groups and 'b' in extras)",
        ] {
            let tree = parse_marker(text).expect("a marker");
            let again = shown_marker(&tree).expect("is not always true");
            assert_eq!(parse_marker(&again), Ok(tree), "{text} became {again}");
        }
        assert_eq!(rewritten("'A_b' in extras"), "'a-b' in extras");
        assert_eq!(
            rewritten("\"dev\"  in dependency_groups"),
            "'dev' in dependency_groups"
        );
        assert_eq!(
            rewritten("(os_name=='posix' and('x' in extras))"),
            "os_name == 'posix' and 'x' in extras"
        );
    }

    #[test]
    fn an_extra_and_a_group_of_one_name_differ() {
        let name: ExtraName = "dev".parse().expect("a name");
        assert_ne!(in_extra(&name), in_group(&name));
        assert_eq!(parse_marker("'dev' in extras"), Ok(in_extra(&name)));
        assert_eq!(
            parse_marker("'dev' in dependency_groups"),
            Ok(in_group(&name))
        );
    }

    #[test]
    fn substrings_stay_substrings() {
        assert_eq!(
            rewritten("'linux' in sys_platform"),
            "'linux' in sys_platform"
        );
        assert_eq!(
            rewritten("sys_platform not in 'win32 darwin'"),
            "sys_platform not in 'win32 darwin'"
        );
        assert_eq!(
            rewritten("python_version == '3.13'"),
            "python_full_version == '3.13.*'"
        );
        assert_eq!(rewritten("os_name == 'a' or os_name != 'a'"), "always");
    }

    #[test]
    fn what_is_no_marker_is_refused_in_words() {
        let error = |text: &str| parse_marker(text).expect_err("is refused").to_string();
        insta::assert_snapshot!(error(" "), @"it is empty");
        insta::assert_snapshot!(error("python_version"), @"expected a valid marker operator (such as `>=` or `not in`), found `` in `python_version`");
        insta::assert_snapshot!(error("python_version > '3"), @"a string is not closed in `python_version > '3`");
        insta::assert_snapshot!(error("os == 'linux'"), @"expected a quoted string or a valid marker name, found `os` in `os == 'linux'`");
        insta::assert_snapshot!(error("'a' == extras"), @"`extras` can only be asked as `'name' in extras` in `'a' == extras`");
        insta::assert_snapshot!(error("'?' in extras"), @"`?` is not a name");
        insta::assert_snapshot!(error("os_name ~= 'posix'"), @"a comparison has no meaning in `os_name ~= 'posix'`: can't compare strings with `~=`, will be ignored");
        insta::assert_snapshot!(error("python_version > 'three'"), @"a comparison has no meaning in `python_version > 'three'`: expected PEP 440 version to compare with python_version, found three, will be ignored: expected version to start with a …");
        insta::assert_snapshot!(error(&"(".repeat(10_000)), @"it has more than 32 nested parentheses");
        insta::assert_snapshot!(error(&"a".repeat(100_000)), @"it has more than 16384 bytes");
        let pairs = |count: u8| -> String {
            let pair = |number| format!("'a{number}' in extras and 'b{number}' in extras");
            (0..count).map(pair).collect::<Vec<_>>().join(" or ")
        };
        assert!(parse_marker(&pairs(8)).is_ok());
        insta::assert_snapshot!(error(&pairs(17)), @"it has more than 32 strings under both `and` and `or`");
        insta::assert_snapshot!(error(&["os_name == 'a'"; 300].join(" or ")), @"it has more than 256 comparisons");
    }
}
