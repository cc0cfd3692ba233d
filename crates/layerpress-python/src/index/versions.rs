//! [`Versions`]: the releases of one package on all the indexes that may be asked for it.

use std::sync::Arc;

use jiff::Timestamp;
use pep440_rs::Version;
use pep508_rs::PackageName;
use url::Url;

use super::page::{FileView, Page};

/// What the indexes have of one package.
#[derive(Debug)]
pub struct Versions {
    name: PackageName,
    shelves: Vec<Arc<Shelf>>,
}

/// Releases of equal standing: those of one index, or of several between which nobody prefers.
///
/// Everything before the last shelf with a fitting version counts more than that shelf.
#[derive(Debug)]
pub struct Shelf {
    pages: Vec<Page>,
    versions: Vec<Version>,
    /// For each version, the (page, place on it) that have it; `None` if that is just the one page.
    places: Option<Vec<Vec<(usize, usize)>>>,
    exclude_newer: Option<Timestamp>,
    /// Files whose age is not known were left out.
    ageless: bool,
}

impl Versions {
    pub(crate) fn new(
        name: PackageName,
        shelves: impl IntoIterator<Item = Vec<Page>>,
        exclude_newer: Option<Timestamp>,
    ) -> Self {
        Self {
            name,
            shelves: shelves
                .into_iter()
                .map(|pages| Arc::new(Shelf::new(pages, exclude_newer)))
                .collect(),
        }
    }

    /// The package.
    #[must_use]
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// The shelves, in the order in which they are looked at; never empty.
    #[must_use]
    pub fn shelves(&self) -> &[Arc<Shelf>] {
        &self.shelves
    }

    /// The indexes of which files were left out because their age is not known.
    pub(crate) fn without_upload_times(&self) -> impl Iterator<Item = &Url> {
        self.shelves
            .iter()
            .filter(|shelf| shelf.ageless)
            .flat_map(|shelf| &shelf.pages)
            .filter(|page| page.lacks_upload_times())
            .filter_map(Page::index)
    }

    /// The files of one version, on the first shelf that has it.
    pub fn files(&self, version: &Version) -> impl Iterator<Item = FileView<'_>> {
        self.shelves
            .iter()
            .find_map(|shelf| Some((shelf, shelf.versions().binary_search(version).ok()?)))
            .into_iter()
            .flat_map(|(shelf, position)| shelf.files(position))
    }
}

impl Shelf {
    fn new(mut pages: Vec<Page>, exclude_newer: Option<Timestamp>) -> Self {
        if pages.len() == 1 && exclude_newer.is_none() {
            return Self {
                versions: pages.iter_mut().flat_map(Page::take_versions).collect(),
                pages,
                places: None,
                exclude_newer,
                ageless: false,
            };
        }
        let ageless = exclude_newer.is_some() && pages.iter().any(Page::lacks_upload_times);
        let mut found: Vec<(Version, usize, usize)> = Vec::new();
        for (number, page) in pages.iter_mut().enumerate() {
            let versions = page.take_versions();
            found.extend(
                (0..)
                    .zip(versions)
                    .map(|(place, version)| (version, number, place)),
            );
        }
        found.retain(|(_, number, place)| {
            pages[*number]
                .files(*place)
                .any(|file| is_old_enough(&file, exclude_newer))
        });
        found.sort();
        let mut versions: Vec<Version> = Vec::new();
        let mut places: Vec<Vec<(usize, usize)>> = Vec::new();
        for (version, number, place) in found {
            match places.last_mut() {
                Some(last) if versions.last() == Some(&version) => last.push((number, place)),
                _ => {
                    versions.push(version);
                    places.push(vec![(number, place)]);
                }
            }
        }
        Self {
            pages,
            versions,
            places: Some(places),
            exclude_newer,
            ageless,
        }
    }

