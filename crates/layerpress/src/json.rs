//! The reports as JSON, one document each: the field names are a promise to scripts.

use std::path::Path;
use std::time::Duration;

use layerpress_compile::{
    BuildReport, Explanation, FetchReport, LayerReport, LockReport, LockfileReport, Seconds,
};
use serde_json::{Value, json};

use crate::account::shown;
use crate::exit::Outcome;

/// The document of `build --json`.
pub(crate) fn of_build(report: &BuildReport, folder: &Path) -> Value {
    let layers: Vec<_> = report
        .layers
        .iter()
        .map(|it| of_layer(it, folder))
        .collect();
    json!({
        "layers": layers,
        "lockfiles": lockfiles(&report.lockfiles, folder),
        "seconds": seconds(&report.seconds),
    })
}

/// The document of `lock --json`.
pub(crate) fn of_lock(report: &LockReport, folder: &Path) -> Value {
    let changes: Vec<_> = report
        .lockfiles
        .iter()
        .flat_map(|lockfile| &lockfile.changes)
        .map(
            |change| json!({ "name": change.name, "before": change.before, "after": change.after }),
        )
        .collect();
    json!({
        "lockfiles": lockfiles(&report.lockfiles, folder),
        "changes": changes,
        "seconds": seconds(&report.seconds),
    })
}

/// The document of `fetch --json`.
pub(crate) fn of_fetch(report: &FetchReport) -> Value {
    json!({
        "archives": report.archives,
        "cached": report.cached,
        "downloaded_bytes": report.downloaded_bytes,
        "seconds": seconds(&report.seconds),
    })
}

/// The document of a failure.
pub(crate) fn of_error(code: &str, message: &str, hint: Option<&str>, outcome: Outcome) -> Value {
    json!({
        "error": { "code": code, "message": message, "hint": hint, "exit": outcome.code() }
    })
}

fn of_layer(layer: &LayerReport, folder: &Path) -> Value {
    let packages: Vec<_> = layer
        .packages
        .iter()
        .map(|package| {
            json!({
                "ecosystem": package.ecosystem,
                "name": package.name,
                "version": package.version,
                "zipped_bytes": package.zipped_bytes,
                "unzipped_bytes": package.unzipped_bytes,
            })
        })
        .collect();
    let removed: Vec<_> = layer
        .removed
        .iter()
        .chain(&layer.shrunk)
        .map(|it| json!({ "rule": it.rule, "files": it.files, "bytes": it.bytes }))
        .collect();
    let refused: Vec<_> = layer
        .refused
        .iter()
        .map(|it| json!({ "rule": it.pass, "file": it.path, "reason": it.why }))
        .collect();
    let explained: Vec<_> = layer.explained.iter().map(explained).collect();
    let same_for: Vec<_> = layer
        .same_for
        .iter()
        .map(|it| json!({ "runtime": it.runtime.name(), "arch": it.arch.name() }))
        .collect();
    json!({
        "path": shown(&layer.path, folder),
        "runtime": layer.target.runtime.name(),
        "arch": layer.target.arch.name(),
        "zipped_bytes": layer.zipped_bytes,
        "unzipped_bytes": layer.unzipped_bytes,
        "files": layer.files,
        "sha256": layer.digest.hex(),
        "code_sha256": layer.digest.base64(),
        "same_for": same_for,
        "packages": packages,
        "removed": removed,
        "refused": refused,
        "explained": explained,
        "findings": [],
    })
}

/// Why a file goes or stays, and what a pass did to it.
pub(crate) fn explained(it: &Explanation) -> Value {
    json!({
        "path": it.path,
        "package": it.package,
        "kept": it.is_kept,
        "rule": it.rule,
        "reason": it.reason,
        "smaller": it.smaller.as_ref().map(|smaller| json!({
            "rule": smaller.pass.name,
            "before": smaller.before,
            "after": smaller.after,
            "sections": smaller.sections.iter().map(|(name, bytes)| {
                json!({"name": name, "bytes": bytes})
            }).collect::<Vec<_>>(),
        })),
        "choices": it.choices,
    })
}

