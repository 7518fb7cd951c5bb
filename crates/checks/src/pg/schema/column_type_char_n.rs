//! Columns of type char(n).

use dbvitals_model::{FixKind, Severity};

use super::columns_of_type::by_table;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Columns of type `char(n)`, which pads with blanks.
pub static CHECK: Check = Check {
    id: "pg-column-type-char-n",
    title: "Column of type char(n)",
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
Columns of type `char(n)` with n above one. The evidence covers the largest tables of the database and
index keys; small tables beyond them are not seen.

## Why it matters
Values are padded with blanks on disk, blanks at the end do not count in comparisons, and LIKE and
regular expressions see them or not depending on the cast. It is never faster than `text`.

## How to fix
Change it to `varchar(n)`, or to `text` with a CHECK on the length. The blanks disappear; the table is
rewritten under an exclusive lock.

## When to ignore
Codes that always have exactly n characters, such as country codes.

## References
PostgreSQL documentation: Data Types, Character Types.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    let groups = by_table(columns, relations, |column| {
        column.type_id == "bpchar" && column.type_name != "character(1)"
    });
    let of = "char(n): padded with blanks, compared without them";
    let advice = "Change to varchar(n) or text.";
    let found = groups.into_iter().map(|group| {
        group.better_changed((db, cx), Severity::Info, of, advice, |column| {
            varying(&column.type_name)
        })
    });
    Ok(found.collect())
}

/// The same limit without padding.
fn varying(type_name: &str) -> String {
    match type_name.strip_prefix("character(") {
        Some(rest) => format!("character varying({rest}"),
        None => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table_of};
    use crate::testing;

    #[test]
    fn lists_the_columns_of_one_table_in_one_finding() {
        let built = table_of(vec![
            column("code", "character(10)", "bpchar"),
            column("other", "text", "text"),
        ]);
        let found = testing::findings(&CHECK, &built);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key, "pg-column-type-char-n@main/table:app.public.Orders");
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER TABLE public.\"Orders\" ALTER COLUMN code TYPE character varying(10);"]
        );
    }

    #[test]
    fn partitions_dropped_columns_and_extensions_are_silent() {
        crate::pg::schema::columns_of_type::sample::silent(
            &CHECK,
            column("code", "character(10)", "bpchar"),
        );
    }

    #[test]
    fn one_character_has_nothing_to_pad() {
        assert!(
            testing::findings(&CHECK, &table_of(vec![column("kind", "character(1)", "bpchar")]))
                .is_empty()
        );
        assert_eq!(varying("bpchar"), "text");
    }
}
