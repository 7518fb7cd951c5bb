//! Network links near their speed.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, host::NetworkUse};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    host::sampled::{self, MIN_WINDOW},
    skip::{Judged, Skip},
    view::HostView,
    words,
};

/// Traffic in the busier direction against the link's speed.
pub static CHECK: Check = Check {
    id: "host-network",
    title: "Network link near its speed",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&RATIO, &MIN_WINDOW],
    fix: None,
    explain: "\
## What it detects
Over a window of at least `min_window_seconds` an interface carried at least `max_link_ratio` of its
speed in one direction. Interfaces whose driver does not tell a speed (virtual ones, mostly) are passed
over.

## Why it matters
Results, replication and backups share the link: when it is full, standbys fall behind and clients wait
for answers the server has long had.

## How to fix
Find who sends so much: statements with large results, a base backup without a rate limit, Redis values of
megabytes. Compress, or limit the rate.

## When to ignore
While a standby is built or a backup is taken on purpose.

## References
proc(5), `/proc/net/dev`.
",
    run: Run::Host(run),
};

static RATIO: Threshold = Threshold {
    key: "max_link_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.05, 1.0),
    why: "bursts within the window are already at the limit when the mean is at 70 %",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let links = view.host().network.get().map_err(Skip::from)?;
    let longest = links.iter().map(|link| link.window_seconds).fold(0.0, f64::max);
    sampled::long_enough(longest, cx)?;
    if links.iter().all(|link| link.link_bytes_per_second.is_none()) {
        return Err(Skip::not_applicable("no interface tells its speed"));
    }
    Ok(links.iter().filter_map(|link| finding(cx, link)).collect())
}

fn finding(cx: &Context<'_>, link: &NetworkUse) -> Option<Finding> {
    let name = link.interface.as_str();
    let speed = link.link_bytes_per_second.filter(|speed| *speed > 0.0)?;
    let (received, sent) = (link.received_bytes_per_second, link.sent_bytes_per_second);
    let ratio = received.max(sent) / speed;
    let limit = cx.limit_for(&RATIO, name);
    if ratio < limit {
        return None;
    }
    let source = "/proc/net/dev, two looks";
    let direction = if received > sent { "received" } else { "sent" };
    Some(
        cx.finding(
            Severity::Warning,
            Subject::new("interface", name),
            format!(
                "{name} {direction} {} a second, {} of its link's speed",
                words::bytes(received.max(sent)),
                words::percent(ratio)
            ),
            "Find who moves so much: large results, base backups, large Redis values. Compress, or \
             limit the rate.",
        )
        .with(Evidence::new("use of the link", ratio, Unit::Ratio, source).against(limit))
        .with(Evidence::new("received", received, Unit::BytesPerSecond, source))
        .with(Evidence::new("sent", sent, Unit::BytesPerSecond, source))
        .with(Evidence::new("speed", speed, Unit::BytesPerSecond, "/sys/class/net"))
        .with(Evidence::new("window", link.window_seconds, Unit::Seconds, source)),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit};

    fn with(received: f64, sent: f64, speed: Option<f64>, window_seconds: f64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.network) = vec![NetworkUse {
                interface: "eth0".into(),
                window_seconds,
                received_bytes_per_second: received,
                sent_bytes_per_second: sent,
                link_bytes_per_second: speed,
            }];
        })
    }

    #[test]
    fn each_direction_has_the_whole_link() {
        let fires = |received, sent| {
            !testing::findings(&CHECK, &with(received, sent, Some(100.0), 5.0)).is_empty()
        };
        assert!(fires(70.0, 0.0));
        assert!(fires(0.0, 70.0));
        assert!(!fires(69.9, 69.9));
    }

    #[test]
    fn is_skipped_without_a_speed_or_a_window() {
        assert!(!testing::skipped(&CHECK, &with(1e9, 0.0, None, 5.0)).is_gap());
        assert!(!testing::skipped(&CHECK, &with(1e9, 0.0, Some(1.0), 1.0)).is_gap());
        let hidden =
            testing::host(|host, _| host.network = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
