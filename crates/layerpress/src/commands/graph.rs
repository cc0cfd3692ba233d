//! `layerpress tree` and `why`: an input in, who asks for whom out.

use layerpress_compile::{self as compile, GraphRequest, WalkOptions};

use super::layers::{Command, progress};
use crate::args::{TreeArgs, WalkArgs, WhyArgs};
use crate::failure::Failure;
use crate::graph::{self, Lines};
use crate::printer::{Verbosity, visible};

/// How deep a tree is shown unless more is asked for: nobody reads further, and a made-up lock could be
/// one long chain.
const LEVELS: usize = 100;

/// How many askers of one package are shown unless all are asked for.
const ASKERS: usize = 10;

impl Command<'_> {
    /// `layerpress tree`: prints the trees on stdout.
    ///
    /// # Errors
    ///
    /// What the settings or the library found wrong.
    pub(super) fn tree(&self, arguments: &TreeArgs) -> Result<(), Failure> {
        let inputs = [arguments.input.clone()];
        let request = GraphRequest {
            input: arguments.input.clone(),
            lock: self.around().locking(&arguments.locking, &inputs)?,
            requirements: false,
        };
        let graphs = compile::graphs(&request, &progress(self.printer))?;
        self.printer.clear_bars();
        if graphs.iter().all(|it| it.packages.is_empty()) {
            let input = arguments.input.display();
            let told = format!("`{input}` holds no package that is known, or asks for none");
            self.printer.warning(&told, None);
        }
        let text = if self.printer.json() {
            format!("{}\n", graph::document(&graphs))
        } else {
            let options = self.walk(&arguments.walk);
            let trees = graphs.iter();
            let trees: Vec<String> = trees
                .map(|it| graph::tree(it, &options, self.lines()))
                .collect();
            visible(&trees.join("\n"))
        };
        self.printer.data(&text).map_err(Failure::Output)
    }

    /// `layerpress why`: prints who asks for the package on stdout.
    ///
    /// # Errors
    ///
    /// What the settings or the library found wrong, and a package that is not there.
    pub(super) fn why(&self, arguments: &WhyArgs) -> Result<(), Failure> {
        let inputs = [arguments.input.clone()];
        let request = GraphRequest {
            input: arguments.input.clone(),
            lock: self.around().locking(&arguments.locking, &inputs)?,
            requirements: true,
        };
        let graphs = compile::graphs(&request, &progress(self.printer))?;
        let name = arguments.package.trim();
        let found: Vec<_> = graphs
            .iter()
            .map(|graph| (graph, compile::named(graph, name)))
            .collect();
        if found.iter().all(|(_, packages)| packages.is_empty()) {
            return Err(Failure::NoSuchPackage {
                name: name.to_owned(),
                input: arguments.input.display().to_string(),
                nearest: compile::nearest(&graphs, name),
            });
        }
        self.printer.clear_bars();
        let text = if self.printer.json() {
            format!("{}\n", graph::why_document(&found))
        } else {
            for (graph, _) in found.iter().filter(|(_, packages)| !packages.is_empty()) {
                if let Some(made_for) = graph::made_for(graph) {
                    self.printer.note(&format!("{}: {made_for}", graph.root));
                }
            }
            let options = self.walk(&arguments.walk);
            let told = found
                .iter()
                .flat_map(|(graph, packages)| graph::why(graph, packages, &options, self.lines()));
            visible(&told.collect::<Vec<_>>().join("\n"))
        };
        self.printer.data(&text).map_err(Failure::Output)
    }

    fn walk(&self, arguments: &WalkArgs) -> WalkOptions {
        WalkOptions {
            depth: arguments.depth.unwrap_or(LEVELS),
            askers: match self.printer.verbosity() {
                Verbosity::Verbose => usize::MAX,
                Verbosity::Quiet | Verbosity::Normal => ASKERS,
            },
        }
    }

    /// What lines are drawn with: what every terminal has, where the locale says that there is no more.
    fn lines(&self) -> Lines {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"];
        // POSIX, "Environment Variables": the first that is set counts.
        let locale = names.iter().find_map(|name| self.environment.value(name));
        let is_unicode = |locale: &str| {
            let lower = locale.to_ascii_lowercase();
            lower.contains("utf-8") || lower.contains("utf8")
        };
        match locale.is_none_or(is_unicode) {
            true => Lines::Boxes,
            false => Lines::Ascii,
        }
    }
}
