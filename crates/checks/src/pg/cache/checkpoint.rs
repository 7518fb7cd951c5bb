//! How often a primary makes checkpoints, and how many of them it was asked for.

use dbvitals_model::{
    Fix, FixKind, Unit,
    pg::{
        counters::{Checkpoints, Wal},
        instance::Settings,
        window::Window,
    },
};

use crate::{
    check::Threshold,
    context::Context,
    pg::{
        counted::{Counted, counted},
        setting_change,
    },
    skip::Skip,
    view::PgView,
};

/// How many checkpoints make a rhythm.
pub static MIN_CHECKPOINTS: Threshold = Threshold {
    key: "min_checkpoints",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e6),
    why: "the first few after a start, a restore or a backup say nothing of ordinary work",
};

/// The checkpoints of a primary, over the window or since the reset, whichever saw enough of them.
/// `None` where neither did.
pub fn rhythm<'a>(
    pg: &PgView<'a>,
    cx: &Context<'_>,
    checkpoints: &'a Checkpoints,
    window: Option<&'a Window>,
) -> Result<Option<Counted<'a, Checkpoints>>, Skip> {
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("a standby follows the checkpoints of its primary"));
    }
    let recent = window.and_then(|window| Some((window, window.checkpoints.as_ref()?)));
    let age = pg.seconds_since(checkpoints.stats_reset.or(pg.server().started_at));
    let enough = cx.limit(&MIN_CHECKPOINTS);
    Ok(counted(recent, checkpoints, age, |seen| made(seen.counters) >= enough))
}

/// Checkpoints made. Where the server counts them (18+), those that an idle server passed over are not
/// among them; earlier, every time one fell due is.
pub fn made(counters: &Checkpoints) -> f64 {
    counters.done.unwrap_or(counters.timed + counters.requested).max(0) as f64
}

/// Share of checkpoints that were asked for (by WAL volume, mostly) rather than due by time.
pub fn requested_share(counters: &Checkpoints) -> f64 {
    let all = counters.timed.max(0) + counters.requested.max(0);
    counters.requested.max(0) as f64 / (all as f64).max(1.0)
}

/// A larger `max_wal_size`: twice the present one, or what the mean WAL rate fills between two timed
/// checkpoints where that is more.
pub fn raised_max_wal_size(pg: &PgView<'_>, settings: &Settings, wal: Option<&Wal>) -> Option<Fix> {
    let present = settings.bytes("max_wal_size")? as f64;
    let timeout = settings.millis("checkpoint_timeout").unwrap_or(300_000.0) / 1000.0;
    let target = settings.number("checkpoint_completion_target").unwrap_or(0.9);
    let filled = wal.and_then(|wal| {
        let age = pg.seconds_since(wal.stats_reset.or(pg.server().started_at))?;
        (age > 0.0).then(|| wal.bytes as f64 / age * timeout * (1.0 + target))
    });
    let wanted = (present * 2.0).max(filled.unwrap_or(0.0));
    let change = [("max_wal_size", setting_change::memory(wanted))];
    Some(setting_change::change(settings, FixKind::Review, &change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pg::cache::checkpoints_requested::CHECK,
        testing::{self, ago, edit, set},
        view::Reads,
    };

    #[test]
    fn max_wal_size_doubles_or_follows_the_wal_rate() {
        let fix = |bytes| {
            let snapshot = testing::pg(|pg| {
                set(pg, "max_wal_size", "1024", Some("MB"));
                set(pg, "checkpoint_timeout", "300", Some("s"));
                let wal = Wal { bytes, stats_reset: ago(1000), ..Wal::default() };
                *edit(&mut pg.wal) = wal;
            });
            let reads = Reads::default();
            let view = PgView::of(&snapshot, &snapshot.targets[0], &reads).unwrap();
            let settings = view.settings().unwrap();
            raised_max_wal_size(&view, settings, view.wal().ok()).unwrap().statements
        };
        assert_eq!(fix(0)[0], "ALTER SYSTEM SET max_wal_size = '2GB';");
        // 10 MB/s for 300 s, times 1.9.
        assert_eq!(fix(10_485_760_000)[0], "ALTER SYSTEM SET max_wal_size = '5700MB';");
    }

    #[test]
    fn counters_without_a_reset_are_as_old_as_the_server() {
        let snapshot = testing::pg(|pg| {
            *edit(&mut pg.checkpoints) = Checkpoints { timed: 10, ..Checkpoints::default() };
        });
        let (reads, settings) = (Reads::default(), crate::Settings::default());
        let view = PgView::of(&snapshot, &snapshot.targets[0], &reads).unwrap();
        let cx = Context::new(&CHECK, &settings, "main");
        let rhythm = rhythm(&view, &cx, view.checkpoints().unwrap(), None).unwrap().unwrap();
        assert!((rhythm.seconds - 90.0 * 86_400.0).abs() < 1.0);
    }
}
