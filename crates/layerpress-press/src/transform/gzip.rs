//! The pass `gzip-recompress`: gzip files with the same in them, compressed harder.
//!
//! A layer's zip cannot make them smaller, so it has to be done within. The header stays as it is, and
//! what anybody reads from the file stays the same. A digest of the compressed file would not: but
//! what is checked against one was downloaded, and that is what `.tgz` files are, which stay.

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use libdeflater::{CompressionLvl, Compressor, crc32};

use super::Outcome;

/// What is larger stays as it is.
const MOST_BYTES: usize = 128 << 20;

/// A byte of a deflate stream stands for no more than this many (RFC 1951: 258 for two bits).
const MOST_RATIO: usize = 1032;

/// Flags of a header (RFC 1952, 2.3.1).
const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;

/// CRC-32 and length.
const TRAILER_BYTES: usize = 8;

/// The pass.
pub(super) fn gzip_recompress(path: &str, bytes: &[u8]) -> Outcome {
    if !path.ends_with(".gz") {
        return Outcome::NotMine;
    }
    match gunzip(bytes) {
        Ok(plain) => repacked(bytes, &plain),
        // Several members, or none: what a name ends in promises nothing.
        Err(_) => Outcome::Nothing,
    }
}

/// The gzip file `bytes` of one member with `plain` in it, below the header that it has.
pub(super) fn repacked(bytes: &[u8], plain: &[u8]) -> Outcome {
    let Some(header) = header_length(bytes) else {
        return Outcome::Nothing;
    };
    let size = u32::try_from(plain.len()).unwrap_or(u32::MAX);
    let trailer = [crc32(plain), size].map(u32::to_le_bytes).concat();
    let file = [&bytes[..header], &deflate(plain), &trailer].concat();
    if file.len() >= bytes.len() {
        return Outcome::Nothing;
    }
    match gunzip(&file) {
        Ok(again) if again == plain => Outcome::Smaller(file),
        _ => Outcome::Refused("it would unpack to something else".into()),
    }
}

/// What is in a gzip file of one member (RFC 1952), its checksum verified.
///
/// # Errors
/// What keeps it from being one, or from being unpacked.
pub(super) fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let no_gzip = |error| format!("it is no gzip file: {error}");
    // It ends with the size of what is in it (2.3.1).
    let size = bytes.last_chunk().map_or(0, |it| u32::from_le_bytes(*it)) as usize;
    if size / MOST_RATIO > bytes.len() {
        return Err("it does not end as a gzip file".to_owned());
    }
    if size > MOST_BYTES {
        return Err("it is too large".to_owned());
    }
    let mut decoder = GzDecoder::new(bytes);
    // `vec!` of zeros costs nothing until it is written to.
    let mut file = vec![0; size];
    decoder.read_exact(&mut file).map_err(no_gzip)?;
    // Only whoever reads on to the end has its checksum verified.
    if decoder.read(&mut [0]).map_err(no_gzip)? > 0 {
        return Err("it is longer than it says".to_owned());
    }
    // All was read, so the decoder stands behind the first member.
    if decoder.into_inner().is_empty() {
        Ok(file)
    } else {
        Err("something follows its gzip stream".to_owned())
    }
}

/// How long the header is (RFC 1952, 2.3); `None` for one with extra fields, by which others find their
/// way within the stream (bgzip, dictzip).
fn header_length(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    if flags & EXTRA != 0 {
        return None;
    }
    let mut length = 10;
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let rest = bytes.get(length..)?;
            length += rest.iter().position(|it| *it == 0)? + 1;
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        length += 2;
    }
    (bytes.len() >= length + TRAILER_BYTES).then_some(length)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::best());
    let mut stream = vec![0; compressor.deflate_compress_bound(bytes.len())];
    let length = compressor
        .deflate_compress(bytes, &mut stream)
        .expect("as much room as it asked for");
    stream.truncate(length);
    stream
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    fn poor(text: &[u8], name: bool) -> Vec<u8> {
        let builder = GzBuilder::new().mtime(7);
        let builder = if name {
            builder.filename("a.csv")
        } else {
            builder
        };
        let mut writer = builder.write(Vec::new(), Compression::fast());
        writer.write_all(text).expect("memory takes it");
        writer.finish().expect("memory takes it")
    }

    fn text() -> Vec<u8> {
        (0..4000u32)
            .flat_map(|it| format!("{it},{}\n", it * it).into_bytes())
            .collect()
    }

    #[test]
    fn a_poorly_compressed_file_gets_smaller_and_keeps_header_and_contents() {
        for name in [false, true] {
            let file = poor(&text(), name);
            let Outcome::Smaller(smaller) = gzip_recompress("data/a.csv.gz", &file) else {
                panic!("it can be compressed harder");
            };
            assert!(smaller.len() < file.len());
            let header = header_length(&file).expect("a header");
            assert_eq!(smaller[..header], file[..header]);
            assert_eq!(gunzip(&smaller), Ok(text()));
            assert_eq!(gzip_recompress("a.gz", &smaller), Outcome::Nothing);
        }
    }

    #[test]
    fn other_files_stay() {
        let file = poor(&text(), false);
        assert_eq!(gzip_recompress("package.tgz", &file), Outcome::NotMine);
        let twice = [file.clone(), file.clone()].concat();
        assert_eq!(gzip_recompress("two-members.gz", &twice), Outcome::Nothing);
        let cut = &file[..file.len() - 9];
        assert_eq!(gzip_recompress("cut.gz", cut), Outcome::Nothing);
        let mut indexed = GzBuilder::new()
            .extra(b"BC\x02\0ab".to_vec())
            .write(Vec::new(), Compression::fast());
        indexed.write_all(&text()).expect("memory takes it");
        let indexed = indexed.finish().expect("memory takes it");
        assert_eq!(gzip_recompress("indexed.gz", &indexed), Outcome::Nothing);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes: Vec<u8>, flags: u8) {
            gzip_recompress("a.gz", &bytes);
            let made = [&[31, 139, 8, flags, 0, 0, 0, 0, 0, 0], &bytes[..]].concat();
            gzip_recompress("a.gz", &made);
        }
    }
}
