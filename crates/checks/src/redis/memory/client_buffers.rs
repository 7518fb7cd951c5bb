//! Clients whose buffers take the memory of the data.

use dbvitals_model::{Evidence, FixKind, Severity, Unit, redis::Client};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `mem_clients_normal`, per client and against all memory in use.
pub static CHECK: Check = Check {
    id: "redis-client-buffers",
    title: "Large client buffers",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["clients", "config"],
    thresholds: &[&AVERAGE, &SHARE, &MIN_TOTAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Buffers of ordinary clients that take `min_total_bytes` or more and either exceed `average_bytes` per
client or `share_ratio` of all memory in use.

## Why it matters
A client that asks for much and reads slowly makes the server hold the answer. Buffers count against
`maxmemory`: keys are evicted for them, or writes refused.

## How to fix
The clients with the largest buffers are in the evidence: page large reads (`SCAN` family, `LRANGE` by parts),
read answers as they come. Ordinary clients have no limit by default: give them one, so that a single slow
reader is cut off before it costs the data. From 7.0 on `maxmemory-clients` limits all of them together, as a share of
`maxmemory`.

## When to ignore
A few bulk readers that are meant to be fast, on a server with room.

## References
Redis documentation: Clients, Output buffer limits and Client eviction.
",
    run: Run::Redis(run),
};

static AVERAGE: Threshold = Threshold {
    key: "average_bytes",
    unit: Unit::Bytes,
    default: 204_800.0,
    strict: None,
    range: (16_384.0, 1e12),
    why: "an idle connection needs some twenty kilobytes; ten times that means unread answers",
};

static SHARE: Threshold = Threshold {
    key: "share_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.01, 1.0),
    why: "a tenth of the memory is room that data were meant to have",
};

static MIN_TOTAL: Threshold = Threshold {
    key: "min_total_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e12),
    why: "ten megabytes are no loss anywhere",
};

/// What one ordinary client may leave unread: never more than 256 MB, nor 64 MB for a minute.
const LIMIT: &str = "normal 268435456 67108864 60";

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, clients, config) = (redis.info()?, redis.clients().ok(), redis.config().ok());
    let total = facts::number(info, "mem_clients_normal")?;
    let count = facts::number(info, "connected_clients")?.max(1.0);
    let used = facts::number(info, "used_memory")?.max(1.0);
    let name = redis.name();
    let (average, share) = (total / count, total / used);
    let is_large = average > cx.limit_for(&AVERAGE, name) || share > cx.limit_for(&SHARE, name);
    if total < cx.limit_for(&MIN_TOTAL, name) || !is_large {
        return Ok(Vec::new());
    }
    let mut finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "client buffers take {} ({} of the memory in use), {} per client",
                words::bytes(total),
                words::percent(share),
                words::bytes(average)
            ),
            "Find the clients that ask for much and read slowly, page their reads, and limit what one \
             client may leave unread.",
        )
        .with(
            Evidence::new("client buffers", total, Unit::Bytes, "INFO memory, mem_clients_normal")
                .against(cx.limit_for(&MIN_TOTAL, name)),
        )
        .with(
            Evidence::new("per client", average, Unit::Bytes, "INFO memory, INFO clients")
                .against(cx.limit_for(&AVERAGE, name)),
        )
        .with(
            Evidence::new("share of used_memory", share, Unit::Ratio, "INFO memory")
                .against(cx.limit_for(&SHARE, name)),
        );
    for client in largest(clients.map_or(&[], |clients| clients.as_slice())) {
        let label = format!("client {} ({})", client.address, client.last_command);
        finding = finding.with(Evidence::new(label, size(client), Unit::Bytes, "CLIENT LIST"));
    }
    // A share of maxmemory limits nothing where there is none.
    let is_limited = info.number("maxmemory").is_some_and(|limit| limit > 0.0);
    let change = if redis.server().version.major >= 7 && is_limited {
        ("maxmemory-clients", "10%")
    } else {
        ("client-output-buffer-limit", LIMIT)
    };
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &[change])])
}

/// The three clients with the largest buffers, replicas aside.
fn largest(clients: &[Client]) -> Vec<&Client> {
    let mut ordinary: Vec<_> = clients
        .iter()
        .filter(|client| !client.flags.contains(['S', 'M']) && size(client) > 0)
        .collect();
    ordinary.sort_by_key(|client| (std::cmp::Reverse(size(client)), client.id));
    ordinary.truncate(3);
    ordinary
}

fn size(client: &Client) -> i64 {
    let buffers = client.query_buffer_bytes.saturating_add(client.output_buffer_bytes);
    client.total_memory_bytes.unwrap_or(buffers)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, fix, only, severity},
        testing::edit,
    };

    fn with(total: &str, clients: &str, used: &str, major: u32) -> Snapshot {
        let info = [
            ("maxmemory", "2000000000"),
            ("mem_clients_normal", total),
            ("connected_clients", clients),
            ("used_memory", used),
        ];
        let config = [
            ("maxmemory-clients", "0"),
            ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60"),
        ];
        built_with(&info, &config, |redis| {
            redis.server.version.major = major;
            let client = |id, bytes, flags: &str| Client {
                id,
                address: format!("10.0.0.{id}"),
                flags: flags.into(),
                last_command: "hgetall".into(),
                output_buffer_bytes: bytes,
                ..Client::default()
            };
            *edit(&mut redis.clients) =
                vec![client(1, 5, "N"), client(2, 70, "N"), client(3, 900, "S")];
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |total, clients, used| severity(&CHECK, &with(total, clients, used, 7));
        assert_eq!(of("10485759", "1", "1000000000"), None);
        assert_eq!(of("10485760", "1", "1000000000"), Some(Severity::Warning));
        assert_eq!(of("20480000", "100", "1000000000"), None, "200 kB each is the limit");
        assert_eq!(of("20480100", "100", "1000000000"), Some(Severity::Warning));
        assert_eq!(of("100000000", "9999", "1000000000"), None, "a tenth is the limit");
        assert_eq!(of("100000001", "9999", "1000000000"), Some(Severity::Warning));
    }

    #[test]
    fn names_the_largest_ordinary_clients() {
        let found = only(&CHECK, &with("50000000", "3", "1000000000", 7));
        let labels: Vec<_> = found.evidence.iter().map(|e| e.label.as_str()).collect();
        assert_eq!(labels[3..], ["client 10.0.0.2 (hgetall)", "client 10.0.0.1 (hgetall)"]);
    }

    #[test]
    fn the_fix_fits_the_version() {
        let seven = fix(&CHECK, &with("50000000", "3", "1000000000", 7));
        assert_eq!(seven.0, ["CONFIG SET maxmemory-clients 10%", "CONFIG REWRITE"]);
        assert_eq!(seven.1, ["CONFIG SET maxmemory-clients 0", "CONFIG REWRITE"]);
        let six = fix(&CHECK, &with("50000000", "3", "1000000000", 6));
        let set = "CONFIG SET client-output-buffer-limit \"normal 268435456 67108864 60\"";
        assert_eq!(six.0, [set, "CONFIG REWRITE"]);
        let unlimited = edited(with("50000000", "3", "1000000000", 7), |redis| {
            edit(&mut redis.info).fields.insert("maxmemory".into(), "0".into());
        });
        assert_eq!(fix(&CHECK, &unlimited).0[0], set, "a share of nothing limits nothing");
    }
}
