//! [`Spared`]: files of a wheel over which fewer passes go than over the others.
//!
//! What the store keeps of a wheel is pressed by one recipe. A file that one of its passes changed and that
//! is spared comes from what another recipe makes of the same wheel, which has no such pass; nothing is kept
//! for it beside those two.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use layerpress_pack::compress;
use layerpress_press::{Passes, Recipe};

use super::error::WheelFault;
use super::layout::{Spot, layer_record, spot};
use super::pressed::Contents;
use super::receipt::{Receipt, ReceiptFile};
use super::unpack::UnpackOptions;

/// Tells, by the path of a file in a tree, which passes may go over it.
#[derive(Clone)]
pub struct Spared(Arc<dyn Fn(&str) -> Passes + Send + Sync>);

impl Spared {
    /// What `passes` tells.
    pub fn new(passes: impl Fn(&str) -> Passes + Send + Sync + 'static) -> Self {
        Self(Arc::new(passes))
    }

    /// The passes that may go over a wheel's file; nothing for what is no file of the tree.
    fn passes(
        &self,
        file: &ReceiptFile,
        receipt: &Receipt,
        options: &UnpackOptions,
    ) -> Option<Passes> {
        match spot(file, receipt, options.layout) {
            Ok(Spot::File(path)) => Some(self.0(&path)),
            Ok(Spot::Script(name)) => Some(self.0(&format!("bin/{name}"))),
            Ok(Spot::Nowhere) | Err(_) => None,
        }
    }
}

impl fmt::Debug for Spared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spared").finish_non_exhaustive()
    }
}

/// Which files of `contents`, by their place in the receipt, are to come from what other recipes make.
pub(super) fn spared(
    receipt: &Receipt,
    contents: &Contents,
    options: &UnpackOptions,
) -> Vec<(Recipe, Vec<usize>)> {
    let Some(spared) = &options.spared else {
        return Vec::new();
    };
    let mut found: BTreeMap<Passes, Vec<usize>> = BTreeMap::new();
    for (at, (file, laid)) in receipt.files.iter().zip(&contents.files).enumerate() {
        let Some(change) = laid.change else { continue };
        let passes = spared.passes(file, receipt, options);
        if let Some(passes) = passes.filter(|passes| !passes.has(change.pass)) {
            found.entry(passes).or_default().push(at);
        }
    }
    let recipe = |passes| Recipe {
        passes,
        ..options.recipe
    };
    let found = found.into_iter();
    found
        .map(|(passes, files)| (recipe(passes), files))
        .collect()
}

/// Puts the files of `others` in the place of those that are spared, and tells in RECORD what they are.
pub(super) fn exchange(
    receipt: &Receipt,
    mut contents: Contents,
    others: Vec<(Contents, Vec<usize>)>,
    options: &UnpackOptions,
) -> Result<Contents, WheelFault> {
    if let Some(spared) = &options.spared {
        contents.account.refused.retain(|refusal| {
            let mut files = receipt.files.iter();
            let file = files.find(|file| file.path == refusal.path);
            let passes = file.and_then(|file| spared.passes(file, receipt, options));
            passes.is_none_or(|passes| refusal.is_of(passes))
        });
    }
    if others.is_empty() {
        return Ok(contents);
    }
    for (other, files) in others {
        let Contents {
            files: mut laid, ..
        } = other;
        for at in files {
            let (now, new) = (&mut contents.files[at], &mut laid[at]);
            std::mem::swap(now, new);
            if let Some(change) = new.change {
                contents.account.discount(&change, new.content.size);
            }
            if let Some(change) = now.change {
                contents.account.count(&change, now.content.size);
            }
        }
    }
    if contents.record.is_some() {
        let text = layer_record(receipt, &contents.files)?;
        contents.record = Some(compress(text.as_bytes(), options.recipe.compression));
    }
    Ok(contents)
}
