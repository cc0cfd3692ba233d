//! Other tools' lockfiles: `pnpm-lock.yaml`, `yarn.lock` of both kinds, `bun.lock`.
//!
//! [`read`] takes the text of one and what lies beside it, and gives what npm's own lockfile would
//! say: a [`PackageLock`], whose [`pins`](crate::package_lock::pins())
//! then serve any target. On the way every format becomes one graph; where the file has no
//! folders, hoisting finds them. No version is chosen here and nobody is asked for any: what a
//! lockfile leaves to the tool that wrote it is refused with its place.

mod assemble;
mod berry;
mod bun;
mod classic;
mod classic_text;
mod common;
mod error;
mod graph;
mod hoist;
mod jsonc;
mod peers;
mod pnpm;
mod value;
mod wishes;
mod yaml;
mod yarn;

use crate::package_lock::{MAX_BYTES, PackageLock};
use crate::place::Project;

pub use error::ForeignLockError;
pub use wishes::Beside;

/// Whose lockfile a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForeignFormat {
    /// `pnpm-lock.yaml`
    Pnpm,
    /// `yarn.lock`, whichever Yarn wrote it.
    Yarn,
    /// `bun.lock`
    Bun,
    /// `bun.lockb`, which only bun can read.
    BunBinary,
}

impl ForeignFormat {
    /// All file names, the one that counts first.
    pub const FILE_NAMES: [&'static str; 4] =
        ["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

    /// The format of a file with this name.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<ForeignFormat> {
        match name {
            "pnpm-lock.yaml" => Some(ForeignFormat::Pnpm),
            "yarn.lock" => Some(ForeignFormat::Yarn),
            "bun.lock" => Some(ForeignFormat::Bun),
            "bun.lockb" => Some(ForeignFormat::BunBinary),
            _ => None,
        }
    }
}

/// A lockfile, read and laid out.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// What npm's own lockfile would say.
    pub lock: PackageLock,
    /// What the lockfile is for.
    pub project: Project,
}

/// Reads a lockfile; `file` is what messages call it.
///
/// # Errors
/// What is not as the format has it, is of an unknown version, asks for what only the tool itself
/// can do, or does not meet the package.json beside it.
pub fn read(
    format: ForeignFormat,
    file: &str,
    text: &[u8],
    beside: &Beside<'_>,
) -> Result<Foreign, ForeignLockError> {
    if text.len() > MAX_BYTES {
        return Err(ForeignLockError::TooLarge {
            file: file.to_owned(),
            bytes: text.len(),
            limit: MAX_BYTES,
        });
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = &text[..error.valid_up_to()];
        let lines = before.split(|byte| *byte == b'\n');
        let column = lines.clone().next_back().map_or(0, <[u8]>::len) + 1;
        let place = (lines.count(), column);
        value::syntax(
            file,
            "",
            place,
            "is no UTF-8 text",
            "is this the right file?",
        )
    });
    match format {
        ForeignFormat::Pnpm => {
            let document = yaml::read(file, text?, "have it written again with `pnpm install`")?;
            let mut graph = pnpm::read(&document)?;
            beside.name_importers(&mut graph)?;
            beside.check(&graph, file, "pnpm install", pnpm::is_same)?;
            assemble::assemble(&graph, file, beside)
        }
        ForeignFormat::Yarn => yarn_lock(file, text?, beside),
        ForeignFormat::Bun => {
            let document = jsonc::read(file, text?, "have it written again with `bun install`")?;
            let graph = bun::read(&document)?;
            beside.check(&graph, file, "bun install", |a, b, _| a == b)?;
            assemble::assemble(&graph, file, beside)
        }
        ForeignFormat::BunBinary => Err(ForeignLockError::Binary {
            file: file.to_owned(),
        }),
    }
}

/// Yarn's two formats have one name; only the newer one has `__metadata`.
fn yarn_lock(file: &str, text: &str, beside: &Beside<'_>) -> Result<Foreign, ForeignLockError> {
    let remedy = "have it written again with `yarn install`";
    let is_berry = text.lines().any(|line| line.starts_with("__metadata:"));
    let graph = if is_berry {
        let document = yaml::read(file, text, remedy)?;
        peers::settle(&berry::read(&document, beside)?, file)?
    } else {
        let document = classic_text::read(file, text, remedy)?;
        classic::read(&document, beside)?
    };
    assemble::assemble(&graph, file, beside)
}

#[cfg(test)]
mod tests;
