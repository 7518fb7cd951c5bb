//! What a failover to one standby needs, point by point.

use dbvitals_model::{
    cluster::FailoverPoint,
    pg::{counters::Archiver, instance::Settings, replication::Replica},
};

use super::{parity, slot};
use crate::{skip::Skip, view::PgView, words};

/// The points for a standby of this primary; `standby` is the same server as a target.
pub fn points(
    primary: &PgView<'_>,
    replica: &Replica,
    standby: Option<&PgView<'_>>,
    max_lag_bytes: f64,
) -> Result<Vec<FailoverPoint>, Skip> {
    let own = primary.settings()?;
    let theirs = standby.and_then(|target| target.settings().ok());
    Ok(vec![
        streaming(replica),
        lag(replica, max_lag_bytes),
        kept_wal(primary, replica, own),
        timeline(primary, standby),
        same_settings(own, theirs),
        wal_level(own),
        hot_standby(theirs.unwrap_or(own)),
        archived(own, primary.archiver().ok()),
    ])
}

/// `yes`, `no: the archiver fails`, `unknown: the standby is not a target`.
pub fn said(point: &FailoverPoint) -> String {
    let verdict = match point.met {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    if point.note.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", point.note) }
}

fn point(label: &str, met: Option<bool>, note: impl Into<String>, source: &str) -> FailoverPoint {
    let (label, source) = (label.to_owned(), source.to_owned());
    FailoverPoint { label, met, note: note.into(), source, vital: false }
}

fn vital(point: FailoverPoint) -> FailoverPoint {
    FailoverPoint { vital: true, ..point }
}

fn streaming(replica: &Replica) -> FailoverPoint {
    let state = replica.state.as_deref();
    let met = state.map(|state| state == "streaming");
    let note = state.unwrap_or_default();
    vital(point("standby streaming", met, note, "pg_stat_replication"))
}

fn lag(replica: &Replica, limit: f64) -> FailoverPoint {
    let bytes = replica.replay_lag_bytes.map(|bytes| bytes as f64);
    let met = bytes.map(|bytes| bytes <= limit);
    let note = bytes.map(words::bytes).unwrap_or_default();
    vital(point("small lag", met, note, "pg_stat_replication"))
}

fn kept_wal(primary: &PgView<'_>, replica: &Replica, settings: &Settings) -> FailoverPoint {
    let keeps = settings.number("wal_keep_size").unwrap_or(0.0) > 0.0;
    let named = replica.slot_name.as_deref();
    let is_lost = primary
        .slots()
        .ok()
        .into_iter()
        .flatten()
        .any(|known| named == Some(known.name.as_str()) && slot::is_lost(known));
    let (met, note) = match named {
        Some(slot) if is_lost => (false, format!("slot {slot} is lost")),
        Some(slot) => (true, format!("slot {slot}")),
        None if keeps => (true, "wal_keep_size".to_owned()),
        None => (false, "neither a slot nor wal_keep_size".to_owned()),
    };
    point("WAL kept for it", Some(met), note, "pg_replication_slots, pg_settings")
}

fn timeline(primary: &PgView<'_>, standby: Option<&PgView<'_>>) -> FailoverPoint {
    let ours = primary.server().timeline;
    let theirs = standby.and_then(|target| target.recovery().ok()?.timeline);
    let met = ours.zip(theirs).map(|(ours, theirs)| ours == theirs);
    let note = match (ours, theirs, standby) {
        (Some(ours), Some(theirs), _) if ours == theirs => ours.to_string(),
        (Some(ours), Some(theirs), _) => format!("{theirs}, the primary's is {ours}"),
        (_, _, None) => "the standby is not a target".to_owned(),
        _ => String::new(),
    };
    vital(point("same timeline", met, note, "pg_stat_wal_receiver, pg_walfile_name"))
}

fn same_settings(own: &Settings, theirs: Option<&Settings>) -> FailoverPoint {
    let lower = theirs.map(|theirs| parity::too_low(own, theirs));
    let note = match &lower {
        Some(lower) => {
            let names: Vec<_> = lower.iter().map(|difference| difference.name).collect();
            names.join(", ")
        }
        None => "the standby is not a target".to_owned(),
    };
    let met = lower.map(|lower| lower.is_empty());
    vital(point("settings high enough", met, note, "pg_settings of both"))
}

fn wal_level(settings: &Settings) -> FailoverPoint {
    let level = settings.text("wal_level");
    let met = level.map(|level| level != "minimal");
    vital(point("wal_level", met, level.unwrap_or_default(), "pg_settings"))
}

fn hot_standby(settings: &Settings) -> FailoverPoint {
    let value = settings.text("hot_standby").unwrap_or_default();
    point("hot_standby", settings.is_on("hot_standby"), value, "pg_settings")
}

fn archived(settings: &Settings, archiver: Option<&Archiver>) -> FailoverPoint {
    let mode = settings.text("archive_mode");
    let fails = archiver.is_some_and(|archiver| {
        archiver
            .last_failed_at
            .is_some_and(|failed| archiver.last_archived_at.is_none_or(|worked| failed > worked))
    });
    let met = mode.map(|mode| mode != "off" && !fails);
    let note = if fails { "the archiver fails" } else { mode.unwrap_or_default() };
    point("WAL archived", met, note, "pg_settings, pg_stat_archiver")
}
