//! Values by type, and rows of them.

use std::collections::BTreeMap;

use super::{Kind, Table, TableColumn, kind, text, types};

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
    /// The rows of each table, each a literal for every column that is filled.
    pub rows: Vec<Vec<Vec<String>>>,
    /// A literal for each parameter.
    pub values: Vec<String>,
}

impl Round {
    /// The statements that put the rows into the tables. A row that repeats a key, or that the table's constraints
    /// refuse, is left out; so are those that refer to no row.
    pub fn statements(&self, tables: &[Table]) -> Vec<String> {
        if tables.is_empty() {
            return Vec::new();
        }
        let names: Vec<String> =
            tables.iter().map(|table| format!("ONLY {}", table.identifier())).collect();
        let mut all = vec![format!("TRUNCATE {}", names.join(", "))];
        for (table, rows) in tables.iter().zip(&self.rows) {
            if !rows.is_empty() && table.filled().next().is_some() {
                let rows: Vec<String> = rows.iter().map(|row| in_brackets(row)).collect();
                all.push(table.insert(&rows));
            }
        }
        all.extend(Table::keep_references(tables));
        all
    }

    /// The rows in words, for a person to repeat.
    pub fn in_words(&self, tables: &[Table]) -> String {
        let mut parts = Vec::new();
        for (table, rows) in tables.iter().zip(&self.rows) {
            let rows: Vec<String> = rows.iter().map(|row| in_brackets(row)).collect();
            let rows = if rows.is_empty() { "no rows".to_owned() } else { rows.join(", ") };
            parts.push(format!("{} ({}): {rows}", table.name, names(table.filled())));
        }
        if !self.values.is_empty() {
            let value = |(n, value): (usize, &String)| format!("${} = {value}", n + 1);
            parts.extend(self.values.iter().enumerate().map(value));
        }
        parts.join("; ")
    }
}

fn in_brackets(row: &[String]) -> String {
    format!("({})", row.join(", "))
}

