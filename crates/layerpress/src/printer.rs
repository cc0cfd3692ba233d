//! [`Printer`]: the owner of stdout and stderr.
//!
//! Data goes to stdout, everything else to stderr. Errors and warnings are one line each, with a
//! `hint:` on a line of its own, readable without colour. Text from outside is shown with its
//! control characters escaped, so that no package name or server answer can move the cursor, hide
//! a line or change the terminal's title.

use std::error::Error;
use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;

/// How much the program says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Data and errors only.
    Quiet,
    /// Warnings and the closing account too.
    Normal,
    /// Also what each step did.
    Verbose,
}

/// How the printer is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrinterOptions {
    /// How much is said.
    pub verbosity: Verbosity,
    /// Whether stderr is coloured.
    pub color: bool,
    /// Whether stdout carries one JSON document.
    pub json: bool,
    /// Whether progress is drawn.
    pub progress: bool,
}

/// The owner of stdout and stderr.
#[derive(Debug)]
pub(crate) struct Printer {
    options: PrinterOptions,
    bars: MultiProgress,
}

impl Printer {
    /// A printer, with `bars` being the progress bars that lines must not be torn by.
    pub(crate) fn new(options: PrinterOptions) -> Self {
        Self {
            options,
            bars: MultiProgress::new(),
        }
    }

    /// The progress bars that share the screen with the lines printed here.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether progress is to be drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        self.options.progress && self.options.verbosity > Verbosity::Quiet
    }

    /// Whether reports go out as JSON.
    pub(crate) fn json(&self) -> bool {
        self.options.json
    }

    /// How much is said.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.options.verbosity
    }

    /// Writes data to stdout.
    ///
    /// # Errors
    ///
    /// What writing to stdout reports, except that nobody reads any more: that ends quietly.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            quiet_pipe(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
        })
    }

    /// Prints an error with what caused it, and what to do about it.
    pub(crate) fn error(&self, error: &(dyn Error + 'static), hint: Option<&str>) {
        let mut said = error.to_string();
        self.line("error", RED, &said);
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Libraries differ in whether an error's own text holds its cause's.
            if !said.contains(&text) {
                self.raw(&format!("  cause: {}", visible(&text)));
                said = text;
            }
            cause = error.source();
        }
        if let Some(hint) = hint {
            for hint in hint.lines() {
                self.line("hint", CYAN, hint);
            }
        }
    }

    /// Prints a warning, unless quiet.
    pub(crate) fn warning(&self, message: &str, hint: Option<&str>) {
        if self.options.verbosity == Verbosity::Quiet {
            return;
        }
        self.line("warning", YELLOW, message);
        if let Some(hint) = hint {
            for hint in hint.lines() {
                self.line("hint", CYAN, hint);
            }
        }
    }

    /// Prints a line of information, unless quiet.
    pub(crate) fn note(&self, text: &str) {
        if self.options.verbosity >= Verbosity::Normal {
            self.raw(&visible(text));
        }
    }

    /// Prints a line that only `-v` asks for.
    pub(crate) fn detail(&self, text: &str) {
        if self.options.verbosity >= Verbosity::Verbose {
            self.raw(&visible(text));
        }
    }

    /// Takes the progress bars off the screen.
    pub(crate) fn clear_bars(&self) {
        // A terminal that is gone has no bars left to clear.
        let _gone = self.bars.clear();
    }

    fn line(&self, label: &str, color: &str, text: &str) {
        let text = visible(text);
        if self.options.color {
            self.raw(&format!("{color}{label}:{RESET} {text}"));
        } else {
            self.raw(&format!("{label}: {text}"));
        }
    }

    fn raw(&self, line: &str) {
        self.bars.suspend(|| {
            // With stderr closed there is nobody left to tell.
            let _unheard = writeln!(io::stderr().lock(), "{line}");
        });
    }
}

/// Whether colour is wanted on stderr: `always`, `never`, or, for `auto`, only on a terminal that
/// has it and whose user has not said `NO_COLOR`.
pub(crate) fn wants_color(choice: ColorChoice, no_color: bool, term: Option<&str>) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => !no_color && term != Some("dumb") && io::stderr().is_terminal(),
    }
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `text` with every character that acts on a terminal rather than showing in it written as an
/// escape; line feeds stay.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            '\t' => shown.push(' '),
            _ if character.is_control() || is_directional(character) => {
                shown.extend(character.escape_unicode());
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Success for a pipe whose reader has gone: `layerpress … | head` is no failure.
fn quiet_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The bidirectional controls, which reorder what is shown (Unicode TR 36), and the line and
/// paragraph separators.
fn is_directional(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}'
    )
}

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const CYAN: &str = "\u{1b}[1;36m";
const RESET: &str = "\u{1b}[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_from_outside_show_as_escapes() {
        assert_eq!(
            visible("evil\u{1b}[2Jname\r\u{7}\u{9b}x"),
            r"evil\u{1b}[2Jname\u{d}\u{7}\u{9b}x"
        );
        assert_eq!(visible("gpj.\u{202e}exe"), r"gpj.\u{202e}exe");
        assert_eq!(visible("plain ü\nnext\tcell"), "plain ü\nnext cell");
    }

    #[test]
    fn colour_follows_the_choice_before_the_terminal() {
        assert!(wants_color(ColorChoice::Always, true, Some("dumb")));
        assert!(!wants_color(ColorChoice::Never, false, Some("xterm")));
        assert!(!wants_color(ColorChoice::Auto, true, Some("xterm")));
        assert!(!wants_color(ColorChoice::Auto, false, Some("dumb")));
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(quiet_pipe(Err(closed)).is_ok());
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(quiet_pipe(Err(full)).is_err());
    }
}
