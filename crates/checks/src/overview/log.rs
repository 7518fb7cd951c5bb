//! What a server's log tells, as tables.

use dbvitals_model::{
    Measure, Unit,
    log::{Hour, LogSnapshot, LoggedStatement, NamedCount},
    report::Overview,
};
use jiff::Timestamp;

use super::{TEXT_CHARS, table};
use crate::{log::facts, words};

/// Rows of a table.
const ROWS: usize = 20;
/// Hours told: a week.
const HOURS: usize = 168;

pub(super) fn tables(log: &LogSnapshot) -> Vec<Overview> {
    let mut tables: Vec<Overview> = [
        statements(log),
        hours(log),
        errors(log),
        lock_waits(log),
        temp_files(log),
        checkpoints(log),
        autovacuum(log),
        connections(log),
        callers(log),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(first) = tables.first_mut() {
        first.note = Some(note(log));
    }
    tables
}

/// What was read, in one line.
fn note(log: &LogSnapshot) -> String {
    let mut parts = vec![format!(
        "{} records in {}",
        words::count(log.records as f64),
        words::bytes(log.sources.iter().map(|source| source.bytes).sum::<i64>() as f64)
    )];
    if let (Some(first), Some(last)) = (log.first_at, log.last_at) {
        parts.push(format!("{} to {} UTC", minute(first), minute(last)));
    }
    let mut formats: Vec<String> = log
        .sources
        .iter()
        .map(|source| match &source.prefix {
            Some(prefix) => format!("{} with prefix {prefix:?}", source.format),
            None => source.format.clone(),
        })
        .filter(|format| !format.is_empty())
        .collect();
    formats.dedup();
    parts.extend(formats.into_iter().take(3));
    let resumed: i64 = log.sources.iter().map(|source| source.resumed_at).sum();
    if resumed > 0 {
        parts.push(format!("{} read before are left out", words::bytes(resumed as f64)));
    }
    if let Some(statements) = log.statements.value() {
        let dropped = &statements.dropped;
        if dropped.statements > 0 {
            parts.push(format!(
                "{} times a rare statement was left out of memory, {} of the time with them",
                words::count(dropped.statements as f64),
                words::percent(dropped.total_ms / statements.total_ms.max(f64::MIN_POSITIVE))
            ));
        }
    }
    parts.join("; ")
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn line(text: &str) -> Measure {
    Measure::Text(words::shorten(text, TEXT_CHARS))
}

fn statements(log: &LogSnapshot) -> Option<Overview> {
    let all = log.statements.value()?;
    let total = all.total_ms.max(f64::MIN_POSITIVE);
    let row = |statement: &LoggedStatement| {
        let latency = &statement.latency;
        vec![
            line(&statement.text),
            statement.total_ms.into(),
            (statement.total_ms / total).min(1.0).into(),
            statement.calls.into(),
            latency.mean_ms.into(),
            latency.p50_ms.into(),
            latency.p95_ms.into(),
            latency.p99_ms.into(),
            latency.max_ms.into(),
        ]
    };
    let is_timed = |statement: &&LoggedStatement| statement.calls > 0;
    let rows = all.leaders.iter().filter(is_timed).take(ROWS).map(row).collect();
    let columns = [
        ("statement", Unit::Text),
        ("total time", Unit::Ms),
        ("share", Unit::Ratio),
        ("calls", Unit::Count),
        ("mean", Unit::Ms),
        ("P50", Unit::Ms),
        ("P95", Unit::Ms),
        ("P99", Unit::Ms),
        ("max", Unit::Ms),
    ];
    let title = format!(
        "Statements by total time: {} different ones, {} calls",
        words::count(all.distinct as f64),
        words::count(all.calls as f64)
    );
    table("log-statements", &title, &columns, rows)
}

fn hours(log: &LogSnapshot) -> Option<Overview> {
    let from = log.hours.len().saturating_sub(HOURS);
    let row = |hour: &Hour| {
        vec![
            Measure::Text(minute(hour.at)),
            hour.statements.into(),
            hour.total_ms.into(),
            hour.p95_ms.map_or(Measure::from("none"), Measure::from),
            hour.errors.into(),
            hour.connections.into(),
            hour.connections_peak.into(),
            hour.lock_waits.into(),
            hour.temp_bytes.into(),
            hour.checkpoints.into(),
        ]
    };
    let rows = log.hours[from..].iter().map(row).collect();
    let columns = [
        ("hour (UTC)", Unit::Text),
        ("statements", Unit::Count),
        ("time", Unit::Ms),
        ("P95", Unit::Ms),
        ("errors", Unit::Count),
        ("connections", Unit::Count),
        ("most a second", Unit::Count),
        ("lock waits", Unit::Count),
        ("temp files", Unit::Bytes),
        ("checkpoints", Unit::Count),
    ];
    table("log-hours", "Hour by hour", &columns, rows)
}

fn errors(log: &LogSnapshot) -> Option<Overview> {
    let errors = log.errors.value()?;
    let row = |group: &dbvitals_model::log::ErrorGroup| {
        vec![
            line(&group.message),
            group.count.into(),
            Measure::Text(group.severity.clone()),
            Measure::Text(group.class.clone()),
            group.peak_per_hour.into(),
        ]
    };
    let rows = errors.groups.iter().take(ROWS).map(row).collect();
    let columns = [
        ("message", Unit::Text),
        ("times", Unit::Count),
        ("severity", Unit::Text),
        ("kind", Unit::Text),
        ("most an hour", Unit::Count),
    ];
    table("log-errors", "Errors and warnings", &columns, rows)
}

fn lock_waits(log: &LogSnapshot) -> Option<Overview> {
    let waits = log.lock_waits.value()?;
    let row = |group: &dbvitals_model::log::LockWait| {
        vec![
            line(group.statement.as_deref().unwrap_or("not logged")),
            group.waits.into(),
            Measure::Text(format!("{} on {}", group.mode, group.object)),
            group.total_ms.into(),
            group.longest_ms.into(),
        ]
    };
    let rows = waits.groups.iter().take(ROWS).map(row).collect();
    let columns = [
        ("who waited", Unit::Text),
        ("waits", Unit::Count),
        ("for", Unit::Text),
        ("in all", Unit::Ms),
        ("longest", Unit::Ms),
    ];
    let title = format!("Lock waits; {}", facts::things(waits.deadlocks, "deadlock", "deadlocks"));
    table("log-lock-waits", &title, &columns, rows)
}

fn temp_files(log: &LogSnapshot) -> Option<Overview> {
    let files = log.temp_files.value()?;
    let row = |user: &dbvitals_model::log::TempUser| {
        vec![line(&user.text), user.bytes.into(), user.files.into()]
    };
    let rows = files.users.iter().take(ROWS).map(row).collect();
    let columns = [("statement", Unit::Text), ("bytes", Unit::Bytes), ("files", Unit::Count)];
    let title = format!(
        "Temporary files: {} in all, {} the largest",
        words::bytes(files.bytes as f64),
        words::bytes(files.largest_bytes as f64)
    );
    table("log-temp-files", &title, &columns, rows)
}

fn checkpoints(log: &LogSnapshot) -> Option<Overview> {
    let sum = log.checkpoints.value()?;
    if sum.complete + sum.by_time + sum.by_wal + sum.by_other + sum.too_frequent == 0 {
        return None;
    }
    let row = vec![
        sum.complete.into(),
        sum.by_time.into(),
        sum.by_wal.into(),
        sum.by_other.into(),
        sum.too_frequent.into(),
        sum.longest_seconds.into(),
        sum.longest_sync_seconds.into(),
        sum.wal_bytes.into(),
    ];
    let columns = [
        ("complete", Unit::Count),
        ("by time", Unit::Count),
        ("by WAL", Unit::Count),
        ("asked for", Unit::Count),
        ("warnings", Unit::Count),
        ("longest", Unit::Seconds),
        ("longest sync", Unit::Seconds),
        ("WAL", Unit::Bytes),
    ];
    table("log-checkpoints", "Checkpoints", &columns, vec![row])
}

fn autovacuum(log: &LogSnapshot) -> Option<Overview> {
    let work = log.autovacuum.value()?;
    let row = |done: &dbvitals_model::log::Maintained| {
        vec![
            line(&done.name),
            done.elapsed_seconds.into(),
            done.vacuums.into(),
            done.analyzes.into(),
            done.rows_removed.into(),
            done.dead_not_removable.into(),
            done.in_vain.into(),
        ]
    };
    let rows = work.tables.iter().take(ROWS).map(row).collect();
    let columns = [
        ("table", Unit::Text),
        ("time", Unit::Seconds),
        ("vacuums", Unit::Count),
        ("analyzes", Unit::Count),
        ("rows removed", Unit::Count),
        ("dead rows left", Unit::Count),
        ("in vain", Unit::Count),
    ];
    table("log-autovacuum", "Autovacuum by time", &columns, rows)
}

fn connections(log: &LogSnapshot) -> Option<Overview> {
    let sum = log.connections.value()?;
    if sum.received + sum.authorized + sum.disconnected == 0 {
        return None;
    }
    let session = |pick: fn(&dbvitals_model::log::Latency) -> f64| {
        sum.sessions.as_ref().map_or(Measure::from("unknown"), |latency| pick(latency).into())
    };
    let row = vec![
        sum.received.into(),
        sum.authorized.into(),
        sum.disconnected.into(),
        sum.peak_per_second.into(),
        session(|latency| latency.p50_ms),
        session(|latency| latency.p95_ms),
        sum.lost.into(),
    ];
    let columns = [
        ("received", Unit::Count),
        ("let in", Unit::Count),
        ("ended", Unit::Count),
        ("most a second", Unit::Count),
        ("median session", Unit::Ms),
        ("P95", Unit::Ms),
        ("lost", Unit::Count),
    ];
    table("log-connections", "Connections", &columns, vec![row])
}

/// Who called the statements: databases, users, applications.
fn callers(log: &LogSnapshot) -> Option<Overview> {
    let all = log.statements.value()?;
    let rows = |kind: &'static str, names: &[NamedCount]| {
        let row =
            move |name: &NamedCount| vec![Measure::from(kind), line(&name.name), name.count.into()];
        names.iter().take(5).map(row).collect::<Vec<_>>()
    };
    let all = [
        rows("database", &all.databases),
        rows("user", &all.users),
        rows("application", &all.applications),
    ];
    let columns = [("kind", Unit::Text), ("name", Unit::Text), ("statements", Unit::Count)];
    table("log-callers", "Who calls", &columns, all.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn a_log_is_told_in_tables_with_what_was_read_in_front() {
        let snapshot = testing::log(|log| {
            log.records = 12;
            edit(&mut log.statements).leaders =
                vec![LoggedStatement { text: "select ?".into(), calls: 3, ..Default::default() }];
            log.hours = vec![Hour { statements: 3, ..Hour::default() }];
        });
        let report = crate::judge(&snapshot, &crate::Settings::default());
        let ids: Vec<&str> = report.overview.iter().map(|table| table.id.as_str()).collect();
        assert_eq!(ids, ["log-statements", "log-hours"]);
        assert!(report.overview[0].note.as_deref().unwrap().starts_with("12 records in 0 B"));
        assert_eq!(report.overview[1].rows[0][0], Measure::from("1970-01-01 00:00"));
    }
}
