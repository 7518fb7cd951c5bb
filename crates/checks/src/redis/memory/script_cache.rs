//! More cached scripts than anybody can have written.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `number_of_cached_scripts`.
pub static CHECK: Check = Check {
    id: "redis-script-cache",
    title: "Script cache grows",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&SCRIPTS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
More than `scripts_count` scripts in the cache of `EVAL`.

## Why it matters
The cache keeps every text it ever saw (before 7.4) and does not count as data. Thousands of scripts mean
that an application writes values into the script's text instead of passing them, so each call is a new
script to compile and keep.

## How to fix
Pass values as `KEYS` and `ARGV`, so that the text stays the same. Then empty the cache; clients that use
`EVALSHA` load their scripts again when told `NOSCRIPT`.

## When to ignore
Never seen with a reason.

## References
Redis documentation: Scripting with Lua, Script cache.
",
    run: Run::Redis(run),
};

static SCRIPTS: Threshold = Threshold {
    key: "scripts_count",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "applications have tens of scripts; a thousand are generated ones",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let scripts = facts::number(info, "number_of_cached_scripts")?;
    let limit = cx.limit_for(&SCRIPTS, redis.name());
    if scripts <= limit {
        return Ok(Vec::new());
    }
    let memory = ["used_memory_vm_eval", "used_memory_lua"].iter().find_map(|f| info.number(f));
    let holding = memory.map(|m| format!(", holding {}", words::bytes(m))).unwrap_or_default();
    let mut finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!("{} scripts are cached{holding}", words::count(scripts)),
            "Pass values to scripts as KEYS and ARGV instead of writing them into the text. Then \
             empty the cache.",
        )
        .with(Evidence::new("cached scripts", scripts, Unit::Count, "INFO memory").against(limit));
    if let Some(memory) = memory {
        finding = finding.with(Evidence::new("Lua memory", memory, Unit::Bytes, "INFO memory"));
    }
    let version = redis.server().version;
    let can_be_async = (version.major, version.minor) >= (6, 2);
    let flush = if can_be_async { "SCRIPT FLUSH ASYNC" } else { "SCRIPT FLUSH" };
    let fix = Fix::new(FixKind::Review, [flush.to_owned()]).locking(
        "none",
        "EVALSHA of clients that do not load their script again when told NOSCRIPT",
    );
    Ok(vec![finding.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::ServerVersion;

    use super::*;
    use crate::redis::fixture::{built_with, fix, severity};

    #[test]
    fn the_threshold_has_two_sides() {
        let of = |scripts| {
            severity(&CHECK, &built_with(&[("number_of_cached_scripts", scripts)], &[], |_| {}))
        };
        assert_eq!(of("1000"), None);
        assert_eq!(of("1001"), Some(Severity::Warning));
    }

    #[test]
    fn the_fix_fits_the_version() {
        let of = |version| {
            let info = [("number_of_cached_scripts", "5000"), ("used_memory_lua", "900")];
            fix(&CHECK, &built_with(&info, &[], |redis| redis.server.version = version)).0
        };
        assert_eq!(of(ServerVersion::new(6, 0, 16)), ["SCRIPT FLUSH"]);
        assert_eq!(of(ServerVersion::new(7, 0, 15)), ["SCRIPT FLUSH ASYNC"]);
    }
}
