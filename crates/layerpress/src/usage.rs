//! [`Mistake`]: a command line that cannot be understood, in the words of all other errors.
//!
//! In comes what clap found; out go a sentence and its hints. Help and version are no mistakes.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A command line that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Mistake {
    sentence: String,
    /// What would be right, a line each.
    pub hint: Option<String>,
}

impl Mistake {
    /// What clap found, told in our words; `None` if it is no mistake, or best answered by the help
    /// that clap prints.
    pub(crate) fn of(error: &clap::Error) -> Option<Self> {
        let found = Found(error);
        let argument = found.text(ContextKind::InvalidArg);
        let argument = argument.as_deref().unwrap_or_default();
        let option = option(argument);
        let (sentence, hint) = match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
            ErrorKind::UnknownArgument => (
                if argument.starts_with('-') {
                    format!("`{argument}`: there is no such option")
                } else {
                    format!("`{argument}`: nothing more is expected here")
                },
                found.nearest(ContextKind::SuggestedArg),
            ),
            ErrorKind::InvalidSubcommand => (
                format!(
                    "`{}`: there is no such command",
                    found
                        .text(ContextKind::InvalidSubcommand)
                        .unwrap_or_default()
                ),
                found.nearest(ContextKind::SuggestedSubcommand),
            ),
            ErrorKind::MissingSubcommand => (
                "the command is missing".to_owned(),
                found
                    .texts(ContextKind::ValidSubcommand)
                    .map(|names| format!("one of {}", listed(&names))),
            ),
            ErrorKind::InvalidValue => match found.text(ContextKind::InvalidValue) {
                Some(value) if !value.is_empty() => (
                    match found.texts(ContextKind::ValidValue) {
                        Some(valid) => format!("{option}: `{value}` is none of {}", listed(&valid)),
                        None => format!("{option}: `{value}` cannot be used"),
                    },
                    found.nearest(ContextKind::SuggestedValue),
                ),
                _ => (format!("{option}: a value is missing"), None),
            },
            ErrorKind::ValueValidation => {
                let value = found.text(ContextKind::InvalidValue).unwrap_or_default();
                let cause = std::error::Error::source(error).map(ToString::to_string);
                let cause = cause.unwrap_or_else(|| "cannot be used".to_owned());
                (format!("{option}: `{value}` {cause}"), None)
            }
            ErrorKind::MissingRequiredArgument => (
                format!(
                    "{} is missing",
                    listed(&found.names(ContextKind::InvalidArg).unwrap_or_default())
                ),
                None,
            ),
            ErrorKind::ArgumentConflict => {
                let others = found.names(ContextKind::PriorArg).unwrap_or_default();
                let sentence = if others.iter().all(|other| *other == name(argument)) {
                    format!("{option} is given more than once")
                } else {
                    format!("{option} and {} exclude each other", listed(&others))
                };
                (sentence, None)
            }
            _ => (first_line(error), None),
        };
        Some(Self {
            sentence,
            hint: hint.or_else(|| found.help()),
        })
    }
}

/// What clap tells of an error.
struct Found<'a>(&'a clap::Error);

impl Found<'_> {
    fn text(&self, kind: ContextKind) -> Option<String> {
        self.texts(kind)?.into_iter().next()
    }

    fn texts(&self, kind: ContextKind) -> Option<Vec<String>> {
        let texts = match self.0.get(kind)? {
            ContextValue::String(text) => vec![text.clone()],
            ContextValue::Strings(texts) => texts.clone(),
            _ => return None,
        };
        (!texts.is_empty()).then_some(texts)
    }

    fn names(&self, kind: ContextKind) -> Option<Vec<String>> {
        Some(self.texts(kind)?.iter().map(|it| name(it)).collect())
    }

    fn nearest(&self, kind: ContextKind) -> Option<String> {
        Some(match &self.names(kind)?[..] {
            [one] => format!("did you mean `{one}`?"),
            several => format!("did you mean one of {}?", listed(several)),
        })
    }

    /// The help of the command that was begun, by the usage that clap shows; where it shows none, the
    /// sentence says enough.
    fn help(&self) -> Option<String> {
        let Some(ContextValue::StyledStr(usage)) = self.0.get(ContextKind::Usage) else {
            return None;
        };
        let usage = usage.to_string();
        let words: Vec<&str> = usage
            .split_whitespace()
            .skip_while(|word| *word == "Usage:")
            .skip(1)
            .take_while(|word| !word.starts_with(['<', '[', '-']))
            .collect();
        let command = [&["layerpress"], &words[..], &["--help"]]
            .concat()
            .join(" ");
        Some(format!("`{command}` says what can be asked for"))
    }
}

