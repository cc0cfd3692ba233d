//! A wheel's files as a recipe has them, from the pressed store: for what is more than copying the
//! wheel's own streams.
//!
//! With compression `best` the pressed zip holds each file of the wheel under the path that it has
//! there. With `fast` it is an overlay: the files alone that a pass changed, or whose streams were poor, while all
//! others come from the wheel. RECORD is in either already the one that a layer without scripts has, where there can be one.

use std::collections::BTreeMap;

use bytes::Bytes;
use layerpress_fetch::Store;
use layerpress_pack::{Level, read_all};
use layerpress_press::pressed::{self, Damaged, Remade, Saved, Stream, has_poor_streams, remake};
use layerpress_press::{Account, Pressed, Pressing, Recipe};
use layerpress_tree::{LayerPath, Sha256};
use rayon::prelude::*;

use super::error::WheelFault;
use super::layout::{Laid, layer_record};
use super::receipt::{FORMAT, Receipt};

/// The contents of the files of a receipt, in its order, and the RECORD of a layer.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) files: Vec<Laid>,
    pub(super) record: Option<layerpress_tree::Content>,
    /// What the passes did.
    pub(super) account: Account,
}

/// Where the files of a wheel come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The wheel alone.
    Wheel,
    /// The wheel, and an overlay over it.
    Overlay,
    /// The pressed zip alone.
    Pressed,
}

impl Source {
    /// What a recipe asks for.
    pub(super) fn of(recipe: Recipe) -> Self {
        match (recipe.compression, recipe.passes.is_empty()) {
            (Level::Best, _) => Self::Pressed,
            (Level::Fast, true) => Self::Wheel,
            (Level::Fast, false) => Self::Overlay,
        }
    }
}

/// What the store keeps of the wheel of `receipt`, pressed by `recipe`.
pub(super) fn kept(
    receipt: &Receipt,
    archive: Sha256,
    recipe: Recipe,
    store: &Store,
) -> Result<Option<Pressed>, Damaged> {
    let pressed = pressed::open(store, archive, recipe)?;
    Ok(pressed.filter(|it| it.contents().notes() == notes(receipt)))
}

/// Presses the files of a wheel, which lie in `files` as the wheel has them, into the store.
pub(super) fn press(
    receipt: &Receipt,
    files: &[Laid],
    archive: Sha256,
    recipe: Recipe,
    store: &Store,
) -> Result<Pressed, WheelFault> {
    let mut pressing = Pressing::new(recipe);
    let own = receipt.record_path();
    let with_record = receipt.record().is_some();
    for (file, laid) in receipt.files.iter().zip(files) {
        let path = LayerPath::new(&file.path).map_err(WheelFault::Path)?;
        if !with_record || file.path != own {
            pressing.add_stream(path, file.mode(), laid.content.clone());
        }
    }
    save(receipt, files, pressing, archive, store)
}

/// Gives the files of a wheel to the passes of `recipe`, and presses those that they change.
pub(super) fn press_overlay(
    receipt: &Receipt,
    files: &[Laid],
    archive: Sha256,
    recipe: Recipe,
    store: &Store,
) -> Result<Pressed, WheelFault> {
    let is_poor = has_poor_streams(files.iter().map(|laid| &laid.content), recipe);
    let remade = receipt.files.par_iter().zip(files).map(|(file, laid)| {
        // It was whole when it was verified.
        let bytes = read_all(&laid.content).map_err(|_| WheelFault::Damaged)?;
        let content = &laid.content;
        let stream = Stream { content, is_poor };
        let remade = remake(&file.path, &bytes, Some(stream), recipe);
        layerpress_fetch::let_go(&laid.content.data);
        Ok(remade)
    });
    let remade: Vec<Remade> = remade.collect::<Result<_, WheelFault>>()?;
    save_overlay(receipt, files, remade, archive, recipe, store)
}

