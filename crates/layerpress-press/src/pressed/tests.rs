//! Pressed archives: round trips, damage, stores that cannot be written.

use crate::Profile;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};

use layerpress_fetch::Area;
use layerpress_pack::read_all;
use proptest::prelude::*;

use super::*;

const ARCHIVE: Sha256 = Sha256([7; 32]);

const FAST: Recipe = Recipe {
    compression: Level::Fast,
    passes: Passes::NONE,
};

const BEST: Recipe = Recipe {
    compression: Level::Best,
    passes: Passes::NONE,
};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("cache")).expect("opens");
    (folder, store)
}

fn opened(store: &Store, recipe: Recipe) -> Option<Pressed> {
    open(store, ARCHIVE, recipe).expect("whole facts")
}

fn path(text: &str) -> LayerPath {
    LayerPath::new(text).expect("valid")
}

fn pressing(recipe: Recipe, files: &[(&str, Mode, &[u8])]) -> Pressing {
    let mut pressing = Pressing::new(recipe);
    for (name, mode, bytes) in files {
        pressing.add(path(name), *mode, bytes.to_vec());
    }
    pressing
}

fn text() -> Vec<u8> {
    b"module.exports = require('./lib');\n".repeat(40)
}

fn some(store: &Store, recipe: Recipe) -> Saved {
    let text = text();
    let files: [(&str, Mode, &[u8]); 4] = [
        ("lib/index.js", Mode::File, &text),
        ("bin/tool", Mode::Executable, b"#!/bin/sh\n"),
        ("empty", Mode::File, b""),
        ("lib/ü.dll", Mode::File, b"Microsoft C/C++ MSF 7.00\r\n"),
    ];
    let pressing = pressing(recipe, &files);
    pressing
        .save(store, ARCHIVE, b"notes".to_vec())
        .expect("one tree")
}

/// Paths, modes and bytes of what was taken.
fn read(entries: &[(LayerPath, Entry)]) -> Vec<(String, Mode, Vec<u8>)> {
    let read = |(path, entry): &(LayerPath, Entry)| {
        let bytes = read_all(&entry.content).expect("whole");
        (path.to_string(), entry.mode, bytes)
    };
    entries.iter().map(read).collect()
}

#[test]
fn what_was_saved_is_opened_and_any_zip_tool_reads_it() {
    let (_folder, store) = store();
    let saved = some(&store, FAST);
    assert!(saved.unkept.is_none());
    let pressed = opened(&store, FAST).expect("kept");
    assert!(opened(&store, BEST).is_none(), "another recipe");
    assert_eq!(
        open(&store, Sha256([8; 32]), FAST).map(|it| it.is_none()),
        Ok(true)
    );
    assert_eq!(pressed.contents().notes(), b"notes");
    let names: Vec<_> = pressed.contents().files().map(|file| file.path).collect();
    assert_eq!(names, ["bin/tool", "empty", "lib/index.js", "lib/ü.dll"]);
    let binaries: Vec<_> = pressed.contents().files().map(|file| file.binary).collect();
    assert_eq!(binaries, [None, None, None, Some(Binary::Pe)]);
    assert_eq!(
        pressed.contents().unpacked_size(),
        10 + text().len() as u64 + 26
    );

    let entries = pressed.contents().entries().expect("whole");
    assert_eq!(saved.pressed.contents().entries(), Ok(entries.clone()));
    let script = &read(&entries)[0];
    assert_eq!(
        (&script.0[..], script.1, &script.2[..]),
        ("bin/tool", Mode::Executable, &b"#!/bin/sh\n"[..])
    );
    assert_eq!(entries[1].1.content.encoding, Encoding::Stored);
    assert_eq!(entries[2].1.content.encoding, Encoding::Deflate);
    assert_eq!(pressed.contents().tree().expect("whole").len(), 4);

    let zip = fs::read(store.pressed_path(ARCHIVE, "fast-6")).expect("there");
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut index = zip.by_name("lib/index.js").expect("there");
    let mut bytes = Vec::new();
    index.read_to_end(&mut bytes).expect("whole");
    assert_eq!(bytes, text());
}

#[test]
fn facts_whose_zip_was_pruned_are_nothing() {
    let (_folder, store) = store();
    some(&store, FAST);
    fs::remove_file(store.pressed_path(ARCHIVE, "fast-6")).expect("there");
    assert!(opened(&store, FAST).is_none());
}

