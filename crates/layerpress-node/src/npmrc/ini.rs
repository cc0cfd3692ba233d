//! The text of an `.npmrc`: npm's kind of INI (its packages `ini` 6 and `@npmcli/config` 10.x).

/// What a setting is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// One text; a key alone is `true`.
    Text(String),
    /// What was written with `key[] =`.
    List(Vec<String>),
}

/// The settings of a text, in its order, as they stand: variables are not put in yet. What follows a
/// `[section]` sets nothing.
pub(super) fn parse(text: &str) -> Vec<(String, Value)> {
    let mut settings: Vec<(String, Value)> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.split(['\r', '\n']) {
        let start = line.trim_start();
        if start.is_empty() || start.starts_with([';', '#']) || line.starts_with('=') {
            continue;
        }
        if is_section(line) {
            break;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (unquoted(key), unquoted(value)),
            None => (unquoted(line), "true".to_owned()),
        };
        let (key, is_list) = match key.strip_suffix("[]") {
            Some(list) if !list.is_empty() => (list.to_owned(), true),
            _ => (key, false),
        };
        match settings.iter_mut().find(|(known, _)| *known == key) {
            Some((_, Value::List(list))) => list.push(value),
            Some((_, known)) if is_list => {
                if let Value::Text(first) = known {
                    *known = Value::List(vec![std::mem::take(first), value]);
                }
            }
            Some((_, known)) => *known = Value::Text(value),
            None if is_list => settings.push((key, Value::List(vec![value]))),
            None => settings.push((key, Value::Text(value))),
        }
    }
    settings
}

/// `[anything]`, with nothing but white space behind it.
fn is_section(line: &str) -> bool {
    let inside = line
        .strip_prefix('[')
        .and_then(|rest| rest.trim_end().strip_suffix(']'));
    inside.is_some_and(|inside| !inside.contains(']'))
}

/// A key or value without its quotes, or without what follows a `;` or `#` that no backslash
/// precedes.
fn unquoted(raw: &str) -> String {
    let raw = raw.trim();
    let quoted = |quote: char| raw.starts_with(quote) && raw.ends_with(quote);
    if quoted('"') {
        return json_text(raw).unwrap_or_else(|| raw.to_owned());
    }
    if quoted('\'') {
        let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
        return json_text(inside).unwrap_or_else(|| inside.to_owned());
    }
    let mut out = String::with_capacity(raw.len());
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ';' | '#' => break,
            '\\' => match letters.next() {
                Some(escaped @ ('\\' | ';' | '#')) => out.push(escaped),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            letter => out.push(letter),
        }
    }
    out.trim().to_owned()
}

fn json_text(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// Puts variables in: `${NAME}`, which stays as it is when there is none of that name, and
/// `${NAME?}`, which is then nothing. A backslash before it keeps it.
pub(super) fn expanded<'v>(text: &str, variable: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, found) = rest.split_at(at);
        let Some((name, modifier, length)) = reference(found) else {
            // npm's pattern starts anew at the next `$`.
            out.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
            continue;
        };
        let plain = before.trim_end_matches('\\');
        let backslashes = before.len() - plain.len();
        out.push_str(plain);
        out.extend(std::iter::repeat_n('\\', backslashes / 2));
        if backslashes % 2 == 1 {
            out.push_str(&found[..length]);
        } else {
            match variable(name) {
                Some(value) => out.push_str(value),
                None if modifier => {}
                None => out.extend(["${", name, "}"]),
            }
        }
        rest = &found[length..];
    }
    out.push_str(rest);
    out
}

/// The name in a `${NAME}` at the start of a text, whether a `?` follows it, and the whole length.
fn reference(text: &str) -> Option<(&str, bool, usize)> {
    let inside = text.strip_prefix("${")?;
    let end = inside.find(['$', '{', '}', '?'])?;
    let (name, rest) = inside.split_at(end);
    let modifier = rest.starts_with('?');
    let closed = if modifier { &rest[1..] } else { rest };
    let length = 2 + end + usize::from(modifier) + 1;
    (!name.is_empty() && closed.starts_with('}')).then_some((name, modifier, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let shown = |value: &Value| match value {
            Value::Text(text) => format!("{text:?}"),
            Value::List(list) => format!("{list:?}"),
        };
        parse(text)
            .iter()
            .map(|(key, value)| format!("{key}: {}\n", shown(value)))
            .collect()
    }

    #[test]
    fn settings_are_read_as_npm_reads_them() {
        // Compared with npm's own `ini` 6.0: see `tests/compare`.
        insta::assert_snapshot!(read(concat!(
            "\u{feff}registry = https://r.example/ \r\n",
            "; a comment\n  # another\n=nothing\n\n",
            "@a:registry=https://a.example/;not a comment in a URL\n",
            "//h.example/:_authToken=\"a=b;c#d\"\n",
            "quoted = 'it is'\nhalf=\"open\nescaped=a\\;b\\#c\\\\d\\e\n",
            "alone\nempty=\n",
            "list[]=one\nlist[] = two\nlist=three\n",
            "late=one\nlate[]=two\n[]=x\n",
            "twice=1\ntwice=2\n",
            "ca=\"-----BEGIN\\nEND\"\n",
            "[section]\nhidden=1\n",
        )), @r#"
        registry: "https://r.example/"
        @a:registry: "https://a.example/"
        //h.example/:_authToken: "a=b;c#d"
        quoted: "it is"
        half: "\"open"
        escaped: "a;b#c\\d\\e"
        alone: "true"
        empty: ""
        list: ["one", "two", "three"]
        late: ["one", "two"]
        []: "x"
        twice: "2"
        ca: "-----BEGIN\nEND"
        "#);
    }

    #[test]
    fn variables_are_put_in() {
        let variable = |name: &str| match name {
            "A" => Some("1"),
            "EMPTY" => Some(""),
            _ => None,
        };
        let put = |text: &str| expanded(text, variable);
        assert_eq!(put("x${A}y${A}"), "x1y1");
        assert_eq!(put("[${EMPTY}${NONE?}]"), "[]");
        assert_eq!(put("${NONE}"), "${NONE}");
        assert_eq!(put("\\${A}"), "${A}");
        assert_eq!(put("\\\\${A}"), "\\1");
        assert_eq!(put("\\\\\\${A?}"), "\\${A?}");
        assert_eq!(put("${${A}}"), "${1}");
        assert_eq!(put("$A ${} ${A ${?}"), "$A ${} ${A ${?}");
        assert_eq!(put("a\\b"), "a\\b");
    }
}
