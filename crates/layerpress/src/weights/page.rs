//! The page of `inspect --html`: one file with a picture of the layer, which loads nothing.

use std::collections::BTreeMap;

use layerpress_compile::{FoundFile, Inspection};
use layerpress_press::{Class, TRANSFORMS, rules};
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
    let savings = inspection.savings.iter().flatten();
    let rules: Vec<&str> = savings.map(|it| it.rule).collect();
    let name = inspection.path.file_name().unwrap_or_default();
    let data = json!({
        "name": name.to_string_lossy(),
        "zipped": inspection.zipped_bytes,
        "limit": UNZIPPED_BYTES,
        "classes": Class::ALL.map(Class::name),
        "rules": inspection.savings.as_ref().map(|savings| {
            let rules = savings.iter().map(|it| json!([it.rule, reason(it.rule)]));
            rules.collect::<Vec<_>>()
        }),
        "packages": packages,
        "root": root.document(&rules),
    });
    // A script ends at `</script`, whatever its own grammar says.
    let data = data.to_string().replace('<', "\\u003c");
    PAGE.replacen(SLOT, &data, 1)
}

/// Why nothing is lost by a rule or a pass.
fn reason(name: &str) -> &'static str {
    let rules = rules::all().map(|rule| (rule.name, rule.reason));
    let passes = TRANSFORMS.iter().map(|pass| (pass.name, pass.reason));
    let found = rules.chain(passes).find(|(other, _)| *other == name);
    found.map_or("", |(_, reason)| reason)
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
    /// package]` for a file, the last two as places in the lists above, the package null for none. Where
    /// one of `rules` would save something of the file, its place and the bytes follow.
    fn document(&self, rules: &[&str]) -> Value {
        let folders = self
            .folders
            .iter()
            .map(|(name, folder)| json!([name, folder.document(rules)]));
        let files = self.files.iter().map(|(name, file)| {
            let class = Class::ALL.iter().position(|class| *class == file.class);
            let weight = file.weight;
            let (zipped, unzipped) = (weight.zipped_bytes, weight.unzipped_bytes);
            match file.saving {
                None => json!([name, zipped, unzipped, class, file.package]),
                Some(saving) => {
                    let rule = rules.iter().position(|rule| *rule == saving.by);
                    let (package, saved) = (file.package, saving.bytes);
                    json!([name, zipped, unzipped, class, package, rule, saved])
                }
            }
        });
        folders.chain(files).collect()
    }
}

#[cfg(test)]
mod tests {
    use layerpress_compile::{Saving, Weight};
    use layerpress_tree::{LayerPath, Mode};

    use super::*;

    #[test]
    fn the_page_loads_nothing_and_has_one_place_for_data() {
        assert_eq!(PAGE.matches(SLOT).count(), 1);
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_file_tells_what_a_rule_would_save_of_it() {
        let file = |path: &str, saving| FoundFile {
            path: LayerPath::new(path).expect("a path"),
            package: None,
            class: Class::ALL[0],
            mode: Mode::File,
            crc32: 0,
            weight: Weight {
                files: 1,
                zipped_bytes: 5,
                unzipped_bytes: 10,
            },
            saving,
        };
        let saving = Saving {
            by: "elf-strip",
            bytes: 3,
        };
        let files = [file("a/b.so", Some(saving)), file("a/c", None)];
        let mut root = Folder::default();
        for file in &files {
            root.insert(file.path.as_str(), file);
        }
        assert_eq!(
            root.document(&["tests", "elf-strip"]),
            json!([["a", [["b.so", 5, 10, 0, null, 1, 3], ["c", 5, 10, 0, null]]]])
        );
        for name in ["tests", "elf-strip"] {
            assert!(!reason(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_name_cannot_begin_or_end_a_script() {
        let inspection = Inspection {
            inferred: layerpress_compile::Inferred::default(),
            savings: None,
            doubt: None,
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
