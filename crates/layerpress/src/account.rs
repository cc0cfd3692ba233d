//! The closing account: what a command did, in a few lines for people.
//!
//! It goes to stderr; stdout carries the paths of what was written, one a line, for scripts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use layerpress_compile::{
    BuildReport, Change, Explanation, FetchReport, LayerReport, LockReport, LockfileReport,
    RemovedReport, Seconds, Smaller,
};
use layerpress_target::{Arch, Runtime, Target, limits};

use crate::printer::visible;
use crate::size::{grouped, readable, share, twice};

/// How many rules a line names.
const NAMED: usize = 3;

/// The account of a build; `verbose` adds a line per package, the heaviest first.
pub(crate) fn of_build(report: &BuildReport, folder: &Path, verbose: bool) -> String {
    let mut text = String::new();
    for lockfile in &report.lockfiles {
        text.push_str(&lockfile_line(lockfile, folder));
    }
    for layer in &report.layers {
        text.push_str(&of_layer(layer, folder, verbose));
    }
    for note in &report.notes {
        text.push_str(note);
        text.push('\n');
    }
    text + &times(&report.seconds)
}

/// The account of a `lock`.
pub(crate) fn of_lock(report: &LockReport, folder: &Path) -> String {
    let mut text = String::new();
    for lockfile in &report.lockfiles {
        text.push_str(&lockfile_line(lockfile, folder));
    }
    text + &times(&report.seconds)
}

/// The account of a `fetch`.
pub(crate) fn of_fetch(report: &FetchReport) -> String {
    format!(
        "{} in the cache: {} were there, {} downloaded\n{}",
        count(report.archives, "archive"),
        report.cached,
        readable(report.downloaded_bytes),
        times(&report.seconds)
    )
}

/// `path` as seen from `folder`: relative where it lies below.
pub(crate) fn shown(path: &Path, folder: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

fn of_layer(layer: &LayerReport, folder: &Path, verbose: bool) -> String {
    let packages = layer.packages.len();
    let mut text = format!(
        "{} for {}\n  packages  {packages}, {} from the cache{}\n  files     {}\n  zipped    {}\n  \
         unzipped  {}, {} of what a function may hold\n",
        shown(&layer.path, folder),
        layer.target,
        layer.cached,
        if layer.downloaded_bytes > 0 {
            format!(", {} downloaded", readable(layer.downloaded_bytes))
        } else {
            String::new()
        },
        grouped(layer.files),
        twice(layer.zipped_bytes),
        twice(layer.unzipped_bytes),
        share(layer.unzipped_bytes, limits::UNZIPPED_BYTES),
    );
    text.push_str(&format!(
        "  sha256    {}\n  on Lambda {}\n",
        layer.digest.hex(),
        layer.digest.base64()
    ));
    if !layer.same_for.is_empty() {
        text.push_str(&format!("  same for  {}\n", same_for(layer)));
    }
    text.push_str(&left_out(layer, verbose));
    for shrunk in &layer.shrunk {
        text.push_str(&format!(
            "  smaller   {} by {} ({})\n",
            count(usize::try_from(shrunk.files).unwrap_or(usize::MAX), "file"),
            readable(shrunk.bytes),
            shrunk.rule
        ));
    }
    text.push_str(&kept_whole(layer, verbose));
    if verbose {
        text.push_str(&heaviest_first(layer));
    }
    text
}

/// The files of which a pass could not prove that nothing is lost.
fn kept_whole(layer: &LayerReport, verbose: bool) -> String {
    if layer.refused.is_empty() {
        return String::new();
    }
    let hint = if verbose { "" } else { " (-v names them)" };
    let mut text = format!(
        "  as before {} that could not be made smaller safely{hint}\n",
        count(layer.refused.len(), "file")
    );
    for refusal in layer.refused.iter().filter(|_| verbose) {
        text.push_str(&format!(
            "            {}: {} ({})\n",
            refusal.path, refusal.why, refusal.pass
        ));
    }
    text
}

/// What was left out: on one line in all, or a line for each rule.
fn left_out(layer: &LayerReport, verbose: bool) -> String {
    let line = |files: u64, bytes: u64, what: &str| {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let (files, bytes) = (count(files, "file"), readable(bytes));
        format!("  left out  {files}, {bytes} ({what})\n")
    };
    match &layer.removed[..] {
        [] => String::new(),
        all if verbose || all.len() == 1 => {
            let lines = all.iter().map(|it| line(it.files, it.bytes, it.rule));
            lines.collect()
        }
        all => {
            let sum = |of: fn(&RemovedReport) -> u64| all.iter().map(of).sum();
            let mut heaviest: Vec<&RemovedReport> = all.iter().collect();
            heaviest.sort_by_key(|it| std::cmp::Reverse(it.bytes));
            let named: Vec<&str> = heaviest.iter().take(NAMED).map(|it| it.rule).collect();
            let more = match all.len() - named.len() {
                0 => String::new(),
                more => format!(" and {} more", count(more, "rule")),
            };
            let what = format!("{}{more}", named.join(", "));
            line(sum(|it| it.files), sum(|it| it.bytes), &what)
        }
    }
}

/// Why files go or stay, a line each.
pub(crate) fn explained<'a>(files: impl IntoIterator<Item = &'a Explanation>) -> String {
    let mut text = String::new();
    for it in files {
        let fate = if it.is_kept { "stays" } else { "left out" };
        let rule = match it.rule {
            Some(rule) if it.is_kept => format!(" although `{rule}` is for such files"),
            Some(rule) => format!(" by `{rule}`"),
            None => String::new(),
        };
        text.push_str(&format!("{}: {fate}{rule}: {}\n", it.path, it.reason));
        text.push_str(&it.smaller.as_ref().map_or_else(String::new, smaller));
        for choice in &it.choices {
            text.push_str(&format!("  {choice}\n"));
        }
    }
    text
}

