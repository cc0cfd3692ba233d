//! [`press`]: every file through the passes of the profile and the compressor.

use std::collections::BTreeMap;

use layerpress_pack::{Level, compress, read_all};
use layerpress_press::proof::same_when_loaded;
use layerpress_press::rules::{Explanation, Smaller};
use layerpress_press::{Outcome, Passes, Profile, Transform, elf_sections_removed, transform};
use layerpress_tree::{Content, Encoding, Entry, LayerPath, LayerTree, Mode};
use rayon::prelude::*;

use super::left_out::LeftOut;
use super::report::{Finding, Severity};
use super::shape::Shape;
use super::{ShrinkError, ShrinkRequest};
use crate::inspect::Saving;

/// What becomes of a layer's files; whatever is not named here stays as it is.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Files that are others now, or gone.
    pub(super) changed: BTreeMap<LayerPath, Change>,
    /// Files that are the same, in smaller streams.
    repacked: BTreeMap<LayerPath, Content>,
    /// Files that a pass could not prove its work on: they stay.
    refused: Vec<Refused>,
}

/// What becomes of a file.
#[derive(Debug)]
pub(super) struct Change {
    /// The rule or pass.
    pub(super) by: &'static str,
    /// What stands in its place; nothing where it is left out.
    pub(super) entry: Option<Entry>,
}

#[derive(Debug)]
struct Refused {
    path: LayerPath,
    by: &'static str,
    reason: String,
}

/// What one file became.
enum Pressed {
    AsItWas,
    Repacked(Content),
    Changed(Change),
}

/// Presses the files of `tree` on all cores.
///
/// # Errors
/// The first file, by path, whose stream is damaged.
pub(super) fn press(
    tree: &LayerTree,
    shape: Shape,
    left_out: &LeftOut,
    request: &ShrinkRequest,
) -> Result<Changes, ShrinkError> {
    let stays = |(path, _): &(&LayerPath, &Entry)| !left_out.removed.contains_key(*path);
    let mut files: Vec<(&LayerPath, &Entry)> = tree.iter().filter(stays).collect();
    // The largest first: whoever comes last to a large file makes all others wait.
    files.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.content.size));
    let pressed = files.into_par_iter().with_max_len(1).map(|(path, entry)| {
        let inner = shape.inside(path.as_str());
        let passes = left_out.passes.get(path).copied();
        let passes = passes.unwrap_or_else(|| Passes::of(request.profile));
        let outcome = press_file(path, entry, inner.map(|it| (it, passes)), request);
        (path, outcome)
    });
    let mut pressed: Vec<_> = pressed.collect();
    pressed.sort_by_key(|(path, _)| *path);
    let removed = left_out.removed.iter().map(|(path, by)| {
        let entry = None;
        (path.clone(), Change { by, entry })
    });
    let mut changes = Changes {
        changed: removed.collect(),
        ..Changes::default()
    };
    for (path, outcome) in pressed {
        let (pressed, refused) = outcome.map_err(|fault| ShrinkError::Damaged {
            layer: request.input.clone(),
            path: path.to_string(),
            fault,
        })?;
        changes.refused.extend(refused);
        match pressed {
            Pressed::AsItWas => {}
            Pressed::Repacked(content) => {
                changes.repacked.insert(path.clone(), content);
            }
            Pressed::Changed(change) => {
                changes.changed.insert(path.clone(), change);
            }
        }
    }
    Ok(changes)
}

/// What goes of `tree` and what passes would save of the rest; what cannot be read saves nothing.
pub(super) fn savings(
    tree: &LayerTree,
    shape: Shape,
    left_out: &LeftOut,
    profile: Profile,
) -> BTreeMap<LayerPath, Saving> {
    let files: Vec<(&LayerPath, &Entry)> = tree.iter().collect();
    let saved = files.into_par_iter().filter_map(|(path, entry)| {
        let saving = |by, bytes| Some((path.clone(), Saving { by, bytes }));
        if let Some(rule) = left_out.removed.get(path) {
            return saving(*rule, entry.content.size);
        }
        let inner = shape.inside(path.as_str())?;
        let bytes = read_all(&entry.content).ok()?;
        let transformed = transform(inner, &bytes, Passes::of(profile))?;
        match transformed.outcome {
            Outcome::Smaller(smaller) => {
                let saved = bytes.len().saturating_sub(smaller.len());
                saving(transformed.by.name, saved as u64)
            }
            _ => None,
        }
    });
    saved.collect()
}

