//! A condition on the day, month or year of a column → a range of the column.

use pg_query::{NodeEnum, protobuf::TypeCast};

use super::{
    Told,
    glance::Glance,
    shape::{Constant, comparison, condition, constant, function_name, inner},
    walk::Place,
};

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Month,
    Year,
}

/// A day as it is written without doubt: `2024-01-31`, within years of four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    year: u32,
    month: u32,
    of_month: u32,
}

impl Day {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_suffix(" 00:00:00").unwrap_or(text);
        let shape = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let number = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok());
        let day = Self { year: number(0..4)?, month: number(5..7)?, of_month: number(8..10)? };
        let leap = day.year.is_multiple_of(4)
            && (!day.year.is_multiple_of(100) || day.year.is_multiple_of(400));
        let last = match day.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (shape && (1..=9990).contains(&day.year) && (1..=last).contains(&day.of_month))
            .then_some(day)
    }

    fn begins(self, unit: Unit) -> bool {
        match unit {
            Unit::Day => true,
            Unit::Month => self.of_month == 1,
            Unit::Year => self.of_month == 1 && self.month == 1,
        }
    }

    fn written(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.of_month)
    }

    /// The first day behind the unit that begins here.
    fn after(self, unit: Unit) -> Self {
        match unit {
            Unit::Year => Self { year: self.year + 1, ..self },
            Unit::Month if self.month == 12 => Self { year: self.year + 1, month: 1, of_month: 1 },
            Unit::Month => Self { month: self.month + 1, ..self },
            Unit::Day => {
                let next = Self { of_month: self.of_month + 1, ..self };
                Self::read(&next.written())
                    .unwrap_or_else(|| Self { of_month: 1, ..self }.after(Unit::Month))
            }
        }
    }
}

/// A column that is cut to a unit of time.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.other().is_some_and(|node| truncated(node).is_some())
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let (side, op, value) = comparison(node, |side| truncated(side).is_some())?;
    let (unit, column) = truncated(side)?;
    let day = match unit {
        Cut::To(_) => Day::read(&date_of(value)?)?,
        Cut::Year => match constant(value)? {
            Constant::Integer(year) => Day::read(&format!("{year:04}-01-01"))?,
            _ => return None,
        },
    };
    let unit = match unit {
        Cut::To(unit) => unit,
        Cut::Year => Unit::Year,
    };
    // What does not begin the unit is never equal to what is cut to it.
    if !day.begins(unit) {
        return None;
    }
    let (from, to) = (day.written(), day.after(unit).written());
    let found = place.column(column);
    let kind = found.as_ref().map(|found| found.column.type_name.as_str());
    let cast = match kind {
        Some("date") => "date",
        Some("timestamp with time zone") => "timestamptz",
        _ => "timestamp",
    };
    let (from, to) = (format!("'{from}'::{cast}"), format!("'{to}'::{cast}"));
    let text = match op {
        "=" => format!("_0 >= {from} AND _0 < {to}"),
        ">=" => format!("_0 >= {from}"),
        "<" => format!("_0 < {from}"),
        "<=" => format!("_0 < {to}"),
        ">" => format!("_0 >= {to}"),
        _ => return None,
    };
    let told = match kind {
        Some("timestamp without time zone" | "date") => {
            // The year of infinity is not the same on all versions, and the day of it is infinite.
            Told::equivalent(
                "the column has no time zone, and the range holds exactly the moments of the unit; infinity lies on \
                 the same side of both",
            )
        }
        Some("timestamp with time zone") => Told::suggestion(
            "the range begins and ends at midnight of the session's time zone when the statement is planned; write the zone into the constants if it must be another",
        ),
        _ => Told::suggestion("the range is that of a timestamp without time zone")
            .needing("the type of the column"),
    };
    if kind.is_some_and(|kind| !kind.starts_with("timestamp") && kind != "date") {
        return None;
    }
    *node = condition(&text, std::slice::from_ref(column))?;
    Some(told)
}

/// How a column is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// To a moment.
    To(Unit),
    /// To the number of its year.
    Year,
}

/// The unit a column is cut to, and the column.
fn truncated(node: &NodeEnum) -> Option<(Cut, &NodeEnum)> {
    match node {
        NodeEnum::TypeCast(cast) if is_type(cast, "date") => {
            let column = inner(cast.arg.as_deref())?;
            matches!(column, NodeEnum::ColumnRef(_)).then_some((Cut::To(Unit::Day), column))
        }
        NodeEnum::FuncCall(call) => {
            let [unit, column] = call.args.as_slice() else { return None };
            let Constant::Text(unit) = constant(inner(Some(unit))?)? else { return None };
            let column = inner(Some(column))?;
            let cut = match (function_name(call)?, unit.to_lowercase().as_str()) {
                ("date_trunc", "day") => Cut::To(Unit::Day),
                ("date_trunc", "month") => Cut::To(Unit::Month),
                ("date_trunc", "year") => Cut::To(Unit::Year),
                ("extract" | "date_part", "year") => Cut::Year,
                _ => return None,
            };
            matches!(column, NodeEnum::ColumnRef(_)).then_some((cut, column))
        }
        _ => None,
    }
}

fn is_type(cast: &TypeCast, wanted: &str) -> bool {
    let names = cast.type_name.as_ref().map(|name| name.names.as_slice()).unwrap_or_default();
    let last = names.last().and_then(|name| inner(Some(name)));
    matches!(last, Some(NodeEnum::String(name)) if name.sval == wanted)
}

/// The text of a constant that becomes a date or a timestamp.
fn date_of(node: &NodeEnum) -> Option<String> {
    let bare = match node {
        NodeEnum::TypeCast(cast) if is_type(cast, "date") || is_type(cast, "timestamp") => {
            inner(cast.arg.as_deref())?
        }
        other => other,
    };
    match constant(bare)? {
        Constant::Text(text) => Some(text),
        _ => None,
    }
}
