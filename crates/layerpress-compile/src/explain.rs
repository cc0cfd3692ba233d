//! [`explain_passes`]: which pass made a file smaller that the user asks about, and what that took.

use layerpress_pack::{Archive, Limits, read_all};
use layerpress_press::rules::{Explanation, Owner, Smaller};
use layerpress_press::{elf_sections_removed, pressed};
use layerpress_tree::Sha256;

use crate::pins::Job;

/// Adds to what is explained what passes did to files of `archive`, which is the package of `owner`.
pub(crate) fn explain_passes(
    job: &Job<'_>,
    archive: Sha256,
    owner: Owner<'_>,
    explained: &mut [Explanation],
) {
    let below = |path: &str| {
        let inner = path.strip_prefix(owner.place)?.strip_prefix('/')?;
        Some(inner.to_owned())
    };
    let asked = explained.iter_mut().filter(|it| it.is_kept);
    let asked: Vec<_> = asked
        .filter_map(|it| Some((below(&it.path)?, it)))
        .collect();
    if asked.is_empty() {
        return;
    }
    let recipe = job.recipe(owner.ecosystem, owner.package);
    // What is kept of the archive tells it; a store that keeps nothing leaves it out.
    let Ok(Some(kept)) = pressed::open(job.session.store(), archive, recipe) else {
        return;
    };
    for (inner, explanation) in asked {
        let mut files = kept.contents().files();
        let Some(file) = files.find(|file| file.path == inner) else {
            continue;
        };
        let passes = job.passes(owner, &explanation.path);
        let change = file.change.filter(|change| passes.has(change.pass));
        explanation.smaller = change.map(|change| Smaller {
            pass: change.pass,
            before: change.size_before,
            after: file.size,
            sections: sections(job, archive, &inner),
        });
    }
}

/// Whether a file of the layer is the one that the user names from its root, or from where packages lie.
pub(crate) fn is_at_end(found: &str, named: &str) -> bool {
    let before = found.strip_suffix(named);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The sections that stripping takes out of a file, as its archive has it; none where that is no zip.
fn sections(job: &Job<'_>, archive: Sha256, path: &str) -> Vec<(String, u64)> {
    let bytes = job.session.store().archive(archive);
    let zip = bytes.and_then(|bytes| Archive::open(bytes, &Limits::default()).ok());
    let file = zip.as_ref().and_then(|zip| zip.find(path));
    let file = file.and_then(|file| read_all(&file.content).ok());
    file.map_or_else(Vec::new, |file| elf_sections_removed(&file))
}
