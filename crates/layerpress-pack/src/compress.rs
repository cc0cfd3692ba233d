//! Making contents from bytes that are new.

use std::cell::RefCell;

use bytes::Bytes;
use layerpress_tree::{Content, Encoding};
use libdeflater::{CompressionLvl, Compressor};

/// How hard to press; the output depends on the level and the bytes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// libdeflate 6: as small as zlib 9, many times as fast.
    Fast,
    /// libdeflate 12: 3 to 5 % smaller, about 4 MB/s on one core.
    Best,
}

/// `bytes` as a deflate stream, or stored when that is not smaller.
#[must_use]
pub fn compress(bytes: &[u8], level: Level) -> Content {
    let deflated = with_compressor(level, |compressor| deflate(compressor, bytes));
    match deflated {
        Some(data) => Content {
            data: data.into(),
            encoding: Encoding::Deflate,
            size: bytes.len() as u64,
            crc32: crc32fast::hash(bytes),
        },
        None => stored(Bytes::copy_from_slice(bytes)),
    }
}

/// `bytes` as they are.
#[must_use]
pub fn stored(bytes: Bytes) -> Content {
    Content {
        encoding: Encoding::Stored,
        size: bytes.len() as u64,
        crc32: crc32fast::hash(&bytes),
        data: bytes,
    }
}

/// The stream, if it is smaller than `bytes`.
fn deflate(compressor: &mut Compressor, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut stream = vec![0; compressor.deflate_compress_bound(bytes.len())];
    let length = compressor.deflate_compress(bytes, &mut stream).ok()?;
    stream.truncate(length);
    stream.shrink_to_fit();
    (length < bytes.len()).then_some(stream)
}

/// A compressor takes longer to make than a small file to press, so each thread keeps its own.
fn with_compressor<T>(level: Level, work: impl FnOnce(&mut Compressor) -> T) -> T {
    thread_local! {
        static FAST: RefCell<Option<Compressor>> = const { RefCell::new(None) };
        static BEST: RefCell<Option<Compressor>> = const { RefCell::new(None) };
    }
    let (slot, number) = match level {
        Level::Fast => (&FAST, 6),
        Level::Best => (&BEST, 12),
    };
    slot.with_borrow_mut(|slot| {
        let compressor = slot.get_or_insert_with(|| {
            Compressor::new(CompressionLvl::new(number).expect("levels go from 0 to 12"))
        });
        work(compressor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_all;

    #[test]
    fn what_does_not_shrink_is_stored() {
        let noise: Vec<u8> = (0..4096u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ n.to_le_bytes()[0])
            .collect();
        for bytes in [&b""[..], b"a", b"abc"] {
            assert_eq!(compress(bytes, Level::Best).encoding, Encoding::Stored);
        }
        for level in [Level::Fast, Level::Best] {
            let content = compress(&noise, level);
            assert!(content.stream_size() <= noise.len() as u64);
            assert_eq!(read_all(&content), Ok(noise.clone()));
        }
    }

    #[test]
    fn the_same_bytes_give_the_same_stream_whatever_went_before() {
        let text = b"def handler(event, context):\n    return event\n".repeat(100);
        for level in [Level::Fast, Level::Best] {
            let first = compress(&text, level);
            let _ = compress(&[7; 100_000], level);
            let other = std::thread::spawn({
                let text = text.clone();
                move || compress(&text, level)
            });
            assert_eq!(compress(&text, level), first);
            assert_eq!(other.join().expect("no panic"), first);
        }
        let varied: Vec<u8> = (0..20_000u32)
            .flat_map(|n| format!("{:x} = {}\n", n.wrapping_mul(n), n % 97).into_bytes())
            .collect();
        let sizes = [Level::Fast, Level::Best].map(|level| compress(&varied, level).stream_size());
        assert!(sizes[1] < sizes[0], "best is smaller: {sizes:?}");
    }

    /// Another version of the compressor is another layer for everybody: a change of these bytes
    /// is a change that a release has to announce.
    #[test]
    fn the_compressor_is_pinned() {
        let text = b"def handler(event, context):\n    return event\n".repeat(100);
        let crc = |level| crc32fast::hash(&compress(&text, level).data);
        insta::assert_debug_snapshot!((crc(Level::Fast), crc(Level::Best)), @r#"
(
    2621126799,
    2039710492,
)
"#);
    }
}
