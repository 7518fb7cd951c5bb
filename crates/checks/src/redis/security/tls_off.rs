//! Traffic that can be read on the way.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        facts,
        reach::{Reach, reach},
    },
    skip::Judged,
    view::RedisView,
};

/// No TLS port on a server that other machines reach.
pub static CHECK: Check = Check {
    id: "redis-tls-off",
    title: "No TLS",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
The server listens for other machines and has no TLS port.

## Why it matters
Passwords, keys and values cross the network readable, and can be changed on the way.

## How to fix
`tls-port`, `tls-cert-file`, `tls-key-file` and `tls-ca-cert-file` in redis.conf, `tls-replication yes` for replicas; when all
clients have moved, `port 0`. A tunnel or a service mesh does the same.

## When to ignore
Networks that encrypt by themselves. Encryption costs some throughput.

## References
Redis documentation: TLS.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let config = redis.config()?;
    let from = reach(redis.server(), Some(config));
    // Builds without TLS have no such setting.
    let tls_port = config.int("tls-port").unwrap_or(0);
    let port = facts::setting_number(config, "port")?;
    if tls_port > 0 || redis.server().tls || from != Reach::Network {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Info,
            facts::server(redis),
            "other machines connect without encryption: there is no TLS port",
            "Configure a TLS port with a certificate, move the clients, then close the plain port.",
        )
        .with(Evidence::new("tls-port", tls_port, Unit::Count, "CONFIG GET"))
        .with(Evidence::new("port", port, Unit::Count, "CONFIG GET"))
        .with(Evidence::new("bind", config.text("bind").unwrap_or(""), Unit::Text, "CONFIG GET"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, built_with, severity};

    #[test]
    fn matters_off_loopback_only() {
        let of = |bind, tls| {
            let config = [("bind", bind), ("port", "6379"), ("tls-port", tls)];
            severity(&CHECK, &built(&[], &config))
        };
        assert_eq!(of("*", "0"), Some(Severity::Info));
        assert_eq!(of("*", "6380"), None);
        assert_eq!(of("127.0.0.1", "0"), None);
    }

    #[test]
    fn a_proxy_may_encrypt_for_it() {
        let config = [("bind", "*"), ("port", "6379"), ("tls-port", "0")];
        let ours = built_with(&[], &config, |redis| redis.server.tls = true);
        assert_eq!(severity(&CHECK, &ours), None);
    }
}
