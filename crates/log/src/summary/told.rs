//! From sums to the values that are judged and shown.

mod activity;
mod statements;

use dbvitals_model::{
    Collected, Reason, Section, Unavailable,
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
    Section::Unavailable(Unavailable::with_remedy(Reason::Disabled, detail, remedy))
}

/// A section without a record tells that its messages are not understood where the log is in another language.
fn in_english<T>(section: Section<T>, language: Option<&str>) -> Section<T> {
    match (section, language) {
        (Section::Unavailable(_), Some(language)) => silent(
            &format!("the log is in {language}, of which such messages are not understood"),
            ENGLISH,
        ),
        (section, _) => section,
    }
}

/// What is read of messages in another language has gaps.
fn understood<T>(value: T, language: Option<&str>) -> Section<T> {
    let gap = |language: &str| Unavailable {
        reason: Reason::Disabled,
        detail: format!(
            "the log is in {language}: errors are told apart by SQLSTATE alone, and what befell the server is not understood"
        ),
        remedy: Some(ENGLISH.to_owned()),
    };
    Section::Collected(Collected { value, gaps: language.map(gap).into_iter().collect() })
}

/// What makes a server write English.
const ENGLISH: &str = "ALTER SYSTEM SET lc_messages = 'C'; SELECT pg_reload_conf();";

pub(super) fn snapshot(
    mut summary: Summary,
    sources: Vec<Source>,
    unknown_zone: Option<String>,
) -> LogSnapshot {
    summary.sequences.finish();
    let told = statements::tell(&mut summary);
    let severities = Severity::ALL
        .into_iter()
        .map(|severity| NamedCount {
            name: severity.as_str().to_owned(),
            count: summary.severities[severity as usize],
        })
        .filter(|count| count.count > 0);
    let language = summary.language;
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
        language: language.map(str::to_owned),
        errors: understood(activity::errors(&summary), language),
        lock_waits: in_english(activity::lock_waits(&summary, &told.names), language),
        temp_files: in_english(activity::temp_files(&summary, &told), language),
        checkpoints: in_english(activity::checkpoints(&summary), language),
        autovacuum: in_english(activity::autovacuum(&summary), language),
        connections: in_english(activity::connections(&summary), language),
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
