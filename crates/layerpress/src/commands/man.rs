//! `layerpress man`: the manual pages, from the same words as the help.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::Cli;
use crate::failure::Failure;

/// The manual page of the program, or of one of its commands.
///
/// # Errors
///
/// A name that is no command.
pub(super) fn page(name: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut program = Cli::command();
    program.build();
    let command = match name {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::no_such_command(name))?,
    };
    render(command).map_err(Failure::Output)
}

fn render(command: Command) -> std::io::Result<Vec<u8>> {
    let title = command.get_display_name().unwrap_or("layerpress");
    let title = title.to_uppercase().replace('-', "\\-");
    let after = command.get_after_help().map(ToString::to_string);
    let mut page = Vec::new();
    Man::new(command.after_help(None::<&str>)).render(&mut page)?;
    let mut text = String::new();
    for line in String::from_utf8_lossy(&page).lines() {
        if line.starts_with(".TH ") {
            // No date: the page is the same whenever it is printed.
            let version = env!("CARGO_PKG_VERSION");
            text += &format!(".TH {title} 1 \"\" \"layerpress {version}\" layerpress");
        } else {
            text += line.trim_end();
        }
        text.push('\n');
    }
    text += &sections(after.as_deref().unwrap_or_default()).to_roff();
    // Two line breaks around an empty line, which is one already, are what formatters warn of.
    Ok(text.replace(".br\n\n.br\n", ".sp\n").into_bytes())
}

/// What stands below the help: each paragraph with a heading is a section, its lines as they are.
fn sections(text: &str) -> Roff {
    let mut page = Roff::new();
    for paragraph in text.split("\n\n").filter(|it| !it.is_empty()) {
        let mut lines = paragraph.lines();
        let heading = lines
            .next()
            .and_then(|line| line.strip_suffix(':'))
            .filter(|_| paragraph.contains('\n'));
        let Some(heading) = heading else {
            page.control("SH", ["NOTES"]).text([roman(paragraph)]);
            continue;
        };
        // The section's usual name, man-pages(7).
        let heading = heading.replace("Exit codes", "Exit status");
        page.control("SH", [heading.to_uppercase().as_str()])
            .control("nf", []);
        for line in lines {
            page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        page.control("fi", []);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below_the_help_keeps_its_lines() {
        let text =
            "Examples:\n  one --two\n  three\n\nEach has a variable.\n\nExit codes:\n  0   done";
        insta::assert_snapshot!(sections(text).to_roff(), @r#"
        .SH EXAMPLES
        .nf
        one \-\-two
        three
        .fi
        .SH NOTES
        Each has a variable.
        .SH "EXIT STATUS"
        .nf
        0   done
        .fi
        "#);
    }

    #[test]
    fn every_command_has_a_page_of_its_name() {
        for (name, title) in [
            (None, "LAYERPRESS"),
            (Some("build"), "LAYERPRESS\\-BUILD"),
            (Some("cache"), "LAYERPRESS\\-CACHE"),
        ] {
            let text = page(name).expect("there is one");
            let text = String::from_utf8(text).expect("text");
            assert!(text.contains(&format!(".TH {title} 1 ")), "{text}");
            assert!(!text.contains(".br\n\n"), "{text}");
        }
        assert!(page(Some("frobnicate")).is_err());
    }
}
