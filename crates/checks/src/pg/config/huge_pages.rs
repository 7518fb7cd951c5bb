//! A large cache in small pages.

use dbvitals_model::{Evidence, Finding, Severity, Unit};

use crate::pg::config::advice;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// A large `shared_buffers` without huge pages.
pub static CHECK: Check = Check {
    id: "pg-huge-pages",
    title: "No huge pages",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["host"],
    thresholds: &[&MIN],
    fix: None,
    explain: "\
## What it detects
`shared_buffers` is at least `min_size_bytes` and lies in small pages: `huge_pages` is off, or `try` and
the kernel has none (`huge_pages_status` from 17, or the machine itself).

## Why it matters
Every session maps the whole cache for itself: with pages of 4 kB that is 2 MB of page table per GB and
session, and the processor's cache of addresses is far too small.

## How to fix
Set `vm.nr_hugepages` to the pages the server needs (`shared_memory_size_in_huge_pages`, from 15), keep
`huge_pages = try`, and restart.

## When to ignore
Containers whose host does not offer them.

## References
PostgreSQL documentation: Managing Kernel Resources, Linux Huge Pages.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 8_589_934_592.0,
    strict: None,
    range: (0.0, 1e15),
    why: "from 8 GB the page tables of all sessions together take gigabytes; below they hardly matter",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, host) = (pg.settings()?, pg.host());
    let name = "huge_pages";
    let setting = advice::setting(settings, name)?;
    let (size, least) = (advice::bytes(settings, "shared_buffers")?, cx.limit(&MIN));
    if size < least {
        return Ok(Vec::new());
    }
    let kernel_has = host.and_then(|h| h.memory.value()).and_then(|memory| memory.huge_pages_total);
    let status = settings.text("huge_pages_status");
    let why = match (setting.value.as_str(), status, kernel_has) {
        ("off", ..) => "huge_pages is off",
        ("try", Some("off"), _) => "the kernel gave none at the start",
        ("try", None | Some("unknown"), Some(0)) => "the kernel has none",
        _ => return Ok(Vec::new()),
    };
    let needed = settings.number("shared_memory_size_in_huge_pages").filter(|pages| *pages > 0.0);
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!("shared_buffers of {} lies in small pages: {why}", words::bytes(size)),
        "Set vm.nr_hugepages to the pages the server needs, keep huge_pages = try, and restart.",
    )
    .with(Evidence::new("shared_buffers", size, Unit::Bytes, "pg_settings").against(least));
    let pages = needed.map(|pages| {
        Evidence::new("huge pages needed", pages, Unit::Count, "shared_memory_size_in_huge_pages")
    });
    Ok(vec![pages.into_iter().fold(found, Finding::with)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    fn found(value: &str, status: Option<&str>, kernel: i64, gib: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::host(|host, pg| {
                edit(&mut host.memory).huge_pages_total = Some(kernel);
                set(pg, "huge_pages", value, None);
                set(pg, "shared_buffers", &(gib * 131_072).to_string(), Some("8kB"));
                set(pg, "shared_memory_size_in_huge_pages", "4400", None);
                if let Some(status) = status {
                    set(pg, "huge_pages_status", status, None);
                }
            }),
        )
    }

    #[test]
    fn fires_where_small_pages_are_in_use() {
        assert_eq!(found("off", None, 9000, 8).len(), 1);
        assert_eq!(found("try", Some("off"), 9000, 8).len(), 1);
        assert_eq!(found("try", None, 0, 8)[0].evidence.len(), 3);
    }

    #[test]
    fn huge_pages_and_small_caches_are_silent() {
        assert!(found("off", None, 0, 7).is_empty());
        assert!(found("try", Some("on"), 0, 8).is_empty());
        assert!(found("try", None, 9000, 8).is_empty());
        assert!(found("on", None, 0, 8).is_empty());
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
