//! What `shrink` did, told two ways: a few lines for people, and a JSON document.

use std::fmt::Write as _;
use std::path::Path;

use layerpress_compile::{Finding, FoundPackage, ShrinkReport, ShrunkPackage, Size};
use layerpress_target::limits::UNZIPPED_BYTES;
use serde_json::{Value, json};

use crate::account::{count, shown};
use crate::json::explained;
use crate::size::{grouped, readable, share, twice};
use crate::weights::{UNTOLD, shortened};

/// How many packages are named unless all are asked for.
const PACKAGES: usize = 10;

/// The account for people; `all` names every package.
pub(crate) fn account(report: &ShrinkReport, folder: &Path, all: bool) -> String {
    let ShrinkReport { before, after, .. } = report;
    let mut text = shown(&report.path, folder);
    if !report.inferred.is_empty() {
        line(&mut text, format_args!(" for {}", report.inferred));
    } else {
        line(&mut text, format_args!("\n  made for  {UNTOLD}"));
    }
    if report.is_function {
        line(
            &mut text,
            format_args!("  laid out  as a function's own code: in a layer nothing of it is found"),
        );
    }
    if let Some(part) = report.part {
        line(
            &mut text,
            format_args!("  laid out  below `{part}/`, as the folder's name or contents tell"),
        );
    }
    let files = grouped(after.files);
    line(
        &mut text,
        format_args!(
            "  files     {files}{}",
            was(before.files, after.files, grouped)
        ),
    );
    let less = |of: fn(&Size) -> u64| was(of(before), of(after), readable);
    line(
        &mut text,
        format_args!(
            "  zipped    {}{}",
            twice(after.zipped_bytes),
            less(|it| it.zipped_bytes)
        ),
    );
    line(
        &mut text,
        format_args!(
            "  unzipped  {}{}\n            {} of what a function may hold",
            twice(after.unzipped_bytes),
            less(|it| it.unzipped_bytes),
            share(after.unzipped_bytes, UNZIPPED_BYTES)
        ),
    );
    for removed in &report.removed {
        let files = usize::try_from(removed.files).unwrap_or(usize::MAX);
        line(
            &mut text,
            format_args!(
                "  saved     {} in {} ({})",
                readable(removed.bytes),
                count(files, "file"),
                removed.rule
            ),
        );
    }
    if let Some(smoke) = report
        .smoke
        .as_ref()
        .filter(|it| it.failed_before.is_none())
    {
        line(
            &mut text,
            format_args!(
                "  smoke     the same before and after, by {}",
                smoke.interpreter
            ),
        );
    }
    if let Some(bytecode) = &report.bytecode {
        line(&mut text, format_args!("  bytecode  {}", bytecode.told()));
    }
    for (folder, weight) in &report.untouched {
        let files = usize::try_from(weight.files).unwrap_or(usize::MAX);
        let place = if folder.is_empty() { "the top" } else { folder };
        line(
            &mut text,
            format_args!(
                "  kept      {} in {place}, {}: neither Python's nor Node.js's",
                count(files, "file"),
                readable(weight.unzipped_bytes)
            ),
        );
    }
    text.push_str(&heaviest(
        &report.packages,
        if all { usize::MAX } else { PACKAGES },
    ));
    let holds = |it: &Size| (it.files, it.unzipped_bytes);
    if holds(before) == holds(after) && before.zipped_bytes <= after.zipped_bytes {
        line(
            &mut text,
            format_args!("nothing was left to gain: the layer is as it was"),
        );
    }
    line(
        &mut text,
        format_args!("done in {:.2} s", report.seconds.as_secs_f64()),
    );
    text
}

/// The document of `shrink --json`.
pub(crate) fn document(report: &ShrinkReport, folder: &Path) -> Value {
    let size = |size: Size| {
        json!({
            "zipped_bytes": size.zipped_bytes,
            "unzipped_bytes": size.unzipped_bytes,
            "files": size.files,
        })
    };
    let removed = report.removed.iter();
    let removed =
        removed.map(|it| json!({ "rule": it.rule, "files": it.files, "bytes": it.bytes }));
    let packages = report.packages.iter().map(|it| {
        let side = |weight: layerpress_compile::Weight| {
            json!({
                "zipped_bytes": weight.zipped_bytes,
                "unzipped_bytes": weight.unzipped_bytes,
                "files": weight.files,
            })
        };
        let of = |text: fn(&FoundPackage) -> &str| it.package.as_ref().map(text);
        json!({
            "ecosystem": of(|it| it.ecosystem),
            "name": of(|it| &it.name),
            "version": of(|it| &it.version),
            "before": side(it.before),
            "after": side(it.after),
        })
    });
    let runtimes = [report.inferred.python, report.inferred.node];
    let runtimes = runtimes.into_iter().flatten().map(|it| it.value.name());
    json!({
        "path": shown(&report.path, folder),
        "runtimes": runtimes.collect::<Vec<_>>(),
        "arch": report.inferred.arch.map(|it| it.value.name()),
        "before": size(report.before),
        "after": size(report.after),
        "sha256": report.digest.hex(),
        "code_sha256": report.digest.base64(),
        "removed": removed.collect::<Vec<_>>(),
        "packages": packages.collect::<Vec<_>>(),
        "smoke": report.smoke.as_ref().map(|it| {
            json!({"interpreter": it.interpreter, "passed_before": it.failed_before.is_none()})
        }),
        "bytecode": report.bytecode.as_ref().map(|it| {
            json!({
                "modules": it.modules,
                "zipped_bytes": it.zipped_bytes,
                "unzipped_bytes": it.unzipped_bytes,
            })
        }),
        "explained": report.explained.iter().map(explained).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "seconds": (report.seconds.as_secs_f64() * 1_000.0).round() / 1_000.0,
    })
}

