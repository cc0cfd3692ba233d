//! Gzip streams: one member after another, and zeros after the last.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

/// Inflates all gzip members in a row, as gzip does (RFC 1952, section 2.2). Zeros may follow: some
/// writers fill the last block. Anything else is an error.
pub(super) struct Gunzip<'a> {
    member: Option<GzDecoder<&'a [u8]>>,
}

impl<'a> Gunzip<'a> {
    pub(super) fn new(archive: &'a [u8]) -> Self {
        Self {
            member: Some(GzDecoder::new(archive)),
        }
    }
}

impl Read for Gunzip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let rest: &[u8] = member.get_ref();
            let padding = rest.iter().all(|byte| *byte == 0);
            self.member = (!padding).then(|| GzDecoder::new(rest));
        }
        Ok(0)
    }
}