#[test]
fn a_zip_of_which_nothing_is_known_is_damaged() {
    let (_folder, store) = store();
    let facts = || {
        let folder = fs::read_dir(store.root().join("facts")).expect("a folder");
        let folder = folder.flatten().next().expect("a folder").path();
        let file = fs::read_dir(folder).expect("a folder").flatten().next();
        file.expect("the facts").path()
    };
    some(&store, FAST);
    let whole = fs::read(facts()).expect("there");
    let garbage = vec![0xa5; whole.len()];
    for damaged in [&garbage[..], &whole[..whole.len() / 2], b""] {
        some(&store, FAST);
        fs::write(facts(), damaged).expect("writes");
        assert!(open(&store, ARCHIVE, FAST).is_err());
    }
    some(&store, FAST);
    fs::remove_file(facts()).expect("there");
    assert!(open(&store, ARCHIVE, FAST).is_err());
    let removed = vec![store.pressed_path(ARCHIVE, "fast-6")];
    assert_eq!(verify(&store).expect("lists"), (1, removed));
    assert!(opened(&store, FAST).is_none());
}

#[test]
fn a_store_that_cannot_be_written_holds_nothing_but_gives_everything() {
    let (folder, _) = store();
    let root = folder.path().join("broken");
    fs::create_dir(&root).expect("creates");
    fs::write(root.join("tmp"), "").expect("writes");
    let store = Store::open(&root).expect("opens");
    let saved = some(&store, FAST);
    assert!(saved.unkept.is_some());
    assert_eq!(
        saved.pressed.contents().entries().expect("in memory").len(),
        4
    );
    assert!(opened(&store, FAST).is_none());
}

#[test]
fn damage_is_noticed_when_streams_are_taken_and_pressing_again_heals_it() {
    let (_folder, store) = store();
    some(&store, FAST);
    let file = store.pressed_path(ARCHIVE, "fast-6");
    let whole = fs::read(&file).expect("there");
    let needle = b"#!/bin/sh";
    let at = whole.windows(9).position(|w| w == needle).expect("stored");
    let mut changed = whole.clone();
    changed[at] ^= 1;
    for damaged in [changed, whole[..whole.len() - 1].to_vec(), Vec::new()] {
        some(&store, FAST);
        fs::remove_file(&file).expect("there");
        fs::write(&file, damaged).expect("writes");
        let pressed = opened(&store, FAST).expect("is there");
        let error = pressed.contents().entries().expect_err("damaged");
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"the pressed copy of the archive 0707070707070707070707070707070707070707070707070707070707070707 in the cache is damaged");
        }
    }
}

#[test]
fn verifying_removes_what_is_damaged_or_of_no_use() {
    let (_folder, store) = store();
    some(&store, FAST);
    some(&store, BEST);
    assert_eq!(verify(&store).expect("lists"), (2, Vec::new()));
    let best = store.pressed_path(ARCHIVE, "best-6");
    fs::remove_file(&best).expect("there");
    fs::write(&best, "PK").expect("writes");
    let other = store.new_pressed(|_| Ok(())).expect("writes");
    store
        .keep_pressed(other, ARCHIVE, "old-0")
        .expect("renames");
    let old = store.pressed_path(ARCHIVE, "old-0");
    assert_eq!(verify(&store).expect("lists"), (3, vec![best, old]));
    assert_eq!(verify(&store).expect("lists"), (1, Vec::new()));
    assert_eq!(store.usage().expect("lists")[&Area::Pressed].files, 1);
}

#[test]
fn the_last_file_of_a_path_counts_and_trees_are_trees() {
    let (_folder, store) = store();
    let files: [(&str, Mode, &[u8]); 3] = [
        ("a", Mode::File, b"first"),
        ("A", Mode::File, b"another"),
        ("a", Mode::File, b"last"),
    ];
    let mut twice = pressing(FAST, &files);
    twice.make_executable("A");
    twice.make_executable("missing");
    let saved = twice.save(&store, ARCHIVE, Vec::new()).expect("a tree");
    let entries = saved.pressed.contents().entries().expect("whole");
    let expected = [
        ("A".into(), Mode::Executable, b"another".to_vec()),
        ("a".into(), Mode::File, b"last".to_vec()),
    ];
    assert_eq!(read(&entries), expected);

    let files: [(&str, Mode, &[u8]); 2] = [("a", Mode::File, b""), ("a/b", Mode::File, b"")];
    let both = pressing(FAST, &files).save(&store, ARCHIVE, Vec::new());
    insta::assert_snapshot!(both.expect_err("no tree"), @"`a` is a file, and a folder of `a/b`");
}

