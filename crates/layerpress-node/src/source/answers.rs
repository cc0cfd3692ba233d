//! [`Answers`]: what an earlier run of the same project was answered, in one blob of the store.
//!
//! Each answer follows from a packument that the store holds too. To open hundreds of those and choose
//! their versions again takes longer than all the rest, so the answers are kept together, for as long as
//! the first of those packuments stays fresh. They count all or not at all.

use std::sync::Arc;

use layerpress_fetch::{Blob, Client, Freshness, Namespace};
use rkyv::rancor;
use rkyv::{Archive, Deserialize, Serialize};
use rustc_hash::FxHashMap;

use crate::manifest::{Extra, Lone, Manifest, Pairs};

/// What they are kept under; its number is to be raised with every change of the form.
const FORM: &str = "answers-2";

/// An answer: the package, what was wanted of it, and the version that it got.
pub(super) type Answered = (Arc<str>, Arc<str>, Arc<Manifest>);

/// Where the answers of one project are kept.
#[derive(Debug)]
pub(super) struct Answers {
    client: Client,
    key: String,
}

impl Answers {
    /// The place of the answers that depend on nothing but what `circumstances` tells and on what
    /// registries say.
    pub(super) fn new(client: &Client, circumstances: &str) -> Self {
        Self {
            client: client.clone(),
            key: format!("{FORM}\n{circumstances}"),
        }
    }

    /// The answers, if they are still fresh, and for how long.
    pub(super) fn read(&self) -> Option<(Vec<Answered>, Freshness)> {
        let store = self.client.store();
        let blob = store.blob(Namespace::Packuments, &self.key)?;
        if !self.client.is_fresh(blob.freshness()) {
            return None;
        }
        Some((answers(&blob)?, blob.freshness().clone()))
    }

    /// Keeps answers that are good for as long as `freshness` says.
    pub(super) fn write<'a>(
        &self,
        answers: impl IntoIterator<Item = (&'a str, &'a str, &'a Arc<Manifest>)>,
        freshness: Freshness,
    ) {
        if freshness.fresh_for == 0 {
            return;
        }
        let mut texts = Texts::default();
        let mut known: FxHashMap<*const Manifest, u32> = FxHashMap::default();
        let (mut manifests, mut asked) = (Vec::new(), Vec::new());
        for (name, wanted, manifest) in answers {
            let at = *known.entry(Arc::as_ptr(manifest)).or_insert_with(|| {
                manifests.push(Kept::of(manifest, &mut texts));
                count(manifests.len())
            });
            asked.push((texts.id(name), texts.id(wanted), at));
        }
        let file = File {
            ends: texts.ends,
            text: texts.text,
            manifests,
            asked,
        };
        if let Ok(bytes) = rkyv::to_bytes::<rancor::Error>(&file) {
            // A store that cannot be written costs speed alone, and the client says so.
            self.client
                .keep_blob(Namespace::Packuments, &self.key, &bytes, freshness);
        }
    }
}

/// All answers of a blob; `None` when it is damaged.
fn answers(blob: &Blob) -> Option<Vec<Answered>> {
    let file = rkyv::access::<ArchivedFile, rancor::Error>(blob).ok()?;
    let mut start = 0;
    let mut texts: Vec<Arc<str>> = Vec::with_capacity(file.ends.len());
    for end in file.ends.iter() {
        let end = usize::try_from(end.to_native()).ok()?;
        texts.push(file.text.get(start..end)?.into());
        start = end;
    }
    let text = |id: u32| {
        texts
            .get(usize::try_from(id).ok()?.checked_sub(1)?)
            .cloned()
    };
    let manifests = file.manifests.iter();
    let manifests: Vec<Arc<Manifest>> = manifests
        .map(|kept| kept.manifest(text).map(Arc::new))
        .collect::<Option<_>>()?;
    let answer = |asked: &rkyv::Archived<(u32, u32, u32)>| {
        let at = usize::try_from(asked.2.to_native()).ok()?.checked_sub(1)?;
        let manifest = manifests.get(at)?.clone();
        Some((
            text(asked.0.to_native())?,
            text(asked.1.to_native())?,
            manifest,
        ))
    };
    file.asked.iter().map(answer).collect()
}

/// A text's number, counted from one; zero is none.
type TextId = u32;

