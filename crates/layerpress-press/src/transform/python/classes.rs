//! [`Classes`]: the classes of a module whose docstrings a base class may read.
//!
//! A class can look at all that derive from it: rules of a linter describe themselves so, commands,
//! models and tools. Where it is one of another file nothing tells here whether it does, so docstrings
//! stay below all of these but a few of the standard library. One of the same file reads nothing, or
//! the file would say so ([`guards`](super::guards)).

use std::collections::{HashMap, HashSet};

use ruff_python_ast::statement_visitor::{StatementVisitor, walk_stmt};
use ruff_python_ast::{Expr, ModModule, Stmt, StmtClassDef};
use ruff_python_parser::Parsed;

use super::docstrings::last_name;

/// Classes and metaclasses of Python's own that look at no docstring. Not `Enum`, `NamedTuple` and
/// `TypedDict`: who makes a schema of their members describes it by the docstring.
const BLIND_BASES: &[&str] = &[
    "ABC",
    "ABCMeta",
    "Exception",
    "Generic",
    "Protocol",
    "dict",
    "list",
    "object",
    "set",
    "str",
    "tuple",
    "type",
    // Exceptions, warnings.
    "ArithmeticError",
    "AttributeError",
    "BaseException",
    "DeprecationWarning",
    "ImportError",
    "IndexError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "OSError",
    "PermissionError",
    "RuntimeError",
    "RuntimeWarning",
    "TimeoutError",
    "TypeError",
    "UserWarning",
    "ValueError",
    "Warning",
    // `collections` and `typing`.
    "AsyncIterator",
    "Awaitable",
    "Callable",
    "Iterable",
    "Iterator",
    "Mapping",
    "MutableMapping",
    "MutableSequence",
    "OrderedDict",
    "Sequence",
    "UserDict",
    "defaultdict",
    // `logging`, `threading`, `io`.
    "Filter",
    "Formatter",
    "Handler",
    "RawIOBase",
    "Thread",
    "local",
];

/// The classes of a module by the bases that they have, over all that the module itself defines.
pub(super) struct Classes<'a> {
    /// Names of classes that the module defines.
    own: HashSet<&'a str>,
    /// Those of them that derive from what is of another file.
    read: HashSet<&'a str>,
}

impl<'a> Classes<'a> {
    /// Those of `module`.
    pub(super) fn of(module: &'a Parsed<ModModule>) -> Self {
        let mut collector = Collector::default();
        collector.visit_body(&module.syntax().body);
        let found = collector.found;
        let mut classes = Self {
            own: found.iter().map(|it| it.name.as_str()).collect(),
            read: HashSet::new(),
        };
        let mut derived: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut waiting = Vec::new();
        for class in found {
            let name = class.name.as_str();
            if classes.are_read(class) {
                waiting.push(name);
            }
            for base in class.bases().iter().filter_map(name_alone) {
                derived.entry(base).or_default().push(name);
            }
        }
        while let Some(name) = waiting.pop() {
            if classes.read.insert(name) {
                waiting.extend(derived.get(name).into_iter().flatten());
            }
        }
        classes
    }

    /// Whether the docstring of `class` may be read by a base or metaclass.
    pub(super) fn are_read(&self, class: &StmtClassDef) -> bool {
        let keywords = class.keywords().iter();
        let mut metaclasses = keywords.filter(|it| it.arg.as_deref() == Some("metaclass"));
        class.bases().iter().any(|base| self.may_read(base))
            || metaclasses.any(|it| self.may_read(&it.value))
    }

    fn may_read(&self, base: &Expr) -> bool {
        match name_alone(base) {
            Some(name) if self.own.contains(name) => self.read.contains(name),
            _ => last_name(base).is_none_or(|name| !BLIND_BASES.contains(&name)),
        }
    }
}

/// `a` of `a` and `a[…]`: what may be a class of the same module.
fn name_alone(base: &Expr) -> Option<&str> {
    match base {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Subscript(subscript) => name_alone(&subscript.value),
        _ => None,
    }
}

#[derive(Default)]
struct Collector<'a> {
    found: Vec<&'a StmtClassDef>,
}

impl<'a> StatementVisitor<'a> for Collector<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::ClassDef(class) = statement {
            self.found.push(class);
        }
        walk_stmt(self, statement);
    }
}
