//! The modules of Python's standard library: people ask for them as if they were packages.
//!
//! A name and the target's Python come in; whether the name is one of the library's modules in that
//! Python, or was or will be in another, comes out.

/// Where the standard library stands with a module in one Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is part of it.
    Part,
    /// It was part of it up to this Python; the second is a package that has it now.
    Until((u64, u64), Option<&'static str>),
    /// It is part of it from this Python on; the second is a package that has it for older ones.
    From((u64, u64), Option<&'static str>),
}

/// What a package's name is in the standard library of a Python, if it is a module of it at all: a
/// package's name is in lower case, with dashes for underscores and dots.
pub(crate) fn standing(name: &str, python: (u64, u64)) -> Option<Standing> {
    let same = |module: &str| module.to_ascii_lowercase().replace('_', "-") == name;
    if MODULES.split(' ').any(same) || SUBMODULES.contains(&name) {
        return Some(Standing::Part);
    }
    if let Some(&(_, last, now)) = REMOVED.iter().find(|(module, ..)| same(module)) {
        return Some(if python <= last {
            Standing::Part
        } else {
            Standing::Until(last, now)
        });
    }
    let &(_, first, before) = ADDED.iter().find(|(module, ..)| same(module))?;
    Some(if python >= first {
        Standing::Part
    } else {
        Standing::From(first, before)
    })
}

/// In every Python from 3.8 on, on Linux: `sys.stdlib_module_names` of CPython 3.10 to 3.13, and the
/// modules found in the library folders of 3.8 and 3.9, without private ones.
const MODULES: &str = "\
    abc antigravity argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 \
    cProfile calendar cmath cmd code codecs codeop collections colorsys compileall concurrent \
    configparser contextlib contextvars copy copyreg csv ctypes curses dataclasses datetime dbm \
    decimal difflib dis doctest email encodings ensurepip enum errno faulthandler fcntl filecmp \
    fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob grp \
    gzip hashlib heapq hmac html http idlelib imaplib importlib inspect io ipaddress itertools \
    json keyword linecache locale logging lzma mailbox marshal math mimetypes mmap modulefinder \
    multiprocessing netrc ntpath numbers opcode operator optparse os pathlib pdb pickle \
    pickletools pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd \
    py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource \
    rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtplib \
    socket socketserver sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string \
    stringprep struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios \
    textwrap this threading time timeit tkinter token tokenize trace traceback tracemalloc tty \
    turtle turtledemo types typing unicodedata unittest urllib uuid venv warnings wave weakref \
    webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zlib";

/// Modules within packages of the library, as a package's name spells them.
const SUBMODULES: &[&str] = &[
    "collections-abc",
    "concurrent-futures",
    "http-client",
    "http-server",
    "importlib-machinery",
    "importlib-util",
    "logging-config",
    "logging-handlers",
    "os-path",
    "unittest-mock",
    "urllib-parse",
    "urllib-request",
    "xml-dom",
    "xml-etree",
    "xml-etree-elementtree",
    "xml-sax",
];

/// Modules that were dropped, with the last Python that had them ("What's New in Python 3.9" to
/// "3.13", sections "Removed"; PEP 594, PEP 632) and the package that has them since.
const REMOVED: &[(&str, (u64, u64), Option<&str>)] = &[
    ("aifc", (3, 12), Some("standard-aifc")),
    ("asynchat", (3, 11), Some("pyasynchat")),
    ("asyncore", (3, 11), Some("pyasyncore")),
    ("audioop", (3, 12), Some("audioop-lts")),
    ("binhex", (3, 10), None),
    ("cgi", (3, 12), Some("legacy-cgi")),
    ("cgitb", (3, 12), Some("legacy-cgi")),
    ("chunk", (3, 12), Some("standard-chunk")),
    ("crypt", (3, 12), Some("crypt-r")),
    ("distutils", (3, 11), Some("setuptools")),
    ("dummy_threading", (3, 8), None),
    ("formatter", (3, 9), None),
    ("imghdr", (3, 12), Some("standard-imghdr")),
    ("imp", (3, 11), Some("zombie-imp")),
    ("lib2to3", (3, 12), None),
    ("mailcap", (3, 12), Some("standard-mailcap")),
    ("nis", (3, 12), None),
    ("nntplib", (3, 12), Some("standard-nntplib")),
    ("ossaudiodev", (3, 12), None),
    ("parser", (3, 9), None),
    ("pipes", (3, 12), Some("standard-pipes")),
    ("smtpd", (3, 11), Some("standard-smtpd")),
    ("sndhdr", (3, 12), Some("standard-sndhdr")),
    ("spwd", (3, 12), None),
    ("sunau", (3, 12), Some("standard-sunau")),
    ("symbol", (3, 9), None),
    ("telnetlib", (3, 12), Some("standard-telnetlib")),
    ("uu", (3, 12), Some("standard-uu")),
    ("xdrlib", (3, 12), Some("standard-xdrlib")),
];

/// Modules that came later than 3.8, with the first Python that has them ("What's New in Python",
/// sections "New Modules") and the package that has them for older ones.
const ADDED: &[(&str, (u64, u64), Option<&str>)] = &[
    ("annotationlib", (3, 14), None),
    ("compression", (3, 14), None),
    ("graphlib", (3, 9), Some("graphlib-backport")),
    ("tomllib", (3, 11), Some("tomli")),
    ("zoneinfo", (3, 9), Some("backports-zoneinfo")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_and_go() {
        assert_eq!(standing("json", (3, 13)), Some(Standing::Part));
        assert_eq!(standing("py-compile", (3, 13)), Some(Standing::Part));
        assert_eq!(standing("cprofile", (3, 13)), Some(Standing::Part));
        assert_eq!(standing("xml-etree", (3, 13)), Some(Standing::Part));
        assert_eq!(standing("telnetlib", (3, 12)), Some(Standing::Part));
        assert_eq!(
            standing("telnetlib", (3, 13)),
            Some(Standing::Until((3, 12), Some("standard-telnetlib")))
        );
        assert_eq!(
            standing("tomllib", (3, 10)),
            Some(Standing::From((3, 11), Some("tomli")))
        );
        assert_eq!(standing("requests", (3, 13)), None);
    }
}
