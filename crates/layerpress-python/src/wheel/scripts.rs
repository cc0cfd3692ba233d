//! Scripts: the ones that a wheel holds, and those that its entry points ask for.
//!
//! <https://packaging.python.org/en/latest/specifications/entry-points/>

use std::collections::BTreeSet;
use std::str::FromStr;

use layerpress_tree::LayerPath;
use pep508_rs::ExtraName;

use super::error::WheelFault;

/// A console or graphical entry point, as its line has it.
#[derive(Debug, Clone, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct EntryPoint {
    /// The script's name.
    pub(super) name: String,
    /// What stands behind the `=`: `module:function [extra]`.
    pub(super) target: String,
}

/// The entry points that are scripts.
pub(super) fn parse_entry_points(text: &str) -> Vec<EntryPoint> {
    let mut in_scripts = false;
    let mut found = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            in_scripts = matches!(section.trim(), "console_scripts" | "gui_scripts");
        } else if in_scripts
            && !line.starts_with(['#', ';'])
            && let Some((name, target)) = line.split_once('=')
        {
            found.push(EntryPoint {
                name: name.trim().to_owned(),
                target: target.trim().to_owned(),
            });
        }
    }
    found
}

impl EntryPoint {
    /// The script's file name and text; nothing if it belongs to an extra that is not asked for.
    pub(super) fn script(
        &self,
        interpreter: &str,
        extras: &BTreeSet<ExtraName>,
    ) -> Result<Option<(LayerPath, String)>, WheelFault> {
        let fault = |problem| WheelFault::EntryPoint {
            entry: format!("{} = {}", self.name, self.target)
                .escape_default()
                .to_string(),
            problem,
        };
        let (object, wanted) = match self.target.split_once('[') {
            None => (self.target.as_str(), ""),
            Some((object, rest)) => match rest.split_once(']') {
                Some((wanted, "")) => (object, wanted),
                _ => return Err(fault("has a bracket in the wrong place")),
            },
        };
        let asked = wanted
            .split(',')
            .map(str::trim)
            .filter(|extra| !extra.is_empty())
            .all(|extra| ExtraName::from_str(extra).is_ok_and(|extra| extras.contains(&extra)));
        if !asked {
            return Ok(None);
        }
        let (module, attribute) = object
            .split_once(':')
            .map(|(module, attribute)| (module.trim(), attribute.trim()))
            .ok_or_else(|| fault("names no function behind a `:`"))?;
        if !is_dotted_name(module) || !is_dotted_name(attribute) {
            return Err(fault("does not name a function of a module"));
        }
        let path = LayerPath::new(&self.name)
            .ok()
            .filter(|path| path.components().count() == 1)
            .ok_or_else(|| fault("has a name that is no file name"))?;
        let imported = attribute.split('.').next().unwrap_or(attribute);
        let text = format!(
            "#!{interpreter}\n\
             import sys\n\
             from {module} import {imported}\n\
             if __name__ == \"__main__\":\n    \
             sys.exit({attribute}())\n"
        );
        Ok(Some((path, text)))
    }
}

/// The script with `interpreter` in its first line, if that line is one that an installer rewrites:
/// `#!python` or `#!pythonw` (binary distribution format, "Recommended installer features").
pub(super) fn rewrite_shebang(script: &[u8], interpreter: &str) -> Option<Vec<u8>> {
    let rest = script.strip_prefix(b"#!python")?;
    let rest = rest.strip_prefix(b"w").unwrap_or(rest);
    if !rest.first().is_none_or(u8::is_ascii_whitespace) {
        return None;
    }
    Some([b"#!", interpreter.as_bytes(), rest].concat())
}

fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[console_scripts]
# a comment
one = pkg.mod:main
two=pkg:App.run [cli, web]

[ other ]
three = pkg:no

[gui_scripts]
four = pkg:window
";

    fn scripts(text: &str, extras: &[&str]) -> Vec<String> {
        let extras = extras
            .iter()
            .map(|extra| ExtraName::from_str(extra).expect("valid"))
            .collect();
        parse_entry_points(text)
            .iter()
            .filter_map(|entry| entry.script("/x/python3.13", &extras).transpose())
            .map(|script| match script {
                Ok((path, text)) => format!("{path}\n{text}"),
                Err(fault) => fault.to_string(),
            })
            .collect()
    }

    #[test]
    fn entry_points_become_scripts() {
        insta::assert_snapshot!(scripts(TEXT, &["cli", "web"]).join("\n"), @r#"
        one
        #!/x/python3.13
        import sys
        from pkg.mod import main
        if __name__ == "__main__":
            sys.exit(main())

        two
        #!/x/python3.13
        import sys
        from pkg import App
        if __name__ == "__main__":
            sys.exit(App.run())

        four
        #!/x/python3.13
        import sys
        from pkg import window
        if __name__ == "__main__":
            sys.exit(window())
        "#);
        assert_eq!(scripts(TEXT, &["cli"]).len(), 2);
    }

    #[test]
    fn entry_points_that_cannot_be_scripts() {
        let text = "[console_scripts]\na = pkg\nb = os:system('x')\n../c = pkg:f\nd = p:f [x\n";
        insta::assert_snapshot!(scripts(text, &[]).join("\n"), @r"
        the entry point `a = pkg` names no function behind a `:`
        the entry point `b = os:system(\'x\')` does not name a function of a module
        the entry point `../c = pkg:f` has a name that is no file name
        the entry point `d = p:f [x` has a bracket in the wrong place
        ");
    }

    #[test]
    fn only_the_python_shebang_is_rewritten() {
        let rewrite = |text: &str| {
            rewrite_shebang(text.as_bytes(), "/x/python3.13")
                .map(|bytes| String::from_utf8(bytes).expect("text"))
        };
        assert_eq!(rewrite("#!python\nx"), Some("#!/x/python3.13\nx".into()));
        assert_eq!(
            rewrite("#!pythonw -E\n"),
            Some("#!/x/python3.13 -E\n".into())
        );
        assert_eq!(rewrite("#!python3\nx"), None);
        assert_eq!(rewrite("#!/usr/bin/env python\n"), None);
        assert_eq!(rewrite("#!/bin/sh\n"), None);
    }
}
