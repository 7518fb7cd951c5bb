//! The tables of a ranking: figures, verdicts, costs, names.

use dbvitals_model::{Measure, Sheet, Unit};

use super::{entry::Entry, ranking::Rank};
use crate::words;

/// Characters of a text in a table.
const TEXT: usize = 72;

pub(super) fn tables(sheet: &mut Sheet, by: Rank, statements: &[Entry]) {
    let n = |entry: &Entry| Measure::from(entry.rank as f64);
    let own = !matches!(by, Rank::Total | Rank::Calls | Rank::Mean | Rank::Max);
    let mut columns = vec![("#", Unit::Count)];
    columns.extend(own.then_some((by.label(), by.unit())));
    columns.extend([
        ("total", Unit::Ms),
        ("share", Unit::Ratio),
        ("calls", Unit::Count),
        ("mean", Unit::Ms),
        ("max", Unit::Ms),
        ("statement", Unit::Text),
    ]);
    let rows = statements.iter().map(|entry| {
        let mut row = vec![n(entry)];
        row.extend(own.then(|| entry.value.into()));
        let text = entry.text.as_deref().unwrap_or("(text hidden)");
        row.extend([
            entry.total_ms.into(),
            entry.time_share.into(),
            entry.calls.into(),
            entry.mean_ms.into(),
            (if entry.max_ms > 0.0 { entry.max_ms } else { f64::NAN }).into(),
            words::shorten(text, TEXT).into(),
        ]);
        row
    });
    let title = format!("Statements by {}", by.label());
    sheet.table("statements", title, &columns, rows.collect());
    verdicts(sheet, statements);
    costs(sheet, statements);
    names(sheet, statements);
}

/// Class, target, and what to do.
pub(super) fn verdicts(sheet: &mut Sheet, statements: &[Entry]) {
    let rows = statements.iter().map(|entry| {
        let target = match (entry.class_target_ms, entry.is_over_target) {
            (Some(target), Some(true)) => format!("over {}", words::millis(target)),
            (Some(target), _) => format!("within {}", words::millis(target)),
            (None, _) => "none".to_owned(),
        };
        let checks: Vec<&str> = entry.findings.iter().map(|it| it.check.as_str()).collect();
        vec![
            (entry.rank as f64).into(),
            entry.class.into(),
            target.into(),
            checks.join(", ").into(),
            entry.advice.as_str().into(),
        ]
    });
    let columns = [
        ("#", Unit::Count),
        ("class", Unit::Text),
        ("target", Unit::Text),
        ("findings", Unit::Text),
        ("first", Unit::Text),
    ];
    sheet.table("verdicts", "Class, target and what to do first", &columns, rows.collect());
}

/// What one call of each costs.
pub(super) fn costs(sheet: &mut Sheet, statements: &[Entry]) {
    let rows = statements.iter().map(|entry| {
        let calls = entry.calls.max(1) as f64;
        let temp = (entry.temp_blocks_read + entry.temp_blocks_written) as f64;
        vec![
            (entry.rank as f64).into(),
            entry.stddev_ms.into(),
            entry.rows_per_call.into(),
            entry.blocks_per_call.into(),
            entry.hit_ratio.unwrap_or(f64::NAN).into(),
            (temp / calls).into(),
            (entry.wal_bytes as f64 / calls).into(),
            (entry.io_ms / calls).into(),
            (entry.planning_ms / calls).into(),
        ]
    });
    let columns = [
        ("#", Unit::Count),
        ("stddev", Unit::Ms),
        ("rows", Unit::Count),
        ("blocks", Unit::Count),
        ("hit ratio", Unit::Ratio),
        ("temp blocks", Unit::Count),
        ("WAL", Unit::Bytes),
        ("I/O", Unit::Ms),
        ("planning", Unit::Ms),
    ];
    sheet.table("costs", "What a call costs", &columns, rows.collect());
}

/// Whose they are, and the names other tools know them by.
pub(super) fn names(sheet: &mut Sheet, statements: &[Entry]) {
    let rows = statements.iter().map(|entry| {
        let level = if entry.is_top_level { "" } else { "in a function" };
        vec![
            (entry.rank as f64).into(),
            entry.query_id.as_str().into(),
            entry.database.as_deref().unwrap_or("(dropped)").into(),
            entry.user.as_deref().unwrap_or("(dropped)").into(),
            entry.fingerprint.as_deref().unwrap_or_default().into(),
            level.into(),
        ]
    });
    let columns = [
        ("#", Unit::Count),
        ("query id", Unit::Text),
        ("database", Unit::Text),
        ("user", Unit::Text),
        ("fingerprint", Unit::Text),
        ("called", Unit::Text),
    ];
    sheet.table("names", "Names", &columns, rows.collect());
}
