//! Folders of tests, and what lets them stay.

use super::*;

/// Every way in which code may need a test that is not its own.
#[test]
fn tests_that_other_code_imports_stay_whole() {
    let needed = [
        ("b/x.py", "import a.tests.util"),
        ("b/x.py", "def f():\n    from a.tests.util import y"),
        ("b/x.py", "from a import (\n    z,\n    tests as t)"),
        ("b/x.py", "importlib.import_module('a.tests.util')"),
        (
            "b-1.dist-info/entry_points.txt",
            "[x]\ny = a.tests.util:f\n",
        ),
        ("a/other.py", "from . import tests"),
        ("a/sub/other.py", "from ..tests.util import y"),
        ("a/sub/other.py", "LAZY = {'y': '..tests.util'}"),
    ];
    let a = || {
        python(
            "a",
            &[
                ("a/__init__.py", ""),
                ("a/tests/__init__.py", ""),
                ("a/tests/util.py", ""),
            ],
        )
    };
    assert_eq!(gone(&[a()]).len(), 2);
    for (path, text) in needed {
        let other = python("b", &[(path, text)]);
        assert_eq!(gone(&[a(), other]), Vec::<String>::new(), "{path}: {text}");
    }
    for text in [
        "x = 'see a.tests'",
        "# import a.tests",
        "import a.testsuite",
    ] {
        let other = python("b", &[("b/x.py", text)]);
        assert_eq!(gone(&[a(), other]).len(), 2, "{text}");
    }
    let own = python("", &[("mine.py", "import a.tests")]);
    assert_eq!(gone(&[a(), own]), Vec::<String>::new());
}

/// `scipy.special._precompute` imports one function of a test, which imports nothing of the 2 MB beside it.
#[test]
fn of_a_folder_of_tests_a_module_can_stay_alone() {
    let gone_beside = |text: &str, test: &str| {
        let a = [
            ("a/x.py", text),
            ("a/tests/__init__.py", ""),
            ("a/tests/conftest.py", ""),
            ("a/tests/data.csv", ""),
            ("a/tests/sub/__init__.py", ""),
            ("a/tests/sub/test_x.py", test),
            ("a/tests/sub/util.py", ""),
            ("a/tests/test_y.py", "import b"),
        ];
        gone(&[python("a", &a)]).join(" ").replace(" (tests)", "")
    };
    let rest = "a/tests/conftest.py a/tests/data.csv";
    let alone = format!("{rest} a/tests/sub/util.py a/tests/test_y.py");
    let with_util = format!("{rest} a/tests/test_y.py");
    let text = "from a.tests.sub.test_x import f";
    assert_eq!(gone_beside(text, ""), alone);
    assert_eq!(gone_beside("from .tests.sub import test_x", ""), alone);
    assert_eq!(gone_beside(text, "from . import util"), with_util);
    assert_eq!(
        gone_beside(text, "from . import CONSTANT; n = 'test_n'"),
        alone
    );
    // numpy 2.2 has no `__init__.py` among its tests.
    let a = [
        ("a/x.py", "from a.tests._na import pd_NA"),
        ("a/tests/_na.py", ""),
        ("a/tests/y.py", ""),
    ];
    assert_eq!(gone(&[python("a", &a)]), ["a/tests/y.py (tests)"]);
    // What cannot be followed keeps all.
    assert_eq!(gone_beside(text, "open(__file__)"), "");
    assert_eq!(gone_beside(text, "import_module(name)"), "");
    assert_eq!(gone_beside("from a import tests", ""), "");
    assert_eq!(gone_beside("from a.tests import *", ""), "");
    assert_eq!(gone_beside("from a.tests import unknown", ""), "");
    assert_eq!(gone_beside("t = 'a.tests'", ""), "");
}

#[test]
fn tests_stay_where_a_path_leads_to_them() {
    let gone_beside = |text: &str| {
        let a = [
            ("a/x.py", text),
            ("a/tests/x.csv", ""),
            ("a/sub/tests/y.csv", ""),
        ];
        gone(&[python("a", &a)]).len()
    };
    assert_eq!(gone_beside("here = __file__; p = 'tests/z.csv'"), 1);
    assert_eq!(gone_beside("here = __file__; p = 'sub/tests/z.csv'"), 1);
    assert_eq!(
        gone_beside("p = __file__; u = 'https://a.example/tests/z'"),
        2
    );
    assert_eq!(gone_beside("p = __file__; u = 'other/tests/z'"), 2);
    let prose = "'''\n>>> p = Path(__file__) / \"tests/z.csv\"\n'''";
    assert_eq!(gone_beside(prose), 2);
}

#[test]
fn a_test_that_stays_keeps_what_it_imports() {
    let a = python("a", &[("a/x.py", "import b.tests")]);
    let b = python("b", &[("b/x.py", ""), ("b/tests/x.py", "import c.tests")]);
    let c = python("c", &[("c/x.py", ""), ("c/tests/x.py", "import d.tests")]);
    let d = python("d", &[("d/x.py", ""), ("d/tests/x.py", "")]);
    let e = python("e", &[("e/x.py", ""), ("e/tests/x.py", "import d.tests")]);
    assert_eq!(gone(&[a, b, c, d, e]), ["e/tests/x.py (tests)"]);
}

#[test]
fn a_distribution_that_is_all_tests_stays() {
    let alone = python("tests", &[("tests/__init__.py", ""), ("tests/x.py", "")]);
    assert_eq!(gone(&[alone]), Vec::<String>::new());
}
