//! [`unpack`]: from a wheel's archive to a [`WheelTree`], verified once and cheap ever after.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use layerpress_fetch::Store;
use layerpress_pack::{Archive, Level, Limits};
use layerpress_press::pressed::Remade;
use layerpress_press::{Account, Passes, Recipe};
use layerpress_tree::{LayerTree, Sha256};
use pep440_rs::Version;
use pep508_rs::{ExtraName, PackageName};
use sha2::Digest as _;

use super::dist_info::{DistInfo, parse_file_name};
use super::error::{WheelError, WheelFault};
use super::layout::{Laid, Layout, lay_out};
use super::pressed::{self, Contents, Source, Unusable};
use super::receipt::Receipt;
use super::spared::{Spared, exchange, spared};
use super::verify::verify;
use crate::escaped::escaped;

/// A wheel to be unpacked.
#[derive(Debug, Clone)]
pub struct WheelFile<'a> {
    /// Its file name, which states name and version.
    pub name: &'a str,
    /// The digest under which the store holds it.
    pub digest: Sha256,
    /// Its bytes, usually the store's mapped archive.
    pub archive: Bytes,
}

/// A wheel of which the store may keep all that is needed.
#[derive(Debug, Clone, Copy)]
pub struct KnownWheel<'a> {
    /// Its file name, which states name and version.
    pub name: &'a str,
    /// Its SHA-256.
    pub digest: Sha256,
    /// Its size in bytes, where it is told; another one is taken for another wheel.
    pub size: Option<u64>,
}

/// How wheels are unpacked.
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// What one wheel may hold. Default: 4 GiB in 262,144 files; a layer's own limit is checked
    /// where all of its wheels are known.
    pub limits: Limits,
    /// Where the files go. Default: flat.
    pub layout: Layout,
    /// Whether scripts are made, and how. Default: none.
    pub scripts: Option<Scripts>,
    /// How files are pressed. Default: fast and as they are, which keeps the wheel's own streams.
    pub recipe: Recipe,
    /// Over which of the files fewer of the recipe's passes go. Default: none.
    pub spared: Option<Spared>,
}

/// How scripts are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripts {
    /// The interpreter that they name in their first line: `/var/lang/bin/python3.13`.
    pub interpreter: String,
    /// The distribution's extras that are asked for: entry points may depend on them.
    pub extras: BTreeSet<ExtraName>,
}

/// One distribution's files as they will lie in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelTree {
    /// The normalised name.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The archive that it came from.
    pub archive: Sha256,
    /// Whether the wheel calls itself free of compiled code (`Root-Is-Purelib`).
    pub root_is_purelib: bool,
    /// The files, by paths relative to the layer's `python` folder.
    pub tree: LayerTree,
    /// What passes did to its files.
    pub account: Account,
    /// Whether some of the files are others than the recipe would make of them.
    pub is_spared: bool,
    /// What the user should know: a lowercase sentence each.
    pub warnings: Vec<String>,
}

impl UnpackOptions {
    /// Whether RECORD is the one of a layer without scripts.
    pub(super) fn has_layer_record(&self) -> bool {
        self.scripts.is_none() && !matches!(self.layout, Layout::Environment { .. })
    }
}

impl Default for UnpackOptions {
    fn default() -> Self {
        Self {
            limits: Limits {
                entries: 262_144,
                total_bytes: 4 << 30,
                ..Limits::default()
            },
            layout: Layout::Flat,
            scripts: None,
            recipe: Recipe {
                compression: Level::Fast,
                passes: Passes::NONE,
            },
            spared: None,
        }
    }
}

/// Unpacks `wheel`.
///
/// The first time every file is inflated and held against RECORD, on all cores; the outcome goes
/// into `store`. After that only a fast checksum of each compressed stream is taken. With
/// compression `best` the files are pressed too the first time, and come from the pressed store
/// after that; with `fast` this goes for the files that passes change.
///
/// # Errors
/// A [`WheelError`] that names what is wrong with the wheel. If [`WheelError::is_damage`], the
/// store's copy had changed since it was put there; it has been forgotten, and may be fetched and
/// unpacked once more.
pub fn unpack(
    wheel: &WheelFile<'_>,
    options: &UnpackOptions,
    store: &Store,
) -> Result<WheelTree, WheelError> {
    unpack_inner(wheel, options, store).map_err(|fault| WheelError::new(wheel.name, fault))
}

