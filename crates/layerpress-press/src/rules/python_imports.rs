//! [`imports`]: what a Python file imports, and which of its strings could be modules. [`strings`]: all of them.
//!
//! The file is cut into words, punctuation and strings, as Python's own lexer does (The Python Language
//! Reference, chapter 2); nothing more of the grammar is needed, and a file that is no Python gives
//! whatever looks like an import.

/// A module or a name in one that a file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// How many dots stand before it: from which package above the file it is meant.
    pub(crate) level: usize,
    /// What it is: `numpy.tests`; may be empty.
    pub(crate) path: String,
}

/// A word of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Mark(u8),
    /// The end of a line outside of brackets.
    Line,
}

/// What `source` imports, at any depth and in whatever branch; strings that read as a module's path too,
/// since modules are also imported by their names.
pub(crate) fn imports(source: &str) -> Vec<Named> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at] {
            Token::Name("from") => at = from_import(&tokens, at + 1, &mut found),
            Token::Name("import") => at = plain_import(&tokens, at + 1, &mut found),
            Token::Text(text) => {
                found.extend(module_in(text));
                at += 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// What stands in the strings of `source`, escapes and all.
pub(super) fn strings(source: &str) -> impl Iterator<Item = &str> {
    tokens(source).into_iter().filter_map(|token| match token {
        Token::Text(text) => Some(text),
        Token::Name(_) | Token::Mark(_) | Token::Line => None,
    })
}

/// `from .a.b import c as d, e`: the modules `a.b`, `a.b.c` and `a.b.e`, since `c` may be one.
fn from_import(tokens: &[Token<'_>], start: usize, found: &mut Vec<Named>) -> usize {
    let mut at = start;
    let mut level = 0;
    while tokens.get(at) == Some(&Token::Mark(b'.')) {
        level += 1;
        at += 1;
    }
    let (path, end) = dotted(tokens, at);
    // What else begins with `from` (`yield from`, `raise … from`) has no `import` there.
    if tokens.get(end) != Some(&Token::Name("import")) {
        return start;
    }
    at = end + 1;
    if tokens.get(at) == Some(&Token::Mark(b'(')) {
        at += 1;
    }
    found.push(Named {
        level,
        path: path.clone(),
    });
    while let Some(Token::Name(name)) = tokens.get(at) {
        let path = match path.as_str() {
            "" => (*name).to_owned(),
            path => format!("{path}.{name}"),
        };
        found.push(Named { level, path });
        at = after_item(tokens, at + 1);
    }
    at
}

/// `import a.b as c, d`.
fn plain_import(tokens: &[Token<'_>], start: usize, found: &mut Vec<Named>) -> usize {
    let mut at = start;
    loop {
        let (path, end) = dotted(tokens, at);
        if path.is_empty() {
            return at;
        }
        found.push(Named { level: 0, path });
        let next = after_item(tokens, end);
        if next == end {
            return end;
        }
        at = next;
    }
}

/// Behind `as name` and a comma.
fn after_item(tokens: &[Token<'_>], mut at: usize) -> usize {
    if tokens.get(at) == Some(&Token::Name("as")) {
        at += 2;
    }
    match tokens.get(at) {
        Some(Token::Mark(b',')) => at + 1,
        _ => at,
    }
}

fn dotted(tokens: &[Token<'_>], mut at: usize) -> (String, usize) {
    let mut path = String::new();
    while let Some(Token::Name(name)) = tokens.get(at) {
        if *name == "import" {
            break;
        }
        path.push_str(name);
        at += 1;
        if tokens.get(at) != Some(&Token::Mark(b'.')) {
            break;
        }
        path.push('.');
        at += 1;
    }
    (path, at)
}

/// The module that a string could name: `a.b`, `.a`, `a.b:attribute`; in a string that is put together
/// (`{package}.tests.x`) what comes after the last thing put in.
fn module_in(text: &str) -> Option<Named> {
    let text = text.split(':').next().unwrap_or(text);
    let text = text.rsplit('}').next().unwrap_or(text);
    let path = text.trim_start_matches('.');
    let is_path = path.len() <= 200
        && !path.is_empty()
        && path
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(is_word));
    is_path.then(|| Named {
        level: text.len() - path.len(),
        path: path.to_owned(),
    })
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end),
            // A backslash joins lines.
            b'\\' => at += 2,
            b'\n' => {
                if depth == 0 {
                    tokens.push(Token::Line);
                }
                at += 1;
            }
            b'"' | b'\'' => {
                let (text, end) = string(source, at);
                tokens.push(Token::Text(text));
                at = end;
            }
            _ if is_word(byte) => {
                let length = bytes[at..].iter().position(|byte| !is_word(*byte));
                let end = length.map_or(bytes.len(), |length| at + length);
                // Before a string it says how to read it.
                let is_prefix = matches!(bytes.get(end), Some(b'"' | b'\'')) && end - at <= 2;
                // A backslash may have led into the middle of a character.
                if let Some(name) = source.get(at..end).filter(|_| !is_prefix) {
                    tokens.push(Token::Name(name));
                }
                at = end;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ => {
                match byte {
                    b'(' | b'[' | b'{' => depth += 1,
                    b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                tokens.push(Token::Mark(byte));
                at += 1;
            }
        }
    }
    tokens
}

/// The string that begins at `start`, and where it ends. One that its line does not end is not taken for
/// one that goes on: what comes after it is source again.
fn string(source: &str, start: usize) -> (&str, usize) {
    let bytes = source.as_bytes();
    let quote = bytes[start];
    let is_long = bytes.get(start..start + 3) == Some(&[quote; 3]);
    let open = if is_long { 3 } else { 1 };
    let first = start + open;
    let mut at = first;
    while let Some(rest) = bytes.get(at..) {
        // Much of a file is prose, which is passed over at once.
        let found = match is_long {
            true => memchr::memchr2(quote, b'\\', rest),
            false => memchr::memchr3(quote, b'\\', b'\n', rest),
        };
        let Some(found) = found else { break };
        at += found;
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' => return (&source[first..at], at),
            _ if !is_long => return (&source[first..at], at + 1),
            _ if bytes.get(at..at + 3) == Some(&[quote; 3]) => {
                return (&source[first..at], at + 3);
            }
            _ => at += 1,
        }
    }
    (source.get(first..).unwrap_or_default(), bytes.len())
}

/// Letters, digits, underscores, and whatever is not ASCII.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Vec<String> {
        let told = |it: Named| format!("{}{}", ".".repeat(it.level), it.path);
        imports(source).into_iter().map(told).collect()
    }

    #[test]
    fn every_form_of_import_is_found() {
        let source = "import a, b.c as d\nfrom e.f import (  # comment\n    g as h,\n    i,\n)\n\
            if x: from . import j; import k\nfrom ..l import *\ntry:\n    import \\\n        m.n\n\
            def f():\n    yield from o\nraise p from q\n";
        assert_eq!(
            told(source),
            [
                "a", "b.c", "e.f", "e.f.g", "e.f.i", ".", ".j", "k", "..l", "m.n"
            ]
        );
    }

    #[test]
    fn strings_and_comments_are_no_imports() {
        let source = "x = 'import a'\n# import b\ny = \"\"\"\nfrom c import d\n\"\"\"\nz = r'\\'' 'import e'\n";
        assert_eq!(told(source), Vec::<String>::new());
    }

    #[test]
    fn strings_that_read_as_modules_are_found() {
        let source = "import_module('a.tests.b'); load(\".tests\", __package__)\n\
            e = 'c.tests.d:main'\nf = f'{__name__}.tests.g'\nx = 'not a module'\n";
        assert_eq!(
            told(source),
            ["a.tests.b", ".tests", "c.tests.d", ".tests.g"]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(source in "\\PC*") {
            let _found = imports(&source);
        }
    }
}
