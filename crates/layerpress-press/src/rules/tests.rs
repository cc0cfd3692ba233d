//! The rules over small packages: what each takes, and what each leaves where it must.

use layerpress_pack::stored;
use layerpress_tree::{Entry, LayerPath, LayerTree, Mode};

use super::*;

mod choices;
mod folders;

/// A package as tests write it down.
struct Package {
    ecosystem: Ecosystem,
    name: &'static str,
    place: String,
    evidence: Evidence,
    files: Vec<String>,
}

fn package(ecosystem: Ecosystem, name: &'static str, files: &[(&str, &str)]) -> Package {
    let entry = |text: &str| Entry {
        mode: Mode::File,
        content: stored(text.as_bytes().to_vec().into()),
    };
    let entries = files
        .iter()
        .map(|(path, text)| (LayerPath::new(path).expect("a path"), entry(text)));
    let tree = LayerTree::from_entries(entries.collect()).expect("a tree");
    let found = evidence(ecosystem, &tree, "");
    // What is kept is what was found.
    assert_eq!(
        Evidence::from_bytes(&found.to_bytes()).as_ref(),
        Some(&found)
    );
    let place = match ecosystem {
        Ecosystem::Python => "python".to_owned(),
        Ecosystem::Node => format!("nodejs/node_modules/{name}"),
    };
    let files = files.iter().map(|(path, _)| format!("{place}/{path}"));
    Package {
        ecosystem,
        name,
        files: files.collect(),
        place,
        evidence: found,
    }
}

fn python(name: &'static str, files: &[(&str, &str)]) -> Package {
    package(Ecosystem::Python, name, files)
}

fn node(name: &'static str, files: &[(&str, &str)]) -> Package {
    package(Ecosystem::Node, name, files)
}

fn parts(packages: &[Package]) -> Vec<Part<'_>> {
    fn part(it: &Package) -> Part<'_> {
        Part {
            ecosystem: it.ecosystem,
            name: it.name,
            place: &it.place,
            evidence: &it.evidence,
            foreign: Vec::new(),
            files: it.files.clone(),
            is_own: it.name.is_empty(),
        }
    }
    packages.iter().map(part).collect()
}

/// What goes by the profile `safe` and `typed` (`+` for `--keep`, `-` for `--drop`), as `path (rule)`.
fn gone_with(packages: &[Package], typed: &[&str]) -> Vec<String> {
    gone_by(Profile::Safe, packages, typed)
}

/// What goes by a profile, and by what was typed.
fn gone_by(profile: Profile, packages: &[Package], typed: &[&str]) -> Vec<String> {
    gone_but(profile, packages, typed, &[])
}

/// The same, where services of AWS are named.
fn gone_but(
    profile: Profile,
    packages: &[Package],
    typed: &[&str],
    services: &[&str],
) -> Vec<String> {
    let choices: Vec<Choice> = typed
        .iter()
        .map(|it| Choice {
            keep: it.starts_with('+'),
            pattern: it[1..].to_owned(),
        })
        .collect();
    let services: Vec<String> = services.iter().map(|it| (*it).to_owned()).collect();
    let overrides = Overrides::parse(&choices)
        .expect("patterns")
        .with_services(Services::new(&services));
    let decision = decide(&parts(packages), profile, &overrides);
    assert!(
        decision.matched.iter().all(|it| *it),
        "{typed:?} mean nothing"
    );
    let all = (0..packages.len()).filter_map(|index| decision.of_part(index));
    let told = all.flatten().map(|(path, by)| {
        let path = path.trim_start_matches("python/");
        let path = path.trim_start_matches("nodejs/node_modules/");
        format!("{path} ({})", by.name())
    });
    told.collect()
}

fn gone(packages: &[Package]) -> Vec<String> {
    gone_with(packages, &[])
}

#[test]
fn every_kind_has_a_rule_of_its_own_name() {
    for (kind, rule) in &RULES {
        assert_eq!(Kind::named(rule.name), Some(*kind));
        assert_eq!(kind.rule(), rule);
        assert!(rule.reason.starts_with(char::is_lowercase) && !rule.reason.ends_with('.'));
    }
}

