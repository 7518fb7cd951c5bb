//! Columns of type money.

use dbvitals_model::{FixKind, Severity};

use super::columns_of_type::by_table;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Columns of type `money`, whose meaning depends on a setting.
pub static CHECK: Check = Check {
    id: "pg-column-type-money",
    title: "Column of type money",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["columns", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Columns of type `money`. The evidence covers the largest tables of the database and index keys; small
tables beyond them are not seen.

## Why it matters
The currency and the number of decimals are those of `lc_monetary` at the time of reading: after a
restore elsewhere 10 EUR may read as 10 USD. Results of division are rounded to whole cents.

## How to fix
Change it to `numeric(19,4)` with the currency in a column of its own. The table is rewritten under an
exclusive lock: plan the time.

## When to ignore
A database with one currency that never moves.

## References
PostgreSQL documentation: Data Types, Monetary Types.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    let groups = by_table(columns, relations, |column| column.type_id == "money");
    let of = "money: its currency changes with lc_monetary";
    let advice = "Change to numeric and keep the currency in a column of its own.";
    let found = groups.into_iter().map(|group| {
        group.better_changed((db, cx), Severity::Warning, of, advice, |column| {
            format!("numeric(19,4) USING {}::numeric(19,4)", sql::ident(&column.name))
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
        let built =
            table_of(vec![column("price", "money", "money"), column("other", "text", "text")]);
        let found = testing::findings(&CHECK, &built);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key, "pg-column-type-money@main/table:app.public.Orders");
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            [
                "ALTER TABLE public.\"Orders\" ALTER COLUMN price TYPE numeric(19,4) USING price::numeric(19,4);"
            ]
        );
    }

    #[test]
    fn partitions_dropped_columns_and_extensions_are_silent() {
        crate::pg::schema::columns_of_type::sample::silent(
            &CHECK,
            column("price", "money", "money"),
        );
    }
}
