//! Errors, waits, maintenance and sessions.

use dbvitals_model::{
    Section,
    log::{
        Checkpoints, Connections, Deadlock, ErrorGroup, Errors, Incident, LockWait, LockWaits,
        Maintained, Maintenance, NamedCount, TempFiles, TempUser,
    },
};

use super::{
    at, ms, silent,
    statements::{Called, Told, latency},
};
use crate::{
    names::ByHash,
    summary::{Summary, failures::Failure, waits::WaitSum},
};

/// Rows that are told of each kind.
const ROWS: usize = 100;

pub(super) fn errors(summary: &Summary) -> Errors {
    let failures = &summary.failures;
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut all: Vec<&Failure> = failures.groups.values().collect();
    all.sort_by(|a, b| {
        b.count
            .cmp(&a.count)
            .then(b.severity.cmp(&a.severity))
            .then_with(|| a.message.cmp(&b.message))
    });
    let groups = all.iter().take(ROWS).map(|failure| ErrorGroup {
        severity: failure.severity.as_str().to_owned(),
        sqlstate: some(&failure.sqlstate).filter(|state| state != "00000"),
        class: failure.class.to_owned(),
        message: failure.message.clone(),
        count: failure.count,
        first_at: at(failure.first),
        last_at: at(failure.last),
        example: failure.example.clone(),
        detail: some(&failure.detail),
        statement: some(&failure.statement),
        clients: failure.clients.counts(&summary.names),
        databases: failure.databases.counts(&summary.names),
        users: failure.users.counts(&summary.names),
        peak_per_hour: failure.peak_per_hour,
    });
    let rest: i64 = all.iter().skip(ROWS).map(|failure| failure.count).sum();
    let mut incidents: Vec<Incident> = failures
        .incidents
        .iter()
        .map(|(kind, incidents)| Incident {
            kind: kind.as_str().to_owned(),
            count: incidents.count,
            first_at: at(incidents.first),
            last_at: at(incidents.last),
            example: incidents.example.clone(),
        })
        .collect();
    incidents.sort_by_key(|incident| std::cmp::Reverse(incident.count));
    Errors { groups: groups.collect(), dropped: failures.dropped + rest, incidents }
}

pub(super) fn lock_waits(summary: &Summary, called: &ByHash<Called>) -> Section<LockWaits> {
    let waits = &summary.waits;
    if waits.begun == 0 && waits.acquired == 0 && waits.deadlocks == 0 {
        return silent(
            "the log tells of no wait for a lock: none outlasted deadlock_timeout, or log_lock_waits is off",
            "ALTER SYSTEM SET log_lock_waits = on; SELECT pg_reload_conf();",
        );
    }
    let mut all: Vec<&WaitSum> = waits.groups.values().collect();
    all.sort_by(|a, b| {
        b.total.cmp(&a.total).then(b.waits.cmp(&a.waits)).then_with(|| a.object.cmp(&b.object))
    });
    let groups = all.into_iter().take(ROWS).map(|sum| lock_wait(sum, called)).collect();
    let told = waits.first_deadlocks.iter().chain(&waits.last_deadlocks);
    let deadlock_examples =
        told.map(|(time, deadlock)| Deadlock { at: at(*time), ..deadlock.clone() }).collect();
    Section::collected(LockWaits {
        waits: waits.begun,
        acquired: waits.acquired,
        total_ms: ms(waits.total),
        longest_ms: ms(waits.longest),
        groups,
        deadlocks: waits.deadlocks,
        deadlock_examples,
    })
}

fn lock_wait(sum: &WaitSum, called: &ByHash<Called>) -> LockWait {
    let holder = |(hash, count): &(u64, i64)| {
        let text = called.get(hash).map(|called| called.text.clone())?;
        Some(NamedCount { name: text, count: *count })
    };
    let mut holders: Vec<NamedCount> = sum.holders.iter().filter_map(holder).collect();
    holders.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    let hash = sum.statement.as_ref().map(|(hash, _)| hash);
    LockWait {
        mode: sum.mode.clone(),
        object: sum.object.clone(),
        waits: sum.waits,
        acquired: sum.acquired,
        total_ms: ms(sum.total),
        longest_ms: ms(sum.longest),
        statement: sum.statement.as_ref().map(|(_, text)| text.clone()),
        fingerprint: hash
            .and_then(|hash| called.get(hash))
            .map(|called| called.fingerprint.clone()),
        holders,
        last_at: at(sum.last),
    }
}

