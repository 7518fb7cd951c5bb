//! What a simulated application counts, as a window of an audit.

use dbvitals_model::{Reason, Section, Snapshot, TargetData, pg::schema::Constraint};

use super::*;
use crate::{
    pg::{
        n_plus_one::simulation::{App, Rows, Then},
        statement::sample::{in_window, statement, with, without_statements},
    },
    settings::Settings,
    testing::{self, app, edit},
};

const LIST: &str = "select * from orders order by at desc limit $1";
const LOOKUP: &str = "select * from customers where id = $1";

/// Two minutes of pages of five to forty orders; for each something happens.
fn pages(then: Then) -> Series {
    let mut app = App::new(11);
    let (list, child) = (app.statement(), app.statement());
    app.requests(20.0, list, Rows::Between(5, 40), child, then);
    named(app.end())
}

/// The first line is what every request begins with, the second the list, the third the lookup.
fn named(mut series: Series) -> Series {
    for (line, text) in series.lines.iter_mut().zip(["select $1", LIST, LOOKUP]) {
        line.text = Some(text.to_owned());
        line.user = Some("web".into());
        line.database = Some("app".into());
        line.is_top_level = true;
        line.mean_ms = 0.2;
    }
    series
}

/// A server whose window was cut into that series, with a foreign key from orders to customers.
fn seen(series: Option<Series>) -> Snapshot {
    let mut snapshot = in_window(120.0, vec![statement()]);
    let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { unreachable!() };
    edit(&mut pg.window).series = series;
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

fn found(change: impl FnOnce(&mut Series)) -> Vec<Finding> {
    let mut series = pages(Then::EachRow(1));
    change(&mut series);
    testing::findings(&CHECK, &seen(Some(series)))
}

#[test]
fn fires_for_one_lookup_per_row_of_a_list() {
    let one = found(|_| {}).remove(0);
    assert_eq!(one.severity, Severity::Warning);
    assert_eq!(one.key, "pg-n-plus-one-suspect@main/statement:app.3");
    assert!(one.message.contains("was called once for each of the"), "{}", one.message);
    assert!(one.recommendation.contains("FROM customers WHERE id = ANY ($1)"));
    assert!(one.evidence.iter().any(|it| it.label == "calls lost"), "{one:#?}");
}

#[test]
fn children_looked_up_by_their_foreign_key_are_found_too() {
    let found = found(|series| {
        series.lines[1].text = Some("select * from customers where city = $1".into());
        series.lines[2].text = Some("select * from public.orders where customer_id = $1".into());
    });
    assert_eq!(found.len(), 1);
}

#[test]
fn what_is_said_follows_how_often_it_is_called() {
    let message = |then| {
        let found = testing::findings(&CHECK, &seen(Some(pages(then))));
        found.first().map(|one| one.message.clone()).unwrap_or_default()
    };
    assert!(message(Then::EachRow(3)).contains("was called 3 times for each of the"));
    let some = message(Then::SomeRows(0.6));
    assert!(
        some.contains("was called for 60 %")
            || some.contains("was called for 59 %")
            || some.contains("was called for 61 %"),
        "{some}"
    );
}

#[test]
fn a_lookup_of_two_lists_is_one_finding() {
    let mut app = App::new(12);
    let (list, child, other) = (app.statement(), app.statement(), app.statement());
    app.requests(20.0, list, Rows::Between(5, 40), child, Then::EachRow(1));
    app.requests(15.0, other, Rows::Between(10, 30), child, Then::EachRow(1));
    let mut series = named(app.end());
    series.lines[3] = Line {
        text: Some("select * from orders where at > $1".into()),
        query_id: 4,
        calls: series.lines[3].calls.clone(),
        rows: series.lines[3].rows.clone(),
        ..series.lines[1].clone()
    };
    let found = testing::findings(&CHECK, &seen(Some(series)));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].evidence.iter().any(|it| it.label == "called for these lists, too"));
}

#[test]
fn decoys_are_silent() {
    let silent = |simulate: &dyn Fn(&mut App, usize, usize)| {
        for seed in 1..=5 {
            let mut app = App::new(seed);
            let (list, child) = (app.statement(), app.statement());
            simulate(&mut app, list, child);
            assert_eq!(testing::findings(&CHECK, &seen(Some(named(app.end())))), []);
        }
    };
    // Hot lookups, as often as the list has rows: steadily, and with the load.
    silent(&|app, list, child| {
        app.requests(20.0, list, Rows::Between(5, 40), child, Then::Nothing);
        app.steady(450.0, child);
    });
    silent(&|app, list, child| {
        app.requests(20.0, list, Rows::Between(5, 40), child, Then::Nothing);
        app.lookups(450.0, child);
    });
    // By request, not by row; and a worker that takes a batch at a time.
    silent(&|app, list, child| {
        app.requests(20.0, list, Rows::Between(5, 40), child, Then::Fixed(22));
    });
    silent(&|app, list, child| app.batches(list, child));
}

