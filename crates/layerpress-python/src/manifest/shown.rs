//! How text from outside is shown: no credentials, no control characters, not too long.

/// The longest piece of a user's text that a message quotes.
const MAX_CHARS: usize = 200;

/// `text` fit for a message: user names, passwords and query values of URLs masked, control
/// characters escaped, cut after 200 characters.
pub(crate) fn shown(text: &str) -> String {
    let masked = without_secrets(text);
    let mut out = String::with_capacity(masked.len().min(4 * MAX_CHARS));
    for (count, character) in masked.chars().enumerate() {
        if count == MAX_CHARS {
            out.push('…');
            break;
        }
        if character.is_control() || is_invisible(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Characters that take no room or change the direction of what follows: they hide in plain sight.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` with `***` for what may be secret in every URL it holds.
fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>'))
            .unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        mask(url, &mut out);
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Appends what follows `://` in a URL, masked.
fn mask(url: &str, out: &mut String) {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let (authority, rest) = url.split_at(authority_end);
    match authority.rsplit_once('@') {
        // `git@` is the well-known name of every forge's ssh user.
        Some(("git", _)) | None => out.push_str(authority),
        Some((_, host)) => {
            out.push_str("***@");
            out.push_str(host);
        }
    }
    let fragment_start = rest.find('#').unwrap_or(rest.len());
    let (path_and_query, fragment) = rest.split_at(fragment_start);
    match path_and_query.split_once('?') {
        Some((path, _)) => {
            out.push_str(path);
            out.push_str("?***");
        }
        None => out.push_str(path_and_query),
    }
    out.push_str(fragment);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_of_urls_are_masked() {
        for (text, expected) in [
            ("requests>=2", "requests>=2"),
            (
                "-i https://u:p@pkg.example/simple",
                "-i https://***@pkg.example/simple",
            ),
            ("-i https://token@pkg.example", "-i https://***@pkg.example"),
            (
                "x @ git+ssh://git@git.example/x",
                "x @ git+ssh://git@git.example/x",
            ),
            (
                "https://a.example/x.whl?sig=1#sha256=0",
                "https://a.example/x.whl?***#sha256=0",
            ),
            ("'https://a:b@c.example' d", "'https://***@c.example' d"),
            ("https://a:b@c@d.example/", "https://***@d.example/"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn control_and_invisible_characters_are_escaped_and_length_is_bounded() {
        assert_eq!(shown("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(shown("requests\u{200b}"), "requests\\u{200b}");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 201);
    }

    proptest! {
        #[test]
        fn nothing_that_moves_a_cursor_is_left(text in "\\PC*|[\\x00-\\x7f]*") {
            prop_assert!(!shown(&text).chars().any(char::is_control));
        }
    }
}