    /// The versions, ascending, each once. Those of which every file was uploaded at or after the
    /// `--exclude-newer` date, or at an unknown time, are left out.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The files of the version at `position` of [`Shelf::versions`], in the order of the pages;
    /// too new ones are left out.
    pub fn files(&self, position: usize) -> impl Iterator<Item = FileView<'_>> {
        let single = self.places.is_none().then_some((0, position));
        let several = self.places.as_ref().and_then(|places| places.get(position));
        single
            .into_iter()
            .chain(several.into_iter().flatten().copied())
            .flat_map(|(number, place)| {
                let page = self.pages.get(number);
                page.into_iter().flat_map(move |page| page.files(place))
            })
            .filter(|file| is_old_enough(file, self.exclude_newer))
    }
}

/// Files of unknown age are left out, as by uv; those of find-links have none and stay.
fn is_old_enough(file: &FileView<'_>, exclude_newer: Option<Timestamp>) -> bool {
    let Some(limit) = exclude_newer else {
        return true;
    };
    match file.upload_time() {
        Some(time) => time < limit,
        None => file.index().is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::link::Link;
    use crate::index::page::compile;

    fn page(index: Option<&str>, files: &[(&str, Option<&str>)]) -> Page {
        let base = Url::parse("https://files.example/").expect("valid");
        let links: Vec<_> = files
            .iter()
            .map(|(name, time)| {
                let (mut link, _) = Link::new(&base, name).expect("valid");
                let time = time.map(|time| time.parse::<Timestamp>().expect("valid"));
                link.upload_time = time.map(Timestamp::as_millisecond);
                link
            })
            .collect();
        let index = index.map(|url| Url::parse(url).expect("valid"));
        Page::open(Box::new(compile(&name(), &links)), index.as_ref()).expect("undamaged")
    }

    fn name() -> PackageName {
        "a".parse().expect("valid")
    }

    fn listed(shelf: &Shelf) -> Vec<String> {
        (0..shelf.versions().len())
            .map(|at| {
                let names: Vec<_> = shelf.files(at).map(FileView::file_name).collect();
                format!("{}: {}", shelf.versions()[at], names.join(" "))
            })
            .collect()
    }

    const ONE: Option<&str> = Some("https://one.example/simple/");

    #[test]
    fn pages_of_equal_standing_are_merged_in_their_order() {
        let first = page(None, &[("a-1.0.zip", None), ("a-3.zip", None)]);
        let second = page(ONE, &[("a-1-py3-none-any.whl", None), ("a-2.zip", None)]);
        let versions = Versions::new(name(), [vec![first, second]], None);
        assert_eq!(
            listed(&versions.shelves()[0]),
            [
                "1.0: a-1.0.zip a-1-py3-none-any.whl",
                "2: a-2.zip",
                "3: a-3.zip"
            ]
        );
    }

    #[test]
    fn the_first_shelf_that_has_a_version_gives_its_files() {
        let first = page(ONE, &[("a-1.zip", None)]);
        let second = page(ONE, &[("a-1.tar.gz", None), ("a-2.tar.gz", None)]);
        let versions = Versions::new(name(), [vec![first], vec![second]], None);
        let files = |number| {
            let version = Version::new([number]);
            let files = versions.files(&version);
            files
                .map(|file| file.file_name().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(files(1), ["a-1.zip"]);
        assert_eq!(files(2), ["a-2.tar.gz"]);
        assert!(files(3).is_empty());
    }

    #[test]
    fn what_is_too_new_or_of_unknown_age_is_left_out() {
        let (old, new) = (Some("2024-01-01T00:00:00Z"), Some("2024-06-01T00:00:00Z"));
        let index = page(
            ONE,
            &[
                ("a-1.zip", old),
                ("a-1-py3-none-any.whl", new),
                ("a-2.zip", new),
                ("a-3.zip", None),
            ],
        );
        let links = page(None, &[("a-4.zip", None)]);
        let limit = Some("2024-06-01T00:00:00Z".parse().expect("valid"));
        let versions = Versions::new(name(), [vec![index, links]], limit);
        assert_eq!(listed(&versions.shelves()[0]), ["1: a-1.zip", "4: a-4.zip"]);
    }
}
