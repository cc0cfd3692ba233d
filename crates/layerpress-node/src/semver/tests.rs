//! npm's documented behaviour as a table, and the laws that hold for any text.

use proptest::prelude::*;

use super::{Range, Reading, Version};

fn loose(text: &str) -> String {
    Range::parse(text, Reading::LOOSE).map_or_else(|_| "refused".to_owned(), |r| r.to_string())
}

#[test]
fn ranges_come_down_to_the_comparators_that_npm_documents() {
    for (text, comparators) in [
        // Anything at all.
        ("", ""),
        ("*", ""),
        ("x", ""),
        ("||", ""),
        ("^x", ""),
        ("~x", ""),
        (">=0.0.0", ""),
        ("1.2.3 || *", ""),
        // Nothing at all.
        (">x", "<0.0.0-0"),
        ("<*", "<0.0.0-0"),
        ("<* || >x", "<0.0.0-0"),
        ("<* || 1.2.3", "1.2.3"),
        // Hyphen ranges.
        ("1.2.3 - 2.3.4", ">=1.2.3 <=2.3.4"),
        ("1.2 - 2.3.4", ">=1.2.0 <=2.3.4"),
        ("1.2.3 - 2.3", ">=1.2.3 <2.4.0-0"),
        ("1.2.3 - 2", ">=1.2.3 <3.0.0-0"),
        ("1.0.0 - x", ">=1.0.0"),
        ("1.x - x", ">=1.0.0"),
        ("x - 2", "<3.0.0-0"),
        ("1.2.3-rc.1 - 1.2.4-rc.2", ">=1.2.3-rc.1 <=1.2.4-rc.2"),
        // X-ranges.
        ("1.x", ">=1.0.0 <2.0.0-0"),
        ("1.2.X", ">=1.2.0 <1.3.0-0"),
        ("1", ">=1.0.0 <2.0.0-0"),
        ("=1.2", ">=1.2.0 <1.3.0-0"),
        (">1", ">=2.0.0"),
        (">1.2", ">=1.3.0"),
        (">=1.2.x", ">=1.2.0"),
        ("<7.x", "<7.0.0-0"),
        ("<=7.x", "<8.0.0-0"),
        ("<=0.7.x", "<0.8.0-0"),
        ("0.x", "<1.0.0-0"),
        // Tilde ranges.
        ("~1.2.3", ">=1.2.3 <1.3.0-0"),
        ("~1.2", ">=1.2.0 <1.3.0-0"),
        ("~1", ">=1.0.0 <2.0.0-0"),
        ("~0", "<1.0.0-0"),
        ("~1.2.3-beta.2", ">=1.2.3-beta.2 <1.3.0-0"),
        ("~> 1.2", ">=1.2.0 <1.3.0-0"),
        // Caret ranges.
        ("^1.2.3", ">=1.2.3 <2.0.0-0"),
        ("^0.2.3", ">=0.2.3 <0.3.0-0"),
        ("^0.0.3", ">=0.0.3 <0.0.4-0"),
        ("^1.2.3-beta.2", ">=1.2.3-beta.2 <2.0.0-0"),
        ("^0.0.3-beta", ">=0.0.3-beta <0.0.4-0"),
        ("^1.2.x", ">=1.2.0 <2.0.0-0"),
        ("^0.0.x", "<0.1.0-0"),
        ("^0.0", "<0.1.0-0"),
        ("^1.x", ">=1.0.0 <2.0.0-0"),
        ("^0.x", "<1.0.0-0"),
        ("^ 1.2.3", ">=1.2.3 <2.0.0-0"),
        // Several.
        (">= 1.2.7  <\t1.3.0", ">=1.2.7 <1.3.0"),
        ("1.2.7 || >=1.2.9 <2.0.0", "1.2.7||>=1.2.9 <2.0.0"),
        ("1.2.3 1.2.3", "1.2.3"),
        ("* 1.2.3", "1.2.3"),
        ("^1||^2", ">=1.0.0 <2.0.0-0||>=2.0.0 <3.0.0-0"),
        // Build metadata says nothing.
        ("1.2.3+build.5", "1.2.3"),
        (">=1.2.3+a <2+b", ">=1.2.3 <2.0.0-0"),
        // Loose forms.
        ("=1.2.3", "1.2.3"),
        ("v 1.2.3", "1.2.3"),
        ("==v1.2.3", "1.2.3"),
        (">01.02.03", ">1.2.3"),
        ("1.2.3alpha", "1.2.3-alpha"),
        ("1.2.3 foo 4.5.6", "1.2.3 4.5.6"),
        ("foo || 1.2.3", "1.2.3"),
        ("- 10", ">=10.0.0 <11.0.0-0"),
        // npm's own quirks.
        ("> =1.2.3", ">=1.2.3"),
        ("1.2.34.5", "1.2.3-4.5"),
        ("1.2.3*", "1.2.3"),
        // Refused.
        ("latest", "refused"),
        ("1.2.3.4", "refused"),
        ("1.2beta4", "refused"),
        (">", "refused"),
        ("9007199254740992.0.0", "refused"),
        ("^9007199254740991.0.0", "refused"),
    ] {
        assert_eq!(loose(text), comparators, "{text:?}");
    }
}