/// What a pass took of a file, and of machine code which sections, the largest first.
fn smaller(it: &Smaller) -> String {
    let saved = it.before.saturating_sub(it.after);
    let mut text = format!(
        "  smaller by `{}`: {} of {}: {}\n",
        it.pass.name,
        readable(saved),
        readable(it.before),
        it.pass.reason
    );
    let mut sections: Vec<_> = it.sections.iter().collect();
    sections.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (name, bytes) in sections {
        text.push_str(&format!("    {}: {}\n", visible(name), readable(*bytes)));
    }
    text
}

/// The targets that one zip is for: runtimes and architectures apart, where each goes with each.
fn same_for(layer: &LayerReport) -> String {
    let all: BTreeSet<Target> = layer
        .same_for
        .iter()
        .copied()
        .chain([layer.target])
        .collect();
    let runtimes: BTreeSet<Runtime> = all.iter().map(|target| target.runtime).collect();
    let archs: BTreeSet<Arch> = all.iter().map(|target| target.arch).collect();
    let joined = |names: Vec<String>| names.join(", ");
    if runtimes.len() * archs.len() != all.len() {
        return joined(all.iter().map(ToString::to_string).collect());
    }
    format!(
        "{}; {}",
        joined(runtimes.iter().map(ToString::to_string).collect()),
        joined(archs.iter().map(ToString::to_string).collect())
    )
}

fn heaviest_first(layer: &LayerReport) -> String {
    let mut packages: Vec<_> = layer.packages.iter().collect();
    packages.sort_by(|one, other| {
        let weight = other.unzipped_bytes.cmp(&one.unzipped_bytes);
        weight.then_with(|| one.name.cmp(&other.name))
    });
    let names = packages
        .iter()
        .map(|it| it.name.len() + it.version.len() + 1);
    let width = names.max().unwrap_or(0);
    let mut text = String::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        // A string takes everything that is written to it.
        let _infallible = writeln!(
            text,
            "    {name:width$}  {:>9} zipped  {:>9} unzipped",
            readable(package.zipped_bytes),
            readable(package.unzipped_bytes)
        );
    }
    text
}

fn lockfile_line(lockfile: &LockfileReport, folder: &Path) -> String {
    let mut text = format!(
        "{} {}, {}\n",
        shown(&lockfile.path, folder),
        if lockfile.written {
            "written"
        } else {
            "is up to date"
        },
        count(lockfile.packages, "package"),
    );
    for change in &lockfile.changes {
        text.push_str(&change_line(change));
    }
    text
}

fn change_line(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("  {} {before} -> {after}\n", change.name),
        (None, Some(after)) => format!("  {} {after} added\n", change.name),
        (Some(before), None) => format!("  {} {before} removed\n", change.name),
        (None, None) => String::new(),
    }
}