#[test]
fn of_a_distribution_goes_what_nothing_reads() {
    let found = gone(&[python(
        "a",
        &[
            ("a/__init__.py", "from ._core import x"),
            ("a/_core.cpython-313-x86_64-linux-gnu.so", "\x7fELF"),
            ("a/_core.pyi", ""),
            ("a/_core.pyx", ""),
            ("a/include/a.h", ""),
            ("a/lib/liba.a", "!<arch>\n"),
            ("a/models/tree.obj", "v 0 0 0"),
            ("a/py.typed", ""),
            ("a/README.md", ""),
            ("a/news.txt", "data"),
            ("a/guide.md", "data"),
            ("a/doc/__init__.py", ""),
            ("a/doc/guide.rst", ""),
            ("a/examples/x.py", ""),
            ("a/.github/x.yml", ""),
            ("a/tests/__init__.py", ""),
            ("a/tests/data/x.csv", ""),
            ("a/tests/test_x.py", "import a.tests"),
            ("a/test_y.py", ""),
            ("a/conftest.py", ""),
            ("a/LICENSE.txt", ""),
            ("a-1.dist-info/METADATA", ""),
            ("a-1.dist-info/RECORD", ""),
            ("a-1.dist-info/INSTALLER", ""),
            ("a-1.dist-info/WHEEL", ""),
            ("a-1.dist-info/entry_points.txt", ""),
            ("a-1.dist-info/top_level.txt", ""),
            ("a-1.dist-info/licenses/LICENSE", ""),
            ("a-1.dist-info/sboms/a.cdx.json", ""),
        ],
    )]);
    assert_eq!(
        found,
        [
            "a-1.dist-info/INSTALLER (install-notes)",
            "a-1.dist-info/RECORD (install-notes)",
            "a-1.dist-info/sboms/a.cdx.json (sboms)",
            "a/.github/x.yml (tool-config)",
            "a/README.md (docs)",
            "a/_core.pyi (type-stubs)",
            "a/_core.pyx (native-sources)",
            "a/conftest.py (tests)",
            "a/doc/guide.rst (docs)",
            "a/examples/x.py (examples)",
            "a/include/a.h (native-sources)",
            "a/lib/liba.a (link-libraries)",
            "a/py.typed (type-stubs)",
            "a/test_y.py (tests)",
            "a/tests/__init__.py (tests)",
            "a/tests/data/x.csv (tests)",
            "a/tests/test_x.py (tests)",
        ]
    );
}

#[test]
fn what_code_names_or_lists_by_its_ending_stays() {
    let text = "'''See ``CHANGES.md``.'''; open(here / 'README.md'); glob('*.pyi'); f'{name}.h'; x = 'data/model.c'";
    let found = gone(&[python(
        "a",
        &[
            ("a/sub/__init__.py", text),
            ("a/README.md", ""),
            ("a/CHANGES.md", ""),
            ("a/x.pyi", ""),
            ("a/sub/x.h", ""),
            ("a/include/x.h", ""),
            ("a/data/model.c", ""),
            ("a/data/other.c", ""),
        ],
    )]);
    assert_eq!(
        found,
        [
            "a/CHANGES.md (docs)",
            "a/data/other.c (native-sources)",
            "a/include/x.h (native-sources)",
        ]
    );
}