#[derive(Archive, Serialize, Deserialize)]
struct File {
    /// Where each text ends.
    ends: Vec<u32>,
    text: String,
    manifests: Vec<Kept>,
    /// A name, what is wanted, and the number of a manifest, counted from one.
    asked: Vec<(TextId, TextId, u32)>,
}

/// A manifest, its texts by number.
#[derive(Archive, Serialize, Deserialize)]
struct Kept {
    /// Name and value in turns.
    pairs: [Vec<TextId>; 5],
    lists: [Vec<TextId>; 5],
    texts: [TextId; 11],
    flags: [bool; 6],
}

#[derive(Default)]
struct Texts {
    ids: FxHashMap<Box<str>, TextId>,
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn id(&mut self, text: &str) -> TextId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        self.text.push_str(text);
        self.ends.push(count(self.text.len()));
        let id = count(self.ends.len());
        self.ids.insert(text.into(), id);
        id
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("what a tree of 100,000 packages asks for has under 4 GiB")
}

impl Kept {
    fn of(manifest: &Manifest, texts: &mut Texts) -> Self {
        // All fields by name: a new one is not forgotten here.
        let Manifest {
            name,
            version,
            dependencies,
            optional_dependencies,
            peer_dependencies,
            optional_peers,
            accept_dependencies,
            bundled,
            os,
            cpu,
            libc,
            node,
            bin,
            has_install_script,
            has_shrinkwrap,
            deprecated,
            tarball,
            integrity,
            extra,
        } = manifest;
        let Extra {
            license,
            funding,
            engines,
            peer_dependencies_meta,
            has_dev_dependencies,
            workspaces,
            lone:
                Lone {
                    os: lone_os,
                    cpu: lone_cpu,
                    libc: lone_libc,
                },
        } = extra;
        let mut pairs = |pairs: &Pairs| -> Vec<TextId> {
            let both = pairs.iter().flat_map(|(name, value)| [name, value]);
            both.map(|text| texts.id(text)).collect()
        };
        let pairs = [
            dependencies,
            optional_dependencies,
            peer_dependencies,
            accept_dependencies,
            bin,
        ]
        .map(&mut pairs);
        let lists = [optional_peers, bundled, os, cpu, libc]
            .map(|list| list.iter().map(|text| texts.id(text)).collect());
        let mut text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| texts.id(text));
        let texts = [
            name,
            version,
            node,
            deprecated,
            tarball,
            integrity,
            license,
            funding,
            engines,
            peer_dependencies_meta,
            workspaces,
        ]
        .map(&mut text);
        Self {
            pairs,
            lists,
            texts,
            flags: [
                *has_install_script,
                *has_shrinkwrap,
                *has_dev_dependencies,
                *lone_os,
                *lone_cpu,
                *lone_libc,
            ],
        }
    }
}

impl ArchivedKept {
    fn manifest(&self, text: impl Fn(u32) -> Option<Arc<str>>) -> Option<Manifest> {
        let list = |at: usize| -> Option<Vec<Arc<str>>> {
            let ids = self.lists[at].iter();
            ids.map(|id| text(id.to_native())).collect()
        };
        let pairs = |at: usize| -> Option<Pairs> {
            let ids = self.pairs[at].chunks_exact(2);
            ids.map(|pair| Some((text(pair[0].to_native())?, text(pair[1].to_native())?)))
                .collect()
        };
        let maybe = |at: usize| text(self.texts[at].to_native());
        Some(Manifest {
            name: maybe(0),
            version: maybe(1),
            dependencies: pairs(0)?,
            optional_dependencies: pairs(1)?,
            peer_dependencies: pairs(2)?,
            optional_peers: list(0)?,
            accept_dependencies: pairs(3)?,
            bundled: list(1)?,
            os: list(2)?,
            cpu: list(3)?,
            libc: list(4)?,
            node: maybe(2),
            bin: pairs(4)?,
            has_install_script: self.flags[0],
            has_shrinkwrap: self.flags[1],
            deprecated: maybe(3),
            tarball: maybe(4),
            integrity: maybe(5),
            extra: Extra {
                license: maybe(6),
                funding: maybe(7),
                engines: maybe(8),
                peer_dependencies_meta: maybe(9),
                has_dev_dependencies: self.flags[2],
                workspaces: maybe(10),
                lone: Lone {
                    os: self.flags[3],
                    cpu: self.flags[4],
                    libc: self.flags[5],
                },
            },
        })
    }
}
