//! Requirements and version specifiers as real metadata holds them.
//!
//! Tools of twenty years wrote what no specification allows: `foo (>=1.0.*)`, `>=2.7,!=3.0*`,
//! `>=7.2<8`, `>dev`, stray quotes and commas. What a strict reading refuses is repaired where its
//! meaning is beyond doubt, the same forms that uv repairs, so that both see the same versions.
//! What the user writes is read strictly and never comes here.

use std::borrow::Cow;
use std::str::FromStr;

use layerpress_lock::ill_named;
use pep440_rs::{Version, VersionSpecifiers};
use url::Url;

/// A dependency in metadata; its markers are not evaluated yet.
pub type Dependency = pep508_rs::Requirement<Url>;

/// How deep parentheses may nest in a requirement (RELIABILITY.md: markers 32).
///
/// `pep508_rs` recurses once per level and overflows the stack at about 1,000.
const MAX_DEPTH: usize = 32;

/// How long one requirement may be, in bytes. The longest real ones are markers that list a dozen
/// spellings of a machine's name, well below 1 KiB.
const MAX_LENGTH: usize = 16 * 1024;

/// How many different strings the marker of a requirement may compare with if it has both `and` and
/// `or`: the tree that stands for it can double with every two of them.
const MAX_MIXED_STRINGS: usize = 32;

/// Reads a requirement, repaired if need be; gives the text too from which it is read strictly.
///
/// # Errors
/// Why it cannot be read, as a lowercase fragment.
pub(crate) fn dependency(text: &str) -> Result<(Dependency, Cow<'_, str>), String> {
    let strict = |text: &str| {
        guard(text)?;
        guard_names(text)?;
        marker_work(text)?;
        Dependency::from_str(text).map_err(|error| first_line(&error.message.to_string()))
    };
    match strict(text) {
        Ok(dependency) => Ok((dependency, Cow::Borrowed(text))),
        Err(reason) => repaired_dependency(text)
            .and_then(|repaired| Some((strict(&repaired).ok()?, Cow::Owned(repaired))))
            .ok_or(reason),
    }
}

/// How large the tree of a requirement's marker may get, roughly, in nodes.
///
/// # Errors
/// If that is more than a requirement is worth.
pub(crate) fn marker_work(text: &str) -> Result<u64, String> {
    let Some((_, marker)) = text.split_once(';') else {
        return Ok(1);
    };
    let has = |word| {
        marker
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|found| found == word)
    };
    if !(has("and") && has("or")) {
        return Ok(1);
    }
    let mut strings: Vec<&str> = quoted(marker).collect();
    strings.sort_unstable();
    strings.dedup();
    if strings.len() > MAX_MIXED_STRINGS {
        return Err(format!(
            "a marker with {} different strings, more than {MAX_MIXED_STRINGS}",
            strings.len()
        ));
    }
    Ok(1 << (strings.len() / 2))
}

/// The quoted strings of a text.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(is_quote)?;
        let quote = rest[start..].chars().next()?;
        let (inside, after) = rest[start + 1..].split_once(quote)?;
        rest = after;
        Some(inside)
    })
}

/// Reads version specifiers, repaired if need be.
///
/// # Errors
/// Why they cannot be read, as a lowercase fragment.
pub(crate) fn specifiers(text: &str) -> Result<VersionSpecifiers, String> {
    guard(text)?;
    VersionSpecifiers::from_str(text).or_else(|error| {
        VersionSpecifiers::from_str(&repaired_specifiers(text))
            .map_err(|_| first_line(&error.to_string()))
    })
}

fn guard(text: &str) -> Result<(), String> {
    if let Some((_, marker)) = text.split_once(';')
        && let Some(fault) = not_ascii(marker)
    {
        return Err(fault.to_owned());
    }
    if text.len() > MAX_LENGTH {
        return Err(format!("{} bytes long, more than {MAX_LENGTH}", text.len()));
    }
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("parentheses nested deeper than {MAX_DEPTH}"));
        }
    }
    Ok(())
}

/// Why a marker is not given to `pep508_rs`, which takes its positions in bytes for positions in
/// characters and panics where they differ. No value of a marker variable needs more than ASCII.
pub(crate) fn not_ascii(marker: &str) -> Option<&'static str> {
    (!marker.is_ascii()).then_some("it holds a character that is not ASCII")
}

/// Refuses the names on which `pep508_rs` panics.
fn guard_names(text: &str) -> Result<(), String> {
    match ill_named(text) {
        Some(name) => Err(format!(
            "`{}` does not end in a letter or digit",
            first_line(name)
        )),
        None => Ok(()),
    }
}

