//! A wheel's files as a recipe has them, from the pressed store: for what is more than copying the
//! wheel's own streams.
//!
//! The pressed zip holds each file of the wheel under the path that it has there; RECORD alone is
//! already the one that a layer without scripts has, where there can be one.

use layerpress_fetch::Store;
use layerpress_press::pressed::{self, Damaged, PressError, Pressed};
use layerpress_press::{Pressing, Recipe};
use layerpress_tree::{Content, Entry, LayerPath, Sha256};

use super::error::WheelFault;
use super::layout::layer_record;
use super::receipt::{FORMAT, Receipt};

/// The contents of the files of a receipt, in its order, and the RECORD of a layer.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) files: Vec<Content>,
    pub(super) record: Option<Content>,
}

/// What the store keeps of the wheel of `receipt`, pressed by `recipe`.
pub(super) fn kept(
    receipt: &Receipt,
    archive: Sha256,
    recipe: Recipe,
    store: &Store,
) -> Result<Option<Contents>, Damaged> {
    match pressed::open(store, archive, recipe)? {
        Some(pressed) if pressed.contents().notes() == notes(receipt) => {
            contents(receipt, archive, &pressed).map(Some)
        }
        _ => Ok(None),
    }
}

/// Presses the files of a wheel, which lie in `files` as the wheel has them, into the store.
pub(super) fn press(
    receipt: &Receipt,
    files: &[Content],
    archive: Sha256,
    recipe: Recipe,
    store: &Store,
) -> Result<Contents, WheelFault> {
    let mut pressing = Pressing::new(recipe);
    let own = receipt.record_path();
    let record = layer_record(receipt, files).ok();
    for (file, content) in receipt.files.iter().zip(files) {
        let path = LayerPath::new(&file.path).map_err(WheelFault::Path)?;
        match &record {
            Some(text) if file.path == own => {
                pressing.add(path, file.mode(), text.clone().into_bytes());
            }
            _ => pressing.add_stream(path, file.mode(), content.clone()),
        }
    }
    let saved = pressing.save(store, archive, notes(receipt));
    let saved = saved.map_err(|error| match error {
        // It was whole when it was verified.
        PressError::Stream { .. } => WheelFault::Damaged,
        error => WheelFault::Press(error),
    })?;
    // A store that cannot be written costs speed, not correctness.
    contents(receipt, archive, &saved.pressed).map_err(|_| WheelFault::Damaged)
}

/// What must be equal for a pressed zip to be the one that would be made now.
fn notes(receipt: &Receipt) -> Vec<u8> {
    let has_record = u32::from(receipt.record().is_some());
    [FORMAT, has_record].map(u32::to_le_bytes).concat()
}

