//! From what people write (`^1.2`, `1.x || >=2 <3`, `1 - 2`) to primitive comparators.
//!
//! npm rewrites the text step by step: hyphen ranges, spaces after operators, carets, tildes,
//! x-ranges, stars. The steps and their order are kept, because strange texts show them; each step
//! is a small scanner.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::comparator::{Comparator, Fault, Operator, operator};
use super::range::Reading;
use super::scan::{Parts, is_sign, is_space, is_x, x_range};

/// The comparators of one alternative, the part of a range between two `||`; all of them must
/// hold. Empty when a loose text holds nothing readable; `None` when npm refuses the whole range.
pub(super) fn alternative(text: &str, reading: Reading) -> Option<Vec<Comparator>> {
    let text = without_build(text);
    let text = hyphen(&text, reading).map_or(text, Cow::Owned);
    // Most ranges are one word, in which there is nothing to trim.
    let text = match text.contains(is_space) {
        true => trim_after_tildes(&trim_after_comparators(&text))
            .replace("^ ", "^")
            .into(),
        false => text,
    };
    let words = each_word(&text, |word| Some(primitive(word, reading)));
    comparators(&words, reading)
}

/// Puts what `step` makes of a word in its place; a word that it makes nothing of stays.
fn each_word(text: &str, step: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(2 * text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        match step(word) {
            Some(new) => out.push_str(&new),
            None => out.push_str(word),
        }
    }
    out
}

fn comparators(text: &str, reading: Reading) -> Option<Vec<Comparator>> {
    let everything = if reading.prereleases {
        ">=0.0.0-0"
    } else {
        ">=0.0.0"
    };
    let mut found: Vec<Comparator> = Vec::new();
    for word in text.split(' ').enumerate().filter_map(|(at, word)| {
        // Only an empty word at either end is a comparator; between words it is a wide space.
        (!word.is_empty() || at == 0 || text.ends_with(' ')).then_some(word)
    }) {
        let word = if word == everything { "" } else { word };
        match Comparator::read(word, reading.loose) {
            Ok(comparator) if found.contains(&comparator) => {}
            Ok(comparator) => found.push(comparator),
            Err(Fault::NotOne) if reading.loose => {}
            Err(_) => return None,
        }
    }
    if let Some(at) = found.iter().position(Comparator::is_null) {
        return Some(vec![found.swap_remove(at)]);
    }
    if found.len() > 1 {
        found.retain(|comparator| *comparator != Comparator::Any);
    }
    Some(found)
}

/// Drops `+build` wherever it stands.
fn without_build(text: &str) -> Cow<'_, str> {
    if !text.contains('+') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('+') {
        let (before, from) = rest.split_at(at);
        let length = build_length(&from[1..]);
        out.push_str(before);
        if length == 0 {
            out.push('+');
        }
        rest = &from[1 + length..];
    }
    out.push_str(rest);
    out.into()
}

/// How many bytes of dot-separated identifiers a text begins with.
fn build_length(text: &str) -> usize {
    let mut length = 0;
    for id in text.split('.') {
        let end = id
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .unwrap_or(id.len());
        if end == 0 {
            break;
        }
        length += end + usize::from(length > 0);
        if end < id.len() {
            break;
        }
    }
    length
}

/// `1.2 - 3` to `>=1.2.0 <4.0.0-0`; `None` when the text is no hyphen range.
fn hyphen(text: &str, reading: Reading) -> Option<String> {
    let (from_text, to_text) = text.split_once(" - ")?;
    let from = x_range(from_text, reading.loose)?;
    let to = x_range(to_text, reading.loose)?;
    let lowest = if reading.prereleases { "-0" } else { "" };
    let mut out = if is_x(Some(from.major)) {
        String::new()
    } else if is_x(from.minor) {
        format!(">={}.0.0{lowest}", from.major)
    } else if is_x(from.patch) {
        format!(">={}.{}.0{lowest}", from.major, given(from.minor))
    } else if from.prerelease.is_some() {
        format!(">={from_text}")
    } else {
        format!(">={from_text}{lowest}")
    };
    let [major, minor, patch] = [Some(to.major), to.minor, to.patch];
    let end = if is_x(major) {
        String::new()
    } else if is_x(minor) {
        format!(" <{}.0.0-0", next(major))
    } else if is_x(patch) {
        format!(" <{}.{}.0-0", to.major, next(minor))
    } else if let Some(prerelease) = to.prerelease {
        format!(
            " <={}.{}.{}-{prerelease}",
            to.major,
            given(minor),
            given(patch)
        )
    } else if reading.prereleases {
        format!(" <{}.{}.{}-0", to.major, given(minor), next(patch))
    } else {
        format!(" <={to_text}")
    };
    out.push_str(&end);
    Some(out.trim_matches(is_space).to_owned())
}

/// `> 1.2` to `>1.2`: one space between an operator and a number goes.
fn trim_after_comparators(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (space, after) = split_space(rest);
        let signs = after.len() - operator(after).1.len();
        let (signs, after) = after.split_at(signs);
        let (_, number) = split_space(after);
        let digits = number.trim_start_matches(is_sign);
        if digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'x' | 'X' | '*')) {
            let end = digits
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-.*".contains(c)))
                .unwrap_or(digits.len());
            let used = number.len() - digits.len() + end;
            out.extend([space, signs, &number[..used]]);
            rest = &number[used..];
        } else {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out
}

