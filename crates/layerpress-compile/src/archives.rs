//! [`unpack_all`]: what the store keeps unpacked at once, the rest as it arrives, for either
//! ecosystem.

use std::sync::atomic::Ordering;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use rayon::prelude::*;

use crate::error::CompileError;
use crate::pins::Tally;
use crate::session::Session;

/// Unpacks each of `pinned`, in their order: those that were unpacked before on all cores, the
/// others `at_once` as they arrive, be it from the network or from the store.
///
/// `missing` names an archive that the store is known not to hold, for who is offline.
///
/// # Errors
/// The first archive that cannot be had or is not sound; offline, all that are not there.
pub(crate) fn unpack_all<P: Sync, T: Send, A>(
    session: &Session,
    pinned: &[P],
    at_once: usize,
    tally: &Tally,
    from_store: impl Fn(&P) -> Result<Option<T>, CompileError> + Sync,
    missing: impl Fn(&P) -> Option<String>,
    arrive: impl Fn(usize) -> A,
) -> Result<Vec<T>, CompileError>
where
    A: Future<Output = Result<T, CompileError>>,
{
    // What is there needs no network and no waiting: all cores take from it at once.
    let mut trees: Vec<Option<T>> = pinned
        .par_iter()
        .map(&from_store)
        .collect::<Result<_, _>>()?;
    let there = trees.iter().flatten().count();
    tally.cached.fetch_add(there, Ordering::Relaxed);
    let absent: Vec<usize> = (0..pinned.len())
        .filter(|&index| trees[index].is_none())
        .collect();
    if session.client.offline() {
        let files: Vec<String> = absent
            .iter()
            .filter_map(|&index| missing(&pinned[index]))
            .collect();
        if !files.is_empty() {
            return Err(CompileError::NotCached { files });
        }
    }
    let arrive = &arrive;
    let arrived: Vec<(usize, T)> = session.wait(
        stream::iter(absent)
            .map(|index| async move { Ok::<_, CompileError>((index, arrive(index).await?)) })
            .buffer_unordered(at_once)
            .try_collect(),
    )?;
    for (index, tree) in arrived {
        trees[index] = Some(tree);
    }
    Ok(trees.into_iter().flatten().collect())
}
