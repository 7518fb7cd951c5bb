//! Times as servers write them, to microseconds since 1970.

/// Microseconds since 1970, UTC.
pub type Micros = i64;

/// One second.
pub const SECOND: Micros = 1_000_000;
/// One hour.
pub const HOUR: Micros = 3600 * SECOND;

/// Reads times. Neighbouring lines share their minute and their zone, so both are remembered.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    minute: [u8; 16],
    minute_us: Micros,
    zone: [u8; 8],
    zone_len: usize,
    zone_us: Micros,
    /// A zone whose offset is not known; its times were taken for UTC.
    unknown_zone: Option<[u8; 8]>,
}

impl Clock {
    /// Reads `2026-01-31 23:59:59[.123456][ ZONE]` at the beginning of a text; gives the time and how many bytes it took.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<(Micros, usize)> {
        let minute: &[u8; 16] = text.first_chunk()?;
        if *minute != self.minute {
            self.minute_us = minute_of(minute)?;
            self.minute = *minute;
        }
        let (seconds, mut at) = seconds(text, 16)?;
        let mut time = self.minute_us + seconds;
        if text.get(at) == Some(&b' ') {
            let zone = &text[at + 1..];
            let known = &self.zone[..self.zone_len];
            let is_known = self.zone_len > 0
                && zone.starts_with(known)
                && !zone.get(self.zone_len).is_some_and(|byte| is_zone_byte(*byte));
            if is_known || self.learn_zone(zone) {
                time -= self.zone_us;
                at += 1 + self.zone_len;
            }
        }
        Some((time, at))
    }

    /// The zone that could not be placed, if there was one.
    pub fn unknown_zone(&self) -> Option<String> {
        let zone = self.unknown_zone?;
        let len = zone.iter().position(|byte| *byte == 0).unwrap_or(zone.len());
        Some(String::from_utf8_lossy(&zone[..len]).into_owned())
    }

    fn learn_zone(&mut self, text: &[u8]) -> bool {
        let len = text.iter().take_while(|byte| is_zone_byte(**byte)).count();
        // `LOG:  ` behind a time without zone is no zone.
        if len == 0 || len > 8 || text[len..].starts_with(b":  ") {
            return false;
        }
        let word = &text[..len];
        let offset = offset_minutes(word);
        if !word[0].is_ascii_alphabetic() && offset.is_none() {
            return false;
        }
        self.zone = [0; 8];
        self.zone[..len].copy_from_slice(word);
        self.zone_len = len;
        self.zone_us = offset.unwrap_or(0) * 60 * SECOND;
        if offset.is_none() {
            self.unknown_zone = Some(self.zone);
        }
        true
    }
}

fn is_zone_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'<' | b'>')
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text.get(at)?.wrapping_sub(b'0'), text.get(at + 1)?.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

fn minute_of(text: &[u8; 16]) -> Option<Micros> {
    let shape = text[4] == b'-' && text[7] == b'-' && matches!(text[10], b' ' | b'T');
    if !shape || text[13] != b':' {
        return None;
    }
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    let (hour, minute) = (two(text, 11)?, two(text, 14)?);
    let holds = (1970..=2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60;
    holds.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 * SECOND)
}

/// `:59` and a fraction; gives microseconds and the place behind them.
fn seconds(text: &[u8], at: usize) -> Option<(Micros, usize)> {
    if text.get(at) != Some(&b':') {
        return None;
    }
    let whole = two(text, at + 1)?;
    let mut end = at + 3;
    let mut micros = 0;
    if text.get(end) == Some(&b'.') {
        end += 1;
        let mut scale = SECOND / 10;
        while let Some(digit) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
            micros += i64::from(digit - b'0') * scale;
            scale /= 10;
            end += 1;
        }
    }
    (whole <= 60).then_some((whole * SECOND + micros, end))
}

/// Days since 1970 of a day of the Gregorian calendar.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year a time lies in.
pub(crate) fn year_of(time: Micros) -> i64 {
    let day = time.div_euclid(24 * HOUR);
    // Never off by more than one at either side.
    let guess = 1970 + day.div_euclid(366);
    (guess..=guess + 2).take_while(|year| days(*year, 1, 1) <= day).last().unwrap_or(guess)
}

