//! [`Progress`]: draws the library's events.
//!
//! On a terminal: one line for the stage under way, up to six for downloads, one for their sum.
//! Elsewhere nothing moves: warnings and builds of source code are still told as lines, and `-v`
//! adds a line per step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use layerpress_fetch::{Event, Reporter, Stage};

use crate::printer::{Printer, visible};
use crate::size;

/// Draws events on the printer's screen.
#[derive(Debug)]
pub(crate) struct Progress {
    printer: Arc<Printer>,
    state: Mutex<State>,
}

/// More downloads than these are only counted: a wall of bars tells nobody anything.
const BARS: usize = 6;

/// What is on the screen.
#[derive(Debug, Default)]
struct State {
    stage: Option<ProgressBar>,
    /// Packages considered so far in the stage under way.
    considered: u64,
    packages: BTreeSet<String>,
    downloads: BTreeMap<u64, Download>,
    total: Option<ProgressBar>,
    total_known: u64,
    total_done: u64,
    finished: u64,
    /// Packages whose own code ran: for their metadata, for a wheel, for each target.
    built: BTreeSet<String>,
}

/// A download under way.
#[derive(Debug)]
struct Download {
    name: String,
    bytes: Option<u64>,
    done: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress for `printer`'s screen.
    pub(crate) fn new(printer: Arc<Printer>) -> Self {
        Self {
            printer,
            state: Mutex::default(),
        }
    }
}

impl Reporter for Progress {
    fn report(&self, event: Event) {
        // A panic elsewhere does not make the counts wrong.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Warning { message, hint } => self.printer.warning(&message, hint.as_deref()),
            Event::StageStarted { stage, subject } => {
                self.stage_started(&mut state, stage, &subject);
            }
            Event::StageFinished { .. } => state.stage_finished(),
            Event::Considering { package, version } => state.considering(package, &version),
            Event::DownloadStarted { id, name, bytes } => {
                self.printer.detail(&match bytes {
                    Some(bytes) => format!("fetching {name} ({})", size::readable(bytes)),
                    None => format!("fetching {name}"),
                });
                if self.printer.draws_progress() {
                    self.download_started(&mut state, id, name, bytes);
                }
            }
            Event::DownloadAdvanced { id, bytes } => state.download_advanced(id, bytes),
            Event::DownloadFinished { id } => state.download_finished(id),
            Event::BuildStarted { package } => {
                let line = format!("building {package} from source: its own code runs");
                if state.built.insert(package) {
                    self.printer.note(&line);
                } else {
                    self.printer.detail(&line);
                }
            }
            Event::BuildFinished { package } => self.printer.detail(&format!("built {package}")),
            // Events of a later library: nothing to draw.
            _ => {}
        }
    }
}

impl Progress {
    fn stage_started(&self, state: &mut State, stage: Stage, subject: &str) {
        state.stage_finished();
        let verb = match stage {
            Stage::Resolve => "resolving",
            Stage::Fetch => "fetching",
            Stage::Pack => "packing",
        };
        self.printer.detail(&format!("{verb} {subject}"));
        if self.printer.draws_progress() {
            let bar = self.printer.bars().add(ProgressBar::new_spinner());
            bar.set_style(spinner());
            bar.set_message(format!("{verb} {}", visible(subject)));
            bar.enable_steady_tick(Duration::from_millis(100));
            state.stage = Some(bar);
        }
    }

    fn download_started(&self, state: &mut State, id: u64, name: String, bytes: Option<u64>) {
        let total = state.total.get_or_insert_with(|| {
            let bar = self.printer.bars().add(ProgressBar::new(0));
            bar.set_style(total_line());
            bar
        });
        state.total_known += bytes.unwrap_or(0);
        total.set_length(state.total_known);
        let shown = state.downloads.values().filter(|it| it.bar.is_some());
        let bar = (shown.count() < BARS).then(|| {
            // Placed first: a bar that is given a text before that draws it anywhere.
            let bar = ProgressBar::new(bytes.unwrap_or(0));
            let bar = self.printer.bars().insert_before(total, bar);
            bar.set_style(file_line());
            bar.set_message(visible(&name));
            bar
        });
        state.downloads.insert(
            id,
            Download {
                name,
                bytes,
                done: 0,
                bar,
            },
        );
        state.draw_total();
    }
}