#[test]
fn strict_ranges_refuse_what_is_loose() {
    for text in [
        ">01.2.3",
        "1.2.3alpha",
        "1.2.3 foo",
        "foo || 1.2.3",
        "1.2.34.5",
    ] {
        assert!(Range::parse(text, Reading::STRICT).is_err(), "{text:?}");
        assert!(Range::parse(text, Reading::LOOSE).is_ok(), "{text:?}");
    }
}

#[test]
fn a_prerelease_is_admitted_only_beside_its_own_numbers() {
    for (range, version, admitted) in [
        (">1.2.3-alpha.3", "1.2.3-alpha.7", true),
        (">1.2.3-alpha.3", "3.4.5-alpha.9", false),
        (">1.2.3-alpha.3", "3.4.5", true),
        ("^1.2.3", "2.0.0-rc.1", false),
        ("^1.2.3-rc.1", "1.2.3-rc.2", true),
        ("^1.2.3-rc.1", "1.2.4-rc.2", false),
        ("*", "1.0.0-rc.1", false),
        ("<2.0.0-0", "2.0.0-0", false),
        ("1.2.3-rc.1 || ^2", "2.1.0-rc.1", false),
        ("~1.2.3+build", "1.2.4+other", true),
        ("1.2.3", "1.2.3+build", true),
    ] {
        let range = Range::parse(range, Reading::LOOSE).unwrap();
        assert_eq!(range.admits_text(version), admitted, "{version} in {range}");
    }
}

#[test]
fn engines_admit_prereleases_between_the_bounds() {
    for (range, version, admitted) in [
        (">=18", "22.0.0-rc.1", true),
        (">=18", "18.0.0-rc.1", true),
        ("^20.1.0", "20.1.0-rc.1", false),
        ("^20.1", "20.1.0-rc.1", true),
        ("<20", "20.0.0-rc.1", false),
        ("20.1.0 - 20.3.0", "20.3.0-rc.1", true),
    ] {
        let range = Range::parse(range, Reading::ENGINES).unwrap();
        assert_eq!(range.admits_text(version), admitted, "{version} in {range}");
    }
}

#[test]
fn the_highest_is_by_precedence_and_the_first_of_equals() {
    let versions: Vec<Version> = ["1.2.3", "1.10.0", "1.10.0+b", "2.0.0-rc.1", "1.9.9"]
        .iter()
        .map(|text| Version::loose(text).unwrap())
        .collect();
    let range = Range::parse(">=1 <3", Reading::LOOSE).unwrap();
    assert!(std::ptr::eq(
        range.highest(&versions).unwrap(),
        &raw const versions[1]
    ));
    let range = Range::parse(">=3", Reading::LOOSE).unwrap();
    assert_eq!(range.highest(&versions), None);
}

