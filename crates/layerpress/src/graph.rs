//! Who asks for whom, told two ways: a tree, and a JSON document.

use std::fmt::Write as _;

use layerpress_compile::{Asker, Graph, GraphPackage, Need, NeedKind, Row, WalkOptions, Why};
use layerpress_target::{Arch, Ecosystem, Runtime};
use serde_json::{Value, json};

/// What lines are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Box-drawing characters.
    Boxes,
    /// Characters that every terminal has.
    Ascii,
}

/// The tree from the root down, the root's own line first.
pub(crate) fn tree(graph: &Graph, options: &WalkOptions, lines: Lines) -> String {
    let mut text = head(graph);
    text.push('\n');
    let mut drawing = Drawing::new(lines);
    for row in graph.tree(options) {
        let need = row.what.need;
        let label = match need.to.map(|to| (to, &graph.packages[to])) {
            Some((to, package)) => {
                let place = graph.is_several(to).then_some(package.place.as_deref());
                let alias = (need.name != package.name).then(|| format!("{} = ", need.name));
                let mut label = format!(
                    "{}{}{}",
                    alias.unwrap_or_default(),
                    with_extras(&package.name, need),
                    version(package)
                );
                if let Some(place) = place.flatten() {
                    let _infallible = write!(label, " in {place}");
                }
                label + &kind(&need.kind)
            }
            None => format!("{}: not there{}", asked(graph, need), kind(&need.kind)),
        };
        drawing.row(&mut text, &row, &label);
        text.push_str(match (row.what.is_repeated, row.what.is_cut) {
            (true, _) => " (*)\n",
            (false, true) => " ...\n",
            (false, false) => "\n",
        });
    }
    text
}

/// Who asks for each of `packages`, and who for them.
pub(crate) fn why(
    graph: &Graph,
    packages: &[usize],
    options: &WalkOptions,
    lines: Lines,
) -> Vec<String> {
    let told = |why: Why<'_>| {
        let mut text = named(graph, why.index);
        text.push('\n');
        let mut drawing = Drawing::new(lines);
        for row in &why.rows {
            let (label, end) = match &row.what {
                Asker::Root { need } => (by_root(graph, need), "\n"),
                Asker::More(more) => (format!("{more} more; `-v` lists all"), "\n"),
                Asker::Package {
                    index,
                    need,
                    is_repeated,
                    is_cut,
                } => {
                    let by = named(graph, *index);
                    let label = format!("{by} needs {}{}", asked(graph, need), kind(&need.kind));
                    let end = match (is_repeated, is_cut) {
                        (true, _) => " (*)\n",
                        (false, true) => " ...\n",
                        (false, false) => "\n",
                    };
                    (label, end)
                }
            };
            drawing.row(&mut text, row, &label);
            text.push_str(end);
        }
        text
    };
    graph.why(packages, options).into_iter().map(told).collect()
}

/// The document of `tree --json`.
pub(crate) fn document(graphs: &[Graph]) -> Value {
    let graphs = graphs.iter().map(|graph| {
        let packages = (0..graph.packages.len()).map(|index| {
            let mut row = package(graph, index);
            let needs = &graph.packages[index].needs;
            row["dependencies"] = needs.iter().map(|it| need(graph, it)).collect();
            row
        });
        let mut document = of_graph(graph);
        document["dependencies"] = graph.asked.iter().map(|it| need(graph, it)).collect();
        document["packages"] = packages.collect();
        document
    });
    json!({ "graphs": graphs.collect::<Vec<_>>() })
}

/// The document of `why --json`: each asker with the shortest way to it from the root.
pub(crate) fn why_document(found: &[(&Graph, Vec<usize>)]) -> Value {
    let packages = found.iter().flat_map(|(graph, packages)| {
        packages.iter().map(|&index| {
            let askers = graph.ways(index).into_iter().map(|way| {
                let by = way.packages.last();
                let path = way.packages.iter().map(|at| package(graph, *at));
                let mut row = need(graph, way.need);
                row["by"] = by.map_or(Value::Null, |by| package(graph, *by));
                row["path"] = path.collect();
                row
            });
            let mut row = of_graph(graph);
            row["package"] = package(graph, index);
            row["asked_for"] = askers.collect();
            row
        })
    });
    json!({ "packages": packages.collect::<Vec<_>>() })
}

fn of_graph(graph: &Graph) -> Value {
    json!({
        "ecosystem": match graph.ecosystem {
            Ecosystem::Python => "python",
            Ecosystem::Node => "node",
        },
        "root": graph.root,
        "runtime": graph.runtime.map(Runtime::name),
        "arch": graph.arch.map(Arch::name),
        "runtime_by": match graph.ecosystem {
            Ecosystem::Python => graph.made_for.python.map(|it| it.by),
            Ecosystem::Node => graph.made_for.node.map(|it| it.by),
        },
        "arch_by": graph.made_for.arch.map(|it| it.by),
    })
}

