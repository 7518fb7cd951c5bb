//! What a certificate says of itself: its end and its holder. Only these are read (X.509, DER).

use dbvitals_model::pg::security::Certificate;
use jiff::{Timestamp, civil, tz::TimeZone};

const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
/// 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// The end and the common name; `None` for bytes that are no certificate.
pub(crate) fn read(der: &[u8]) -> Option<Certificate> {
    let mut outer = Reader(Reader(der).expect(SEQUENCE)?);
    let mut signed = Reader(outer.expect(SEQUENCE)?);
    if signed.0.first() == Some(&VERSION) {
        signed.expect(VERSION)?;
    }
    signed.expect(INTEGER)?;
    let _algorithm = signed.expect(SEQUENCE)?;
    let _issuer = signed.expect(SEQUENCE)?;
    let mut validity = Reader(signed.expect(SEQUENCE)?);
    let _begin = validity.next()?;
    let (kind, end) = validity.next()?;
    let subject = common_name(signed.expect(SEQUENCE)?);
    Some(Certificate { not_after: Some(time(kind, end)?), subject })
}

/// Values one after another, each with its tag and length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk::<2>()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            // A certificate longer than this is none.
            if digits.len() > 4 {
                return None;
            }
            digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit))
        };
        let (value, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, value))
    }

    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, value)| value)
    }
}

fn common_name(subject: &[u8]) -> Option<String> {
    let mut names = Reader(subject);
    while let Some(set) = names.expect(SET) {
        let mut pair = Reader(Reader(set).expect(SEQUENCE)?);
        if pair.expect(OBJECT_ID)? == COMMON_NAME {
            let (_, text) = pair.next()?;
            return Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    None
}

/// `YYMMDDHHMMSSZ` (years 1950 to 2049), or the same with four digits of the year.
fn time(kind: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |place: usize| rest.get(place * 2..place * 2 + 2)?.parse::<i8>().ok();
    let [month, day, hour, minute, second] = [part(0)?, part(1)?, part(2)?, part(3)?, part(4)?];
    let at = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_have_two_forms() {
        let read = |kind, text: &str| time(kind, text.as_bytes()).map(|time| time.to_string());
        assert_eq!(read(UTC_TIME, "491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(read(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(read(GENERALIZED_TIME, "20500102030405Z").unwrap(), "2050-01-02T03:04:05Z");
        assert_eq!(read(UTC_TIME, "491331235959Z"), None);
        assert_eq!(read(UTC_TIME, "491231235959+01"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let mut framed = vec![SEQUENCE, 0x81, 200, SEQUENCE, 0x81, 190];
            framed.extend(bytes);
            let _ = read(&framed);
        }
    }
}
