//! Numbers and texts as messages say them. Evidence carries the raw values.

/// A count with thousands separated: `12,345`.
pub fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut out = String::from(if number <= -0.5 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size in the server's own units, powers of 1024: `1.5 GB`.
pub fn bytes(number: f64) -> String {
    let mut value = number;
    let mut units = ["B", "kB", "MB", "GB", "TB", "PB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if value.abs() < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{value:.0} B") } else { format!("{} {unit}", short(value)) }
}

/// A duration given in milliseconds: `0.3 ms`, `45 ms`, `1.5 s`, `12 min`, `3.5 h`, `2 d`.
pub fn millis(number: f64) -> String {
    let seconds = number / 1000.0;
    let (value, unit) = match number.abs() {
        n if n < 1000.0 => (number, "ms"),
        n if n < 120_000.0 => (seconds, "s"),
        n if n < 7_200_000.0 => (seconds / 60.0, "min"),
        n if n < 172_800_000.0 => (seconds / 3600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{} {unit}", short(value))
}

/// A duration given in seconds: `45 s`, `12 min`, `3.5 h`, `2 d`.
pub fn seconds(number: f64) -> String {
    if number.abs() < 120.0 { format!("{} s", short(number)) } else { millis(number * 1000.0) }
}

/// A share as a percentage: `45 %`, `0.4 %`.
pub fn percent(ratio: f64) -> String {
    format!("{} %", short(ratio * 100.0))
}

/// A share near its whole as a percentage with one decimal, where `95 %` would say too little:
/// `94.8 %`.
pub fn fine_percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// One line of at most `longest` characters, white space collapsed.
pub fn shorten(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let kept: String = line.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// One decimal below ten unless it is a zero, none above; three where one would be lost.
fn short(value: f64) -> String {
    if value.abs() >= 9.95 {
        return count(value);
    }
    let text = if value.abs() < 0.05 { format!("{value:.3}") } else { format!("{value:.1}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_would_write_them() {
        assert_eq!(count(1_234_567.4), "1,234,567");
        assert_eq!(count(-12.0), "-12");
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(1_610_612_736.0), "1.5 GB");
        assert_eq!(millis(0.34), "0.3 ms");
        assert_eq!(millis(0.02), "0.02 ms");
        assert_eq!(millis(0.0), "0 ms");
        assert_eq!(millis(1500.0), "1.5 s");
        assert_eq!(millis(720_000.0), "12 min");
        assert_eq!(seconds(45.0), "45 s");
        assert_eq!(seconds(12_600.0), "3.5 h");
        assert_eq!(seconds(172_800.0), "2 d");
        assert_eq!(percent(0.004), "0.4 %");
        assert_eq!(percent(0.45), "45 %");
        assert_eq!(fine_percent(0.9477), "94.8 %");
    }

    #[test]
    fn texts_become_one_short_line() {
        assert_eq!(shorten("select *\n   from t", 80), "select * from t");
        assert_eq!(shorten("select größe from t", 12), "select größ…");
    }
}