/// Presses what the passes of `recipe` made of the files of a wheel.
pub(super) fn save_overlay(
    receipt: &Receipt,
    files: &[Laid],
    remade: Vec<Remade>,
    archive: Sha256,
    recipe: Recipe,
    store: &Store,
) -> Result<Pressed, WheelFault> {
    let mut pressing = Pressing::new(recipe);
    for (file, remade) in receipt.files.iter().zip(remade) {
        match remade {
            Remade::Same => {}
            Remade::Refused(refusal) => pressing.add_refusal(refusal),
            Remade::Changed(made) => {
                let path = LayerPath::new(&file.path).map_err(WheelFault::Path)?;
                pressing.add_made(path, file.mode(), *made);
            }
        }
    }
    save(receipt, files, pressing, archive, store)
}

/// Adds the RECORD that speaks of the files as they are now, and keeps everything.
fn save(
    receipt: &Receipt,
    files: &[Laid],
    mut pressing: Pressing,
    archive: Sha256,
    store: &Store,
) -> Result<Pressed, WheelFault> {
    let mut made = BTreeMap::new();
    for (path, entry, change) in pressing.files() {
        let laid = Laid {
            content: entry.content.clone(),
            change: change.copied(),
        };
        made.insert(path.as_str().to_owned(), laid);
    }
    if receipt.record().is_some() && !made.is_empty() {
        let files = receipt.files.iter().zip(files);
        let now = files.map(|(file, own)| made.get(&file.path).unwrap_or(own).clone());
        let text = layer_record(receipt, &now.collect::<Vec<_>>())?;
        let path = LayerPath::new(&receipt.record_path()).map_err(WheelFault::Path)?;
        pressing.add(path, layerpress_tree::Mode::File, text.into_bytes());
    }
    drop(made);
    // A store that cannot be written costs speed, not correctness.
    match pressing.save(store, archive, notes(receipt)) {
        Ok(Saved { pressed, .. }) => Ok(pressed),
        // It was whole when it was verified.
        Err(pressed::PressError::Stream { .. }) => Err(WheelFault::Damaged),
        Err(error) => Err(WheelFault::Press(error)),
    }
}

/// What must be equal for a pressed zip to be the one that would be made now.
fn notes(receipt: &Receipt) -> Vec<u8> {
    let has_record = u32::from(receipt.record().is_some());
    [FORMAT, has_record].map(u32::to_le_bytes).concat()
}

/// Why files cannot be taken from where they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The pressed copy is damaged, or is not of this wheel.
    Pressed,
    /// The wheel is not what it was.
    Wheel,
}

