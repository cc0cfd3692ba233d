//! Streams of several compressors, and files that changed in all places.

use std::io::{Cursor, Read as _, Write as _};

use flate2::write::DeflateEncoder;
use flate2::{Compression, FlushCompress};
use proptest::prelude::*;

use super::*;
use crate::read_all;

/// Text that compresses, but not into nothing.
fn text(bytes: usize, seed: u32) -> Vec<u8> {
    let words = (seed..).map(|n| n.wrapping_mul(2_654_435_761) >> 12);
    let text = words.flat_map(|n| format!("x{:x} = {}\n", n % 4099, n % 89).into_bytes());
    text.take(bytes).collect()
}

fn noise(bytes: usize) -> Vec<u8> {
    let bytes = u32::try_from(bytes).expect("short");
    let mix = |n: u32| (n ^ n >> 7).wrapping_mul(2_654_435_761).rotate_left(n % 13);
    (0..bytes).map(|n| mix(mix(n)).to_be_bytes()[1]).collect()
}

/// `file` as zlib makes it, with a block's end at least after every `every` bytes.
fn deflated(file: &[u8], level: u32, every: usize) -> Content {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
    for part in file.chunks(every) {
        encoder.write_all(part).expect("memory");
        encoder.flush().expect("memory");
    }
    content(encoder.finish().expect("memory"), file)
}

fn content(stream: Vec<u8>, file: &[u8]) -> Content {
    Content {
        data: stream.into(),
        encoding: Encoding::Deflate,
        size: file.len() as u64,
        crc32: crc32fast::hash(file),
    }
}

/// What any tool finds in a zip with that stream.
fn unzipped(content: &Content) -> Vec<u8> {
    use layerpress_tree::{Entry, LayerPath, LayerTree, Mode};
    let mut tree = LayerTree::new();
    let entry = Entry {
        mode: Mode::File,
        content: content.clone(),
    };
    let path = LayerPath::new("file").expect("plain");
    tree.insert(path, entry).expect("alone");
    let mut zip = Vec::new();
    crate::write_layer(&tree, &mut zip).expect("memory");
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut bytes = Vec::new();
    let mut file = zip.by_name("file").expect("there");
    file.read_to_end(&mut bytes).expect("whole");
    bytes
}

/// The spliced stream, if it was worth it; always the right file.
fn spliced(stream: &Content, before: &[u8], after: &[u8]) -> Option<Content> {
    let spliced = splice(stream, before, after)?;
    assert_eq!(read_all(&spliced).as_deref(), Ok(after));
    assert_eq!(unzipped(&spliced), after);
    Some(spliced)
}

#[test]
fn blocks_are_found_whatever_they_are() {
    let file = [text(30_000, 1), noise(9_000), vec![0; 70_000], text(50, 7)].concat();
    for level in [0, 1, 6, 9] {
        for every in [500, 4_000, 200_000] {
            let stream = deflated(&file, level, every);
            let found = blocks(&stream.data, file.len()).expect("sound");
            let mut at = (0, 0);
            for block in &found {
                assert_eq!((block.bits.start, block.bytes.start), at);
                assert!(block.reach <= block.bytes.start);
                assert!(block.bytes.start - block.reach <= 32_768);
                at = (block.bits.end, block.bytes.end);
            }
            assert_eq!(at.1, file.len());
            assert_eq!(at.0.div_ceil(8), stream.data.len());
            assert!(found.len() >= file.len() / every);
        }
    }
    let stream = deflated(&file, 6, 4_000);
    assert_eq!(blocks(&stream.data, file.len() + 1), None);
    assert_eq!(blocks(&stream.data, file.len() - 1), None);
    assert_eq!(
        blocks(&stream.data[..stream.data.len() - 1], file.len()),
        None
    );
    assert_eq!(
        blocks(&[&stream.data[..], b"\0"].concat(), file.len()),
        None
    );
    assert_eq!(blocks(b"", 0), None);
}

/// As a library changes that is stripped: in its header, in a gap, and at its end.
#[test]
fn most_of_a_stream_stays() {
    let before = text(600_000, 3);
    let mut after = before[..550_000].to_vec();
    after[40..48].fill(0);
    after[300_000..310_000].fill(0);
    for level in [1, 6, 9] {
        let stream = deflated(&before, level, 30_000);
        let spliced = spliced(&stream, &before, &after).expect("worth it");
        let anew = compress(&after, Level::Fast).stream_size();
        assert!(spliced.stream_size() < stream.stream_size());
        // What went costs nothing, and what is kept is as good as it was.
        let as_good = stream.stream_size() * 55 / 60;
        assert!(spliced.stream_size() < as_good.max(anew) + anew / 50);
    }
}

