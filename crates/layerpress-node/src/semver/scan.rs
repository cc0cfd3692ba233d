//! The grammar of a single version or x-range, told apart from the operators around it.
//!
//! In comes a text, out come its parts as written: numbers may still have leading zeros (loose) or
//! be too large; whoever makes a [`Version`](super::Version) of them decides. Nothing here
//! allocates.

/// The parts of a version or of an x-range such as `1.2.x`, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    pub(super) major: &'t str,
    pub(super) minor: Option<&'t str>,
    pub(super) patch: Option<&'t str>,
    /// What follows the hyphen; the hyphen itself may be missing in loose texts.
    pub(super) prerelease: Option<&'t str>,
    pub(super) build: Option<&'t str>,
}

/// White space as JavaScript's `\s` sees it, a byte order mark included.
pub(super) fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// Reads a whole version: all three numbers are there.
pub(super) fn version(text: &str, loose: bool) -> Option<Parts<'_>> {
    let text = if loose {
        text.trim_start_matches(is_sign)
    } else {
        text.strip_prefix('v').unwrap_or(text)
    };
    let (major, rest) = number(text, loose)?;
    let (minor, rest) = number(rest.strip_prefix('.')?, loose)?;
    patch_and_tail(rest.strip_prefix('.')?, loose, |text| number(text, loose)).map(|tail| Parts {
        major,
        minor: Some(minor),
        ..tail
    })
}

/// Reads an x-range: one to three numbers or wildcards, the last with a prerelease if it likes.
pub(super) fn x_range(text: &str, loose: bool) -> Option<Parts<'_>> {
    let text = text.trim_start_matches(is_sign);
    let id = |text| number_or_x(text, loose);
    let (major, rest) = id(text)?;
    let only = |minor| Parts {
        major,
        minor,
        patch: None,
        prerelease: None,
        build: None,
    };
    if rest.is_empty() {
        return Some(only(None));
    }
    let (minor, rest) = id(rest.strip_prefix('.')?)?;
    if rest.is_empty() {
        return Some(only(Some(minor)));
    }
    let tail = patch_and_tail(rest.strip_prefix('.')?, loose, id)?;
    Some(Parts {
        major,
        minor: Some(minor),
        ..tail
    })
}

/// What npm ignores before a number: `v`, `=` and spaces, in any order.
pub(super) fn is_sign(c: char) -> bool {
    c == 'v' || c == '=' || is_space(c)
}

/// Whether an identifier stands for "any number here": absent, `x`, `X` or `*`.
pub(super) fn is_x(id: Option<&str>) -> bool {
    matches!(id, None | Some("" | "x" | "X" | "*"))
}

/// The third number and all that may follow it. In loose texts the last digit of the number may
/// turn out to begin a prerelease (`1.2.34.5` is `1.2.3-4.5`), as npm's pattern has it.
fn patch_and_tail<'t>(
    text: &'t str,
    loose: bool,
    id: impl Fn(&'t str) -> Option<(&'t str, &'t str)>,
) -> Option<Parts<'t>> {
    let (patch, rest) = id(text)?;
    let parts = |patch, (prerelease, build)| Parts {
        major: "",
        minor: None,
        patch: Some(patch),
        prerelease,
        build,
    };
    if let Some(found) = tail(rest, loose) {
        return Some(parts(patch, found));
    }
    if !loose || patch.len() < 2 {
        return None;
    }
    let (shorter, _) = patch.split_at(patch.len() - 1);
    tail(&text[shorter.len()..], loose).map(|found| parts(shorter, found))
}

/// An optional prerelease and an optional build, up to the end of the text.
fn tail(text: &str, loose: bool) -> Option<(Option<&str>, Option<&str>)> {
    let start = match (text.strip_prefix('-'), loose) {
        // A hyphen that no identifier follows is itself one, in loose texts.
        (Some(after), true) if !after.starts_with(is_identifier_char) => Some(text),
        (Some(after), _) => Some(after),
        (None, true) if text.starts_with(is_identifier_char) => Some(text),
        (None, _) => None,
    };
    let (prerelease, rest) = match start {
        Some(start) => {
            let (found, rest) = identifiers(start, !loose)?;
            (Some(found), rest)
        }
        None => (None, text),
    };
    let build = match rest.strip_prefix('+') {
        Some(after) => {
            let (found, rest) = identifiers(after, false)?;
            if !rest.is_empty() {
                return None;
            }
            Some(found)
        }
        None if rest.is_empty() => None,
        None => return None,
    };
    Some((prerelease, build))
}

/// Dot-separated identifiers; `strict` ones may not be numbers with leading zeros.
fn identifiers(text: &str, strict: bool) -> Option<(&str, &str)> {
    let end = text
        .find(|c| !(is_identifier_char(c) || c == '.'))
        .unwrap_or(text.len());
    let (found, rest) = text.split_at(end);
    let zero_led =
        |id: &str| id.len() > 1 && id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit());
    let fine = |id: &str| !(id.is_empty() || strict && zero_led(id));
    found.split('.').all(fine).then_some((found, rest))
}

fn number(text: &str, loose: bool) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let end = if !loose && text.starts_with('0') {
        1
    } else {
        end
    };
    (end > 0).then(|| text.split_at(end))
}

fn number_or_x(text: &str, loose: bool) -> Option<(&str, &str)> {
    if text.starts_with(['x', 'X', '*']) {
        Some(text.split_at(1))
    } else {
        number(text, loose)
    }
}

fn is_identifier_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}
