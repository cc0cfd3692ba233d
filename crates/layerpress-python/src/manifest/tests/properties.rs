//! What holds for any text and for every valid line.

use proptest::prelude::*;

use super::*;

/// Lines that hold no path: what they parse to must not depend on the disk.
fn valid_line() -> impl Strategy<Value = String> {
    let name = "[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?"
        .prop_filter("an archive's name is a path", |name: &String| {
            !location::is_archive(name) && !name.ends_with(".txt")
        });
    let extras = prop_oneof![Just(String::new()), "\\[[a-z]{1,3}(,[a-z]{1,3}){0,2}\\]"];
    let versions = prop_oneof![
        Just(String::new()),
        "(>=|==|<=|!=|>|<)[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(,(<|!=)[0-9]{1,3}\\.[0-9])?",
        " @ https://pkg\\.example/[a-z]{1,5}-[0-9]\\.zip",
        " @ git\\+https://git\\.example/[a-z]{1,5}(@[a-z0-9]{1,5})?",
    ];
    let marker = prop_oneof![
        Just(String::new()),
        " ; python_version (<|>=|==) '3\\.[0-9]{1,2}'",
        " ; sys_platform == 'linux' and os_name != '[a-z]{1,4}'",
    ];
    (name, extras, versions, marker).prop_map(|(n, e, v, m)| format!("{n}{e}{v}{m}"))
}

proptest! {
    #[test]
    fn a_valid_line_is_rendered_and_read_again_the_same(line in valid_line()) {
        let origin = Origin::new("test", None, "");
        let first = parse_requirement(&line, &origin, None);
        let first = first.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let second = parse_requirement(&first.to_string(), &origin, None);
        let second = second.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_text_breaks_the_reader(
        text in prop_oneof![
            "\\PC{0,60}",
            "[-a-z0-9 =<>~!^@;,.#\\[\\]()'\"\\\\/:+&\\n–“é]{0,60}",
            "(requests|==|1\\.0|;| |@|\\[|\\]|-e |--hash=|git\\+|https://|python_version|'|,|\\.\\./|\\\\\\n){0,14}",
        ]
    ) {
        let folder = folder(&[("requirements.txt", &text)]);
        match read(folder.path()) {
            Ok(manifest) => { manifest.check_hashes().ok(); }
            Err(error) => { let _ = (error.to_string(), error.hint(), error.kind()); }
        }
    }

    #[test]
    fn what_is_suggested_for_a_version_is_right(
        name in "[a-z]{2,6}",
        slip in "(=|=>|=<|~|\\^|~>|==|>=|@| |<>)",
        version in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}",
        end in "(,|\\.\\*| <9|)",
    ) {
        let origin = Origin::new("test", None, "");
        if let Err(ManifestError::Line { mistake, .. }) =
            parse_requirement(&format!("{name}{slip}{version}{end}"), &origin, None)
        {
            let (Mistake::Operator { right, .. }
            | Mistake::ClauseMeant { right, .. }
            | Mistake::TrailingComma { right }
            | Mistake::MissingComma { right }
            | Mistake::BareVersion { right }) = *mistake
            else {
                return Ok(());
            };
            prop_assert!(parse_requirement(&right, &origin, None).is_ok(), "{right}");
        }
    }
}
