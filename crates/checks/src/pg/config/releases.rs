//! Releases of PostgreSQL: when the support of each major version ends, and its minor releases of late.
//! Source: <https://www.postgresql.org/support/versioning/> and the announcements of the releases, as of
//! 2026-05-14. Releases after that day are not known here, so that a verdict can only be too mild.

use jiff::{Timestamp, civil::Date};

/// The day of the last release of each major version.
const LAST_RELEASES: &[(u32, &str)] = &[
    (13, "2025-11-13"),
    (14, "2026-11-12"),
    (15, "2027-11-11"),
    (16, "2028-11-09"),
    (17, "2029-11-08"),
    (18, "2030-11-14"),
];

/// Rounds of minor releases, newest first: the day, and the version released for each major one.
const ROUNDS: &[(&str, &[(u32, u32)])] = &[
    ("2026-05-14", &[(18, 4), (17, 10), (16, 14), (15, 18), (14, 23)]),
    ("2026-02-26", &[(18, 3), (17, 9), (16, 13), (15, 17), (14, 22)]),
    ("2025-11-13", &[(18, 1), (17, 7), (16, 11), (15, 15), (14, 20), (13, 23)]),
    ("2025-08-14", &[(17, 6), (16, 10), (15, 14), (14, 19), (13, 22)]),
];

/// Versions before the oldest in the table ended earlier than it.
const OLDEST: u32 = 13;

/// The moment support of a major version ends; `None` for versions newer than this table. For older ones
/// the end of the oldest that is known.
pub fn support_ends(major: u32) -> Option<Timestamp> {
    let (_, day) = LAST_RELEASES.iter().find(|(known, _)| *known == major.max(OLDEST))?;
    midnight(day)
}

/// The newest minor release of a major version that was out at that time, with its day.
pub fn newest_minor(major: u32, at: Timestamp) -> Option<(u32, Timestamp)> {
    ROUNDS.iter().find_map(|(day, released)| {
        let day = midnight(day).filter(|day| *day <= at)?;
        let (_, minor) = released.iter().find(|(known, _)| *known == major)?;
        Some((*minor, day))
    })
}

/// Midnight in UTC of a day written as `2026-05-14`.
fn midnight(day: &str) -> Option<Timestamp> {
    let day: Date = day.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_and_newest_come_first() {
        let days: Vec<_> = ROUNDS.iter().map(|(day, _)| midnight(day).unwrap()).collect();
        assert!(days.is_sorted_by(|newer, older| newer > older));
        assert!(LAST_RELEASES.iter().all(|(_, day)| midnight(day).is_some()));
    }

    #[test]
    fn nothing_is_held_against_a_release_of_the_future() {
        let at = midnight("2026-01-01").unwrap();
        assert_eq!(newest_minor(16, at).unwrap().0, 11);
        assert_eq!(newest_minor(16, midnight("2026-05-14").unwrap()).unwrap().0, 14);
        assert_eq!(newest_minor(13, midnight("2027-01-01").unwrap()).unwrap().0, 23);
        assert_eq!(newest_minor(99, at), None);
    }

    #[test]
    fn old_versions_have_ended_and_unknown_ones_have_not() {
        assert_eq!(support_ends(9), support_ends(13));
        assert_eq!(support_ends(19), None);
    }
}
