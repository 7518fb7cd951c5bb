//! Ten pairs among forty decoys, and the rules one by one.

use std::collections::BTreeSet;

use dbvitals_query::TableName;

use super::{
    candidates::{Candidate, Child, Link},
    pairs,
    simulation::{App, INTERVALS, Rows, Then},
};
use dbvitals_model::pg::series::Series;

/// A list and a lookup by their lines, and whether they are a pair.
type Known = (usize, usize, bool);

/// Ten true pairs under a load that varies.
fn plant_pairs(app: &mut App, known: &mut Vec<Known>) {
    let kinds = [
        (20.0, Rows::Between(5, 40), Then::EachRow(1)),
        (15.0, Rows::Always(20), Then::EachRow(1)),
        (20.0, Rows::Between(3, 15), Then::EachRow(2)),
        (25.0, Rows::Tailed, Then::EachRow(1)),
        (20.0, Rows::Between(10, 30), Then::SomeRows(0.7)),
        (2.0, Rows::Between(10, 60), Then::EachRow(1)),
        (20.0, Rows::Between(10, 50), Then::SomeRows(0.4)),
        (30.0, Rows::Between(2, 10), Then::EachRow(1)),
    ];
    let mut last = 0;
    for (rate, rows, then) in kinds {
        let (list, child) = (app.statement(), app.statement());
        app.requests(rate, list, rows, child, then);
        known.push((list, child, true));
        last = child;
    }
    // The last lookup is also asked for by itself, half as often.
    app.lookups(90.0, last);
    // One lookup for two lists.
    let (one, other, child) = (app.statement(), app.statement(), app.statement());
    app.requests(15.0, one, Rows::Between(5, 25), child, Then::EachRow(1));
    app.requests(10.0, other, Rows::Between(10, 40), child, Then::EachRow(1));
    known.extend([(one, child, true), (other, child, true)]);
}

/// Forty that look like pairs and are none.
fn plant_decoys(app: &mut App, known: &mut Vec<Known>) {
    for number in 0..40 {
        let (list, child) = (app.statement(), app.statement());
        let rate = 5.0 + 20.0 * app.dice.unit();
        let rows = if number % 2 == 0 { Rows::Between(5, 40) } else { Rows::Always(20) };
        let often = rate * if number % 2 == 0 { 22.5 } else { 20.0 };
        match number {
            // Hot lookups, as often as the list has rows.
            0..10 => {
                app.requests(rate, list, rows, child, Then::Nothing);
                app.steady(often, child);
            }
            // Nothing in common but the load.
            10..18 => {
                app.requests(rate, list, rows, child, Then::Nothing);
                app.lookups(often, child);
            }
            // So many lookups in each request, whatever the rows.
            18..24 => {
                let calls = app.dice.between(2, 6);
                app.requests(rate, list, Rows::Between(5, 40), child, Then::Fixed(calls));
            }
            24..30 => app.batches(list, child),
            // Each tenant is asked once in each request.
            30..36 => app.requests(rate, list, Rows::Always(12), child, Then::Fixed(1)),
            // Two applications, each with a load of its own, as one user.
            _ => {
                app.requests(rate, list, rows, child, Then::Nothing);
                let own = app.curve();
                for second in app.moments(often, Some(&own)) {
                    app.count(child, second, 1);
                }
            }
        }
        known.push((list, child, false));
    }
}

fn link() -> Link {
    let table = |name: &str| TableName { schema: None, name: name.into() };
    Link {
        table: table("customers"),
        column: "id".into(),
        parent_table: table("orders"),
        parent_alias: "orders".into(),
        parent_column: "customer_id".into(),
    }
}

/// Each lookup with its own lists, and two of others that are linked as well.
fn children<'a>(series: &'a Series, known: &[Known], strangers: usize) -> Vec<Child<'a>> {
    let lookups: BTreeSet<usize> = known.iter().map(|(_, child, _)| *child).collect();
    let lines: Vec<usize> = lookups.iter().copied().collect();
    let child = |(place, child): (usize, &usize)| {
        let own = known.iter().filter(|it| it.1 == *child).map(|it| it.0);
        let others = (1..=strangers).map(|step| known[(place * 7 + step * 11) % known.len()].0);
        let lists: BTreeSet<usize> = own.chain(others).collect();
        Child {
            line: &series.lines[*child],
            candidates: lists
                .into_iter()
                .map(|list| Candidate { line: &series.lines[list], link: link() })
                .collect(),
            lookups: lines.iter().map(|line| &series.lines[*line]).collect(),
        }
    };
    lines.iter().enumerate().map(child).collect()
}

