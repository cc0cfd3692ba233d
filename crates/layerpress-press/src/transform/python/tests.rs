//! What `python-source` removes, and what it keeps.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// The file after the pass, or as it was.
fn pressed_at(path: &str, text: &str) -> String {
    match python_source(path, text.as_bytes()) {
        Outcome::Smaller(new) => String::from_utf8(new).expect("still UTF-8"),
        Outcome::Nothing => text.to_owned(),
        other => panic!("{path}: {other:?}"),
    }
}

fn pressed(text: &str) -> String {
    pressed_at("package/module.py", text)
}

/// That the docstring `Says why.` of a file stays.
#[track_caller]
fn keeps(path: &str, text: &str) {
    assert!(text.contains("Says why."), "a docstring to keep: {text}");
    let new = pressed_at(path, text);
    assert!(new.contains("Says why."), "{new}");
}

#[track_caller]
fn blanks(path: &str, text: &str) {
    assert!(text.contains("Says why."), "a docstring to lose: {text}");
    let new = pressed_at(path, text);
    assert!(!new.contains("Says why."), "{new}");
}

#[test]
fn docstrings_comments_and_spaces_go_and_lines_stay() {
    let text = r#"#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""The module.

Of several lines.
"""
import os  # why

class A(object):
    """Says why."""

    # alone
    x = 1
    """An attribute."""

    def f(self, a = 1, *args):
        '''Over
        two.'''
        return [  # open
            a,
            -1 ** - 2,

            "kept  # this",
        ] if a else ''   
"#;
    insta::assert_snapshot!(pressed(text), @r#"
    #!/usr/bin/env python
    # -*- coding: utf-8 -*-
    ''



    import os

    class A(object):
     ''


     x=1
     ''

     def f(self,a=1,*args):
      ''

      return[
      a,
      -1** -2,

      "kept  # this",
      ]if a else ''
    "#);
}

#[test]
fn what_a_body_has_nothing_else_than_is_never_removed() {
    let new = pressed("def f():\n    \"\"\"Says why.\"\"\"\nclass A: 'Says why.'\n");
    assert_eq!(new, "def f():\n ''\nclass A:''\n");
}

#[test]
fn code_after_a_docstring_on_its_line_stays_on_its_line() {
    let text = "def f():\n    \"\"\"Says\n    why.\"\"\"; return 1\nx  =  1\n";
    assert_eq!(
        pressed(text),
        "def f():\n \"\"\"Says\n    why.\"\"\";return 1\nx=1\n"
    );
    assert_eq!(pressed("'Says why.' ; x = 1\n"), "'';x=1\n");
    assert_eq!(
        pressed("('''Says\nwhy.''')  \nx = 1\n"),
        "('''Says\nwhy.''')\nx=1\n"
    );
}

#[test]
fn nothing_moves_within_f_strings() {
    let text = "x = f\"{ y = } { z !r:>{ 1 + 1 }}  # {'a' }\"   # gone\n";
    assert_eq!(
        pressed(text),
        "x=f\"{ y = } { z !r:>{ 1 + 1 }}  # {'a' }\"\n"
    );
}

#[test]
fn a_space_stays_where_tokens_would_run_into_each_other() {
    for (text, new) in [
        ("a = 1 if b else 2\n", "a=1 if b else 2\n"),
        ("x = 1 .real\n", "x=1 .real\n"),
        ("from . import ( a )\n", "from . import(a)\n"),
        ("from .a import b\n", "from .a import b\n"),
        ("x = 'a' 'b' '' \"\"\n", "x='a' 'b' '' \"\"\n"),
        ("x = a - - b ** - c\n", "x=a- -b** -c\n"),
        (
            "def f( * , a , ** k ) -> int : pass\n",
            "def f(*,a,**k)->int:pass\n",
        ),
        ("x = lambda * a : a [ 1 : : 2 ]\n", "x=lambda*a:a[1: :2]\n"),
        ("x [ : , ... ]\n", "x[:,...]\n"),
        (
            "return_ = not x and 'é' in é or b\"\"\n",
            "return_=not x and 'é' in é or b\"\"\n",
        ),
        ("@ a . b\ndef f ( ) : ...\n", "@a . b\ndef f(): ...\n"),
    ] {
        assert_eq!(pressed(text), new);
    }
}

#[test]
fn continued_lines_stay_lines() {
    let text =
        "x = 1 + \\\n        2\nassert x , \\\n    y  \\\n # gone\nz = ( 1 + \\\n  2 )\ny  =  1\n";
    assert_eq!(
        pressed(text),
        "x=1+\\\n2\nassert x,\\\ny\n\nz=(1+\\\n2)\ny=1\n"
    );
}

#[test]
fn other_line_ends_and_a_byte_order_mark_are_understood() {
    let text = "\u{feff}def f():\r\n    '''a\r\n    b'''\r\n    return 1  # c\r\n";
    assert_eq!(pressed(text), "\u{feff}def f():\n ''\n\n return 1\n");
    assert_eq!(pressed("x = 1\ry = 2\r"), "x=1\ny=2\n");
}

#[test]
fn a_file_in_another_encoding_or_no_python_stays() {
    let stays = |bytes: &[u8]| assert_eq!(python_source("a/b.py", bytes), Outcome::Nothing);
    stays(b"# -*- coding: latin-1 -*-\nx = 1  # why\n");
    stays(b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx  =  1\n");
    stays(b"x = '\xe9'  # why\n");
    stays(b"print 'of old'  # why\n");
    stays(b"x = 1  # \0\n\0");
    stays(b"");
    assert_eq!(python_source("a/b.pyi", b"x  =  1\n"), Outcome::NotMine);
}

#[test]
fn comments_that_say_something_to_a_program_stay() {
    assert_eq!(
        pressed("#!/usr/bin/env python\n# coding: utf8\nx = 1 # type: int\n"),
        "#!/usr/bin/env python\n# coding: utf8\nx=1\n"
    );
    let script = "import torch\ndef f(x):\n    # type: (Tensor) -> Tensor\n    return x  # why\n";
    assert_eq!(
        pressed(script),
        "import torch\ndef f(x):\n    # type: (Tensor) -> Tensor\n return x\n"
    );
}

#[test]
fn a_file_that_reads_source_stays_as_it_is() {
    let text = "import inspect\nx  =  inspect.getsource(f)  # why\n";
    assert_eq!(pressed(text), text);
}

#[test]
fn a_package_that_reads_its_own_source_stays_as_it_is() {
    let text = "@requires(backends=(\"torch\", \"timm\"))  # both\ndef f(a, b): ...\n";
    assert_eq!(pressed_at("transformers/models/a.py", text), text);
    assert_ne!(pressed_at("transform/models/a.py", text), text);
}

#[test]
fn a_template_to_be_copied_stays_as_it_is() {
    let text = "x  =  1  # change this\n";
    assert_eq!(pressed_at("alembic/templates/generic/env.py", text), text);
    assert_eq!(pressed_at("alembic/env.py", text), "x=1\n");
}

#[test]
fn docstrings_stay_where_the_file_reads_them() {
    let function = "def f():\n    'Says why.'\n";
    for reader in [
        "print(f.__doc__)\n",
        "getattr(f, '__doc__')\n",
        "from docopt import docopt\n",
        "inspect.getdoc(f)\n",
        "import doctest; doctest.testmod()\n",
        "tools = [StructuredTool.from_function(f)]\n",
        "tools = [FunctionTool.from_defaults(f)]\n",
        "config = ConfigDict(use_attribute_docstrings=True)\n",
        "parser = ArgumentParser(description=__doc__)\n",
    ] {
        keeps("package/module.py", &format!("{function}{reader}"));
    }
    // Saying so in prose is no reading.
    blanks(
        "a/b.py",
        "'see __doc__'\n# __doc__\ndef f():\n    'Says why.'\n",
    );
}

#[test]
fn docstrings_stay_where_a_library_hands_them_on() {
    for import in [
        "import click\n",
        "from typer import Typer\n",
        "import fire\n",
        "from fastapi import APIRouter\n",
        "import pandas, strands\nfrom strands import Agent\n",
        "from mcp.server import FastMCP\n",
        "import google.generativeai as genai\n",
        "def late():\n    from langchain_core import tools\n",
        "import ply.yacc as yacc\n",
        "from aws_lambda_powertools.event_handler import APIGatewayRestResolver\n",
    ] {
        keeps(
            "app/tools.py",
            &format!("{import}def f():\n    'Says why.'\n"),
        );
    }
    let own = "import langchain_core\nimport click\ndef f():\n    'Says why.'\n";
    keeps("langchain_openai/base.py", own);
    let beside = "import click\ndef repl():\n    'Says why.'\n";
    keeps("click_repl/core.py", beside);
    blanks("click/core.py", beside);
    let own = "from langchain_core import x\nimport clicks\ndef f():\n    'Says why.'\n";
    blanks(
        "python/lib/python3.13/site-packages/langchain_openai/base.py",
        own,
    );
}

#[test]
fn a_docstring_stays_under_a_decorator_that_may_read_it() {
    for decorator in [
        "@tool",
        "@app.get('/')",
        "@bot.command()",
        "@cli.group[int]",
        "@x()()",
    ] {
        let text = format!("{decorator}\ndef f():\n    'Says why.'\n    def g(): 'Goes.'\n");
        keeps("a/b.py", &text);
        assert!(!pressed(&text).contains("Goes."));
    }
    for decorator in [
        "@property",
        "@functools.lru_cache(None)",
        "@x.setter",
        "@abc.abstractmethod",
    ] {
        let text = format!("class A:\n    {decorator}\n    def f(self):\n        'Says why.'\n");
        blanks("a/b.py", &text);
    }
    keeps(
        "a/b.py",
        "@strawberry.type\nclass A:\n    'Says why.'\n    x: int\n",
    );
}

#[test]
fn a_docstring_stays_in_a_class_whose_base_reads_it() {
    for base in [
        "BaseModel",
        "dspy.Signature",
        "TypedDict",
        "graphene.ObjectType",
        "Model[int]",
    ] {
        let text = format!(
            "class A({base}):\n    'Says why.'\n    x: int\n    def f(self):\n        'Goes.'\n"
        );
        keeps("a/b.py", &text);
        assert!(!pressed(&text).contains("Goes."));
        keeps(
            "a/b.py",
            &format!("class A({base}):\n    x: int\n    'Says why.'\n"),
        );
    }
    for bases in [
        "",
        "()",
        "(ValueError)",
        "(abc.ABC)",
        "(Protocol[T], metaclass=ABCMeta)",
    ] {
        blanks("a/b.py", &format!("class A{bases}:\n    'Says why.'\n"));
    }
}

#[test]
fn a_docstring_stays_in_a_class_whose_base_nothing_is_known_of() {
    for text in [
        "from .base import Rule\nclass A(Rule):\n    'Says why.'\n",
        "import x\nclass A(ValueError, metaclass=x.Registry):\n    'Says why.'\n",
        "class A(make_base()):\n    'Says why.'\n",
        "class A(*bases):\n    'Says why.'\n",
        "class A(C):\n    'Says why.'\nclass B(x.Rule): ...\nclass C(B): ...\n",
        "def f():\n    class A(Rule[int]):\n        'Says why.'\n",
        // They may be parts of a schema.
        "class A(str, Enum):\n    'Says why.'\n",
        "@dataclass(frozen=True)\nclass A:\n    'Says why.'\n    x: int\n",
    ] {
        keeps("a/b.py", text);
    }
    for text in [
        "class A(B):\n    'Says why.'\nclass B(C[int]): ...\nclass C(A, object): ...\n",
        "class A:\n    'Says why.'\n    class B(A, OSError): 'Says why.'\n",
    ] {
        blanks("a/b.py", text);
    }
}

#[test]
fn a_long_line_of_classes_is_followed_to_its_end() {
    let mut text = String::new();
    for at in 0..20_000 {
        let _ = writeln!(text, "class C{at}(C{}): ''", at + 1);
    }
    let end = "class C20000(x.Rule): ''\nclass A(C0):\n    'Says why.'\n";
    keeps("a/b.py", &format!("{text}{end}"));
    blanks(
        "a/b.py",
        &format!("{text}class A(C0):\n    'Says why.'\nclass C20000: ''\n"),
    );
}

#[test]
fn grammars_and_templates_are_no_prose() {
    keeps(
        "pycparser/c_parser.py",
        "class P:\n    def p_unit(self, p):\n        'Says why.'\n",
    );
    keeps(
        "x/lexer.py",
        "def t_NUMBER(t):\n    r'Says why.'\n    return t\n",
    );
    keeps(
        "x/shell.py",
        "class Shell(Cmd):\n    def do_quit(self, line):\n        'Says why.'\n",
    );
    keeps("x/y.py", "def f():\n    'Says why. %(also)s'\n");
    keeps("x/y.py", "def f():\n    '%s Says why.'\n");
}

#[test]
fn packages_that_work_on_docstrings_keep_them_and_lose_comments() {
    for path in [
        "numpy/core.py",
        "pandas/a/b.py",
        "python/scipy/c.py",
        "x/site-packages/numpy/a.py",
        "altair/vegalite/v6/schema/mixins.py",
        "astropy/units/core.py",
        "seaborn/_statistics.py",
        "sklearn/base.py",
    ] {
        keeps(path, "def clip():\n    'Says why.'\n    return 1  # gone\n");
        assert!(!pressed_at(path, "x = 1  # gone\n").contains("gone"));
    }
}

#[test]
fn hostile_nesting_stays_as_it_is() {
    for open in ["(", "[", "f'{", "-", "lambda:", "a.b(", "x if y else "] {
        let text = format!("x  =  {}", open.repeat(200_000));
        assert_eq!(
            python_source("a.py", text.as_bytes()),
            Outcome::Nothing,
            "{open}"
        );
    }
    let mut nested = String::new();
    for level in 0..4000 {
        let _ = writeln!(nested, "{}if x :  # why", " ".repeat(level));
    }
    assert_eq!(python_source("a.py", nested.as_bytes()), Outcome::Nothing);
}

#[test]
fn the_proof_sees_a_line_that_moved_and_a_token_that_changed() {
    let text = "def f():\n    'why'\n    return a\n";
    let proof = |new: &str| {
        crate::python::parsed(text, |module| {
            let docstrings = docstrings::needless(text, module);
            proof::is_same(text, module.tokens(), &docstrings, new)
        })
        .expect("it parses")
    };
    assert_eq!(proof("def f():\n ''\n return a\n"), Ok(()));
    for (new, fault) in [
        (
            "def f():\n ''\n return b\n",
            "it reads differently at line 3",
        ),
        (
            "def f():\n ''\n\n return a\n",
            "it reads differently at line 3",
        ),
        (
            "def f():\n 'why'\n return a\n",
            "it reads differently at line 2",
        ),
        (
            "def f():\n ''\nreturn_(a)\n",
            "it reads differently at line 3",
        ),
        (
            "def f():\n ''\n return a\nb\n",
            "it reads differently at line 3",
        ),
        ("def f(\n", "it is no Python any more"),
    ] {
        assert_eq!(proof(new), Err(fault.to_owned()));
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_and_a_second_time_changes_nothing(
        lines in prop::collection::vec(
            "( {0,6})(def f\\(a , b\\):|x = \\[ ?1,?|\\]|'''|\"a\" ?|# c|if x :|return  1|\\\\|f'\\{ x \\}'|pass;? ?|\\t)",
            0..12,
        ),
        end in "(\n|\r\n|\r)",
    ) {
        let text = lines.join(&end);
        match python_source("a/b.py", text.as_bytes()) {
            Outcome::Smaller(new) => {
                let again = python_source("a/b.py", &new);
                prop_assert_eq!(again, Outcome::Nothing, "{:?}", text);
            }
            Outcome::Refused(fault) => prop_assert!(text.contains('\\'), "{}: {:?}", fault, text),
            Outcome::Nothing | Outcome::NotMine => {}
        }
    }
}