/// What a package is told apart by.
fn package(graph: &Graph, index: usize) -> Value {
    let of = &graph.packages[index];
    json!({ "name": of.name, "version": of.version, "place": of.place })
}

fn need(graph: &Graph, need: &Need) -> Value {
    let extra = match &need.kind {
        NeedKind::Extra(extra) => Some(extra),
        _ => None,
    };
    json!({
        "name": need.name,
        "requirement": need.requirement,
        "extras": need.extras,
        "kind": need.kind.name(),
        "extra": extra,
        "asked_at": need.place,
        "package": need.to.map(|to| package(graph, to)),
    })
}

/// What a layer was made for and what told it, where its own files do.
pub(crate) fn made_for(graph: &Graph) -> Option<String> {
    let inferred = graph.made_for;
    (!inferred.is_empty()).then(|| format!("made for {inferred}"))
}

/// The root, and what the packages are for.
fn head(graph: &Graph) -> String {
    if let Some(made_for) = made_for(graph) {
        return format!("{} ({made_for})", graph.root);
    }
    let runtime = graph.runtime.map(Runtime::name);
    let arch = graph.arch.map(Arch::name);
    let made_for: Vec<&str> = runtime.into_iter().chain(arch).collect();
    match made_for.is_empty() {
        true => graph.root.clone(),
        false => format!("{} ({})", graph.root, made_for.join(" ")),
    }
}

/// A package as a row names it that stands for itself.
fn named(graph: &Graph, index: usize) -> String {
    let package = &graph.packages[index];
    let place = package.place.as_deref().filter(|_| graph.is_several(index));
    let place = place.map_or_else(String::new, |place| format!(" in {place}"));
    format!("{}{}{place}", package.name, version(package))
}

fn version(package: &GraphPackage) -> String {
    let version = package.version.as_ref();
    version.map_or_else(String::new, |version| format!(" {version}"))
}

/// What the root says of a package.
fn by_root(graph: &Graph, need: &Need) -> String {
    let place = need.place.as_deref().unwrap_or(&graph.root);
    match (graph.is_layer, &need.requirement) {
        (true, _) => format!("{place}, where nothing else needs it"),
        (false, _) => format!(
            "{place} asks for {}{}",
            asked(graph, need),
            kind(&need.kind)
        ),
    }
}

/// What is asked for, as its ecosystem spells it: `requests[socks]>=2`, `express@^4`.
fn asked(graph: &Graph, need: &Need) -> String {
    let name = with_extras(&need.name, need);
    match (graph.ecosystem, need.requirement.as_deref()) {
        (_, None | Some("")) => name,
        (Ecosystem::Python, Some(address)) if address.starts_with('@') => {
            format!("{name} {address}")
        }
        (Ecosystem::Python, Some(versions)) => format!("{name}{versions}"),
        (Ecosystem::Node, Some(range)) => format!("{name}@{range}"),
    }
}

fn with_extras(name: &str, need: &Need) -> String {
    match need.extras.is_empty() {
        true => name.to_owned(),
        false => format!("{name}[{}]", need.extras.join(",")),
    }
}

fn kind(kind: &NeedKind) -> String {
    match kind {
        NeedKind::Required => String::new(),
        NeedKind::Extra(extra) => format!(" (extra {extra})"),
        NeedKind::Optional => " (optional)".to_owned(),
        NeedKind::Peer => " (peer)".to_owned(),
        NeedKind::OptionalPeer => " (optional peer)".to_owned(),
        NeedKind::Dev => " (dev)".to_owned(),
    }
}

/// The lines on the left of rows.
struct Drawing {
    lines: Lines,
    /// For each level above the row whether more comes on it.
    open: Vec<bool>,
}

impl Drawing {
    fn new(lines: Lines) -> Self {
        Self {
            lines,
            open: Vec::new(),
        }
    }

    fn row<T>(&mut self, text: &mut String, row: &Row<T>, label: &str) {
        let [more, none, branch, last] = match self.lines {
            Lines::Boxes => ["│   ", "    ", "├── ", "└── "],
            Lines::Ascii => ["|   ", "    ", "|-- ", "`-- "],
        };
        self.open.truncate(row.depth);
        for is_open in &self.open {
            text.push_str(if *is_open { more } else { none });
        }
        self.open.push(!row.is_last);
        text.push_str(if row.is_last { last } else { branch });
        text.push_str(label);
    }
}
