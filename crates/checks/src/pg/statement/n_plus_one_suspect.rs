//! A list, and for each of its rows one more statement.

use dbvitals_model::{Evidence, Finding, Severity, Unit, pg::statement::Statement};
use dbvitals_query::{Lookup, Statement as Parsed, TableName};

use super::{
    links::Links,
    load::{self, LISTED, Load, per_call},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
    words,
};

/// Calls of a lookup against the rows of a list it is linked to by a foreign key.
pub static CHECK: Check = Check {
    id: "pg-n-plus-one-suspect",
    title: "N+1 suspect",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window", "constraints"],
    thresholds: &[&CALLS, &PARENT_ROWS, &TOLERANCE, &TIME],
    fix: None,
    explain: "\
## What it detects
A statement that looks rows up by a key was called as often as another statement, the list, returned rows
(within `max_deviation_ratio`); the two tables are linked by a foreign key through exactly that key; same
database, same role. The lookup has at least `min_calls` calls and spent at least `min_time_ms`, and the list
returns at least `min_parent_rows` rows a call. Over a window of a minute or more it is a warning; counters
since their reset, which cover more than one habit of the application, make it a remark.

## Why it matters
For each row of a list the application asks the server once more. Every one of these calls costs a round trip:
a page of 50 rows waits 50 times for the network, and the more the data grows the slower it gets.

## How to fix
Ask once: join the table to the list, or fetch all keys of the list together with `= ANY ($1)`. Object mappers
call it eager loading (`includes`, `select_related`, `JOIN FETCH`).

## When to ignore
Loops that cannot know their keys beforehand. Counters can agree by chance: look at the code, or at the order
of the statements in the log.

## References
PostgreSQL documentation: pg_stat_statements; the guide's page on statement classes.
",
    run: Run::Postgres(run),
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (10.0, 1e12),
    why: "two counters below a thousand agree within a few percent by chance too often",
};

static PARENT_ROWS: Threshold = Threshold {
    key: "min_parent_rows",
    unit: Unit::Count,
    default: 5.0,
    strict: None,
    range: (2.0, 1e9),
    why: "a list of fewer rows saves too few round trips to be worth a change",
};

static TOLERANCE: Threshold = Threshold {
    key: "max_deviation_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 0.5),
    why: "one call for each row, give or take what was running when the counters were read",
};

static TIME: Threshold = Threshold {
    key: "min_time_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: None,
    range: (0.0, 1e9),
    why: "less than that was not worth finding",
};

/// A list that may be the parent: what it reads, and how many rows it gave.
struct List<'a> {
    statement: &'a Statement,
    tables: Vec<TableName>,
}

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let keys: Vec<Links<'_>> = pg.by_database().map(|db| Links::of(&db)).collect();
    let load = Load::of(pg, statements, window)?;
    let severity = if load.is_window() { Severity::Warning } else { Severity::Info };
    let mut found = Vec::new();
    for keys in &keys {
        let here = || {
            load.by(|s| s.calls as f64)
                .filter(|s| s.database.as_deref() == Some(keys.database) && s.is_top_level)
        };
        let lists: Vec<List<'_>> = here().filter_map(|s| list(cx, s)).collect();
        for child in here().filter(|s| is_called_enough(cx, s)) {
            let Some(lookup) = lookup(child) else { continue };
            let parent = lists.iter().find(|list| is_pair(cx, keys, list, child, &lookup));
            found.extend(
                parent.map(|list| finding(cx, &load, severity, list.statement, child, &lookup)),
            );
        }
    }
    found.truncate(LISTED);
    Ok(found)
}

fn is_called_enough(cx: &Context<'_>, child: &Statement) -> bool {
    let name = load::name(child);
    child.calls as f64 >= cx.limit_for(&CALLS, &name)
        && child.total_exec_time_ms >= cx.limit_for(&TIME, &name)
}

/// The key a statement looks up by, if it is one column.
fn lookup(statement: &Statement) -> Option<Lookup> {
    let parsed = Parsed::parse(statement.text.as_deref()?).ok()?;
    parsed.lookup().filter(|lookup| lookup.columns.len() == 1)
}

