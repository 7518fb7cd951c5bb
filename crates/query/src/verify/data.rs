//! Values by type, and rows of them.

use std::collections::BTreeMap;

use super::{Table, TableColumn, literal::literals};
use crate::Statement;

/// So many values of a type make up half of what tables hold, so that rows repeat and find each other.
const OFTEN: usize = 4;

/// Chance that can be repeated (xorshift).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// Values by the name of their type, as text.
pub type Pools = BTreeMap<String, Vec<String>>;

/// What the tables hold, and the values of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The rows of each table, each as it stands behind `VALUES`.
    pub rows: Vec<Vec<String>>,
    /// A literal for each parameter.
    pub values: Vec<String>,
}

impl Round {
    /// The statements that put the rows into the tables. A row that repeats a key is left out.
    pub fn statements(&self, tables: &[Table]) -> Vec<String> {
        let mut all = Vec::new();
        for (table, rows) in tables.iter().zip(&self.rows) {
            let name = table.identifier();
            all.push(format!("TRUNCATE {name}"));
            if !rows.is_empty() {
                let rows = rows.join(", ");
                all.push(format!("INSERT INTO {name} VALUES {rows} ON CONFLICT DO NOTHING"));
            }
        }
        all
    }

    /// The rows in words, for a person to repeat.
    pub fn in_words(&self, tables: &[Table]) -> String {
        let mut parts = Vec::new();
        for (table, rows) in tables.iter().zip(&self.rows) {
            let rows = if rows.is_empty() { "no rows".to_owned() } else { rows.join(", ") };
            parts.push(format!("{} ({}): {rows}", table.name, names(&table.columns)));
        }
        if !self.values.is_empty() {
            let value = |(n, value): (usize, &String)| format!("${} = {value}", n + 1);
            parts.extend(self.values.iter().enumerate().map(value));
        }
        parts.join("; ")
    }
}

fn names(columns: &[TableColumn]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The values worth trying for a type: its own odd ones, and the statement's constants and their neighbours. Some may be
/// no values of the type. Nothing for a type that is not known.
pub fn candidates(type_name: &str, statement: &Statement) -> Vec<String> {
    let bare = type_name.split('(').next().unwrap_or_default();
    if let Some(element) = type_name.strip_suffix("[]") {
        let of: Vec<String> = candidates(element, statement).into_iter().take(4).collect();
        if of.is_empty() {
            return of;
        }
        let quote =
            |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let one = of.iter().map(|value| format!("{{{}}}", quote(value)));
        return std::iter::once("{}".to_owned()).chain(one).collect();
    }
    let own = own(bare);
    if own.is_empty() {
        return Vec::new();
    }
    // Those that come first are met more often: conditions ask for them.
    let literals = literals(statement);
    let beside: Vec<String> =
        literals.iter().flat_map(|literal| neighbours(bare, literal)).collect();
    let own = own.iter().map(|value| (*value).to_owned());
    let mut all: Vec<String> = literals.into_iter().chain(own).chain(beside).collect();
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|value| seen.insert(value.clone()));
    all
}

fn own(bare: &str) -> &'static [&'static str] {
    match bare {
        "smallint" => &["1", "2", "0", "3", "4", "-1", "32767", "-32768"],
        "integer" | "bigint" | "oid" => &["1", "2", "0", "3", "4", "5", "-1"],
        "numeric" | "real" | "double precision" => &["1", "2", "0", "-1", "0.5", "3", "4"],
        "money" => &["1", "2", "0"],
        "text" | "character varying" | "character" | "name" => &["a", "b", "", "A", " ", "ab", "1"],
        "boolean" => &["true", "false"],
        "date" => {
            &["2024-02-28", "2024-02-29", "2024-12-31", "2025-01-01", "infinity", "-infinity"]
        }
        "timestamp" | "timestamp without time zone" | "timestamp with time zone" => &[
            "2024-02-28 23:59:59.999999",
            "2024-02-29",
            "2024-12-31 12:00",
            "2025-01-01",
            "infinity",
            "-infinity",
            "0001-01-01 BC",
        ],
        "time" | "time without time zone" | "time with time zone" => {
            &["00:00", "12:00", "23:59:59.999999", "24:00"]
        }
        "interval" => &["0", "1 day", "24 hours", "1 month", "-1 second"],
        "uuid" => &["00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"],
        "json" | "jsonb" => &["{}", "[]", "null", "{\"a\": 1}", "{\"a\": null}"],
        "bytea" => &["", "\\x00", "\\x61"],
        "inet" | "cidr" => &["10.0.0.0/8", "10.0.0.1", "::1"],
        "macaddr" => &["08:00:2b:01:02:03"],
        "int4range" | "int8range" | "numrange" => &["empty", "[1,3)", "[2,)"],
        _ => &[],
    }
}

