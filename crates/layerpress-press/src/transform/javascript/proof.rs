//! [`verdict`]: whether a script is still the same after its gaps have changed.

use std::borrow::Cow;
use std::thread;

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::Parser;
use oxc_span::{ContentEq, SourceType};

use super::scan::Scan;

/// What the witnesses say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same tokens and the same syntax tree.
    Same,
    /// Another script.
    Differs,
    /// The original is no JavaScript that the parser reads, or too deep for it.
    NoScript,
}

/// Stack that a parser takes for one level of [`Scan::depth`], as measured with the worst of the
/// grammar's rules (more than 2 KiB), and as much again.
const STACK_PER_LEVEL: usize = 8 << 10;

/// What it takes besides.
const STACK_BASE: usize = 256 << 10;

/// The deepest script that is looked at. Nobody writes deeper ones, tables of data aside, and the parser
/// reads patterns within patterns again and again: 500 take a second, 2,000 a quarter of a minute.
const DEEPEST: usize = 4 << 10;

/// Compares two scripts of a file whose name ends in `extension`; `depth` is [`Scan::depth`] of both.
pub(super) fn verdict(before: &str, after: &str, depth: usize, extension: &str) -> Verdict {
    if depth > DEEPEST {
        return Verdict::NoScript;
    }
    if !same_tokens(before, after) {
        return Verdict::Differs;
    }
    let compare = || {
        let kinds = kinds(extension, before);
        same_tree(&without_notes(before), &without_notes(after), kinds)
    };
    thread::scope(|scope| {
        let stack = STACK_BASE + depth * STACK_PER_LEVEL;
        let own = thread::Builder::new().stack_size(stack);
        match own.spawn_scoped(scope, compare) {
            // Only a fault of the parser's own ends the thread in another way.
            Ok(thread) => thread.join().unwrap_or(Verdict::NoScript),
            Err(_) => Verdict::NoScript,
        }
    })
}

fn same_tokens(before: &str, after: &str) -> bool {
    let (mut before, mut after) = (Scan::new(before), Scan::new(after));
    loop {
        match (before.token(), after.token()) {
            (Ok(Some(one)), Ok(Some(other))) if one.text == other.text => {}
            (Ok(None), Ok(None)) => return true,
            _ => return false,
        }
    }
}

/// As what Node.js may read the file, the likelier first.
///
/// A `.js` file is what its package says it is, which is not known here. Few scripts of either kind
/// are also one of the other, and those are made of the same tokens.
fn kinds(extension: &str, source: &str) -> &'static [SourceType] {
    const BOTH: [SourceType; 2] = [SourceType::cjs(), SourceType::mjs()];
    const MODULE_FIRST: [SourceType; 2] = [SourceType::mjs(), SourceType::cjs()];
    match extension {
        "mjs" => &MODULE_FIRST[..1],
        "cjs" => &BOTH[..1],
        _ if source.contains("import") || source.contains("export ") => &MODULE_FIRST,
        _ => &BOTH,
    }
}

/// The script without the words that bundlers read in comments.
///
/// The parser notes them in the tree, and no run of a program knows them. Both scripts lose them alike,
/// and that their tokens are the same is known without the tree.
fn without_notes(source: &str) -> Cow<'_, str> {
    const NOTES: [(&str, &str); 2] = [
        ("__PURE__", "__pure__"),
        ("__NO_SIDE_EFFECTS__", "__no_side_effects__"),
    ];
    let mut text = Cow::Borrowed(source);
    for (note, none) in NOTES {
        if text.contains(note) {
            text = Cow::Owned(text.replace(note, none));
        }
    }
    text
}

fn same_tree(before: &str, after: &str, kinds: &[SourceType]) -> Verdict {
    let allocator = Allocator::default();
    for &kind in kinds {
        let Some(program) = parsed(&allocator, before, kind) else {
            continue;
        };
        return match parsed(&allocator, after, kind) {
            Some(result) if program.content_eq(&result) => Verdict::Same,
            _ => Verdict::Differs,
        };
    }
    Verdict::NoScript
}

fn parsed<'a>(allocator: &'a Allocator, source: &'a str, kind: SourceType) -> Option<Program<'a>> {
    let parser = Parser::new(allocator, source, kind);
    let parsed = parser.parse();
    (!parsed.panicked && parsed.errors.is_empty()).then_some(parsed.program)
}
