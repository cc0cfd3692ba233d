//! The page of `inspect --html`: one file with a picture of the layer, which loads nothing.

use std::collections::BTreeMap;

use layerpress_compile::{FoundFile, Inspection};
use layerpress_press::Class;
use layerpress_target::limits::UNZIPPED_BYTES;
use serde_json::{Value, json};

use super::label;

/// The page but for its data; `page.html` says what the data are.
const PAGE: &str = include_str!("page.html");

/// Where the data go.
const SLOT: &str = "\"layer goes here\"";

/// The page of a layer.
pub(crate) fn page(inspection: &Inspection) -> String {
    let mut root = Folder::default();
    for file in &inspection.files {
        root.insert(file.path.as_str(), file);
    }
    let packages: Vec<_> = inspection
        .packages
        .iter()
        .map(|it| label(Some(it)))
        .collect();
    let name = inspection.path.file_name().unwrap_or_default();
    let data = json!({
        "name": name.to_string_lossy(),
        "zipped": inspection.zipped_bytes,
        "limit": UNZIPPED_BYTES,
        "classes": Class::ALL.map(Class::name),
        "packages": packages,
        "root": root.document(),
    });
    // A script ends at `</script`, whatever its own grammar says.
    let data = data.to_string().replace('<', "\\u003c");
    PAGE.replacen(SLOT, &data, 1)
}

/// A folder of the layer.
#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a str, Folder<'a>>,
    files: Vec<(&'a str, &'a FoundFile)>,
}

impl<'a> Folder<'a> {
    fn insert(&mut self, path: &'a str, file: &'a FoundFile) {
        match path.split_once('/') {
            Some((folder, rest)) => self.folders.entry(folder).or_default().insert(rest, file),
            None => self.files.push((path, file)),
        }
    }

    /// A list of children: `[name, children]` for a folder, `[name, zipped, unzipped, class,
    /// package]` for a file, the last two as places in the lists above, the package null for none.
    fn document(&self) -> Value {
        let folders = self
            .folders
            .iter()
            .map(|(name, folder)| json!([name, folder.document()]));
        let files = self.files.iter().map(|(name, file)| {
            let class = Class::ALL.iter().position(|class| *class == file.class);
            json!([
                name,
                file.weight.zipped_bytes,
                file.weight.unzipped_bytes,
                class,
                file.package
            ])
        });
        folders.chain(files).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_has_one_place_for_data() {
        assert_eq!(PAGE.matches(SLOT).count(), 1);
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_name_cannot_begin_or_end_a_script() {
        let inspection = Inspection {
            inferred: layerpress_compile::Inferred::default(),
            savings: None,
            path: "<script><b>.zip".into(),
            zipped_bytes: 22,
            packages: Vec::new(),
            files: Vec::new(),
        };
        let page = page(&inspection);
        assert_eq!(
            page.matches("</script").count(),
            PAGE.matches("</script").count()
        );
        assert!(page.contains("\\u003cscript>\\u003cb>.zip"));
    }
}
