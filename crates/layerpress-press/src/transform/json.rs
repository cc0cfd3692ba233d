//! The pass `json-minify`: JSON without the white space between its tokens, also within gzip files.
//!
//! Every token stays as it is written: names, their order and repetition, numbers, escapes. What is no
//! JSON to the letter (comments, several values, a byte order mark) stays whole.

mod proof;

use super::Outcome;
use super::gzip::{gunzip, repacked};
use proof::same;

pub(super) use proof::Fault;

/// The pass.
pub(super) fn json_minify(path: &str, bytes: &[u8]) -> Outcome {
    if path.ends_with(".json") {
        return match minified(bytes, None) {
            Ok(smaller) if smaller.len() < bytes.len() => Outcome::Smaller(smaller),
            Ok(_) | Err(Fault::NoJson { .. }) => Outcome::Nothing,
            Err(fault @ Fault::Differs { .. }) => Outcome::Refused(fault.to_string()),
        };
    }
    // What has no white space in it may still be compressed harder, which is another pass.
    let Some(json) = path.strip_suffix(".gz").filter(|it| it.ends_with(".json")) else {
        return Outcome::NotMine;
    };
    let Ok(plain) = gunzip(bytes) else {
        return Outcome::NotMine;
    };
    match json_minify(json, &plain) {
        Outcome::Smaller(smaller) => repacked(bytes, &smaller),
        Outcome::Nothing => Outcome::NotMine,
        outcome => outcome,
    }
}

/// The same JSON with nothing between its tokens, and with the texts under the name `emptied` (as it is
/// written, with its quotes) empty; proven.
pub(super) fn minified(json: &[u8], emptied: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
    let smaller = shortened(json, emptied).ok_or(Fault::NoJson { at: json.len() })?;
    same(json, &smaller, emptied)?;
    Ok(smaller)
}

/// What [`minified`] does, whatever `json` is; nothing if it ends within a text.
fn shortened(json: &[u8], emptied: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    // What lies between here and `at` stays, and is copied when something comes that does not.
    let mut kept = 0;
    let mut at = 0;
    let mut is_emptied = false;
    while let Some(&byte) = json.get(at) {
        match byte {
            byte if is_space(byte) => {
                out.extend_from_slice(&json[kept..at]);
                let space = json[at..].iter().take_while(|byte| is_space(**byte));
                at += space.count();
                kept = at;
            }
            b'"' => {
                let end = end_of_text(json, at)?;
                if is_emptied {
                    out.extend_from_slice(&json[kept..at]);
                    out.extend_from_slice(b"\"\"");
                    kept = end;
                }
                is_emptied = emptied == Some(&json[at..end]) && is_name(&json[end..]);
                at = end;
            }
            _ => {
                is_emptied &= byte == b':';
                at += 1;
            }
        }
    }
    out.extend_from_slice(&json[kept..]);
    Some(out)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether the text before `rest` is the name of a value.
fn is_name(rest: &[u8]) -> bool {
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Where the text that begins at `start` ends, behind its closing quote; nowhere if the file does first.
fn end_of_text(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, GzBuilder};
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

    #[test]
    fn the_space_goes_within_gzip_files_too() {
        let packed = |text: &[u8]| {
            let builder = GzBuilder::new().mtime(7).filename("a.json");
            let mut writer = builder.write(Vec::new(), Compression::fast());
            writer.write_all(text).expect("memory takes it");
            writer.finish().expect("memory takes it")
        };
        let json = b"{ \"a\" : [ 1, 2 ],   \"b\" : [ 3, 4 ] }\n";
        let Outcome::Smaller(file) = json_minify("a.json.gz", &packed(json)) else {
            panic!("it has white space in it");
        };
        assert_eq!(
            gunzip(&file).as_deref(),
            Ok(&br#"{"a":[1,2],"b":[3,4]}"#[..])
        );
        assert_eq!(file[..17], packed(json)[..17], "the header stays");
        for text in [&br#"{"a":[1,2]}"#[..], b"{ a: 1 }", b"{ } { }"] {
            let outcome = json_minify("a.json.gz", &packed(text));
            assert_eq!(outcome, Outcome::NotMine, "for another pass");
        }
        assert_eq!(json_minify("a.json.gz", json), Outcome::NotMine);
        assert_eq!(json_minify("a.gz", &packed(json)), Outcome::NotMine);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_panic(text in r#"[ \[\]{}:,"\\0-9eE+\-.a\n]*"#) {
            json_minify("a.json", text.as_bytes());
        }
    }
}
