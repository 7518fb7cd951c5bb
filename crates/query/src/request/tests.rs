//! What is a list and its lookups, and what only looks like it.

use std::time::Duration;

use super::*;

const ORDERS: &str = "select id, customer_id from orders where state = $1 limit $2";
const CUSTOMER: &str = "select name from customers where id = $1";
const LINES: &str = "select * from lines where order_id = $1";

struct App {
    watch: Watch,
    request: u64,
}

impl App {
    fn new() -> Self {
        let limits = Limits { round_trip: Duration::from_micros(500), ..Limits::default() };
        Self { watch: Watch::new(limits), request: 0 }
    }

    fn call(&mut self, text: &str, parameters: u64, rows: u64) {
        self.call_at(0, text, parameters, rows);
    }

    fn call_at(&mut self, place: u64, text: &str, parameters: u64, rows: u64) {
        let duration = Duration::from_micros(100);
        let call = Call { statement: Told::Text(text), place, parameters, rows, duration };
        self.watch.statement(self.request, &call);
    }

    /// A request that does this.
    fn request(&mut self, act: impl FnOnce(&mut Self)) -> Vec<Repeat> {
        self.request += 1;
        self.watch.begin(self.request);
        act(self);
        let verdict = self.watch.end(self.request).unwrap();
        assert_eq!(verdict.unseen, 0);
        verdict.repeats
    }
}

fn kinds(repeats: &[Repeat]) -> Vec<Kind> {
    repeats.iter().map(|it| it.kind).collect()
}

/// A list of so many orders, and each one's customer.
fn page(app: &mut App, rows: u64) {
    app.call(ORDERS, 0, rows);
    (0..rows).for_each(|row| app.call(CUSTOMER, row, 1));
}

#[test]
fn a_list_and_its_lookups_are_a_pair() {
    let found = App::new().request(|app| page(app, 20));
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((one.kind, one.calls, one.distinct, one.lost), (Kind::EachRow, 20, 20, 19));
    assert_eq!(one.parent.as_ref().unwrap().text.as_deref(), Some(ORDERS));
    assert_eq!(one.child.text.as_deref(), Some(CUSTOMER));
    assert_eq!((one.per_row, one.per_list), (Some(1.0), Some(20.0)));
    assert_eq!(one.lost_time, Duration::from_micros(19 * 600));
    assert_eq!(one.batched.as_deref(), Some("SELECT … FROM customers WHERE id = ANY ($1)"));
    assert_eq!(
        one.joined.as_deref(),
        Some("… LEFT JOIN customers ON customers.id = orders.customer_id")
    );
}

#[test]
fn several_lists_nested_loops_and_literals_are_followed() {
    let mut app = App::new();
    // Three pages in one request.
    let found = app.request(|app| {
        (0..3).for_each(|at| {
            app.call(ORDERS, at, 7);
            (0..7).for_each(|row| app.call(CUSTOMER, 10 * at + row, 1));
        });
    });
    assert_eq!((found[0].calls, found[0].lost, found[0].per_list), (21, 18, Some(7.0)));
    // Each order's lines, and its customer between them: both belong to the orders.
    let found = app.request(|app| {
        app.call(ORDERS, 0, 12);
        for row in 0..12 {
            app.call(LINES, row, 5);
            app.call(CUSTOMER, row, 1);
        }
    });
    let parents: Vec<_> =
        found.iter().map(|it| it.parent.as_ref().unwrap().text.as_deref()).collect();
    assert_eq!(parents, [Some(ORDERS); 2]);
    let lines = found.iter().find(|it| it.child.text.as_deref() == Some(LINES)).unwrap();
    assert_eq!(lines.joined.as_deref(), Some("… LEFT JOIN lines ON lines.order_id = orders.id"));
    // A lookup for each line of each order.
    let part = "select * from parts where id = $1";
    let found = app.request(|app| {
        app.call(ORDERS, 0, 6);
        for row in 0..6 {
            app.call(LINES, row, 4);
            (0..4).for_each(|line| app.call(part, 10 * row + line, 1));
        }
    });
    let parts = found.iter().find(|it| it.child.text.as_deref() == Some(part)).unwrap();
    assert_eq!(parts.parent.as_ref().unwrap().text.as_deref(), Some(LINES));
    assert_eq!((parts.calls, parts.lost), (24, 18));
    // Keys written into the text are parameters, too.
    let found = app.request(|app| {
        app.call("select * from orders limit 9", 0, 9);
        (0..9).for_each(|row| app.call(&format!("select * from customers where id = {row}"), 0, 1));
    });
    assert_eq!((found[0].kind, found[0].distinct), (Kind::EachRow, 9));
}

#[test]
fn rows_that_are_cached_and_two_calls_for_each_are_pairs_too() {
    let mut app = App::new();
    let found = app.request(|app| {
        app.call(ORDERS, 0, 30);
        (0..12).for_each(|row| app.call(CUSTOMER, row, 1));
    });
    assert_eq!((found[0].kind, found[0].per_row), (Kind::EachRow, Some(0.4)));
    let found = app.request(|app| {
        app.call(ORDERS, 0, 8);
        (0..16).for_each(|row| app.call(CUSTOMER, row, 1));
    });
    assert_eq!((found[0].kind, found[0].per_row), (Kind::EachRow, Some(2.0)));
}