fn names<'c>(columns: impl Iterator<Item = &'c TableColumn>) -> String {
    columns.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Texts worth trying as values of a type: its own odd ones, constants and their neighbours, and for a type that is put
/// together from others what can be made of their values. Some may be no values of the type.
pub fn candidates(
    type_name: &str,
    constants: &[String],
    kinds: &[Kind],
    pools: &Pools,
) -> Vec<String> {
    let known = kind(kinds, type_name);
    let made = types::put_together(type_name, kinds, pools);
    let has_form = type_name.ends_with("[]") || known.is_some_and(|it| it.kind != "b");
    if has_form && known.is_none_or(|it| it.kind != "d") {
        return if made.is_empty() { owned(own(bare(type_name))) } else { made };
    }
    // Types of extensions bear their schema.
    let bare = known.filter(|it| it.extension.is_some()).map_or(bare(type_name), |it| &it.name);
    let mut all: Vec<String> = constants.to_vec();
    all.extend(if has_form { made } else { owned(own(bare)) });
    if own(bare).is_empty() && !has_form {
        all.extend(owned(ANY));
    }
    // Those that come first are met more often: conditions ask for them.
    let beside: Vec<String> = constants.iter().flat_map(|it| neighbours(bare, it)).collect();
    all.extend(beside);
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|value| seen.insert(value.clone()));
    all
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn bare(type_name: &str) -> &str {
    type_name.split('(').next().unwrap_or_default()
}

/// Tried where nothing is known of a type.
const ANY: &[&str] =
    &["", "0", "1", "2", "a", "b", "a.b", "(1,2)", "(0,0)", "[1,2,3]", "[0,0,1]", "{}", "1.2.3"];

fn own(bare: &str) -> &'static [&'static str] {
    match bare {
        "smallint" => &["1", "2", "0", "3", "4", "-1", "32767", "-32768"],
        "integer" | "bigint" | "oid" => &["1", "2", "0", "3", "4", "5", "-1"],
        "numeric" | "real" | "double precision" => &["1", "2", "0", "-1", "0.5", "3", "4"],
        "money" => &["1", "2", "0"],
        "text" | "character varying" | "character" | "name" | "citext" => {
            &["a", "b", "", "A", " ", "ab", "1"]
        }
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
        "macaddr" => &["08:00:2b:01:02:03", "08:00:2b:01:02:04"],
        "macaddr8" => &["08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06"],
        "bit" | "bit varying" => &["1", "0", "10", "101", "00000000"],
        "\"char\"" => &["a", "b", ""],
        "tsvector" => &["", "a b", "a:1 b:2", "b:1A"],
        "tsquery" => &["a", "b", "a & b", "!a"],
        "xml" => &["<a/>", "<a>1</a>", "<b/>"],
        "point" => &["(0,0)", "(1,2)"],
        "box" => &["(1,1),(0,0)", "(2,2),(1,1)"],
        "circle" => &["<(0,0),1>", "<(1,1),2>"],
        "lseg" => &["[(0,0),(1,1)]", "[(1,1),(2,0)]"],
        "line" => &["{1,0,0}", "{0,1,-1}"],
        "path" => &["((0,0),(1,1),(2,0))", "[(0,0),(1,1)]"],
        "polygon" => &["((0,0),(1,1),(2,0))", "((0,0),(0,1),(1,1))"],
        "pg_lsn" => &["0/0", "0/1", "1/A"],
        "xid" | "cid" | "xid8" => &["1", "2", "3"],
        "tid" => &["(0,1)", "(0,2)"],
        "jsonpath" => &["$", "$.a"],
        "hstore" => &["", "a=>1", "a=>NULL", "a=>1, b=>2", "b=>1"],
        "ltree" => &["", "a", "a.b", "a.b.c", "A.b", "b"],
        "lquery" => &["*", "a.*", "*.b"],
        "int4range" | "int8range" | "numrange" => &["empty", "[1,3)", "[2,)"],
        "daterange" | "tsrange" | "tstzrange" => {
            &["empty", "[2024-02-28,2024-02-29)", "[2024-02-29,)"]
        }
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
        "text" | "character varying" | "citext" => {
            vec![literal.to_uppercase(), format!("{literal} ")]
        }
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
    let mut rows: Vec<Vec<Vec<String>>> = vec![Vec::new(); tables.len()];
    for place in parents_first(tables) {
        let Some(table) = tables.get(place) else { continue };
        let count = match number {
            0 => 0,
            1 => 1,
            2 | 3 => 2,
            _ => sizes[dice.below(sizes.len())],
        };
        // Some are refused.
        let count = if table.is_choosy { 2 * count } else { count };
        for number in 0..count {
            let mut row = row(table, number, pools, dice);
            refer(table, &mut row, tables, &rows, dice);
            if let Some(rows) = rows.get_mut(place) {
                rows.push(row);
            }
        }
    }
    let values = parameters.iter().map(|type_name| value(type_name, 10, pools, dice)).collect();
    Round { rows, values }
}

/// The places of tables, those that are referred to before those that refer to them as far as that can be.
fn parents_first(tables: &[Table]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(tables.len());
    while order.len() < tables.len() {
        let is_ready = |place: usize| {
            tables.get(place).is_some_and(|table| {
                table.references.iter().all(|key| key.table == place || order.contains(&key.table))
            })
        };
        let mut left = (0..tables.len()).filter(|place| !order.contains(place));
        let next = left.clone().find(|place| is_ready(*place)).or_else(|| left.next());
        let Some(next) = next else { break };
        order.push(next);
    }
    order
}

fn row(table: &Table, place: usize, pools: &Pools, dice: &mut Dice) -> Vec<String> {
    let cell = |column: &TableColumn| {
        let is_key = table.keys.iter().any(|key| *key == [column.name.clone()])
            || table.counted.contains(&column.name);
        // Keys mostly count, so that tables get their rows, and other columns find them.
        if is_key
            && dice.below(4) > 0
            && column.checks.is_empty()
            && let Some(of) = counted(&column.type_name)
        {
            return of(place + 1);
        }
        let nulls = if column.is_not_null { usize::MAX } else { 5 };
        value(&table.pool(column), nulls, pools, dice)
    };
    table.filled().map(cell).collect()
}

/// Mostly puts the key of some row there where a row refers to one.
fn refer(
    table: &Table,
    row: &mut [String],
    tables: &[Table],
    rows: &[Vec<Vec<String>>],
    dice: &mut Dice,
) {
    let place = |of: &Table, name: &String| of.filled().position(|column| column.name == *name);
    for key in &table.references {
        let (Some(other), Some(there)) = (tables.get(key.table), rows.get(key.table)) else {
            continue;
        };
        // A row that refers to none is the root of those that refer to it.
        let parent = match dice.below(6) {
            0 => None,
            _ => there.get(dice.below(there.len())),
        };
        for (name, referenced) in key.columns.iter().zip(&key.referenced) {
            let takes_null = table.columns.iter().any(|it| it.name == *name && !it.is_not_null);
            let value = match parent {
                Some(parent) => place(other, referenced).and_then(|at| parent.get(at)).cloned(),
                None => takes_null.then(|| "NULL".to_owned()),
            };
            let cell = place(table, name).and_then(|at| row.get_mut(at));
            if let (Some(cell), Some(value)) = (cell, value) {
                *cell = value;
            }
        }
    }
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
    text(&pool[dice.below(among)])
}
