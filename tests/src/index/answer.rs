//! The right answers: pages, files, metadata, ranges, revalidation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::PackageIndex;
use crate::loopback::{Answer, Request};
use crate::package::{BuiltPackage, hex, normalized};

/// What a well-behaved index answers.
pub(crate) fn right(index: &PackageIndex, request: &Request) -> Answer {
    if let Some((user, password)) = &index.features.login {
        let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        if request.headers.get("authorization") != Some(&expected) {
            return Answer::plain(401, "who are you?\n")
                .with("WWW-Authenticate", "Basic realm=\"index\"");
        }
    }
    let path = request.path.split('?').next().unwrap_or_default();
    if let Some(name) = path.strip_prefix("/simple/") {
        page(index, request, name)
    } else if let Some(name) = path.strip_prefix("/files/") {
        file(index, request, name)
    } else {
        Answer::plain(404, "not here\n")
    }
}

fn page(index: &PackageIndex, request: &Request, path: &str) -> Answer {
    let name = path.trim_end_matches('/');
    if !path.ends_with('/') || normalized(name) != name {
        let location = format!("/simple/{}/", normalized(name));
        return Answer::plain(301, "").with("Location", &location);
    }
    let Some(packages) = index.projects.get(name) else {
        return Answer::plain(404, "no such project\n");
    };
    let accepts = request.headers.get("accept").map_or("", String::as_str);
    let (media_type, body) =
        if index.features.json && (accepts.contains("v1+json") || !index.features.html) {
            (
                "application/vnd.pypi.simple.v1+json",
                json_page(index, name, packages),
            )
        } else {
            ("text/html; charset=utf-8", html_page(index, name, packages))
        };
    let mut answer = Answer::new(200, media_type, body.into_bytes()).with("Vary", "Accept");
    if let Some(value) = &index.features.cache_control {
        answer = answer.with("Cache-Control", value);
    }
    if index.features.etags {
        answer = answer.tagged(request);
    }
    if index.features.gzip {
        answer = answer.compressed(request);
    }
    answer
}

fn json_page(index: &PackageIndex, name: &str, packages: &[BuiltPackage]) -> String {
    let files: Vec<_> = packages
        .iter()
        .map(|package| {
            let mut file = json!({
                "filename": package.file_name,
                "url": format!("../../files/{}", package.file_name),
                "hashes": {},
                "size": package.bytes.len(),
                "upload-time": package.uploaded,
                "yanked": package.yanked.as_ref().map_or(json!(false), |reason| json!(reason)),
            });
            if index.features.hashes {
                file["hashes"] = json!({ "sha256": package.sha256() });
            }
            if let Some(specifiers) = &package.requires_python {
                file["requires-python"] = json!(specifiers);
            }
            if let Some(metadata) = &package.metadata
                && index.features.core_metadata
            {
                let digest = hex(&Sha256::digest(metadata.as_bytes()));
                file["core-metadata"] = json!({ "sha256": digest });
            }
            file
        })
        .collect();
    json!({ "meta": { "api-version": "1.1" }, "name": name, "files": files }).to_string()
}

fn html_page(index: &PackageIndex, name: &str, packages: &[BuiltPackage]) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.1\">\
         <title>Links for {name}</title></head><body><h1>Links for {name}</h1>\n"
    );
    for package in packages {
        let mut attributes = String::new();
        if let Some(specifiers) = &package.requires_python {
            let specifiers = specifiers.replace('<', "&lt;").replace('>', "&gt;");
            attributes.push_str(&format!(" data-requires-python=\"{specifiers}\""));
        }
        if let Some(reason) = &package.yanked {
            attributes.push_str(&format!(" data-yanked=\"{reason}\""));
        }
        if let Some(metadata) = &package.metadata
            && index.features.core_metadata
        {
            let digest = hex(&Sha256::digest(metadata.as_bytes()));
            attributes.push_str(&format!(" data-core-metadata=\"sha256={digest}\""));
        }
        let fragment = if index.features.hashes {
            format!("#sha256={}", package.sha256())
        } else {
            String::new()
        };
        page.push_str(&format!(
            "<a href=\"../../files/{0}{fragment}\"{attributes}>{0}</a><br>\n",
            package.file_name
        ));
    }
    page + "</body></html>\n"
}

fn file(index: &PackageIndex, request: &Request, name: &str) -> Answer {
    let packages = || index.projects.values().flatten();
    let answer = |body: Vec<u8>| {
        Answer::new(200, "application/octet-stream", body)
            .with("Cache-Control", "max-age=365000000, immutable, public")
    };
    if let Some(wheel) = name.strip_suffix(".metadata") {
        let found = packages().find(|package| package.file_name == wheel);
        return match found.and_then(|package| package.metadata.clone()) {
            Some(metadata) if index.features.core_metadata => answer(metadata.into_bytes()),
            _ => Answer::plain(404, "no metadata beside it\n"),
        };
    }
    let Some(package) = packages().find(|package| package.file_name == name) else {
        return Answer::plain(404, "no such file\n");
    };
    let answer =
        answer(package.bytes.clone()).with("ETag", &format!("\"{}\"", &package.sha256()[..16]));
    if !index.features.ranges {
        return answer;
    }
    let answer = answer.with("Accept-Ranges", "bytes");
    match request.headers.get("range") {
        Some(range) => ranged(answer, range),
        None => answer,
    }
}

/// The part of an answer that a `Range` header asks for (RFC 9110, section 14).
fn ranged(mut answer: Answer, range: &str) -> Answer {
    let total = answer.body.len();
    let bounds = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'));
    let (start, end) = match bounds {
        Some(("", last)) => {
            let length = last.parse::<usize>().unwrap_or(0);
            (total.saturating_sub(length), total)
        }
        Some((first, "")) => (first.parse().unwrap_or(total), total),
        Some((first, last)) => {
            let last = last.parse::<usize>().unwrap_or(0).saturating_add(1);
            (first.parse().unwrap_or(total), last.min(total))
        }
        None => return answer,
    };
    if start >= end {
        return Answer::plain(416, "").with("Content-Range", &format!("bytes */{total}"));
    }
    answer.status = 206;
    answer.body = answer.body[start..end].to_vec();
    let content_range = format!("bytes {start}-{}/{total}", end - 1);
    answer.with("Content-Range", &content_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_as_asked() {
        let body = || Answer::new(200, "application/octet-stream", b"0123456789".to_vec());
        let part = |range: &str| {
            let answer = ranged(body(), range);
            (
                answer.status,
                String::from_utf8_lossy(&answer.body).into_owned(),
            )
        };
        assert_eq!(part("bytes=2-4"), (206, "234".to_owned()));
        assert_eq!(part("bytes=-3"), (206, "789".to_owned()));
        assert_eq!(part("bytes=8-"), (206, "89".to_owned()));
        assert_eq!(part("bytes=-99"), (206, "0123456789".to_owned()));
        assert_eq!(part("bytes=10-12").0, 416);
    }
}
