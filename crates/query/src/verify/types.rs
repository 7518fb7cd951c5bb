//! Types that are not PostgreSQL's own: how they are made anew, and what values they may have.

use serde::Deserialize;

use super::{Definition, Pools, quoted, text};

/// A type, as a catalogue describes it. Names are qualified, as `format_type` writes them for types that are not on the
/// `search_path`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Kind {
    /// In the order of which types were made.
    pub oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name alone.
    pub name: String,
    /// Schema and name; for PostgreSQL's own the name in SQL.
    pub type_name: String,
    /// `b` base or array, `c` composite, `d` domain, `e` labels, `m` multirange, `p` pseudo, `r` range.
    pub kind: String,
    /// Neither PostgreSQL's own nor an extension's.
    pub is_own: bool,
    /// An array of another type.
    pub is_array: bool,
    /// The extension it belongs to.
    pub extension: Option<String>,
    /// What a domain is based on, a range is over, a multirange is made of.
    pub of: Option<String>,
    /// Labels in order.
    pub labels: Vec<String>,
    /// Names of attributes.
    pub attributes: Vec<String>,
    /// Their types.
    pub attribute_types: Vec<String>,
    /// Constraints of a domain: `CHECK (…)`.
    pub checks: Vec<String>,
    /// A domain that takes no NULL.
    pub is_not_null: bool,
    /// What a domain is ordered by, where that is not what its base is: schema and name.
    pub collation: Option<String>,
    /// The multirange of a range, as it stands in its definition.
    pub multirange: Option<String>,
    /// The row type of a table, a view and the like.
    pub is_row: bool,
    /// A range whose bounds are brought into one form, which takes a function in C.
    pub is_canonical: bool,
}

impl Kind {
    /// What makes it anew: nothing for what comes with something else. The error says why it cannot be made.
    pub fn definition(&self) -> Result<Option<Definition>, String> {
        if !self.is_own || self.is_array || matches!(self.kind.as_str(), "m" | "p") {
            return Ok(None);
        }
        let name = &self.type_name;
        let sql = match self.kind.as_str() {
            "e" => {
                let labels: Vec<String> = self.labels.iter().map(|label| text(label)).collect();
                format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
            }
            "d" => self.domain(),
            "c" if self.is_row => return Ok(None),
            "c" => {
                let pairs = self.attributes.iter().zip(&self.attribute_types);
                let pairs: Vec<String> =
                    pairs.map(|(name, of)| format!("{} {of}", quoted(name))).collect();
                format!("CREATE TYPE {name} AS ({})", pairs.join(", "))
            }
            "r" if self.is_canonical => {
                return Err(format!(
                    "the range {name} brings its bounds into one form by a function in C, which cannot be made anew"
                ));
            }
            "r" => {
                let multirange = self.multirange.as_ref();
                let multirange = multirange
                    .map_or_else(String::new, |name| format!(", MULTIRANGE_TYPE_NAME = {name}"));
                let of = self.of.as_deref().unwrap_or_default();
                format!("CREATE TYPE {name} AS RANGE (SUBTYPE = {of}{multirange})")
            }
            _ => return Err(format!("the type {name} is made in C, which cannot be made anew")),
        };
        Ok(Some(Definition::needed(format!("the type {name}"), sql)))
    }

    fn domain(&self) -> String {
        let mut sql = format!(
            "CREATE DOMAIN {} AS {}",
            self.type_name,
            self.of.as_deref().unwrap_or_default()
        );
        if let Some(collation) = &self.collation {
            sql.push_str(" COLLATE ");
            sql.push_str(collation);
        }
        if self.is_not_null {
            sql.push_str(" NOT NULL");
        }
        for check in &self.checks {
            sql.push(' ');
            sql.push_str(check);
        }
        sql
    }

    /// The types its values are put together from.
    fn parts(&self) -> Vec<String> {
        match self.kind.as_str() {
            "c" => self.attribute_types.clone(),
            _ => self.of.iter().cloned().collect(),
        }
    }

    /// Texts that may be values of it, put together from values of its parts.
    fn values(&self, pools: &Pools) -> Vec<String> {
        let of = self.of.as_ref().and_then(|of| pools.get(of)).map_or(&[][..], Vec::as_slice);
        match self.kind.as_str() {
            "e" => self.labels.clone(),
            "d" => of.iter().cloned().chain(SHAPES.iter().map(|text| (*text).to_owned())).collect(),
            "r" => ranges(of),
            "m" => multiranges(of),
            "c" => self.rows(pools),
            _ => Vec::new(),
        }
    }

