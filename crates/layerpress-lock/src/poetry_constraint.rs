//! Poetry's version constraints (`^1.2`, `~1.2`, `1.2.*`, `>=1 <2`, `a || b`) in terms of PEP 440.

use pep440_rs::{Version, VersionSpecifier, VersionSpecifiers};

/// The alternatives of `constraint`, of which one has to hold; never empty.
///
/// Source: Poetry's documentation, "Dependency specification", version 2.
///
/// # Errors
/// The clause that is none.
pub fn alternatives(constraint: &str) -> Result<Vec<VersionSpecifiers>, String> {
    constraint
        .replace("||", "|")
        .split('|')
        .map(|alternative| {
            let mut specifiers = Vec::new();
            for clause in clauses(alternative) {
                specifiers.extend(translate(&clause).ok_or(clause)?);
            }
            Ok(specifiers.into_iter().collect())
        })
        .collect()
}

/// Clauses parted by commas or white space, with the white space behind operators gone.
fn clauses(text: &str) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for word in text.split(|c: char| c == ',' || c.is_whitespace()) {
        match clauses.last_mut() {
            _ if word.is_empty() => {}
            Some(last) if last.chars().all(is_operator) => last.push_str(word),
            _ => clauses.push(word.to_owned()),
        }
    }
    clauses
}

fn is_operator(character: char) -> bool {
    "<>=!~^".contains(character)
}

fn translate(clause: &str) -> Option<Vec<VersionSpecifier>> {
    let (operator, version) = clause.split_at(clause.find(|c| !is_operator(c))?);
    if version == "*" {
        return matches!(operator, "" | "==" | "=").then(Vec::new);
    }
    let one = |text: String| text.parse().ok().map(|specifier| vec![specifier]);
    match operator {
        "^" => between(version, significant),
        "~" => between(version, |release| release.len().min(2)),
        "" | "=" | "==" => one(format!("=={}", wildcard(version))),
        "!=" => one(format!("!={}", wildcard(version))),
        _ => one(format!("{operator}{version}")),
    }
}

/// `1.2.x` is another spelling of `1.2.*`.
fn wildcard(version: &str) -> String {
    match version.strip_suffix(".x") {
        Some(version) => format!("{version}.*"),
        None => version.to_owned(),
    }
}

/// From `version` up to the next one in the place that `places` tells.
fn between(version: &str, places: fn(&[u64]) -> usize) -> Option<Vec<VersionSpecifier>> {
    let version: Version = version.trim_end_matches(".*").parse().ok()?;
    let release = version.release();
    let mut upper = release[..places(release)].to_vec();
    let last = upper.last_mut()?;
    *last = last.checked_add(1)?;
    let upper = Version::new(upper).with_epoch(version.epoch());
    Some(vec![
        VersionSpecifier::greater_than_equal_version(version),
        VersionSpecifier::less_than_version(upper),
    ])
}

/// A caret keeps the first number that is not zero, and all of a version that is zero throughout.
fn significant(release: &[u64]) -> usize {
    release
        .iter()
        .position(|n| *n != 0)
        .map_or(release.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn translated(constraint: &str) -> String {
        let alternatives = alternatives(constraint).expect(constraint);
        let texts: Vec<String> = alternatives.iter().map(ToString::to_string).collect();
        texts.join(" || ")
    }

    #[test]
    fn constraints_mean_what_poetry_says() {
        for (constraint, expected) in [
            ("^1.2.3", ">=1.2.3, <2"),
            ("^1.2", ">=1.2, <2"),
            ("^1", ">=1, <2"),
            ("^0.2.3", ">=0.2.3, <0.3"),
            ("^0.0.3", ">=0.0.3, <0.0.4"),
            ("^0.0", ">=0.0, <0.1"),
            ("^0", ">=0, <1"),
            ("^1.0b2", ">=1.0b2, <2"),
            ("~1.2.3", ">=1.2.3, <1.3"),
            ("~1.2", ">=1.2, <1.3"),
            ("~1", ">=1, <2"),
            ("*", ""),
            ("1.2.*", "==1.2.*"),
            ("1.2.x", "==1.2.*"),
            ("1.2.3", "==1.2.3"),
            ("==1.2.3", "==1.2.3"),
            (">=1.2,<2.0", ">=1.2, <2.0"),
            (">= 1.2 < 2.0", ">=1.2, <2.0"),
            ("!=1.5", "!=1.5"),
            ("~=1.5", "~=1.5"),
            ("^3.8 || ~2.7", ">=3.8, <4 || >=2.7, <2.8"),
        ] {
            assert_eq!(translated(constraint), expected, "{constraint}");
        }
    }

    #[test]
    fn what_is_no_constraint_is_named() {
        assert_eq!(alternatives(">=1,latest"), Err("latest".into()));
        assert_eq!(alternatives("^x"), Err("^x".into()));
        assert_eq!(alternatives("^"), Err("^".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_translated_or_refused(text in "\\PC{0,20}|[\\^~=<>!*., |0-9x]{0,20}") {
            let _ = alternatives(&text);
        }

        #[test]
        fn a_caret_admits_its_own_version(a in 0u64..5, b in 0u64..5, c in 0u64..5) {
            let text = format!("{a}.{b}.{c}");
            let version: Version = text.parse().expect("valid");
            for operator in ["^", "~", ""] {
                let specifiers = alternatives(&format!("{operator}{text}")).expect("valid");
                prop_assert!(specifiers[0].contains(&version));
            }
        }
    }
}
