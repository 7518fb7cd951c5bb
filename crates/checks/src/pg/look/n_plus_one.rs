//! The pairs of lists and lookups that were seen, with what they cost and what to write instead.

use dbvitals_model::{Sheet, Snapshot, TargetData, TargetSnapshot, Unit, pg::series::Series};
use serde::Serialize;

use super::begin;
use crate::{
    pg::{
        n_plus_one::{LEAST_INTERVALS, Pair, candidates, pairs},
        statement::{links::Links, load::mean_ms},
    },
    sql,
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
    sheet.fact("statements", statements.entries, Unit::Count, "pg_stat_statements");
    let (mut found, mut lookups, mut linked) = (Vec::new(), 0, 0);
    for db in view.by_database() {
        if let Err(why) = db.constraints() {
            sheet.note(format!("Foreign keys of {} cannot be read: {why:?}", db.name()));
        }
        let links = Links::of(&db);
        let children = candidates::children(series, &links);
        lookups += children.first().map_or(0, |child| child.lookups.len());
        linked += children.len();
        let round_trip = pg.server.round_trip_ms.unwrap_or(0.0);
        found.extend(pairs(series, &children).iter().map(|pair| told(pair, seconds, round_trip)));
    }
    found.sort_by(|a, b| b.lost_requests_per_hour.total_cmp(&a.lost_requests_per_hour));
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    sheet.fact(
        "lookups with a list they may belong to",
        count(linked),
        Unit::Count,
        "pg_constraint",
    );
    tables(&mut sheet, &found);
    if series.seconds.len() < LEAST_INTERVALS {
        sheet.note(format!(
            "Nothing is judged by fewer than {LEAST_INTERVALS} intervals: raise --interval, or lower --every."
        ));
    } else if found.is_empty() {
        sheet.note(format!(
            "No pair: of {lookups} lookups by one key none was called by the rows of a list it is linked to."
        ));
    }
    Some((sheet, found))
}

fn told(pair: &Pair<'_>, seconds: f64, round_trip_ms: f64) -> Found {
    let (parent, child) = (&pair.parent.statement, &pair.child.statement);
    let lost = (pair.calls - pair.lists).max(0.0);
    let per_hour = if seconds > 0.0 { lost / seconds * 3600.0 } else { 0.0 };
    let link = &pair.link;
    let table = match &link.table.schema {
        Some(schema) => sql::qualified(schema, &link.table.name),
        None => sql::ident(&link.table.name),
    };
    let (column, alias) = (sql::ident(&link.column), sql::ident(&link.parent_alias));
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
        lost_ms_per_hour: per_hour * (mean_ms(child) + round_trip_ms),
        batched: format!("SELECT … FROM {table} WHERE {column} = ANY ($1)"),
        joined: format!(
            "… LEFT JOIN {table} ON {table}.{column} = {alias}.{}",
            sql::ident(&link.parent_column)
        ),
        alternatives: pair
            .alternatives
            .iter()
            .map(|line| line.statement.query_id.to_string())
            .collect(),
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