/// `2026-01-31T23:59:59.123456+02:00` as syslog daemons write it.
pub(crate) fn iso(text: &[u8]) -> Option<(Micros, usize)> {
    let minute: &[u8; 16] = text.first_chunk()?;
    let (seconds, at) = seconds(text, 16)?;
    let time = minute_of(minute)? + seconds;
    match text.get(at)? {
        b'Z' => Some((time, at + 1)),
        sign @ (b'+' | b'-') => {
            let minutes = two(text, at + 1)? * 60 + two(text, at + 4)?;
            let offset = minutes * 60 * SECOND;
            Some((if *sign == b'+' { time - offset } else { time + offset }, at + 6))
        }
        _ => None,
    }
}

/// Minutes east of Greenwich of a zone's abbreviation.
fn offset_minutes(zone: &[u8]) -> Option<i64> {
    let zone = zone.strip_prefix(b"<").and_then(|z| z.strip_suffix(b">")).unwrap_or(zone);
    if let [sign @ (b'+' | b'-'), digits @ ..] = zone {
        let minutes = match digits.len() {
            2 => two(digits, 0)? * 60,
            4 => two(digits, 0)? * 60 + two(digits, 2)?,
            _ => return None,
        };
        return Some(if *sign == b'-' { -minutes } else { minutes });
    }
    let found = ZONES.iter().find(|(name, _)| name.as_bytes() == zone);
    found.map(|(_, minutes)| *minutes)
}

/// Abbreviations that servers print, as PostgreSQL's default set takes them.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("SAST", 120),
    ("IST", 120),
    ("IDT", 180),
    ("MSK", 180),
    ("EAT", 180),
    ("PKT", 300),
    ("WIB", 420),
    ("HKT", 480),
    ("SGT", 480),
    ("AWST", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("BRT", -180),
    ("ART", -180),
    ("AST", -240),
    ("ADT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, usize)> {
        let (time, used) = Clock::default().read(text.as_bytes())?;
        Some((jiff::Timestamp::from_microsecond(time).unwrap().to_string(), used))
    }

    #[test]
    fn times_are_read_with_fraction_and_zone() {
        let at = |text: &str| read(text).map(|(time, _)| time);
        assert_eq!(at("2024-02-29 23:59:59 UTC x").unwrap(), "2024-02-29T23:59:59Z");
        assert_eq!(at("2024-07-01 12:00:00.123 CEST [1]").unwrap(), "2024-07-01T10:00:00.123Z");
        assert_eq!(at("2024-07-01 12:00:00.123456 -0330,").unwrap(), "2024-07-01T15:30:00.123456Z");
        assert_eq!(at("2024-07-01 12:00:00 +03:host").unwrap(), "2024-07-01T09:00:00Z");
        assert_eq!(read("2024-07-01 12:00:00 [77] ").unwrap().1, 19);
        assert_eq!(read("2024-07-01 12:00:00 LOG:  x").unwrap().1, 19);
        assert_eq!(at("2024-13-01 12:00:00 UTC"), None);
        assert_eq!(at("2024-1"), None);
    }

    #[test]
    fn a_zone_nobody_knows_is_told() {
        let mut clock = Clock::default();
        assert!(clock.read(b"2024-07-01 12:00:00 QQQ ").is_some());
        assert_eq!(clock.unknown_zone().as_deref(), Some("QQQ"));
    }

    #[test]
    fn syslog_times_and_years_hold() {
        let (time, used) = iso(b"2026-11-21T18:00:00.5+02:00 host").unwrap();
        assert_eq!(used, 27);
        assert_eq!(
            jiff::Timestamp::from_microsecond(time).unwrap().to_string(),
            "2026-11-21T16:00:00.5Z"
        );
        for year in [1970, 1999, 2000, 2024, 2025, 2100] {
            let first = days(year, 1, 1) * 24 * HOUR;
            assert_eq!((year_of(first), year_of(first - 1)), (year, (year - 1).max(1969)));
        }
    }
}