fn lockfiles(lockfiles: &[LockfileReport], folder: &Path) -> Vec<String> {
    lockfiles.iter().map(|it| shown(&it.path, folder)).collect()
}

fn seconds(seconds: &Seconds) -> Value {
    // Milliseconds are as much as a wall clock is worth.
    let rounded = |time: Duration| (time.as_secs_f64() * 1_000.0).round() / 1_000.0;
    json!({
        "resolve": rounded(seconds.resolve),
        "fetch": rounded(seconds.fetch),
        "pack": rounded(seconds.pack),
        "total": rounded(seconds.total),
    })
}

#[cfg(test)]
mod tests {
    use layerpress_compile::{PackageReport, Refusal, RemovedReport};
    use layerpress_target::{Arch, Target};
    use layerpress_tree::Sha256;

    use super::*;

    #[test]
    fn a_build_has_the_promised_fields() {
        let report = BuildReport {
            layers: vec![LayerReport {
                path: "/project/api/dist/api-python3.13-x86_64.zip".into(),
                target: Target {
                    runtime: "python3.13".parse().expect("a runtime"),
                    arch: Arch::X86_64,
                },
                zipped_bytes: 1,
                unzipped_bytes: 2,
                files: 3,
                digest: Sha256([0; 32]),
                same_for: [Target {
                    runtime: "python3.13".parse().expect("a runtime"),
                    arch: Arch::Arm64,
                }]
                .into(),
                packages: vec![PackageReport {
                    ecosystem: "python",
                    name: "requests".to_owned(),
                    version: "2.34.2".to_owned(),
                    zipped_bytes: 1,
                    unzipped_bytes: 2,
                }],
                explained: Vec::new(),
                removed: vec![RemovedReport {
                    rule: "foreign-binaries",
                    files: 1,
                    bytes: 5,
                }],
                shrunk: vec![RemovedReport {
                    rule: "elf-strip",
                    files: 2,
                    bytes: 7,
                }],
                refused: vec![Refusal {
                    path: "requests/a.so".to_owned(),
                    pass: "elf-strip",
                    why: "it ends too early".to_owned(),
                }],
                cached: 0,
                downloaded_bytes: 9,
            }],
            lockfiles: vec![LockfileReport {
                path: "/project/api/pylock.toml".into(),
                written: true,
                packages: 1,
                changes: Vec::new(),
            }],
            seconds: Seconds {
                total: Duration::from_micros(1_234_567),
                ..Seconds::default()
            },
            ..BuildReport::default()
        };
        let document = of_build(&report, Path::new("/project/api"));
        insta::assert_snapshot!(document, @r#"{"layers":[{"arch":"x86_64","code_sha256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","explained":[],"files":3,"findings":[],"packages":[{"ecosystem":"python","name":"requests","unzipped_bytes":2,"version":"2.34.2","zipped_bytes":1}],"path":"dist/api-python3.13-x86_64.zip","refused":[{"file":"requests/a.so","reason":"it ends too early","rule":"elf-strip"}],"removed":[{"bytes":5,"files":1,"rule":"foreign-binaries"},{"bytes":7,"files":2,"rule":"elf-strip"}],"runtime":"python3.13","same_for":[{"arch":"arm64","runtime":"python3.13"}],"sha256":"0000000000000000000000000000000000000000000000000000000000000000","unzipped_bytes":2,"zipped_bytes":1}],"lockfiles":["pylock.toml"],"seconds":{"fetch":0.0,"pack":0.0,"resolve":0.0,"total":1.235}}"#);
    }

    #[test]
    fn a_failure_names_its_code_and_exit() {
        let document = of_error("no-solution", "a and b", None, Outcome::Unmet);
        insta::assert_snapshot!(document, @r#"{"error":{"code":"no-solution","exit":1,"hint":null,"message":"a and b"}}"#);
    }
}
