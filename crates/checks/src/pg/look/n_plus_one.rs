//! The pairs of lists and lookups that were seen, with what they cost and what to write instead.

use dbvitals_model::{Sheet, Snapshot, TargetData, TargetSnapshot, Unit, pg::series::Series};
use serde::Serialize;

use super::begin;
use crate::{
    pg::n_plus_one::{LEAST_INTERVALS, Pair, server::Keys},
    view::{PgView, Reads},
    words,
};

/// Characters of a text in a table.
const TEXT: usize = 60;

/// One pair, with all that is known of it.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are named for what they hold, with their unit")]
pub struct Found {
    pub database: Option<String>,
    pub user: Option<String>,
    pub parent_query_id: String,
    pub parent_text: Option<String>,
    pub child_query_id: String,
    pub child_text: Option<String>,
    /// Calls of the child for each row of the list.
    pub per_row: f64,
    /// Calls of the child for each call of the list.
    pub repeats: f64,
    pub correlation: f64,
    pub intervals: usize,
    /// Calls that one call for each list would save.
    pub lost_requests_per_hour: f64,
    /// Their execution time and a round trip each, as seen from here.
    pub lost_ms_per_hour: f64,
    /// One call for all keys of a list.
    pub batched: String,
    /// No further call at all.
    pub joined: String,
    /// Query ids of other lists that cannot be told from the parent.
    pub alternatives: Vec<String>,
}

/// What was seen of one target; `None` where it is no PostgreSQL server.
pub fn look(
    snapshot: &Snapshot,
    target: &TargetSnapshot,
    series: &Series,
) -> Option<(Sheet, Vec<Found>)> {
    let TargetData::Postgres(pg) = &target.data else { return None };
    let mut sheet = begin("query-n-plus-one", &target.name, &pg.server);
    let statements = match pg.statements.get() {
        Ok(statements) => statements,
        Err(why) => {
            sheet.misses("statements", why);
            return Some((sheet, Vec::new()));
        }
    };
    let reads = Reads::default();
    let view = PgView::of(snapshot, target, &reads)?;
    let seconds: f64 = series.seconds.iter().sum();
    let looks = i64::try_from(series.seconds.len() + 1).unwrap_or(i64::MAX);
    sheet.fact("followed for", seconds, Unit::Seconds, "the clock here");
    sheet.fact("looks", looks, Unit::Count, "pg_stat_statements");
    sheet.fact("time the looks took the server", series.server_ms, Unit::Ms, "its own clock");
    sheet.fact("statements", statements.entries, Unit::Count, "pg_stat_statements");
    let keys = Keys::of(&view);
    for (database, why) in &keys.hidden {
        sheet.note(format!("Foreign keys of {database} cannot be read: {}.", why.0.detail));
    }
    let judged = keys.pairs(series);
    let round_trip = pg.server.round_trip_ms.unwrap_or(0.0);
    let found: Vec<Found> =
        judged.pairs.iter().map(|pair| told(pair, series, round_trip)).collect();
    let linked = i64::try_from(judged.linked).unwrap_or(i64::MAX);
    sheet.fact("lookups with a list they may belong to", linked, Unit::Count, "pg_constraint");
    tables(&mut sheet, &found);
    if series.seconds.len() < LEAST_INTERVALS {
        sheet.note(format!(
            "Nothing is judged by fewer than {LEAST_INTERVALS} intervals: raise --interval, or lower --every."
        ));
    } else if found.is_empty() {
        sheet.note(format!(
            "No pair: of {} lookups by one key none was called by the rows of a list it is linked to.",
            judged.lookups
        ));
    }
    Some((sheet, found))
}

fn told(pair: &Pair<'_>, series: &Series, round_trip_ms: f64) -> Found {
    let (parent, child) = (pair.parent, pair.child);
    let per_hour = pair.lost_per_hour(series);
    Found {
        database: child.database.clone(),
        user: child.user.clone(),
        parent_query_id: parent.query_id.to_string(),
        parent_text: parent.text.clone(),
        child_query_id: child.query_id.to_string(),
        child_text: child.text.clone(),
        per_row: pair.per_row,
        repeats: pair.repeats,
        correlation: pair.correlation,
        intervals: pair.intervals,
        lost_requests_per_hour: per_hour,
        lost_ms_per_hour: per_hour * (child.mean_ms + round_trip_ms),
        batched: pair.batched(),
        joined: pair.joined(),
        alternatives: pair.alternatives.iter().map(|line| line.query_id.to_string()).collect(),
    }
}

fn tables(sheet: &mut Sheet, found: &[Found]) {
    let short = |text: &Option<String>| words::shorten(text.as_deref().unwrap_or("?"), TEXT);
    let rows = found.iter().zip(1_u32..).map(|(it, number)| {
        vec![
            f64::from(number).into(),
            short(&it.parent_text).into(),
            short(&it.child_text).into(),
            it.per_row.into(),
            it.repeats.into(),
            it.lost_requests_per_hour.into(),
            it.lost_ms_per_hour.into(),
        ]
    });
    let columns = [
        ("#", Unit::Count),
        ("list", Unit::Text),
        ("called for its rows", Unit::Text),
        ("per row", Unit::Factor),
        ("per list", Unit::Factor),
        ("lost", Unit::PerHour),
        ("time an hour", Unit::Ms),
    ];
    sheet.table(
        "pairs",
        "Lists and what is called for each of their rows",
        &columns,
        rows.collect(),
    );
    let rows = found.iter().zip(1_u32..).map(|(it, number)| {
        vec![
            f64::from(number).into(),
            it.batched.as_str().into(),
            it.joined.as_str().into(),
            it.correlation.into(),
            it.alternatives.join(", ").into(),
        ]
    });
    let columns = [
        ("#", Unit::Count),
        ("all at once", Unit::Text),
        ("or joined to the list", Unit::Text),
        ("agreement", Unit::Ratio),
        ("may also be", Unit::Text),
    ];
    sheet.table("instead", "What to write instead (a suggestion)", &columns, rows.collect());
    if !found.is_empty() {
        sheet.note(
            "Time is that of the calls and of one round trip each, as long as it takes from here; the call that replaces \
             them takes some of it back. Counters cannot see code: look at what calls the list.",
        );
    }
}
