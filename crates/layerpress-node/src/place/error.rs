//! Why a tree cannot be built, in sentences.

use std::fmt;
use std::sync::Arc;

use super::place_dep::label;
use super::tree::{EdgeId, NodeId, Tree};

/// A tree that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The project asks, itself or through its packages, for peers that cannot stand together.
    #[error("{0}")]
    PeerConflict(Box<PeerConflict>),
    /// A package that is needed cannot be had.
    #[error("{by} needs {name}@{spec}, which cannot be had: {failure}")]
    Unavailable {
        /// Who asks for it.
        by: Arc<str>,
        /// What the dependency is called.
        name: Arc<str>,
        /// What it is asked for by.
        spec: Arc<str>,
        /// Why it cannot be had.
        failure: Arc<Failure>,
    },
    /// An override refers to a dependency that the project does not have.
    #[error(
        "the override of `{name}` refers to `${reference}`, which is no dependency of the project"
    )]
    OverrideReference {
        /// The package that is overridden.
        name: Arc<str>,
        /// The name after the `$`.
        reference: Arc<str>,
    },
    /// Peers that ask for peers without end.
    #[error("{name}: more than {limit} packages in a row ask for the next as a peer")]
    PeersWithoutEnd {
        /// Where it was given up.
        name: Arc<str>,
        /// How many there may be.
        limit: usize,
    },
    /// More packages than any project has.
    #[error("the project needs more than {limit} packages")]
    TooManyPackages {
        /// How many there may be.
        limit: usize,
    },
    /// An override contradicts what the project itself asks for.
    #[error("the override of `{name}` contradicts the project's own `{name}@{spec}`")]
    OverrideOfDirect {
        /// The package that is overridden.
        name: Arc<str>,
        /// What the project asks for.
        spec: Arc<str>,
    },
}

impl PlaceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            PlaceError::PeerConflict(conflict) => conflict.hint(),
            PlaceError::Unavailable { failure, .. } => failure.hint.clone(),
            PlaceError::OverrideReference { reference, .. } => {
                format!(
                    "add `{reference}` to the dependencies, or write its version in the override"
                )
            }
            PlaceError::PeersWithoutEnd { .. } | PlaceError::TooManyPackages { .. } => {
                "does the registry hold what it should?".to_owned()
            }
            PlaceError::OverrideOfDirect { name, .. } => {
                format!("change the dependency itself, or write the override as `${name}`")
            }
        }
    }
}

/// Why a package could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Whether what was asked for is wrong in itself, or leads nowhere; else there is only nothing
    /// that fits.
    pub is_input: bool,
}

/// Who wants what, and what stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConflict {
    /// Who asks: a package with its version, or the project.
    pub by: Arc<str>,
    /// What it asks for.
    pub wants: Arc<str>,
    /// What would be placed for it, with its version.
    pub candidate: Arc<str>,
    /// What is there instead, with its version.
    pub found: Option<Arc<str>>,
    /// Who asked for what is there.
    pub found_for: Vec<Arc<str>>,
    /// The peers of the candidate that cannot come along.
    pub peers: Vec<UnmetPeer>,
}

/// A peer that cannot stand where it has to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmetPeer {
    /// Who asks for it.
    pub by: Arc<str>,
    /// What it is asked for by.
    pub wants: Arc<str>,
    /// What stands there.
    pub found: Option<Arc<str>>,
}

impl PeerConflict {
    pub(super) fn of(
        tree: &Tree,
        edge: EdgeId,
        dep: NodeId,
        met: &[(EdgeId, Option<NodeId>)],
    ) -> PeerConflict {
        let asked = |edge: EdgeId| -> Arc<str> {
            format!("{}@{}", tree[edge].name, tree.spec(edge)).into()
        };
        let found = tree.resolve(tree[edge].from, &tree[edge].name);
        let askers = found
            .map(|node| tree[node].edges_in.iter())
            .into_iter()
            .flatten();
        let asker = |other: &EdgeId| {
            format!("{} ({})", label(tree, tree[*other].from), asked(*other)).into()
        };
        PeerConflict {
            by: label(tree, tree[edge].from),
            wants: asked(edge),
            candidate: label(tree, dep),
            found: found.map(|node| label(tree, node)),
            found_for: askers.filter(|other| **other != edge).map(asker).collect(),
            peers: met
                .iter()
                .map(|(edge, node)| UnmetPeer {
                    by: label(tree, tree[*edge].from),
                    wants: asked(*edge),
                    found: node.map(|node| label(tree, node)),
                })
                .collect(),
        }
    }

    /// The way out.
    #[must_use]
    pub fn hint(&self) -> String {
        match self.peers.first() {
            Some(peer) => format!(
                "choose versions that fit together: change {} or what {} has to stand beside",
                self.wants, peer.by
            ),
            None => format!("choose a version that fits, or override {}", self.wants),
        }
    }
}

impl fmt::Display for PeerConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wants {}", self.by, self.wants)?;
        if let Some(found) = &self.found {
            write!(f, ", but {found} is there")?;
            if !self.found_for.is_empty() {
                write!(f, " for {}", self.found_for.join(" and "))?;
            }
        }
        for peer in &self.peers {
            write!(f, "; {} needs {} beside it", peer.by, peer.wants)?;
            if let Some(found) = &peer.found {
                write!(f, ", where {found} stands")?;
            }
        }
        Ok(())
    }
}