fn list<'a>(cx: &Context<'_>, statement: &'a Statement) -> Option<List<'a>> {
    if per_call(statement, statement.rows as f64)
        < cx.limit_for(&PARENT_ROWS, &load::name(statement))
    {
        return None;
    }
    let parsed = Parsed::parse(statement.text.as_deref()?).ok()?;
    let is_read = matches!(
        parsed.classify().class,
        dbvitals_query::Class::SimpleRead | dbvitals_query::Class::Join
    );
    is_read.then(|| List { statement, tables: parsed.tables() })
}

/// Whether each row of the list seems to have been followed by one call of the child.
fn is_pair(
    cx: &Context<'_>,
    keys: &Links<'_>,
    list: &List<'_>,
    child: &Statement,
    lookup: &Lookup,
) -> bool {
    let parent = list.statement;
    let users_differ = parent.user.is_some() && child.user.is_some() && parent.user != child.user;
    if parent.query_id == child.query_id || users_differ || began_apart(parent, child) {
        return false;
    }
    let rows = parent.rows as f64;
    let deviation = (child.calls as f64 - rows).abs();
    let agrees = rows > 0.0 && deviation <= rows * cx.limit_for(&TOLERANCE, &load::name(child));
    let column = lookup.columns.first().map_or("", String::as_str);
    agrees && keys.lead(&list.tables, &lookup.table, column)
}

/// Whether one of the two was counted for much longer than the other (17+ tells).
fn began_apart(one: &Statement, other: &Statement) -> bool {
    match (one.stats_since, other.stats_since) {
        (Some(one), Some(other)) => one.duration_since(other).as_secs().abs() > 3600,
        _ => false,
    }
}