fn split_space(text: &str) -> (&str, &str) {
    text.split_at(
        text.chars()
            .next()
            .filter(|c| is_space(*c))
            .map_or(0, char::len_utf8),
    )
}

/// `~ 1.2` and `~> 1.2` to `~1.2`.
fn trim_after_tildes(text: &str) -> String {
    text.replace("~> ", "~").replace("~ ", "~")
}

/// One word down to primitive comparators, separated by spaces. A word that is none of the forms
/// stays as it is.
fn primitive(word: &str, reading: Reading) -> String {
    let mut out = caret(word, reading).unwrap_or_else(|| word.to_owned());
    for step in [tilde, x_words] {
        out = each_word(&out, |word| step(word, reading));
    }
    without_star(out.trim_matches(is_space))
}

fn caret(word: &str, reading: Reading) -> Option<String> {
    let parts = x_range(word.strip_prefix('^')?, reading.loose)?;
    let [major, minor, patch] = [Some(parts.major), parts.minor, parts.patch];
    if is_x(major) {
        return Some(String::new());
    }
    let upper = if is_x(minor) || parts.major != "0" {
        format!("<{}.0.0-0", next(major))
    } else if is_x(patch) || minor != Some("0") {
        format!("<0.{}.0-0", next(minor))
    } else {
        format!("<0.0.{}-0", next(patch))
    };
    Some(lower(&parts, reading) + " " + &upper)
}

fn tilde(word: &str, reading: Reading) -> Option<String> {
    let rest = word.strip_prefix('~')?;
    let parts = x_range(rest.strip_prefix('>').unwrap_or(rest), reading.loose)?;
    if is_x(Some(parts.major)) {
        return Some(String::new());
    }
    let upper = if is_x(parts.minor) {
        format!("<{}.0.0-0", next(Some(parts.major)))
    } else {
        format!("<{}.{}.0-0", parts.major, next(parts.minor))
    };
    Some(lower(&parts, reading) + " " + &upper)
}

/// The lower bound of a caret or tilde range: what is not given is zero.
fn lower(parts: &Parts<'_>, reading: Reading) -> String {
    let lowest = if reading.prereleases { "-0" } else { "" };
    if is_x(parts.minor) {
        return format!(">={}.0.0{lowest}", parts.major);
    }
    if is_x(parts.patch) {
        return format!(">={}.{}.0{lowest}", parts.major, given(parts.minor));
    }
    let mut out = format!(
        ">={}.{}.{}",
        parts.major,
        given(parts.minor),
        given(parts.patch)
    );
    if let Some(prerelease) = parts.prerelease {
        let _ = write!(out, "-{prerelease}");
    }
    out
}

/// `>1.x`, `<=0.7`, `1.2.x` to comparators of whole versions.
fn x_words(word: &str, reading: Reading) -> Option<String> {
    let (sign, rest) = operator(word);
    let parts = x_range(split_space(rest).1, reading.loose)?;
    let [major, minor, patch] = [Some(parts.major), parts.minor, parts.patch];
    if (is_x(major) && !is_x(minor)) || (is_x(minor) && patch.is_some() && !is_x(patch)) {
        return None;
    }
    let lowest = if reading.prereleases { "-0" } else { "" };
    if is_x(major) {
        let nothing = matches!(sign, Operator::Greater | Operator::Less);
        return Some(if nothing { "<0.0.0-0" } else { "*" }.to_owned());
    }
    if !is_x(patch) {
        return None;
    }
    let zeros = |sign: &str, lowest: &str| {
        let minor = if is_x(minor) { "0" } else { given(minor) };
        format!("{sign}{}.{minor}.0{lowest}", parts.major)
    };
    let above = |sign: &str, lowest: &str| {
        if is_x(minor) {
            format!("{sign}{}.0.0{lowest}", next(major))
        } else {
            format!("{sign}{}.{}.0{lowest}", parts.major, next(minor))
        }
    };
    Some(match sign {
        Operator::Greater => above(">=", lowest),
        Operator::GreaterOrEqual => zeros(">=", lowest),
        Operator::Less => zeros("<", "-0"),
        Operator::LessOrEqual => above("<", "-0"),
        Operator::Equal => format!("{} {}", zeros(">=", lowest), above("<", "-0")),
    })
}

/// Drops the first `*` with the operator before it: anything at all is no condition.
fn without_star(text: &str) -> String {
    let Some(at) = text.find('*') else {
        return text.to_owned();
    };
    let before = &text[..at];
    let before = before.strip_suffix(is_space).unwrap_or(before);
    let before = before.strip_suffix('=').unwrap_or(before);
    let before = before.strip_suffix(['<', '>']).unwrap_or(before);
    format!("{before}{}", &text[at + 1..])
}

fn given(number: Option<&str>) -> &str {
    number.unwrap_or("0")
}

/// The number after this one; above what npm reads it stays too large to be read.
fn next(number: Option<&str>) -> String {
    given(number)
        .parse::<u64>()
        .unwrap_or(u64::MAX)
        .saturating_add(1)
        .to_string()
}
