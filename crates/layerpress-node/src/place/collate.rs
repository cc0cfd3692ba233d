//! The order of JavaScript's `localeCompare('en')`, in which npm walks names and paths.
//!
//! It decides what is hoisted: in byte order `@` comes before `_` and capitals before all small
//! letters, in this order neither. Names and paths of packages are ASCII; anything else comes after
//! the letters.

use std::cmp::Ordering;

/// ASCII in the order of the root collation (CLDR), letters apart.
const ORDER: &[u8] = b" _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";

/// A key whose byte order is the text's order: first all characters without their case, then their
/// case, small letters first.
pub(crate) fn key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() * 3 + 2);
    for byte in text.bytes() {
        let pair = match PLACES.get(usize::from(byte)) {
            Some(place) => [*place, 0],
            None => [u8::MAX, byte],
        };
        key.extend(pair);
    }
    key.extend([0, 0]);
    key.extend(text.bytes().map(|byte| u8::from(byte.is_ascii_uppercase())));
    key
}

/// The order of two texts: that of their keys, without making any.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let place = |byte: u8| match PLACES.get(usize::from(byte)) {
        Some(place) => (*place, 0),
        None => (u8::MAX, byte),
    };
    let capital = |byte: u8| byte.is_ascii_uppercase();
    let (places_a, places_b) = (a.bytes().map(place), b.bytes().map(place));
    places_a
        .cmp(places_b)
        .then_with(|| a.bytes().map(capital).cmp(b.bytes().map(capital)))
}

/// The place of each ASCII character; small and capital letters share theirs.
const PLACES: [u8; 128] = places();

const fn places() -> [u8; 128] {
    // Control characters come first.
    let mut places = [1; 128];
    let (mut at, mut place) = (0, 2);
    while at < ORDER.len() {
        places[ORDER[at] as usize] = place;
        (at, place) = (at + 1, place + 1);
    }
    let mut letter = b'a';
    while letter <= b'z' {
        places[letter as usize] = place;
        places[letter.to_ascii_uppercase() as usize] = place;
        (letter, place) = (letter + 1, place + 1);
    }
    places
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
        names.reverse();
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, sorted);
    }

    proptest::proptest! {
        #[test]
        fn texts_compare_as_their_keys_do(a in "[aAbB@/._é -]{0,6}", b in "[aAbB@/._é -]{0,6}") {
            proptest::prop_assert_eq!(compare(&a, &b), key(&a).cmp(&key(&b)));
        }
    }
}