#[test]
fn ranges_meet_as_npm_reckons() {
    for (a, b, meet) in [
        ("^1.2.0", ">=1.5.0", true),
        ("^1.2.0", "^2.0.0", false),
        ("1.2.3", "~1.2.0", true),
        ("1.2.3 || 3", "^3.1", true),
        ("<1.0.0", ">=1.0.0", false),
        ("<=1.0.0", ">=1.0.0", true),
        ("*", "1.2.3", true),
        ("*", "1.2.3-rc", true),
        ("1.2.3-rc", "*", false),
        ("<0.0.0-x", "*", true),
        ("<0.0.0-x", "<1", false),
        (">2 <1", "*", false),
    ] {
        let [left, right] = [a, b].map(|text| Range::parse(text, Reading::STRICT).unwrap());
        assert_eq!(left.intersects(&right), meet, "{a} and {b}");
    }
}

#[test]
fn a_refused_range_is_named() {
    let error = Range::parse(" latest  or so ", Reading::LOOSE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`latest or so` is not a range of versions"
    );
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..4_u64, 1 => 0..100_000_u64]
}

fn version() -> impl Strategy<Value = String> {
    (
        number(),
        number(),
        number(),
        proptest::option::of("(0|[1-9][0-9]?|[a-z-]{1,3})(\\.[a-z]{1,2})?"),
    )
        .prop_map(|(a, b, c, prerelease)| {
            let numbers = format!("{a}.{b}.{c}");
            prerelease.map_or(numbers.clone(), |text| format!("{numbers}-{text}"))
        })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9xXv*<>=~^.|+ a-c-]{0,40}|\\PC{0,30}") {
        for reading in [Reading::LOOSE, Reading::STRICT, Reading::ENGINES] {
            if let Ok(range) = Range::parse(&text, reading) {
                // What was read reads as itself.
                prop_assert_eq!(&Range::parse(&range.to_string(), reading).unwrap(), &range);
            }
        }
        let _ = (Version::loose(&text), Version::clean(&text));
    }

    #[test]
    fn a_strict_version_is_a_loose_one_and_reads_back(text in version()) {
        let read = Version::strict(&text).unwrap();
        prop_assert_eq!(&read.to_string(), &text);
        prop_assert_eq!(Version::loose(&text), Some(read));
    }

    #[test]
    fn a_version_is_in_its_own_ranges(text in version()) {
        for sign in ["", "=", ">=", "<=", "^", "~", "v"] {
            let range = Range::parse(&format!("{sign}{text}"), Reading::LOOSE).unwrap();
            prop_assert!(range.admits_text(&text), "{} in {}", text, range);
        }
        for sign in ["<", ">"] {
            let range = Range::parse(&format!("{sign}{text}"), Reading::LOOSE).unwrap();
            prop_assert!(!range.admits_text(&text), "{} in {}", text, range);
        }
    }

    #[test]
    fn order_is_total_and_ranges_follow_it(a in version(), b in version()) {
        let [x, y] = [&a, &b].map(|text| Version::strict(text).unwrap());
        prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
        let below = Range::parse(&format!("<={b}"), Reading::LOOSE_WITH_PRERELEASES).unwrap();
        prop_assert_eq!(below.admits(&x), x <= y);
    }

    #[test]
    fn ranges_with_a_version_in_common_meet(a in version(), b in version(), v in version()) {
        // npm asks "any" whether it admits a lone prerelease, and the answer is no.
        prop_assume!(a != "0.0.0" && b != "0.0.0");
        let [x, y] = [format!("<={a} || {v}"), format!(">={b} || {v}")]
            .map(|text| Range::parse(&text, Reading::LOOSE).unwrap());
        prop_assert!(x.intersects(&y));
        prop_assert!(y.intersects(&x));
    }
}