fn times(seconds: &Seconds) -> String {
    let stages: Vec<_> = [
        ("resolve", seconds.resolve),
        ("fetch", seconds.fetch),
        ("pack", seconds.pack),
    ]
    .into_iter()
    .filter(|(_, time)| *time >= Duration::from_millis(5))
    .map(|(name, time)| format!("{name} {:.2} s", time.as_secs_f64()))
    .collect();
    let total = format!("done in {:.2} s", seconds.total.as_secs_f64());
    if stages.is_empty() {
        format!("{total}\n")
    } else {
        format!("{total} ({})\n", stages.join(", "))
    }
}

/// A number of things, with their plural.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_compile::{PackageReport, Refusal, RemovedReport};
    use layerpress_tree::Sha256;

    fn report() -> BuildReport {
        let package = |name: &str, unzipped_bytes| PackageReport {
            ecosystem: "python",
            name: name.to_owned(),
            version: "1.0".to_owned(),
            zipped_bytes: unzipped_bytes / 3,
            unzipped_bytes,
        };
        BuildReport {
            layers: vec![LayerReport {
                path: "/project/api/dist/api-python3.13-arm64.zip".into(),
                target: Target {
                    runtime: "python3.13".parse().expect("a runtime"),
                    arch: Arch::Arm64,
                },
                zipped_bytes: 1_234_567,
                unzipped_bytes: 34_000_000,
                files: 2_310,
                digest: Sha256([7; 32]),
                same_for: BTreeSet::from([Target {
                    runtime: "python3.12".parse().expect("a runtime"),
                    arch: Arch::Arm64,
                }]),
                packages: vec![package("requests", 400_000), package("boto3", 33_600_000)],
                explained: Vec::new(),
                removed: vec![RemovedReport {
                    rule: "foreign-binaries",
                    files: 3,
                    bytes: 1_500_000,
                }],
                shrunk: vec![RemovedReport {
                    rule: "elf-strip",
                    files: 12,
                    bytes: 2_100_000,
                }],
                refused: vec![Refusal {
                    path: "boto3/lib/tool".to_owned(),
                    pass: "elf-strip",
                    why: "data of its own follows it".to_owned(),
                }],
                cached: 1,
                downloaded_bytes: 120_000,
            }],
            lockfiles: vec![LockfileReport {
                path: "/project/api/pylock.toml".into(),
                written: true,
                packages: 2,
                changes: vec![Change {
                    name: "boto3".to_owned(),
                    before: Some("0.9".to_owned()),
                    after: Some("1.0".to_owned()),
                }],
            }],
            seconds: Seconds {
                resolve: Duration::from_millis(310),
                fetch: Duration::from_millis(700),
                pack: Duration::from_millis(2),
                total: Duration::from_millis(1_240),
            },
            ..BuildReport::default()
        }
    }

    #[test]
    fn a_build_is_told_in_a_few_lines() {
        let text = of_build(&report(), Path::new("/project/api"), true);
        insta::assert_snapshot!(text, @"
        pylock.toml written, 2 packages
          boto3 0.9 -> 1.0
        dist/api-python3.13-arm64.zip for python3.13 arm64
          packages  2, 1 from the cache, 120.0 kB downloaded
          files     2,310
          zipped    1.2 MB (1,234,567 bytes)
          unzipped  34.0 MB (34,000,000 bytes), 13.0 % of what a function may hold
          sha256    0707070707070707070707070707070707070707070707070707070707070707
          on Lambda BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=
          same for  python3.12, python3.13; arm64
          left out  3 files, 1.5 MB (foreign-binaries)
          smaller   12 files by 2.1 MB (elf-strip)
          as before 1 file that could not be made smaller safely
                    boto3/lib/tool: data of its own follows it (elf-strip)
            boto3 1.0       11.2 MB zipped    33.6 MB unzipped
            requests 1.0   133.3 kB zipped   400.0 kB unzipped
        done in 1.24 s (resolve 0.31 s, fetch 0.70 s)
        ");
    }

    #[test]
    fn paths_outside_stay_whole() {
        assert_eq!(shown(Path::new("/a/b/c.zip"), Path::new("/a")), "b/c.zip");
        assert_eq!(shown(Path::new("./c.zip"), Path::new("/a")), "c.zip");
        assert_eq!(shown(Path::new("/b/c.zip"), Path::new("/a")), "/b/c.zip");
    }
}
