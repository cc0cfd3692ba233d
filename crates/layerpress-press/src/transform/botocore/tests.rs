//! Small models, as botocore has them.

use super::*;

const PATH: &str = "botocore/data/s3/2006-03-01/service-2.json";

fn smaller(path: &str, bytes: &[u8]) -> Vec<u8> {
    match botocore_docs(path, bytes) {
        Outcome::Smaller(file) => file,
        other => panic!("{other:?}"),
    }
}

const MODEL: &str = r#"{
  "version":"2.0",
  "operations" : {"PutObject": {"name": "PutObject", "documentation":"<p>It \"puts\" \\</p>"}},
  "shapes":{
    "Doc": {"type":"structure", "required":["documentation"],
      "members":{"documentation":{"shape":"String", "documentation" : "<p>text</p>"}}},
    "documentation": {"type": "string", "enum": ["documentation", "b c"], "min": 1.50},
    "Last": {"documentation": null, "x": -1, "é": "\u00e9 "}
  },
  "documentation":"<p>All of it</p>"
}
"#;

#[test]
fn prose_becomes_empty_and_nothing_else_changes() {
    let json = smaller(PATH, MODEL.as_bytes());
    insta::assert_snapshot!(String::from_utf8(json).expect("text"), @r#"{"version":"2.0","operations":{"PutObject":{"name":"PutObject","documentation":""}},"shapes":{"Doc":{"type":"structure","required":["documentation"],"members":{"documentation":{"shape":"String","documentation":""}}},"documentation":{"type":"string","enum":["documentation","b c"],"min":1.50},"Last":{"documentation":null,"x":-1,"é":"\u00e9 "}},"documentation":""}"#);
}

#[test]
fn packed_models_stay_packed_without_name_and_time() {
    let packed = {
        let mut file = vec![0x1f, 0x8b, 8, 8, 1, 2, 3, 4, 0, 3];
        file.extend(b"service-2.json\0");
        file.extend(&gzip(MODEL.as_bytes())[10..]);
        file
    };
    let path = format!("{PATH}.gz");
    let file = smaller(&path, &packed);
    assert_eq!(
        gunzip(&file).as_deref(),
        Ok(&smaller(PATH, MODEL.as_bytes())[..])
    );
    assert_eq!(file[3..8], [0; 5]);
    assert_eq!(
        botocore_docs(&path, &file),
        Outcome::Nothing,
        "a second time"
    );
    assert_eq!(
        file,
        smaller(&format!("a/{path}"), &packed),
        "in another folder"
    );
}

#[test]
fn other_files_are_none_of_its() {
    for path in [
        "mybotocore/data/s3/service-2.json",
        "botocore/data.json",
        "botocore/data/s3/README.txt",
        "botocore/auth.py",
    ] {
        assert_eq!(
            botocore_docs(path, MODEL.as_bytes()),
            Outcome::NotMine,
            "{path}"
        );
    }
    assert_eq!(botocore_docs(PATH, b"{}"), Outcome::Nothing);
}

#[test]
fn what_cannot_be_proven_stays() {
    let refused = |path: &str, bytes: &[u8]| match botocore_docs(path, bytes) {
        Outcome::Refused(why) => why,
        other => panic!("{other:?}"),
    };
    let packed = gzip(MODEL.as_bytes());
    let path = format!("{PATH}.gz");
    let all = [
        refused(PATH, b"{ \"a\": }"),
        refused(PATH, b"{ \"a\": \"b }"),
        refused(PATH, "[ ".repeat(1000).as_bytes()),
        refused(&path, MODEL.as_bytes()),
        refused(&path, &packed[..packed.len() - 1]),
        refused(&path, &[&packed[..], &packed].concat()),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    it is no JSON from byte 7 on
    it is no JSON from byte 11 on
    it is no JSON from byte 2000 on
    it does not end as a gzip file
    it is no gzip file: unexpected end of file
    something follows its gzip stream
    ");
}
