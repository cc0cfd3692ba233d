//! Bytecode by whatever CPython this machine has.

use std::path::Path;

use layerpress_pack::stored;

use super::*;

/// The Pythons of this machine, and the version of one of them.
fn machine() -> (Candidates, (u8, u8)) {
    let (_, path) = std::env::vars_os()
        .find(|(name, _)| name == "PATH")
        .expect("a PATH");
    let candidates = Candidates {
        path_folders: std::env::split_paths(&path).collect(),
        ..Candidates::default()
    };
    let mut versions = (8..=14).rev().map(|minor| (3, minor));
    let version = versions.find(|it| Compiler::find(&candidates, *it).is_ok());
    (candidates, version.expect("a CPython on PATH"))
}

fn tree(files: &[(&str, &str)]) -> LayerTree {
    let entries = files.iter().map(|(path, text)| {
        let path = LayerPath::new(path).expect("a path");
        let content = stored(text.as_bytes().to_vec().into());
        let mode = Mode::File;
        (path, Entry { mode, content })
    });
    LayerTree::from_entries(entries.collect()).expect("no conflict")
}

fn paths(tree: &LayerTree) -> Vec<&str> {
    tree.iter().map(|(path, _)| path.as_str()).collect()
}

fn job<'a>(
    bytecode: Bytecode,
    (candidates, version): &'a (Candidates, (u8, u8)),
    loaded: &'a BTreeSet<LayerPath>,
) -> Job<'a> {
    Job {
        bytecode,
        version: *version,
        interpreters: candidates,
        level: Level::Fast,
        loaded,
        is_function: false,
    }
}

const FILES: &[(&str, &str)] = &[
    ("nodejs/node_modules/gyp/a.py", "x = 1\n"),
    (
        "python/a/__init__.py",
        "from . import b\nNAMES = {'c', 'b', 'a'}\n",
    ),
    (
        "python/a/b.py",
        "def f(x):\n    return x in ('a', 'b', 1.5, 2 ** 70, b'', None, ...)\n",
    ),
    ("python/bin/tool.py", "x = 1\n"),
    ("python/old.py", "print 'of old'\n"),
];

#[test]
fn each_way_puts_bytecode_where_python_looks_for_it() {
    let loaded = BTreeSet::from([LayerPath::new("python/a/b.py").expect("a path")]);
    let machine = machine();
    let (major, minor) = machine.1;
    let cached = |name: &str| format!("python/a/__pycache__/{name}.cpython-{major}{minor}.pyc");
    let with = |bytecode| {
        let mut layer = tree(FILES);
        let report = compile(&mut layer, &job(bytecode, &machine, &loaded)).expect("compiles");
        (layer, report)
    };

    let (layer, report) = with(Bytecode::None);
    assert_eq!((layer, report), (tree(FILES), None));

    let (layer, report) = with(Bytecode::Hashed);
    let report = report.expect("modules");
    assert_eq!(report.modules, 2);
    let grown = layer.unzipped_size() - tree(FILES).unzipped_size();
    assert_eq!(report.unzipped_bytes, grown.cast_signed());
    assert!(layer.get(&cached("__init__")).is_some() && layer.get(&cached("b")).is_some());
    assert_eq!(layer.len(), FILES.len() + 2);

    let (layer, _) = with(Bytecode::Hot);
    assert!(layer.get(&cached("__init__")).is_none() && layer.get(&cached("b")).is_some());

    let (layer, _) = with(Bytecode::Only);
    assert_eq!(
        paths(&layer),
        [
            "nodejs/node_modules/gyp/a.py",
            "python/a/__init__.pyc",
            "python/a/b.pyc",
            "python/bin/tool.py",
            "python/old.py"
        ]
    );
}

#[test]
fn bytecode_is_unchecked_and_names_the_file_on_lambda() {
    let none = BTreeSet::new();
    let machine = machine();
    let mut layer = tree(FILES);
    compile(&mut layer, &job(Bytecode::Only, &machine, &none)).expect("compiles");
    let entry = layer.get("python/a/b.pyc").expect("compiled");
    let file = read_all(&entry.content).expect("whole");
    assert_eq!(file[4..8], 1u32.to_le_bytes());
    let name = b"/opt/python/a/b.py";
    assert!(file.windows(name.len()).any(|it| it == name));
}

#[test]
fn what_was_compiled_before_does_not_show() {
    let (candidates, version) = machine();
    let compiler = Compiler::find(&candidates, version).expect("just found");
    let source = "import os.path as p\nclass A:\n    def f(self, key='x y', *, n=10**30):\n        \
                  return {'a b', key, 'os'} | {k: (n, 'x y', 257) for k in 'ab'}\n";
    let module = |name: &str, source: &str| Module {
        name: name.to_owned(),
        source: source.as_bytes().to_vec(),
    };
    let alone = compiler
        .compile(&[module("a.py", source)])
        .expect("compiles");
    let busy: Vec<Module> = (0..40)
        .map(|at| {
            module(
                "b.py",
                &format!("{source}A{at} = 'x y', 'a b', 10**30, f'{{A}}'\n"),
            )
        })
        .chain([module("a.py", source)])
        .collect();
    let after = compiler.compile(&busy).expect("compiles");
    assert!(alone[0].is_some());
    assert_eq!(alone[0], after[40]);
}

#[test]
fn without_a_fitting_python_nothing_is_done_and_it_is_said_where_it_was_looked_for() {
    let none = BTreeSet::new();
    let candidates = Candidates {
        request: Some("/no/such/python3.13".to_owned()),
        ..Candidates::default()
    };
    let nowhere = (Candidates::default(), (3, 13));
    let mut layer = tree(FILES);
    let errors = [(candidates, (3, 13)), nowhere].map(|machine| {
        let error = compile(&mut layer, &job(Bytecode::Hashed, &machine, &none));
        let error = error.expect_err("no Python");
        format!("{error}\n{}", error.hint().unwrap_or_default())
    });
    assert_eq!(layer, tree(FILES));
    insta::assert_snapshot!(errors.join("\n"), @r"
    no CPython 3.13 was found on this machine to compile with
    none of these is one: /no/such/python3.13; bytecode fits one minor version only: install that one, or leave `--bytecode` out
    no CPython 3.13 was found on this machine to compile with
    there is no `python3.13` on `PATH`, nor where pyenv and uv keep theirs; bytecode fits one minor version only: install that one, or leave `--bytecode` out
    ");
    // A layer with nothing to compile needs none.
    let mut layer = tree(&[("nodejs/a.js", "")]);
    let report = compile(
        &mut layer,
        &job(Bytecode::Hashed, &(Candidates::default(), (3, 13)), &none),
    );
    assert!(matches!(report, Ok(None)));
}

#[test]
fn a_program_that_is_no_python_is_not_taken_for_one() {
    let candidates = Candidates {
        request: Some("/bin/cat".to_owned()),
        ..Candidates::default()
    };
    assert!(Path::new("/bin/cat").exists());
    let found = Compiler::find(&candidates, (3, 13));
    assert!(
        matches!(found, Err(BytecodeError::NoPython { looked_at, .. }) if looked_at.len() == 1)
    );
}
