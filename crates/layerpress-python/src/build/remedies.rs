//! What helps when a build fails: the known ways out, by package and by what the compiler said.

/// Packages that need what few machines have to be built, and what to require instead.
///
/// Each is the advice of the package's own documentation or a project that wheels the same code.
const INSTEAD: [(&str, &str); 9] = [
    (
        "psycopg2",
        "require `psycopg2-binary` instead, which has wheels",
    ),
    (
        "psycopg-c",
        "require `psycopg[binary]` instead, which has wheels",
    ),
    (
        "mysqlclient",
        "require `pymysql` instead, which is pure Python (`pymysql.install_as_MySQLdb()` lets it \
         stand in)",
    ),
    (
        "pycrypto",
        "require `pycryptodome` instead, which has wheels",
    ),
    (
        "m2crypto",
        "require `cryptography` instead, which has wheels",
    ),
    ("pil", "require `pillow` instead, which has wheels"),
    (
        "sklearn",
        "require `scikit-learn` instead: `sklearn` is only its import name",
    ),
    (
        "bs4",
        "require `beautifulsoup4` instead: `bs4` is only its import name",
    ),
    (
        "python-ldap",
        "require `ldap3` instead, which is pure Python",
    ),
];

/// What compilers and backends say, and what it means.
const SIGNS: [(&str, &str); 7] = [
    (
        "Python.h",
        "the Python that builds has no headers: install its development package, or name another \
         one with `--python`",
    ),
    (
        "command 'gcc' failed: No such file",
        "a C compiler is needed; take a version that has a wheel, or install one",
    ),
    (
        "error: command 'gcc' failed",
        "the C compiler refused the package's code; take a version that has a wheel for the target",
    ),
    (
        "pg_config",
        "the PostgreSQL client's development files are needed; `psycopg2-binary` has wheels",
    ),
    (
        "use_2to3",
        "the package is too old for today's setuptools; take a newer version or a fork of it",
    ),
    (
        "can't find Rust compiler",
        "a Rust compiler is needed; take a version that has a wheel for the target",
    ),
    (
        "No module named 'pkg_resources'",
        "the package needs `setuptools` below 82 to be built; take a version that has a wheel",
    ),
];

/// What to do about a build of `package` (with or without its version) that printed `output`.
pub(super) fn of_failure(package: &str, output: &str) -> String {
    let sign = SIGNS
        .iter()
        .find(|(sign, _)| output.contains(sign))
        .map(|(_, remedy)| *remedy);
    instead(package)
        .or(sign)
        .unwrap_or(
            "the package's own build failed; take a version that has a wheel, or keep to wheels \
             with `--only-binary :all:`",
        )
        .to_owned()
}

/// What to do about a `package` whose wheel, built here, does not fit the target.
pub(super) fn of_foreign(package: &str) -> String {
    instead(package)
        .unwrap_or(
            "let a version come as a wheel that fits the target, or build on such a machine and \
             name the wheel's file",
        )
        .to_owned()
}

/// What to do about a `package` that was built against libraries of this machine.
pub(super) fn of_libraries(package: &str) -> String {
    instead(package)
        .unwrap_or("take a version that has a wheel, or put the libraries into `lib` of a layer")
        .to_owned()
}

fn instead(package: &str) -> Option<&'static str> {
    let name = package.split(' ').next().unwrap_or_default();
    INSTEAD
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_replacement_beats_what_the_compiler_says() {
        let output = "fatal error: Python.h: No such file or directory";
        assert!(of_failure("psycopg2 2.9.9", output).contains("`psycopg2-binary`"));
        assert!(of_failure("foo 1.0", output).contains("--python"));
        assert!(of_failure("foo 1.0", "Killed").contains("--only-binary"));
        assert!(of_foreign("mysqlclient 2.2").contains("`pymysql`"));
        assert!(of_foreign("foo").contains("name the wheel's file"));
    }
}
