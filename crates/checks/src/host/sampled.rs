//! Rates of the machine, which need a window long enough to mean something.

use dbvitals_model::{Reason, Unavailable, Unit, host::DiskUse};

use crate::{check::Threshold, context::Context, skip::Skip, view::HostView};

/// How long the machine must have been watched.
pub static MIN_WINDOW: Threshold = Threshold {
    key: "min_window_seconds",
    unit: Unit::Seconds,
    default: 5.0,
    strict: None,
    range: (0.1, 86_400.0),
    why: "kernels count in steps of ten milliseconds and work comes in bursts: over less than seconds \
          any machine can look busy",
};

/// Disks that were watched for long enough.
pub fn disks<'a>(view: &HostView<'a>, cx: &Context<'_>) -> Result<&'a [DiskUse], Skip> {
    let disks = view.host().disks.get().map_err(Skip::from)?;
    let longest = disks.iter().map(|disk| disk.window_seconds).fold(0.0, f64::max);
    long_enough(longest, cx)?;
    Ok(disks.as_slice())
}

/// Whether the window is long enough, or what to ask for.
pub fn long_enough(seconds: f64, cx: &Context<'_>) -> Result<(), Skip> {
    let wanted = cx.limit(&MIN_WINDOW);
    if seconds >= wanted {
        return Ok(());
    }
    Err(Skip(Unavailable::with_remedy(
        Reason::NotAsked,
        format!("the machine was watched for {seconds:.1} s, less than {wanted:.0} s"),
        "run with --interval 10s",
    )))
}
