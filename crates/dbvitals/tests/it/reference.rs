//! The committed reference pages are what the program writes now.

use std::{collections::BTreeMap, fs, path::Path};

use crate::run::{at, dbvitals};

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = folder.read_dir().unwrap_or_else(|error| {
        panic!("{}: {error}; run `cargo xtask gen-docs` and commit it", folder.display())
    });
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn the_pages_are_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    dbvitals(&["reference", at(folder.path()), "--sources", at(&root)]).ended(&[0]);
    let committed = root.join("docs/reference");
    let (fresh, committed) = (pages(folder.path()), pages(&committed));
    let remedy = "run `cargo xtask gen-docs` and commit docs/reference";
    for (name, text) in &fresh {
        assert!(
            committed.get(name) == Some(text),
            "docs/reference/{name} is out of date: {remedy}"
        );
    }
    assert!(fresh.keys().eq(committed.keys()), "pages that nobody writes any more: {remedy}");
}
