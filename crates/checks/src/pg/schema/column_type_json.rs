//! Columns of type json.

use dbvitals_model::{FixKind, Severity};

use super::columns_of_type::by_table;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Columns of type `json`, which keeps text.
pub static CHECK: Check = Check {
    id: "pg-column-type-json",
    title: "Column of type json",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["columns", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Columns of type `json`. The evidence covers the largest tables of the database and index keys; small
tables beyond them are not seen.

## Why it matters
`json` keeps the text as it came and parses it at every use; it has no equality, so DISTINCT, GROUP BY
and UNION fail on it, and no GIN index.

## How to fix
Change it to `jsonb`. The table is rewritten under an exclusive lock: plan the time.

## When to ignore
Documents that must come back exactly as written: order of keys, white space, repeated keys, a signature
over the text.

## References
PostgreSQL documentation: Data Types, JSON Types.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    let groups = by_table(columns, relations, |column| column.type_id == "json");
    let of = "json: parsed at every use, without equality or index";
    let advice = "Change to jsonb, unless the exact text must be kept.";
    let found = groups.into_iter().map(|group| {
        group.better_changed((db, cx), Severity::Info, of, advice, |column| {
            format!("jsonb USING {}::jsonb", sql::ident(&column.name))
        })
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table_of};
    use crate::testing;

    #[test]
    fn lists_the_columns_of_one_table_in_one_finding() {
        let built = table_of(vec![
            column("body", "json", "json"),
            column("user", "json", "json"),
            column("other", "text", "text"),
        ]);
        let found = testing::findings(&CHECK, &built);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key, "pg-column-type-json@main/table:app.public.Orders");
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            [
                "ALTER TABLE public.\"Orders\" ALTER COLUMN body TYPE jsonb USING body::jsonb, ALTER COLUMN \"user\" TYPE jsonb USING \"user\"::jsonb;"
            ]
        );
    }

    #[test]
    fn partitions_dropped_columns_and_extensions_are_silent() {
        crate::pg::schema::columns_of_type::sample::silent(&CHECK, column("body", "json", "json"));
    }
}
