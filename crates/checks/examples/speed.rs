//! How fast statements and plans are read and judged, on one core, by processor time, beside reading alone.
#![expect(clippy::print_stdout, reason = "the numbers are what this program is for")]
#![expect(clippy::unwrap_used, reason = "what is read here was written here")]

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use dbvitals_checks::{Settings, judge};
use dbvitals_model::{
    Section, Snapshot, TargetData, TargetSnapshot,
    statement::{StatementPlan, StatementSnapshot},
};
use dbvitals_query::{
    Statement, fingerprint, plan,
    request::{Call, Limits, Told, Watch},
    rewrite, suggest,
};

/// What applications send, by and large: lookups, lists, joins, counts, writes.
const TYPICAL: [&str; 12] = [
    "SELECT id, email, name, created_at FROM users WHERE id = $1 LIMIT $2",
    "select u0_.id, u0_.email, u0_.roles from users u0_ where u0_.email = $1",
    "SELECT \"orders\".* FROM \"orders\" WHERE \"orders\".\"customer_id\" = $1 AND \"orders\".\"state\" IN ($2, $3) \
     ORDER BY \"orders\".\"created_at\" DESC LIMIT $4 OFFSET $5",
    "SELECT o.id, o.total, c.name, sum(l.quantity * l.price) AS amount FROM orders o JOIN customers c ON c.id = \
     o.customer_id LEFT JOIN lines l ON l.order_id = o.id WHERE o.created_at >= $1 AND o.created_at < $2 GROUP BY \
     o.id, o.total, c.name HAVING sum(l.quantity) > $3 ORDER BY amount DESC LIMIT $4",
    "SELECT count(*) FROM events WHERE tenant_id = $1 AND kind = $2",
    "INSERT INTO events (tenant_id, kind, body, created_at) VALUES ($1, $2, $3, now()) RETURNING id",
    "UPDATE accounts SET balance = balance + $1, updated_at = now() WHERE id = $2",
    "DELETE FROM sessions WHERE token = $1",
    "WITH latest AS (SELECT DISTINCT ON (device_id) device_id, at, value FROM readings WHERE at > now() - interval $1 \
     ORDER BY device_id, at DESC) SELECT d.name, l.value FROM devices d JOIN latest l ON l.device_id = d.id",
    "SELECT p.id FROM posts p WHERE EXISTS (SELECT $1 FROM tags t WHERE t.post_id = p.id AND t.name = ANY ($2)) \
     ORDER BY p.published_at DESC NULLS LAST LIMIT $3",
    "COMMIT",
    "UPDATE jobs SET state = $1, taken_at = now() WHERE id = (SELECT id FROM jobs WHERE state = $2 ORDER BY id LIMIT \
     $3 FOR UPDATE SKIP LOCKED) RETURNING *",
];

fn main() {
    statements();
    plans();
    long_list();
    requests();
}

/// Milliseconds of processor time of this process; of the clock where the system does not tell.
fn spent(begun: Instant) -> f64 {
    let told = fs::read_to_string("/proc/self/schedstat").ok();
    let nanos = told.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| 1e3 * begun.elapsed().as_secs_f64(), |nanos| nanos / 1e6)
}

/// Milliseconds for one time, over many.
fn each(rounds: u32, mut work: impl FnMut()) -> f64 {
    work();
    let begun = Instant::now();
    let before = spent(begun);
    for _ in 0..rounds {
        work();
    }
    (spent(begun) - before) / f64::from(rounds)
}

fn statements() {
    let all = |name: &str, work: &dyn Fn(&str)| {
        let ms = each(2_000, || TYPICAL.iter().for_each(|text| work(text)));
        let micros = 1e3 * ms / TYPICAL.len() as f64;
        println!("{name:60} {micros:7.1} µs {:9.0} a second", 1e6 / micros);
    };
    all("reading alone (pg_query::parse)", &|text| {
        black_box(pg_query::parse(black_box(text), 0).is_ok());
    });
    all("the server's own parser alone (pg_query::fingerprint)", &|text| {
        black_box(fingerprint(black_box(text)).is_ok());
    });
    all("read and classified", &|text| {
        black_box(Statement::parse(black_box(text)).map(|it| it.classify()).is_ok());
    });
    all("read, classified, fingerprint", &|text| {
        black_box(Statement::parse(black_box(text)).map(|it| it.classify()).is_ok());
        black_box(fingerprint(text).is_ok());
    });
    all("the same, with the roles of columns", &|text| {
        let statement = Statement::parse(black_box(text)).unwrap();
        black_box((statement.classify(), fingerprint(text).is_ok()));
        black_box((statement.lookup(), statement.relations(&())));
    });
    all("the same, with every rule of rewriting", &|text| {
        let statement = Statement::parse(black_box(text)).unwrap();
        black_box((statement.classify(), fingerprint(text).is_ok()));
        black_box((statement.lookup(), statement.relations(&())));
        black_box(rewrite::rewrites(&statement, &()));
    });
    all("the same, with every rule of suggesting", &|text| {
        let statement = Statement::parse(black_box(text)).unwrap();
        black_box((statement.classify(), fingerprint(text).is_ok()));
        black_box((statement.lookup(), statement.relations(&())));
        black_box(rewrite::rewrites(&statement, &()));
        black_box(suggest::suggestions(text, &statement, &suggest::Facts::default()));
    });
}

