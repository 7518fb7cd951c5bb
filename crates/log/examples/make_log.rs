//! Writes a log as a busy server would: `make_log stderr|csv BYTES FILE`. Tells on standard output what it wrote.
#![expect(clippy::print_stdout, reason = "a program")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
};

/// Numbers in a fixed order: the same log at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

const TABLES: [&str; 20] = [
    "users",
    "orders",
    "order_lines",
    "products",
    "prices",
    "stock",
    "invoices",
    "payments",
    "carts",
    "sessions",
    "events",
    "addresses",
    "reviews",
    "categories",
    "shipments",
    "returns",
    "coupons",
    "messages",
    "audit_log",
    "jobs",
];
const USERS: [&str; 5] = ["web", "api", "worker", "report", "admin"];
const DATABASES: [&str; 3] = ["shop", "crm", "billing"];
const APPLICATIONS: [&str; 4] = ["puma: cluster worker", "sidekiq", "psql", "metabase"];

struct Writer {
    out: BufWriter<File>,
    is_csv: bool,
    bytes: u64,
    micros: u64,
    line: String,
    counts: BTreeMap<&'static str, u64>,
}

/// Who writes a record.
#[derive(Clone, Copy)]
struct Who {
    pid: u64,
    user: &'static str,
    database: &'static str,
    application: &'static str,
}

