//! [`needless`]: the docstrings of a module that nobody reads while the program runs.
//!
//! A docstring is data where somebody hands it on: as help on the command line, as the description of
//! a route or of a tool for a language model, as a grammar. Who hands it on is a decorator, or a
//! base class ([`Classes`]), or goes by the name; what has none of these is read by people alone.

use std::ops::Range;

use ruff_python_ast::statement_visitor::{StatementVisitor, walk_body, walk_stmt};
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_ast::{Decorator, Expr, ModModule, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_python_parser::Parsed;

use super::classes::Classes;
use crate::python::span;

/// A string that stands as a statement of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Docstring {
    /// Where it begins in the text.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// Decorators that do not look at the docstring, or do no more than copy it; the last part of their
/// names.
const BLIND_DECORATORS: &[&str] = &[
    "abstractclassmethod",
    "abstractmethod",
    "abstractproperty",
    "abstractstaticmethod",
    "asynccontextmanager",
    "cache",
    "cached_property",
    "classmethod",
    "contextmanager",
    "coroutine",
    "deleter",
    "field_serializer",
    "field_validator",
    "final",
    "getter",
    "hybrid_method",
    "hybrid_property",
    "jit",
    "lru_cache",
    "memoized_property",
    "model_serializer",
    "model_validator",
    "njit",
    "no_type_check",
    "override",
    "overload",
    "property",
    "root_validator",
    "runtime_checkable",
    "setter",
    "singledispatch",
    "staticmethod",
    "total_ordering",
    "unique",
    "validator",
    "wraps",
];

/// Functions whose docstrings are rules of a grammar or patterns of a lexer (PLY, SPARK), or help on a
/// command (`cmd`), by the beginning of their names.
const READ_PREFIXES: [&str; 3] = ["do_", "p_", "t_"];

/// The docstrings of a module that may become `''`, and other strings that stand alone, in the order
/// of the text.
pub(super) fn needless(text: &str, module: &Parsed<ModModule>) -> Vec<Docstring> {
    let mut finder = Finder {
        text,
        classes: Classes::of(module),
        found: Vec::new(),
    };
    finder.visit_body(&module.syntax().body);
    let mut found = finder.found;
    found.sort_unstable();
    only_alone(found, text, module)
}

struct Finder<'a> {
    text: &'a str,
    classes: Classes<'a>,
    found: Vec<Docstring>,
}

impl<'a> StatementVisitor<'a> for Finder<'_> {
    fn visit_body(&mut self, body: &'a [Stmt]) {
        for statement in body {
            if let Some(docstring) = alone(statement)
                && !is_template(&self.text[docstring.start..docstring.end])
            {
                self.found.push(docstring);
            }
        }
        walk_body(self, body);
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let before = self.found.len();
        walk_stmt(self, statement);
        let body = match statement {
            Stmt::FunctionDef(function) if reads_function(function) => &function.body,
            Stmt::ClassDef(class) if self.reads_class(class) => &class.body,
            _ => return,
        };
        // Those of the methods are their own.
        let own: Vec<_> = body.iter().filter_map(alone).collect();
        let kept = self.found.split_off(before);
        let others = kept.into_iter().filter(|it| !own.contains(it));
        self.found.extend(others);
    }
}

impl Finder<'_> {
    fn reads_class(&self, class: &StmtClassDef) -> bool {
        self.classes.are_read(class) || !class.decorator_list.iter().all(is_blind)
    }
}

/// The string that `statement` is, if it is nothing else.
fn alone(statement: &Stmt) -> Option<Docstring> {
    let Stmt::Expr(statement) = statement else {
        return None;
    };
    let Expr::StringLiteral(string) = &*statement.value else {
        return None;
    };
    let literal = string.as_single_part_string()?;
    let Range { start, end } = span(literal);
    Some(Docstring { start, end })
}

/// Whether something is to be put into the docstring: an empty one would refuse it.
fn is_template(docstring: &str) -> bool {
    ["%(", "%s", "%d", "%r"]
        .iter()
        .any(|place| docstring.contains(place))
}

fn reads_function(function: &StmtFunctionDef) -> bool {
    let name = function.name.as_str();
    let is_read = READ_PREFIXES.iter().any(|it| name.starts_with(it));
    is_read || !function.decorator_list.iter().all(is_blind)
}

fn is_blind(decorator: &Decorator) -> bool {
    let name = last_name(&decorator.expression);
    name.is_some_and(|name| BLIND_DECORATORS.contains(&name))
}

/// `c` of `a.b.c`, `c(…)` and `c[…]`.
pub(super) fn last_name(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Call(call) => last_name(&call.func),
        Expr::Subscript(subscript) => last_name(&subscript.value),
        _ => None,
    }
}

/// Those of `found` that may lose their lines without moving what follows: no code comes after them
/// on their last line, and no bracket is around them.
fn only_alone(found: Vec<Docstring>, text: &str, module: &Parsed<ModModule>) -> Vec<Docstring> {
    let tokens = module.tokens();
    let is_alone = |docstring: &Docstring| {
        if !text[docstring.start..docstring.end].contains(['\n', '\r']) {
            return true;
        }
        let at = tokens.partition_point(|token| span(token).start < docstring.end);
        let mut after = tokens[at..].iter().map(Token::kind);
        after.find(|kind| *kind != TokenKind::Comment) == Some(TokenKind::Newline)
    };
    found.into_iter().filter(is_alone).collect()
}
