//! Making the background writer write more between checkpoints.

use dbvitals_model::{Fix, FixKind, pg::instance::Settings};

use crate::pg::setting_change;

/// Shorter sleeps and larger rounds; `None` where it is that eager already.
pub fn quickened(settings: &Settings) -> Option<Fix> {
    let delay = settings.millis("bgwriter_delay")?;
    let pages = settings.number("bgwriter_lru_maxpages")?;
    let mut changes = Vec::new();
    if delay > 50.0 {
        changes.push(("bgwriter_delay", "50ms".to_owned()));
    }
    if pages < 1000.0 {
        let raised = (pages * 4.0).clamp(400.0, 1000.0);
        changes.push(("bgwriter_lru_maxpages", format!("{raised:.0}")));
    }
    if changes.is_empty() {
        return None;
    }
    Some(setting_change::change(settings, FixKind::Safe, &changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn raises_what_is_low_and_leaves_what_is_eager() {
        let fix = |delay, pages| {
            let mut pg = testing::healthy_pg();
            set(&mut pg, "bgwriter_delay", delay, Some("ms"));
            set(&mut pg, "bgwriter_lru_maxpages", pages, None);
            quickened(pg.settings.value().unwrap())
        };
        assert_eq!(
            fix("200", "100").unwrap().statements,
            [
                "ALTER SYSTEM SET bgwriter_delay = '50ms';",
                "ALTER SYSTEM SET bgwriter_lru_maxpages = '400';",
                "SELECT pg_reload_conf();",
            ]
        );
        assert_eq!(fix("20", "1000"), None);
    }
}