/// The files of `receipt` from its pressed copy; with `wheel`, the copy is an overlay over it.
pub(super) fn contents(
    receipt: &Receipt,
    pressed: &Pressed,
    wheel: Option<&Bytes>,
) -> Result<Contents, Unusable> {
    let facts = pressed.contents();
    let entries = facts.entries().map_err(|_| Unusable::Pressed)?;
    let changes = facts.files().map(|file| file.change);
    let laid = entries.iter().zip(changes).map(|((path, entry), change)| {
        let content = entry.content.clone();
        (path.as_str(), Laid { content, change })
    });
    let replaced: BTreeMap<&str, Laid> = laid.collect();
    let own = receipt.record_path();
    let pressed_record = replaced.get(own.as_str()).map(|laid| laid.content.clone());
    let record = receipt
        .record()
        .map(|plain| pressed_record.unwrap_or(plain));
    let files = match wheel {
        Some(wheel) => receipt.contents(wheel, &replaced).ok_or(Unusable::Wheel)?,
        None => {
            let files = receipt.files.iter();
            let files = files.map(|file| replaced.get(file.path.as_str()).cloned());
            files.collect::<Option<_>>().ok_or(Unusable::Pressed)?
        }
    };
    Ok(Contents {
        files,
        record,
        account: facts.account(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use layerpress_press::{Passes, Profile};

    use super::*;
    use crate::wheel::testing::{TestWheel, listing, text};
    use crate::wheel::{KnownWheel, Layout, Scripts, UnpackOptions, WheelTree, unpacked};

    const BEST: Recipe = Recipe {
        compression: Level::Best,
        passes: Passes::NONE,
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

    fn safe() -> Recipe {
        Recipe {
            compression: Level::Fast,
            passes: Passes::of(Profile::Safe),
        }
    }

    /// A wheel with a file that a pass makes smaller, and one that it refuses.
    fn with_models() -> TestWheel {
        let model = "{\"documentation\": \"<p>all that it does</p>\", \"name\": \"s3\"}\n";
        wheel()
            .file("botocore/data/s3/service-2.json", model)
            .file("botocore/data/s3/broken.json", "{ ]")
    }

    const MODEL: &str = "botocore/data/s3/service-2.json";

    #[test]
    fn an_overlay_holds_what_passes_changed_and_nothing_else() {
        let (_folder, store) = store();
        let (wheel, options) = (with_models(), options(Layout::Flat, false, safe()));
        store.put_archive(&wheel.bytes()[..]).expect("kept");
        let cold = wheel.unpack_in(&options, &store).expect("sound");
        assert_eq!(
            text(&cold.tree, MODEL),
            "{\"documentation\":\"\",\"name\":\"s3\"}"
        );
        assert_eq!(cold.account.gains["botocore-docs"].files, 1);
        assert_eq!(cold.account.gains["botocore-docs"].bytes, 27);
        let refused: Vec<_> = cold.account.refused.iter().map(|it| &*it.path).collect();
        assert_eq!(refused, ["botocore/data/s3/broken.json"]);
        let pressed = pressed::open(&store, digest(&wheel), safe()).expect("sound");
        let pressed = pressed.expect("kept");
        let held: Vec<_> = pressed.contents().files().map(|it| it.path).collect();
        assert_eq!(held, [MODEL, "six-1.0.dist-info/RECORD"]);

        assert_eq!(again(&wheel, &options, &store), Some(cold.clone()), "warm");
        let record = text(&cold.tree, "six-1.0.dist-info/RECORD");
        let bytes = text(&cold.tree, MODEL);
        let hash = {
            use sha2::Digest as _;
            let digest = sha2::Sha256::digest(&bytes);
            crate::wheel::record::hash(layerpress_tree::Algorithm::Sha256, &digest)
        };
        let line = format!("{MODEL},{hash},{}\n", bytes.len());
        assert!(record.contains(&line), "{record}");
        // Pressed after its receipt was made for another build.
        let (_folder, later) = self::store();
        later.put_archive(&wheel.bytes()[..]).expect("kept");
        wheel
            .unpack_in(&UnpackOptions::default(), &later)
            .expect("sound");
        assert_eq!(wheel.unpack_in(&options, &later).expect("sound"), cold);
        // All other files have the wheel's own streams.
        let plain = wheel
            .unpack_in(&UnpackOptions::default(), &store)
            .expect("sound");
        for (path, entry) in plain.tree.iter() {
            let same = cold.tree.get(path.as_str()) == Some(entry);
            let changed = [MODEL, "six-1.0.dist-info/RECORD"].contains(&path.as_str());
            assert_eq!(same, !changed, "{path}");
        }
    }

    #[test]
    fn a_recipe_gives_the_same_files_under_either_compression() {
        let wheel = with_models();
        for (layout, scripts) in [
            (Layout::Flat, false),
            (Layout::Versioned { python: (3, 13) }, true),
        ] {
            let best = Recipe {
                compression: Level::Best,
                ..safe()
            };
            let trees = [safe(), best].map(|recipe| {
                let tree = wheel
                    .unpack(&options(layout, scripts, recipe))
                    .expect("sound");
                let texts = tree
                    .tree
                    .iter()
                    .map(|(path, _)| text(&tree.tree, path.as_str()));
                (listing(&tree.tree), texts.collect::<Vec<_>>(), tree.account)
            });
            assert_eq!(trees[0], trees[1]);
        }
    }

    #[test]
    fn a_wheel_that_was_packed_without_pains_is_packed_anew() {
        let (_folder, store) = store();
        let large = "six/data.txt";
        let wheel = with_models()
            .file(large, &"x = 1\n".repeat(40_000))
            .stored();
        let options = options(Layout::Flat, false, safe());
        store.put_archive(&wheel.bytes()[..]).expect("kept");
        let cold = wheel.unpack_in(&options, &store).expect("sound");
        let plain = UnpackOptions::default();
        let plain = wheel.unpack_in(&plain, &store).expect("sound");
        let stream_size = |tree: &WheelTree, path: &str| {
            let entry = tree.tree.get(path).expect("there");
            entry.content.stream_size()
        };
        assert_eq!(
            stream_size(&plain, large),
            240_000,
            "nothing is to be pressed"
        );
        assert!(stream_size(&cold, large) < 2_000);
        assert_eq!(text(&cold.tree, large), text(&plain.tree, large));
        assert_eq!(stream_size(&cold, "six/tiny"), 1);
        // No pass has to do with it.
        assert_eq!(cold.account.gains.len(), 1);
        let of_packed = |record: String| {
            let lines = record.lines().filter(|line| !line.starts_with(MODEL));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let record = "six-1.0.dist-info/RECORD";
        assert_eq!(
            of_packed(text(&cold.tree, record)),
            of_packed(text(&plain.tree, record))
        );
        assert_eq!(again(&wheel, &options, &store), Some(cold.clone()), "warm");
        // Pressed after its receipt was made for another build.
        let (_folder, later) = self::store();
        later.put_archive(&wheel.bytes()[..]).expect("kept");
        wheel
            .unpack_in(&UnpackOptions::default(), &later)
            .expect("sound");
        assert_eq!(wheel.unpack_in(&options, &later).expect("sound"), cold);
    }

    #[test]
    fn a_wheel_that_no_pass_changes_needs_no_zip() {
        let (_folder, store) = store();
        let (wheel, options) = (wheel(), options(Layout::Flat, false, safe()));
        store.put_archive(&wheel.bytes()[..]).expect("kept");
        let cold = wheel.unpack_in(&options, &store).expect("sound");
        assert!(!store.pressed_path(digest(&wheel), &safe().id()).exists());
        assert_eq!(again(&wheel, &options, &store), Some(cold.clone()));
        let plain = wheel
            .unpack_in(&UnpackOptions::default(), &store)
            .expect("sound");
        assert_eq!(cold, plain);
    }

    #[test]
    fn a_damaged_overlay_is_pressed_again_and_that_is_said_once() {
        let (_folder, store) = store();
        let (wheel, options) = (with_models(), options(Layout::Flat, false, safe()));
        store.put_archive(&wheel.bytes()[..]).expect("kept");
        let first = wheel.unpack_in(&options, &store).expect("sound");
        let file = store.pressed_path(digest(&wheel), &safe().id());
        let whole = fs::read(&file).expect("there");
        for damaged in [&whole[..whole.len() - 1], b""] {
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
        // The wheel itself is fetched anew.
        let mut bytes = wheel.bytes().to_vec();
        let at = bytes.windows(6).position(|it| it == b"y = 1\n");
        bytes[at.expect("stored")] ^= 1;
        let damaged = crate::wheel::WheelFile {
            name: &wheel.file_name,
            digest: digest(&wheel),
            archive: bytes.into(),
        };
        let error = crate::wheel::unpack(&damaged, &options, &store);
        assert!(error.expect_err("damaged").is_damage());
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
        let file = store.pressed_path(digest(&wheel), &BEST.id());
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
