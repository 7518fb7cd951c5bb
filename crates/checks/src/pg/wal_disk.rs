//! The disk below WAL: what is free there, and when WAL that is not removed will have filled it.

use crate::{
    context::Context,
    eta::{self, Eta, Needs, Pace},
    view::PgView,
};

/// Growth of WAL is counted in steps of one segment.
const STEP_BYTES: f64 = 16_777_216.0;

/// Free space below WAL, or below the data where WAL has no disk of its own; `None` where the machine was not seen.
pub fn free_bytes(pg: &PgView<'_>) -> Option<f64> {
    let filesystems = pg.host()?.filesystems.value()?;
    let of = |purpose: &str| filesystems.iter().find(|one| one.purpose == purpose);
    of("wal").or_else(|| of("data")).map(|one| one.available_bytes as f64)
}

/// When `left` bytes are used up by WAL that grew by so many bytes in so many seconds.
pub fn date(cx: &Context<'_>, left: f64, grown: f64, seconds: f64) -> Option<Eta> {
    let pace = Pace { grown, seconds, steps: grown / STEP_BYTES };
    eta::eta(left, pace, Needs::of(cx, 8.0))
}