fn press_file(
    path: &LayerPath,
    entry: &Entry,
    inner: Option<(&str, Passes)>,
    request: &ShrinkRequest,
) -> Result<(Pressed, Option<Refused>), layerpress_pack::ContentError> {
    if entry.mode == Mode::Link {
        return Ok((Pressed::AsItWas, None));
    }
    let bytes = read_all(&entry.content)?;
    let transformed = inner.and_then(|(inner, passes)| transform(inner, &bytes, passes));
    let mut refused = None;
    if let Some(transformed) = transformed {
        let by = transformed.by.name;
        match transformed.outcome {
            // Each pass proves its own work; what loaders do is looked at once more.
            Outcome::Smaller(smaller) if !same_when_loaded(&bytes, &smaller) => {
                refused = Some(Refused {
                    path: path.clone(),
                    by,
                    reason: "other bytes would be loaded".to_owned(),
                });
            }
            Outcome::Smaller(smaller) => {
                drop(bytes);
                let content = compress(&smaller, request.compression);
                // A stream that somebody took more pains over than we do is worth more than a file
                // that is a little smaller unpacked.
                if content.stream_size() <= entry.content.stream_size() {
                    let mode = entry.mode;
                    let entry = Some(Entry { mode, content });
                    return Ok((Pressed::Changed(Change { by, entry }), None));
                }
                return Ok((Pressed::AsItWas, None));
            }
            Outcome::Refused(reason) => {
                refused = Some(Refused {
                    path: path.clone(),
                    by,
                    reason,
                });
            }
            Outcome::NotMine | Outcome::Nothing => {}
        }
    }
    let worth_it = request.compression == Level::Best || entry.content.encoding == Encoding::Stored;
    let content = worth_it.then(|| compress(&bytes, request.compression));
    let smaller = content.filter(|it| it.stream_size() < entry.content.stream_size());
    let pressed = smaller.map_or(Pressed::AsItWas, Pressed::Repacked);
    Ok((pressed, refused))
}

impl Changes {
    /// The layer as it is now.
    pub(super) fn tree(&self, before: &LayerTree) -> LayerTree {
        self.tree_with(before, |_| true)
    }

    /// The layer with those changes alone that `wanted` names by rule or pass and path.
    pub(super) fn tree_with(
        &self,
        before: &LayerTree,
        wanted: impl Fn(&LayerPath) -> bool,
    ) -> LayerTree {
        let entry = |(path, entry): (&LayerPath, &Entry)| {
            let change = self.changed.get(path).filter(|_| wanted(path));
            if let Some(change) = change {
                return change.entry.clone().map(|entry| (path.clone(), entry));
            }
            let content = self.repacked.get(path).unwrap_or(&entry.content);
            let mode = entry.mode;
            let content = content.clone();
            Some((path.clone(), Entry { mode, content }))
        };
        // A part of a tree's paths, with other contents, is a tree.
        LayerTree::from_entries(before.iter().filter_map(entry).collect()).unwrap_or_default()
    }

    /// What was explained by the rules, with what became of those files since.
    pub(super) fn explained(
        &self,
        before: &LayerTree,
        mut explained: Vec<Explanation>,
    ) -> Vec<Explanation> {
        for it in explained.iter_mut().filter(|it| it.is_kept) {
            let path = LayerPath::new(&it.path).ok();
            let Some(change) = path.and_then(|path| self.changed.get(&path)) else {
                continue;
            };
            let Some(entry) = &change.entry else {
                // The rules would have kept it.
                it.is_kept = false;
                it.rule = Some(change.by);
                it.reason = "the traced command does not open it".to_owned();
                continue;
            };
            let was = before.get(&it.path).map(|entry| &entry.content);
            it.smaller = was.zip(Transform::named(change.by)).map(|(was, pass)| {
                let bytes = read_all(was);
                Smaller {
                    pass,
                    before: was.size,
                    after: entry.content.size,
                    sections: bytes.map_or_else(|_| Vec::new(), |it| elf_sections_removed(&it)),
                }
            });
        }
        explained
    }

    /// What could not be done.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.refused.iter().map(|refused| Finding {
            severity: Severity::Warning,
            code: "not-proven",
            path: Some(refused.path.to_string()),
            message: format!(
                "`{}` stays as it was: {} could not be proven to change nothing: {}",
                refused.path, refused.by, refused.reason
            ),
            hint: None,
        })
    }
}
