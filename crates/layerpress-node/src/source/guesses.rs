//! Which package somebody may have meant by a name that does not exist.

use std::collections::BTreeSet;

use crate::name::PackageName;

/// Names under which people look for a package.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("angular", "@angular/core"),
    ("aws-cdk", "aws-cdk-lib"),
    ("aws-lambda-powertools", "@aws-lambda-powertools/logger"),
    ("babel", "@babel/core"),
    ("middy", "@middy/core"),
    ("mysql", "mysql2"),
    ("nest", "@nestjs/core"),
    ("nestjs", "@nestjs/core"),
    ("opentelemetry", "@opentelemetry/api"),
    ("postgres", "pg"),
    ("postgresql", "pg"),
    ("sentry", "@sentry/node"),
    ("stripe-node", "stripe"),
];

/// Names that are asked for everywhere, for spelling.
const POPULAR: &[&str] = &[
    "@aws-sdk/client-dynamodb",
    "@aws-sdk/client-lambda",
    "@aws-sdk/client-s3",
    "@aws-sdk/client-secrets-manager",
    "@aws-sdk/client-sns",
    "@aws-sdk/client-sqs",
    "@aws-sdk/client-ssm",
    "@aws-sdk/lib-dynamodb",
    "@prisma/client",
    "ajv",
    "async",
    "aws-sdk",
    "axios",
    "bcrypt",
    "better-sqlite3",
    "body-parser",
    "chalk",
    "commander",
    "cors",
    "date-fns",
    "dayjs",
    "debug",
    "dotenv",
    "esbuild",
    "eslint",
    "express",
    "fastify",
    "fs-extra",
    "graphql",
    "helmet",
    "hono",
    "ioredis",
    "jest",
    "jsonwebtoken",
    "knex",
    "lodash",
    "minimist",
    "moment",
    "mongodb",
    "mongoose",
    "multer",
    "mysql2",
    "nanoid",
    "node-fetch",
    "nodemailer",
    "passport",
    "pino",
    "prettier",
    "puppeteer-core",
    "react",
    "react-dom",
    "redis",
    "request",
    "rxjs",
    "semver",
    "sequelize",
    "sharp",
    "socket.io",
    "typeorm",
    "typescript",
    "undici",
    "uuid",
    "webpack",
    "winston",
    "yargs",
];

/// How many names are looked up to find the one that was meant.
const GUESSES: usize = 24;

/// Names near a wrong one: those that are known, then those that it could be a slip of, each the
/// likeliest first; `own` are those that the project asks for itself.
pub(super) fn guesses<'o>(
    wrong: &PackageName,
    own: impl IntoIterator<Item = &'o str>,
) -> [Vec<PackageName>; 2] {
    let text = wrong.as_str().to_lowercase();
    let other = OTHER_NAMES.iter().filter(|(from, _)| *from == text);
    let other = other.map(|(_, to)| (*to).to_owned());
    // A name that stands elsewhere in the user's own file, or that is well known, misspelt here.
    let known = own.into_iter().chain(POPULAR.iter().copied());
    let mut near: Vec<(usize, &str)> = known
        .filter(|known| *known != wrong.as_str())
        .map(|known| (strsim::osa_distance(&text, known), known))
        .filter(|(distance, _)| *distance <= 2 && distance * 3 <= text.len())
        .collect();
    near.sort_unstable();
    let best = near.first().map(|(distance, _)| *distance);
    near.retain(|(distance, _)| Some(*distance) == best);
    let near = near.into_iter().map(|(_, known)| known.to_owned());
    let slips = [text.clone()]
        .into_iter()
        .chain(in_scopes(&text))
        .chain(parted_otherwise(&text))
        .chain(with_other_ends(&text))
        .chain(respelt(&text))
        .chain(parted(&text));
    let mut seen = BTreeSet::new();
    let mut names = |guesses: &mut dyn Iterator<Item = String>| {
        guesses
            .filter_map(|guess| PackageName::parse(&guess).ok())
            .filter(|guess| guess != wrong && seen.insert(guess.clone()))
            .take(GUESSES)
            .collect()
    };
    [names(&mut other.chain(near)), names(&mut slips.into_iter())]
}

