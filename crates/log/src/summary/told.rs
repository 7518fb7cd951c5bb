//! From sums to the values that are judged and shown.

mod activity;
mod statements;

use dbvitals_model::{
    Reason, Section,
    log::{Hour, LogSnapshot, NamedCount, Source, Unread},
};
use jiff::Timestamp;

use super::Summary;
use crate::{moment::Micros, severity::Severity};

pub(super) fn timestamp(time: Micros) -> Option<Timestamp> {
    Timestamp::from_microsecond(time).ok()
}

pub(super) fn at(time: Option<Micros>) -> Option<Timestamp> {
    time.and_then(timestamp)
}

pub(super) fn ms(micros: i64) -> f64 {
    micros as f64 / 1000.0
}

/// A section the log holds nothing of: nobody can tell from it why.
fn silent<T>(detail: &str, remedy: &str) -> Section<T> {
    Section::Unavailable(dbvitals_model::Unavailable::with_remedy(Reason::Disabled, detail, remedy))
}

pub(super) fn snapshot(
    mut summary: Summary,
    sources: Vec<Source>,
    unknown_zone: Option<String>,
) -> LogSnapshot {
    summary.sequences.finish();
    let told = statements::tell(&mut summary);
    let levels = [
        Severity::Debug,
        Severity::Info,
        Severity::Notice,
        Severity::Log,
        Severity::Warning,
        Severity::Error,
        Severity::Fatal,
        Severity::Panic,
    ];
    let severities = levels
        .into_iter()
        .map(|severity| NamedCount {
            name: severity.as_str().to_owned(),
            count: summary.severities[severity as usize],
        })
        .filter(|count| count.count > 0);
    LogSnapshot {
        sources,
        first_at: at(summary.first),
        last_at: at(summary.last),
        bytes: summary.bytes,
        records: summary.records,
        severities: severities.collect(),
        unread: Unread {
            lines: summary.unread.lines,
            bytes: summary.unread.bytes,
            examples: std::mem::take(&mut summary.unread.examples),
            cut_records: summary.unread.cut,
        },
        unknown_zone,
        errors: Section::collected(activity::errors(&summary)),
        lock_waits: activity::lock_waits(&summary, &told.names),
        temp_files: activity::temp_files(&summary, &told),
        checkpoints: activity::checkpoints(&summary),
        autovacuum: activity::autovacuum(&summary),
        connections: activity::connections(&summary),
        hours: hours(&summary),
        statements: told.statements,
        repeats: told.repeats,
    }
}

fn hours(summary: &Summary) -> Vec<Hour> {
    let hours = summary.hours.known.iter();
    hours
        .filter_map(|(hour, sum)| {
            Some(Hour {
                at: timestamp(hour.checked_mul(crate::moment::HOUR)?)?,
                records: sum.records,
                statements: sum.statements,
                total_ms: ms(sum.micros),
                p95_ms: sum.histogram.percentile_ms(0.95),
                errors: sum.errors,
                connections: sum.connections,
                connections_peak: sum.connections_peak,
                lock_waits: sum.lock_waits,
                temp_bytes: sum.temp_bytes,
                checkpoints: sum.checkpoints,
            })
        })
        .collect()
}
