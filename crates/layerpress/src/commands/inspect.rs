//! `layerpress inspect` and `diff`: layers in, their account out; of one layer as a page too.

use std::io::Write as _;

use layerpress_compile::{self as compile, Difference, InspectOptions};
use layerpress_scratch::replace;

use super::request::parsed;
use crate::args::{DiffArgs, InspectArgs, MadeForArgs};
use crate::failure::Failure;
use crate::printer::{Printer, Verbosity, visible};
use crate::settings::SettingsError;
use crate::{changes, weights};

/// Prints what the layer holds on stdout.
///
/// # Errors
///
/// A layer that cannot be read, a page that cannot be written.
pub(super) fn inspect(arguments: &InspectArgs, printer: &Printer) -> Result<(), Failure> {
    let options = InspectOptions {
        savings: arguments.rules.then(|| arguments.profile.profile()),
        ..made_for(&arguments.made_for)?
    };
    let inspection = compile::inspect(&arguments.layer, &options)?;
    if let Some(doubt) = &inspection.doubt {
        printer.warning(&doubt.message, doubt.hint.as_deref());
    }
    if let Some(path) = &arguments.html {
        let page = weights::page(&inspection);
        replace(path, |file| file.write_all(page.as_bytes())).map_err(|source| {
            Failure::Unwritable {
                path: path.clone(),
                source,
            }
        })?;
    }
    let text = if printer.json() {
        format!("{}\n", weights::document(&inspection))
    } else {
        let all = printer.verbosity() == Verbosity::Verbose;
        visible(&weights::account(&inspection, all))
    };
    printer.data(&text).map_err(Failure::Output)
}

/// Prints what changed on stdout.
///
/// # Errors
///
/// A layer that cannot be read; one that grew too much, after it is told.
pub(super) fn diff(arguments: &DiffArgs, printer: &Printer) -> Result<(), Failure> {
    let options = made_for(&arguments.made_for)?;
    let before = compile::inspect(&arguments.before, &options)?;
    let after = compile::inspect(&arguments.after, &options)?;
    let difference = Difference::between(&before, &after);
    let grown = arguments.max_growth.and_then(|allowed| {
        let (zipped, total) = (difference.zipped_bytes, difference.total);
        [
            ("zipped", zipped.before, zipped.after),
            (
                "unzipped",
                total.before.unzipped_bytes,
                total.after.unzipped_bytes,
            ),
        ]
        .into_iter()
        .find(|(_, before, after)| allowed.is_exceeded(*before, *after))
        .map(|(measure, before, after)| Failure::Grown {
            measure,
            before,
            after,
            allowed,
        })
    });
    // With `--json` stdout carries one document: the failure's, if there is one.
    if !printer.json() {
        let all = printer.verbosity() == Verbosity::Verbose;
        let text = visible(&changes::account(&difference, all));
        printer.data(&text).map_err(Failure::Output)?;
    } else if grown.is_none() {
        let text = format!("{}\n", changes::document(&difference));
        printer.data(&text).map_err(Failure::Output)?;
    }
    grown.map_or(Ok(()), Err)
}

/// What a layer is looked at as being made for.
fn made_for(arguments: &MadeForArgs) -> Result<InspectOptions, SettingsError> {
    Ok(InspectOptions {
        runtime: parsed("--runtime", arguments.runtime.as_slice())?.pop(),
        arch: parsed("--arch", arguments.arch.as_slice())?.pop(),
        savings: None,
    })
}