/// `name[extras] specifiers ; marker` with the specifiers repaired; `None` for URLs and for what
/// has no name.
fn repaired_dependency(text: &str) -> Option<String> {
    let (head, marker) = match text.split_once(';') {
        Some((head, marker)) => (head, Some(marker)),
        None => (text, None),
    };
    let head: String = head.chars().filter(|c| !is_quote(*c)).collect();
    let head = head.trim();
    let name_end = head.find(|c| !is_name(c)).unwrap_or(head.len());
    let (name, rest) = head.split_at(name_end);
    let rest = rest.trim_start();
    let (extras, rest) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((extras, rest)) => (format!("[{extras}]"), rest.trim_start()),
        None => (String::new(), rest),
    };
    if name.is_empty() || rest.starts_with('@') {
        return None;
    }
    let specifiers = repaired_specifiers(rest);
    if !specifiers.is_empty() && !specifiers.starts_with(is_operator) {
        return None;
    }
    let marker = marker
        .filter(|marker| !marker.trim().is_empty())
        .map(|marker| format!(" ; {marker}"))
        .unwrap_or_default();
    Some(format!("{name}{extras}{specifiers}{marker}"))
}

fn repaired_specifiers(text: &str) -> String {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        text = inner.trim();
    }
    clauses(text)
        .iter()
        .map(|clause| repaired_clause(clause))
        .collect::<Vec<_>>()
        .join(",")
}

/// The clauses of a specifier list, at commas and wherever an operator begins.
fn clauses(text: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    let mut after_operator = true;
    for c in text.chars().filter(|c| !is_quote(*c)) {
        let operator = is_operator(c);
        if c == ',' || (operator && !after_operator) {
            clauses.push(String::new());
        }
        if c != ',' {
            clauses.last_mut().into_iter().for_each(|last| last.push(c));
        }
        if !c.is_whitespace() {
            after_operator = operator || c == ',';
        }
    }
    clauses.retain(|clause| !clause.trim().is_empty());
    clauses
}

fn repaired_clause(clause: &str) -> String {
    let clause = clause.trim();
    let version_start = clause
        .find(|c: char| !is_operator(c))
        .unwrap_or(clause.len());
    let (operator, version) = clause.split_at(version_start);
    let mut version = version.trim().to_owned();
    let mut operator = operator;
    if operator == "!=~" {
        operator = "!=";
        version.push_str(".*");
    }
    if operator == ">" && version == "dev" {
        "0.0.0dev".clone_into(&mut version);
    }
    if let Some(stem) = version.strip_suffix('*')
        && stem.ends_with(|c: char| c.is_ascii_digit())
    {
        version = format!("{stem}.*");
    }
    if matches!(operator, "<" | "<=" | ">" | ">=")
        && let Some(stem) = version.strip_suffix(".*")
    {
        version = stem.to_owned();
    }
    // `9.0.0a1.0`: a zero that a tool added to what it took for a release number.
    if let Some(stem) = version.strip_suffix(".0")
        && Version::from_str(&version).is_err()
        && Version::from_str(stem).is_ok_and(|v| v.any_prerelease() || v.is_post())
    {
        version = stem.to_owned();
    }
    format!("{operator}{version}")
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_joiner(c)
}

fn is_joiner(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

fn is_operator(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '~')
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"')
}

