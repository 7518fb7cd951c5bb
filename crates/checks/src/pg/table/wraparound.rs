//! How far a counter of 2^31 identifiers has run, and when it will be spent.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit,
    pg::{growth::Growth, relation::Relation},
};

use super::ordinary::sql_name;
use crate::{
    check::Threshold,
    context::Context,
    eta::{self, Eta, Needs, Pace},
    skip::Judged,
    view::PgView,
    words,
};

/// Identifiers between a row's and the newest that can be told apart.
pub const SPAN: f64 = 2_147_483_648.0;
/// The server stops handing them out so many before the end.
const RESERVE: f64 = 3_000_000.0;

/// Which of the two counters.
pub struct Kind {
    /// `transaction id`, `multixact id`.
    pub word: &'static str,
    /// The column the age was read from.
    pub source: &'static str,
    /// A database's age.
    pub of_database: fn(&dbvitals_model::pg::database::Database) -> i64,
    /// A table's age.
    pub of_table: fn(&Relation) -> Option<i64>,
    /// Identifiers taken in the time observed.
    pub taken: fn(&Growth) -> Option<i64>,
    /// The setting beyond which autovacuum freezes whatever happens, and its default.
    pub forced_at: (&'static str, f64),
    /// Share of the span from which on it is a warning, and critical.
    pub limits: [&'static Threshold; 2],
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)
    }
}

/// Beyond its limit by so much, autovacuum is not keeping up: what it is about to freeze has no date.
const NOT_KEEPING_UP: f64 = 1.5;

/// Judges every database's age, templates included: any of them stops the whole server. Reads `databases`,
/// and `relations`, `settings` and `growth` where they are there.
pub fn judge(pg: &PgView<'_>, cx: &Context<'_>, kind: &Kind) -> Judged {
    let databases = pg.databases()?;
    let (growth, settings) = (pg.growth().ok(), pg.settings().ok());
    let oldest: Vec<(&str, Vec<&Relation>)> =
        pg.by_database().map(|db| (db.name(), oldest_tables(&db, kind))).collect();
    let (setting, default) = kind.forced_at;
    let forced_at = settings.and_then(|all| all.number(setting)).unwrap_or(default);
    let [warning, critical] = kind.limits;
    let mut found = Vec::new();
    for database in databases {
        let age = (kind.of_database)(database) as f64;
        let name = database.name.as_str();
        let date = growth.and_then(|growth| date(cx, kind, growth, age));
        let is_late = age >= forced_at * NOT_KEEPING_UP;
        let soon =
            date.filter(|date| is_late && date.latest_days <= cx.limit_for(&eta::SOON, name));
        let by_age = cx.above(age / SPAN, warning, critical, name);
        let Some(severity) = by_age.or(soon.map(|_| Severity::Warning)) else { continue };
        let limit = if severity == Severity::Critical { critical } else { warning };
        let mut finding = cx
            .finding(
                severity,
                Subject::new("database", name),
                format!(
                    "the oldest {} of {name} is {} old, {} of what the server can tell apart{}",
                    kind.word,
                    words::count(age),
                    words::percent(age / SPAN),
                    soon.map_or_else(String::new, |date| format!(
                        "; at this pace they are used up {}",
                        date.when()
                    ))
                ),
                "End what holds the horizon back, then freeze the oldest tables; let autovacuum finish.",
            )
            .with(
                Evidence::new("share used", age / SPAN, Unit::Ratio, kind.source)
                    .against(cx.limit_for(limit, name)),
            )
            .with(Evidence::new("age", age, Unit::Xids, kind.source));
        if let Some(date) = date {
            finding = date.told(finding, Unit::Xids, pg.now(), "ages of what was not frozen");
        }
        let tables = oldest.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, t)| t);
        found.push(with_tables(finding, name, tables, kind, age, severity));
    }
    Ok(found)
}

/// When the identifiers are used up if nothing is frozen.
fn date(cx: &Context<'_>, kind: &Kind, growth: &Growth, age: f64) -> Option<Eta> {
    let taken = (kind.taken)(growth)? as f64;
    let pace = Pace { grown: taken, seconds: growth.seconds, steps: taken };
    eta::eta((SPAN - RESERVE - age).max(0.0), pace, Needs::of(cx, 1_000.0))
}

/// The tables that keep the database old, as evidence and as statements.
fn with_tables(
    found: Finding,
    database: &str,
    tables: &[&Relation],
    kind: &Kind,
    age: f64,
    severity: Severity,
) -> Finding {
    let found = match tables.first() {
        Some(first) => found.with(Evidence::new(
            "oldest table",
            format!(
                "{} ({})",
                first.qualified(),
                words::count((kind.of_table)(first).unwrap_or_default() as f64)
            ),
            Unit::Text,
            "pg_class",
        )),
        None => found,
    };
    // Close to the end, removing index entries costs time that may not be left.
    let how = if severity == Severity::Critical {
        "FREEZE, VERBOSE, INDEX_CLEANUP OFF, TRUNCATE OFF"
    } else {
        "FREEZE, VERBOSE"
    };
    // Where a catalogue is older than any table of the user's, only the whole database will do.
    let as_old: Vec<_> = tables
        .iter()
        .filter(|table| (kind.of_table)(table).is_some_and(|own| own as f64 >= age))
        .collect();
    let statements: Vec<String> = if as_old.is_empty() {
        vec![format!("VACUUM ({how});")]
    } else {
        as_old.iter().map(|table| format!("VACUUM ({how}) {};", sql_name(table))).collect()
    };
    let fix = Fix::new(FixKind::Safe, statements).locking(
        "ShareUpdateExclusiveLock",
        format!(
            "other VACUUM and DDL on what is frozen, in database {database}, not reads or writes; much I/O"
        ),
    );
    found.fixed_by(fix).promising("the server keeps accepting writes")
}

/// Up to five permanent tables with the oldest ids.
fn oldest_tables<'a>(db: &crate::view::DatabaseView<'a>, kind: &Kind) -> Vec<&'a Relation> {
    let mut tables: Vec<&Relation> = db
        .relations()
        .ok()
        .into_iter()
        .flatten()
        .filter(|t| matches!(t.kind.as_str(), "r" | "m") && t.persistence != "t")
        .filter(|table| (kind.of_table)(table).is_some())
        .collect();
    tables.sort_by_key(|table| (std::cmp::Reverse((kind.of_table)(table)), table.oid));
    tables.truncate(5);
    tables
}