impl State {
    fn considering(&mut self, package: String, version: &str) {
        if let Some(bar) = &self.stage {
            self.considered += 1;
            let shown = format!("{} {}", visible(&package), visible(version));
            self.packages.insert(package);
            bar.set_message(format!(
                "resolving: {} packages, {} versions tried; {shown}",
                self.packages.len(),
                self.considered
            ));
        }
    }

    fn download_advanced(&mut self, id: u64, bytes: u64) {
        let Some(download) = self.downloads.get_mut(&id) else {
            return;
        };
        download.done += bytes;
        self.total_done += bytes;
        if download.bytes.is_none() {
            self.total_known += bytes;
        }
        if let Some(bar) = &download.bar {
            bar.set_position(download.done);
        }
        self.draw_total();
    }

    fn download_finished(&mut self, id: u64) {
        let Some(download) = self.downloads.remove(&id) else {
            return;
        };
        self.finished += 1;
        if let Some(bar) = download.bar {
            // The line goes to a download that had none.
            let waiting = self.downloads.values_mut().find(|it| it.bar.is_none());
            if let Some(next) = waiting {
                bar.set_length(next.bytes.unwrap_or(0));
                bar.set_position(next.done);
                bar.set_message(visible(&next.name));
                next.bar = Some(bar);
            } else {
                bar.finish_and_clear();
            }
        }
        self.draw_total();
    }

    fn draw_total(&self) {
        if let Some(total) = &self.total {
            total.set_length(self.total_known.max(self.total_done));
            total.set_position(self.total_done);
            let all = self.finished + self.downloads.len() as u64;
            total.set_message(format!("{} of {all} files", self.finished));
        }
    }

    /// Clears the stage's line, and the downloads' lines unless some are under way: stages overlap.
    fn stage_finished(&mut self) {
        if let Some(bar) = self.stage.take() {
            bar.finish_and_clear();
        }
        self.considered = 0;
        self.packages.clear();
        if self.downloads.is_empty()
            && let Some(total) = self.total.take()
        {
            total.finish_and_clear();
            (self.total_known, self.total_done, self.finished) = (0, 0, 0);
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::default_spinner()
}

fn file_line() -> ProgressStyle {
    styled("  {wide_msg} {decimal_bytes:>10} / {decimal_total_bytes:10}")
}

fn total_line() -> ProgressStyle {
    styled(
        "  [{bar:20}] {decimal_bytes} / {decimal_total_bytes} ({decimal_bytes_per_sec}) {wide_msg}",
    )
    .progress_chars("=> ")
}

/// The style of a template; a template is a constant here, so that the plain bar never stands in.
fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::{PrinterOptions, Verbosity};

    fn progress() -> Progress {
        let printer = Printer::new(PrinterOptions {
            verbosity: Verbosity::Normal,
            color: false,
            json: false,
            progress: true,
        });
        printer
            .bars()
            .set_draw_target(indicatif::ProgressDrawTarget::hidden());
        Progress::new(Arc::new(printer))
    }

    fn started(id: u64, bytes: Option<u64>) -> Event {
        Event::DownloadStarted {
            id,
            name: format!("file-{id}.whl"),
            bytes,
        }
    }

    #[test]
    fn only_a_handful_of_downloads_have_a_line_and_lines_pass_on() {
        let progress = progress();
        for id in 0..20 {
            progress.report(started(id, Some(10)));
        }
        let lines = |progress: &Progress| {
            let state = progress.state.lock().expect("no panic");
            state
                .downloads
                .values()
                .filter(|it| it.bar.is_some())
                .count()
        };
        assert_eq!(lines(&progress), BARS);
        progress.report(Event::DownloadAdvanced { id: 0, bytes: 10 });
        progress.report(Event::DownloadFinished { id: 0 });
        assert_eq!(lines(&progress), BARS);
        for id in 1..18 {
            progress.report(Event::DownloadFinished { id });
        }
        assert_eq!(lines(&progress), 2);
    }

    #[test]
    fn the_total_holds_with_sizes_unknown_and_events_astray() {
        let progress = progress();
        progress.report(started(1, None));
        progress.report(Event::DownloadAdvanced { id: 1, bytes: 700 });
        progress.report(Event::DownloadAdvanced { id: 9, bytes: 5 });
        progress.report(Event::DownloadFinished { id: 9 });
        let state = progress.state.lock().expect("no panic");
        assert_eq!((state.total_known, state.total_done), (700, 700));
        assert_eq!(state.finished, 0);
    }
}