fn finding(
    cx: &Context<'_>,
    load: &Load,
    severity: Severity,
    parent: &Statement,
    child: &Statement,
    lookup: &Lookup,
) -> Finding {
    let problem = format!(
        "was called {} times, once for each of the {} rows that statement {} ({}) returned",
        words::count(child.calls as f64),
        words::count(parent.rows as f64),
        load::name(parent),
        words::shorten(parent.text.as_deref().unwrap_or_default(), 60),
    );
    let table = match &lookup.table.schema {
        Some(schema) => sql::qualified(schema, &lookup.table.name),
        None => sql::ident(&lookup.table.name),
    };
    let column = lookup.columns.first().map_or_else(String::new, |column| sql::ident(column));
    let advice = format!(
        "Join {table} to the list, or fetch all rows at once: SELECT … FROM {table} WHERE {column} = ANY ($1)."
    );
    let lists = parent.calls.max(1) as f64;
    let saved = child.calls as f64 - lists;
    load.finding(cx, severity, child, &problem, advice)
        .with(Evidence::new(
            "calls for each row of the list",
            child.calls as f64 / parent.rows.max(1) as f64,
            Unit::Factor,
            load.source("calls, rows"),
        ))
        .with(
            Evidence::new(
                "rows per call of the list",
                per_call(parent, parent.rows as f64),
                Unit::Count,
                load.source("rows"),
            )
            .against(cx.limit_for(&PARENT_ROWS, &load::name(parent))),
        )
        .with(Evidence::new("calls of the list", parent.calls, Unit::Count, load.source("calls")))
        .with(Evidence::new(
            "the list",
            words::shorten(parent.text.as_deref().unwrap_or_default(), 1000),
            Unit::Text,
            "pg_stat_statements",
        ))
        .with(Evidence::new(
            "linked by",
            format!("{table} ({column})"),
            Unit::Text,
            "pg_constraint",
        ))
        .promising(format!("about {} fewer round trips", words::count(saved.max(0.0))))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, TargetData, pg::schema::Constraint};

    use super::*;
    use crate::{
        pg::statement::sample::{in_window, statement, with, without_statements},
        testing::{self, app, edit},
    };

    /// 200 pages of 50 orders, and for each order one look at its customer.
    fn pair() -> [Statement; 2] {
        let list = Statement {
            query_id: 1,
            text: Some("select * from orders order by at desc limit $1".into()),
            calls: 200,
            rows: 10_000,
            ..statement()
        };
        let child = Statement {
            query_id: 2,
            text: Some("select * from customers where id = $1".into()),
            calls: 10_000,
            rows: 10_000,
            ..statement()
        };
        [list, child]
    }

    fn with_key(mut snapshot: Snapshot) -> Snapshot {
        let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { unreachable!() };
        *edit(&mut app(pg).constraints) = vec![Constraint {
            kind: "f".into(),
            schema: "public".into(),
            table: "orders".into(),
            column_names: vec!["customer_id".into()],
            referenced_schema: Some("public".into()),
            referenced_table: Some("customers".into()),
            referenced_names: vec!["id".into()],
            ..Constraint::default()
        }];
        snapshot
    }

    fn found(change: impl FnOnce(&mut Statement, &mut Statement)) -> Vec<Finding> {
        let [mut list, mut child] = pair();
        change(&mut list, &mut child);
        testing::findings(&CHECK, &with_key(in_window(120.0, vec![list, child])))
    }

    #[test]
    fn fires_for_one_lookup_per_row_of_a_list() {
        let one = found(|_, _| {}).remove(0);
        assert_eq!(one.severity, Severity::Warning);
        assert_eq!(one.key, "pg-n-plus-one-suspect@main/statement:app.2");
        assert!(one.message.contains("once for each of the 10,000 rows"), "{}", one.message);
        assert!(one.recommendation.contains("FROM customers WHERE id = ANY ($1)"));
    }

    #[test]
    fn children_looked_up_by_their_foreign_key_are_found_too() {
        let found = found(|list, child| {
            list.text = Some("select * from customers where city = $1".into());
            child.text = Some("select * from public.orders where customer_id = $1".into());
            child.rows = 70_000;
        });
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn lifetime_counters_make_it_a_remark() {
        let found = testing::findings(&CHECK, &with_key(with(pair().to_vec())));
        assert_eq!(found[0].severity, Severity::Info);
    }

    #[test]
    fn hot_lookups_are_silent() {
        assert!(found(|_, child| child.calls = 1_000_000).is_empty(), "asked for everywhere");
        assert!(found(|_, child| child.calls = 10_501).is_empty());
        assert_eq!(found(|_, child| child.calls = 10_500).len(), 1);
        assert_eq!(found(|_, child| child.calls = 9_500).len(), 1);
        assert!(found(|_, child| child.calls = 9_499).is_empty());
    }

    #[test]
    fn what_is_not_linked_is_silent() {
        assert!(
            found(|list, _| list.text = Some("select * from events limit 50".into())).is_empty()
        );
        assert!(
            found(|_, child| child.text = Some("select * from customers where name = $1".into()))
                .is_empty()
        );
        assert!(
            found(
                |_, child| child.text = Some("select * from other.customers where id = $1".into())
            )
            .is_empty()
        );
        let [list, child] = pair();
        assert!(
            testing::findings(&CHECK, &in_window(120.0, vec![list, child])).is_empty(),
            "no key"
        );
    }

    #[test]
    fn batches_short_lists_functions_and_other_roles_are_silent() {
        assert!(found(|_, child| child.text = Some("select * from customers where id = any($1)".into())).is_empty());
        assert!(found(|list, _| list.calls = 2_001).is_empty(), "fewer than five rows a call");
        assert_eq!(found(|list, _| list.calls = 2_000).len(), 1);
        assert!(found(|_, child| child.user = Some("batch".into())).is_empty());
        assert!(found(|_, child| child.is_top_level = false).is_empty());
        assert!(found(|_, child| child.total_exec_time_ms = 9.9).is_empty());
        assert!(
            found(|list, child| {
                list.rows = 999;
                list.calls = 20;
                child.calls = 999;
            })
            .is_empty()
        );
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