#[test]
fn a_library_stays_under_every_name_where_code_loads_libraries_itself() {
    use crate::binary::tests::{Elf, LINUX};
    let named = Elf {
        name: Some("liba.so.1"),
        ..LINUX
    };
    let library = String::from_utf8(named.bytes()).expect("no byte above 127");
    let gone_beside = |text| {
        let files = [
            ("a/x.py", text),
            ("a/liba.so", library.as_str()),
            ("a/liba.so.1", library.as_str()),
        ];
        gone(&[python("a", &files)])
    };
    let gone = ["a/liba.so (library-copies)"];
    assert_eq!(gone_beside("import a.b"), gone);
    assert_eq!(gone_beside("f = 'liba.so.1'"), gone);
    for text in ["ctypes.CDLL(f'lib{name}.so')", "f = 'liba.so'"] {
        assert_eq!(gone_beside(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_stub_that_is_attached_when_its_module_is_imported_stays() {
    let found = gone(&[python(
        "a",
        &[
            ("a/__init__.py", "x = lazy.attach_stub(__name__, __file__)"),
            ("a/__init__.pyi", ""),
            ("a/other.pyi", ""),
        ],
    )]);
    assert_eq!(found, ["a/other.pyi (type-stubs)"]);
}

#[test]
fn only_compiled_python_that_its_source_replaces_goes() {
    let stamped = "\u{3}\r\r\n\0\0\0\0stamp---size----";
    let hashed = "\u{3}\r\r\n\u{3}\0\0\0hash----code----";
    let found = gone(&[python(
        "a",
        &[
            ("a/__pycache__/x.cpython-313.pyc", stamped),
            ("a/__pycache__/y.cpython-313.pyc", hashed),
            ("a/__pycache__/gone.cpython-313.pyc", stamped),
            ("a/alone.pyc", stamped),
            ("a/x.py", ""),
            ("a/x.pyc", stamped),
            ("a/y.py", ""),
        ],
    )]);
    assert_eq!(
        found,
        [
            "a/__pycache__/x.cpython-313.pyc (stale-bytecode)",
            "a/x.pyc (stale-bytecode)",
        ]
    );
    // Of the team's own code nothing else goes.
    let own = python(
        "",
        &[
            ("python/a/__pycache__/x.cpython-313.pyc", stamped),
            ("python/a/__pycache__/y.cpython-313.pyc", hashed),
            ("python/a/x.py", ""),
            ("python/a/x.pyi", ""),
            ("python/a/y.py", ""),
        ],
    );
    assert_eq!(
        gone(&[own]),
        ["a/__pycache__/x.cpython-313.pyc (stale-bytecode)"]
    );
}

#[test]
fn beside_code_without_its_source_stays_what_it_could_open() {
    let compiled = "\u{3}\r\r\n\u{1}\0\0\0hash----code----packages_distributions--";
    let files = [
        ("a-1.dist-info/INSTALLER", ""),
        ("a-1.dist-info/RECORD", ""),
        ("a/__init__.pyc", compiled),
        ("a/table.h", ""),
        ("a/tests/__init__.pyc", compiled),
        ("a/tests/data.txt", ""),
    ];
    assert_eq!(
        gone(&[python("a", &files)]),
        ["a-1.dist-info/INSTALLER (install-notes)"]
    );
}

#[test]
fn records_stay_where_code_asks_who_brought_a_module() {
    let a = || python("a", &[("a.py", ""), ("a-1.dist-info/RECORD", "")]);
    let asks = python("b", &[("b.py", "metadata.packages_distributions()")]);
    assert_eq!(gone(&[a()]), ["a-1.dist-info/RECORD (install-notes)"]);
    assert_eq!(gone(&[a(), asks]), Vec::<String>::new());
}

#[test]
fn of_an_npm_package_goes_what_nothing_reads() {
    let found = gone(&[node(
        "a",
        &[
            ("package.json", r#"{"main":"lib","types":"lib/index.d.ts"}"#),
            (
                "lib/index.js",
                "require('./x')\n//# sourceMappingURL=index.js.map\n",
            ),
            ("lib/index.d.ts", ""),
            ("lib/index.js.map", ""),
            ("lib/world.map", ""),
            ("lib/x.ts", ""),
            ("lib/notes.md", ""),
            ("README.md", ""),
            ("LICENSE", ""),
            ("docs/x.html", ""),
            ("examples/x.js", "require('../lib')"),
            ("test/x.js", "require('../docs/x')"),
            ("lib/x.test.js", ""),
            ("src/a.cc", ""),
            ("binding.gyp", ""),
            ("yarn.lock", ""),
            ("tsconfig.build.json", ""),
            (".eslintrc.json", ""),
            ("data.yml", ""),
        ],
    )]);
    assert_eq!(
        found,
        [
            "a/.eslintrc.json (tool-config)",
            "a/README.md (docs)",
            "a/binding.gyp (native-sources)",
            "a/docs/x.html (docs)",
            "a/examples/x.js (examples)",
            "a/lib/index.d.ts (type-stubs)",
            "a/lib/index.js.map (source-maps)",
            "a/lib/x.test.js (tests)",
            "a/lib/x.ts (typescript-sources)",
            "a/src/a.cc (native-sources)",
            "a/test/x.js (tests)",
            "a/tsconfig.build.json (tool-config)",
            "a/yarn.lock (tool-config)",
        ]
    );
}

#[test]
fn what_lies_beside_a_program_stays() {
    let found = gone(&[node(
        "a",
        &[
            ("lib/tsc", "\x7fELF"),
            ("lib/lib.es5.d.ts", ""),
            ("lib/README.md", ""),
            ("other/x.d.ts", ""),
        ],
    )]);
    assert_eq!(
        found,
        ["a/lib/README.md (docs)", "a/other/x.d.ts (type-stubs)"]
    );
}

/// exceljs `lib/doc`, tslint `lib/test`, snyk `test`, TypeScript's `lib.d.ts`: what is reached is no test and
/// no documentation, whatever its folder is called.
#[test]
fn folders_of_npm_packages_that_code_reaches_stay() {
    let cases: [&[(&str, &str)]; 8] = [
        &[("index.js", "require('./test')"), ("test/index.js", "")],
        &[
            ("lib/x.js", "import y from '../docs/y.js'"),
            ("docs/y.js", ""),
        ],
        &[
            ("package.json", r#"{"exports":{"./t":"./test/x.js"}}"#),
            ("test/x.js", ""),
        ],
        &[
            ("package.json", r#"{"exports":{"./docs/*":"./docs/*.js"}}"#),
            ("docs/x.js", ""),
        ],
        &[
            ("index.js", "path.join(__dirname, 'examples')"),
            ("examples/x.json", ""),
        ],
        &[("index.js", "require(`./test/${name}`)"), ("test/x.js", "")],
        &[
            ("index.js", r#"libs = ["lib.es5.d.ts"]"#),
            ("lib.es5.d.ts", ""),
        ],
        &[
            ("package.json", r#"{"main":"index.ts"}"#),
            ("index.ts", ""),
            ("lib/x.ts", ""),
        ],
    ];
    for case in cases {
        assert_eq!(gone(&[node("a", case)]), Vec::<String>::new(), "{case:?}");
    }
    let beside = [("index.js", "require(x); y = 'test'"), ("test/x.js", "")];
    assert_eq!(gone(&[node("a", &beside)]), [""; 0]);
    // A bundle requires by variables, and says `test` of something else.
    let bundle = [
        ("dist/a.js", "e = require(i, !0); 'test'"),
        ("test/x.js", ""),
    ];
    assert_eq!(gone(&[node("a", &bundle)]), ["a/test/x.js (tests)"]);
    let a = || node("a", &[("index.js", ""), ("test/util.js", "")]);
    let b = node("b", &[("index.js", "require('a/test/util')")]);
    assert_eq!(gone(&[a()]), ["a/test/util.js (tests)"]);
    assert_eq!(gone(&[a(), b]), Vec::<String>::new());
}

/// zod 3.25 has 277 files of TypeScript behind the condition `@zod/source`.
#[test]
fn declarations_stay_where_code_names_their_package() {
    let types = |name, dependencies| {
        node(
            name,
            &[
                ("package.json", dependencies),
                ("README.md", ""),
                ("index.d.ts", ""),
                ("ts5.6/index.d.ts", ""),
            ],
        )
    };
    let gone_with = |code| {
        gone(&[
            types("@types/node", r#"{"dependencies": {"undici-types": "*"}}"#),
            types("undici-types", "{}"),
            types("@types/node-fetch", "{}"),
            node("a", &[("a.js", code), ("a.d.ts", "")]),
        ])
    };
    let stubs = |gone: Vec<String>| gone.into_iter().filter(|it| it.contains(".d.ts"));
    for code in [
        "resolve('@types/node/package.json', true)",
        r#"const name = "@types/node""#,
    ] {
        let found: Vec<String> = stubs(gone_with(code)).collect();
        assert_eq!(
            found,
            [
                "@types/node-fetch/index.d.ts (type-stubs)",
                "@types/node-fetch/ts5.6/index.d.ts (type-stubs)",
                "a/a.d.ts (type-stubs)"
            ],
            "{code}"
        );
    }
    for code in ["`@types/${name}`", "'npm i @types/node'", "// @types/node"] {
        assert_eq!(stubs(gone_with(code)).count(), 7, "{code}");
    }
}

#[test]
fn typescript_stays_only_where_node_is_led_to_it() {
    let with = |manifest: &str| {
        let files = [
            ("package.json", manifest),
            ("index.js", ""),
            ("src/index.ts", ""),
        ];
        gone(&[node("a", &files)]).len()
    };
    let own = r#"{"exports": {".": {"@a/source": {"import": "./src/index.ts"}, "import": "./index.js"}}}"#;
    assert_eq!(with(own), 1);
    let nodes = r##"{"imports": {"#x": {"node": ["./src/index.ts"], "default": "./index.js"}}}"##;
    assert_eq!(with(nodes), 0);
    assert_eq!(with(r#"{"bin": "src/index.ts"}"#), 0);
    assert_eq!(with(r#"{"bin": {"a": "src/index.ts"}}"#), 0);
}

#[test]
fn a_build_for_bundlers_goes_with_small_if_no_code_reaches_it() {
    const MANIFEST: &str = r#"{"main": "./dist-cjs/index.js", "module": "./dist-es/index.js"}"#;
    let built = |index: &str| {
        node(
            "a",
            &[
                ("package.json", MANIFEST),
                ("dist-cjs/index.js", index),
                ("dist-es/index.js", "export * from './b'"),
                ("dist-es/b.js", "export const c = 'dist-es'"),
                ("dist-es/d.wasm", ""),
                ("es/e.js", ""),
            ],
        )
    };
    let small = |packages: &[Package]| gone_by(Profile::Small, packages, &[]);
    let both = [
        "a/dist-es/b.js (bundler-builds)",
        "a/dist-es/index.js (bundler-builds)",
    ];
    assert_eq!(small(&[built("require('./b')")]), both);
    assert_eq!(gone(&[built("require('./b')")]), [""; 0]);
    // By a path, from its own package, from another, from the team's code.
    assert_eq!(small(&[built("import('../dist-es/b.js')")]), [""; 0]);
    assert_eq!(
        small(&[built("require(path.join(__dirname, '..', 'dist-es'))")]),
        [""; 0]
    );
    for other in ["b", ""] {
        let other = node(other, &[("index.js", "import 'a/dist-es/index.js'")]);
        assert_eq!(small(&[built(""), other]), [""; 0]);
    }
    let other = node("b", &[("index.js", "import 'c/dist-es/index.js'")]);
    assert_eq!(small(&[built(""), other]), both);
    // It speaks for others as long as it is there.
    let speaking = node(
        "a",
        &[
            ("package.json", MANIFEST),
            ("dist-es/index.js", "import '../test/x.js'"),
            ("test/x.js", ""),
        ],
    );
    assert_eq!(gone(&[speaking]), [""; 0]);
    let overrides = ["+a/dist-es/b.js"];
    assert_eq!(gone_by(Profile::Small, &[built("")], &overrides), both[1..]);
}

#[test]
fn packages_inside_of_packages_have_roots_of_their_own() {
    let found = gone(&[node(
        "a",
        &[
            ("index.js", "require('in')"),
            ("node_modules/in/index.js", ""),
            ("node_modules/in/package.json", "{}"),
            ("node_modules/in/HISTORY.md", ""),
            ("node_modules/@s/in/test/x.js", ""),
        ],
    )]);
    assert_eq!(
        found,
        [
            "a/node_modules/@s/in/test/x.js (tests)",
            "a/node_modules/in/HISTORY.md (docs)",
        ]
    );
}
