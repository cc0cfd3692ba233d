//! [`whitespace`]: JavaScript without its comments and white space, every name and token as it was.
//!
//! The tokens of a script are copied as they are, in their order; only the gaps between them change:
//! to nothing where two tokens stay two without it, to a line's end where there was one that may end a
//! statement (ECMA-262, 12.10 "Automatic Semicolon Insertion"), else to a space. No name is shortened
//! and no value folded: libraries read the names of their own functions and classes, and code made
//! smaller in that way too is hardly smaller zipped.
//!
//! Two witnesses must agree that nothing was lost ([`proof`]): the tokens of the result, read again,
//! are the same, one by one; and a full parser sees the same syntax tree before and after, but for
//! positions. The scan that finds the gaps is this project's own, the parser a library.
//!
//! What a program can still see is its own text: `Function.prototype.toString` gives it. What is done
//! with that in practice (sent to a worker, searched for parameters' names) is as good with less white
//! space, since published code is often minified; the space after `class` and `async`, which some look
//! for to tell what a function is, stays. Lines in stack traces are other ones.
//!
//! Comments that state a licence stay: those that begin with `!` or say `@license` or `@preserve`.

mod gap;
mod proof;
mod scan;
#[cfg(test)]
mod tests;

use super::Outcome;
use gap::{Care, between};
use proof::{Verdict, verdict};
use scan::{Scan, Token, Unclear};

/// A larger file stays as it is: it would be data in a script's clothes.
const LARGEST: usize = 16 << 20;

/// Of how many bytes one is to be white space, for the file to be worth reading: less is left by
/// those who minify.
const WHITE_IN: usize = 64;

/// Whether a file is JavaScript by its name.
pub(super) fn is_script(path: &str) -> bool {
    extension(path).is_some()
}

/// What a path ends in, if that is an ending of JavaScript's.
fn extension(path: &str) -> Option<&str> {
    let (_, extension) = path.rsplit_once('.')?;
    ["js", "mjs", "cjs"]
        .contains(&extension)
        .then_some(extension)
}

/// Removes comments and white space from a script.
pub(super) fn whitespace(path: &str, bytes: &[u8]) -> Outcome {
    let Some(extension) = extension(path) else {
        return Outcome::NotMine;
    };
    if bytes.len() > LARGEST || is_dense(bytes) {
        return Outcome::Nothing;
    }
    let Ok(source) = std::str::from_utf8(bytes) else {
        return Outcome::Nothing;
    };
    for care in [Care::Usual, Care::EveryLine] {
        let Ok(Squeezed { text, depth }) = squeezed(source, care) else {
            return Outcome::Nothing;
        };
        if text.len() >= source.len() {
            return Outcome::Nothing;
        }
        match verdict(source, &text, depth, extension) {
            Verdict::Same => return Outcome::Smaller(text.into_bytes()),
            Verdict::NoScript => return Outcome::Nothing,
            Verdict::Differs => {}
        }
    }
    Outcome::Refused("its syntax tree would be another one".to_owned())
}

fn is_dense(bytes: &[u8]) -> bool {
    let white = bytes.iter().filter(|it| it.is_ascii_whitespace()).count();
    white * WHITE_IN < bytes.len()
}

/// A script with less white space.
#[derive(Debug)]
struct Squeezed {
    text: String,
    /// A bound for how deep a parser descends into it.
    depth: usize,
}

fn squeezed(source: &str, care: Care) -> Result<Squeezed, Unclear> {
    let mut text = String::with_capacity(source.len());
    let mut scan = Scan::new(source);
    let mut last: Option<Token<'_>> = None;
    while let Some(token) = scan.token()? {
        let legal = token.comment && gap::push_legal(&mut text, token.gap, token.newline);
        if let (Some(last), false) = (&last, legal) {
            text.push_str(between(last, &token, care));
        }
        text.push_str(token.text);
        last = Some(token);
    }
    gap::push_legal(&mut text, scan.tail(), true);
    Ok(Squeezed {
        text,
        depth: scan.depth(),
    })
}
