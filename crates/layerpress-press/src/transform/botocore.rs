//! The pass `botocore-docs`: the models of AWS's services without the prose in them.
//!
//! botocore and boto3 carry a model of each service as JSON, and most of it is `documentation`, which
//! becomes docstrings. Each of these texts is made empty (boto3's resources break where one is missing)
//! and the white space between values goes; names, values and their order stay as they are.

use libdeflater::{CompressionLvl, Compressor};

use super::Outcome;
use super::gzip::gunzip;
use super::json::minified;

/// Where the models lie, by how paths begin or where a folder of an archive does.
const FOLDERS: [&str; 2] = ["botocore/data/", "boto3/data/"];

/// The name that the prose has everywhere.
const PROSE: &[u8] = b"\"documentation\"";

/// The streams' level. Of all of botocore's models 6 makes 4.1 MB in 0.2 s, 8 makes 4.0 MB in 0.7 s, 12
/// makes 3.8 MB in 11 s: a third of a first build is too much for 2 %.
const LEVEL: i32 = 6;

/// Whether a file lies where botocore's and boto3's models do.
pub(super) fn is_data(path: &str) -> bool {
    FOLDERS.iter().any(|folder| {
        path.find(folder)
            .is_some_and(|at| at == 0 || path.as_bytes()[at - 1] == b'/')
    })
}

/// The pass.
pub(super) fn botocore_docs(path: &str, bytes: &[u8]) -> Outcome {
    if !is_data(path) {
        return Outcome::NotMine;
    }
    let outcome = if path.ends_with(".json") {
        without_prose(bytes)
    } else if path.ends_with(".json.gz") {
        gunzip(bytes).and_then(|json| Ok(gzip(&without_prose(&json)?)))
    } else {
        return Outcome::NotMine;
    };
    match outcome {
        Ok(file) if file.len() < bytes.len() => Outcome::Smaller(file),
        Ok(_) => Outcome::Nothing,
        Err(why) => Outcome::Refused(why),
    }
}

/// The same JSON, each text called `documentation` empty and nothing between its tokens.
fn without_prose(json: &[u8]) -> Result<Vec<u8>, String> {
    minified(json, Some(PROSE)).map_err(|fault| fault.to_string())
}

/// A gzip file without name and time.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let level = CompressionLvl::new(LEVEL).expect("levels go from 0 to 12");
    let mut compressor = Compressor::new(level);
    let mut file = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let length = compressor
        .gzip_compress(bytes, &mut file)
        .expect("as much room as it asked for");
    file.truncate(length);
    file
}

#[cfg(test)]
mod tests;
