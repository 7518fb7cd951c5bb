//! Bounds of partitions as the server prints them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// One end of a range of one column, so that ends can be compared.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum End {
    /// `MINVALUE`, `-infinity`.
    Lowest,
    /// A number.
    Number(f64),
    /// Seconds since 1970; dates and times without zone as if in UTC.
    Moment(f64),
    /// `MAXVALUE`, `infinity`.
    Highest,
}

/// A partition's range.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// First value within.
    pub from: End,
    /// First value beyond.
    pub to: End,
    /// The ends as printed, without quotes.
    pub text: (String, String),
}

/// `FOR VALUES FROM (…) TO (…)` over one column of numbers, dates or times; `None` for anything else.
pub fn range(bound: &str) -> Option<Range> {
    let inner = bound.strip_prefix("FOR VALUES FROM (")?.strip_suffix(')')?;
    let (from, to) = inner.split_once(") TO (")?;
    Some(Range { from: end(from)?, to: end(to)?, text: (unquoted(from), unquoted(to)) })
}

/// `FOR VALUES WITH (modulus 4, remainder 1)`.
pub fn modulus(bound: &str) -> Option<(u32, u32)> {
    let inner = bound.strip_prefix("FOR VALUES WITH (modulus ")?.strip_suffix(')')?;
    let (modulus, remainder) = inner.split_once(", remainder ")?;
    Some((modulus.parse().ok().filter(|modulus| *modulus > 0)?, remainder.parse().ok()?))
}

impl End {
    /// The seconds of a moment.
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Moment(seconds) => Some(seconds),
            _ => None,
        }
    }
}

impl Range {
    /// Seconds from end to end, for a range of time.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.to.seconds()? - self.from.seconds()?)
    }

    /// The range of the same length that follows, as literals: whole months where both ends begin one.
    pub fn next(&self) -> Option<(String, String)> {
        let (from, to) = (civil_of(&self.text.0)?, civil_of(&self.text.1)?);
        let starts_month =
            |at: &civil::DateTime| at.day() == 1 && at.time() == civil::Time::midnight();
        let beyond = if starts_month(&from) && starts_month(&to) {
            let months =
                i32::from(to.year() - from.year()) * 12 + i32::from(to.month() - from.month());
            to.checked_add(jiff::Span::new().try_months(months).ok()?).ok()?
        } else {
            to.checked_add(to.duration_since(from)).ok()?
        };
        let zone = zone_of(&self.text.1);
        let printed = if self.text.1.len() == 10 {
            beyond.strftime("%Y-%m-%d").to_string()
        } else {
            format!("{}{zone}", beyond.strftime("%Y-%m-%d %H:%M:%S"))
        };
        (beyond > to).then(|| (self.text.1.clone(), printed))
    }
}

fn end(text: &str) -> Option<End> {
    match text {
        "MINVALUE" => return Some(End::Lowest),
        "MAXVALUE" => return Some(End::Highest),
        _ => {}
    }
    let plain = unquoted(text);
    if plain == "infinity" || plain == "-infinity" {
        return Some(if plain.starts_with('-') { End::Lowest } else { End::Highest });
    }
    if let Ok(number) = plain.parse::<f64>() {
        return number.is_finite().then_some(End::Number(number));
    }
    moment(&plain).map(End::Moment)
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(text).replace("''", "'")
}

fn moment(text: &str) -> Option<f64> {
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) => civil_of(text)?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(at.as_duration().as_secs_f64())
}

/// The clock time as printed, its zone left out.
fn civil_of(text: &str) -> Option<civil::DateTime> {
    let bare = text.strip_suffix(zone_of(text))?;
    bare.parse::<civil::DateTime>()
        .or_else(|_| bare.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0)))
        .ok()
}

/// `+00`, `-03:30` at the end of a time, or nothing.
fn zone_of(text: &str) -> &str {
    let time = text.find(' ').unwrap_or(text.len());
    let at = text[time..].find(['+', '-']).map_or(text.len(), |at| time + at);
    &text[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(from: &str, to: &str) -> Range {
        range(&format!("FOR VALUES FROM ({from}) TO ({to})")).unwrap()
    }

    #[test]
    fn reads_dates_times_and_numbers() {
        assert_eq!(of("'1970-01-02'", "'1970-01-03'").from, End::Moment(86_400.0));
        assert_eq!(of("'1970-01-01 00:00:00'", "'1970-01-01 01:00:00'").seconds(), Some(3600.0));
        assert_eq!(
            of("'1970-01-01 01:00:00+01'", "'1970-01-01 00:00:00-03:30'").seconds(),
            Some(12_600.0)
        );
        assert_eq!(of("1", "'100'").to, End::Number(100.0));
        assert_eq!(of("MINVALUE", "MAXVALUE").from, End::Lowest);
        assert!(End::Lowest < End::Number(-1e9) && End::Moment(9e9) < End::Highest);
    }

    #[test]
    fn anything_else_is_not_guessed() {
        for bound in [
            "",
            "DEFAULT",
            "FOR VALUES IN ('a', 'b')",
            "FOR VALUES FROM ('a') TO ('b')",
            "FOR VALUES FROM (1, 2) TO (3, 4)",
            "FOR VALUES FROM ('2024-01-01', 1) TO ('2024-02-01', 1)",
        ] {
            assert_eq!(range(bound), None, "{bound}");
        }
    }

    #[test]
    fn reads_the_modulus_of_a_hash() {
        assert_eq!(modulus("FOR VALUES WITH (modulus 4, remainder 1)"), Some((4, 1)));
        assert_eq!(modulus("FOR VALUES WITH (modulus 0, remainder 1)"), None);
        assert_eq!(modulus("DEFAULT"), None);
    }

    #[test]
    fn the_next_range_follows_the_calendar() {
        let next = |from: &str, to: &str| of(from, to).next().unwrap();
        assert_eq!(
            next("'2024-01-01'", "'2024-02-01'"),
            ("2024-02-01".to_owned(), "2024-03-01".to_owned())
        );
        assert_eq!(next("'2024-02-28'", "'2024-02-29'").1, "2024-03-01");
        assert_eq!(next("'2023-01-01'", "'2024-01-01'").1, "2025-01-01");
        assert_eq!(
            next("'2024-12-01 00:00:00+00'", "'2025-01-01 00:00:00+00'").1,
            "2025-02-01 00:00:00+00"
        );
        assert_eq!(next("'2024-01-01 00:00:00'", "'2024-01-01 06:00:00'").1, "2024-01-01 12:00:00");
        assert_eq!(of("1", "2").next(), None);
        assert_eq!(of("'2024-01-01'", "MAXVALUE").next(), None);
    }
}
