//! Texts that say the same, and those that nearly do.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;
use crate::transform::json::minified;

const NAME: &[u8] = b"\"d\"";

fn held(before: &str, after: &str) -> Result<(), Fault> {
    same(before.as_bytes(), after.as_bytes(), Some(NAME))
}

#[test]
fn what_only_looks_different_is_the_same() {
    for (before, after) in [
        ("[1, 2]", "[1,2]"),
        (" null\n", "null"),
        ("{\"a\": [ ], \"b\" : { } }", "{\"a\":[],\"b\":{}}"),
        ("{\"d\": \"some \\\" \"}", "{\"d\":\"\"}"),
        (
            "[{\"d\": \"\", \"d\": {\"d\": \"x\"}}]",
            "[{\"d\":\"\",\"d\":{\"d\":\"\"}}]",
        ),
    ] {
        assert_eq!(held(before, after), Ok(()), "{before}");
    }
}

#[test]
fn what_says_something_else_is_found() {
    for (before, after, at) in [
        ("[1, 2]", "[12]", 1),
        ("[1]", "[1.0]", 1),
        ("[1]", "[1", 2),
        ("[1]", "[1]]", 3),
        ("[[], 1]", "[[1]]", 2),
        ("[\"a\", \"b\"]", "[\"ab\", \"\"]", 1),
        ("[\"\\u0041\"]", "[\"A\"]", 1),
        ("[\"a b\"]", "[\"ab\"]", 1),
        ("{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}", 1),
        ("{\"d\": \"some\"}", "{\"d\": \"other\"}", 6),
        ("{\"d\": \"some\"}", "{\"d\": \"some\"}", 6),
        ("{\"d\": \"some\"}", "{\"d\": null}", 6),
        ("{\"d\": \"some\"}", "{\"\": \"\"}", 1),
        ("{\"d\": [\"some\"]}", "{\"d\": [\"\"]}", 7),
        ("{\"d\": {\"e\": \"some\"}}", "{\"d\": {\"e\": \"\"}}", 12),
        ("{\"d\": 1, \"e\": \"x\"}", "{\"d\": 1, \"e\": \"\"}", 14),
        ("[\"d\", \"some\"]", "[\"d\", \"\"]", 6),
        ("{\"e\": \"some\"}", "{\"e\": \"\"}", 6),
        (
            "{\"e\": \"d\", \"f\": \"x\"}",
            "{\"e\": \"d\", \"f\": \"\"}",
            16,
        ),
        ("[null]", "[false]", 1),
        ("[1]", "[1] 2", 3),
        ("[\"a\"]", "[\"a]", 1),
    ] {
        assert_eq!(
            held(before, after),
            Err(Fault::Differs { at }),
            "{before} {after}"
        );
    }
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let deep = "[".repeat(MOST_DEPTH + 1);
    for (text, at) in [
        ("", 0),
        ("  ", 2),
        ("{ \"a\": }", 7),
        ("[1,]", 3),
        ("{\"a\": 1,}", 8),
        ("{\"a\" 1}", 5),
        ("{1: 2}", 1),
        ("{\"a\"}", 4),
        ("[1 2]", 3),
        ("[1}", 2),
        ("[", 1),
        ("1 1", 2),
        ("[nul]", 1),
        ("[01]", 1),
        ("[\"\\x\"]", 1),
        ("[\"\\u12g4\"]", 1),
        ("[\"a\nb\"]", 1),
        ("[\"open ]", 1),
        ("\u{feff}[]", 0),
        ("// why\n[]", 0),
        (&deep, MOST_DEPTH),
    ] {
        assert_eq!(held(text, text), Err(Fault::NoJson { at }), "{text:.20}");
    }
    let bytes = b"[\"\xff\"]";
    assert_eq!(same(bytes, bytes, None), Err(Fault::NoJson { at: 2 }));
}

/// Any value of few kinds, with the names that matter.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ a\"\\\\\n\u{e9}{:,]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let member = ("[de\"]", inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            prop::collection::vec(member, 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The value as it should be.
fn emptied(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(emptied).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| match value {
                Value::String(_) if name == "d" => (name, "".into()),
                value => (name, emptied(value)),
            });
            members.collect()
        }
        value => value,
    }
}

proptest! {
    #[test]
    fn another_reader_takes_and_refuses_the_same(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", " ", "\"a\"", "\"\\u00e9\\n\"", "\"\\u12\"", "1", "-0.5e+3",
                "01", "-", "1.", ".5", "1e", "true", "null", "nul", "\t",
            ]),
            1..8,
        ),
    ) {
        for text in [tokens.concat(), format!("[{}]", tokens.concat()), format!("{{\"b\":{}}}", tokens.concat())] {
            let other = serde_json::from_str::<IgnoredAny>(&text);
            assert_eq!(held(&text, &text).is_ok(), other.is_ok(), "{text}");
        }
    }

    #[test]
    fn another_reader_finds_the_same_values(value in value()) {
        let pretty = serde_json::to_vec_pretty(&value).expect("JSON");
        let plain = minified(&pretty, None).expect("proven");
        assert_eq!(plain, serde_json::to_vec(&value).expect("JSON"));
        let smaller = minified(&pretty, Some(NAME)).expect("proven");
        assert_eq!(smaller, serde_json::to_vec(&emptied(value)).expect("JSON"));
    }

    #[test]
    fn one_byte_less_is_never_the_same(value in value(), at: prop::sample::Index) {
        let mut text = serde_json::to_vec(&value).expect("JSON");
        let before = text.clone();
        text.remove(at.index(text.len()));
        prop_assert!(same(&before, &text, None).is_err());
    }

    #[test]
    fn bytes_that_mean_more_are_found_eight_at_once(
        bytes in prop::collection::vec(
            prop_oneof![8 => Just(b'a'), 1 => any::<u8>(), 1 => 0x1f_u8..0x24, 1 => 0x5b_u8..0x5e],
            0..40,
        ),
    ) {
        let special = |byte: &u8| *byte < 0x20 || b"\"\\".contains(byte);
        let expected = bytes.iter().position(special).unwrap_or(bytes.len());
        prop_assert_eq!(plain_length(&bytes), expected);
    }

    #[test]
    fn any_bytes_are_taken_without_panic(before: Vec<u8>, after: Vec<u8>) {
        let _ = same(&before, &after, Some(NAME));
        let _ = same(&before, &before, None);
    }
}
