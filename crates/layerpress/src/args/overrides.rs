//! `--keep` and `--drop`: options whose order counts, also between the two.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use layerpress_compile::Choice;

/// What the user says must stay or may go, in the order in which it was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct OverrideArgs {
    pub choices: Vec<Choice>,
}

const KEEP: &str = "keep";
const DROP: &str = "drop";

impl Args for OverrideArgs {
    fn augment_args(command: Command) -> Command {
        let keep = "Keep the files that a pattern means, as they are and whatever the rules say: `docs`, \
                    `python/numpy/tests/**`, `numpy:**/*.pyi`, `rule:type-stubs`; of `--keep` and \
                    `--drop` the last one that means a file counts, and `!` turns it around; \
                    what makes files smaller goes by its name too, as `rule:elf-strip`, and for one \
                    package alone as `numpy:rule:elf-strip` (repeatable)";
        let drop = "Leave out the files that a pattern means; `rule:` with the name of what makes files \
                    smaller applies it, whatever the profile (repeatable)";
        let option = |name: &'static str, variable: &'static str, help: &'static str| {
            Arg::new(name)
                .long(name)
                .value_name("PATTERN")
                .help(help)
                .env(variable)
                .hide_env(true)
                // A pattern may hold whatever else separates values.
                .value_delimiter('\n')
                .action(ArgAction::Append)
        };
        command
            .arg(option(KEEP, "LAYERPRESS_KEEP", keep))
            .arg(option(DROP, "LAYERPRESS_DROP", drop))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OverrideArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut read = Self::default();
        read.update_from_arg_matches(matches)?;
        Ok(read)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let mut found = Vec::new();
        for (name, keep) in [(KEEP, true), (DROP, false)] {
            // What a variable says comes before what is typed, which beats it.
            let is_typed = matches.value_source(name) == Some(ValueSource::CommandLine);
            let places = matches.indices_of(name).into_iter().flatten();
            let patterns = matches.get_many::<String>(name).into_iter().flatten();
            for (place, pattern) in places.zip(patterns) {
                let pattern = pattern.clone();
                found.push(((is_typed, place), Choice { keep, pattern }));
            }
        }
        found.sort_by_key(|(place, _)| *place);
        self.choices = found.into_iter().map(|(_, choice)| choice).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        overrides: OverrideArgs,
    }

    #[test]
    fn both_options_stay_in_the_order_in_which_they_were_typed() {
        let typed = [
            "x",
            "--drop",
            "a",
            "--keep",
            "b",
            "--drop=!c",
            "--keep",
            "d",
        ];
        let cli = Cli::try_parse_from(typed).expect("understood");
        let told: Vec<String> = cli
            .overrides
            .choices
            .iter()
            .map(|it| format!("{}{}", if it.keep { "+" } else { "-" }, it.pattern))
            .collect();
        assert_eq!(told, ["-a", "+b", "-!c", "+d"]);
    }
}
