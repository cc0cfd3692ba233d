//! `{name}` in the addresses that packages give.

/// The longest text that is put together; real ones have under 300 bytes.
const MOST_BYTES: usize = 8192;

/// Puts values in the place of their names; what has no value stays as it is. A value may hold names
/// in its turn, as node-pre-gyp allows.
pub(super) fn expanded(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = template.to_owned();
    // Each turn replaces at least one name, and texts that only grow end at the limit.
    for _ in 0..8 {
        let mut next = text.clone();
        for (name, value) in values {
            next = next.replace(&format!("{{{name}}}"), value);
            if next.len() > MOST_BYTES {
                return text;
            }
        }
        if next == text {
            break;
        }
        text = next;
    }
    text
}
