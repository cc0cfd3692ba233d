//! Machine code that a package's authors built and its install script would download: where it is,
//! and the file beside the lockfile that pins it.
//!
//! No script is run. What two tools would download is told by the package.json alone: prebuild-install
//! (`lib/download.js`, `util.js`) and node-pre-gyp (`lib/util/versioning.js`). In come a package's
//! manifest and a target, out goes a [`Prebuilt`].

mod address;
mod pins;
mod template;
#[cfg(test)]
mod tests;

use layerpress_target::Target;
use url::Url;

use crate::json::Json;

pub use pins::{PinnedBinary, PrebuiltPins, PrebuiltPinsError, Subject};

/// What the file that pins such downloads is called.
pub const PINS_FILE: &str = "layerpress-prebuilt.json";

/// The machine code of a package for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prebuilt {
    /// Where its tarball is.
    pub url: Url,
    /// Which of the two tools it is made for, and so how it is unpacked.
    pub unpacked: Unpacked,
}

/// How such a tarball is unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unpacked {
    /// Its paths are relative to the package's folder (prebuild-install).
    AsIs,
    /// Without their first component, its paths are relative to this folder of the package
    /// (node-pre-gyp's `module_path`).
    Into(String),
}

/// Why it cannot be told where a package's machine code is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPrebuilt {
    /// Its scripts download nothing in a way that is known.
    #[error("its install scripts use neither prebuild-install nor node-pre-gyp")]
    OtherScript,
    /// Nothing says where its authors publish what they built.
    #[error("its package.json names neither a `binary.host` nor a repository on GitHub")]
    NoHost,
    /// It was built for newer versions of Node-API.
    #[error("none of its Node-API versions ({offered}) runs in {target}")]
    NodeApi {
        /// Those that it was built for.
        offered: String,
        /// The target.
        target: Target,
    },
    /// What comes out is no address.
    #[error("`{text}` is no address to download it from")]
    Address {
        /// What came out.
        text: String,
    },
}

/// Where the machine code of the package with this package.json is for `target`. `host` is the mirror
/// that the user's settings name for it.
///
/// # Errors
/// [`NoPrebuilt`] if that cannot be told.
pub fn prebuilt(
    package_json: &[u8],
    target: Target,
    host: Option<&str>,
) -> Result<Prebuilt, NoPrebuilt> {
    let text = package_json
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(package_json);
    let json: Json<'_> = serde_json::from_slice(text).unwrap_or_default();
    address::address(&json, target, host)
}

/// Whether a script of a package downloads what its authors built, in a way that is known.
pub(crate) fn downloads(script: &str) -> bool {
    address::tool(script).is_some()
}
