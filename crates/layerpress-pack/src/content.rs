//! Reading one content: inflates, and verifies size and CRC-32 at the end.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use layerpress_tree::{Content, Encoding};

use crate::ContentError;

/// A reader over the file that `content` holds.
///
/// It never yields more than the declared size, and its last bytes only when size, CRC-32 and the
/// end of the stream were found right; so whoever has read the declared size has verified bytes.
/// Errors are [`ContentError`]s inside an [`io::Error`] of kind `InvalidData`.
#[must_use]
pub fn reader(content: &Content) -> ContentReader {
    ContentReader {
        source: match content.encoding {
            Encoding::Stored => Source::Stored,
            Encoding::Deflate => Source::Deflate(Box::new(Decompress::new(false))),
        },
        data: content.data.clone(),
        consumed: 0,
        produced: 0,
        checksum: crc32fast::Hasher::new(),
        size: content.size,
        crc32: content.crc32,
        verified: false,
    }
}

/// The whole file that `content` holds, verified.
///
/// # Errors
/// A [`ContentError`] if the stream is damaged, or is not the declared file.
pub fn read_all(content: &Content) -> Result<Vec<u8>, ContentError> {
    let mut reader = reader(content);
    let short = ContentError::Short {
        found: content.stream_size(),
        expected: content.size,
    };
    // An archive's sizes were held against what a stream can inflate to; `vec!` of zeros costs
    // nothing until it is written to.
    let mut file = vec![0; usize::try_from(content.size).map_err(|_| short)?];
    let mut filled = 0;
    while !reader.verified {
        filled += reader.fill(&mut file[filled..])?;
    }
    Ok(file)
}

/// Reads the file that a [`Content`] holds; made by [`reader`].
pub struct ContentReader {
    source: Source,
    data: Bytes,
    consumed: usize,
    produced: u64,
    checksum: crc32fast::Hasher,
    size: u64,
    crc32: u32,
    verified: bool,
}

enum Source {
    Stored,
    Deflate(Box<Decompress>),
}

impl fmt::Debug for ContentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentReader")
            .field("produced", &self.produced)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.verified {
            return Ok(0);
        }
        Ok(self.fill(buffer)?)
    }
}

impl ContentReader {
    /// How many bytes of the stream were read so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed as u64
    }

    /// Fills the front of `buffer`; an empty one is only good for an empty file.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let room = usize::try_from(self.size - self.produced).unwrap_or(usize::MAX);
        let length = buffer.len().min(room);
        let buffer = &mut buffer[..length];
        let mut filled = 0;
        while filled < length {
            filled += match self.step(&mut buffer[filled..])? {
                Step::Bytes(count) => count,
                Step::End => {
                    return Err(ContentError::Short {
                        found: self.produced + filled as u64,
                        expected: self.size,
                    });
                }
            };
        }
        self.produced += filled as u64;
        self.checksum.update(buffer);
        if self.produced == self.size {
            self.verify()?;
        }
        Ok(filled)
    }

    /// The whole size is there: nothing may follow, and the checksum must fit.
    fn verify(&mut self) -> Result<(), ContentError> {
        if let Step::Bytes(_) = self.step(&mut [0])? {
            return Err(ContentError::Long {
                expected: self.size,
            });
        }
        let rest = self.data.len() - self.consumed;
        if rest > 0 {
            return Err(ContentError::Trailing { bytes: rest as u64 });
        }
        let found = self.checksum.clone().finalize();
        if found != self.crc32 {
            return Err(ContentError::Crc {
                found,
                expected: self.crc32,
            });
        }
        self.verified = true;
        Ok(())
    }

    /// Decodes at least one byte into `buffer`, which is not empty, or meets the stream's end.
    fn step(&mut self, buffer: &mut [u8]) -> Result<Step, ContentError> {
        let input = &self.data[self.consumed..];
        let inflater = match &mut self.source {
            Source::Stored => {
                let count = input.len().min(buffer.len());
                buffer[..count].copy_from_slice(&input[..count]);
                self.consumed += count;
                return Ok(if count == 0 {
                    Step::End
                } else {
                    Step::Bytes(count)
                });
            }
            Source::Deflate(inflater) => inflater,
        };
        let before = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(input, buffer, FlushDecompress::None)
            .map_err(|_| ContentError::Damaged)?;
        // Both differences are lengths of slices.
        let length = |from, to: u64| usize::try_from(to - from).unwrap_or(usize::MAX);
        self.consumed += length(before.0, inflater.total_in());
        match (length(before.1, inflater.total_out()), status) {
            (0, Status::StreamEnd) => Ok(Step::End),
            // All of the input was there, so one call without progress is the end of it.
            (0, _) => Err(ContentError::Damaged),
            (count, _) => Ok(Step::Bytes(count)),
        }
    }
}

