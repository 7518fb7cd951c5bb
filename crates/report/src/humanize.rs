//! The only place where numbers become words.
//!
//! Conventions, the same in every format:
//! - Bytes are binary: 1 kB is 1024 bytes. The labels are those of PostgreSQL's own settings and of
//!   `pg_size_pretty` (`kB`, `MB`, `GB`, `TB`), so that a number here equals the number there.
//! - About three significant digits; never a rounding that hides a difference (99.97 % is not 100 %).
//! - Thousands are grouped by commas, as in the findings' own sentences: `12,345`.
//! - Shares are percentages (`45 %`), factors carry `×`, times use the two largest units that matter.
//! - Timestamps are UTC to the second.

use dbvitals_model::{Measure, Unit};
use jiff::Timestamp;

/// The character between groups of three digits.
pub const GROUP: char = ',';

const BYTE_LABELS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// A measured value in the words of its unit; texts pass unchanged.
pub fn measure(value: &Measure, unit: Unit) -> String {
    match value {
        Measure::Number(number) => quantity(*number, unit),
        Measure::Text(text) => text.clone(),
    }
}

/// A number in the words of its unit.
pub fn quantity(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return number_out_of_range(value).to_owned();
    }
    match unit {
        Unit::Count | Unit::Text => number(value),
        Unit::Bytes => bytes(value),
        Unit::Ms => duration_ms(value),
        Unit::Seconds => duration_ms(value * SECOND),
        Unit::Days => days(value),
        Unit::Ratio => percent(value),
        Unit::Factor => format!("{}×", number(value)),
        Unit::PerSecond => format!("{}/s", number(value)),
        Unit::PerHour => format!("{}/h", number(value)),
        Unit::BytesPerSecond => format!("{}/s", bytes(value)),
        Unit::Xids => format!("{} xids", large(value)),
    }
}

/// The word for a number that is none.
pub(crate) fn number_out_of_range(value: f64) -> &'static str {
    if value == f64::INFINITY {
        "unlimited"
    } else if value == f64::NEG_INFINITY {
        "−unlimited"
    } else {
        "unknown"
    }
}

/// Bytes in binary units: `512 B`, `1.2 GB`.
pub fn bytes(value: f64) -> String {
    let mut scaled = value.abs();
    let mut label = 0;
    // 1023.5 would round to 1024 of its unit: the next unit says it shorter.
    while scaled >= 1023.5 && label + 1 < BYTE_LABELS.len() {
        scaled /= 1024.0;
        label += 1;
    }
    format!("{}{} {}", minus(value), number(scaled), BYTE_LABELS[label])
}

/// A duration given in milliseconds: `0.42 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `9 d 4 h`.
pub fn duration_ms(value: f64) -> String {
    let size = value.abs();
    let words = if size < 999.5 {
        format!("{} ms", number(size))
    } else if size < 59.95 * SECOND {
        format!("{} s", number(size / SECOND))
    } else if size < HOUR - 0.5 * SECOND {
        two_units(size, (MINUTE, "min"), (SECOND, "s"))
    } else if size < DAY - 0.5 * MINUTE {
        two_units(size, (HOUR, "h"), (MINUTE, "min"))
    } else if size < 100.0 * DAY {
        two_units(size, (DAY, "d"), (HOUR, "h"))
    } else {
        format!("{} d", grouped((size / DAY).round()))
    };
    format!("{}{words}", minus(value))
}

/// Days: `1 day`, `41 days`; less than one day as hours and minutes.
pub fn days(value: f64) -> String {
    if value != 0.0 && value.abs() < 1.0 {
        return duration_ms(value * DAY);
    }
    let words = number(value);
    let label = if words == "1" { "day" } else { "days" };
    format!("{words} {label}")
}

/// A share between 0 and 1 as a percentage; never rounded to 0 % or 100 % unless it is.
pub fn percent(share: f64) -> String {
    let size = share * 100.0;
    for digits in 1..=3 {
        let words = decimals(size, digits);
        let hides = (words == "100" && share < 1.0) || (words == "0" && share > 0.0);
        if !hides {
            return format!("{words} %");
        }
    }
    if share < 0.5 { "<0.001 %".to_owned() } else { ">99.999 %".to_owned() }
}

/// A plain number: `0.42`, `7.3`, `420`, `12 345`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    let words = if size >= 99.95 {
        grouped(size.round())
    } else if size >= 0.995 {
        decimals(size, 1)
    } else {
        small(size)
    };
    format!("{}{words}", minus(value))
}

/// A count of things: `1 finding`, `3 findings`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    let label = if count == 1 { one } else { many };
    format!("{} {label}", grouped(count as f64))
}

/// A health score: whole points, rounded down so that only a flawless 100 reads as 100.
pub fn score(value: f64) -> String {
    decimals(value.floor(), 0)
}

/// Points lost: `20`, `2.5`; anything above zero is at least `0.1`.
pub fn points(value: f64) -> String {
    if value > 0.0 && value < 0.1 { "0.1".to_owned() } else { decimals(value, 1) }
}