/// What [`unpack`] gave for a wheel, if the store keeps what is needed for giving it again without
/// a second look at the archive.
///
/// # Errors
/// As [`unpack`]'s; a damaged pressed copy is none, [`unpack`] makes it anew and says so.
pub fn unpacked(
    wheel: &KnownWheel<'_>,
    options: &UnpackOptions,
    store: &Store,
) -> Result<Option<WheelTree>, WheelError> {
    unpacked_inner(wheel, options, store).map_err(|fault| WheelError::new(wheel.name, fault))
}

fn unpack_inner(
    wheel: &WheelFile<'_>,
    options: &UnpackOptions,
    store: &Store,
) -> Result<WheelTree, WheelFault> {
    let identity = parse_file_name(wheel.name).ok_or(WheelFault::FileName)?;
    let (receipt, contents, mut warnings) = contents(wheel, &identity, options, store)?;
    let mut others = Vec::new();
    for (recipe, files) in spared(&receipt, &contents, options) {
        let options = UnpackOptions {
            recipe,
            ..options.clone()
        };
        let (_, other, more) = self::contents(wheel, &identity, &options, store)?;
        warnings.extend(more);
        others.push((other, files));
    }
    let mut tree = tree(
        identity,
        wheel.digest,
        &receipt,
        (contents, others),
        options,
    )?;
    tree.warnings = warnings;
    Ok(tree)
}

/// What is known of a wheel, its files by the recipe, and what to tell the user.
fn contents(
    wheel: &WheelFile<'_>,
    identity: &(PackageName, Version),
    options: &UnpackOptions,
    store: &Store,
) -> Result<(Receipt, Contents, Vec<String>), WheelFault> {
    let (recipe, digest) = (options.recipe, wheel.digest);
    let source = Source::of(recipe);
    let over = (source == Source::Overlay).then_some(&wheel.archive);
    let damaged = || damaged(digest, store);
    let mut warnings = Vec::new();
    let mut known = receipt(digest, identity, options, store);
    if let Some(receipt) = known.take_if(|_| source != Source::Wheel) {
        let kept = pressed::kept(&receipt, digest, recipe, store);
        let contents = kept.map_err(|_| Unusable::Pressed).and_then(|kept| {
            let contents = kept.map(|kept| pressed::contents(&receipt, &kept, over));
            contents.transpose()
        });
        match contents {
            Ok(Some(contents)) => return Ok((receipt, contents, warnings)),
            Ok(None) => {}
            Err(Unusable::Wheel) => return Err(damaged()),
            Err(Unusable::Pressed) => warnings.push(format!(
                "`{}`: its pressed copy in the cache was damaged; it was pressed again",
                escaped(wheel.name)
            )),
        }
        known = Some(receipt);
    }
    let (receipt, files, remade) = match known {
        Some(receipt) => {
            let files = receipt.contents(&wheel.archive, &BTreeMap::new());
            (receipt, files.ok_or_else(damaged)?, None)
        }
        None => {
            let (receipt, files, remade) = examine(wheel, options, store)?;
            (receipt, files, Some(remade))
        }
    };
    let contents = if source == Source::Wheel {
        own_streams(&receipt, files)
    } else {
        let pressed = match (source, remade) {
            (Source::Pressed, _) => pressed::press(&receipt, &files, digest, recipe, store),
            (_, None) => pressed::press_overlay(&receipt, &files, digest, recipe, store),
            (_, Some(remade)) => {
                pressed::save_overlay(&receipt, &files, remade, digest, recipe, store)
            }
        };
        drop(files);
        pressed::contents(&receipt, &pressed?, over).map_err(|_| WheelFault::Damaged)?
    };
    Ok((receipt, contents, warnings))
}

fn unpacked_inner(
    wheel: &KnownWheel<'_>,
    options: &UnpackOptions,
    store: &Store,
) -> Result<Option<WheelTree>, WheelFault> {
    let identity = parse_file_name(wheel.name).ok_or(WheelFault::FileName)?;
    let receipt = receipt(wheel.digest, &identity, options, store)
        .filter(|receipt| wheel.size.is_none_or(|size| size == receipt.archive_bytes));
    let Some(receipt) = receipt else {
        return Ok(None);
    };
    let Some(contents) = kept_contents(wheel, &receipt, options.recipe, store)? else {
        return Ok(None);
    };
    let mut others = Vec::new();
    for (recipe, files) in spared(&receipt, &contents, options) {
        let Some(other) = kept_contents(wheel, &receipt, recipe, store)? else {
            return Ok(None);
        };
        others.push((other, files));
    }
    tree(
        identity,
        wheel.digest,
        &receipt,
        (contents, others),
        options,
    )
    .map(Some)
}