    fn rows(&self, pools: &Pools) -> Vec<String> {
        let cell = |round: usize, place: usize, of: &String| {
            let pool = pools.get(of).map_or(&[][..], Vec::as_slice);
            // A NULL in each attribute now and then.
            if pool.is_empty() || (round + place) % 4 == 3 {
                return String::new();
            }
            pool.get((round * (place + 1)) % pool.len()).map_or_else(String::new, |it| inner(it))
        };
        let row = |round: usize| {
            let types = self.attribute_types.iter().enumerate();
            let cells: Vec<String> = types.map(|(place, of)| cell(round, place, of)).collect();
            format!("({})", cells.join(","))
        };
        (0..8).map(row).collect()
    }
}

/// Texts of forms that constraints ask for: of addresses, codes, numbers, days.
const SHAPES: &[&str] = &[
    "a@b.co",
    "A@b.co",
    "a.b@example.org",
    "12345",
    "00000",
    "12345-6789",
    "+4912345678",
    "555-1234",
    "https://a.example/b",
    "a-b",
    "AB",
    "ABC",
    "DE",
    "EUR",
    "USD",
    "a1",
    "a_b",
    "ABC-123",
    "#a0b1c2",
    "192.168.0.1",
    "2024-02-29",
    "12:00",
    "abcdefgh",
    "abcdefgh12345678",
    "00000000-0000-0000-0000-00000000000a",
    "10",
    "100",
    "1000",
    "50",
    "18",
    "0.25",
    "-10",
];

/// Texts whose form constraints of columns may ask for, too.
pub fn shapes() -> Vec<String> {
    SHAPES.iter().map(|text| (*text).to_owned()).collect()
}

/// The type of that name, with or without a modifier.
pub fn kind<'k>(kinds: &'k [Kind], type_name: &str) -> Option<&'k Kind> {
    let bare = || type_name.split('(').next().unwrap_or_default();
    let of = |name: &str| kinds.iter().find(|kind| kind.type_name == name);
    of(type_name).or_else(|| of(bare()))
}

/// A type with those its values are put together from, the parts first.
pub fn in_order(type_name: &str, kinds: &[Kind]) -> Vec<String> {
    let mut order = Vec::new();
    enter(type_name, kinds, 0, &mut order);
    order
}

fn enter(type_name: &str, kinds: &[Kind], depth: usize, order: &mut Vec<String>) {
    /// Types within types are told no further.
    const DEEPEST: usize = 16;
    if depth > DEEPEST || order.iter().any(|known| known == type_name) {
        return;
    }
    let parts = match type_name.strip_suffix("[]") {
        Some(element) => vec![element.to_owned()],
        None => kind(kinds, type_name).map(Kind::parts).unwrap_or_default(),
    };
    for part in parts {
        enter(&part, kinds, depth + 1, order);
    }
    order.push(type_name.to_owned());
}

/// Texts that may be values of a type that is put together from others; nothing for one that is not.
pub(super) fn put_together(type_name: &str, kinds: &[Kind], pools: &Pools) -> Vec<String> {
    if let Some(element) = type_name.strip_suffix("[]") {
        return arrays(pools.get(element).map_or(&[][..], Vec::as_slice));
    }
    kind(kinds, type_name).map(|kind| kind.values(pools)).unwrap_or_default()
}

fn arrays(of: &[String]) -> Vec<String> {
    if of.is_empty() {
        return Vec::new();
    }
    let quote =
        |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let few: Vec<String> = of.iter().take(4).map(quote).collect();
    let one = few.iter().map(|value| format!("{{{value}}}"));
    let two = few.windows(2).map(|two| format!("{{{}}}", two.join(",")));
    std::iter::once("{}".to_owned()).chain(one).chain(two).chain(["{NULL}".to_owned()]).collect()
}

fn ranges(of: &[String]) -> Vec<String> {
    let few: Vec<String> = of.iter().take(7).map(|value| inner(value)).collect();
    if few.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (place, low) in few.iter().enumerate() {
        for high in few.iter().skip(place + 1) {
            // Only one of the two is a range.
            all.push(format!("[{low},{high})"));
            all.push(format!("[{high},{low})"));
        }
    }
    // Those that overlap and those that do not come by turns.
    let count = all.len().min(16);
    all.truncate(count);
    all.insert(0, "empty".to_owned());
    for value in few.iter().take(3) {
        all.extend([format!("[{value},)"), format!("(,{value})"), format!("[{value},{value}]")]);
    }
    all.push("(,)".to_owned());
    all
}

fn multiranges(of: &[String]) -> Vec<String> {
    let few: Vec<&String> = of.iter().take(8).collect();
    if few.is_empty() {
        return Vec::new();
    }
    let one = few.iter().map(|range| format!("{{{range}}}"));
    let two = few.windows(2).map(|two| match two {
        [a, b] => format!("{{{a},{b}}}"),
        _ => String::new(),
    });
    std::iter::once("{}".to_owned()).chain(one).chain(two).collect()
}

/// A value within the text of a row or a range.
fn inner(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\"\""))
}
