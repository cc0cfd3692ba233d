//! Which packages are only for development, only optional, only peers: found by walking from the
//! project (npm's `calc-dep-flags`).

use super::tree::{Flags, NodeId, Set, Tree};

/// Clears of every package the flags that do not hold; all are set before.
pub(super) fn calculate(tree: &mut Tree) {
    let root = tree.root;
    tree[root].flags = Flags::NONE;
    let mut seen: Set<NodeId> = Set::default();
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        seen.insert(node);
        let flags = tree[node].flags;
        if !flags.extraneous {
            let mut above = tree.above(node);
            while let Some(folder) = above.filter(|folder| tree[*folder].flags.extraneous) {
                tree[folder].flags.extraneous = false;
                above = tree.above(folder);
            }
        }
        if let Some(target) = tree[node].target {
            let old = tree[target].flags;
            let new = Flags {
                extraneous: old.extraneous && flags.extraneous,
                dev: old.dev && flags.dev,
                optional: old.optional && flags.optional,
                dev_optional: old.dev_optional && flags.dev_optional,
                peer: old.peer && flags.peer,
            };
            tree[target].flags = new;
            if new != old || !seen.contains(&target) {
                queue.push(target);
            }
            continue;
        }
        let edges: Vec<_> = tree[node].edges_out.values().copied().collect();
        for edge in edges {
            let Some(to) = tree[edge].to else { continue };
            let kind = tree[edge].kind;
            let (peer, optional) = (kind.is_peer(), kind.is_optional());
            let dev = kind == super::tree::Kind::Dev;
            let old = tree[to].flags;
            let keeps_both = flags.dev_optional || flags.dev || flags.optional || dev || optional;
            let new = Flags {
                extraneous: old.extraneous && (flags.extraneous || (peer && optional)),
                dev: old.dev && (flags.dev || dev),
                optional: old.optional && (flags.optional || optional),
                dev_optional: old.dev_optional && keeps_both,
                peer: old.peer && (flags.peer || peer),
            };
            tree[to].flags = new;
            if new != old {
                queue.push(to);
            }
        }
    }
    seen.shift_remove(&root);
    for node in seen {
        let flags = &mut tree[node].flags;
        flags.dev_optional &= !(flags.dev || flags.optional);
    }
}
