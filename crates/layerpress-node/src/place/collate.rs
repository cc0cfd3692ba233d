//! The order of JavaScript's `localeCompare('en')`, in which npm walks names and paths.
//!
//! It decides what is hoisted: in byte order `@` comes before `_` and capitals before all small
//! letters, in this order neither. Names and paths of packages are ASCII; anything else comes after
//! the letters.

/// ASCII in the order of the root collation (CLDR), letters apart.
const ORDER: &[u8] = b" _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";

/// A key whose byte order is the text's order: first all characters without their case, then their
/// case, small letters first.
pub(crate) fn key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() * 2 + 1);
    key.extend(text.bytes().flat_map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' => [ORDER_END + byte.to_ascii_lowercase() - b'a', 0],
        0x80.. => [u8::MAX, byte],
        _ => [place(byte), 0],
    }));
    key.extend([0, 0]);
    key.extend(text.bytes().map(|byte| u8::from(byte.is_ascii_uppercase())));
    key
}

const ORDER_END: u8 = 100;

/// Control characters come first.
fn place(byte: u8) -> u8 {
    let at = ORDER.iter().position(|other| *other == byte);
    at.and_then(|at| u8::try_from(at + 2).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_locale() {
        // What `['…'].sort((a, b) => a.localeCompare(b, 'en'))` gives.
        let sorted = [
            "@a/b",
            "@babel/core",
            "@types/node",
            "1st",
            "a_b",
            "a-b",
            "a.b",
            "a/b",
            "a1",
            "a10",
            "a2",
            "ab",
            "aB",
            "Ab",
            "AB",
            "abc",
            "JSONStream",
            "jsonstream2",
            "lodash",
            "lodash._a",
            "lodash.get",
            "z",
        ];
        let mut names = sorted;
        names.reverse();
        names.sort_by_cached_key(|name| key(name));
        assert_eq!(names, sorted);
    }
}
