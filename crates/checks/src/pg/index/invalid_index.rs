//! Indexes whose build failed.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Indexes that are maintained but never used, since they are not valid.
pub static CHECK: Check = Check {
    id: "pg-invalid-index",
    title: "Invalid index",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["indexes", "index_builds"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
An index that is not valid although nothing is building it: `CREATE INDEX CONCURRENTLY` or `REINDEX
CONCURRENTLY` failed or was interrupted. Left-overs of a rebuild end in `_ccnew` (the copy that failed) or
`_ccold` (the old one that was not dropped). An invalid unique index is critical: the rule it should enforce is
not guaranteed.

## Why it matters
Writes may maintain it, no query uses it, and whoever created it believes that it is there.

## How to fix
A left-over of a rebuild is dropped. Any other is rebuilt with `REINDEX INDEX CONCURRENTLY`; for a unique one
remove the duplicates first, or the rebuild fails as the build did.

## When to ignore
Never for long. While a build runs this check is silent.

## References
PostgreSQL documentation: `CREATE INDEX`, Building Indexes Concurrently; `REINDEX`.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, builds) = (db.indexes()?, db.server().index_builds()?);
    let is_building = |index: &Index| {
        builds.iter().any(|build| {
            build.database == db.name()
                && (build.index_oid == index.oid || build.relation_oid == index.table_oid)
        })
    };
    Ok(indexes
        .iter()
        .filter(|index| !index.is_valid && !is_building(index))
        // A partitioned index is invalid until every partition has its part.
        .filter(|index| index.extension.is_none())
        .map(|index| finding(db, cx, index))
        .collect())
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, index: &Index) -> Finding {
    let name = index.qualified();
    let is_left_over = is_left_over(&index.name);
    let severity =
        if index.is_unique && !is_left_over { Severity::Critical } else { Severity::Warning };
    let what = if is_left_over {
        "is left over from a rebuild that failed"
    } else if index.is_unique {
        "is invalid: no query uses it and its uniqueness is not guaranteed"
    } else {
        "is invalid: it may cost writes and no query uses it"
    };
    let advice = if is_left_over {
        "Drop it concurrently."
    } else if index.is_unique {
        "Remove duplicate rows, then rebuild it concurrently."
    } else {
        "Rebuild it concurrently, or drop it if nobody misses it."
    };
    cx.finding(severity, parts::subject(db, index), format!("index {name} {what}"), advice)
        .with(Evidence::new("indisvalid", "false", Unit::Text, "pg_index"))
        .with(Evidence::new("indisready", index.is_ready.to_string(), Unit::Text, "pg_index"))
        .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
        .fixed_by(if is_left_over { parts::drop_fix(index) } else { rebuild(index) })
}

/// `_ccnew`, `_ccold`, with a number when there were several.
fn is_left_over(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.ends_with("_ccnew") || stem.ends_with("_ccold")
}

fn rebuild(index: &Index) -> Fix {
    let name = sql::qualified(&index.schema, &index.name);
    parts::concurrent_fix(index, vec![format!("REINDEX INDEX CONCURRENTLY {name};")])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::activity::IndexBuild;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, app, edit},
    };

    fn judge(index: Index, building: bool) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| {
            *edit(&mut app(pg).indexes) = vec![index];
            if building {
                let build =
                    IndexBuild { database: "app".into(), relation_oid: 1, ..IndexBuild::default() };
                edit(&mut pg.index_builds).push(build);
            }
        });
        testing::findings(&CHECK, &snapshot)
    }

    fn invalid(name: &str) -> Index {
        Index { is_valid: false, ..fixture::index(5, name) }
    }

    #[test]
    fn an_invalid_index_is_rebuilt() {
        let found = judge(invalid("Half"), false);
        assert_eq!(found[0].severity, Severity::Warning);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["REINDEX INDEX CONCURRENTLY public.\"Half\";"]);
    }

    #[test]
    fn a_unique_one_is_critical() {
        let found = judge(Index { is_unique: true, ..invalid("u") }, false);
        assert_eq!(found[0].severity, Severity::Critical);
    }

    #[test]
    fn left_overs_are_dropped_and_not_rebuilt() {
        for name in ["orders_pkey_ccnew", "orders_idx_ccold1"] {
            let found = judge(Index { is_unique: true, ..invalid(name) }, false);
            assert_eq!(found[0].severity, Severity::Warning);
            assert!(found[0].fix.as_ref().unwrap().statements[0].starts_with("DROP INDEX"));
        }
    }

    #[test]
    fn silent_while_a_build_runs_and_for_valid_indexes() {
        assert!(judge(invalid("half"), true).is_empty());
        assert!(judge(fixture::index(5, "whole"), false).is_empty());
    }
}