#[test]
fn what_is_not_linked_is_silent() {
    let with = |place: usize, text: &str| {
        found(|series| series.lines[place].text = Some(text.to_owned())).len()
    };
    assert_eq!(with(1, "select * from events limit 50"), 0);
    assert_eq!(with(2, "select * from customers where name = $1"), 0);
    assert_eq!(with(2, "select * from other.customers where id = $1"), 0);
    assert_eq!(with(2, "select * from customers where id = any($1)"), 0, "a batch");
    assert_eq!(found(|series| series.lines[2].user = Some("batch".into())), []);
    assert_eq!(found(|series| series.lines[2].is_top_level = false), []);
    let mut unlinked = seen(Some(pages(Then::EachRow(1))));
    let TargetData::Postgres(pg) = &mut unlinked.targets[0].data else { unreachable!() };
    edit(&mut app(pg).constraints).clear();
    assert_eq!(testing::findings(&CHECK, &unlinked), []);
}

#[test]
fn what_saves_little_is_silent_at_its_thresholds() {
    let with = |key: &str, value: f64| {
        let mut settings = Settings::default();
        let own = settings.checks.entry(CHECK.id.to_owned()).or_default();
        own.thresholds.insert(key.to_owned(), value);
        testing::findings_with(&CHECK, &seen(Some(pages(Then::EachRow(1)))), &settings).len()
    };
    assert_eq!((with("min_calls_per_list", 15.0), with("min_calls_per_list", 40.0)), (1, 0));
    assert_eq!((with("min_lost_per_hour", 1e5), with("min_lost_per_hour", 1e9)), (1, 0));
}

#[test]
fn without_many_looks_nothing_is_said_and_what_to_do_is() {
    let told = |snapshot: &Snapshot| {
        let Skip(why) = testing::skipped(&CHECK, snapshot);
        assert_eq!(why.reason, Reason::NotAsked);
        (why.detail, why.remedy.unwrap())
    };
    for snapshot in [with(vec![statement()]), seen(None)] {
        let (detail, remedy) = told(&snapshot);
        assert!(detail.contains("needs many looks"), "{detail}");
        assert_eq!(remedy, "run with --interval 2m, or dbvitals query n-plus-one");
    }
    let mut few = Series { server_ms: 600.0, ..pages(Then::EachRow(1)) };
    few.seconds.truncate(LEAST_INTERVALS - 1);
    few.seconds.fill(6.0);
    let (detail, remedy) = told(&seen(Some(few)));
    assert!(detail.starts_with("30 looks at the counters of statements, each 20 ms"), "{detail}");
    assert!(detail.ends_with("it takes 31"), "{detail}");
    assert_eq!(remedy, "run with --interval 4m, or dbvitals query n-plus-one");
    let mut enough = pages(Then::EachRow(1));
    enough.seconds.truncate(LEAST_INTERVALS);
    assert_eq!(testing::findings(&CHECK, &seen(Some(enough))).len(), 1);
}

#[test]
fn is_skipped_without_statements_or_foreign_keys() {
    testing::skipped(&CHECK, &without_statements());
    let mut blind = seen(Some(pages(Then::EachRow(1))));
    let TargetData::Postgres(pg) = &mut blind.targets[0].data else { unreachable!() };
    app(pg).constraints = Section::unavailable(Reason::Permission, "hidden");
    assert_eq!(testing::skipped(&CHECK, &blind).0.detail, "hidden");
}

#[test]
fn a_snapshot_of_an_older_release_still_judges() {
    let mut value = serde_json::to_value(seen(Some(pages(Then::EachRow(1))))).unwrap();
    let window = value.pointer_mut("/targets/0/data/postgres/window/collected/value").unwrap();
    assert!(window.as_object_mut().unwrap().remove("series").is_some());
    let old: Snapshot = serde_json::from_value(value).unwrap();
    assert_eq!(testing::skipped(&CHECK, &old).0.reason, Reason::NotAsked);
}