/// The zip depends on what is in it and on nothing else.
#[test]
fn order_batches_and_threads_do_not_show() {
    let source = |n: u32| -> Vec<u8> {
        let line = |m: u32| format!("let v{:x} = {};\n", m.wrapping_mul(m + n), m % 97);
        (0..n * 2).flat_map(|m| line(m).into_bytes()).collect()
    };
    let files: Vec<(String, Vec<u8>)> = (0..300)
        .map(|n| (format!("f{}/{n}", n % 7), source(n)))
        .collect();
    let zip = |recipe, files: &mut (dyn Iterator<Item = &(String, Vec<u8>)> + Send), threads| {
        let (_folder, store) = store();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("threads").install(|| {
            let mut pressing = Pressing::new(recipe);
            for (name, bytes) in files {
                pressing.add(path(name), Mode::File, bytes.clone());
            }
            pressing.save(&store, ARCHIVE, Vec::new()).expect("a tree");
        });
        fs::read(store.pressed_path(ARCHIVE, &recipe.id())).expect("there")
    };
    let first = zip(FAST, &mut files.iter(), 1);
    assert_eq!(zip(FAST, &mut files.iter().rev(), 4), first);
    let best = zip(BEST, &mut files.iter(), 3);
    assert!(best.len() < first.len());
}

#[test]
fn a_file_may_come_as_a_stream() {
    let text = text();
    let content = layerpress_pack::compress(&text, Level::Fast);
    let zip = |pressing: Pressing| {
        let (_folder, store) = store();
        pressing
            .save(&store, ARCHIVE, Vec::new())
            .expect("whole streams");
        fs::read(store.pressed_path(ARCHIVE, "best-6")).expect("there")
    };
    let mut streams = Pressing::new(BEST);
    streams.add_stream(path("a.js"), Mode::File, content.clone());
    let files = [("a.js", Mode::File, &text[..])];
    assert_eq!(zip(streams), zip(pressing(BEST, &files)));

    let mut damaged = Pressing::new(BEST);
    for name in ["c", "a", "b"] {
        let mut content = content.clone();
        content.crc32 ^= u32::from(name != "a");
        damaged.add_stream(path(name), Mode::File, content);
    }
    let (_folder, store) = store();
    let error = damaged
        .save(&store, ARCHIVE, Vec::new())
        .expect_err("damaged");
    insta::assert_snapshot!(error, @"`b` cannot be read: the CRC-32 is fc599fe3 instead of fc599fe2");
}

fn any_files() -> impl Strategy<Value = BTreeMap<String, (bool, Vec<u8>)>> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0..5000usize).prop_map(|(byte, count)| vec![byte; count]),
    ];
    proptest::collection::btree_map(
        "[a-c]{1,2}(/[a-cé]{1,2}){0,3}",
        (any::<bool>(), bytes),
        0..12,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_comes_back(files in any_files()) {
        let (_folder, store) = store();
        let mut pressing = Pressing::new(FAST);
        for (name, (executable, bytes)) in &files {
            let mode = if *executable { Mode::Executable } else { Mode::File };
            pressing.add(path(name), mode, bytes.clone());
        }
        let is_tree = files.keys().all(|a| !files.keys().any(|b| b.starts_with(&format!("{a}/"))));
        match pressing.save(&store, ARCHIVE, Vec::new()) {
            Err(_) => prop_assert!(!is_tree),
            Ok(_) => {
                prop_assert!(is_tree);
                let pressed = opened(&store, FAST).expect("kept");
                let found = read(&pressed.contents().entries().expect("whole"));
                let found: BTreeMap<_, _> = found
                    .into_iter()
                    .map(|(path, mode, bytes)| (path, (mode == Mode::Executable, bytes)))
                    .collect();
                prop_assert_eq!(found, files);
            }
        }
    }

    #[test]
    fn no_changed_byte_passes_for_the_file(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let (_folder, store) = store();
        some(&store, FAST);
        let expected = opened(&store, FAST).expect("kept").contents().entries().expect("whole");
        let file = store.pressed_path(ARCHIVE, "fast-6");
        let mut bytes = fs::read(&file).expect("there");
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::remove_file(&file).expect("there");
        fs::write(&file, bytes).expect("writes");
        // Headers are not looked at: their bytes may change, the files' may not.
        if let Ok(found) = opened(&store, FAST).expect("there").contents().entries() {
            prop_assert_eq!(found, expected);
        }
    }
}