/// A finding in JSON.
pub(crate) fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(),
        "code": finding.code,
        "path": finding.path,
        "message": finding.message,
        "hint": finding.hint,
    })
}

/// What it was before, where that is something else.
fn was(before: u64, after: u64, shown: fn(u64) -> String) -> String {
    if before == after {
        return String::new();
    }
    let change = match before.checked_sub(after) {
        Some(less) => format!("{} less", share(less, before)),
        None => format!("{} more", share(after - before, before)),
    };
    format!("; was {}, {change}", shown(before))
}

/// A table of packages, the heaviest first; those beyond `lines` are counted.
fn heaviest(packages: &[ShrunkPackage], lines: usize) -> String {
    let label = |it: &ShrunkPackage| match &it.package {
        Some(package) if lines == usize::MAX => format!("{} {}", package.name, package.version),
        Some(package) => shortened(format!("{} {}", package.name, package.version)),
        None => "(no package)".to_owned(),
    };
    let mut text = String::new();
    let (shown, rest) = packages.split_at(packages.len().min(lines));
    let width = shown.iter().map(|it| label(it).chars().count()).max();
    let Some(width) = width.map(|width| width.max("package".len())) else {
        return text;
    };
    line(
        &mut text,
        format_args!(
            "  {:width$}  {:>9}  {:>9}  {:>9}",
            "package", "zipped", "unzipped", "was"
        ),
    );
    for package in shown {
        line(
            &mut text,
            format_args!(
                "  {:width$}  {:>9}  {:>9}  {:>9}",
                label(package),
                readable(package.after.zipped_bytes),
                readable(package.after.unzipped_bytes),
                readable(package.before.unzipped_bytes)
            ),
        );
    }
    if !rest.is_empty() {
        let more = grouped(rest.len() as u64);
        line(
            &mut text,
            format_args!("  and {more} more: `-v` lists them"),
        );
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes everything that is written to it.
    let _infallible = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerpress_compile::{Inferred, RemovedReport, Severity, Weight};
    use layerpress_tree::Sha256;
    use std::time::Duration;

    fn report() -> ShrinkReport {
        let weight = |bytes| Weight {
            files: 2,
            zipped_bytes: bytes / 3,
            unzipped_bytes: bytes,
        };
        ShrinkReport {
            path: "/project/layer.small.zip".into(),
            part: None,
            is_function: false,
            before: Size {
                zipped_bytes: 1_500_000,
                unzipped_bytes: 4_000_000,
                files: 120,
            },
            after: Size {
                zipped_bytes: 1_200_000,
                unzipped_bytes: 3_000_000,
                files: 100,
            },
            digest: Sha256([7; 32]),
            inferred: Inferred {
                arch: Some(layerpress_compile::Found {
                    value: layerpress_target::Arch::Arm64,
                    by: "machine code",
                }),
                ..Inferred::default()
            },
            removed: vec![RemovedReport {
                rule: "elf-strip",
                files: 3,
                bytes: 1_000_000,
            }],
            packages: vec![ShrunkPackage {
                package: Some(FoundPackage {
                    ecosystem: "python",
                    name: "numpy".into(),
                    version: "2.3".into(),
                }),
                before: weight(3_000_000),
                after: weight(2_000_000),
            }],
            untouched: vec![("lib".into(), weight(30_000))],
            explained: Vec::new(),
            findings: vec![Finding {
                severity: Severity::Warning,
                code: "links",
                path: Some("lib/libz.so".into()),
                message: "`lib/libz.so` is a link".into(),
                hint: None,
            }],
            smoke: None,
            bytecode: None,
            seconds: Duration::from_millis(1_240),
        }
    }

    #[test]
    fn what_was_saved_is_told_in_a_few_lines() {
        let text = account(&report(), Path::new("/project"), false);
        insta::assert_snapshot!(text, @r"
        layer.small.zip for arm64: by machine code
          files     100; was 120, 16.7 % less
          zipped    1.2 MB (1,200,000 bytes); was 1.5 MB, 20.0 % less
          unzipped  3.0 MB (3,000,000 bytes); was 4.0 MB, 25.0 % less
                    1.1 % of what a function may hold
          saved     1.0 MB in 3 files (elf-strip)
          kept      2 files in lib, 30.0 kB: neither Python's nor Node.js's
          package       zipped   unzipped        was
          numpy 2.3   666.7 kB     2.0 MB     3.0 MB
        done in 1.24 s
        ");
        let mut same = report();
        same.after = same.before;
        let text = account(&same, Path::new("/project"), false);
        assert!(text.contains("nothing was left to gain"), "{text}");
    }

    #[test]
    fn the_document_has_the_promised_fields() {
        let document = document(&report(), Path::new("/project"));
        insta::assert_snapshot!(document, @r#"{"after":{"files":100,"unzipped_bytes":3000000,"zipped_bytes":1200000},"arch":"arm64","before":{"files":120,"unzipped_bytes":4000000,"zipped_bytes":1500000},"bytecode":null,"code_sha256":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","explained":[],"findings":[{"code":"links","hint":null,"message":"`lib/libz.so` is a link","path":"lib/libz.so","severity":"warning"}],"packages":[{"after":{"files":2,"unzipped_bytes":2000000,"zipped_bytes":666666},"before":{"files":2,"unzipped_bytes":3000000,"zipped_bytes":1000000},"ecosystem":"python","name":"numpy","version":"2.3"}],"path":"layer.small.zip","removed":[{"bytes":1000000,"files":3,"rule":"elf-strip"}],"runtimes":[],"seconds":1.24,"sha256":"0707070707070707070707070707070707070707070707070707070707070707","smoke":null}"#);
    }
}
