//! Changes of settings as commands that can be pasted into `redis-cli`, with the way back.

use dbvitals_model::{
    Finding, Fix, FixKind,
    redis::{Config, Info},
};

/// The finding with `CONFIG SET` for each change, `CONFIG REWRITE` where the server has a file to
/// rewrite, and the present values as the undo where they are known.
#[must_use]
pub fn set(
    finding: Finding,
    kind: FixKind,
    info: Option<&Info>,
    config: Option<&Config>,
    changes: &[(&str, &str)],
) -> Finding {
    let has_file = has_file(info);
    let commands = |values: Vec<(&str, &str)>| {
        let sets = values.into_iter().map(|(name, value)| config_set(name, value));
        sets.chain(has_file.then(|| "CONFIG REWRITE".to_owned())).collect::<Vec<_>>()
    };
    let before = changes.iter().map(|(name, _)| Some((*name, config?.text(name)?)));
    let fix = Fix::new(kind, commands(changes.to_vec()));
    let fix = match before.collect::<Option<Vec<_>>>() {
        Some(before) => fix.undone_by(commands(before)),
        None => fix,
    };
    let mut finding = finding.fixed_by(fix);
    if !has_file {
        finding.recommendation.push_str(
            " This server was started without a configuration file: put the setting where it is \
             started from, too, or it is lost at the next restart.",
        );
    }
    finding
}

/// Whether `CONFIG REWRITE` has a file to write to. Servers that do not say are taken to have one.
fn has_file(info: Option<&Info>) -> bool {
    info.and_then(|info| info.text("config_file")).is_none_or(|file| !file.is_empty())
}

/// One `CONFIG SET`.
pub fn config_set(name: &str, value: &str) -> String {
    format!("CONFIG SET {name} {}", quoted(value))
}

/// A word as `redis-cli` reads it back unchanged.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/*+%@~&|".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.extend(format!("\\x{:02x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A size as `CONFIG SET` takes it: whole megabytes, rounded down.
pub fn megabytes(bytes: f64) -> String {
    format!("{:.0}mb", (bytes / 1_048_576.0).floor().max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell_of_redis_cli() {
        assert_eq!(quoted("allkeys-lru"), "allkeys-lru");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("3600 1 300 100"), "\"3600 1 300 100\"");
        assert_eq!(quoted("a\"b\\c\n\u{1}"), "\"a\\\"b\\\\c\\n\\x01\"");
        assert_eq!(megabytes(1_572_864.0), "1mb");
    }
}
