//! The pass `json-minify`: JSON without the white space between its tokens.
//!
//! Every token stays as it is written: names, their order and repetition, numbers, escapes. What is no
//! JSON to the letter (comments, several values, a byte order mark) stays whole.

use super::Outcome;
use super::fingerprint::fingerprint;

/// The pass.
pub(super) fn json_minify(path: &str, bytes: &[u8]) -> Outcome {
    if !path.ends_with(".json") {
        return Outcome::NotMine;
    }
    let Ok(before) = fingerprint(bytes, None) else {
        return Outcome::Nothing;
    };
    let Some(smaller) = without_space(bytes) else {
        return Outcome::Nothing;
    };
    if smaller.len() >= bytes.len() {
        return Outcome::Nothing;
    }
    match fingerprint(&smaller, None) {
        Ok(after) if after == before => Outcome::Smaller(smaller),
        _ => Outcome::Refused("it would read differently".into()),
    }
}

fn without_space(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let end = match byte {
            b'"' => end_of_string(json, at)?,
            _ => at + 1,
        };
        if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.extend_from_slice(&json[at..end]);
        }
        at = end;
    }
    Some(out)
}

/// Where the string that begins at `start` ends, behind its closing quote; nowhere if the text does first.
pub(super) fn end_of_string(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = json
            .get(at..)?
            .iter()
            .position(|it| matches!(it, b'"' | b'\\'))?;
        at += found;
        if json[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_space_between_tokens_goes() {
        let json = br#"
        { "b": [1.50, -0e+1 , 12345678901234567890123], "a": " \" : , ",
          "b": { "\u00e9\\": null }, "c" : [ ] }
        "#;
        let minified = br#"{"b":[1.50,-0e+1,12345678901234567890123],"a":" \" : , ","b":{"\u00e9\\":null},"c":[]}"#;
        let outcome = json_minify("package.json", json);
        assert_eq!(outcome, Outcome::Smaller(minified.to_vec()));
        assert_eq!(json_minify("package.json", minified), Outcome::Nothing);
    }

    #[test]
    fn what_is_no_json_to_the_letter_stays() {
        for text in [
            "{ // why\n }",
            "{ 'a': 1 }",
            "{ \"a\": 1, }",
            "{ \"a\": 1 }\n{ \"a\": 2 }\n",
            "\u{feff}{ \"a\": 1 }",
            "{ \"a\": NaN }",
            "[ \"open ]",
            "[ 01 ]",
            "",
        ] {
            assert_eq!(
                json_minify("a.json", text.as_bytes()),
                Outcome::Nothing,
                "{text}"
            );
        }
        assert_eq!(json_minify("a.json", b"[ \"\xff\" ]"), Outcome::Nothing);
        assert_eq!(json_minify("a.json5", b"[ 1 ]"), Outcome::NotMine);
        let deep = "[ ".repeat(1_000_000);
        assert_eq!(json_minify("deep.json", deep.as_bytes()), Outcome::Nothing);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in r#"[ \[\]{}:,"\\0-9eE+\-.a\n]*"#) {
            json_minify("a.json", text.as_bytes());
        }
    }
}