/// True pairs found, pairs found, and true pairs that were missed, by their lines.
fn judged(mut app: App, strangers: usize) -> (usize, usize, Vec<Known>) {
    let mut known = Vec::new();
    plant_pairs(&mut app, &mut known);
    plant_decoys(&mut app, &mut known);
    let series = app.end();
    let children = children(&series, &known, strangers);
    let place =
        |line: &dbvitals_model::pg::series::Line| usize::try_from(line.query_id).unwrap() - 1;
    let found: BTreeSet<(usize, usize)> = pairs(&series, &children)
        .iter()
        .map(|pair| (place(pair.parent), place(pair.child)))
        .collect();
    let is_found = |it: &&Known| found.contains(&(it.0, it.1));
    let hits = known.iter().filter(|it| it.2).filter(is_found).count();
    let missed = known.iter().filter(|it| it.2).filter(|it| !is_found(it)).copied().collect();
    let wrong: Vec<&(usize, usize)> = found
        .iter()
        .filter(|it| !known.iter().any(|known| known.2 && (known.0, known.1) == **it))
        .collect();
    if !wrong.is_empty() {
        println!("wrong {wrong:?}");
    }
    (hits, found.len(), missed)
}

/// True pairs found, pairs found and pairs planted, by applications.
fn of_all(apps: impl Iterator<Item = App>) -> [usize; 3] {
    let mut sums = [0; 3];
    for (number, app) in apps.enumerate() {
        let (hits, found, missed) = judged(app, 2);
        if !missed.is_empty() {
            println!("application {number}: missed {missed:?}");
        }
        sums = [sums[0] + hits, sums[1] + found, sums[2] + hits + missed.len()];
    }
    println!("{sums:?}: true pairs found, pairs found, pairs planted");
    sums
}

fn are_found(apps: impl Iterator<Item = App>, least: f64) {
    let [hits, found, planted] = of_all(apps);
    assert_eq!(hits, found, "none is wrong");
    assert!(hits as f64 >= least * planted as f64, "{hits} of {planted}");
}

#[test]
fn ten_pairs_are_found_among_forty_decoys() {
    are_found((101..=120).map(App::new), 0.97);
}

#[test]
fn requests_that_go_on_in_the_next_interval_are_found_as_well() {
    are_found((201..=220).map(|seed| App::new(seed).slow(0.005)), 0.95);
}

/// One pair under these requests; its calls per row.
fn one(rows: Rows, then: Then, seed: u64) -> Option<f64> {
    let mut app = App::new(seed);
    let (list, child) = (app.statement(), app.statement());
    app.requests(20.0, list, rows, child, then);
    let series = app.end();
    let children = children(&series, &[(list, child, true)], 0);
    pairs(&series, &children).first().map(|pair| pair.per_row)
}

#[test]
fn calls_for_each_row_are_told() {
    let near = |found: Option<f64>, wanted: f64| {
        assert!(found.is_some_and(|it| (it - wanted).abs() < 0.05 * wanted), "{found:?} {wanted}");
    };
    near(one(Rows::Between(5, 40), Then::EachRow(1), 1), 1.0);
    near(one(Rows::Between(5, 40), Then::EachRow(3), 2), 3.0);
    near(one(Rows::Between(5, 40), Then::SomeRows(0.5), 3), 0.5);
    assert_eq!(one(Rows::Between(5, 40), Then::Fixed(22), 4), None, "by request, not by row");
    assert_eq!(one(Rows::Always(1), Then::EachRow(1), 5), None, "nothing to win");
    assert_eq!(one(Rows::Always(20), Then::SomeRows(0.4), 6), None, "a share without chance in it");
}

#[test]
fn few_intervals_and_few_calls_prove_nothing() {
    let mut app = App::new(7);
    let (list, child) = (app.statement(), app.statement());
    app.requests(20.0, list, Rows::Between(5, 40), child, Then::EachRow(1));
    let mut series = app.end();
    let known = [(list, child, true)];
    assert_eq!(pairs(&series, &children(&series, &known, 0)).len(), 1);
    // A counter that began anew is left out, the rest still counts.
    series.lines[child].calls[3] = None;
    assert_eq!(pairs(&series, &children(&series, &known, 0))[0].intervals, INTERVALS - 1);
    for place in 0..31 {
        series.lines[list].rows[place] = None;
    }
    assert_eq!(pairs(&series, &children(&series, &known, 0)).len(), 0);
}

#[test]
fn the_windows_of_an_audit_miss_some_pairs_and_invent_none() {
    // A minute, three quarters of one, and a minute on a server that can spare half of the looks.
    for (every, intervals, least) in [(1.0, 60, 0.85), (1.0, 45, 0.6), (1.8, 33, 0.6)] {
        are_found((101..=106).map(|seed| App::looked_at(seed, every, intervals)), least);
    }
    // Five minutes.
    assert_eq!(of_all((101..=102).map(|seed| App::looked_at(seed, 5.0, 60))), [20; 3]);
}
