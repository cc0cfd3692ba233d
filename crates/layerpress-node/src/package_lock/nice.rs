//! JSON as npm writes lockfiles (`json-stringify-nice`): known keys first, then by name, what is an
//! object last.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::json::{Json, put_quoted};
use crate::place::collate;

/// The keys that come first, in this order.
const FIRST: [&str; 8] = [
    "name",
    "version",
    "lockfileVersion",
    "resolved",
    "integrity",
    "requires",
    "packages",
    "dependencies",
];

/// Writes a value with a line break at its end.
pub(super) fn text(value: &Json<'_>, indent: &str, newline: &str) -> String {
    // What an entry of usual length has, so that a long file is not moved about as it grows.
    let entries = value.get("packages").entries().count();
    let mut out = String::with_capacity(entries * 512);
    put(&mut out, value, indent, 0);
    out.push('\n');
    if newline == "\n" {
        out
    } else {
        out.replace('\n', newline)
    }
}

fn put(out: &mut String, value: &Json<'_>, indent: &str, depth: usize) {
    match value {
        Json::List(list) if !list.is_empty() => {
            out.push('[');
            for (at, value) in list.iter().enumerate() {
                line(out, indent, depth + 1, at > 0);
                put(out, value, indent, depth + 1);
            }
            line(out, indent, depth, false);
            out.push(']');
        }
        Json::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<_> = entries.iter().collect();
            let rank = |(key, value): &(Cow<'_, str>, Json<'_>)| {
                let first = FIRST.iter().position(|name| name == key);
                let is_object = matches!(value, Json::Object(_));
                (is_object, first.unwrap_or(FIRST.len()))
            };
            entries.sort_by(|a, b| {
                let by_rank = rank(a).cmp(&rank(b));
                by_rank.then_with(|| collate::compare(&a.0, &b.0))
            });
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                line(out, indent, depth + 1, at > 0);
                // Writing to a text never fails.
                let _ = put_quoted(out, key);
                out.push_str(": ");
                put(out, value, indent, depth + 1);
            }
            line(out, indent, depth, false);
            out.push('}');
        }
        Json::Text(text) => {
            let _ = put_quoted(out, text);
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn line(out: &mut String, indent: &str, depth: usize, comma: bool) {
    out.push_str(if comma { ",\n" } else { "\n" });
    for _ in 0..depth {
        out.push_str(indent);
    }
}
