//! Names that must be quoted everywhere.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::columns_of_type::{SOURCE, by_table};
use crate::pg::{
    config::advice::{listed, many},
    table::ordinary::{is_users, not_twice},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Names with capitals, blanks or reserved words.
pub static CHECK: Check = Check {
    id: "pg-name-needs-quoting",
    title: "Name needs quoting",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations", "columns"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Tables and columns whose names only work in double quotes: capitals, blanks, other signs, reserved
words. One finding per database; the evidence covers the columns of the largest tables.

## Why it matters
Whoever forgets the quotes gets \"does not exist\", in every statement, script and tool, for ever.

## How to fix
Rename them in lower case with underscores, `ALTER TABLE … RENAME`, together with the program that uses
them.

## When to ignore
Schemas that a framework writes and only it reads.

## References
PostgreSQL documentation: Lexical Structure, Identifiers and Key Words.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, columns) = (db.relations()?, db.columns()?);
    not_twice(db)?;
    let needs_quotes = |name: &str| sql::ident(name) != name;
    let mut names: Vec<String> = relations
        .iter()
        .filter(|r| matches!(r.kind.as_str(), "r" | "m" | "p") && is_users(r) && !r.is_partition)
        .filter(|relation| needs_quotes(&relation.name) || needs_quotes(&relation.schema))
        .map(|relation| sql::qualified(&relation.schema, &relation.name))
        .collect();
    let tables = names.len();
    for group in by_table(columns, relations, |column| needs_quotes(&column.name)) {
        let name = group.table();
        names.extend(group.columns.iter().map(|c| format!("{name}.{}", sql::ident(&c.name))));
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("database", db.name()),
            format!(
                "database {} has {} in need of quotes: {}",
                db.name(),
                many(names.len(), "name"),
                listed(&names, 5)
            ),
            "Use lower case, digits and underscores in new names.",
        )
        .with(Evidence::new("tables", tables as f64, Unit::Count, "pg_class"))
        .with(Evidence::new("columns", (names.len() - tables) as f64, Unit::Count, SOURCE));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table};
    use crate::testing::{self, edit};
    use dbvitals_model::pg::relation::Relation;

    fn found(table_name: &str, column_name: &str) -> Vec<Finding> {
        let named = Relation { name: table_name.into(), ..table() };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.relations) = vec![named];
                *edit(&mut db.columns) = vec![column(column_name, "text", "text")];
            }),
        )
    }

    #[test]
    fn lists_names_in_one_finding() {
        assert!(found("orders", "paid_at2").is_empty());
        let both = found("Orders", "order").remove(0);
        assert_eq!(
            both.message,
            "database app has 2 names in need of quotes: public.\"Orders\", public.Orders.\"order\""
        );
        assert_eq!(found("orders", "paid at").len(), 1);
    }

    #[test]
    fn is_skipped_without_columns() {
        testing::skipped(&CHECK, &testing::database(|db| db.columns = Section::default()));
    }
}