#[test]
fn what_changed_everywhere_is_not_worth_it() {
    let before = text(100_000, 3);
    let stream = compress(&before, Level::Fast);
    assert_eq!(splice(&stream, &before, &text(100_000, 4)), None);
    assert_eq!(splice(&stream, &before, b""), None);
    assert_eq!(
        splice(&crate::stored(before.clone().into()), &before, &before),
        None
    );
    // Nothing changed: the stream is what it was.
    let many = deflated(&before, 6, 10_000);
    let same = spliced(&many, &before, &before).expect("worth it");
    assert!(same.stream_size() <= many.stream_size());
}

/// Bytes that are stored begin with a byte of the stream, wherever their block is now.
#[test]
fn stored_blocks_are_laid_out_anew() {
    let before = [text(5_000, 1), noise(150_000), text(5_000, 2)].concat();
    let stream = deflated(&before, 6, 20_000);
    let stored = blocks(&stream.data, before.len()).expect("sound");
    let stored = stored
        .iter()
        .filter(|it| it.stored.is_some() && it.bytes.len() > 1000);
    assert!(stored.count() > 3, "the premise");
    let mut after = before.clone();
    for at in [0, 3_000, 159_999] {
        after[at] ^= 1;
        spliced(&stream, &before, &after).expect("worth it");
    }
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (1..6_000usize, any::<u16>()).prop_map(|(bytes, seed)| text(bytes, seed.into())),
        (1..3_000usize).prop_map(noise),
        (1..5_000usize, any::<u8>()).prop_map(|(bytes, byte)| vec![byte; bytes]),
    ];
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_spliced_stream_holds_the_new_file(
        before in any_file(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..2_000usize, 0..3u8), 0..4),
        end in prop_oneof![Just(None), (0..4_000usize).prop_map(Some)],
        level in 0..10u32,
        every in 200..20_000usize,
        longer in prop_oneof![Just(0), 1..1_000usize],
    ) {
        let mut after = before.clone();
        for (at, length, kind) in changes {
            let at = at.index(after.len());
            let end = after.len().min(at + length);
            match kind {
                0 => after[at..end].fill(0),
                1 => after[at] ^= 1,
                _ => drop(after.splice(at..end, text(length, 99).into_iter().take(end - at))),
            }
        }
        after.truncate(after.len().saturating_sub(end.unwrap_or(0)));
        after.extend(text(longer, 5));
        spliced(&deflated(&before, level, every), &before, &after);
        spliced(&compress(&before, Level::Best), &before, &after);
    }

    #[test]
    fn no_stream_is_walked_over_that_cannot_be_inflated(
        file in any_file(),
        level in 0..10u32,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in 0..4usize,
    ) {
        let mut stream = deflated(&file, level, 3_000).data.to_vec();
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        stream.truncate(stream.len() - cut);
        if let Some(found) = blocks(&stream, file.len()) {
            prop_assert_eq!(found.last().map(|it| it.bytes.end), Some(file.len()));
            let mut inflater = flate2::Decompress::new(false);
            let mut bytes = vec![0; file.len()];
            let status = inflater.decompress(&stream, &mut bytes, flate2::FlushDecompress::Finish);
            prop_assert!(status.is_err() || inflater.total_out() == file.len() as u64);
        }
    }

    #[test]
    fn noise_ends_in_an_answer(stream in prop::collection::vec(any::<u8>(), 0..300), size in 0..900usize) {
        let _ = blocks(&stream, size);
    }
}

#[test]
fn an_end_that_never_comes_is_noticed() {
    // A block of fixed codes whose stream ends inside of it; zeros are codes of seven bits.
    assert_eq!(blocks(&[0b011, 0xff, 0xff], 100), None);
    let mut encoder = flate2::Compress::new(Compression::new(6), false);
    let mut stream = vec![0; 100];
    let status = encoder.compress(b"abc", &mut stream, FlushCompress::Sync);
    status.expect("memory");
    stream.truncate(usize::try_from(encoder.total_out()).expect("short"));
    assert_eq!(blocks(&stream, 3), None);
}
