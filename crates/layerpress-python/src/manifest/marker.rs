//! Markers as users write them: strict, bounded, and with a guess at what was meant.

use pep508_rs::{MarkerTree, MarkerWarningKind};

use super::mistake::Mistake;
use super::nearest::nearest;
use super::shown::shown;

/// Longer than any marker of a real requirement; the marker algebra is not linear.
const MAX_BYTES: usize = 8192;

/// The parser recurses once per parenthesis.
const MAX_DEPTH: usize = 32;

/// Each `in` is a variable of its own to the marker algebra, which is exponential in their number.
const MAX_IN_OPERATORS: usize = 16;

/// PEP 508, environment markers.
const VARIABLES: [&str; 12] = [
    "extra",
    "implementation_name",
    "implementation_version",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_full_version",
    "python_version",
    "sys_platform",
];

/// Names that PEP 508's predecessors used and its parsers still take.
const OLD_VARIABLES: [&str; 6] = [
    "os.name",
    "platform.machine",
    "platform.python_implementation",
    "platform.version",
    "python_implementation",
    "sys.platform",
];

/// The tree of `marker`; true for an empty one.
pub(crate) fn parse_marker(marker: &str) -> Result<MarkerTree, Mistake> {
    let marker = marker.trim();
    if marker.is_empty() {
        return Ok(MarkerTree::TRUE);
    }
    let fault = match parse_strictly(marker) {
        Ok(tree) => return Ok(tree),
        Err(Fault::TooBig(what)) => return Err(Mistake::MarkerTooBig(what)),
        Err(Fault::Ignored(reason)) => {
            // Lists with commas after `in` were common before PEP 508; the parser wants spaces.
            let spaced = tokens(marker).map(|tokens| render(&tokens, true));
            match spaced.and_then(|spaced| parse_strictly(&spaced).ok()) {
                Some(tree) => return Ok(tree),
                None => reason,
            }
        }
        Err(Fault::Syntax(reason)) => reason,
    };
    let tokens = tokens(marker).unwrap_or_default();
    let right = Some(render(&tokens, false)).filter(|right| parse_strictly(right).is_ok());
    if right.is_none()
        && let Some(Token::Word(variable)) = tokens.iter().find(|token| token.is_unknown_word())
        && !variable.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(Mistake::MarkerVariable {
            variable: shown(variable),
            nearest: nearest(variable, VARIABLES),
        });
    }
    Err(Mistake::Marker {
        marker: shown(marker),
        reason: fault,
        right,
    })
}

enum Fault {
    TooBig(&'static str),
    Syntax(String),
    /// The parser would drop the comparison, which then counts as true.
    Ignored(String),
}

fn parse_strictly(marker: &str) -> Result<MarkerTree, Fault> {
    if marker.len() > MAX_BYTES {
        return Err(Fault::TooBig("longer than 8192 bytes"));
    }
    if let Some(fault) = crate::lenient::not_ascii(marker) {
        return Err(Fault::Syntax(fault.into()));
    }
    check_bounds(marker)?;
    let mut ignored = None;
    let mut reporter = |kind, message: String| {
        if !matches!(kind, MarkerWarningKind::DeprecatedMarkerName) && ignored.is_none() {
            ignored = Some(tidy(&message));
        }
    };
    let tree = MarkerTree::parse_reporter(marker, &mut reporter)
        .map_err(|error| Fault::Syntax(tidy(&error.message.to_string())))?;
    match ignored {
        Some(reason) => Err(Fault::Ignored(reason)),
        None => Ok(tree),
    }
}

fn check_bounds(marker: &str) -> Result<(), Fault> {
    let mut depth = 0_usize;
    for character in marker.bytes() {
        match character {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Fault::TooBig("nested more than 32 deep"));
        }
    }
    let in_operators = marker
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| *word == "in")
        .count();
    if in_operators > MAX_IN_OPERATORS {
        return Err(Fault::TooBig("made of more than 16 `in` comparisons"));
    }
    Ok(())
}

/// A parser's message as a lowercase fragment on one line.
fn tidy(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace(", will be ignored", "");
    let mut characters = line.chars();
    let lowered = characters.next().map(|first| first.to_ascii_lowercase());
    shown(&lowered.into_iter().chain(characters).collect::<String>())
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Quoted(String),
    Operator(String),
    Parenthesis(char),
    Word(String),
}

impl Token {
    fn is_unknown_word(&self) -> bool {
        let Self::Word(word) = self else { return false };
        let lower = word.to_ascii_lowercase();
        !VARIABLES.contains(&word.as_str())
            && !OLD_VARIABLES.contains(&word.as_str())
            && !["and", "or", "in", "not"].contains(&lower.as_str())
    }
}

/// The tokens of a marker, however wrong; `None` where a quotation is not closed.
fn tokens(marker: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let end = rest[1..].find(first)?;
                tokens.push(Token::Quoted(rest[1..=end].to_owned()));
                end + 2
            }
            '(' | ')' => {
                tokens.push(Token::Parenthesis(first));
                1
            }
            '<' | '>' | '=' | '!' | '~' | '&' | '|' => {
                let word = run(rest, |c| "<>=!~&|".contains(c));
                tokens.push(Token::Operator(word.to_owned()));
                word.len()
            }
            _ => {
                let word = run(rest, |c| !c.is_whitespace() && !"<>=!~&|()\"'".contains(c));
                tokens.push(Token::Word(word.to_owned()));
                word.len()
            }
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    &text[..end]
}

