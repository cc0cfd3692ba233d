//! [`verify`]: a look at every pressed archive of a store.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerpress_fetch::{Store, StoreError};

use super::{Recipe, open};

/// Checks every stream of every pressed archive, and removes those archives that are damaged or
/// that nothing would be found in; gives how many were checked, and which were removed.
///
/// # Errors
/// [`StoreError::Read`] if a folder cannot be listed.
pub fn verify(store: &Store) -> Result<(u64, Vec<PathBuf>), StoreError> {
    let recipes: BTreeMap<String, Recipe> = Recipe::all().map(|it| (it.id(), it)).collect();
    let mut checked = 0;
    let mut damaged = Vec::new();
    for file in store.all_pressed()? {
        let recipe = recipes.get(&file.recipe);
        let whole = recipe
            .and_then(|recipe| open(store, file.archive, *recipe).ok()?)
            .is_some_and(|pressed| pressed.contents().entries().is_ok());
        checked += 1;
        if !whole {
            store.forget_pressed(file.archive, &file.recipe);
            damaged.push(file.path);
        }
    }
    Ok((checked, damaged))
}
