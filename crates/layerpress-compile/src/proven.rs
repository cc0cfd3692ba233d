//! [`decided`]: what goes of a layer, and the proof that nothing which stays misses it, made once.
//!
//! The rules decide by the evidence of each archive. The proof looks at the whole layer instead, at whatever
//! stays in it (`layerpress_press::proof`), and that takes a look at all of its code. So what came of it is
//! kept in the store, under all that it depends on: the archives, how they are pressed and laid out, the team's
//! own code, and every file that goes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use layerpress_fetch::Namespace;
use layerpress_press::proof::restore;
use layerpress_press::rules::Ecosystem;
use layerpress_tree::{LayerPath, LayerTree};
use sha2::{Digest as _, Sha256};

use crate::pins::Job;
use crate::prune::{Pruned, Unpacked};

/// To be counted up when the proof looks at more or in another way.
const VERSION: &str = "proof 2";

/// How many files that stay are named one by one.
const NAMED: usize = 5;

/// A file that stays since another one needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) path: String,
    /// Which one, and how.
    pub(crate) why: String,
}

/// What goes of the packages of a layer by what the user and the rules say, less what is needed; and what
/// to tell the user of that.
pub(crate) fn decided(
    job: &Job<'_>,
    ecosystem: Ecosystem,
    packages: &[Unpacked<'_>],
) -> (Pruned, Vec<String>) {
    let mut pruned = job.pruning.decide(ecosystem, packages, job.target);
    let indices = 0..packages.len();
    if indices
        .clone()
        .all(|it| pruned.by_rule(it).next().is_none())
    {
        return (pruned, Vec::new());
    }
    let store = job.session.store();
    let key = key(job, ecosystem, packages, &pruned);
    let kept = store.blob(Namespace::Evidence, &key);
    let needed = kept.and_then(|kept| read(&kept)).unwrap_or_else(|| {
        let needed = missed(job.pruning.own.asked(), packages, &pruned);
        // A store that cannot be written costs speed, not correctness.
        let _unkept = store.put_blob(Namespace::Evidence, &key, written(&needed).as_bytes());
        needed
    });
    for it in &needed {
        pruned.put_back(&it.path, &it.why);
    }
    let told = told(&needed).into_iter().map(|(_, sentence)| sentence);
    (pruned, told.collect())
}

/// What is needed of what the rules take.
fn missed(own: &LayerTree, packages: &[Unpacked<'_>], pruned: &Pruned) -> Vec<Needed> {
    let mut tree = own.clone();
    let mut gone: BTreeSet<LayerPath> = BTreeSet::new();
    let mut stays: BTreeSet<LayerPath> = BTreeSet::new();
    for (index, package) in packages.iter().enumerate() {
        for (path, entry) in package.tree.iter() {
            let path = path.under(package.tree_place);
            match pruned.removal(index, path.as_str()) {
                Some(removal) if removal.is_final() => continue,
                Some(_) => gone.insert(path.clone()),
                None => stays.insert(path.clone()),
            };
            // Of two packages that bring a file, the layer has one; where they differ, it is told elsewhere.
            let _taken = tree.insert(path, entry.clone());
        }
    }
    gone.retain(|path| !stays.contains(path));
    needed(&tree, &mut gone)
}

/// What of the files that go is needed by those that stay in `tree`; it goes no more.
pub(crate) fn needed(tree: &LayerTree, gone: &mut BTreeSet<LayerPath>) -> Vec<Needed> {
    let needed = restore(tree, gone).into_iter();
    let needed = needed.map(|it| Needed {
        path: it.path.to_string(),
        why: format!("`{}` {}", it.by, it.how),
    });
    needed.collect()
}

/// What the outcome depends on, as a digest.
fn key(job: &Job<'_>, ecosystem: Ecosystem, packages: &[Unpacked<'_>], pruned: &Pruned) -> String {
    let mut hash = Sha256::new();
    let mut line = String::new();
    let mut add = |text: std::fmt::Arguments<'_>| {
        line.clear();
        // A string takes everything that is written to it.
        let _infallible = line.write_fmt(text);
        hash.update(line.as_bytes());
    };
    add(format_args!("{VERSION}\0{}\0", job.shape()));
    add_files(job.pruning.own.asked(), &mut add);
    for (index, package) in packages.iter().enumerate() {
        add(format_args!(
            "\0{}\0{}\0",
            package.tree_place,
            package.tree.len()
        ));
        match package.archive {
            Some(archive) => {
                let recipe = job.recipe(ecosystem, &package.name).id();
                add(format_args!("{archive}\0{recipe}\0"));
            }
            None => add_files(package.tree, &mut add),
        }
        for (path, removal) in pruned.gone(index) {
            add(format_args!("{path}\0{}\0", removal.is_final()));
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    format!("proof-{}", layerpress_tree::Sha256(digest))
}

fn add_files(tree: &LayerTree, add: &mut impl FnMut(std::fmt::Arguments<'_>)) {
    for (path, entry) in tree.iter() {
        let content = &entry.content;
        add(format_args!(
            "{path}\0{}\0{}\0",
            content.size, content.crc32
        ));
    }
}

fn written(needed: &[Needed]) -> String {
    let fields = needed.iter().flat_map(|it| [&*it.path, &*it.why]);
    fields.map(|it| format!("{it}\0")).collect()
}

/// Reads what [`written`] gives; nothing of other bytes.
fn read(bytes: &[u8]) -> Option<Vec<Needed>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let fields: Vec<&str> = text.split_terminator('\0').collect();
    let needed = fields.chunks(2).map(|fields| match fields {
        [path, why] => Some(Needed {
            path: (*path).to_owned(),
            why: (*why).to_owned(),
        }),
        _ => None,
    });
    needed.collect()
}

/// What to tell the user of files that stay: the first by their paths, then how many more.
pub(crate) fn told(needed: &[Needed]) -> Vec<(Option<String>, String)> {
    let named = needed.iter().take(NAMED);
    let mut told: Vec<_> = named
        .map(|it| {
            let sentence = format!("`{}` stays: {}", it.path, it.why);
            (Some(it.path.clone()), sentence)
        })
        .collect();
    if needed.len() > NAMED {
        let more = needed.len() - NAMED;
        told.push((
            None,
            format!("{more} more files stay, since others need them"),
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use layerpress_pack::stored;
    use layerpress_press::Profile;
    use layerpress_press::rules::{Evidence, Overrides, evidence};
    use layerpress_target::{Arch, Target};
    use layerpress_tree::{Entry, Mode};

    use super::*;
    use crate::prune::{OwnCode, Pruning};

    fn tree(files: &[(&str, &str)]) -> LayerTree {
        let entry = |(path, text): &(&str, &str)| {
            let content = stored(text.as_bytes().to_vec().into());
            let mode = Mode::File;
            let path = LayerPath::new(path).expect("a path");
            (path, Entry { mode, content })
        };
        LayerTree::from_entries(files.iter().map(entry).collect()).expect("a tree")
    }

    #[test]
    fn what_the_evidence_does_not_show_is_found_in_the_layer() {
        let place = LayerPath::new("python").expect("a path");
        let app = tree(&[
            ("app/__init__.py", "from app.tests import util\n"),
            ("app/tests/__init__.py", ""),
            ("app/tests/util.py", ""),
            ("app/tests/test_a.py", ""),
        ]);
        let twin = tree(&[("app/tests/test_a.py", "")]);
        let told = evidence(
            Ecosystem::Python,
            &tree(&[
                ("app/__init__.py", ""),
                ("app/tests/__init__.py", ""),
                ("app/tests/util.py", ""),
                ("app/tests/test_a.py", ""),
            ]),
            "",
        );
        let nothing = Evidence::default();
        let package = |tree, evidence| Unpacked {
            name: "app".to_owned(),
            place: "python".to_owned(),
            evidence,
            tree,
            tree_place: &place,
            archive: None,
            binaries: std::collections::BTreeMap::new(),
        };
        let packages = [package(&app, &told), package(&twin, &nothing)];
        let pruning = Pruning {
            profile: Profile::Safe,
            overrides: &Overrides::default(),
            explain: &[],
            own: OwnCode::default(),
        };
        let target = Target {
            runtime: "python3.13".parse().expect("a runtime"),
            arch: Arch::X86_64,
        };
        let mut pruned = pruning.decide(Ecosystem::Python, &packages, target);
        assert_eq!(pruned.by_rule(0).count(), 3);
        let needed = missed(&LayerTree::new(), &packages, &pruned);
        let sentences: Vec<_> = self::told(&needed).into_iter().map(|it| it.1).collect();
        insta::assert_snapshot!(sentences.join("\n"), @r"
        `python/app/tests/__init__.py` stays: `python/app/__init__.py` imports it
        `python/app/tests/util.py` stays: `python/app/__init__.py` imports it
        ");
        assert_eq!(read(written(&needed).as_bytes()), Some(needed.clone()));
        assert_eq!(read(b"a\0b\0c\0"), None);
        for it in &needed {
            pruned.put_back(&it.path, &it.why);
        }
        assert_eq!(
            pruned.by_rule(0).collect::<Vec<_>>(),
            ["python/app/tests/test_a.py"]
        );
    }
}
