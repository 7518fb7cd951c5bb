//! What a Sentinel thinks of the servers it watches.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::RedisView,
};

/// `INFO sentinel`.
pub static CHECK: Check = Check {
    id: "redis-sentinel-unhealthy",
    title: "Sentinel sees trouble",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&MIN_SENTINELS],
    fix: None,
    explain: "\
## What it detects
On a Sentinel: a primary that it takes for down, one that has no replica, and one that fewer than `min_sentinels` Sentinels
watch.

## Why it matters
Without a replica there is nobody to promote. With two Sentinels the loss of either leaves no majority, and no failover
takes place.

## How to fix
Bring the primary back, or see in the log of the Sentinel why nobody was promoted. Run three Sentinels on three machines,
and a replica for each primary.

## When to ignore
During a planned failover.

## References
Redis documentation: High availability with Redis Sentinel.
",
    run: Run::Redis(run),
};

static MIN_SENTINELS: Threshold = Threshold {
    key: "min_sentinels",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 99.0),
    why: "of three, one may be lost and two still agree",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    if redis.server().mode != "sentinel" {
        return Err(Skip::not_applicable("this is no Sentinel"));
    }
    let is_primary = |name: &str| {
        name.strip_prefix("master").is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let watched = info.fields.iter().filter(|(name, _)| is_primary(name));
    Ok(watched.filter_map(|(_, line)| judge(cx, line)).collect())
}

/// `name=mymaster,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=3`.
fn judge(cx: &Context<'_>, line: &str) -> Option<Finding> {
    let field = |wanted: &str| {
        let pairs = line.split(',').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    };
    let number = |wanted: &str| field(wanted)?.parse::<f64>().ok();
    let (name, status) = (field("name")?, field("status")?);
    let (replicas, sentinels) = (number("slaves")?, number("sentinels")?);
    let least = cx.limit_for(&MIN_SENTINELS, name);
    let (severity, message, advice) = if status != "ok" {
        let advice =
            "Bring the primary back, and see in the log of the Sentinel why nobody was promoted.";
        (Severity::Critical, format!("{name} is {status}"), advice)
    } else if replicas < 1.0 {
        let advice = "Add a replica: Sentinel has nobody to promote.";
        (Severity::Warning, format!("{name} has no replica that could take over"), advice)
    } else if sentinels < least {
        let advice = "Run three Sentinels, on three machines.";
        let message = format!(
            "only {sentinels:.0} Sentinel(s) watch {name}: the loss of one may leave no majority"
        );
        (Severity::Warning, message, advice)
    } else {
        return None;
    };
    let source = "INFO sentinel";
    let finding = cx
        .finding(severity, Subject::new("primary", name), message, advice)
        .with(Evidence::new("status", status, Unit::Text, source))
        .with(Evidence::new("replicas", replicas, Unit::Count, source).against(1.0))
        .with(Evidence::new("sentinels", sentinels, Unit::Count, source).against(least));
    Some(match field("address") {
        Some(address) => finding.with(Evidence::new("address", address, Unit::Text, source)),
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, built_with, severity},
        testing,
    };

    fn with(line: &str) -> Snapshot {
        let info = [("master0", line), ("master_link_status", "up"), ("sentinel_masters", "1")];
        built_with(&info, &[], |redis| redis.server.mode = "sentinel".to_owned())
    }

    #[test]
    fn status_replicas_and_sentinels_count() {
        let of = |status: &str, replicas: u8, sentinels: u8| {
            let line = format!(
                "name=shop,status={status},address=10.0.0.1:6379,slaves={replicas},sentinels={sentinels}"
            );
            severity(&CHECK, &with(&line))
        };
        assert_eq!(of("ok", 1, 3), None);
        assert_eq!(of("odown", 1, 3), Some(Severity::Critical));
        assert_eq!(of("sdown", 1, 3), Some(Severity::Critical));
        assert_eq!(of("ok", 0, 3), Some(Severity::Warning));
        assert_eq!(of("ok", 1, 2), Some(Severity::Warning));
    }

    #[test]
    fn anything_else_is_no_sentinel() {
        assert!(!testing::skipped(&CHECK, &built(&[], &[])).is_gap());
        assert_eq!(severity(&CHECK, &with("garbage")), None);
    }
}
