//! The store under damage, concurrency and folders that cannot be written.

use std::fs;
use std::time::UNIX_EPOCH;

use layerpress_tree::Algorithm;
use proptest::prelude::*;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("cache")).expect("opens");
    (folder, store)
}

fn only_file(store: &Store, namespace: Namespace) -> PathBuf {
    let folder = store.root().join(namespace.folder());
    let first = |folder: &Path| {
        let mut entries = fs::read_dir(folder).expect("lists");
        entries.next().expect("one").expect("an entry").path()
    };
    first(&first(&folder))
}

#[test]
fn blobs_come_back_aligned_and_with_their_freshness() {
    let (_folder, store) = store();
    let freshness = Freshness {
        fetched_at: 7,
        fresh_for: 9,
        etag: Some("\"e\"".into()),
        last_modified: Some("then".into()),
        missing: false,
    };
    for size in [0, 1, 100, 200_000] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let (put, written) =
            store.put_fresh_blob(Namespace::Index, "key", &bytes, freshness.clone());
        written.expect("writes");
        let blob = store.blob(Namespace::Index, "key").expect("is there");
        for blob in [&put, &blob] {
            assert_eq!(&blob[..], &bytes[..]);
            assert_eq!(blob.as_ptr() as usize % 16, 0);
            assert_eq!(blob.freshness(), &freshness);
        }
        assert!(store.blob(Namespace::Metadata, "key").is_none());
        assert!(store.blob(Namespace::Index, "other").is_none());
    }
    store.forget_blob(Namespace::Index, "key");
    assert!(store.blob(Namespace::Index, "key").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_damage_makes_a_blob_absent(contents in proptest::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>()) {
        let (_folder, store) = store();
        store.put_blob(Namespace::Index, "key", &contents).expect("writes");
        let path = only_file(&store, Namespace::Index);
        let mut bytes = fs::read(&path).expect("reads");
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        fs::write(&path, bytes).expect("writes");
        prop_assert!(store.blob(Namespace::Index, "key").is_none());
    }
}

#[test]
fn a_blob_under_a_wrong_name_is_damaged() {
    let (_folder, store) = store();
    store.put_blob(Namespace::Index, "a", b"A").expect("writes");
    let a = only_file(&store, Namespace::Index);
    let b = store.blob_path(Namespace::Index, &blob::Name::of(Namespace::Index, "b"));
    fs::create_dir_all(b.parent().expect("a folder")).expect("creates");
    fs::rename(a, b).expect("renames");
    assert!(store.blob(Namespace::Index, "b").is_none());
}

#[test]
fn archives_are_kept_by_digest() {
    let (_folder, store) = store();
    let stored = store.put_archive(&b"wheel"[..]).expect("stores");
    assert_eq!((stored.size, stored.cached), (5, false));
    assert_eq!(
        stored.digest.hex(),
        archive::digests_of(b"wheel", &[Algorithm::Sha256])[0].hex()
    );
    assert_eq!(
        store.archive(stored.digest).expect("is there"),
        &b"wheel"[..]
    );
    assert_eq!(store.archive_size(stored.digest), Some(5));
    assert_eq!(
        fs::read(store.archive_path(stored.digest)).expect("reads"),
        b"wheel"
    );
    let empty = store.put_archive(&b""[..]).expect("stores");
    assert_eq!(store.archive(empty.digest).expect("is there"), Bytes::new());
    store.forget_archive(stored.digest);
    assert!(store.archive(stored.digest).is_none());
}

#[test]
fn a_failing_input_leaves_nothing_behind() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let (_folder, store) = store();
    let error = store.put_archive(b"half".chain(Broken)).expect_err("fails");
    insta::assert_snapshot!(error, @"cannot be read: broken pipe");
    let usage = store.usage().expect("lists");
    assert!(usage.values().all(|usage| usage.files == 0), "{usage:?}");
}

#[test]
fn writers_and_readers_of_one_key_never_see_a_mixture() {
    let (_folder, store) = store();
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let store = Store::open(store.root()).expect("opens");
            scope.spawn(move || {
                for round in 0..50usize {
                    let bytes = vec![writer; 1000 + round];
                    store
                        .put_blob(Namespace::Index, "key", &bytes)
                        .expect("writes");
                    let blob = store.blob(Namespace::Index, "key").expect("is whole");
                    assert!(blob.iter().all(|byte| *byte == blob[0]));
                    store.put_archive(&[9; 100_000][..]).expect("stores");
                }
            });
        }
    });
    assert_eq!(
        store.verify().expect("verifies").damaged,
        Vec::<PathBuf>::new()
    );
    assert_eq!(store.usage().expect("lists")[&Area::Archives].files, 1);
}

