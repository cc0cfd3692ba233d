//! What Lambda refuses, as numbers.
//!
//! Source: AWS Lambda developer guide, "Lambda quotas" and the API reference of
//! `PublishLayerVersion` and `CreateFunction`, read 2026-11.

/// Layers that one function can use.
pub const LAYERS_PER_FUNCTION: usize = 5;

/// Bytes of a function and all its layers together, unzipped (250 MiB).
pub const UNZIPPED_BYTES: u64 = 262_144_000;

/// Bytes of a zip that can be uploaded in the request itself (50 MiB); a larger one goes through S3.
pub const DIRECT_UPLOAD_BYTES: u64 = 52_428_800;

/// Characters of a layer's name, each of `[a-zA-Z0-9-_]`.
pub const NAME_CHARACTERS: usize = 140;

/// Runtimes that a layer version can list as compatible.
pub const COMPATIBLE_RUNTIMES: usize = 15;

/// Architectures that a layer version can list as compatible.
pub const COMPATIBLE_ARCHITECTURES: usize = 2;

/// Characters of a layer version's description.
pub const DESCRIPTION_CHARACTERS: usize = 256;

/// Characters of a layer version's licence field.
pub const LICENCE_CHARACTERS: usize = 512;

/// Bytes of code that an account can store in a region by default (75 GB: the older and smaller of
/// the two figures that AWS's pages give).
pub const CODE_STORAGE_BYTES: u64 = 75_000_000_000;

/// Whether a text can be a layer's name.
#[must_use]
pub fn is_layer_name(name: &str) -> bool {
    (1..=NAME_CHARACTERS).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_names_are_140_plain_characters() {
        assert!(is_layer_name("my-layer_2"));
        assert!(is_layer_name(&"a".repeat(140)));
        for wrong in ["", "a.b", "a b", "é", &"a".repeat(141)] {
            assert!(!is_layer_name(wrong), "{wrong} was taken");
        }
    }
}