/// The tokens as a marker in good form: known operators, lowercase words, values in quotes.
fn render(tokens: &[Token], commas_to_spaces: bool) -> String {
    let mut out = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let closes = *token == Token::Parenthesis(')');
        let after_open = at > 0 && tokens[at - 1] == Token::Parenthesis('(');
        if !out.is_empty() && !closes && !after_open {
            out.push(' ');
        }
        match token {
            Token::Parenthesis(character) => out.push(*character),
            Token::Operator(operator) => out.push_str(match operator.as_str() {
                "=" => "==",
                "=>" => ">=",
                "=<" => "<=",
                "<>" => "!=",
                "&" | "&&" => "and",
                "|" | "||" => "or",
                other => other,
            }),
            Token::Quoted(value) => {
                let value = if commas_to_spaces {
                    value.replace(',', " ")
                } else {
                    value.clone()
                };
                let quote = if value.contains('"') { '\'' } else { '"' };
                out.push(quote);
                out.push_str(&value);
                out.push(quote);
            }
            Token::Word(word) if token.is_unknown_word() => {
                out.push('"');
                out.push_str(word);
                out.push('"');
            }
            Token::Word(word) if VARIABLES.contains(&word.as_str()) => out.push_str(word),
            Token::Word(word) => out.push_str(&word.to_ascii_lowercase()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mistake(marker: &str) -> String {
        let mistake = parse_marker(marker).expect_err(marker);
        format!("{mistake}\nhint: {}", mistake.hint().unwrap_or_default())
    }

    #[test]
    fn good_markers_are_taken() {
        for marker in [
            "",
            "python_version<'3'",
            "python_version >= \"3.8\" and (os_name == 'posix' or extra == 'a')",
            "sys.platform == 'linux'",
            "'linux' in sys_platform",
            "python_version not in '2.7 3.6'",
            "python_version in '2.7, 3.6'",
        ] {
            assert!(parse_marker(marker).is_ok(), "{marker} was refused");
        }
    }

    #[test]
    fn common_slips_are_named() {
        insta::assert_snapshot!(mistake("python_version < 3.8"), @r#"
        the marker `python_version < 3.8` cannot be read: expected a quoted string or a valid marker name, found `3.8`
        hint: did you mean `python_version < "3.8"`?
        "#);
        insta::assert_snapshot!(mistake("python_version = '3.8'"), @r#"
        the marker `python_version = '3.8'` cannot be read: expected a valid marker operator (such as `>=` or `not in`), found `=`
        hint: did you mean `python_version == "3.8"`?
        "#);
        insta::assert_snapshot!(mistake("os_name == posix && sys_platform=='linux'"), @r#"
        the marker `os_name == posix && sys_platform=='linux'` cannot be read: expected a quoted string or a valid marker name, found `posix`
        hint: did you mean `os_name == "posix" and sys_platform == "linux"`?
        "#);
        insta::assert_snapshot!(mistake("python_verson < '3'"), @r"
        `python_verson` is not a marker variable
        hint: did you mean `python_version`?
        ");
        insta::assert_snapshot!(mistake("python_version < '3'  foo"), @r#"
        `foo` is not a marker variable
        hint: markers look like `python_version < "3.12" and sys_platform == "linux"`
        "#);
        insta::assert_snapshot!(mistake("python_version == 'three'"), @r#"
        the marker `python_version == 'three'` cannot be read: expected PEP 440 version to compare with python_version, found three: expected version to start with a number, but no leading ASCII digits were found
        hint: markers look like `python_version < "3.12" and sys_platform == "linux"`
        "#);
        insta::assert_snapshot!(mistake("'a' == 'b'"), @r#"
        the marker `'a' == 'b'` cannot be read: comparing two quoted strings with each other doesn't make sense: 'a' == 'b'
        hint: markers look like `python_version < "3.12" and sys_platform == "linux"`
        "#);
        insta::assert_snapshot!(mistake("os_name == 'é'"), @r#"
        the marker `os_name == 'é'` cannot be read: it holds a character that is not ASCII
        hint: markers look like `python_version < "3.12" and sys_platform == "linux"`
        "#);
    }

    #[test]
    fn costly_markers_are_refused_before_they_are_parsed() {
        let deep = format!("{}os_name=='a'{}", "(".repeat(40), ")".repeat(40));
        assert_eq!(
            parse_marker(&deep),
            Err(Mistake::MarkerTooBig("nested more than 32 deep"))
        );
        let wide = vec!["'a' in os_name"; 17].join(" or ");
        assert!(matches!(parse_marker(&wide), Err(Mistake::MarkerTooBig(_))));
        let long = vec!["os_name=='a'"; 1000].join(" or ");
        assert!(matches!(parse_marker(&long), Err(Mistake::MarkerTooBig(_))));
        let hostile = "(".repeat(100_000);
        assert!(matches!(
            parse_marker(&hostile),
            Err(Mistake::MarkerTooBig(_))
        ));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_tree_or_a_mistake(
            text in "\\PC{0,40}|[a-z_.<>=!~&|()'\"é 0-9]{0,40}|(python_version|os_name|extra| |<|==|'3'|\"é\"|and|or|\\(|\\)|not|in){0,12}"
        ) {
            if let Err(mistake) = parse_marker(&text) {
                let _ = (mistake.to_string(), mistake.hint());
                if let Mistake::Marker { right: Some(right), .. } = mistake {
                    prop_assert!(parse_marker(&right).is_ok(), "{right}");
                }
            }
        }
    }
}
