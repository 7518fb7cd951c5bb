//! Leading figures of the sample.

use dbvitals_model::{
    Measure, Unit,
    report::{
        Metric,
        MetricStatus::{self, Achieved, Missed},
        Overview, OverviewColumn,
        Wanted::{self, AtLeast, AtMost},
    },
};

/// All tables of leading figures.
pub(super) fn all() -> Vec<Overview> {
    let mega = 1_048_576.0;
    vec![
        time(),
        overview(
            "top-statements",
            "pg-main",
            "Statements by total time",
            &[
                ("statement", Unit::Text),
                ("total time", Unit::Ms),
                ("calls", Unit::Count),
                ("mean", Unit::Ms),
            ],
            vec![
                row(
                    "SELECT a.*, count(b.id) FROM app.auctions a LEFT JOIN app.bids b ON b.auction_id = a.id WHERE a.status = $1 GROUP BY a.id",
                    &[236_702_000.0, 1_284_331.0, 184.3],
                ),
                row(
                    "UPDATE app.auctions SET price = $1 WHERE id = $2",
                    &[88_120_000.0, 9_912_004.0, 8.9],
                ),
                row(
                    "INSERT INTO app.bids (auction_id, bidder_id, amount) VALUES ($1, $2, $3)",
                    &[41_004_000.0, 9_912_004.0, 4.1],
                ),
                row(
                    "SELECT '<img src=x onerror=alert(1)>' || $1 FROM app.\"weird\nname\"",
                    &[20_400_000.0, 88_000.0, 231.8],
                ),
                row(
                    "DELETE FROM app.sessions WHERE expires_at < now()",
                    &[9_800_000.0, 17_280.0, 567.1],
                ),
            ],
        ),
        latency(),
        overview(
            "largest-tables",
            "pg-main",
            "Largest tables",
            &[
                ("table", Unit::Text),
                ("size", Unit::Bytes),
                ("rows", Unit::Count),
                ("dead", Unit::Ratio),
            ],
            vec![
                row("app.audit_log", &[91_204.0 * mega, 412_000_000.0, 0.001]),
                row("app.bids", &[38_110.0 * mega, 188_400_000.0, 0.012]),
                row("app.notifications", &[4_120.0 * mega, 11_440_000.0, 0.184]),
                row("app.\"🦀 größe 日本語\"", &[512.0 * mega, 1_200_000.0, 0.0]),
            ],
        ),
        overview(
            "redis-memory",
            "cache",
            "Memory by key pattern, sampled",
            &[("pattern", Unit::Text), ("memory", Unit::Bytes), ("keys", Unit::Count)],
            vec![
                row("session:*", &[1_204.0 * mega, 812_000.0]),
                row("auction:live:*", &[611.0 * mega, 4_120.0]),
                row("api:v2:*", &[388.0 * mega, 90_400.0]),
            ],
        ),
    ]
}

/// Where the time of a watched window went.
fn time() -> Overview {
    let columns = [
        ("class", Unit::Text),
        ("event", Unit::Text),
        ("sessions", Unit::Count),
        ("share", Unit::Ratio),
    ];
    let row = |class: &str, event: &str, sessions: f64, share: f64| {
        vec![class.into(), event.into(), sessions.into(), share.into()]
    };
    let rows = vec![
        row("IO", "DataFileRead", 2.31, 0.55),
        row("CPU", "running, or waiting for a core", 1.4, 0.333),
        row("Lock", "transactionid", 0.49, 0.117),
    ];
    let note = "4.2 sessions active on average, 12 at most; 598 looks in 60 s took the server 310 ms in all, at most \
                0.5 % of one core";
    let table = overview("time-by-event", "pg-main", "Where time goes", &columns, rows);
    Overview { note: Some(note.to_owned()), ..table }
}

fn latency() -> Overview {
    overview(
        "latency-by-class",
        "pg-main",
        "Latency by statement class (last 12 d, 97 % of all execution time)",
        &[
            ("class", Unit::Text),
            ("target", Unit::Ms),
            ("statements", Unit::Count),
            ("calls", Unit::Count),
            ("mean", Unit::Ms),
            ("worst mean", Unit::Ms),
            ("over target", Unit::Ratio),
        ],
        vec![
            row("simple read", &[10.0, 61.0, 88_120_400.0, 0.8, 231.8, 0.001]),
            row("join", &[100.0, 24.0, 1_284_331.0, 184.3, 901.0, 0.62]),
            vec![
                Measure::from("aggregate"),
                Measure::from("–"),
                Measure::from(7.0),
                Measure::from(9_120.0),
                Measure::from(412.0),
                Measure::from(2_880.0),
                Measure::from("–"),
            ],
            row("write", &[50.0, 18.0, 19_824_008.0, 6.5, 567.1, 0.02]),
        ],
    )
}

fn row(name: &str, numbers: &[f64]) -> Vec<Measure> {
    let mut row = vec![Measure::from(name)];
    row.extend(numbers.iter().map(|n| Measure::from(*n)));
    row
}

fn overview(
    id: &str,
    target: &str,
    title: &str,
    columns: &[(&str, Unit)],
    rows: Vec<Vec<Measure>>,
) -> Overview {
    Overview {
        id: id.to_owned(),
        target: target.to_owned(),
        title: title.to_owned(),
        note: None,
        columns: columns
            .iter()
            .map(|(label, unit)| OverviewColumn { label: (*label).to_owned(), unit: *unit })
            .collect(),
        rows,
    }
}

/// The table of wanted and measured values.
pub(super) fn metrics() -> Vec<Metric> {
    type Row = (&'static str, &'static str, &'static str, Unit, Wanted, Option<f64>, MetricStatus);
    #[rustfmt::skip]
    let rows: [Row; 9] = [
        ("pg-cache-hit-ratio", "pg-main", "Cache hit ratio", Unit::Ratio, AtLeast(0.99), Some(0.9997), Achieved),
        ("pg-cache-hit-ratio", "pg-standby", "Cache hit ratio", Unit::Ratio, AtLeast(0.99), Some(0.961), Missed),
        ("pg-connections", "pg-main", "Connections in use", Unit::Ratio, AtMost(0.75), Some(0.42), Achieved),
        ("pg-replica-lag", "pg-standby", "Replay lag", Unit::Ms, AtMost(1000.0), Some(84.0), Achieved),
        ("pg-oldest-transaction", "pg-main", "Oldest transaction", Unit::Seconds, AtMost(300.0), Some(5025.0), Missed),
        ("pg-backup-age", "pg-main", "Age of the last backup", Unit::Seconds, AtMost(93_600.0), None, MetricStatus::Unknown),
        ("redis-hit-ratio", "cache", "Hit ratio", Unit::Ratio, AtLeast(0.95), Some(0.873), Missed),
        ("redis-memory", "cache", "Memory used", Unit::Bytes, AtMost(3.2e9), Some(2.4e9), Achieved),
        ("host-disk-space", "db1", "", Unit::Ratio, AtMost(0.85), Some(0.71), Achieved),
    ];
    rows.into_iter()
        .map(|(id, target, title, unit, wanted, measured, status)| Metric {
            id: id.to_owned(),
            target: target.to_owned(),
            unit,
            wanted,
            measured,
            status,
            title: title.to_owned(),
        })
        .collect()
}