fn who(dice: &mut Dice) -> Who {
    let pid = dice.roll(300);
    let pick = |from: &[&'static str], by: u64| from[usize::try_from(by).unwrap_or(0) % from.len()];
    Who {
        pid: 20_000 + pid,
        user: pick(&USERS, pid % 7),
        database: pick(&DATABASES, pid / 7),
        application: pick(&APPLICATIONS, pid / 11),
    }
}

impl Writer {
    fn time(&self) -> String {
        let seconds = self.micros / 1_000_000;
        let day = 1 + seconds / 86_400 % 28;
        let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
        let milli = self.micros / 1000 % 1000;
        format!("2026-02-{day:02} {hour:02}:{minute:02}:{:02}.{milli:03} UTC", seconds % 60)
    }

    fn record(
        &mut self,
        who: Option<Who>,
        severity: &str,
        sqlstate: &str,
        message: &str,
        extras: [&str; 2],
    ) {
        let time = self.time();
        let [detail, statement] = extras;
        self.line.clear();
        let line = &mut self.line;
        if self.is_csv {
            let quoted = |text: &str| match text {
                "" => String::new(),
                text => format!("\"{}\"", text.replace('"', "\"\"")),
            };
            let (user, database, pid, application) = who.map_or(("", "", 1234, ""), |who| {
                (who.user, who.database, who.pid, who.application)
            });
            let client = if who.is_some() { "\"10.0.3.17:51234\"" } else { "" };
            let _ = writeln!(
                line,
                "{time},{},{},{pid},{client},6780a1b2.{pid:x},17,\"SELECT\",2026-02-01 00:00:00 UTC,{}/17,0,{severity},{sqlstate},{},{},,,,,{},,,\"{application}\",\"client backend\",,-4711",
                quoted(user),
                quoted(database),
                pid % 300,
                quoted(message),
                quoted(detail),
                quoted(statement)
            );
        } else {
            let front = match who {
                Some(who) => format!(
                    "{time} [{}]: user={},db={},app={},client=10.0.3.17 ",
                    who.pid, who.user, who.database, who.application
                ),
                None => format!("{time} [1234]: user=,db=,app=,client= "),
            };
            let _ = writeln!(line, "{front}{severity}:  {}", message.replace('\n', "\n\t"));
            if !detail.is_empty() {
                let _ = writeln!(line, "{front}DETAIL:  {}", detail.replace('\n', "\n\t"));
            }
            if !statement.is_empty() {
                let _ = writeln!(line, "{front}STATEMENT:  {}", statement.replace('\n', "\n\t"));
            }
        }
        self.bytes += self.line.len() as u64;
        *self.counts.entry("records").or_default() += 1;
        if let Err(error) = self.out.write_all(self.line.as_bytes()) {
            println!("{error}");
            std::process::abort();
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

fn statement(dice: &mut Dice) -> String {
    let table = TABLES[usize::try_from(dice.roll(20)).unwrap_or(0)];
    let (a, b, c) = (dice.roll(1_000_000), dice.roll(10_000), dice.roll(500));
    match dice.roll(7) {
        0 => format!("SELECT * FROM {table} WHERE id = {a}"),
        1 => format!(
            "SELECT t.id, t.name, u.email\n  FROM {table} t\n  JOIN users u ON u.id = t.user_id\n WHERE t.status = 'open' AND u.id = {a}\n ORDER BY t.created_at DESC\n LIMIT {c}"
        ),
        2 => format!(
            "UPDATE {table} SET updated_at = '2026-02-01 12:00:00.{b}', counter = counter + {c} WHERE id = {a}"
        ),
        3 => format!(
            "INSERT INTO {table} (id, user_id, payload, created_at) VALUES ({a}, {b}, 'it''s {c}', now()) RETURNING id"
        ),
        4 => format!(
            "SELECT count(*), sum(amount) FROM {table} WHERE created_at > '2026-01-01' AND region_id IN ({a}, {b}, {c})"
        ),
        5 => format!(
            "SELECT \"{table}\".* FROM \"{table}\" WHERE \"{table}\".\"account_id\" = {a} AND \"{table}\".\"deleted_at\" IS NULL LIMIT 1 /* controller:{b} */"
        ),
        _ => format!("DELETE FROM {table} WHERE id = {a} AND version = {c}"),
    }
}

fn step(writer: &mut Writer, dice: &mut Dice) {
    writer.micros += 200 + dice.roll(4000);
    let someone = who(dice);
    let text = statement(dice);
    let millis = dice.roll(40) * dice.roll(40) * dice.roll(4) / 8;
    let duration = format!("{millis}.{:03}", dice.roll(1000));
    match dice.roll(1000) {
        0..660 => {
            writer.count("statements");
            let message = format!("duration: {duration} ms  statement: {text}");
            writer.record(Some(someone), "LOG", "00000", &message, ["", ""]);
        }
        660..860 => {
            writer.count("statements");
            let table = TABLES[usize::try_from(dice.roll(20)).unwrap_or(0)];
            let message = format!(
                "duration: {duration} ms  execute <unnamed>: SELECT * FROM {table} WHERE id = $1 AND kind = $2"
            );
            let detail = format!("parameters: $1 = '{}', $2 = 'open'", dice.roll(100_000));
            writer.record(Some(someone), "LOG", "00000", &message, [&detail, ""]);
        }
        860..930 => session(writer, dice, someone),
        930..970 => {
            writer.count("errors");
            let message = format!(
                "duplicate key value violates unique constraint \"{}_key\"",
                TABLES[usize::try_from(dice.roll(20)).unwrap_or(0)]
            );
            let detail = format!("Key (id)=({}) already exists.", dice.roll(100_000));
            writer.record(Some(someone), "ERROR", "23505", &message, [&detail, &text]);
        }
        970..980 => {
            writer.count("lock waits");
            let xid = dice.roll(100_000);
            let message = format!(
                "process {} still waiting for ShareLock on transaction {xid} after 1000.123 ms",
                someone.pid
            );
            let detail = "Process holding the lock: 20001. Wait queue: 20002.";
            writer.record(Some(someone), "LOG", "00000", &message, [detail, &text]);
        }
        980..990 => {
            writer.count("temporary files");
            let message = format!(
                "temporary file: path \"base/pgsql_tmp/pgsql_tmp{}.{}\", size {}",
                someone.pid,
                dice.roll(9),
                1_000_000 + dice.roll(50_000_000)
            );
            writer.record(Some(someone), "LOG", "00000", &message, ["", &text]);
        }
        990..995 => {
            writer.count("checkpoints");
            writer.record(None, "LOG", "00000", "checkpoint starting: time", ["", ""]);
            writer.micros += 1000;
            let message = "checkpoint complete: wrote 4321 buffers (26.4%); 0 WAL file(s) added, 0 removed, 3 recycled; write=26.9 s, sync=0.03 s, total=27.1 s; sync files=70, longest=0.01 s, average=0.001 s; distance=48321 kB, estimate=50000 kB";
            writer.record(None, "LOG", "00000", message, ["", ""]);
        }
        _ => {
            writer.count("vacuums");
            let table = TABLES[usize::try_from(dice.roll(20)).unwrap_or(0)];
            let message = format!(
                "automatic vacuum of table \"shop.public.{table}\": index scans: 1\npages: 0 removed, 4431 remain, 0 skipped due to pins, 0 skipped frozen\ntuples: 9111 removed, 123456 remain, 12 are dead but not yet removable, oldest xmin: 745\nbuffer usage: 13312 hits, 0 misses, 4000 dirtied\navg read rate: 0.000 MB/s, avg write rate: 12.3 MB/s\nsystem usage: CPU: user: 0.31 s, system: 0.02 s, elapsed: 2.41 s"
            );
            writer.record(None, "LOG", "00000", &message, ["", ""]);
        }
    }
}

fn session(writer: &mut Writer, dice: &mut Dice, someone: Who) {
    writer.count("connections");
    let port = 30_000 + dice.roll(30_000);
    writer.record(
        None,
        "LOG",
        "00000",
        &format!("connection received: host=10.0.3.{} port={port}", dice.roll(9)),
        ["", ""],
    );
    let Who { user, database, application, .. } = someone;
    let message = format!(
        "connection authorized: user={user} database={database} application_name={application}"
    );
    writer.record(Some(someone), "LOG", "00000", &message, ["", ""]);
    let message = format!(
        "disconnection: session time: 0:00:{:02}.{:03} user={user} database={database} host=10.0.3.17 port={port}",
        dice.roll(60),
        dice.roll(1000)
    );
    writer.record(Some(someone), "LOG", "00000", &message, ["", ""]);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, bytes, file] = &arguments[..] else {
        return Err("usage: make_log stderr|csv BYTES FILE".into());
    };
    let wanted: u64 = bytes.parse()?;
    let mut writer = Writer {
        out: BufWriter::with_capacity(1 << 20, File::create(file)?),
        is_csv: format == "csv",
        bytes: 0,
        micros: 0,
        line: String::new(),
        counts: BTreeMap::new(),
    };
    let mut dice = Dice(0x1234_5678_9ABC_DEF1);
    while writer.bytes < wanted {
        step(&mut writer, &mut dice);
    }
    writer.out.flush()?;
    println!("{}", serde_json::to_string(&writer.counts)?);
    Ok(())
}
