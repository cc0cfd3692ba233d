//! Damaged wheels: whatever changes in them, they end in an answer, and none of them in other files
//! than RECORD promises.

use layerpress_fetch::Store;
use layerpress_tree::Sha256;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::Digest as _;

use super::testing::{TestWheel, text, unpack_bytes};
use super::unpack::{UnpackOptions, WheelFile, unpack};
use super::{Layout, Scripts};

const MODULE: &str = "def main():\n    return 'a module of some lines'\n";

fn wheel() -> TestWheel {
    TestWheel::new("six")
        .file("six/__init__.py", MODULE)
        .file("six-1.0.data/scripts/run", "#!python\nprint(1)\n")
        .file("six-1.0.data/purelib/other.py", "x = 1\n")
        .info(
            "entry_points.txt",
            "[console_scripts]\nsix = six:main [fast]\n",
        )
}

fn options() -> UnpackOptions {
    UnpackOptions {
        layout: Layout::Flat,
        scripts: Some(Scripts {
            interpreter: "/var/lang/bin/python3.13".to_owned(),
            extras: ["fast".parse().expect("a name")].into(),
        }),
        ..UnpackOptions::default()
    }
}

/// Some of `bytes` changed: a byte set, a stretch repeated or cut out.
fn damaged(bytes: &[u8], changes: &[(u8, Index, usize, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (kind, at, length, value) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        match kind {
            0 => bytes[at] = *value,
            1 => bytes[at] ^= 1 << (value % 8),
            2 => drop(bytes.drain(at..end)),
            _ => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(u8, Index, usize, u8)>> {
    prop::collection::vec((0..4u8, any::<Index>(), 0..40usize, any::<u8>()), 1..4)
}

proptest! {
    // Each case writes a store: few of them, on every run others.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_archive_is_refused_or_holds_what_it_promised(changes in changes()) {
        let bytes = damaged(&wheel().bytes(), &changes);
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        match unpack_bytes("six-1.0-py3-none-any.whl", bytes.into(), &options(), &store) {
            Ok(wheel) => prop_assert_eq!(text(&wheel.tree, "six/__init__.py"), MODULE),
            Err(error) => prop_assert!(error.to_string().starts_with("`six-1.0-py3-none-any.whl`: ")),
        }
    }

    /// The archive is sound, what it says of itself is not.
    #[test]
    fn damaged_words_end_in_an_answer(which in 0..4usize, changes in changes()) {
        let name = ["METADATA", "WHEEL", "entry_points.txt", "RECORD"][which];
        let sound = match name {
            "METADATA" => "Metadata-Version: 2.1\nName: six\nVersion: 1.0\nRequires-Dist: a\n",
            "WHEEL" => "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            _ => "[console_scripts]\nsix = six:main [fast]\n[gui_scripts]\nb = six:main\n",
        };
        let changed = |text: &str| {
            String::from_utf8_lossy(&damaged(text.as_bytes(), &changes)).into_owned()
        };
        let wheel = match name {
            "RECORD" => wheel().record(|record| changed(&record)),
            _ => wheel().info(name, &changed(sound)),
        };
        match wheel.unpack(&options()) {
            Ok(wheel) => prop_assert_eq!(text(&wheel.tree, "six/__init__.py"), MODULE),
            Err(error) => prop_assert!(error.to_string().starts_with("`six-1.0-py3-none-any.whl`: ")),
        }
    }

    /// The receipt is of the archive as it was; the store's copy has changed since.
    #[test]
    fn what_changed_in_the_store_is_noticed(changes in changes()) {
        let archive = wheel().bytes();
        let digest = Sha256(sha2::Sha256::digest(&archive).into());
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let look = |archive| {
            let name = "six-1.0-py3-none-any.whl";
            unpack(&WheelFile { name, digest, archive }, &options(), &store)
        };
        let first = look(archive.clone()).expect("sound");
        match look(damaged(&archive, &changes).into()) {
            Ok(again) => prop_assert_eq!(again, first),
            Err(error) => prop_assert!(error.is_damage(), "{error}"),
        }
    }
}