#[test]
fn what_a_killed_writer_left_is_never_read_and_swept() {
    let (_folder, store) = store();
    // A writer killed in mid-write leaves its unfinished file and nothing else.
    let living = store.temporary_file().expect("creates");
    fs::write(living.path(), b"half").expect("writes");
    let left = living.path().with_file_name("part-of-the-dead");
    fs::write(&left, b"half").expect("writes");
    assert!(store.blob(Namespace::Index, "half").is_none());

    let next = Store::open(store.root()).expect("opens");
    assert!(!left.exists());
    assert!(living.path().exists(), "its writer is at work");
    for removed in [next.prune(None, Some(0)), next.clean()] {
        assert_eq!(removed.expect("lists").files, 0);
    }
    assert!(living.path().exists(), "its writer is still at work");
    fs::write(&left, b"half").expect("writes");
    let removed = next.prune(None, None).expect("lists");
    assert_eq!((removed.files, removed.bytes), (1, 4));
}

#[test]
fn a_store_that_cannot_be_written_holds_archives_for_this_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("cache");
    fs::create_dir(&root).expect("creates");
    // A file where a folder should be: unlike permissions this stops root too.
    fs::write(root.join(TEMPORARY), b"").expect("writes");
    let store = Store::open(&root).expect("opens");
    let stored = store.put_archive(&b"wheel"[..]).expect("is held");
    assert_eq!(
        store.archive(stored.digest).expect("is held"),
        &b"wheel"[..]
    );
    assert_eq!(store.archive_size(stored.digest), Some(5));
    let (blob, written) =
        store.put_fresh_blob(Namespace::Index, "key", b"page", Freshness::default());
    assert_eq!(&blob[..], b"page");
    assert!(written.is_err());
    assert!(
        Store::open(&root)
            .expect("opens")
            .archive(stored.digest)
            .is_none()
    );
}

#[test]
fn a_file_is_no_store() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = Store::open(file.path()).expect_err("is refused");
    assert!(matches!(error, StoreError::NotAFolder { .. }));
}

#[test]
fn cleaning_while_archives_are_mapped_or_arriving_harms_nobody() {
    let (_folder, store) = store();
    let stored = store.put_archive(&b"mapped"[..]).expect("stores");
    let mapped = store.archive(stored.digest).expect("is there");
    let mut arriving = ArchiveWriter::new(&store, &[]).expect("starts");
    arriving.write(b"arriving").expect("writes");
    let removed = Store::open(store.root())
        .expect("opens")
        .clean()
        .expect("cleans");
    assert_eq!((removed.files, removed.bytes), (1, 6));
    assert_eq!(mapped, &b"mapped"[..]);
    let arrived = arriving.finish().keep(&store).expect("is kept");
    assert_eq!(
        Store::open(store.root())
            .expect("opens")
            .archive(arrived.digest)
            .expect("was left to arrive"),
        &b"arriving"[..]
    );
}

#[test]
fn verifying_removes_what_is_damaged() {
    let (_folder, store) = store();
    let good = store.put_archive(&b"good"[..]).expect("stores");
    let bad = store.put_archive(&b"bad"[..]).expect("stores");
    store
        .put_blob(Namespace::Alias, "good", b"good")
        .expect("writes");
    fs::write(store.archive_path(bad.digest), b"bat").expect("writes");
    let stray = store.archive_path(bad.digest).with_file_name("stray");
    fs::write(&stray, b"?").expect("writes");
    let found = store.verify().expect("verifies");
    assert_eq!(found.checked, 4);
    let mut expected = vec![store.archive_path(bad.digest), stray];
    expected.sort();
    assert_eq!(found.damaged, expected);
    assert!(store.archive(bad.digest).is_none());
    assert!(store.archive(good.digest).is_some());
}

#[test]
fn pruning_takes_the_longest_unused_first() {
    let (_folder, store) = store();
    let now = store.shared.clock.now();
    let days = |count: u64| Duration::from_secs(count * 24 * 3600);
    let put = |bytes: &[u8], age| {
        let digest = store.put_archive(bytes).expect("stores").digest;
        File::open(store.archive_path(digest))
            .and_then(|file| file.set_modified(now - age))
            .expect("sets");
        digest
    };
    let (old, middle, new) = (
        put(b"old", days(40)),
        put(b"middle", days(20)),
        put(b"new", days(2)),
    );
    let removed = store.prune(Some(days(30)), None).expect("prunes");
    assert_eq!((removed.files, removed.bytes), (1, 3));
    assert!(store.archive_size(old).is_none());

    // Using one makes it the newest.
    assert!(store.archive(middle).is_some());
    store.prune(None, Some(6)).expect("prunes");
    assert!(store.archive_size(new).is_none());
    assert!(store.archive_size(middle).is_some());
    assert_eq!(
        store.prune(None, Some(6)).expect("prunes"),
        Removed::default()
    );
}

