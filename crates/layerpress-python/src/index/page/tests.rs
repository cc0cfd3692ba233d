//! What goes into a page comes out of it, and damage is noticed.

use proptest::prelude::*;

use super::*;

const INDEX: &str = "https://index.example/simple/";
const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn package(name: &str) -> PackageName {
    PackageName::from_str(name).expect("valid")
}

fn link(href: &str) -> Link {
    let base = Url::parse("https://files.example/packages/").expect("valid");
    Link::new(&base, href).expect("valid").0
}

fn open(links: &[Link]) -> Page {
    let index = Url::parse(INDEX).expect("valid");
    let bytes = Box::new(compile(&package("a"), links));
    Page::open(bytes, Some(&index)).expect("undamaged")
}

fn versions(page: &mut Page) -> Vec<String> {
    page.take_versions()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_file_comes_out_as_it_went_in() {
    let mut first = link("aa/a-1.0%2Bcpu-py3-none-any.whl?sig=1");
    first.add_hash("sha256", SHA);
    first.add_hash("sha512", &format!("{SHA}{SHA}"));
    first.size = Some(0);
    first.upload_time = Some(1_704_164_645_678);
    first.requires_python = Some(">=3.6,".to_owned());
    first.yanked = Some("broken".to_owned());
    first.core_metadata = Advertised::Yes(Some(format!("sha256:{SHA}")));
    let second = link("bb/a-1.0+cpu.tar.gz");
    let page = open(&[first, second]);
    let index = Url::parse(INDEX).expect("valid");
    let records: Vec<_> = page
        .files(0)
        .map(|file| file.record().expect("valid"))
        .collect();
    let hashes = vec![
        format!("sha256:{SHA}").parse().expect("valid"),
        format!("sha512:{SHA}{SHA}").parse().expect("valid"),
    ];
    let expected = FileRecord {
        file_name: "a-1.0+cpu-py3-none-any.whl".to_owned(),
        url: Url::parse("https://files.example/packages/aa/a-1.0%2Bcpu-py3-none-any.whl?sig=1")
            .expect("valid"),
        hashes,
        size: Some(0),
        upload_time: Some("2024-01-02T03:04:05.678Z".parse().expect("valid")),
        requires_python: Some(">=3.6".parse().expect("valid")),
        yanked: Some(Some("broken".to_owned())),
        core_metadata: CoreMetadata::Advertised(format!("sha256:{SHA}").parse().ok()),
        index: Some(index.clone()),
    };
    assert_eq!(records[0], expected);
    let plain = FileRecord {
        file_name: "a-1.0+cpu.tar.gz".to_owned(),
        url: Url::parse("https://files.example/packages/bb/a-1.0+cpu.tar.gz").expect("valid"),
        hashes: vec![],
        size: None,
        upload_time: None,
        requires_python: None,
        yanked: None,
        core_metadata: CoreMetadata::Unsaid,
        index: Some(index),
    };
    assert_eq!(records[1], plain);
}

#[test]
fn versions_ascend_and_equal_ones_share_a_release() {
    let mut page = open(&[
        link("a-1.10.zip"),
        link("a-1.9-py3-none-any.whl"),
        link("a-1.9.0.tar.gz"),
        link("a-2.0rc1.tar.gz"),
    ]);
    assert_eq!(versions(&mut page), ["1.9", "1.10", "2.0rc1"]);
    assert_eq!(page.files(0).count(), 2);
}

#[test]
fn other_packages_other_files_and_unreadable_specifiers_are_left_out() {
    let mut unreadable = link("a-3.zip");
    unreadable.requires_python = Some("three".to_owned());
    let mut page = open(&[
        link("b-1.zip"),
        link("a-1.exe"),
        link("a-1-py3.9.egg"),
        link("a-x.zip"),
        unreadable,
        link("A-2.zip"),
    ]);
    assert_eq!(versions(&mut page), ["2"]);
    assert_eq!(open(&[]).take_versions(), []);
}

#[test]
fn a_damaged_buffer_is_absent() {
    let whole = compile(&package("a"), &[link("a-1.zip"), link("a-2.zip")]);
    for length in [0, 15, 16, whole.len() - 16, whole.len() - 1] {
        let mut cut = AlignedVec::<16>::new();
        cut.extend_from_slice(&whole[..length]);
        assert!(Page::open(Box::new(cut), None).is_none(), "{length} bytes");
    }
    let mut newer = whole.clone();
    newer[4] += 1;
    assert!(Page::open(Box::new(newer), None).is_none());
}

proptest! {
    #[test]
    fn no_damage_panics(at in 0usize..2_000, byte in any::<u8>()) {
        let mut bytes = compile(&package("a"), &[link("a-1.zip"), link("x/a-2.zip")]);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Some(mut page) = Page::open(Box::new(bytes), None) {
            for at in 0..page.take_versions().len() {
                for file in page.files(at) {
                    let _ = (file.wheel(), file.record());
                }
            }
        }
    }

    #[test]
    fn every_version_is_there_once_in_order(numbers in proptest::collection::vec(0u64..300, 0..60)) {
        let links: Vec<_> = numbers.iter().map(|n| link(&format!("a-1.{n}.zip"))).collect();
        let expected: Vec<_> = std::collections::BTreeSet::from_iter(numbers)
            .into_iter()
            .map(|number| Version::new([1, number]))
            .collect();
        prop_assert_eq!(open(&links).take_versions(), expected);
    }
}