/// The files of a wheel by a recipe, if the store keeps all that is needed.
fn kept_contents(
    wheel: &KnownWheel<'_>,
    receipt: &Receipt,
    recipe: Recipe,
    store: &Store,
) -> Result<Option<Contents>, WheelFault> {
    let source = Source::of(recipe);
    let archive = match source {
        Source::Pressed => None,
        Source::Wheel | Source::Overlay => match store.archive(wheel.digest) {
            None => return Ok(None),
            archive => archive,
        },
    };
    let contents = match (source, &archive) {
        (Source::Wheel, Some(archive)) => {
            let files = receipt.contents(archive, &BTreeMap::new());
            own_streams(receipt, files.ok_or_else(|| damaged(wheel.digest, store))?)
        }
        _ => {
            let Ok(Some(kept)) = pressed::kept(receipt, wheel.digest, recipe, store) else {
                return Ok(None);
            };
            match pressed::contents(receipt, &kept, archive.as_ref()) {
                Ok(contents) => contents,
                Err(Unusable::Pressed) => return Ok(None),
                Err(Unusable::Wheel) => return Err(damaged(wheel.digest, store)),
            }
        }
    };
    Ok(Some(contents))
}

/// What is known of an archive, as long as it speaks of this wheel: a renamed one has the same
/// digest and so the same receipt, and only a fresh look finds the right words for it.
fn receipt(
    archive: Sha256,
    (name, version): &(PackageName, Version),
    options: &UnpackOptions,
    store: &Store,
) -> Option<Receipt> {
    Receipt::load(store, archive)
        .filter(|receipt| receipt.is_of(name, version) && receipt.fits(&options.limits))
}

fn own_streams(receipt: &Receipt, files: Vec<Laid>) -> Contents {
    Contents {
        files,
        record: receipt.record(),
        account: Account::default(),
    }
}

fn tree(
    (name, version): (PackageName, Version),
    archive: Sha256,
    receipt: &Receipt,
    (contents, others): (Contents, Vec<(Contents, Vec<usize>)>),
    options: &UnpackOptions,
) -> Result<WheelTree, WheelFault> {
    let is_spared = !others.is_empty();
    let contents = exchange(receipt, contents, others, options)?;
    Ok(WheelTree {
        name,
        version,
        archive,
        root_is_purelib: receipt.root_is_purelib,
        tree: lay_out(receipt, contents.files, contents.record, options)?,
        account: contents.account,
        is_spared,
        warnings: Vec::new(),
    })
}

/// The first look at an archive; what the passes make of its files too, where an overlay of them is
/// asked for.
fn examine(
    wheel: &WheelFile<'_>,
    options: &UnpackOptions,
    store: &Store,
) -> Result<(Receipt, Vec<Laid>, Vec<Remade>), WheelFault> {
    let recipe = match Source::of(options.recipe) {
        Source::Overlay => options.recipe,
        Source::Wheel | Source::Pressed => UnpackOptions::default().recipe,
    };
    let looked = Archive::open(wheel.archive.clone(), &options.limits)
        .map_err(WheelFault::Archive)
        .and_then(|archive| {
            let info = DistInfo::read(&archive, wheel.name)?;
            let entries = verify(&archive, &info, recipe)?;
            Ok((info, entries))
        });
    let (info, mut entries) = match looked {
        Ok(looked) => looked,
        // Either the author's fault or the disk's: the digest knows.
        Err(_) if !has_digest(&wheel.archive, wheel.digest) => {
            return Err(damaged(wheel.digest, store));
        }
        Err(fault) => return Err(fault),
    };
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let (receipt, files) = Receipt::new(info, &entries, &wheel.archive);
    // A store that cannot be written costs speed, not correctness.
    let _ = receipt.save(store, wheel.digest);
    let remade = entries.into_iter().map(|entry| entry.remade).collect();
    Ok((receipt, files, remade))
}

fn has_digest(bytes: &[u8], digest: Sha256) -> bool {
    sha2::Sha256::digest(bytes).as_slice() == digest.0
}

