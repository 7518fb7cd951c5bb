//! What every finding about a setting has in common.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit,
    pg::instance::{Setting, Settings},
};

use crate::{
    context::Context,
    pg::setting_change::{change, present},
    skip::Skip,
    view::PgView,
    words,
};

/// A finding about one setting, with its present value as the first evidence.
pub fn about(
    cx: &Context<'_>,
    severity: Severity,
    settings: &Settings,
    name: &str,
    message: impl Into<String>,
    recommendation: impl Into<String>,
) -> Finding {
    let value = present(settings, name).unwrap_or_default();
    let source = settings.get(name).map_or_else(
        || "pg_settings".to_owned(),
        |setting| format!("pg_settings, set by {}", setting.source),
    );
    cx.finding(severity, Subject::new("setting", name), message, recommendation)
        .with(Evidence::new(name, value, Unit::Text, source))
}

/// A switch that belongs on and is off for all; nothing where it is on, or off for some sessions only.
pub fn off(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    (severity, kind): (Severity, FixKind),
    name: &'static str,
    message: &str,
    recommendation: &str,
) -> Result<Option<Finding>, Skip> {
    let settings = pg.settings()?;
    let switch = setting(settings, name)?;
    if switch.value != "off" || !is_for_all(switch) {
        return Ok(None);
    }
    let fix = change(settings, kind, &[(name, "on".to_owned())]);
    Ok(Some(about(cx, severity, settings, name, message, recommendation).fixed_by(fix)))
}

/// A setting that must be known; a skip where it is not.
pub fn setting<'a>(settings: &'a Settings, name: &str) -> Result<&'a Setting, Skip> {
    settings.get(name).ok_or_else(|| Skip::not_applicable(format!("{name} is not known")))
}

/// A memory setting in bytes; a skip where it is not known.
pub fn bytes(settings: &Settings, name: &str) -> Result<f64, Skip> {
    let bytes = settings.bytes(name).map(|bytes| bytes as f64);
    bytes.ok_or_else(|| Skip::not_applicable(format!("{name} is not known")))
}

/// A plain number; a skip where it is not known.
pub fn number(settings: &Settings, name: &str) -> Result<f64, Skip> {
    settings.number(name).ok_or_else(|| Skip::not_applicable(format!("{name} is not known")))
}

/// Whether everybody gets the value, and not only the role or session that asked.
pub fn is_for_all(setting: &Setting) -> bool {
    !matches!(
        setting.source.as_str(),
        "user" | "database" | "database user" | "client" | "session" | "override"
    )
}

/// Memory of the machine below, in bytes (a container's limit where there is one).
pub fn memory_of_machine(pg: &PgView<'_>) -> Result<f64, Skip> {
    let known = pg.host().and_then(|host| host.memory.value()).map(|memory| memory.total_bytes);
    match known {
        Some(total) if total > 0 => Ok(total as f64),
        _ => Err(Skip::permission(
            "the memory of the server's machine is not known",
            "run on the server itself or grant pg_read_server_files",
        )),
    }
}

/// The machine's memory as evidence.
pub fn memory_evidence(total: f64) -> Evidence {
    Evidence::new("memory of the machine", total, Unit::Bytes, "/proc/meminfo, control group")
}

/// Size of all databases together; `None` where not every size is known.
pub fn data_bytes(pg: &PgView<'_>) -> Result<Option<f64>, Skip> {
    let sizes = pg.databases()?.iter().map(|database| database.size_bytes);
    Ok(sizes.sum::<Option<i64>>().map(|bytes| bytes as f64))
}

/// Whether all databases together are known to be smaller than that many bytes.
pub fn all_data_below(data: Option<f64>, limit: f64) -> bool {
    data.is_some_and(|data| data < limit)
}

/// Names as a person lists them: the first few, then how many more.
pub fn listed<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let first: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(most);
    if more == 0 {
        first.join(", ")
    } else {
        format!("{} and {} more", first.join(", "), words::count(more as f64))
    }
}

/// `1 table`, `2 tables`.
pub fn many(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The check fires where the switch is off, can switch it on, and is skipped where nothing is known of it.
#[cfg(test)]
pub fn fires_only_when_off(check: &'static crate::check::Check, name: &str) {
    use crate::testing::{findings, pg, set, skipped};

    let found = |value| findings(check, &pg(|pg| set(pg, name, value, None)));
    assert!(found("on").is_empty());
    let off = found("off").remove(0);
    assert_eq!(off.severity, Severity::Critical);
    let on = format!("ALTER SYSTEM SET {name} = 'on';");
    assert_eq!(off.fix.unwrap().statements, [on.as_str(), "SELECT pg_reload_conf();"]);
    skipped(check, &pg(|_| {}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(&["a", "b"], 2), "a, b");
        assert_eq!(listed(&["a", "b", "c"], 2), "a, b and 1 more");
    }

    #[test]
    fn values_of_one_role_are_told_apart() {
        let from = |source: &str| Setting { source: source.into(), ..Setting::default() };
        assert!(is_for_all(&from("configuration file")));
        assert!(!is_for_all(&from("database user")));
    }
}
