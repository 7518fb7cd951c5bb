//! Which tests prove a check: read from the sources, so only a checkout can tell.
//!
//! A check counts as proven live when its id stands in a test that runs against real servers, or in a function or
//! constant of the same file that such a test uses. Files are taken to be formatted by rustfmt: an item begins and
//! ends at the left margin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::problem::Problem;

/// Folders of tests against real servers, and the package each belongs to.
const LIVE: [(&str, &str); 4] = [
    ("crates/dbvitals/tests/it/scenarios", "scenarios"),
    ("crates/dbvitals/tests/it/quiet", "quiet"),
    ("crates/postgres/tests/it", "postgres"),
    ("crates/redis/tests/it", "redis"),
];

/// A file of such tests that stands alone.
const LIVE_FILE: (&str, &str) = ("crates/dbvitals/tests/it/query_rls.rs", "query_rls");

/// Where the checks are, each with the tests on built snapshots beside it.
const CHECKS: &str = "crates/checks/src";

/// The tests of every check, by id.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// Names of tests against real servers.
    pub(super) live: BTreeMap<String, BTreeSet<String>>,
    /// Checks with tests on built snapshots in their own file.
    pub(super) built: BTreeSet<String>,
}

/// Reads the tests of the checkout at `root`.
pub(super) fn read(root: &Path) -> Result<Proof, Problem> {
    let mut proof = Proof::default();
    for (folder, name) in LIVE {
        let folder = root.join(folder);
        if folder.is_dir() {
            each_file(&folder, name, &mut |module, text| live_of(&mut proof, module, text))?;
        }
    }
    let (file, name) = LIVE_FILE;
    if let Ok(text) = std::fs::read_to_string(root.join(file)) {
        live_of(&mut proof, name, &text);
    }
    for engine in ["pg", "redis", "host", "plan", "log"] {
        let depth = if matches!(engine, "host" | "plan" | "log") { 1 } else { 2 };
        each_file(&root.join(CHECKS).join(engine), engine, &mut |module, text| {
            let mut path = module.split("::").skip(depth);
            if let (Some(stem), true) = (path.next(), text.contains("#[test]")) {
                proof.built.insert(format!("{engine}-{}", stem.replace('_', "-")));
            }
        })?;
    }
    Ok(proof)
}

/// Every Rust file below a folder with its path as a module: `scenarios::redis::memory`.
fn each_file(
    folder: &Path,
    module: &str,
    visit: &mut dyn FnMut(&str, &str),
) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        Problem::usage(format!("cannot read {}: {error}", folder.display()))
            .hint("name the folder of a checkout")
    };
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let name = format!("{module}::{stem}");
        if path.is_dir() {
            each_file(&path, &name, visit)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            visit(&name, &std::fs::read_to_string(&path).map_err(failed)?);
        }
    }
    Ok(())
}

/// An item at the left margin.
#[derive(Debug, Default)]
struct Item<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
    is_test: bool,
}

/// Notes the ids that the tests of a file mention, themselves or through other items of the file.
fn live_of(proof: &mut Proof, module: &str, text: &str) {
    let items = items(text);
    for test in items.iter().filter(|item| item.is_test) {
        let mut seen = BTreeSet::from([test.name]);
        let mut queue = vec![test];
        while let Some(item) = queue.pop() {
            for line in &item.lines {
                for id in ids(line) {
                    let name = format!("{module}::{}", test.name);
                    proof.live.entry(id.to_owned()).or_default().insert(name);
                }
                let used =
                    |other: &&Item<'_>| !other.is_test && words(line).any(|w| w == other.name);
                queue.extend(items.iter().filter(used).filter(|other| seen.insert(other.name)));
            }
        }
    }
}

fn items(text: &str) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut is_test = false;
    for line in text.lines() {
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        } else if let Some(name) = begins(line) {
            items.push(Item { name, lines: vec![line], is_test });
            is_test = false;
        } else if let Some(item) = items.last_mut() {
            item.lines.push(line);
        }
    }
    items
}

/// The name of the item that begins on a line.
fn begins(line: &str) -> Option<&str> {
    let mut words =
        words(line).skip_while(|word| ["pub", "crate", "async", "super"].contains(word));
    let keyword = words.next().filter(|_| line.starts_with(char::is_alphabetic))?;
    ["fn", "const", "static", "struct", "enum", "impl", "mod", "use", "type", "trait"]
        .contains(&keyword)
        .then(|| words.next())?
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// Quoted words that look like ids of checks.
fn ids(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2).filter(|word| {
        ["pg-", "redis-", "host-", "plan-", "log-"].iter().any(|engine| word.starts_with(engine))
            && !word.ends_with('-')
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_in_tests_and_in_what_tests_use() {
        let text = "\
const OTHER: &str = \"pg-b\";
fn helper() {
    let _ = (\"pg-c\", OTHER);
}
fn unused() {
    let _ = \"pg-d\";
}
#[tokio::test]
async fn fires() {
    scene(\"pg-a\", \"no-id\");
    helper();
}
";
        let mut proof = Proof::default();
        live_of(&mut proof, "scenarios::x", text);
        let ids: Vec<&str> = proof.live.keys().map(String::as_str).collect();
        assert_eq!(ids, ["pg-a", "pg-b", "pg-c"]);
        assert_eq!(proof.live["pg-b"], BTreeSet::from(["scenarios::x::fires".to_owned()]));
    }
}
