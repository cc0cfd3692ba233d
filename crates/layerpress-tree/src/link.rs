//! [`follow`]: where a symbolic link leads, as a path inside the layer.

use std::collections::VecDeque;

/// Why a link leads to nothing inside the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It leads to no place at all.
    #[error("names no path")]
    NoPath,
    /// It leads to a place of whatever machine it is unpacked on.
    #[error("leads to an absolute path")]
    Absolute,
    /// It climbs out of the layer.
    #[error("leads out of the layer")]
    Outside,
    /// It leads to itself, by way of others or at once.
    #[error("leads in a circle")]
    Circle,
}

/// Where a layer is unpacked (AWS Lambda developer guide, "Packaging layers"): the one absolute path
/// that every link in a layer may name.
const HOME: &str = "/opt";

/// The most links that Linux follows on the way to one file (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The path inside the layer that the link at `path` to `target` leads to; empty for the layer's own
/// folder. Other links on the way, told by `link_at`, are followed as a system would follow them;
/// whether something stands there is not asked.
///
/// # Errors
/// A [`LinkError`] for a link that leads to no place inside the layer.
pub fn follow<'a>(
    path: &str,
    target: &'a str,
    link_at: impl Fn(&str) -> Option<&'a str>,
) -> Result<String, LinkError> {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut at: Vec<String> = components(parent).map(str::to_owned).collect();
    let mut ahead = VecDeque::new();
    let mut followed = 0;
    let mut next = Some(target);
    loop {
        if let Some(target) = next.take() {
            followed += 1;
            if followed > MOST_LINKS {
                return Err(LinkError::Circle);
            }
            let relative = relative(target)?;
            if relative.len() != target.len() {
                at.clear();
            }
            for component in components(relative).rev() {
                ahead.push_front(component);
            }
        }
        let Some(component) = ahead.pop_front() else {
            return Ok(at.join("/"));
        };
        if component == ".." {
            at.pop().ok_or(LinkError::Outside)?;
            continue;
        }
        at.push(component.to_owned());
        next = link_at(&at.join("/"));
        if next.is_some() {
            at.pop();
        }
    }
}

/// The part of `target` that is relative to the link's folder, or to the layer's.
fn relative(target: &str) -> Result<&str, LinkError> {
    if target.is_empty() || target.contains('\0') {
        return Err(LinkError::NoPath);
    }
    match target.strip_prefix(HOME) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(rest),
        _ if target.starts_with('/') => Err(LinkError::Absolute),
        _ => Ok(target),
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    let parts = path.split('/');
    parts.filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn led(links: &[(&str, &str)], path: &str) -> Result<String, LinkError> {
        let links: BTreeMap<&str, &str> = links.iter().copied().collect();
        follow(path, links[path], |at| links.get(at).copied())
    }

    #[test]
    fn links_lead_where_a_system_would_follow_them() {
        for (target, found) in [
            ("libx.so.1", "lib/libx.so.1"),
            ("./a/../libx.so.1", "lib/libx.so.1"),
            ("../bin/x", "bin/x"),
            ("..", ""),
            (".", "lib"),
            ("/opt/bin/x", "bin/x"),
            ("/opt", ""),
        ] {
            let found = Ok(found.to_owned());
            assert_eq!(
                led(&[("lib/libx.so", target)], "lib/libx.so"),
                found,
                "{target}"
            );
        }
    }

    #[test]
    fn links_that_leave_the_layer_lead_nowhere() {
        for (target, fault) in [
            ("/etc/passwd", LinkError::Absolute),
            ("/optional/x", LinkError::Absolute),
            ("../../x", LinkError::Outside),
            ("a/../../../lib/x", LinkError::Outside),
            ("/opt/../etc/passwd", LinkError::Outside),
            ("", LinkError::NoPath),
            ("libx.so", LinkError::Circle),
        ] {
            assert_eq!(
                led(&[("lib/libx.so", target)], "lib/libx.so"),
                Err(fault),
                "{target}"
            );
        }
    }

    #[test]
    fn a_way_through_other_links_is_the_real_one() {
        // By its letters `a/up/../x` is `a/x`; a system comes out above the layer.
        let links = [("a/b/up", "../.."), ("a/b/x", "up/../x")];
        assert_eq!(led(&links, "a/b/x"), Err(LinkError::Outside));
        let links = [("current", "v2"), ("tool", "current/bin/tool")];
        assert_eq!(led(&links, "tool").as_deref(), Ok("v2/bin/tool"));
        let links = [("one", "two"), ("two", "one")];
        assert_eq!(led(&links, "one"), Err(LinkError::Circle));
    }

    proptest! {
        #[test]
        fn what_is_followed_stays_inside(targets in proptest::collection::vec("(\\.\\./|a/|b/|/opt/){0,4}[ab]", 3)) {
            let links: BTreeMap<&str, &str> =
                ["a", "b", "c/a"].into_iter().zip(targets.iter().map(String::as_str)).collect();
            for (path, target) in &links {
                if let Ok(found) = follow(path, target, |at| links.get(at).copied()) {
                    prop_assert!(components(&found).all(|part| part != ".."));
                    prop_assert!(!found.starts_with('/'));
                    // Nothing on the way is a link any more.
                    for (end, _) in found.match_indices('/').chain([(found.len(), "")]) {
                        prop_assert!(!links.contains_key(&found[..end]));
                    }
                }
            }
        }
    }
}
