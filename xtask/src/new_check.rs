//! `cargo xtask new-check ID TOPIC`: writes the file of a check, its `mod` line and its registry line.

use std::fs;
use std::path::Path;

use crate::step::{Done, StepError};

const TEMPLATE: &str = include_str!("new_check/template.rs.txt");
const REGISTRY: &str = "crates/checks/src/registry.rs";

/// Writes a new check; nothing is changed when anything is wrong.
pub(crate) fn run(words: &[&str]) -> Done {
    let [id, topic] = words else {
        return Err(wrong("usage: cargo xtask new-check pg-idle-standby replication"));
    };
    let place = Place::of(id, topic)?;
    let topic_text = read(&place.topic_file)?;
    let registry_text = read(REGISTRY)?;
    if Path::new(&place.file).exists() {
        return Err(wrong(&format!("{} exists already", place.file)));
    }
    let source = TEMPLATE
        .replace("{id}", id)
        .replace("{view}", place.view)
        .replace("{run}", place.run)
        .replace("{builder}", place.builder)
        .replace("BUILDER_ARGUMENT", if place.builder == "host" { "|_, _| {}" } else { "|_| {}" })
        .replace("{versions}", place.versions)
        .replace("{topic}", place.topic)
        .replace("{component}", place.component);
    write(&place.file, &source)?;
    write(
        &place.topic_file,
        &with_sorted_line(&topic_text, "pub mod ", &format!("pub mod {};", place.module)),
    )?;
    let line = format!("    &{}::CHECK,", place.path);
    write(REGISTRY, &with_sorted_line(&registry_text, "    &", &line))?;
    println!("wrote {} and registered it", place.file);
    println!(
        "next: fill in explain, thresholds, run and tests, then `cargo test -p dbvitals-checks`"
    );
    Ok(())
}

/// Where a check goes and what it looks at.
struct Place {
    module: String,
    file: String,
    topic_file: String,
    path: String,
    view: &'static str,
    run: &'static str,
    builder: &'static str,
    versions: &'static str,
    topic: &'static str,
    component: &'static str,
}

impl Place {
    fn of(id: &str, topic: &str) -> Result<Self, StepError> {
        let clean = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let (engine, rest) = id
            .split_once('-')
            .filter(|(_, rest)| clean(rest))
            .ok_or_else(|| wrong("an id is pg-…, redis-… or host-…, in lowercase words"))?;
        let (view, run, builder, versions) = match engine {
            "pg" => ("PgView", "Postgres", "pg", "(13, u32::MAX)"),
            "redis" => ("RedisView", "Redis", "redis", "(6, u32::MAX)"),
            "host" => ("HostView", "Host", "host", "(0, u32::MAX)"),
            _ => return Err(wrong("an id begins with pg-, redis- or host-")),
        };
        let module = rest.replace('-', "_");
        let src = "crates/checks/src";
        let folder = if engine == "host" { "host".to_owned() } else { format!("{engine}/{topic}") };
        let topic_file = format!("{src}/{folder}.rs");
        if !Path::new(&topic_file).exists() {
            return Err(wrong(&format!("there is no topic {topic}: {topic_file} does not exist")));
        }
        let (topic, component) = headings(engine, topic);
        Ok(Self {
            file: format!("{src}/{folder}/{module}.rs"),
            path: format!("{}::{module}", folder.replace('/', "::")),
            module,
            topic_file,
            view,
            run,
            builder,
            versions,
            topic,
            component,
        })
    }
}

/// The catalogue's heading and the usual component of a topic; both can be changed in the file.
fn headings(engine: &str, topic: &str) -> (&'static str, &'static str) {
    match (engine, topic) {
        ("redis", _) => ("Redis", "Redis"),
        ("host", _) => ("Host", "Host"),
        (_, "statement") => ("Statements", "Queries"),
        (_, "index") => ("Indexes", "Indexes"),
        (_, "table") => ("Tables", "Maintenance"),
        (_, "locks") => ("Locks", "Transactions"),
        (_, "cache") => ("Cache", "Cache"),
        (_, "replication") => ("Replication", "Replication"),
        (_, "security") => ("Security", "Security"),
        (_, "schema") => ("Schema", "Configuration"),
        _ => ("Configuration", "Configuration"),
    }
}

/// The text with one more line among those that begin alike, in order.
fn with_sorted_line(text: &str, prefix: &str, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let alike = |candidate: &&str| candidate.starts_with(prefix);
    let at = lines.iter().position(|candidate| alike(candidate) && *candidate > line);
    let after_last = lines.iter().rposition(alike).map(|last| last + 1);
    lines.insert(at.or(after_last).unwrap_or(lines.len()), line);
    lines.join("\n") + "\n"
}

fn read(path: &str) -> Result<String, StepError> {
    fs::read_to_string(path).map_err(|error| wrong(&format!("cannot read {path}: {error}")))
}

fn write(path: &str, text: &str) -> Done {
    if let Some(folder) = Path::new(path).parent() {
        fs::create_dir_all(folder)
            .map_err(|error| wrong(&format!("cannot make {path}: {error}")))?;
    }
    fs::write(path, text).map_err(|error| wrong(&format!("cannot write {path}: {error}")))
}

fn wrong(message: &str) -> StepError {
    StepError(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_where_they_belong() {
        let text = "//! Topic.\n\npub mod a;\npub mod c;\n";
        assert_eq!(
            with_sorted_line(text, "pub mod ", "pub mod b;"),
            "//! Topic.\n\npub mod a;\npub mod b;\npub mod c;\n"
        );
        assert_eq!(
            with_sorted_line(text, "pub mod ", "pub mod d;"),
            "//! Topic.\n\npub mod a;\npub mod c;\npub mod d;\n"
        );
        assert_eq!(
            with_sorted_line("//! Topic.\n", "pub mod ", "pub mod d;"),
            "//! Topic.\npub mod d;\n"
        );
    }
}
