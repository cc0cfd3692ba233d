//! PEP 691 pages: the same in JSON, with sizes and upload times (PEP 700).
//!
//! The document must be JSON of a known major version; of its files, each that is not as it should
//! be is left out and the others stay.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use url::Url;

use super::error::PageFault;
use super::link::{self, Advertised, Link, canonical_hash};

/// Reads the files that a page lists, in the page's order.
///
/// `url` is where the page came from, after redirects.
///
/// # Errors
/// [`PageFault::Json`] if it is not JSON, or not an object; [`PageFault::ApiVersion`] if it declares
/// a newer major version.
pub(crate) fn parse(json: &[u8], url: &Url) -> Result<Vec<Link>, PageFault> {
    let page: Object<Page<'_>> = serde_json::from_slice(json).map_err(|error| PageFault::Json {
        reason: error.to_string(),
    })?;
    let page = page.0.ok_or_else(|| PageFault::Json {
        reason: "not an object".to_owned(),
    })?;
    if let Some(Value::Text(version)) = page.meta.0.map(|meta| meta.api_version) {
        check_api_version(&version)?;
    }
    let files = page.files.ok_or_else(|| PageFault::Json {
        reason: "it has no list of `files`".to_owned(),
    })?;
    Ok(files
        .0
        .into_iter()
        .filter_map(|file| link(&file.0?, url))
        .collect())
}

/// Refuses a declared version whose major part is above 1; one that cannot be read is let pass.
pub(crate) fn check_api_version(version: &str) -> Result<(), PageFault> {
    let major = version
        .split('.')
        .next()
        .and_then(|m| m.parse::<u64>().ok());
    if major.is_some_and(|major| major > 1) {
        return Err(PageFault::ApiVersion {
            found: version.chars().take(20).collect(),
        });
    }
    Ok(())
}

fn link(file: &File<'_>, base: &Url) -> Option<Link> {
    let (mut link, _) = Link::new(base, file.url.text()?)?;
    if let Some(name) = file.filename.text() {
        if name.is_empty() || name.contains(['/', '\\', '\0']) {
            return None;
        }
        name.clone_into(&mut link.file_name);
    }
    for (algorithm, hex) in file.hashes.pairs() {
        link.add_hash(algorithm, hex);
    }
    link.size = match file.size {
        Value::Number(bytes) => Some(bytes),
        _ => None,
    };
    link.upload_time = file
        .upload_time
        .text()
        .and_then(|time| time.parse::<Timestamp>().ok())
        .map(Timestamp::as_millisecond);
    link.requires_python = file.requires_python.text().map(str::to_owned);
    link.yanked = match &file.yanked {
        Value::Bool(true) => Some(String::new()),
        Value::Text(reason) if !reason.is_empty() => Some(link::one_line(reason)),
        _ => None,
    };
    link.core_metadata = [
        &file.core_metadata,
        &file.dist_info_metadata,
        &file.data_dist_info_metadata,
    ]
    .into_iter()
    .map(advertised)
    .find(|advertised| *advertised != Advertised::Unsaid)
    .unwrap_or_default();
    Some(link)
}

fn advertised(value: &Value<'_>) -> Advertised {
    match value {
        Value::Bool(true) => Advertised::Yes(None),
        Value::Map(_) => Advertised::Yes(
            value
                .pairs()
                .find_map(|(algorithm, hex)| canonical_hash(algorithm, hex)),
        ),
        _ => Advertised::Unsaid,
    }
}

#[derive(Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
#[derive(Default)]
struct Page<'a> {
    meta: Object<Meta<'a>>,
    files: Option<List<Object<File<'a>>>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case", bound(deserialize = "'de: 'a"))]
struct Meta<'a> {
    api_version: Value<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case", bound(deserialize = "'de: 'a"))]
struct File<'a> {
    filename: Value<'a>,
    url: Value<'a>,
    hashes: Value<'a>,
    size: Value<'a>,
    upload_time: Value<'a>,
    requires_python: Value<'a>,
    yanked: Value<'a>,
    core_metadata: Value<'a>,
    dist_info_metadata: Value<'a>,
    data_dist_info_metadata: Value<'a>,
}

/// Any value of a file's field; what no field holds is `Other`.
#[derive(Default)]
enum Value<'a> {
    #[default]
    Other,
    Bool(bool),
    Number(u64),
    Text(Cow<'a, str>),
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl Value<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = match self {
            Self::Map(pairs) => pairs.as_slice(),
            _ => &[],
        };
        pairs
            .iter()
            .filter_map(|(key, value)| Some((key.as_ref(), value.text()?)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor(PhantomData))
    }
}

struct ValueVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ValueVisitor<'a> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'a>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value<'a>, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value<'a>, E> {
        Ok(Value::Other)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'a>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'a>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value<'a>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = entries.next_key::<Value<'a>>()? {
            let value = entries.next_value()?;
            if let Value::Text(key) = key {
                pairs.push((key, value));
            }
        }
        Ok(Value::Map(pairs))
    }
}

/// An object of a known shape, or `None` for any other value.
struct Object<T>(Option<T>);

/// A list, empty for any other value.
struct List<T>(Vec<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Takes any value; `Shape` says what becomes of lists and objects.
struct Lenient<T>(PhantomData<T>);

trait Shape<'de>: Default + Sized {
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn object<A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for Object<T> {
    fn object<A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(entries)).map(|t| Self(Some(t)))
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for List<T> {
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Self(list))
    }
}