fn damaged(archive: Sha256, store: &Store) -> WheelFault {
    store.forget_archive(archive);
    WheelFault::Damaged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheel::testing::{TestWheel, unpack_bytes};

    fn error(wheel: &TestWheel) -> WheelError {
        wheel
            .unpack(&UnpackOptions::default())
            .expect_err("a fault")
    }

    /// One line for each wheel's fault.
    fn faults(wheels: &[TestWheel]) -> String {
        let faults: Vec<String> = wheels
            .iter()
            .map(|wheel| error(wheel).to_string())
            .collect();
        faults.join("\n")
    }

    fn six() -> TestWheel {
        TestWheel::new("six").file("six.py", "x = 1\n")
    }

    #[test]
    fn record_that_lies() {
        const GONE: &str = "gone.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n";
        let paths_only = |text: String| {
            text.lines()
                .filter_map(|line| Some(format!("{},,\n", line.split_once(',')?.0)))
                .collect()
        };
        let wheels = [
            six().record(|_| String::new()),
            six().record(|text| text.replace("six.py", "seven.py")),
            six().record(|text| text + GONE),
            six().record(|text| text + &GONE.replace("gone", "../gone")),
            six().record(|text| text + "six.py,,\n"),
            six().record(paths_only),
            six().record(|text| text.replace(",6\n", ",7\n")),
            six().record(|text| text).file("six.py", "x = 2\n"),
        ];
        insta::assert_snapshot!(faults(&wheels), @r"
        `six-1.0-py3-none-any.whl`: RECORD does not list `six-1.0.dist-info/METADATA` (and 2 more)
        `six-1.0-py3-none-any.whl`: RECORD does not list `six.py`
        `six-1.0-py3-none-any.whl`: RECORD lists `gone.py`, which is not in the wheel
        `six-1.0-py3-none-any.whl`: line 5 of RECORD names an impossible path: `../gone.py` holds the component `..`
        `six-1.0-py3-none-any.whl`: line 5 of RECORD lists `six.py` again, differently
        `six-1.0-py3-none-any.whl`: RECORD has no hash for `six-1.0.dist-info/METADATA`
        `six-1.0-py3-none-any.whl`: `six.py` has 6 bytes, RECORD says 7
        `six-1.0-py3-none-any.whl`: `six.py` has the hash `sha256=QgXEgJqxsID9Mra_lkDl_qptG2m_n6aElUq3EBV-wUE`, RECORD says `sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q`
        ");
        insta::assert_snapshot!(error(&wheels[0]).hint().expect("a hint"), @"the wheel is not what its author recorded; take another version, or build it from source with `--no-binary six`");
    }

    #[test]
    fn dist_info_that_lies() {
        let wheels = [
            six().named("six-1.0.zip"),
            six().named("seven-1.0-py3-none-any.whl"),
            six().named("six-1.1-py3-none-any.whl"),
            six().info("METADATA", "Name: seven\nVersion: 1.0\n"),
            six().info("METADATA", "Name: six\n\nVersion: 1.0\n"),
            six().file("six-2.0.dist-info/METADATA", ""),
            six().info("WHEEL", "Wheel-Version: 2.0\n"),
            six().without_info("WHEEL"),
            six().without_info("METADATA"),
            six().file("six-1.0.data/boot/x", ""),
            six().file("six-1.0.data/purelib/six.py", "another"),
        ];
        insta::assert_snapshot!(faults(&wheels), @r"
        `six-1.0.zip`: the file name is not `name-version[-build]-python-abi-platform.whl`
        `seven-1.0-py3-none-any.whl`: `six-1.0.dist-info` says `Name: six`, the file name says `seven`
        `six-1.1-py3-none-any.whl`: `six-1.0.dist-info/METADATA` says `Version: 1.0`, the file name says `1.1`
        `six-1.0-py3-none-any.whl`: `six-1.0.dist-info/METADATA` says `Name: seven`, the file name says `six`
        `six-1.0-py3-none-any.whl`: `six-1.0.dist-info/METADATA` has no usable `Version`
        `six-1.0-py3-none-any.whl`: there is more than one `.dist-info` folder in it: `six-1.0.dist-info` and `six-2.0.dist-info`
        `six-1.0-py3-none-any.whl`: its format is wheel 2.0, and this program reads 1.x
        `six-1.0-py3-none-any.whl`: `six-1.0.dist-info/WHEEL` is missing
        `six-1.0-py3-none-any.whl`: `six-1.0.dist-info/METADATA` is missing
        `six-1.0-py3-none-any.whl`: `six-1.0.data/boot/x` belongs to the unknown scheme `boot`
        `six-1.0-py3-none-any.whl`: `six.py` is there twice, with different contents
        ");
    }

    #[test]
    fn spellings_that_are_equal() {
        let wheel = TestWheel::new("Foo_Bar")
            .info("METADATA", "Name: foo.bar\nVersion: 1.0.0\n")
            .named("foo_bar-1.0-1-py2.py3-none-any.whl");
        let tree = wheel.unpack(&UnpackOptions::default()).expect("unpacked");
        assert_eq!(format!("{} {}", tree.name, tree.version), "foo-bar 1.0");
    }

    #[test]
    fn signatures_and_byte_code_need_no_promise() {
        let wheel = six()
            .record(|text| text + "__pycache__/six.pyc,,\nsix-1.0.dist-info/RECORD.p7s,,\n")
            .info("RECORD.jws", "{}");
        wheel.unpack(&UnpackOptions::default()).expect("unpacked");
    }

    #[test]
    fn longer_hashes_are_checked_too() {
        let promise = |hash: String| {
            six().record(|text| {
                text.lines()
                    .map(|line| match line.strip_prefix("six.py,") {
                        Some(_) => format!("six.py,{hash},6\n"),
                        None => format!("{line}\n"),
                    })
                    .collect()
            })
        };
        let right = crate::wheel::record::hash(
            layerpress_tree::Algorithm::Sha512,
            &sha2::Sha512::digest("x = 1\n"),
        );
        promise(right)
            .unpack(&UnpackOptions::default())
            .expect("unpacked");
        let wrong = crate::wheel::record::hash(
            layerpress_tree::Algorithm::Sha384,
            &sha2::Sha384::digest("x = 2\n"),
        );
        let error = promise(wrong).unpack(&UnpackOptions::default());
        assert!(matches!(
            *error.expect_err("a lie").fault,
            WheelFault::Hash { .. }
        ));
    }

    #[test]
    fn the_second_time_gives_the_same_tree() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(folder.path()).expect("store");
        let wheel = six().file("six-1.0.data/data/share/x", "x");
        let options = UnpackOptions::default();
        let cold = wheel.unpack_in(&options, &store).expect("cold");
        let digest = Sha256(sha2::Sha256::digest(wheel.bytes()).into());
        assert!(Receipt::load(&store, digest).is_some());
        assert_eq!(wheel.unpack_in(&options, &store).expect("warm"), cold);
        // The receipt is not believed under another name, nor beyond tighter limits.
        let renamed = wheel.named("seven-1.0-py3-none-any.whl");
        assert!(renamed.unpack_in(&options, &store).is_err());
        let tight = UnpackOptions {
            limits: Limits {
                total_bytes: 10,
                ..Limits::default()
            },
            ..options
        };
        assert!(six().unpack_in(&tight, &store).is_err());
    }

    #[test]
    fn a_damaged_copy_is_forgotten_and_told_apart_from_a_bad_wheel() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(folder.path()).expect("store");
        let options = UnpackOptions::default();
        let good = six().bytes();
        let stored = store.put_archive(&good[..]).expect("stored");
        let mut bad = good.to_vec();
        let at = bad.windows(5).position(|w| w == b"x = 1").expect("stored");
        bad[at] ^= 1;
        let wheel = |archive: &[u8]| WheelFile {
            name: "six-1.0-py3-none-any.whl",
            digest: stored.digest,
            archive: Bytes::copy_from_slice(archive),
        };
        let cold = unpack(&wheel(&bad), &options, &store).expect_err("damaged");
        insta::assert_snapshot!(cold, @"`six-1.0-py3-none-any.whl`: the cached copy is damaged");
        assert!(cold.is_damage());
        assert!(store.archive(stored.digest).is_none(), "it is forgotten");

        unpack(&wheel(&good), &options, &store).expect("unpacked");
        let warm = unpack(&wheel(&bad), &options, &store).expect_err("damaged");
        assert!(warm.is_damage());
        let cut = unpack(&wheel(&good[..40]), &options, &store).expect_err("damaged");
        assert!(cut.is_damage());
        let bad_wheel = unpack_bytes("six-1.0-py3-none-any.whl", bad.into(), &options, &store);
        assert!(!bad_wheel.expect_err("bad").is_damage());
    }
}