#[test]
fn pressed_archives_are_kept_by_digest_and_recipe() {
    let (_folder, store) = store();
    let archive = store.put_archive(&b"wheel"[..]).expect("stores").digest;
    let put = |recipe, text: &'static [u8]| {
        let new = store.new_pressed(|file| file.write_all(text));
        let new = new.expect("writes");
        assert_eq!(new.bytes(), text);
        store.keep_pressed(new, archive, recipe).expect("renames");
    };
    assert!(store.pressed(archive, "fast-1").is_none());
    put("fast-1", b"old");
    let old = store.pressed(archive, "fast-1").expect("is there");
    put("fast-1", b"fast");
    put("best-1", b"best");
    assert_eq!(store.pressed(archive, "fast-1").expect("there"), "fast");
    assert_eq!(store.pressed(archive, "best-1").expect("there"), "best");
    assert_eq!(old, "old", "what is mapped stays");
    fs::write(store.root().join(PRESSED).join("stray"), "").expect("writes");
    let all: Vec<_> = store.all_pressed().expect("lists");
    let recipes: Vec<_> = all.iter().map(|file| file.recipe.as_str()).collect();
    assert_eq!(recipes, ["best-1", "fast-1"]);
    assert!(all.iter().all(|file| file.archive == archive));
    assert_eq!(store.usage().expect("lists")[&Area::Pressed].files, 2);
    store.forget_pressed(archive, "fast-1");
    assert!(store.pressed(archive, "fast-1").is_none());
    assert_eq!(store.clean().expect("cleans").files, 2);

    assert!(store.unkept().is_none());
    let failed = store.new_pressed(|_| Err(io::ErrorKind::StorageFull.into()));
    assert!(matches!(failed, Err(StoreError::Full { .. })));
    assert!(matches!(store.unkept(), Some(StoreError::Full { .. })));
    assert_eq!(store.usage().expect("lists")[&Area::Temporary].files, 0);
}

#[test]
fn of_one_day_what_takes_the_room_is_pruned_first() {
    let (_folder, store) = store();
    let archive = store.put_archive(&[7; 900][..]).expect("stores").digest;
    for name in ["a", "b"] {
        store.put_blob(Namespace::Alias, name, b"").expect("writes");
    }
    // Noon, whatever time it is: all were used on one day, the blobs a little earlier.
    let noon = Duration::from_secs(20_000 * 24 * 3600 + 12 * 3600);
    let path = |key| store.blob_path(Namespace::Alias, &blob::Name::of(Namespace::Alias, key));
    let paths = [path("a"), path("b"), store.archive_path(archive)];
    for (path, minute) in paths.iter().zip(0..) {
        let used = UNIX_EPOCH + noon + Duration::from_secs(60 * minute);
        let open = File::options().write(true).open(path);
        open.and_then(|file| file.set_modified(used)).expect("sets");
    }
    assert_eq!(store.prune(None, Some(900)).expect("prunes").bytes, 900);
    assert!(store.archive_size(archive).is_none());
    assert_eq!(store.prune(None, Some(100)).expect("prunes").files, 1);
}

#[test]
fn a_pressed_archive_and_its_facts_are_pruned_together() {
    let (_folder, store) = store();
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let archives = [1, 2, 3].map(|n| Sha256([n; 32]));
    for archive in archives {
        let key = facts_key(archive, "best-1");
        store
            .put_blob(Namespace::Facts, &key, b"facts")
            .expect("writes");
        let new = store.new_pressed(|file| file.write_all(b"a zip"));
        store
            .keep_pressed(new.expect("writes"), archive, "best-1")
            .expect("renames");
    }
    let age = |path: &Path, days| {
        let file = File::options().write(true).open(path).expect("there");
        let used = store.shared.clock.now() - days;
        file.set_times(FileTimes::new().set_modified(used))
            .expect("sets");
    };
    let facts = |archive: Sha256| {
        let path = store.pressed_path(archive, "best-1");
        let recipe = "best-1".to_owned();
        store.facts_path(&PressedFile {
            archive,
            recipe,
            path,
        })
    };
    // The facts of the first were read lately, its zip was not: it is in use.
    age(&store.pressed_path(archives[0], "best-1"), days(50));
    for path in [
        store.pressed_path(archives[1], "best-1"),
        facts(archives[1]),
    ] {
        age(&path, days(40));
    }
    let there = |archive| {
        let zip = store.pressed_path(archive, "best-1").exists();
        assert_eq!(facts(archive).exists(), zip);
        zip
    };
    let removed = store.prune(Some(days(30)), None).expect("prunes");
    assert_eq!(removed.files, 2);
    assert_eq!(archives.map(there), [true, false, true]);
    // One byte too much costs one of the two, with its facts.
    let bytes: u64 = store
        .usage()
        .expect("lists")
        .values()
        .map(|it| it.bytes)
        .sum();
    assert_eq!(store.prune(None, Some(bytes - 1)).expect("prunes").files, 2);
    assert_eq!(archives.map(there).iter().filter(|it| **it).count(), 1);
}