#[test]
fn the_same_question_again_is_redundant() {
    let found = App::new().request(|app| (0..9).for_each(|_| app.call(CUSTOMER, 7, 1)));
    assert_eq!(kinds(&found), [Kind::Redundant]);
    assert_eq!((found[0].lost, found[0].batched.as_deref()), (8, None));
    // A hot lookup after a list of as many rows is no pair.
    let found = App::new().request(|app| {
        app.call(ORDERS, 0, 9);
        (0..9).for_each(|_| app.call(CUSTOMER, 7, 1));
    });
    assert_eq!(kinds(&found), [Kind::Redundant]);
}

#[test]
fn a_loop_over_keys_from_elsewhere_has_no_list() {
    let mut app = App::new();
    let found = app.request(|app| (0..9).for_each(|row| app.call(CUSTOMER, row, 1)));
    assert_eq!((found[0].kind, found[0].lost), (Kind::Loop, 8));
    // The list came afterwards, or is far longer.
    let found = app.request(|app| {
        (0..9).for_each(|row| app.call(CUSTOMER, row, 1));
        app.call(ORDERS, 0, 9);
    });
    assert_eq!(kinds(&found), [Kind::Loop]);
    let found = app.request(|app| {
        app.call(ORDERS, 0, 400);
        (0..9).for_each(|row| app.call(CUSTOMER, row, 1));
    });
    assert_eq!(kinds(&found), [Kind::Loop]);
}

#[test]
fn decoys_are_silent() {
    let mut app = App::new();
    // Few calls.
    assert_eq!(app.request(|app| page(app, 4)), []);
    // One text, many tenants.
    let tenants = app.request(|app| {
        app.call("select id from tenants", 0, 30);
        (0..30).for_each(|tenant| app.call_at(tenant + 1, CUSTOMER, 5, 1));
    });
    assert_eq!(tenants, []);
    // Pages by key: few calls with many rows.
    let pages = app.request(|app| (0..4).for_each(|at| app.call(ORDERS, at, 1000)));
    assert_eq!(pages, []);
    // Rows written one by one are another habit.
    let writes = app.request(|app| {
        app.call(ORDERS, 0, 20);
        (0..20).for_each(|row| app.call("insert into seen (id) values ($1)", row, 1));
        (0..20).for_each(|row| app.call("update orders set state = $1 where id = $2", row, 1));
    });
    assert_eq!(writes, []);
    // What other requests do meanwhile on the same connection.
    app.request += 1;
    app.watch.begin(100);
    app.watch.begin(101);
    for turn in 0..8 {
        for request in [100, 101] {
            app.request = request;
            app.call(if (turn + request) % 2 == 0 { ORDERS } else { CUSTOMER }, turn, 1);
        }
    }
    assert_eq!(app.watch.end(100).unwrap().repeats.len(), 0);
    assert_eq!(app.watch.end(101).unwrap().repeats.len(), 0);
}

#[test]
fn calls_that_do_not_follow_the_rows_are_no_list() {
    let mut app = App::new();
    let mut last = Vec::new();
    for rows in [6, 14, 9, 20] {
        last = app.request(|app| {
            app.call(ORDERS, 0, rows);
            (0..6).for_each(|row| app.call(CUSTOMER, row, 1));
        });
    }
    assert_eq!(kinds(&last), [Kind::Loop], "six in each request, whatever the rows");
    let mut app = App::new();
    for rows in [6, 14, 9, 20] {
        last = app.request(|app| page(app, rows));
    }
    assert_eq!((last[0].kind, last[0].seen), (Kind::EachRow, 4));
}

#[test]
fn fingerprints_do_without_texts() {
    let mut watch = Watch::new(Limits::default());
    watch.begin(1);
    let mut call = |statement, parameters, rows| {
        let (statement, duration) = (Told::Fingerprint(statement), Duration::ZERO);
        watch.statement(1, &Call { statement, place: 0, parameters, rows, duration });
    };
    call(7, 0, 10);
    (0..10).for_each(|row| call(8, row, 1));
    let verdict = watch.end(1).unwrap();
    let [one] = verdict.repeats.as_slice() else { panic!("{verdict:#?}") };
    assert_eq!((one.kind, one.child.key, one.parent.as_ref().unwrap().key), (Kind::EachRow, 8, 7));
    assert_eq!((one.batched.as_ref(), one.joined.as_ref()), (None, None));
}

#[test]
fn memory_is_bounded_and_what_is_left_out_is_counted() {
    let limits = Limits { most_calls: 50, most_statements: 3, ..Limits::default() };
    let mut watch = Watch::new(limits);
    let call = |text, parameters| Call {
        statement: Told::Text(text),
        place: 0,
        parameters,
        rows: 1,
        duration: Duration::ZERO,
    };
    watch.statement(9, &call("select 1", 0));
    assert_eq!(watch.end(9), None, "it was not begun");
    watch.begin(1);
    (0..80).for_each(|at| watch.statement(1, &call(CUSTOMER, at)));
    let verdict = watch.end(1).unwrap();
    assert_eq!((verdict.calls, verdict.unseen, verdict.repeats[0].calls), (80, 30, 50));
    watch.begin(2);
    for text in ["select a", "select b", "select c", "select d"] {
        watch.statement(2, &call(text, 0));
    }
    assert_eq!(watch.end(2).unwrap().unseen, 2, "three statements are known at a time");
    watch.begin(3);
    watch.statement(3, &call("select d", 0));
    assert_eq!(watch.end(3).unwrap().unseen, 0, "forgotten once nothing is open");
}
