//! What stays between tokens, what the proof catches, and that no file ends the stack.

use proptest::prelude::*;

use super::super::Outcome;
use super::gap::Care;
use super::proof::{Verdict, verdict};
use super::scan::{Kind, Scan};
use super::{squeezed, whitespace};

fn small(source: &str) -> String {
    small_as("index.js", source)
}

fn small_as(path: &str, source: &str) -> String {
    match whitespace(path, source.as_bytes()) {
        Outcome::Smaller(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{source:?} gave {other:?}"),
    }
}

fn left_alone(source: &str) -> bool {
    whitespace("index.js", source.as_bytes()) == Outcome::Nothing
}

#[test]
fn comments_and_white_space_go_and_tokens_stay() {
    assert_eq!(
        small("// why\nfunction  add ( left , right ) {\n  return left + right ; // sum\n}\n"),
        "function add(left,right){return left+right;}"
    );
    assert_eq!(
        small("'use strict' ;\n\nlet { a , b } = c ;"),
        "'use strict';let{a,b}=c;"
    );
    assert_eq!(
        small("const x = `a  ${ b  +  `c  ${ d }` } // no comment` ;"),
        "const x=`a  ${b+`c  ${d}`} // no comment`;"
    );
}

#[test]
fn notes_for_bundlers_go_like_other_comments() {
    assert_eq!(small("let a = /* @__PURE__ */ b( )  ;"), "let a=b();");
    assert_eq!(
        small("/*#__NO_SIDE_EFFECTS__*/ export  function a ( ) { }"),
        "export function a(){}"
    );
}

#[test]
fn words_and_operators_that_would_join_stay_apart() {
    assert_eq!(small("x = typeof  a  in  b  ;"), "x=typeof a in b;");
    assert_eq!(small("x = a + + b - - c + ++ d  ;"), "x=a+ +b- -c+ ++d;");
    assert_eq!(
        small("x = 1 .toString( ) + 1. in y  ;"),
        "x=1 .toString()+1. in y;"
    );
    assert_eq!(
        small("x = a / /b  c/g . exec( d )  ;"),
        "x=a/ /b  c/g .exec(d);"
    );
    assert_eq!(small("x = a ? .5 : b  ;"), "x=a? .5:b;");
    assert_eq!(small("x = a < ! --b  ;"), "x=a< !--b;");
    assert_eq!(
        small("class A { #b  ; c ( ) { return #b  in  d } }"),
        "class A{#b;c(){return#b in d}}"
    );
}

#[test]
fn a_line_s_end_stays_where_a_statement_may_end_with_it() {
    assert_eq!(small("let a = b\n\n\nlet c = d\n"), "let a=b\nlet c=d");
    assert_eq!(small("a = b\n++c\n"), "a=b\n++c");
    assert_eq!(
        small("function f() {\n  return\n  1\n}\n"),
        "function f(){return\n1}"
    );
    assert_eq!(
        small("class A {\n  x\n  *y() {}\n  static\n  z\n}\n"),
        "class A{x\n*y(){}\nstatic\nz}"
    );
    assert_eq!(small("a\n  .b()\n  .c(\n    d,\n  )\n"), "a.b().c(d,)");
    assert_eq!(small("a = b /* \n */ c()  "), "a=b\nc()");
    assert_eq!(small("a = {\n}\nb = c\n"), "a={}\nb=c");
}

#[test]
fn a_slash_is_read_as_what_it_is() {
    assert_eq!(
        small("if ( a )  /b  c/.test( d )  ;"),
        "if(a)/b  c/.test(d);"
    );
    assert_eq!(small("x = ( a )  / b  /  c  ;"), "x=(a)/b/c;");
    assert_eq!(small("x = a [ 0 ]  / b  / c  ;"), "x=a[0]/b/c;");
    assert_eq!(small("x = a . return  / b  / c  ;"), "x=a.return/b/c;");
    assert_eq!(
        small("return  /[/]  '/.test( a )  ;"),
        "return/[/]  '/.test(a);"
    );
    assert_eq!(
        small("for await ( a of b ) /c  d/ . test( a )  ;"),
        "for await(a of b)/c  d/ .test(a);"
    );
}

#[test]
fn what_cannot_be_told_is_left_alone() {
    // Divisions after an object, or regular expressions after a block.
    assert!(left_alone("x = a ++ / b / c  ;"));
    assert!(left_alone("{ }  /b  c/.test( d )  ;"));
    // Comments in web pages, operators in modules.
    assert!(left_alone("x = a <!-- b  ;\n"));
    assert!(left_alone("x = a  ;\n  --> b  ;\n"));
    // No JavaScript.
    assert!(left_alone("const a: string = 'b'  ;\n"));
    assert!(left_alone("const a = < div >  text  </ div >  ;\n"));
    assert!(left_alone("const a = (  ;\n"));
    assert!(left_alone("a = 'b\n'  ;  "));
}

#[test]
fn files_of_other_kinds_are_not_looked_at() {
    for path in ["index.ts", "index.jsx", "index.json", "js", "index.d.mts"] {
        assert_eq!(whitespace(path, b"a  =  b  ;"), Outcome::NotMine, "{path}");
    }
}

#[test]
fn a_script_without_white_space_is_not_worth_reading() {
    let minified = "a=b;".repeat(100) + "\n";
    assert!(left_alone(&minified));
    assert!(left_alone("a=b;c"));
    assert!(left_alone(""));
}

#[test]
fn first_lines_and_licences_stay() {
    assert_eq!(
        small("#!/usr/bin/env node\n\n// why\nmain(  )\n"),
        "#!/usr/bin/env node\nmain()"
    );
    assert_eq!(
        small(
            "/*! MIT, by A */\n\nlet a = b\n/**\n * @license MIT\n */\nlet c = d /* @preserve */ + e\n// @license f"
        ),
        "/*! MIT, by A */\nlet a=b\n/**\n * @license MIT\n */\nlet c=d/* @preserve */+e\n// @license f\n"
    );
    assert_eq!(small("f( )  //! MIT\ng( )\n"), "f()\n//! MIT\ng()");
    assert_eq!(
        small("/* @license A *//* @license B */  f(  )"),
        "/* @license A *//* @license B */f()"
    );
}

#[test]
fn what_tells_a_class_from_a_function_stays() {
    assert_eq!(small("a = class  { }  ;"), "a=class {};");
    assert_eq!(small("a = async  ( b )  =>  c  ;"), "a=async (b)=>c;");
}

#[test]
fn modules_and_scripts_are_both_read() {
    assert_eq!(
        small("import a from 'a'  ;\nawait  a ( )  ;"),
        "import a from'a';await a();"
    );
    assert_eq!(small("return  with_ ( )  ;"), "return with_();");
    assert_eq!(small("with ( a ) { b  }  "), "with(a){b}");
    assert_eq!(small_as("a.mjs", "await  a  ;  "), "await a;");
    assert_eq!(small_as("a.cjs", "var await  =  1  ;"), "var await=1;");
    assert_eq!(whitespace("a.cjs", b"await  a  ;  "), Outcome::Nothing);
}

#[test]
fn text_keeps_what_its_lines_are_carried_on_with() {
    assert_eq!(small("a = 'b\\\n  c'  ;"), "a='b\\\n  c';");
    assert_eq!(small("a = 'b\\\r\n  c'  ;"), "a='b\\\r\n  c';");
    assert_eq!(small("a = \"\\\"  \\\\\"  ;"), "a=\"\\\"  \\\\\";");
    assert_eq!(
        small("\u{feff}a\u{a0}=\u{2003}'\u{a0}'  ;\u{2028}b"),
        "a='\u{a0}';b"
    );
    assert_eq!(small("\\u{61}b  =  \\u0061  ;"), "\\u{61}b=\\u0061;");
    assert_eq!(small("ä  in  ö  ;  "), "ä in ö;");
}

#[test]
fn the_proof_sees_a_line_s_end_too_few_and_a_token_too_many() {
    assert_eq!(verdict("a\n(b)", "a\n(b)", 10, "js"), Verdict::Same);
    assert_eq!(verdict("a\n++\nb", "a++\nb", 10, "js"), Verdict::Differs);
    assert_eq!(verdict("a = b\nc", "a = b c", 10, "js"), Verdict::Differs);
    assert_eq!(
        verdict("return\na", "return a", 10, "cjs"),
        Verdict::Differs
    );
    assert_eq!(verdict("a + +b", "a++b", 10, "js"), Verdict::Differs);
    assert_eq!(verdict("a;", "a", 10, "js"), Verdict::Differs);
    assert_eq!(verdict("a b", "a b", 10, "js"), Verdict::NoScript);
}

#[test]
fn no_depth_of_any_kind_ends_the_stack() {
    let nests: [(&str, &str); 22] = [
        ("[", "]"),
        ("(", ")"),
        ("{", "}"),
        ("{a:", "}"),
        ("a=", ""),
        ("!", ""),
        ("a=>", ""),
        ("a?b:", ""),
        ("if(a)", ""),
        ("if(a);else ", ""),
        ("do ", ""),
        ("a+", ""),
        ("a**", ""),
        ("`${", "}`"),
        ("function f(){", "}"),
        ("async(a=", ")=>1"),
        ("(a=", ")=>1"),
        ("({a=", "}=1)"),
        ("(class{[", "](){}})"),
        ("new ", ""),
        ("switch(a){case ", ":}"),
        ("a?.[", "]"),
    ];
    for (open, close) in nests {
        for times in [40, 500, 40_000] {
            let end = if open == "do " {
                "a;while(1) ".repeat(times)
            } else {
                "a".to_owned()
            };
            let source = format!("{} {end} {}", open.repeat(times), close.repeat(times))
                + &" ".repeat(times);
            // Not to come back would be the fault.
            let outcome = whitespace("index.js", source.as_bytes());
            assert!(!matches!(outcome, Outcome::NotMine), "{open} {times}");
        }
    }
}

#[test]
fn depth_counts_what_is_open_and_not_what_is_over() {
    let depth = |source: &str| {
        let mut scan = Scan::new(source);
        while scan.token().unwrap().is_some() {}
        scan.depth()
    };
    assert_eq!(depth("a;b;c;"), 2);
    assert_eq!(
        depth(&"function f(){a;}\n".repeat(500)),
        depth("function f(){a;}\n")
    );
    assert_eq!(depth(&"f(a);".repeat(500)), depth("f(a);"));
    assert!(depth(&"if(a);else ".repeat(500)) >= 500);
    assert!(depth(&"do ".repeat(500)) >= 500);
    assert!(depth(&("do a; while(".repeat(500) + "b" + &")".repeat(500))) >= 1000);
    assert!(depth(&("[".repeat(500) + &"]".repeat(500))) >= 500);
}

#[test]
fn a_scan_gives_back_every_byte() {
    let source = "#!x\n a /* b */ = `c${ d }` // e\n/f/g ;\r\n";
    let mut scan = Scan::new(source);
    let mut all = String::new();
    let mut kinds = Vec::new();
    while let Some(token) = scan.token().unwrap() {
        all.push_str(token.gap);
        all.push_str(token.text);
        kinds.push(token.kind);
    }
    assert_eq!(all + scan.tail(), source);
    assert_eq!(kinds.first(), Some(&Kind::Hashbang));
    assert!(kinds.contains(&Kind::Template));
}

/// Pieces that programs are made of, legal together or not.
const PIECES: [&str; 44] = [
    "a", "b", "in", "of", "return", "typeof", "async", "await", "yield", "class", "function",
    "let", "if", "else", "do", "while", "(", ")", "[", "]", "{", "}", ";", ",", ".", "?.", "=>",
    "=", "+", "++", "-", "--", "/", "/a  b/g", "!", "<", ":", "?", "1", "1.", ".5", "'x  y'",
    "`x ${", "}`",
];

/// What stands between them.
const GAPS: [&str; 6] = ["", " ", "\n", "  ", "/* c */", "// c\n"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_is_made_smaller_is_the_same_script(
        pieces in prop::collection::vec((0..PIECES.len(), 0..GAPS.len()), 1..14)
    ) {
        let source: String = pieces
            .iter()
            .flat_map(|&(piece, gap)| [PIECES[piece], GAPS[gap]])
            .collect();
        match whitespace("index.js", source.as_bytes()) {
            Outcome::Smaller(bytes) => {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert_eq!(verdict(&source, &text, 100, "js"), Verdict::Same);
                // What is small is not made smaller again.
                let again = squeezed(&text, Care::Usual).unwrap().text;
                prop_assert_eq!(again, text);
            }
            Outcome::Nothing => {}
            other => prop_assert!(false, "{:?}: {:?}", source, other),
        }
    }

    #[test]
    fn any_text_is_read_to_its_end(source in "\\PC{0,60}") {
        prop_assert!(!matches!(whitespace("a.js", source.as_bytes()), Outcome::NotMine));
    }
}
