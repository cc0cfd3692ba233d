//! Trees on top of lockfiles, held against what npm makes of the same pair.

use futures_util::FutureExt as _;

use super::super::tests::{Registry, manifest, registry, shown};
use super::*;
use crate::json::Json;
use crate::package_lock::{Style, read, write};
use crate::place::ideal_tree_from;

/// One recorded run of `npm install` or `npm update` with `--package-lock-only`.
struct Run {
    project: Project,
    registry: Registry,
    before: String,
    update: Update,
}

impl Run {
    fn of(recorded: &Json<'_>) -> Run {
        let mut registry = Registry::default();
        for (name, packument) in recorded.get("registry").entries() {
            registry.add(name, &packument.to_string());
        }
        let parse = |json: &Json<'_>| {
            PackageJson::parse("package.json", json.to_string().as_bytes()).unwrap()
        };
        for (folder, package) in recorded.get("folders").entries() {
            registry.folders.insert(folder.to_owned(), parse(package));
        }
        let workspaces = if let Json::List(pairs) = recorded.get("workspaces") {
            let pair = |pair: &Json<'_>| (pair.texts()[0].into(), pair.texts()[1].into());
            pairs.iter().map(pair).collect()
        } else {
            Vec::new()
        };
        let update = match recorded.get("update") {
            Json::Bool(true) => Update::All,
            Json::Null => Update::None,
            names => Update::Packages(names.texts().into_iter().map(Arc::from).collect()),
        };
        Run {
            project: Project {
                package: parse(recorded.get("project")),
                workspaces,
                ..Project::default()
            },
            registry,
            before: recorded.get("before").to_string(),
            update,
        }
    }

    fn written(&self) -> Result<String, String> {
        let lock = read("package-lock.json", self.before.as_bytes()).unwrap();
        let tree = ideal_tree_from(&self.project, &lock, &self.update, &self.registry);
        let tree = tree.now_or_never().unwrap().map_err(|e| e.to_string())?;
        let style = Style::default();
        let style = match self.update {
            Update::All => style,
            _ => style.keeping(&lock),
        };
        Ok(write(&self.project, &tree, "app", &style))
    }
}

#[test]
fn recorded_lockfiles_of_npm_are_written_again() {
    // Random registries that grew and projects that were edited, each with the lockfile before and
    // the one that `@npmcli/arborist` 9.9.1 made of it.
    for (at, line) in include_str!("tests/recorded.jsonl").lines().enumerate() {
        let recorded: Json<'_> = serde_json::from_str(line).unwrap();
        let written = Run::of(&recorded).written().unwrap();
        let mut written: Json<'_> = serde_json::from_str(&written).unwrap();
        without_lost(&mut written);
        assert_eq!(written, *recorded.get("after"), "line {}", at + 1);
    }
}

/// Takes out the entries of what could not be had, which npm 11 leaves out and then misses.
fn without_lost(lock: &mut Json<'_>) {
    let Json::Object(fields) = lock else {
        return;
    };
    for (_, packages) in fields.iter_mut().filter(|(name, _)| name == "packages") {
        if let Json::Object(entries) = packages {
            let flags = ["dev", "devOptional", "optional", "peer"];
            entries.retain(|(_, entry)| !entry.entries().all(|(name, _)| flags.contains(&name)));
        }
    }
}

const LINES: [&str; 8] = [
    "a 1.0.0 b@^1 c@^1",
    "a 1.1.0 b@^1 c@^1",
    "b 1.0.0",
    "b 1.1.0",
    "c 1.0.0 b@^1",
    "c 1.1.0 b@^1",
    "d 1.0.0 c@^1.1",
    "d 2.0.0",
];

/// What comes of a project whose lockfile was written when `a`, `b` and `c` had one version each.
fn updated(project: &str, update: &Update) -> Vec<String> {
    let before = r#"{"lockfileVersion": 3, "packages": {
        "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "^1", "c": "^1"}},
        "node_modules/b": {"version": "1.0.0"},
        "node_modules/c": {"version": "1.0.0", "dependencies": {"b": "^1"}}}}"#;
    let lock = read("package-lock.json", before.as_bytes()).unwrap();
    let package = PackageJson::parse("package.json", manifest(project).as_bytes()).unwrap();
    let project = Project {
        package,
        ..Project::default()
    };
    let registry = registry(&LINES);
    let tree = ideal_tree_from(&project, &lock, update, &registry);
    shown(&tree.now_or_never().unwrap().unwrap())
}

#[test]
fn what_is_locked_and_fits_stays() {
    let locked = [
        "node_modules/a: 1.0.0",
        "node_modules/b: 1.0.0",
        "node_modules/c: 1.0.0",
    ];
    assert_eq!(updated("a@^1", &Update::None), locked);
}

#[test]
fn only_what_is_missing_or_does_not_fit_is_chosen_anew() {
    assert_eq!(
        updated("a@^1 d@1", &Update::None),
        [
            "node_modules/a: 1.0.0",
            "node_modules/b: 1.0.0",
            "node_modules/c: 1.1.0",
            "node_modules/d: 1.0.0",
        ]
    );
}

#[test]
fn what_nothing_asks_for_any_more_goes() {
    assert_eq!(
        updated("c@^1", &Update::None),
        ["node_modules/b: 1.0.0", "node_modules/c: 1.0.0"]
    );
}

#[test]
fn a_named_package_moves_alone_and_all_move_together() {
    let named = Update::Packages(vec!["b".into()]);
    assert_eq!(
        updated("a@^1", &named),
        [
            "node_modules/a: 1.0.0",
            "node_modules/b: 1.1.0",
            "node_modules/c: 1.0.0"
        ]
    );
    assert_eq!(
        updated("a@^1", &Update::All),
        [
            "node_modules/a: 1.1.0",
            "node_modules/b: 1.1.0",
            "node_modules/c: 1.1.0"
        ]
    );
}

#[test]
fn a_package_that_takes_the_place_of_another_keeps_its_capitals() {
    let before = r#"{"lockfileVersion": 3, "packages": {
        "node_modules/aB": {"version": "3.0.0"}}}"#;
    let lock = read("package-lock.json", before.as_bytes()).unwrap();
    let package = PackageJson::parse("package.json", manifest("Ab@2").as_bytes()).unwrap();
    let project = Project {
        package,
        ..Project::default()
    };
    let registry = registry(&["Ab 2.0.0", "aB 3.0.0"]);
    let tree = ideal_tree_from(&project, &lock, &Update::None, &registry);
    let tree = tree.now_or_never().unwrap().unwrap();
    assert_eq!(shown(&tree), ["node_modules/Ab: 2.0.0"]);
}