impl<'de, T: Shape<'de>> Visitor<'de> for Lenient<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        T::list(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::object(entries)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient::<Self>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lenient::<Self>(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::CompiledPage;
    use proptest::prelude::*;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(json: &str) -> Result<Vec<Link>, PageFault> {
        let page = Url::parse("https://index.example/simple/a/").expect("valid");
        parse(json.as_bytes(), &page)
    }

    #[test]
    fn every_key_is_read() {
        let found = read(&format!(
            r#"{{"meta": {{"api-version": "1.3", "_last-serial": 1}}, "name": "a", "versions": ["1"],
            "files": [{{"filename": "a-1-py3-none-any.whl", "url": "../../f/a-1-py3-none-any.whl",
            "hashes": {{"md5": "00", "sha256": "{SHA}"}}, "size": 12, "yanked": "bro\u006ben",
            "requires-python": ">=3.8", "upload-time": "2024-01-02T03:04:05.678901Z",
            "core-metadata": {{"sha256": "{SHA}"}}}},
            {{"filename": "a-2.zip", "url": "a-2.zip", "yanked": true, "hashes": {{}},
            "dist-info-metadata": true}}]}}"#
        ))
        .expect("valid");
        let hash = format!("sha256:{SHA}");
        assert_eq!(
            found[0],
            Link {
                file_name: "a-1-py3-none-any.whl".to_owned(),
                url: "https://index.example/f/a-1-py3-none-any.whl".to_owned(),
                hashes: vec![hash.clone()],
                size: Some(12),
                upload_time: Some(1_704_164_645_678),
                requires_python: Some(">=3.8".to_owned()),
                yanked: Some("broken".to_owned()),
                core_metadata: Advertised::Yes(Some(hash)),
            }
        );
        assert_eq!(found[1].yanked.as_deref(), Some(""));
        assert_eq!(found[1].core_metadata, Advertised::Yes(None));
    }

    #[test]
    fn bad_entries_cost_only_themselves() {
        let found = read(
            r#"{"meta": 3, "files": [1, null, [], "x", {}, {"url": 3}, {"url": "data:x"},
            {"url": "x.zip", "filename": "../x.zip"},
            {"url": "a-1.zip", "size": -1, "hashes": [], "yanked": {}, "upload-time": "late",
            "requires-python": null, "core-metadata": 1.5}]}"#,
        )
        .expect("valid");
        let names: Vec<_> = found.iter().map(|link| &*link.file_name).collect();
        assert_eq!(names, ["a-1.zip"]);
        assert_eq!((found[0].size, found[0].upload_time), (None, None));
        assert_eq!(read(r#"{"files": {}}"#), Ok(vec![]));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let said: Vec<_> = [
            "",
            "[]",
            "{\"files\": [",
            r#"{"meta": {"api-version": "2.0"}}"#,
            r#"{"error": "no such tenant"}"#,
        ]
        .into_iter()
        .map(|json| read(json).expect_err(json).to_string())
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        the index page is not valid JSON: EOF while parsing a value at line 1 column 0
        the index page is not valid JSON: not an object
        the index page is not valid JSON: EOF while parsing a list at line 1 column 11
        the index speaks version 2.0 of the simple API, only 1.x is understood
        the index page is not valid JSON: it has no list of `files`
        ");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{{\"files\": {}", "[".repeat(100_000));
        assert!(matches!(read(&deep), Err(PageFault::Json { .. })));
        let deep = format!("{{\"files\": [{{\"hashes\": {}", "{\"a\":".repeat(100_000));
        assert!(matches!(read(&deep), Err(PageFault::Json { .. })));
    }

    proptest! {
        #[test]
        fn no_page_panics(json in "(\\{\"files\":\\[\\{)?(\"(url|hashes|yanked)\":|[\\[\\]{},:0-9\"]|\\PC){0,40}") {
            let _ = read(&json);
        }

        /// A page that is right but for some of its bytes: read or refused, and what is read can
        /// be kept and opened.
        #[test]
        fn no_damage_to_a_page_panics(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)
        ) {
            let mut page = br#"{"meta": {"api-version": "1.1"}, "name": "a", "files": [
                {"filename": "a-1.0-py3-none-any.whl", "url": "https://files.example/a-1.0-py3-none-any.whl",
                 "hashes": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 "size": 10, "upload-time": "2026-01-02T03:04:05.6Z", "requires-python": ">=3.8,!=3.9.*",
                 "yanked": "was broken", "core-metadata": {"sha256": "00"}},
                {"filename": "a-1.1.tar.gz", "url": "../../files/a-1.1.tar.gz", "hashes": {}, "yanked": true}
                ]}"#
            .to_vec();
            for (at, value) in changes {
                let at = at.index(page.len());
                page[at] = value;
            }
            let name: pep508_rs::PackageName = "a".parse().expect("a name");
            let url = Url::parse("https://index.example/simple/a/").expect("valid");
            if let Ok(page) = CompiledPage::from_json(name, &page, &url) {
                let versions = page.open(&url).expect("just made");
                for shelf in versions.shelves() {
                    for at in 0..shelf.versions().len() {
                        for file in shelf.files(at) {
                            let _ = (file.wheel(), file.record(), file.yanked());
                        }
                    }
                }
            }
        }
    }
}
