//! PEP 503 pages: the anchors of an HTML document, and what their attributes say.
//!
//! A scanner for tags and attributes, not a parser of HTML: real index pages are flat, half of them
//! are written by hand, and nesting plays no part. What it does not understand it skips, so that one
//! odd anchor never costs a page. It runs in time linear in the page.

use url::Url;

use super::error::PageFault;
use super::json::check_api_version;
use super::link::{Advertised, Link, canonical_hash, one_line};

/// Reads the files that a page links to, in the page's order.
///
/// `url` is where the page came from, after redirects.
///
/// # Errors
/// [`PageFault::ApiVersion`] if the page declares a newer major version (PEP 629);
/// [`PageFault::Login`] if it has a form and links to no file.
pub(crate) fn parse(html: &str, url: &Url) -> Result<Vec<Link>, PageFault> {
    let mut base = url.clone();
    let mut based = false;
    let mut links = Vec::new();
    let mut has_form = false;
    for tag in Tags::new(html) {
        match tag.name {
            name if name.eq_ignore_ascii_case("a") => links.extend(anchor(&tag, &base)),
            name if name.eq_ignore_ascii_case("base") && !based => {
                if let Some(joined) = tag.attribute("href").and_then(|h| url.join(&h).ok()) {
                    base = joined;
                    based = true;
                }
            }
            name if name.eq_ignore_ascii_case("meta")
                && tag.attribute("name").as_deref() == Some("pypi:repository-version") =>
            {
                check_api_version(&tag.attribute("content").unwrap_or_default())?;
            }
            name if name.eq_ignore_ascii_case("form") => has_form = true,
            _ => {}
        }
    }
    let any_file = links.iter().any(|link| looks_like_file(&link.file_name));
    if has_form && !any_file {
        return Err(PageFault::Login);
    }
    Ok(links)
}

fn looks_like_file(name: &str) -> bool {
    [".whl", ".tar.gz", ".tgz", ".zip"]
        .into_iter()
        .any(|extension| name.ends_with(extension))
}

fn anchor(tag: &Tag<'_>, base: &Url) -> Option<Link> {
    let (mut link, fragment) = Link::new(base, &tag.attribute("href")?)?;
    for part in fragment.as_deref().unwrap_or_default().split('&') {
        if let Some((algorithm, hex)) = part.split_once('=') {
            link.add_hash(algorithm, hex);
        }
    }
    link.requires_python = tag.attribute("data-requires-python");
    link.yanked = tag.attribute("data-yanked").map(|it| one_line(&it));
    link.core_metadata = tag
        .attribute("data-core-metadata")
        .or_else(|| tag.attribute("data-dist-info-metadata"))
        .map_or(Advertised::Unsaid, |value| advertised(&value));
    Some(link)
}

fn advertised(value: &str) -> Advertised {
    match value.split_once('=') {
        Some((algorithm, hex)) => Advertised::Yes(canonical_hash(algorithm, hex)),
        None if value.eq_ignore_ascii_case("false") => Advertised::Unsaid,
        None => Advertised::Yes(None),
    }
}

/// An opening tag.
struct Tag<'a> {
    name: &'a str,
    /// What stands between the name and the closing `>`.
    attributes: &'a str,
}

impl Tag<'_> {
    /// The value of an attribute, entities decoded: empty if it stands alone, `None` if absent.
    fn attribute(&self, name: &str) -> Option<String> {
        Attributes(self.attributes)
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| decoded(value))
    }
}

/// The opening tags of a document.
struct Tags<'a> {
    rest: &'a str,
}

impl<'a> Tags<'a> {
    fn new(html: &'a str) -> Self {
        Self { rest: html }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            self.rest = &self.rest[self.rest.find('<')? + 1..];
            if let Some(comment) = self.rest.strip_prefix("!--") {
                self.rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
                continue;
            }
            if !self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            let name_end = self
                .rest
                .find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'))
                .unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(name_end);
            // A quote that nothing closes is a stray one. A tag that nothing closes is the end of a
            // page that was cut off.
            let end = tag_end(rest).or_else(|| rest.find('>'))?;
            let attributes = &rest[..end];
            self.rest = &rest[end..];
            for raw in ["script", "style"] {
                if name.eq_ignore_ascii_case(raw) {
                    self.rest = after_raw_text(self.rest, raw);
                }
            }
            return Some(Tag { name, attributes });
        }
    }
}

/// Where the tag ends: at the first `>` outside quotes, if there is one.
fn tag_end(rest: &str) -> Option<usize> {
    let mut quote = None;
    let mut after_equals = false;
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return Some(at),
            // A quote opens a value only after `=`; elsewhere it is a stray character.
            (None, b'"' | b'\'') if after_equals => quote = Some(byte),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            after_equals = quote.is_none() && byte == b'=';
        }
    }
    None
}

