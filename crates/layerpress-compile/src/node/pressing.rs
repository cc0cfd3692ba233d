//! [`Pressing`]: files that come from no registry's archive, and so are kept pressed nowhere, on their way
//! into a package.

use layerpress_node::tarball::PackageTree;
use layerpress_pack::compress;
use layerpress_press::pressed::{Change, Refusal, Remade, remake};
use layerpress_press::rules::{Ecosystem, Owner};
use layerpress_press::{Binary, Recipe};
use layerpress_tree::{Conflict, Entry, LayerPath, Mode};

use super::archives::folder_name;
use super::error::NodeError;
use super::layout::{LayOut, place};
use crate::pins::Job;

/// How the files of one package are pressed.
#[derive(Debug)]
pub(crate) struct Pressing<'a> {
    /// What it is for.
    pub(crate) job: &'a Job<'a>,
    /// Where the package lies in the layer.
    place: LayerPath,
}

/// A file as it goes into the layer.
#[derive(Debug)]
pub(crate) struct Pressed {
    /// Where it goes in the package's folder.
    pub(crate) path: LayerPath,
    entry: Entry,
    /// What machine it is for, if it is machine code.
    pub(crate) binary: Option<Binary>,
    change: Option<Change>,
    refusal: Option<Refusal>,
}

impl<'a> Pressing<'a> {
    /// For the package at `location`, as a lockfile has it.
    ///
    /// # Errors
    /// A location that cannot stand in a layer.
    pub(crate) fn new(job: &'a Job<'a>, location: &str) -> Result<Self, NodeError> {
        let place = place(location, &LayOut::of(job).prefix())?;
        Ok(Self { job, place })
    }

    /// The file at `path`, relative to the package's folder, by the passes that are for it.
    pub(crate) fn press(&self, path: LayerPath, mode: Mode, bytes: &[u8]) -> Pressed {
        let owner = Owner {
            ecosystem: Ecosystem::Node,
            package: folder_name(self.place.as_str()),
            place: self.place.as_str(),
        };
        let whole = path.clone().under(&self.place);
        let recipe = Recipe {
            compression: self.job.compression,
            passes: self.job.passes(owner, whole.as_str()),
        };
        let (content, binary, change, refusal) = match remake(path.as_str(), bytes, None, recipe) {
            Remade::Changed(made) => {
                let (content, binary, change) = made.into_parts();
                (content, binary, change, None)
            }
            remade => {
                let refusal = match remade {
                    Remade::Refused(refusal) => Some(refusal),
                    _ => None,
                };
                let content = compress(bytes, recipe.compression);
                (content, Binary::of(bytes), None, refusal)
            }
        };
        Pressed {
            path,
            entry: Entry { mode, content },
            binary,
            change,
            refusal,
        }
    }
}

impl Pressed {
    /// Puts the file into a package, with all that the package is to know of it.
    ///
    /// # Errors
    /// A path that is taken.
    pub(crate) fn add_to(self, package: &mut PackageTree) -> Result<(), Conflict> {
        let size = self.entry.content.size;
        package.tree.insert(self.path.clone(), self.entry)?;
        if let Some(binary) = self.binary {
            package.binaries.insert(self.path.clone(), binary);
        }
        if let Some(change) = self.change {
            package.account.count(&change, size);
            package.changes.insert(self.path, change);
        }
        package.account.refused.extend(self.refusal);
        package.is_altered = true;
        Ok(())
    }
}