/// Values just beside a constant, where conditions change.
fn neighbours(bare: &str, literal: &str) -> Vec<String> {
    match bare {
        "smallint" | "integer" | "bigint" => literal
            .parse::<i64>()
            .map(|n| vec![n.saturating_sub(1).to_string(), n.saturating_add(1).to_string()])
            .unwrap_or_default(),
        "timestamp" | "timestamp without time zone" | "timestamp with time zone"
            if literal.len() == 10 =>
        {
            vec![format!("{literal} 00:00:00.000001"), format!("{literal} 23:59:59.999999")]
        }
        "text" | "character varying" => vec![literal.to_uppercase(), format!("{literal} ")],
        _ => Vec::new(),
    }
}

/// The rows of one round: first none at all, then one each, then a few.
pub fn round(
    number: usize,
    tables: &[Table],
    parameters: &[String],
    pools: &Pools,
    dice: &mut Dice,
) -> Round {
    // Joins of many tables of many rows take long.
    let sizes: &[usize] = if tables.len() > 3 { &[0, 1, 2, 4] } else { &[0, 1, 3, 8, 25, 25] };
    let mut rows = Vec::with_capacity(tables.len());
    for table in tables {
        let count = match number {
            0 => 0,
            1 => 1,
            2 | 3 => 2,
            _ => sizes[dice.below(sizes.len())],
        };
        rows.push((0..count).map(|place| row(table, place, pools, dice)).collect());
    }
    let values = parameters.iter().map(|type_name| value(type_name, 10, pools, dice)).collect();
    Round { rows, values }
}

fn row(table: &Table, place: usize, pools: &Pools, dice: &mut Dice) -> String {
    let cell = |column: &TableColumn| {
        let is_key = table.keys.iter().any(|key| *key == [column.name.clone()]);
        // Keys mostly count, so that tables get their rows, and other columns find them.
        if is_key && dice.below(4) > 0 && counted(&column.type_name).is_some() {
            return counted(&column.type_name).map_or_else(String::new, |of| of(place + 1));
        }
        let nulls = if column.is_not_null { usize::MAX } else { 5 };
        value(&column.type_name, nulls, pools, dice)
    };
    let cells: Vec<String> = table.columns.iter().map(cell).collect();
    format!("({})", cells.join(", "))
}

/// How a type counts.
fn counted(type_name: &str) -> Option<fn(usize) -> String> {
    match type_name.split('(').next().unwrap_or_default() {
        "smallint" | "integer" | "bigint" | "numeric" => Some(|n| n.to_string()),
        "uuid" => Some(|n| format!("'00000000-0000-0000-0000-{n:012x}'")),
        "text" => Some(|n| format!("'{n}'")),
        _ => None,
    }
}

/// A value of a type as a literal; each `nulls`-th is NULL.
fn value(type_name: &str, nulls: usize, pools: &Pools, dice: &mut Dice) -> String {
    let none = Vec::new();
    let pool = pools.get(type_name).unwrap_or(&none);
    if pool.is_empty() || (nulls != usize::MAX && dice.below(nulls) == 0) {
        return "NULL".to_owned();
    }
    let among = if dice.below(2) == 0 { OFTEN.min(pool.len()) } else { pool.len() };
    let text = &pool[dice.below(among)];
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}