/// A point in time: `2025-11-21 11:40:00 UTC`.
pub fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A number of transactions: `131 million`, `1.31 billion`.
fn large(value: f64) -> String {
    let size = value.abs();
    let words = if size >= 999_500_000.0 {
        format!("{} billion", decimals(size / 1e9, 2))
    } else if size >= 999_950.0 {
        format!("{} million", number(size / 1e6))
    } else {
        number(size)
    };
    format!("{}{words}", minus(value))
}

/// The size in whole larger units and the rest in the smaller one, if any.
fn two_units(size: f64, larger: (f64, &str), smaller: (f64, &str)) -> String {
    let whole = (size / smaller.0).round();
    let per = larger.0 / smaller.0;
    let (first, rest) = ((whole / per).floor(), whole % per);
    if rest == 0.0 {
        format!("{first} {}", larger.1)
    } else {
        format!("{first} {} {rest} {}", larger.1, smaller.1)
    }
}

/// A number below one, to two significant digits.
fn small(size: f64) -> String {
    let mut digits = 2;
    let mut scaled = size;
    while scaled < 0.1 && digits < 7 {
        scaled *= 10.0;
        digits += 1;
    }
    if digits == 7 { "<0.000001".to_owned() } else { decimals(size, digits) }
}

/// At most so many decimals, without trailing zeros.
fn decimals(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    if text == "-0" { "0".to_owned() } else { text }
}

/// A whole number above zero with its digits grouped by threes.
fn grouped(whole: f64) -> String {
    let digits = format!("{whole:.0}");
    if digits.len() < 4 {
        return digits;
    }
    let mut out = String::with_capacity(digits.len() * 2);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(GROUP);
        }
        out.push(digit);
    }
    out
}

fn minus(value: f64) -> &'static str {
    if value < 0.0 { "−" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_binary_and_short() {
        let cases = [
            (0.0, "0 B"),
            (512.0, "512 B"),
            (1024.0, "1 kB"),
            (1_288_490_189.0, "1.2 GB"),
            (1_048_575.0, "1 MB"),
            (16.0 * 1024.0 * 1024.0 * 1024.0, "16 GB"),
            (-2048.0, "−2 kB"),
            (3e18, "2,665 PB"),
        ];
        for (value, words) in cases {
            assert_eq!(bytes(value), words, "{value}");
        }
    }

    #[test]
    fn durations_use_the_units_that_matter() {
        let cases = [
            (0.42, "0.42 ms"),
            (4.25, "4.2 ms"),
            (999.7, "1 s"),
            (4_200.0, "4.2 s"),
            (59_990.0, "1 min"),
            (200_000.0, "3 min 20 s"),
            (3_599_900.0, "1 h"),
            (7_500_000.0, "2 h 5 min"),
            (86_399_000.0, "1 d"),
            (9.0 * DAY + 4.0 * HOUR, "9 d 4 h"),
            (400.0 * DAY, "400 d"),
        ];
        for (value, words) in cases {
            assert_eq!(duration_ms(value), words, "{value}");
        }
        assert_eq!(days(1.0), "1 day");
        assert_eq!(days(0.5), "12 h");
        assert_eq!(days(41.0), "41 days");
    }

    #[test]
    fn shares_never_hide_a_difference() {
        let cases = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.873, "87.3 %"),
            (0.9997, "99.97 %"),
            (0.9999, "99.99 %"),
            (0.000_04, "0.004 %"),
            (0.000_000_1, "<0.001 %"),
            (0.999_999_9, ">99.999 %"),
            (1.5, "150 %"),
        ];
        for (value, words) in cases {
            assert_eq!(percent(value), words, "{value}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        assert_eq!(number(9999.0), "9,999");
        assert_eq!(number(12_345.0), "12,345");
        assert_eq!(number(1_234_567.0), "1,234,567");
        assert_eq!(number(0.005), "0.005");
        assert_eq!(number(0.996), "1");
        assert_eq!(number(7.25), "7.2");
        assert_eq!(plural(1, "finding", "findings"), "1 finding");
        assert_eq!(plural(0, "finding", "findings"), "0 findings");
    }

    #[test]
    fn every_unit_has_words() {
        assert_eq!(quantity(1_310_000_000.0, Unit::Xids), "1.31 billion xids");
        assert_eq!(quantity(131_000_000.0, Unit::Xids), "131 million xids");
        assert_eq!(quantity(1.4, Unit::Factor), "1.4×");
        assert_eq!(quantity(12.3, Unit::PerSecond), "12.3/s");
        assert_eq!(quantity(2_097_152.0, Unit::BytesPerSecond), "2 MB/s");
        assert_eq!(quantity(90.0, Unit::Seconds), "1 min 30 s");
        assert_eq!(quantity(f64::NAN, Unit::Bytes), "unknown");
        assert_eq!(quantity(f64::INFINITY, Unit::Count), "unlimited");
    }

    #[test]
    fn only_a_flawless_score_reads_as_flawless() {
        assert_eq!(score(99.6), "99");
        assert_eq!(score(100.0), "100");
        assert_eq!(points(0.04), "0.1");
        assert_eq!(points(20.0), "20");
    }

    #[test]
    fn timestamps_are_utc() {
        let at: Timestamp = "2025-11-21T11:40:00Z".parse().unwrap();
        assert_eq!(timestamp(at), "2025-11-21 11:40:00 UTC");
    }
}
