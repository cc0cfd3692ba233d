//! [`is_poor`]: whether an archive's streams are much larger than they need be.

use std::io::Read as _;

use layerpress_tree::Content;

use crate::{Level, compress, read_all, reader};

/// An archive without a file of this size has little to gain.
const LEAST_BYTES: u64 = 128 << 10;

/// What is passed over of a large file. Machine code begins with tables, of which any two compressors make
/// something else.
const PASSED_BYTES: usize = 512 << 10;

/// How much of a large file is looked at.
const SAMPLE_BYTES: usize = 1 << 20;

/// The part of its stream that compressing a file anew must save: 2 %. Between zlib's and libdeflate's
/// streams of a file lies 1 %; wheels of Rust's usual tools lose 3 to 5 %.
const GAIN: u64 = 50;

/// Whether whoever made an archive of `contents` took so little pains that its files are worth compressing
/// anew, as [`Level::Fast`] does it.
///
/// A part of the largest file tells it for all, since one tool packs all files of an archive alike. The
/// answer depends on the contents alone, not on their order.
#[must_use]
pub fn is_poor<'a>(contents: impl IntoIterator<Item = &'a Content>) -> bool {
    let key = |it: &&Content| (it.size, it.crc32, it.stream_size());
    let Some(largest) = contents.into_iter().max_by_key(key) else {
        return false;
    };
    let sample = (LEAST_BYTES <= largest.size).then(|| sample(largest));
    sample.flatten().is_some_and(|(bytes, stream_bytes)| {
        let saved = stream_bytes.saturating_sub(compress(&bytes, Level::Fast).stream_size());
        saved * GAIN > stream_bytes
    })
}

/// Some bytes of a file, and how much of its stream they take; nothing where the stream is damaged.
fn sample(content: &Content) -> Option<(Vec<u8>, u64)> {
    if content.size <= (PASSED_BYTES + SAMPLE_BYTES) as u64 {
        return Some((read_all(content).ok()?, content.stream_size()));
    }
    let mut reader = reader(content);
    let mut bytes = vec![0; SAMPLE_BYTES];
    reader.read_exact(&mut bytes[..PASSED_BYTES]).ok()?;
    let before = reader.consumed();
    reader.read_exact(&mut bytes).ok()?;
    Some((bytes, reader.consumed() - before))
}

#[cfg(test)]
mod tests {
    use layerpress_tree::Encoding;
    use libdeflater::{CompressionLvl, Compressor};

    use super::*;
    use crate::stored;

    /// Some text of `size` bytes that says the same again and again, in words of its own.
    fn text(size: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let words = std::iter::from_fn(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(format!("def f{}(x): ", (state >> 16) % 300))
        });
        words.flat_map(String::into_bytes).take(size).collect()
    }

    fn deflated(bytes: &[u8], level: i32) -> Content {
        let mut compressor = Compressor::new(CompressionLvl::new(level).expect("a level"));
        let mut data = vec![0; compressor.deflate_compress_bound(bytes.len())];
        let length = compressor
            .deflate_compress(bytes, &mut data)
            .expect("there is room");
        data.truncate(length);
        Content {
            data: data.into(),
            encoding: Encoding::Deflate,
            size: bytes.len() as u64,
            crc32: crc32fast::hash(bytes),
        }
    }

    #[test]
    fn a_part_of_the_largest_file_tells_how_an_archive_was_packed() {
        let small = deflated(&text(1000), 1);
        for size in [200_000, 4_000_000] {
            let text = text(size);
            for (level, poor) in [(1, true), (6, false), (9, false)] {
                let large = deflated(&text, level);
                assert_eq!(is_poor([&small, &large]), poor, "{size} by level {level}");
                assert_eq!(is_poor([&large, &small]), poor, "in any order");
            }
            assert!(is_poor([&stored(text.into())]), "no pains at all");
        }
        assert!(!is_poor([&small]), "too little to gain");
        assert!(!is_poor([]));
    }

    #[test]
    fn a_damaged_stream_is_for_others_to_tell() {
        for size in [200_000, 4_000_000] {
            let mut content = deflated(&text(size), 1);
            content.data = content.data.slice(..1000);
            assert!(!is_poor([&content]));
        }
    }
}