/// The rest after `</script`, compared without case.
fn after_raw_text<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut at = 0;
    while let Some(found) = rest[at..].find("</") {
        at += found + 2;
        if rest.as_bytes()[at..]
            .get(..name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
        {
            return &rest[at..];
        }
    }
    ""
}

/// Iterates over (name, raw value).
struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let separator = |c: char| c.is_ascii_whitespace() || c == '/';
        let text = self.0.trim_start_matches(separator);
        if text.is_empty() {
            return None;
        }
        let name_end = text
            .char_indices()
            .skip(1)
            .find(|(_, c)| separator(*c) || *c == '=')
            .map_or(text.len(), |(at, _)| at);
        let (name, rest) = text.split_at(name_end);
        let after_name = rest.trim_ascii_start();
        let Some(value) = after_name.strip_prefix('=') else {
            self.0 = rest;
            return Some((name, ""));
        };
        let value = value.trim_ascii_start();
        let quoted = value
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))
            .and_then(|quote| value[1..].split_once(quote));
        if let Some((inside, rest)) = quoted {
            self.0 = rest;
            return Some((name, inside));
        }
        let end = value
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(value.len());
        self.0 = &value[end..];
        Some((name, &value[..end]))
    }
}

/// Decodes the five entities that attribute values on index pages use, and numeric ones.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        // The longest entity here is `&#x10ffff;`.
        let entity = rest
            .bytes()
            .take(10)
            .position(|byte| byte == b';')
            .and_then(|end| Some((entity(&rest[1..end])?, end + 1)));
        let (character, length) = entity.unwrap_or(('&', 1));
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#')?.strip_prefix(['x', 'X']) {
            Some(hex) => number(hex, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn links(html: &str) -> Vec<Link> {
        parse(html, &page()).expect("valid")
    }

    fn page() -> Url {
        Url::parse("https://index.example/simple/a/").expect("valid")
    }

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn every_attribute_is_read() {
        let html = format!(
            "<!DOCTYPE html><html><head><base href=\"/files/\"></head><body>\
             <!-- <a href=\"no-1.tar.gz\">no</a> -->\
             <A HREF='a-1.0%2Bcpu-py3-none-any.whl#sha256={SHA}' data-requires-python='&gt;=3.8,&#60;4'\n\
             data-yanked=\"it &quot;broke&quot;&#10; badly\" data-core-metadata=sha256={SHA}>a</A>\
             <a data-yanked href=a-2.tar.gz data-dist-info-metadata=true />"
        );
        let found = links(&html);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].file_name, "a-1.0+cpu-py3-none-any.whl");
        assert_eq!(
            found[0].url,
            "https://index.example/files/a-1.0%2Bcpu-py3-none-any.whl"
        );
        assert_eq!(found[0].hashes, [format!("sha256:{SHA}")]);
        assert_eq!(found[0].requires_python.as_deref(), Some(">=3.8,<4"));
        assert_eq!(found[0].yanked.as_deref(), Some("it \"broke\" badly"));
        assert_eq!(
            found[0].core_metadata,
            Advertised::Yes(Some(format!("sha256:{SHA}")))
        );
        assert_eq!(found[1].yanked.as_deref(), Some(""));
        assert_eq!(found[1].core_metadata, Advertised::Yes(None));
    }

    #[test]
    fn odd_markup_costs_only_itself() {
        let html = "<a>none</a><a href>x</a><a href=\"mailto:x\">m</a>\
            <script>if (a < b) { '<a href=\"no-1.zip\">' }</SCRIPT>\
            <a href=\"a-1.zip\" title=\"a > b\">1</a> 1 < 2 <b <a href='no-2.zip'>\
            <a href='a-3.zip title=x>3<a href=a-4.zip>4<a href=\"no-5.zip";
        let names: Vec<_> = links(html).into_iter().map(|link| link.file_name).collect();
        assert_eq!(names, ["a-1.zip", "'a-3.zip", "a-4.zip"]);
    }

    #[test]
    fn an_empty_page_is_a_page_and_a_form_is_not() {
        assert_eq!(links("<html><body><h1>Links for a</h1></body></html>"), []);
        assert_eq!(links(""), []);
        let login = "<form action=/login><input type=password></form><a href=/help>help</a>";
        assert_eq!(parse(login, &page()), Err(PageFault::Login));
        let search = "<form></form><a href=a-1.zip>a</a>";
        assert_eq!(links(search).len(), 1);
    }

    #[test]
    fn a_newer_major_version_is_refused() {
        let of = |version| {
            let html = format!("<meta name=\"pypi:repository-version\" content=\"{version}\">");
            parse(&html, &page())
        };
        assert_eq!(of("1.9"), Ok(vec![]));
        assert_eq!(
            of("2.0"),
            Err(PageFault::ApiVersion {
                found: "2.0".to_owned()
            })
        );
    }

    proptest! {
        #[test]
        fn no_page_panics(html in "(<a |href=|[<>='\"&;#!/ -]|\\PC){0,60}") {
            let _ = parse(&html, &page());
        }
    }
}