pub(super) fn temp_files(summary: &Summary, told: &Told) -> Section<TempFiles> {
    let waits = &summary.waits;
    if waits.temp_files == 0 {
        return silent(
            "the log tells of no temporary file: none was written, or log_temp_files is -1",
            "ALTER SYSTEM SET log_temp_files = '10MB'; SELECT pg_reload_conf();",
        );
    }
    let mut users: Vec<TempUser> = told
        .temp
        .iter()
        .map(|(fingerprint, (text, files, bytes))| TempUser {
            fingerprint: fingerprint.clone(),
            text: text.clone(),
            files: *files,
            bytes: *bytes,
        })
        .collect();
    users.sort_by_key(|user| std::cmp::Reverse(user.bytes));
    users.truncate(ROWS);
    Section::collected(TempFiles {
        files: waits.temp_files,
        bytes: waits.temp_bytes,
        largest_bytes: waits.temp_largest,
        users,
    })
}

pub(super) fn checkpoints(summary: &Summary) -> Section<Checkpoints> {
    if !summary.maintenance.has_checkpoints {
        return silent(
            "the log tells of no checkpoint: none came, or log_checkpoints is off",
            "ALTER SYSTEM SET log_checkpoints = on; SELECT pg_reload_conf();",
        );
    }
    Section::collected(summary.maintenance.checkpoints.clone())
}

pub(super) fn autovacuum(summary: &Summary) -> Section<Maintenance> {
    let sum = &summary.maintenance;
    if sum.tables.is_empty() {
        return silent(
            "the log tells of no work of autovacuum: none took long enough for \
             log_autovacuum_min_duration, or it is -1",
            "ALTER SYSTEM SET log_autovacuum_min_duration = '1s'; SELECT pg_reload_conf();",
        );
    }
    let mut tables: Vec<Maintained> = sum
        .tables
        .values()
        .map(|(table, last)| Maintained { last_at: at(*last), ..table.clone() })
        .collect();
    tables.sort_by(|a, b| {
        b.elapsed_seconds.total_cmp(&a.elapsed_seconds).then_with(|| a.name.cmp(&b.name))
    });
    let cancelled = summary.failures.groups.values();
    let cancelled = cancelled.filter(|failure| failure.class == "autovacuum cancelled");
    Section::collected(Maintenance {
        vacuums: tables.iter().map(|table| table.vacuums).sum(),
        analyzes: tables.iter().map(|table| table.analyzes).sum(),
        total_seconds: tables.iter().map(|table| table.elapsed_seconds).sum(),
        cancelled: cancelled.map(|failure| failure.count).sum(),
        dropped: sum.dropped,
        tables,
    })
}

pub(super) fn connections(summary: &Summary) -> Section<Connections> {
    let sum = &summary.arrivals;
    if sum.received == 0 && sum.authorized == 0 && sum.disconnected == 0 {
        return silent(
            "the log tells of no connection: none began, or log_connections is off",
            "ALTER SYSTEM SET log_connections = on; ALTER SYSTEM SET log_disconnections = on; \
             SELECT pg_reload_conf();",
        );
    }
    let sessions = (sum.disconnected > 0).then(|| {
        latency(
            &sum.sessions,
            sum.disconnected,
            sum.session_total,
            sum.session_min,
            sum.session_max,
        )
    });
    let names = &summary.names;
    Section::collected(Connections {
        received: sum.received,
        authorized: sum.authorized,
        disconnected: sum.disconnected,
        peak_per_second: sum.peak,
        peak_at: at(sum.peak_at),
        peak_minute_per_second: sum.minute_peak as f64 / 60.0,
        sessions,
        short_sessions: sum.short,
        clients: sum.clients.counts(names),
        users: sum.users.counts(names),
        databases: sum.databases.counts(names),
        applications: sum.applications.counts(names),
        lost: sum.lost,
    })
}
