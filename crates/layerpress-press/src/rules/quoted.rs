//! What code writes between quotes: names of files, endings, paths.
//!
//! It is found without knowing the language's grammar. A name that code opens stands right before the quote
//! that closes its string, whatever comes before it; a relative path begins right after the quote that opens
//! its string. So neither comments nor regular expressions lead astray: at worst a quoted name in a comment
//! keeps a file that could have gone.

use std::collections::BTreeMap;

use super::Ecosystem;

/// The longest path that is looked at.
const LONGEST: usize = 300;

/// The words that stand right before a quote, back to white space, a slash or another quote: each name that
/// code writes in full, or the end of one that it puts together.
pub(super) fn endings(text: &[u8], ecosystem: Ecosystem) -> impl Iterator<Item = &str> {
    quotes(text, ecosystem).filter_map(|end| {
        let start = text[..end]
            .iter()
            .rposition(|byte| is_quote(*byte) || b"/\\ \t\r\n,;=(".contains(byte))
            .map_or(0, |at| at + 1);
        let word = &text[start.max(end.saturating_sub(LONGEST))..end];
        std::str::from_utf8(word)
            .ok()
            .filter(|word| !word.is_empty())
    })
}

/// The whole strings between two quotes of one kind on one line; with each, whether more follows that is not
/// written there (`${name}`).
pub(super) fn strings(text: &[u8], ecosystem: Ecosystem) -> impl Iterator<Item = &str> {
    quotes(text, ecosystem).filter_map(|start| {
        let quote = text[start];
        let rest = &text[start + 1..text.len().min(start + 1 + LONGEST)];
        let end = rest
            .iter()
            .position(|byte| *byte == quote || *byte == b'\n')
            .unwrap_or(rest.len());
        let whole = std::str::from_utf8(&rest[..end]).ok()?;
        let known = whole.split("${").next().unwrap_or(whole);
        (!known.is_empty()).then_some(known)
    })
}

/// Python has no backticks but in prose.
fn quotes(text: &[u8], ecosystem: Ecosystem) -> impl Iterator<Item = usize> {
    let third = match ecosystem {
        Ecosystem::Python => b'"',
        Ecosystem::Node => b'`',
    };
    memchr::memchr3_iter(b'"', b'\'', third, text)
}

fn is_quote(byte: u8) -> bool {
    [b'"', b'\'', b'`'].contains(&byte)
}

/// Endings that code mentions without the name before them, as `.md` in `*.md`, `{name}.md` or `+ ".md"`,
/// and the first file of each folder that does.
#[derive(Debug, Default)]
pub(super) struct Endings<'a> {
    by_ending: BTreeMap<&'static str, Vec<&'a str>>,
}

impl<'a> Endings<'a> {
    /// Notes that `file` says `word`, if that is one of `known` without a name before it.
    pub(super) fn note(&mut self, word: &str, known: &[&'static str], file: &'a str) {
        for ending in known {
            let Some(stem) = word.strip_suffix(ending) else {
                continue;
            };
            if stem.chars().next_back().is_none_or(|it| !is_name(it)) {
                let files = self.by_ending.entry(ending).or_default();
                if files.last() != Some(&file) {
                    files.push(file);
                }
            }
        }
    }

    /// A file that says `ending` and lies in `scope` (all if that is empty) or deeper.
    pub(super) fn said(&self, ending: &str, is_near: impl Fn(&str) -> bool) -> Option<&'a str> {
        let mut files = self.by_ending.get(ending)?.iter();
        files.find(|file| is_near(file)).copied()
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || ['_', '-', '.'].contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_before_the_closing_quote() {
        let text = br#"open(here / "docs/README.md"); // see CHANGELOG.md
            x = f'{name}.pyi' + "*.h"; //# sourceMappingURL=index.js.map
            const re = /"/; y = `a.d.ts`"#;
        let words: Vec<&str> = endings(text, Ecosystem::Node).collect();
        for word in ["README.md", "{name}.pyi", "*.h", "a.d.ts"] {
            assert!(words.contains(&word), "{word} in {words:?}");
        }
        for word in ["CHANGELOG.md", "index.js.map"] {
            assert!(!words.contains(&word), "{word} in {words:?}");
        }
    }

    #[test]
    fn strings_are_known_up_to_what_is_put_in() {
        let text = br#"require("./test/a"); import(`../b/${c}`); it's "x
            y""#;
        let strings: Vec<&str> = strings(text, Ecosystem::Node).collect();
        for string in ["./test/a", "../b/"] {
            assert!(strings.contains(&string), "{string} in {strings:?}");
        }
    }

    #[test]
    fn an_ending_is_said_where_no_name_stands_before_it() {
        let known = [".pyi", ".h"];
        let mut endings = Endings::default();
        for (word, file) in [(".pyi", "a/x.py"), ("{}.h", "b/y.py"), ("name.h", "c/z.py")] {
            endings.note(word, &known, file);
        }
        assert_eq!(endings.said(".pyi", |_| true), Some("a/x.py"));
        assert_eq!(endings.said(".h", |file| file.starts_with('c')), None);
        assert_eq!(endings.said(".h", |_| true), Some("b/y.py"));
    }
}