/// The first words as a scope, or the scope as the first words: `babel-core` is `@babel/core`.
fn in_scopes(text: &str) -> Vec<String> {
    match text.strip_prefix('@').and_then(|it| it.split_once('/')) {
        Some((scope, name)) => vec![format!("{scope}-{name}"), name.to_owned()],
        None => text
            .match_indices(['-', '.', '_'])
            .map(|(at, _)| format!("@{}/{}", &text[..at], &text[at + 1..]))
            .take(3)
            .collect(),
    }
}

/// With another sign between the words, or none.
fn parted_otherwise(text: &str) -> Vec<String> {
    let (scope, name) = match text.rsplit_once('/') {
        Some((scope, name)) => (format!("{scope}/"), name),
        None => (String::new(), text),
    };
    ["-", "", "_", "."]
        .iter()
        .map(|sign| format!("{scope}{}", name.replace(['-', '_', '.'], sign)))
        .collect()
}

/// One or many, with `js` and without.
fn with_other_ends(text: &str) -> Vec<String> {
    let mut guesses = Vec::new();
    for end in ["s", ".js", "-js", "js"] {
        match text.strip_suffix(end) {
            Some(without) => guesses.push(without.to_owned()),
            None if end == "s" => guesses.push(format!("{text}s")),
            None => {}
        }
    }
    guesses.extend(text.strip_prefix("node-").map(str::to_owned));
    guesses
}

/// Without a letter that stands there twice, or with two neighbours in the other order.
fn respelt(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let twice = (1..letters.len()).filter(|&at| letters[at] == letters[at - 1]);
    let once = twice.map(|at| {
        let mut letters = letters.clone();
        letters.remove(at);
        letters.into_iter().collect()
    });
    let swapped = (1..letters.len()).rev().map(|at| {
        let mut letters = letters.clone();
        letters.swap(at - 1, at);
        letters.into_iter().collect()
    });
    once.chain(swapped).collect()
}

/// As two words, where it is one.
fn parted(text: &str) -> Vec<String> {
    let is_one = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let inside = if is_one {
        2..text.len().saturating_sub(1)
    } else {
        0..0
    };
    inside
        .map(|at| format!("{}-{}", &text[..at], &text[at..]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(text: &str) -> Vec<String> {
        let own = ["@team/widgets", "left-pad"];
        let guesses = guesses(&PackageName::parse(text).unwrap(), own);
        guesses.iter().flatten().map(ToString::to_string).collect()
    }

    #[test]
    fn the_name_that_was_meant_is_among_the_guesses() {
        for (wrong, meant) in [
            ("expres", "express"),
            ("lodahs", "lodash"),
            ("Express", "express"),
            ("babel-core", "@babel/core"),
            ("aws-sdk-client-s3", "@aws-sdk/client-s3"),
            ("@aws-sdk/client-s33", "@aws-sdk/client-s3"),
            ("body_parser", "body-parser"),
            ("@scope/body_parser", "@scope/body-parser"),
            ("@types/uuid", "uuid"),
            ("nest", "@nestjs/core"),
            ("leftpad", "left-pad"),
            ("onetwo", "one-two"),
            ("@team/widget", "@team/widgets"),
            ("is-odds", "is-odd"),
            ("is-even", "is-evens"),
            ("colorss-x", "colors-x"),
            ("colosr-x", "colors-x"),
            ("moment.js", "moment"),
            ("node-uuid", "uuid"),
        ] {
            let guesses = guessed(wrong);
            assert!(guesses.contains(&meant.to_owned()), "{wrong}: {guesses:?}");
            assert!(!guesses.contains(&wrong.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn few_names_are_looked_up() {
        let long = "a-b".repeat(60);
        assert_eq!(guessed(&long).len(), GUESSES);
        assert!(guessed("a").len() < GUESSES);
        // What is well known goes before what may be anything.
        let name = PackageName::parse("@aws-sdk/client-s33").unwrap();
        let [known, _] = guesses(&name, []);
        assert_eq!(known, [PackageName::parse("@aws-sdk/client-s3").unwrap()]);
    }
}
