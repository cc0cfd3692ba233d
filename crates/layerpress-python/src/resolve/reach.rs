//! For whom a release has wheels, in words.

use std::collections::BTreeSet;

use pep508_rs::MarkerEnvironment;

/// How many words are listed.
const WORDS: usize = 6;

/// `Python 3.7 to 3.10` if the wheels are for another Python than the target's, `Windows and macOS`
/// if they are for other systems, else the platform tags; `None` if there are no wheels.
pub(super) fn reach(
    platforms: &[String],
    pythons: &[String],
    target: &MarkerEnvironment,
) -> Option<String> {
    let machine = target.platform_machine();
    let for_target = |tag: &&String| {
        *tag == "any" || (tag.contains("linux") && !is_musl(tag) && tag.ends_with(machine))
    };
    let near: Vec<&String> = platforms.iter().filter(for_target).collect();
    let versions: BTreeSet<(u64, u64)> = pythons.iter().filter_map(|tag| version(tag)).collect();
    let release = target.python_version().version.release().to_vec();
    let other_python = match release[..] {
        [major, minor, ..] => {
            let generic = format!("py{major}");
            !versions.contains(&(major, minor)) && !pythons.contains(&generic)
        }
        _ => false,
    };
    if !near.is_empty() && other_python && !versions.is_empty() {
        return Some(format!("Python {}", runs(&versions)));
    }
    let words: Vec<String> = if near.is_empty() {
        distinct(platforms.iter().map(|tag| system(tag)))
    } else if other_python {
        pythons.to_vec()
    } else if near.iter().any(|tag| *tag == "any") {
        // Neither the system nor the Python: nothing that people have a word for.
        return None;
    } else {
        near.into_iter().cloned().collect()
    };
    match words.split_last()? {
        (last, []) => Some(last.clone()),
        _ if words.len() > WORDS => Some(format!("{}, …", words[..WORDS].join(", "))),
        (last, others) => Some(format!("{} and {last}", others.join(", "))),
    }
}

fn is_musl(tag: &str) -> bool {
    tag.starts_with("musllinux")
}

/// What people call the systems of a platform tag.
fn system(tag: &str) -> String {
    let machine = [
        "x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64",
    ]
    .into_iter()
    .find(|machine| tag.ends_with(machine))
    .unwrap_or_default();
    match tag {
        _ if tag.starts_with("win") => "Windows".to_owned(),
        _ if tag.starts_with("macosx") => "macOS".to_owned(),
        _ if is_musl(tag) => format!("Linux {machine} with musl"),
        _ if tag.contains("linux") && !machine.is_empty() => format!("Linux {machine}"),
        _ => tag.to_owned(),
    }
}

fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for word in words {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    distinct
}

/// `cp313` → 3.13.
fn version(tag: &str) -> Option<(u64, u64)> {
    let digits = tag.strip_prefix("cp").or_else(|| tag.strip_prefix("py"))?;
    let (major, minor) = digits.split_at_checked(1)?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `3.6, 3.8 to 3.10`.
fn runs(versions: &BTreeSet<(u64, u64)>) -> String {
    let mut runs: Vec<((u64, u64), (u64, u64))> = Vec::new();
    for &version in versions {
        match runs.last_mut() {
            Some((_, last)) if (last.0, last.1 + 1) == version => *last = version,
            _ => runs.push((version, version)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| match first == last {
            true => format!("{}.{}", first.0, first.1),
            false => format!("{}.{} to {}.{}", first.0, first.1, last.0, last.1),
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::tests::universe::environment;

    fn told(platforms: &[&str], pythons: &[&str]) -> String {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let target = environment("3.12.9");
        reach(&owned(platforms), &owned(pythons), &target).unwrap_or_default()
    }

    #[test]
    fn the_reason_is_what_is_told() {
        let linux = "manylinux_2_17_x86_64";
        assert_eq!(
            told(&[linux, "win32"], &["cp36", "cp37", "cp39", "cp310"]),
            "Python 3.6 to 3.7, 3.9 to 3.10"
        );
        assert_eq!(
            told(&["win32", "win_amd64", "macosx_11_0_arm64"], &["cp312"]),
            "Windows and macOS"
        );
        assert_eq!(
            told(
                &["musllinux_1_2_x86_64", "manylinux2014_aarch64"],
                &["cp312"]
            ),
            "Linux x86_64 with musl and Linux aarch64"
        );
        assert_eq!(
            told(&["manylinux_2_99_x86_64"], &["cp312"]),
            "manylinux_2_99_x86_64"
        );
        assert_eq!(told(&["any"], &["graalpy310"]), "graalpy310");
        assert_eq!(told(&["any"], &["py3"]), "");
        assert_eq!(told(&[], &[]), "");
    }
}