/// `--option <VALUE>` as it is named in messages.
fn option(argument: &str) -> String {
    format!("`{}`", name(argument))
}

/// An option without its value's name, or what stands in an argument's place: `INPUT`.
fn name(argument: &str) -> String {
    let end = argument.find([' ', '=']).unwrap_or(argument.len());
    argument[..end]
        .trim_end_matches('.')
        .trim_matches(['<', '>'])
        .to_owned()
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// What clap itself says.
fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser as _;

    fn told(arguments: &str) -> String {
        let words = std::iter::once("layerpress").chain(arguments.split_whitespace());
        let error = Cli::try_parse_from(words).expect_err("a mistake");
        let mistake = Mistake::of(&error).expect("a mistake");
        match &mistake.hint {
            Some(hint) => format!("{mistake}\nhint: {hint}"),
            None => mistake.to_string(),
        }
    }

    #[test]
    fn mistakes_name_what_was_typed_and_what_would_be_right() {
        let mistakes = [
            "biuld requirements.txt",
            "frobnicate",
            "build requirements.txt --runtme python3.13",
            "build requirements.txt --zzz",
            "build",
            "build requirements.txt --layout flta",
            "build requirements.txt --layout",
            "build requirements.txt --jobs 0",
            "build requirements.txt --jobs many",
            "build requirements.txt --locked --upgrade",
            "build requirements.txt --output a --output b",
            "fetch pylock.toml another.toml",
            "cache nothing",
            "cache prune --max-size much",
            "cache prune --unused ever",
            "completions bsh",
            "--offlin cache dir",
        ];
        let told: Vec<String> = mistakes
            .iter()
            .map(|it| format!("$ {it}\n{}", told(it)))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        $ biuld requirements.txt
        `biuld`: there is no such command
        hint: did you mean `build`?
        $ frobnicate
        `frobnicate`: there is no such command
        hint: `layerpress --help` says what can be asked for
        $ build requirements.txt --runtme python3.13
        `--runtme`: there is no such option
        hint: did you mean `--runtime`?
        $ build requirements.txt --zzz
        `--zzz`: there is no such option
        hint: `layerpress build --help` says what can be asked for
        $ build
        `INPUT` is missing
        hint: `layerpress build --help` says what can be asked for
        $ build requirements.txt --layout flta
        `--layout`: `flta` is none of `flat`, `versioned`
        hint: did you mean `flat`?
        $ build requirements.txt --layout
        `--layout`: a value is missing
        $ build requirements.txt --jobs 0
        `--jobs`: `0` is not a whole number from 1 on
        $ build requirements.txt --jobs many
        `--jobs`: `many` is not a whole number from 1 on
        $ build requirements.txt --locked --upgrade
        `--locked` and `--upgrade` exclude each other
        hint: `layerpress build --help` says what can be asked for
        $ build requirements.txt --output a --output b
        `--output` is given more than once
        hint: `layerpress build --help` says what can be asked for
        $ fetch pylock.toml another.toml
        `another.toml`: nothing more is expected here
        hint: `layerpress fetch --help` says what can be asked for
        $ cache nothing
        `nothing`: there is no such command
        hint: `layerpress cache --help` says what can be asked for
        $ cache prune --max-size much
        `--max-size`: `much` is no size, which looks like `500MB`, `2GB` or `1000000`
        $ cache prune --unused ever
        `--unused`: `ever` is not a whole number of days
        $ completions bsh
        `SHELL`: `bsh` is none of `bash`, `elvish`, `fish`, `powershell`, `zsh`
        hint: did you mean `bash`?
        $ --offlin cache dir
        `--offlin`: there is no such option
        hint: did you mean `--offline`?
        ");
    }

    #[test]
    fn what_clap_answers_itself_is_left_to_it() {
        for arguments in [
            &["layerpress"][..],
            &["layerpress", "--help"],
            &["layerpress", "-V"],
        ] {
            let error = Cli::try_parse_from(arguments).expect_err("an answer");
            assert_eq!(Mistake::of(&error), None);
        }
    }
}
