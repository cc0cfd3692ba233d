//! How a foreign string stands in an error.

/// `text` with everything but printable ASCII escaped, cut after 140 characters.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .take(140)
        .flat_map(char::escape_default)
        .collect()
}