fn safe() -> Recipe {
    Recipe {
        compression: Level::Fast,
        passes: Passes::of(Profile::Safe),
    }
}

const MODEL: &[u8] = b"{\"documentation\": \"<p>prose</p>\"}\n";

#[test]
fn what_passes_did_is_known_as_long_as_the_files() {
    let (_folder, store) = store();
    let files: [(&str, Mode, &[u8]); 3] = [
        ("botocore/data/a.json", Mode::File, MODEL),
        ("botocore/data/b.json", Mode::File, b"{ ]"),
        ("c.json", Mode::File, MODEL),
    ];
    let saved = pressing(safe(), &files).save(&store, ARCHIVE, Vec::new());
    let kept = opened(&store, safe()).expect("kept");
    for pressed in [&saved.expect("one tree").pressed, &kept] {
        let changed: Vec<_> = pressed.contents().files().map(|it| it.change).collect();
        let change = changed[0].expect("a pass made it smaller");
        assert_eq!(
            (change.pass.name, change.size_before),
            ("botocore-docs", 34)
        );
        assert_eq!(changed[1..], [None, None]);
        let account = pressed.contents().account();
        let gain = Gain {
            files: 1,
            bytes: 14,
        };
        assert_eq!(account.gains, [("botocore-docs", gain)].into());
        let refused = &account.refused[0];
        assert_eq!(
            (&*refused.path, refused.pass),
            ("botocore/data/b.json", "botocore-docs")
        );
        assert!(
            refused.why.starts_with("it is no JSON from "),
            "{}",
            refused.why
        );
    }
    let entries = kept.contents().entries().expect("whole");
    assert_eq!(read(&entries)[0].2, b"{\"documentation\":\"\"}");
    assert_eq!(read(&entries)[2].2, MODEL);
}

#[test]
fn what_would_grow_in_the_layer_stays_as_it_is() {
    let stream = layerpress_pack::compress(&MODEL.repeat(30), Level::Best);
    let remade = |stream| remake("botocore/data/a.json", MODEL, stream, safe());
    assert!(matches!(remade(None), Remade::Changed(_)));
    let mut small = stream;
    small.data = small.data.slice(..2);
    let is_poor = false;
    let content = &small;
    assert!(matches!(
        remade(Some(Stream { content, is_poor })),
        Remade::Same
    ));
    let none = Recipe {
        passes: Passes::NONE,
        ..safe()
    };
    assert!(matches!(
        remake("botocore/data/a.json", MODEL, None, none),
        Remade::Same
    ));
}

#[test]
fn nothing_to_keep_is_known_without_a_zip() {
    let (_folder, store) = store();
    let saved = Pressing::new(safe()).save(&store, ARCHIVE, b"notes".to_vec());
    assert_eq!(saved.expect("a tree").pressed.contents().files().len(), 0);
    assert!(!store.pressed_path(ARCHIVE, &safe().id()).exists());
    let kept = opened(&store, safe()).expect("known");
    assert_eq!(kept.contents().notes(), b"notes");
    assert_eq!(kept.contents().entries(), Ok(Vec::new()));
}

#[test]
fn each_recipe_has_a_name_of_its_own() {
    let ids: std::collections::BTreeSet<_> = Recipe::all().map(Recipe::id).collect();
    assert_eq!(ids.len(), Recipe::all().count());
    assert_eq!(FAST.id(), "fast-6");
    assert!(safe().id().starts_with("fast-6-"));
}

#[test]
fn a_poor_stream_is_made_anew_and_a_good_one_stays() {
    let text = text();
    let poor = layerpress_pack::stored(text.clone().into());
    let good = layerpress_pack::compress(&text, Level::Best);
    let remade = |content, is_poor, recipe| {
        let stream = Some(Stream { content, is_poor });
        match remake("lib/index.txt", &text, stream, recipe) {
            Remade::Changed(made) => Some((made.content, made.change)),
            _ => None,
        }
    };
    let anew = layerpress_pack::compress(&text, Level::Fast);
    assert_eq!(remade(&poor, true, safe()), Some((anew, None)));
    assert_eq!(remade(&poor, false, safe()), None);
    assert_eq!(remade(&good, true, safe()), None, "it would grow");
    assert_eq!(remade(&poor, true, FAST), None, "nothing is to be changed");
}
