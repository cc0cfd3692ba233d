//! [`Queue`]: the packages that wait for what they lack, shallow ones first.

use std::sync::Arc;

use super::collate;
use super::tree::{NodeId, Tree};

/// The packages that wait for what they lack.
#[derive(Default)]
pub(super) struct Queue {
    /// The first is taken from the end.
    waiting: Vec<Waiting>,
    is_unsorted: bool,
}

/// A package that waits.
struct Waiting {
    node: NodeId,
    /// Its path, and what that is sorted by: made anew when it has moved.
    location: Arc<str>,
    key: Vec<u8>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets a package wait, unless it does so already.
    pub(super) fn push(&mut self, node: NodeId, tree: &Tree) {
        if self.waiting.iter().all(|waiting| waiting.node != node) {
            let location = tree[node].location.clone();
            self.waiting.push(Waiting {
                node,
                key: collate::key(&location),
                location,
            });
            self.is_unsorted = true;
        }
    }

    /// The shallowest package, of equally deep ones the first by path.
    pub(super) fn pop(&mut self, tree: &Tree) -> Option<NodeId> {
        if self.is_unsorted {
            for waiting in &mut self.waiting {
                let location = &tree[waiting.node].location;
                if *location != waiting.location {
                    waiting.key = collate::key(location);
                    waiting.location = location.clone();
                }
            }
            self.waiting.sort_by(|a, b| {
                let deeper = tree.depth(b.node).cmp(&tree.depth(a.node));
                deeper.then_with(|| b.key.cmp(&a.key))
            });
            self.is_unsorted = false;
        }
        Some(self.waiting.pop()?.node)
    }
}