enum Step {
    Bytes(usize),
    End,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, compress, stored};

    fn text() -> Vec<u8> {
        b"import os\nimport sys\n".repeat(5000)
    }

    fn fault(content: &Content) -> ContentError {
        let error = read_all(content).expect_err("was taken");
        let mut reader = reader(content);
        let streamed = io::copy(&mut reader, &mut io::sink()).expect_err("was taken as a stream");
        assert_eq!(streamed.to_string(), error.to_string());
        error
    }

    #[test]
    fn contents_come_out_as_they_went_in() {
        for content in [
            compress(&text(), Level::Fast),
            compress(&text(), Level::Best),
            stored(text().into()),
        ] {
            assert_eq!(read_all(&content), Ok(text()));
            let mut bytes = Vec::new();
            let mut reader = reader(&content);
            let mut byte = [0];
            while reader.read(&mut byte).expect("readable one by one") == 1 {
                bytes.extend(byte);
            }
            assert_eq!(bytes, text());
        }
        for empty in [stored(Bytes::new()), compress(b"", Level::Best)] {
            assert_eq!(read_all(&empty), Ok(Vec::new()));
        }
    }

    #[test]
    fn the_last_bytes_come_verified() {
        let mut content = compress(&text(), Level::Fast);
        content.crc32 ^= 1;
        let mut file = vec![0; text().len()];
        reader(&content)
            .read_exact(&mut file)
            .expect_err("the declared size was readable");
    }

    #[test]
    fn lies_about_a_content_are_found() {
        let good = compress(&text(), Level::Fast);
        let with = |change: &dyn Fn(&mut Content)| {
            let mut content = good.clone();
            change(&mut content);
            fault(&content).to_string()
        };
        let extended = Bytes::from([&good.data[..], b"PK\x03\x04"].concat());
        let cut = good.data.slice(..good.data.len() - 9);
        let bad = Bytes::from_static(b"\xff\xff\xff\xff");
        let lies = [
            with(&|content| content.crc32 = 1),
            with(&|content| content.size += 1),
            with(&|content| content.size -= 1),
            with(&|content| content.size = 0),
            with(&|content| content.data = extended.clone()),
            with(&|content| content.data = cut.clone()),
            with(&|content| content.data = bad.clone()),
            with(&|content| content.data = Bytes::new()),
            with(&|content| content.encoding = Encoding::Stored),
        ];
        insta::assert_snapshot!(lies.join("\n"), @r#"
the CRC-32 is 90e6a9fa instead of 00000001
the file ends after 105000 of 105001 bytes
the file is longer than the declared 104999 bytes
the file is longer than the declared 0 bytes
4 bytes follow the end of the deflate stream
the deflate stream is damaged
the deflate stream is damaged
the deflate stream is damaged
the file ends after 290 of 105000 bytes
"#);
    }

    #[test]
    fn a_bomb_stops_at_the_declared_size() {
        let mut bomb = compress(&vec![0; 64 << 20], Level::Fast);
        bomb.size = 1000;
        assert_eq!(fault(&bomb), ContentError::Long { expected: 1000 });
    }
}
