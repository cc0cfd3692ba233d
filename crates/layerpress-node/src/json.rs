//! A JSON value whose objects keep their order and whose texts stay where they are.
//!
//! For the fields that hold different things in different packages; everything with one form is
//! read without it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::manifest::{Pairs, clean_bin};

/// Any JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Json<'de> {
    #[default]
    Null,
    Bool(bool),
    /// As JavaScript would write it.
    Number(String),
    Text(Cow<'de, str>),
    List(Vec<Json<'de>>),
    Object(Vec<(Cow<'de, str>, Json<'de>)>),
}

impl<'de> Json<'de> {
    /// Reads a value; of an object the entries of these keys alone.
    pub(crate) fn only<D: Deserializer<'de>>(
        from: D,
        keys: &'static [&'static str],
    ) -> Result<Json<'de>, D::Error> {
        from.deserialize_any(Any { keys: Some(keys) })
    }

    /// The value of a key; of keys given twice the last. Null when there is none.
    pub(crate) fn get(&self, key: &str) -> &Json<'de> {
        self.entries()
            .rfind(|(name, _)| *name == key)
            .map_or(&Json::Null, |(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Json::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The entries of an object; none for anything else.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = (&str, &Json<'de>)> {
        let entries = if let Json::Object(entries) = self {
            entries.as_slice()
        } else {
            &[]
        };
        entries.iter().map(|(name, value)| (&**name, value))
    }

    /// The texts of a list, or the one that stands in its place.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match self {
            Json::Text(text) => vec![text],
            Json::List(list) => list.iter().filter_map(Json::text).collect(),
            _ => Vec::new(),
        }
    }

    /// What JavaScript takes for true.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Json::Null => false,
            Json::Bool(value) => *value,
            Json::Number(number) => number != "0",
            Json::Text(text) => !text.is_empty(),
            Json::List(_) | Json::Object(_) => true,
        }
    }

    /// The value as a lockfile repeats it: nothing for what is empty or false.
    pub(crate) fn kept(&self) -> Option<String> {
        let empty = match self {
            Json::List(list) => list.is_empty(),
            Json::Object(entries) => entries.is_empty(),
            other => !other.is_true(),
        };
        (!empty).then(|| self.to_string())
    }

    /// As `license`: its name alone where it is an object with one.
    pub(crate) fn license(&self) -> Option<String> {
        let of = self.get("type");
        if of.is_true() { of.kept() } else { self.kept() }
    }

    /// As `funding`: an object with an address where it is a text.
    pub(crate) fn funding(&self) -> Option<String> {
        match self {
            Json::Text(url) if !url.is_empty() => {
                Json::Object(vec![("url".into(), self.clone())]).kept()
            }
            other => other.kept(),
        }
    }

    /// As `peerDependenciesMeta`: the peers that may be missing.
    pub(crate) fn optional_peers(&self) -> Vec<&str> {
        let optional = |(name, of): (_, &Json<'_>)| of.get("optional").is_true().then_some(name);
        self.entries().filter_map(optional).collect()
    }

    /// As `scripts`: whether npm would run one after unpacking.
    pub(crate) fn has_install_script(&self) -> bool {
        ["preinstall", "install", "postinstall"]
            .iter()
            .any(|script| self.get(script).text().is_some_and(|text| !text.is_empty()))
    }

    /// As `bin` of the package `name`.
    pub(crate) fn bin(&self, name: Option<&str>) -> Pairs {
        match (self, name) {
            (Json::Text(path), Some(name)) => clean_bin([(name, &**path)]),
            (Json::List(paths), _) => {
                clean_bin(paths.iter().filter_map(Json::text).map(|path| (path, path)))
            }
            (Json::Object(_), _) => clean_bin(
                self.entries()
                    .filter_map(|(name, path)| Some((name, path.text()?))),
            ),
            _ => Pairs::new(),
        }
    }

    /// As a map of dependencies: what is no text is passed over, of names given twice the last
    /// counts.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for (name, value) in self.entries() {
            if let Some(text) = value.text() {
                pairs.push((name, text));
            }
        }
        // Twice the same name is rare; the common case costs nothing.
        if has_twins(&pairs) {
            let all = std::mem::take(&mut pairs);
            for (name, text) in all {
                pairs.retain(|(other, _)| *other != name);
                pairs.push((name, text));
            }
        }
        pairs
    }

    /// As `bundleDependencies`; `dependencies` are the names of the package's own.
    pub(crate) fn bundled<'t>(&self, dependencies: impl Iterator<Item = &'t str>) -> Vec<Arc<str>> {
        match self {
            Json::Bool(true) => dependencies.map(Arc::from).collect(),
            Json::List(_) => self.texts().into_iter().map(Arc::from).collect(),
            Json::Object(_) => self.entries().map(|(name, _)| Arc::from(name)).collect(),
            _ => Vec::new(),
        }
    }
}

fn has_twins(pairs: &[(&str, &str)]) -> bool {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Writes the value as JSON without spaces.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(number) => f.write_str(number),
            Json::Text(text) => put_quoted(f, text),
            Json::List(list) => {
                for (at, value) in list.iter().enumerate() {
                    write!(f, "{}{value}", if at == 0 { "[" } else { "," })?;
                }
                f.write_str(if list.is_empty() { "[]" } else { "]" })
            }
            Json::Object(entries) => {
                for (at, (name, value)) in entries.iter().enumerate() {
                    f.write_str(if at == 0 { "{" } else { "," })?;
                    put_quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str(if entries.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

/// Writes a text as JSON.
pub(crate) fn put_quoted(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    if text
        .bytes()
        .any(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
    {
        return write!(out, "{}", serde_json::Value::from(text));
    }
    out.write_char('"')?;
    out.write_str(text)?;
    out.write_char('"')
}

impl<'de: 'j, 'j> Deserialize<'de> for Json<'j> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Json<'j>, D::Error> {
        from.deserialize_any(Any { keys: None })
    }
}

/// Takes any value; of an object the entries of some keys alone, if there are such.
struct Any {
    keys: Option<&'static [&'static str]>,
}

impl<'de> Visitor<'de> for Any {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.to_string()))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match self.keys {
                Some(keys) if !keys.contains(&&*key.0) => drop(map.next_value::<IgnoredAny>()?),
                _ => entries.push((key.0, map.next_value()?)),
            }
        }
        Ok(Json::Object(entries))
    }
}

/// A key, borrowed where it holds no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Key<'de>, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
        }
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Json<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_value_is_written_as_it_was_read() {
        for text in [
            r#"{"b":[1,-2,0.5,true,null,"\u001b\"é"],"a":{},"c":[]}"#,
            "[]",
            "null",
        ] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    #[test]
    fn of_names_given_twice_the_last_counts_and_stands_last() {
        let pairs = read(r#"{"a":"1","b":"2","a":"3","c":4}"#);
        assert_eq!(pairs.pairs(), [("b", "2"), ("a", "3")]);
        assert_eq!(pairs.get("a").text(), Some("3"));
    }
}
