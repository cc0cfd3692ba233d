//! [`Levels`]: the brackets that are open, and how deep a parser may be within them.
//!
//! A parser calls itself for what stands in brackets, but also for what has none: `a = b = c`, `if (a)
//! if (b)`, `!!!a`. Each such step costs a token at least, and none of them outlives its
//! statement. So the tokens of the statements that have begun, over all open brackets, are at least as
//! many as the rules of the grammar that a parser is in.

use super::{Kind, Unclear};

/// What a bracket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Opener {
    /// `{`
    Brace,
    /// `(`
    Paren,
    /// `(` after `if`, `for`, `while` or `with`: a statement follows what it encloses.
    Header,
    /// `[`
    Square,
    /// `${`
    Template,
}

/// Brackets that are open.
#[derive(Debug)]
pub(super) struct Levels {
    open: Vec<Level>,
    /// The statement outside of all brackets.
    ground: Level,
    /// What was last closed.
    closed: Option<Opener>,
    /// The tokens of all levels together.
    depth: usize,
    deepest: usize,
}

/// A bracket, and of what is in it the statement that has begun last.
#[derive(Debug, Clone, Copy)]
struct Level {
    opener: Opener,
    tokens: usize,
    /// What came last may end a statement.
    end: End,
    /// A `do` stands open: its `while` comes after the statement.
    within_do: bool,
}

/// Whether a token ends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It does not.
    No,
    /// `;` does, but for `else`.
    Semicolon,
    /// `}` may, if a word follows: no expression goes on with a name.
    Brace,
}

impl Level {
    fn new(opener: Opener) -> Self {
        Self {
            opener,
            tokens: 0,
            end: End::No,
            within_do: false,
        }
    }
}

/// Words that carry a statement on, after a `;` or a `}`.
const CARRIES_ON: [&str; 9] = [
    "else",
    "catch",
    "finally",
    "while",
    "in",
    "instanceof",
    "of",
    "as",
    "from",
];

impl Levels {
    pub(super) fn new() -> Self {
        Self {
            open: Vec::new(),
            ground: Level::new(Opener::Brace),
            closed: None,
            depth: 0,
            deepest: 0,
        }
    }

    pub(super) fn all_closed(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn innermost(&self) -> Option<Opener> {
        self.open.last().map(|it| it.opener)
    }

    /// Whether the bracket that was closed last is a statement's header.
    pub(super) fn closed_header(&self) -> bool {
        self.closed == Some(Opener::Header)
    }

    pub(super) fn deepest(&self) -> usize {
        self.deepest
    }

    /// Takes note of a token, after the two that came before it.
    pub(super) fn saw(
        &mut self,
        kind: Kind,
        text: &str,
        last: Option<(Kind, &str)>,
        before_last: Option<(Kind, &str)>,
    ) -> Result<(), Unclear> {
        let closes = match (kind, text) {
            (Kind::Mark, ")" | "]" | "}") => true,
            (Kind::Template, _) => text.starts_with('}'),
            _ => false,
        };
        if closes {
            self.close(text)?;
        }
        self.count(kind, text);
        let opens = match (kind, text) {
            (Kind::Mark, "{") => Some(Opener::Brace),
            (Kind::Mark, "[") => Some(Opener::Square),
            (Kind::Mark, "(") if is_header(last, before_last) => Some(Opener::Header),
            (Kind::Mark, "(") => Some(Opener::Paren),
            (Kind::Template, _) if text.ends_with("${") => Some(Opener::Template),
            _ => None,
        };
        if let Some(opener) = opens {
            self.open.push(Level::new(opener));
        }
        Ok(())
    }

    fn close(&mut self, text: &str) -> Result<(), Unclear> {
        let level = self.open.pop().ok_or(Unclear)?;
        let fits = match level.opener {
            Opener::Brace | Opener::Template => text.starts_with('}'),
            Opener::Paren | Opener::Header => text == ")",
            Opener::Square => text == "]",
        };
        self.depth -= level.tokens;
        self.closed = Some(level.opener);
        if fits { Ok(()) } else { Err(Unclear) }
    }

    fn count(&mut self, kind: Kind, text: &str) {
        let level = self.open.last_mut().unwrap_or(&mut self.ground);
        let word = kind == Kind::Word;
        let over = match level.end {
            End::No => false,
            End::Semicolon => true,
            End::Brace => word,
        };
        if over && !level.within_do && !(word && CARRIES_ON.contains(&text)) {
            self.depth -= level.tokens;
            level.tokens = 0;
        }
        level.tokens += 1;
        level.end = match text {
            ";" => End::Semicolon,
            "}" => End::Brace,
            _ => End::No,
        };
        level.within_do |= word && text == "do";
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }
}

/// Whether a `(` after these opens a statement's header.
fn is_header(last: Option<(Kind, &str)>, before_last: Option<(Kind, &str)>) -> bool {
    let word = |it: Option<(Kind, &str)>, wanted: &[&str]| {
        it.is_some_and(|(kind, text)| kind == Kind::Word && wanted.contains(&text))
    };
    let of_object = before_last.is_some_and(|(_, it)| matches!(it, "." | "?."));
    word(last, &["if", "for", "while", "with"]) && !of_object
        || word(last, &["await"]) && word(before_last, &["for"])
}
