//! [`ill_named`]: what of a requirement must be looked at before `pep508_rs` sees it.

/// The name or extra on which `pep508_rs` panics instead of refusing it, if there is one: those that
/// end in `.`, `-` or `_` although more follows (`a.>1`, `a[b-]`).
#[must_use]
pub fn ill_named(requirement: &str) -> Option<&str> {
    let text = requirement.trim_start();
    let (name, rest) = text.split_at(name_length(text));
    if name.ends_with(is_joiner) {
        return Some(name);
    }
    let extras = rest.trim_start().strip_prefix('[')?;
    let extras = extras.split(']').next().unwrap_or_default();
    let mut extras = extras.split(',').map(str::trim);
    extras.find(|extra| extra[..name_length(extra)].ends_with(is_joiner))
}

/// How much of the beginning of a text may be a name.
fn name_length(text: &str) -> usize {
    let is_name = |it: char| it.is_ascii_alphanumeric() || is_joiner(it);
    text.find(|it| !is_name(it)).unwrap_or(text.len())
}

fn is_joiner(it: char) -> bool {
    matches!(it, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_end_are_found_and_others_are_not() {
        for (text, found) in [
            ("a->=1", Some("a-")),
            (" a.>1", Some("a.")),
            ("a[b-]", Some("b-")),
            ("a [b, c_ ]>1", Some("c_")),
            ("a-b[c.d]>=1.", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(ill_named(text), found, "{text}");
        }
    }
}