/// The crates' errors go on with the input and a caret below it; the first line says what is wrong.
fn first_line(message: &str) -> String {
    message
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .flat_map(|c| {
            let escape = c.is_control();
            escape
                .then(|| c.escape_default())
                .into_iter()
                .flatten()
                .chain((!escape).then_some(c))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn legacy_specifiers_mean_what_they_meant() {
        for (written, meant) in [
            (">=7.2.0<8.0.0", ">=7.2.0,<8.0.0"),
            (">=2.6 <3", ">=2.6,<3"),
            ("!=~5.0,>=4.12", "!=5.0.*,>=4.12"),
            ("!=~5", "!=5.*"),
            (">=1.9.*", ">=1.9"),
            ("<3.4.*", "<3.4"),
            (">=2.7,!=3.0*,!=3.1*", ">=2.7,!=3.0.*,!=3.1.*"),
            (">=3.6,", ">=3.6"),
            (">=3.6, ", ">=3.6"),
            (",>=3.6", ">=3.6"),
            (">= '2.7'", ">=2.7"),
            (">=\"3.6\"", ">=3.6"),
            (">=2.7, !=3.1.*', !=3.3.*'", ">=2.7,!=3.1.*,!=3.3.*"),
            (">dev", ">0.0.0dev"),
            (">=9.0.0a1.0", ">=9.0.0a1"),
            (">=9a1.0", ">=9a1"),
            ("(>=3.6)", ">=3.6"),
        ] {
            let meant: VersionSpecifiers = meant.parse().expect("valid");
            assert_eq!(specifiers(written), Ok(meant), "{written}");
        }
    }

    #[test]
    fn legacy_requirements_mean_what_they_meant() {
        for (written, meant) in [
            (
                "elasticsearch-dsl (>=7.2.0<8.0.0)",
                "elasticsearch-dsl>=7.2.0,<8.0.0",
            ),
            ("torch (>=1.9.*)", "torch>=1.9"),
            ("pyzmq (>=2.7,!=3.0*)", "pyzmq>=2.7,!=3.0.*"),
            ("botocore>=1.3.0,<1.4.0',", "botocore>=1.3.0,<1.4.0"),
            (
                "numpy \">=1.19\"; python_version >= \"3.7\"",
                "numpy>=1.19; python_version >= \"3.7\"",
            ),
            ("'numpy' >=1.19", "numpy>=1.19"),
            (
                "a[x,y] (>=1.0.*) ; extra == 'z'",
                "a[x,y]>=1.0 ; extra == 'z'",
            ),
            ("six ;", "six"),
        ] {
            let meant: Dependency = meant.parse().expect("valid");
            let (found, text) = dependency(written).expect(written);
            assert_eq!(found, meant, "{written}");
            assert_eq!(
                text.parse::<Dependency>().expect("strict"),
                meant,
                "{written}"
            );
        }
    }

    #[test]
    fn what_has_no_clear_meaning_is_refused() {
        let said: Vec<_> = [
            "",
            "a.>1",
            "a[b-]",
            "six one",
            "six >=",
            "six >= x",
            ">=1",
            "a @ b",
            "a ; python == 3",
            "a ; os_name=='a' ééé and",
            "a ; os_name == 'é'",
        ]
        .into_iter()
        .map(|text| format!("{text:?}: {}", dependency(text).expect_err(text)))
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        "": Empty field is not allowed for PEP508
        "a.>1": `a.` does not end in a letter or digit
        "a[b-]": `b-` does not end in a letter or digit
        "six one": Expected one of `@`, `(`, `<`, `=`, `>`, `~`, `!`, `;`, found `o`
        "six >=": Unexpected end of version specifier, expected version
        "six >= x": expected version to start with a number, but no leading ASCII digits were found
        ">=1": Expected package name starting with an alphanumeric character, found `>`
        "a @ b": relative URL without a base
        "a ; python == 3": Expected a quoted string or a valid marker name, found `python`
        "a ; os_name=='a' ééé and": it holds a character that is not ASCII
        "a ; os_name == 'é'": it holds a character that is not ASCII
        "#);
    }

    #[test]
    fn nesting_is_capped_before_it_can_overflow_the_stack() {
        let marker = |depth| {
            let (open, close) = ("(".repeat(depth), ")".repeat(depth));
            format!("six ; {open}os_name == 'posix'{close}")
        };
        assert!(dependency(&marker(32)).is_ok());
        assert_eq!(
            dependency(&marker(33)),
            Err("parentheses nested deeper than 32".to_owned())
        );
        assert!(dependency(&marker(8_000)).is_err());
        assert!(dependency(&"a".repeat(MAX_LENGTH + 1)).is_err());
    }

    /// A conjunction of `pairs` disjunctions: its tree doubles with each.
    fn mixed(pairs: usize) -> String {
        let pairs: Vec<_> = (0..pairs)
            .map(|n| format!("(os_name == 'a{n}' or sys_platform == 'b{n}')"))
            .collect();
        format!("six ; {}", pairs.join(" and "))
    }

    #[test]
    fn markers_that_would_grow_without_end_are_refused() {
        assert_eq!(marker_work("six ; os_name == 'a' or os_name == 'b'"), Ok(1));
        assert_eq!(marker_work(&mixed(6)), Ok(64));
        assert_eq!(
            dependency(&mixed(17)),
            Err("a marker with 34 different strings, more than 32".to_owned())
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(
            text in "\\PC{0,80}",
            near in "[a-z]{1,3}[\\[\\]<>=!~,.*()'\"; 0-9a-z@]{0,40}",
            marker in "a ?;(os_name|extra| |==|'a'|é|'é'|and|or|\\(|\\)|not|in){0,8}",
        ) {
            let _ = dependency(&marker);
            let _ = dependency(&text);
            let _ = dependency(&near);
            let _ = specifiers(&text);
            let _ = specifiers(&near);
        }
    }
}
