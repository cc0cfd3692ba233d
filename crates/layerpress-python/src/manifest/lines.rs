//! From the text of a requirements file to its logical lines, as pip splits it.

use super::Environment;

/// One logical line: continuations joined, comment and surrounding white space gone, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The first physical line it stands on, from 1.
    pub(crate) number: u32,
    /// As written, before variables were put in: what messages quote, since values may be secret.
    pub(crate) written: String,
    /// With variables put in: what is parsed.
    pub(crate) text: String,
    /// The variables that are not set and stay as they are.
    pub(crate) unset: Vec<String>,
}

/// The logical lines of `content`.
pub(crate) fn lines(content: &str, environment: &Environment) -> Vec<Line> {
    join(content)
        .into_iter()
        .filter_map(|(number, line)| {
            let written = without_comment(&line).trim();
            (!written.is_empty()).then(|| {
                let (text, unset) = expand(written, environment);
                Line {
                    number,
                    written: written.to_owned(),
                    text,
                    unset,
                }
            })
        })
        .collect()
}

/// Joins a line that ends in a backslash to the next; a comment line ends the joining.
fn join(content: &str) -> Vec<(u32, String)> {
    let mut joined = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1..).zip(physical_lines(content)) {
        let comment = line.trim_start().starts_with('#');
        if line.ends_with('\\') && !comment {
            let (_, text) = open.get_or_insert_with(|| (number, String::new()));
            text.push_str(line.trim_matches('\\'));
        } else {
            let (first, mut text) = open.take().unwrap_or((number, String::new()));
            if comment {
                // The `#` must follow white space to count as a comment once it is joined.
                text.push(' ');
            }
            text.push_str(line);
            joined.push((first, text));
        }
    }
    joined.extend(open);
    joined
}

/// Splits where Python's `str.splitlines` does, which knows more line ends than `\n`.
fn physical_lines(content: &str) -> impl Iterator<Item = &str> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((at, end)) = rest.char_indices().find(|(_, c)| is_line_end(*c)) else {
            return Some(std::mem::take(&mut rest));
        };
        let line = &rest[..at];
        let after = &rest[at..];
        rest = after
            .strip_prefix("\r\n")
            .unwrap_or(&after[end.len_utf8()..]);
        Some(line)
    })
}

/// Python library reference, `str.splitlines`.
fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// `#` starts a comment only at the start of a line or after white space: URLs have fragments.
fn without_comment(line: &str) -> &str {
    let mut before = None;
    for (at, character) in line.char_indices() {
        if character == '#' && before.is_none_or(char::is_whitespace) {
            return &line[..at];
        }
        before = Some(character);
    }
    line
}

/// Puts in the values of `${UPPER_CASE_1}`; what is unset or empty stays as it is and is named.
fn expand(line: &str, environment: &Environment) -> (String, Vec<String>) {
    let mut out = String::with_capacity(line.len());
    let mut unset = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("${") {
        let name_length = rest[at + 2..]
            .bytes()
            .take_while(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
            .count();
        let name_end = at + 2 + name_length;
        let name = &rest[at + 2..name_end];
        let is_variable = name_length > 0 && rest[name_end..].starts_with('}');
        let value = is_variable.then(|| environment.value(name)).flatten();
        if is_variable && value.is_none() {
            unset.push(name.to_owned());
        }
        out.push_str(&rest[..at]);
        match value {
            Some(value) => {
                out.push_str(value);
                rest = &rest[name_end + 1..];
            }
            None => {
                out.push_str("${");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    (out, unset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(content: &str) -> Vec<(u32, String)> {
        let environment = [("TOKEN", "s3cret"), ("EMPTY", "")].into_iter().collect();
        lines(content, &environment)
            .into_iter()
            .map(|line| (line.number, line.text))
            .collect()
    }

    #[test]
    fn comments_need_white_space_before_them() {
        assert_eq!(
            split("# a\n  # b\nx # c\ny#egg=z\n\nz\t#d"),
            [(3, "x".into()), (4, "y#egg=z".into()), (6, "z".into())]
        );
    }

    #[test]
    fn continuations_join_until_a_line_without_or_a_comment() {
        assert_eq!(
            split("a==1 \\\r\n  --hash=x \\\r\n  --hash=y\r\nb"),
            [(1, "a==1   --hash=x   --hash=y".into()), (4, "b".into())]
        );
        assert_eq!(split("a \\\n# note\nb"), [(1, "a".into()), (3, "b".into())]);
        assert_eq!(split("# note \\\na"), [(2, "a".into())]);
        assert_eq!(split("a\\"), [(1, "a".into())]);
    }

    #[test]
    fn line_ends_are_those_of_python() {
        assert_eq!(
            split("a\rb\x0cc\u{2028}d\r\n\ne"),
            [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (6, "e")].map(|(n, t)| (n, t.to_owned()))
        );
    }

    #[test]
    fn only_set_upper_case_variables_are_put_in() {
        assert_eq!(
            split("${TOKEN}@${EMPTY}${UNSET}$TOKEN${token}${TOKEN"),
            [(1, "s3cret@${EMPTY}${UNSET}$TOKEN${token}${TOKEN".into())]
        );
    }

    #[test]
    fn the_written_form_keeps_variables_unexpanded() {
        let environment = [("TOKEN", "s3cret")].into_iter().collect();
        let line = &lines("-i ${TOKEN}${OTHER}${other}", &environment)[0];
        assert_eq!(line.written, "-i ${TOKEN}${OTHER}${other}");
        assert_eq!(line.unset, ["OTHER"]);
    }

    proptest! {
        #[test]
        fn lines_are_trimmed_ordered_and_never_empty(content in "[ab #\\\\\\r\\n\\x0c${}T]*") {
            let found = lines(&content, &Environment::default());
            prop_assert!(found.windows(2).all(|pair| pair[0].number < pair[1].number));
            prop_assert!(found.iter().all(|l| !l.text.is_empty() && l.text.trim() == l.text));
        }
    }
}