/// A plan of so many nested loops over index scans, measured, as text.
fn text_plan(loops: usize) -> String {
    let numbers =
        "(cost=0.43..8812.11 rows=17 width=48) (actual time=0.021..3.5 rows=12.00 loops=1)";
    let mut text = String::new();
    for depth in 0..loops {
        let pad = " ".repeat(6 * depth);
        let arrow = if depth == 0 { "" } else { "->  " };
        let _ = writeln!(text, "{pad}{arrow}Nested Loop  {numbers}");
        let _ = writeln!(text, "{pad}        Buffers: shared hit=812 read=3");
    }
    for depth in (0..=loops).rev() {
        let pad = " ".repeat(6 * depth.min(loops - 1) + 6);
        let _ =
            writeln!(text, "{pad}->  Index Scan using t{depth}_pkey on public.t{depth}  {numbers}");
        let _ = writeln!(text, "{pad}      Index Cond: (t{depth}.id = t0.t{depth}_id)");
        let _ = writeln!(
            text,
            "{pad}      Filter: ((t{depth}.state = 'open'::text) AND (t{depth}.total > 5))"
        );
        let _ = writeln!(text, "{pad}      Rows Removed by Filter: 4711");
        let _ = writeln!(text, "{pad}      Buffers: shared hit=8");
    }
    text.push_str("Planning Time: 3.1 ms\nExecution Time: 412.0 ms\n");
    text
}

/// The same as `EXPLAIN (FORMAT JSON)` writes it.
fn json_plan(loops: usize) -> String {
    let numbers = "\"Startup Cost\": 0.43, \"Total Cost\": 8812.11, \"Plan Rows\": 17, \"Plan Width\": 48, \
        \"Actual Startup Time\": 0.021, \"Actual Total Time\": 3.5, \"Actual Rows\": 12.00, \"Actual Loops\": 1, \
        \"Shared Hit Blocks\": 812, \"Shared Read Blocks\": 3, \"Shared Dirtied Blocks\": 0";
    let scan = |at: usize| {
        format!(
            "{{\"Node Type\": \"Index Scan\", \"Schema\": \"public\", \"Relation Name\": \"t{at}\", \"Alias\": \"t{at}\", \
             \"Index Name\": \"t{at}_pkey\", {numbers}, \"Index Cond\": \"(t{at}.id = t0.t{at}_id)\", \
             \"Filter\": \"((t{at}.state = 'open'::text) AND (t{at}.total > 5))\", \"Rows Removed by Filter\": 4711}}"
        )
    };
    let mut plan = scan(0);
    for at in 1..=loops {
        let inner = scan(at);
        plan = format!(
            "{{\"Node Type\": \"Nested Loop\", \"Join Type\": \"Inner\", {numbers}, \"Plans\": [{plan}, {inner}]}}"
        );
    }
    format!("[{{\"Plan\": {plan}, \"Planning Time\": 3.1, \"Execution Time\": 412.0}}]")
}

fn plans() {
    for (name, text) in [("text", text_plan(100)), ("JSON", json_plan(100))] {
        let nodes = plan::read(&text).unwrap()[0].nodes.len();
        let kilobytes = text.len() / 1024;
        let read = each(50, || {
            black_box(plan::read(black_box(&text)).is_ok());
        });
        let all = each(50, || {
            black_box(judge(&snapshot(&text), &Settings::default()).findings.len());
        });
        let found = judge(&snapshot(&text), &Settings::default()).findings.len();
        println!(
            "plan of {nodes} nodes, {name}, {kilobytes} KB: read {read:.2} ms; read, judged and told {all:.2} ms ({found} findings)"
        );
    }
}

fn snapshot(text: &str) -> Snapshot {
    let plans = plan::read(text).unwrap();
    let plans = plans.into_iter().map(|plan| StatementPlan { plan, ..Default::default() });
    let statement =
        StatementSnapshot { plans: Section::collected(plans.collect()), ..Default::default() };
    let target = TargetSnapshot::new("statement 1", "", TargetData::Statement(Box::new(statement)));
    Snapshot::new("", jiff::Timestamp::UNIX_EPOCH, vec![target])
}

/// A list of a megabyte.
fn long_list() {
    let mut list = String::from("SELECT * FROM orders WHERE customer_id IN (1");
    let mut number = 100_000;
    while list.len() < 1_048_576 {
        let _ = write!(list, ", {number}");
        number += 7;
    }
    list.push(')');
    let alone = each(3, || {
        black_box(pg_query::parse(black_box(&list), 0).is_ok());
    });
    let all = each(3, || {
        let statement = Statement::parse(black_box(&list)).unwrap();
        black_box((statement.classify(), statement.lookup(), statement.relations(&())));
        black_box((fingerprint(&list).is_ok(), rewrite::rewrites(&statement, &())));
    });
    println!("a list of 1 MB: reading alone {alone:.0} ms, all of it {all:.0} ms");
}

/// Requests as a client library reports them: forty statements, twenty of them one lookup for each row of a list.
fn requests() {
    let mut watch = Watch::new(Limits::default());
    let mut request = 0;
    let ms = each(5_000, || {
        request += 1;
        watch.begin(request);
        for at in 0..40 {
            let text = TYPICAL[if at < 20 { at % 9 } else { 1 }];
            let call = Call {
                statement: Told::Text(black_box(text)),
                place: 0,
                parameters: at as u64,
                rows: if at < 20 { 20 } else { 1 },
                duration: Duration::from_micros(300),
            };
            watch.statement(request, &call);
        }
        black_box(watch.end(request));
    });
    println!(
        "requests of 40 statements watched: {:.1} µs each, {:.0} ns a statement",
        1e3 * ms,
        1e6 * ms / 40.0
    );
}