fn contents(receipt: &Receipt, archive: Sha256, pressed: &Pressed) -> Result<Contents, Damaged> {
    let entries: Vec<(LayerPath, Entry)> = pressed.contents().entries()?;
    let own = receipt.record_path();
    let mut found = Contents {
        files: Vec::with_capacity(entries.len()),
        record: None,
    };
    // Both are in the order of their paths.
    let same = entries.len() == receipt.files.len();
    for (file, (path, entry)) in receipt.files.iter().zip(entries) {
        if !same || path.as_str() != file.path {
            return Err(Damaged { archive });
        }
        if file.path == own && receipt.record().is_some() {
            found.record = Some(entry.content.clone());
        }
        found.files.push(entry.content);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use layerpress_pack::Level;

    use super::*;
    use crate::wheel::testing::{TestWheel, listing, text};
    use crate::wheel::{KnownWheel, Layout, Scripts, UnpackOptions, WheelTree, unpacked};

    const BEST: Recipe = Recipe {
        compression: Level::Best,
    };

    fn wheel() -> TestWheel {
        let lines: String = (0..400)
            .map(|n| format!("x{n:x} = {}\n", n * n % 89))
            .collect();
        TestWheel::new("six")
            .file("six/__init__.py", &lines)
            .file("six/tiny", "x")
            .file("six-1.0.data/purelib/other.py", "y = 1\n")
            .file("six-1.0.data/scripts/run", "#!python\nprint(1)\n")
            .info("entry_points.txt", "[console_scripts]\nsix = six:main\n")
    }

    fn digest(wheel: &TestWheel) -> Sha256 {
        use sha2::Digest as _;
        Sha256(sha2::Sha256::digest(wheel.bytes()).into())
    }

    fn options(layout: Layout, scripts: bool, recipe: Recipe) -> UnpackOptions {
        UnpackOptions {
            layout,
            scripts: scripts.then(|| Scripts {
                interpreter: "/var/lang/bin/python3.13".to_owned(),
                extras: Default::default(),
            }),
            recipe,
            ..UnpackOptions::default()
        }
    }

    fn again(wheel: &TestWheel, options: &UnpackOptions, store: &Store) -> Option<WheelTree> {
        let known = KnownWheel {
            name: &wheel.file_name,
            digest: digest(wheel),
            size: Some(wheel.bytes().len() as u64),
        };
        unpacked(&known, options, store).expect("sound")
    }

    /// The wheel unpacked by each recipe, in a world of its own.
    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        (folder, store)
    }

    #[test]
    fn best_holds_the_same_files_in_fewer_bytes() {
        let wheel = wheel();
        let fast = UnpackOptions::default().recipe;
        for (layout, scripts) in [
            (Layout::Flat, false),
            (Layout::Versioned { python: (3, 13) }, false),
            (Layout::Flat, true),
            (Layout::Environment { python: (3, 13) }, true),
        ] {
            let trees = [fast, BEST].map(|recipe| {
                let (_folder, store) = store();
                let tree = wheel.unpack_in(&options(layout, scripts, recipe), &store);
                tree.expect("sound").tree
            });
            assert_eq!(listing(&trees[0]), listing(&trees[1]));
            let sizes = trees.each_ref().map(|tree| {
                for (path, _) in tree.iter() {
                    assert_eq!(text(&trees[0], path.as_str()), text(tree, path.as_str()));
                }
                let streams = tree.iter().map(|(_, entry)| entry.content.stream_size());
                streams.sum::<u64>()
            });
            assert!(sizes[1] < sizes[0], "{sizes:?}");
        }
    }

    #[test]
    fn the_second_time_needs_no_archive() {
        let (_folder, store) = store();
        let (wheel, options) = (wheel(), options(Layout::Flat, false, BEST));
        store.put_archive(&wheel.bytes()[..]).expect("kept");
        assert_eq!(again(&wheel, &options, &store), None);
        let first = wheel.unpack_in(&options, &store).expect("sound");
        store.forget_archive(digest(&wheel));
        assert_eq!(again(&wheel, &options, &store), Some(first));
        // The wheel's own streams are in the archive alone.
        let fast = UnpackOptions::default();
        assert_eq!(again(&wheel, &fast, &store), None);
        let other = KnownWheel {
            name: &wheel.file_name,
            digest: digest(&wheel),
            size: Some(1),
        };
        assert_eq!(unpacked(&other, &options, &store).expect("sound"), None);
    }

    #[test]
    fn a_damaged_copy_is_pressed_again_and_that_is_said_once() {
        let (_folder, store) = store();
        let (wheel, options) = (wheel(), options(Layout::Flat, false, BEST));
        let first = wheel.unpack_in(&options, &store).expect("sound");
        let file = store.pressed_path(digest(&wheel), "best-1");
        let whole = fs::read(&file).expect("there");
        let mut changed = whole.clone();
        let at = whole.windows(6).position(|it| it == b"y = 1\n");
        changed[at.expect("stored")] ^= 1;
        for damaged in [&changed[..], &whole[..whole.len() - 1], b""] {
            fs::remove_file(&file).expect("there");
            fs::write(&file, damaged).expect("writes");
            assert_eq!(again(&wheel, &options, &store), None);
            let healed = wheel.unpack_in(&options, &store).expect("sound");
            insta::allow_duplicates! {
                insta::assert_snapshot!(healed.warnings.join("\n"), @"`six-1.0-py3-none-any.whl`: its pressed copy in the cache was damaged; it was pressed again");
            }
            assert_eq!(healed.tree, first.tree);
            assert_eq!(fs::read(&file).expect("there"), whole);
            assert_eq!(again(&wheel, &options, &store), Some(first.clone()));
        }
    }
}
