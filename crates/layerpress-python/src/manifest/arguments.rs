//! The options on a line of a requirements file, taken apart as pip's parser does.

use super::mistake::Mistake;
use super::nearest::nearest;
use super::shown::shown;

/// An option that requirements files have. `pip install --help` describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    IndexUrl,
    ExtraIndexUrl,
    NoIndex,
    FindLinks,
    Requirement,
    Constraint,
    Editable,
    NoBinary,
    OnlyBinary,
    PreferBinary,
    RequireHashes,
    Pre,
    TrustedHost,
    UseFeature,
    Hash,
    ConfigSettings,
    GlobalOption,
    InstallOption,
}

/// One option with its value, empty for a switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: Name,
    pub(crate) value: String,
}

/// The options of a line, and what stood between or after them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) options: Vec<Argument>,
    /// A marker after `-e PATH`: `; python_version < "3"`, without the semicolon.
    pub(crate) editable_marker: Option<String>,
}

/// Long names first; each with the switch or value that it is. Sources: pip's `cmdoptions.py` and
/// `req_file.py` of 24.2, and for `--install-option` of 22.
const OPTIONS: [(Name, bool, &[&str]); 18] = [
    (Name::IndexUrl, true, &["--index-url", "--pypi-url", "-i"]),
    (Name::ExtraIndexUrl, true, &["--extra-index-url"]),
    (Name::NoIndex, false, &["--no-index"]),
    (Name::FindLinks, true, &["--find-links", "-f"]),
    (Name::Requirement, true, &["--requirement", "-r"]),
    (Name::Constraint, true, &["--constraint", "-c"]),
    (Name::Editable, true, &["--editable", "-e"]),
    (Name::NoBinary, true, &["--no-binary"]),
    (Name::OnlyBinary, true, &["--only-binary"]),
    (Name::PreferBinary, false, &["--prefer-binary"]),
    (Name::RequireHashes, false, &["--require-hashes"]),
    (Name::Pre, false, &["--pre"]),
    (Name::TrustedHost, true, &["--trusted-host"]),
    (Name::UseFeature, true, &["--use-feature"]),
    (Name::Hash, true, &["--hash"]),
    (
        Name::ConfigSettings,
        true,
        &["--config-settings", "--config-setting", "-C"],
    ),
    (Name::GlobalOption, true, &["--global-option"]),
    (Name::InstallOption, true, &["--install-option"]),
];

impl Name {
    /// The long form, for messages.
    pub(crate) fn long(self) -> &'static str {
        OPTIONS
            .iter()
            .find(|(name, _, _)| *name == self)
            .map_or("", |(_, _, forms)| forms[0])
    }

    /// Whether the option speaks of one requirement rather than of the file.
    pub(crate) fn is_for_requirement(self) -> bool {
        matches!(
            self,
            Self::Hash | Self::ConfigSettings | Self::GlobalOption | Self::InstallOption
        )
    }
}

/// Splits a line where the first word with a leading `-` starts: requirement before, options after.
pub(crate) fn split(line: &str) -> (&str, &str) {
    let mut start = 0;
    for word in line.split(' ') {
        if word.starts_with('-') {
            return (line[..start].trim_end_matches(' '), &line[start..]);
        }
        start += word.len() + 1;
    }
    (line, "")
}

/// The options in `text`.
pub(crate) fn parse(text: &str) -> Result<Arguments, Mistake> {
    let mut arguments = Arguments::default();
    let mut words = shell_words(text)?.into_iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" || word == "--" {
            // pip passes over a marker after `-e PATH`; what it means is plain, so it counts here.
            if let Some(last) = arguments.options.last_mut()
                && last.name == Name::Editable
                && (word.starts_with(';') || last.value.ends_with(';'))
                && let Some(marker) = marker_text(text)
            {
                last.value = last.value.trim_end_matches(';').to_owned();
                arguments.editable_marker = Some(marker);
                break;
            }
            return Err(Mistake::Stray {
                argument: shown(&word),
            });
        }
        let (name, takes_value, written, inline) = recognise(&word)?;
        let value = match (takes_value, inline) {
            (true, Some(value)) => value,
            (true, None) => words
                .next()
                .ok_or(Mistake::OptionValueMissing { option: written })?,
            (false, None) => String::new(),
            (false, Some(_)) => return Err(Mistake::OptionValueUnwanted { option: written }),
        };
        arguments.options.push(Argument { name, value });
    }
    Ok(arguments)
}

/// The raw text after the first semicolon, with its quotation marks.
fn marker_text(text: &str) -> Option<String> {
    let (_, marker) = text.split_once(';')?;
    Some(marker.trim().to_owned())
}

/// The option that `word` starts with, whether it takes a value, its form, and a value after `=`
/// or right behind a short form.
fn recognise(word: &str) -> Result<(Name, bool, String, Option<String>), Mistake> {
    if !word.starts_with("--") {
        let end = word.char_indices().nth(2).map_or(word.len(), |(at, _)| at);
        let (form, rest) = word.split_at(end);
        let found = OPTIONS.iter().find(|(_, _, forms)| forms.contains(&form));
        let Some((name, takes_value, _)) = found else {
            return Err(unknown(word));
        };
        let value = (!rest.is_empty()).then(|| rest.to_owned());
        return Ok((*name, *takes_value, form.to_owned(), value));
    }
    let (form, value) = match word.split_once('=') {
        Some((form, value)) => (form, Some(value.to_owned())),
        None => (word, None),
    };
    let forms = || {
        OPTIONS
            .iter()
            .flat_map(|option| option.2.iter().map(move |form| (option, *form)))
            .filter(|(_, form)| form.starts_with("--"))
    };
    let exact = forms().find(|(_, known)| *known == form);
    // Python's optparse takes any beginning that fits one option only.
    let fitting: Vec<_> = match exact {
        Some(found) => vec![found],
        None => forms()
            .filter(|(_, known)| known.starts_with(form))
            .collect(),
    };
    match fitting.as_slice() {
        [((name, takes_value, _), _)] => Ok((*name, *takes_value, form.to_owned(), value)),
        [] => Err(unknown(form)),
        several => Err(Mistake::AmbiguousOption {
            option: shown(form),
            candidates: several
                .iter()
                .map(|(_, form)| format!("`{form}`"))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

fn unknown(option: &str) -> Mistake {
    let forms = OPTIONS
        .iter()
        .flat_map(|(_, _, forms)| forms.iter().copied());
    Mistake::UnknownOption {
        option: shown(option),
        nearest: nearest(option, forms.filter(|form| form.starts_with("--"))),
    }
}

/// Words as a POSIX shell splits them (Python's `shlex.split`).
fn shell_words(text: &str) -> Result<Vec<String>, Mistake> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(Mistake::UnclosedQuote)? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(Mistake::UnclosedQuote)? {
                        '"' => break,
                        '\\' => match characters.next().ok_or(Mistake::UnclosedQuote)? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            '\\' => {
                let escaped = characters.next().ok_or(Mistake::UnclosedQuote)?;
                word.get_or_insert_default().push(escaped);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options(text: &str) -> Vec<(Name, String)> {
        let arguments = parse(text).expect(text);
        arguments
            .options
            .into_iter()
            .map(|a| (a.name, a.value))
            .collect()
    }

    fn mistake(text: &str) -> String {
        let mistake = parse(text).expect_err(text);
        match mistake.hint() {
            Some(hint) => format!("{mistake}\nhint: {hint}"),
            None => mistake.to_string(),
        }
    }

    #[test]
    fn requirement_and_options_part_at_a_word_with_a_dash() {
        assert_eq!(split("a==1 --hash=x"), ("a==1", "--hash=x"));
        assert_eq!(split("-r x"), ("", "-r x"));
        assert_eq!(split("a-b ; c"), ("a-b ; c", ""));
        assert_eq!(split("a  -e"), ("a", "-e"));
    }

    #[test]
    fn every_form_of_an_option_is_known() {
        use Name::{ConfigSettings, Editable, ExtraIndexUrl, IndexUrl, Pre, Requirement};
        assert_eq!(options("-r a.txt"), [(Requirement, "a.txt".into())]);
        assert_eq!(options("-ra.txt"), [(Requirement, "a.txt".into())]);
        assert_eq!(
            options("--requirement=a.txt"),
            [(Requirement, "a.txt".into())]
        );
        assert_eq!(
            options("--requirem 'a b.txt'"),
            [(Requirement, "a b.txt".into())]
        );
        assert_eq!(options("-e \"./a b\""), [(Editable, "./a b".into())]);
        assert_eq!(options("-C a=b"), [(ConfigSettings, "a=b".into())]);
        assert_eq!(
            options("-i https://a.example --extra https://b.example --pre"),
            [
                (IndexUrl, "https://a.example".into()),
                (ExtraIndexUrl, "https://b.example".into()),
                (Pre, String::new())
            ]
        );
    }

    #[test]
    fn a_marker_after_an_editable_is_kept() {
        let arguments = parse("-e ./a ; python_version < '3'").expect("valid");
        assert_eq!(
            arguments.editable_marker.as_deref(),
            Some("python_version < '3'")
        );
    }

    #[test]
    fn mistakes_in_options_are_named() {
        insta::assert_snapshot!(mistake("--indx-url x"), @r"
        `--indx-url` is not an option of requirements files
        hint: did you mean `--index-url`?
        ");
        insta::assert_snapshot!(mistake("--verbose"), @r"
        `--verbose` is not an option of requirements files
        hint: leave it out: it is an option of pip's commands, not of their files
        ");
        insta::assert_snapshot!(mistake("-x"), @r"
        `-x` is not an option of requirements files
        hint: such files have `-r`, `-c`, `-e`, `-i`, `-f`, `--extra-index-url`, `--no-index`, `--no-binary`, `--only-binary`, `--pre`, `--hash` and a few more
        ");
        insta::assert_snapshot!(mistake("--no x"), @r"
        `--no` could be any of `--no-index`, `--no-binary`
        hint: write the option in full
        ");
        insta::assert_snapshot!(mistake("-r"), @r"
        `-r` needs a value
        hint: write `-r VALUE`
        ");
        insta::assert_snapshot!(mistake("--pre=yes"), @"`--pre` takes no value");
        insta::assert_snapshot!(mistake("--pre requests"), @r"
        `requests` stands after an option and would be passed over
        hint: put it on a line of its own, before any option
        ");
        insta::assert_snapshot!(mistake("-e './a"), @r"
        a quotation mark is not closed
        hint: close it, or leave it out
        ");
    }

    proptest! {
        #[test]
        fn any_text_gives_options_or_a_mistake(text in "\\PC{0,40}|[-a-z=;'\"\\\\ é]{0,30}") {
            let (before, after) = split(&text);
            prop_assert!(text.starts_with(before) && text.ends_with(after));
            if let Err(mistake) = parse(&text) {
                let _ = (mistake.to_string(), mistake.hint());
            }
        }

        #[test]
        fn quoted_words_come_back(words in prop::collection::vec("[^']{1,8}", 0..4)) {
            let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(shell_words(&quoted.join(" ")), Ok(words));
        }
    }
}
