//! One name, joined, two types.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use super::columns_of_type::{SOURCE, by_table};
use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};
use dbvitals_model::pg::schema::Column;
use std::collections::BTreeMap;

/// Columns of one name that statements compare although their types differ in kind.
pub static CHECK: Check = Check {
    id: "pg-mixed-type-column",
    title: "Mixed types of one column",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["columns", "relations", "statements"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Columns of the same name in two tables whose types are of different kinds (integers, `numeric`, floating
point, text, `uuid`), and that one of the leading statements compares with each other. `integer` and
`bigint`, `text` and `varchar` are one kind. The evidence covers the columns of the largest tables and
the texts of the leading statements.

## Why it matters
Each comparison converts one side, so that its index cannot be used and the planner's statistics do not
fit; with text, values that look alike may not be equal.

## How to fix
Change the type of the column that is easier to change; until then write the cast on the side whose
index is not needed.

## When to ignore
Columns that only share their name.

## References
PostgreSQL documentation: Type Conversion, Operators.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (columns, relations) = (db.columns()?, db.relations()?);
    let statements = db.server().statements()?;
    not_twice(db)?;
    let texts: Vec<String> = statements
        .leaders
        .iter()
        .filter(|statement| statement.database.as_deref() == Some(db.name()))
        .filter_map(|statement| Some(statement.text.as_deref()?.to_lowercase()))
        .collect();
    let mut by_name: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for group in by_table(columns, relations, |column| kind(&column.type_id).is_some()) {
        for column in group.columns {
            by_name.entry(&column.name).or_default().push(column);
        }
    }
    let mut found = Vec::new();
    for (name, columns) in by_name {
        let compared: Vec<&String> = texts.iter().filter(|text| compares(text, name)).collect();
        if compared.is_empty()
            || columns.iter().all(|c| kind(&c.type_id) == kind(&columns[0].type_id))
        {
            continue;
        }
        let joined = compared.into_iter().find_map(|text| {
            let named: Vec<&Column> = columns
                .iter()
                .copied()
                .filter(|c| words_of(text).any(|word| word == c.table.to_lowercase()))
                .collect();
            let first = *named.first()?;
            let other = named.iter().find(|c| kind(&c.type_id) != kind(&first.type_id))?;
            Some((first, *other, text))
        });
        if let Some((one, other, text)) = joined {
            found.push(finding(db, cx, one, other, text));
        }
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    one: &Column,
    other: &Column,
    text: &str,
) -> Finding {
    let at = |column: &Column| {
        format!("{}.{}.{} {}", column.schema, column.table, column.name, column.type_name)
    };
    let table = format!("{}.{}", one.schema, one.table);
    let subject = Subject::within("column", db.name(), format!("{table}.{}", one.name));
    cx.finding(
        Severity::Warning,
        subject.of_table(table),
        format!("{} is compared with {}: one side is converted each time", at(one), at(other)),
        "Change the type of the column that is easier to change.",
    )
    .with(Evidence::new(
        "types",
        format!("{}, {}", one.type_name, other.type_name),
        Unit::Text,
        SOURCE,
    ))
    .with(Evidence::new(
        "statement",
        words::shorten(text, 200),
        Unit::Text,
        "pg_stat_statements",
    ))
}

/// Types between which a comparison needs no conversion that an index minds.
fn kind(type_id: &str) -> Option<&'static str> {
    match type_id {
        "int2" | "int4" | "int8" => Some("integer"),
        "float4" | "float8" => Some("float"),
        "text" | "varchar" | "bpchar" => Some("text"),
        "numeric" => Some("numeric"),
        "uuid" => Some("uuid"),
        _ => None,
    }
}

/// Whether a statement compares `x.name` with `y.name`, casts aside.
fn compares(text: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    text.split('=').zip(text.split('=').skip(1)).any(|(left, right)| {
        let left = left.rsplit([' ', '(', ')', '\n']).find(|word| !word.is_empty());
        let right = right.split([' ', '(', ')', '\n', ';']).find(|word| !word.is_empty());
        [left, right].into_iter().all(|side| {
            let side = side.map(|side| side.split("::").next().unwrap_or(side));
            side.and_then(|side| side.split_once('.'))
                .is_some_and(|(_, column)| column.trim_matches('"') == name)
        })
    })
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::pg::schema::columns_of_type::sample::{column, table};
    use crate::testing::{self, app, edit};
    use dbvitals_model::pg::{relation::Relation, statement::Statement};

    fn found(other_type: &str, text: &str) -> Vec<Finding> {
        let orders = Column { table: "orders".into(), ..column("customer_id", "integer", "int4") };
        let customers = Column {
            table_oid: 2,
            table: "customers".into(),
            ..column("customer_id", other_type, other_type)
        };
        let statement = Statement {
            database: Some("app".into()),
            text: Some(text.into()),
            ..Statement::default()
        };
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                edit(&mut pg.statements).leaders = vec![statement];
                let db = app(pg);
                *edit(&mut db.columns) = vec![orders, customers];
                *edit(&mut db.relations) = vec![
                    Relation { name: "orders".into(), ..table() },
                    Relation { oid: 2, name: "customers".into(), ..table() },
                ];
            }),
        )
    }

    const JOIN: &str = "SELECT * FROM orders o JOIN customers c ON (o.customer_id = c.\"customer_id\"::int) WHERE o.id = $1";

    #[test]
    fn fires_for_kinds_that_are_compared() {
        let one = found("numeric", JOIN).remove(0);
        assert!(one.message.contains("public.customers.customer_id numeric"), "{}", one.message);
    }

    #[test]
    fn one_kind_and_columns_nobody_joins_are_silent() {
        assert!(found("int8", JOIN).is_empty());
        assert!(
            found("numeric", "SELECT * FROM orders o, customers c WHERE o.customer_id = $1")
                .is_empty()
        );
        assert!(
            found("numeric", "SELECT * FROM a JOIN b ON a.customer_id = b.customer_id").is_empty()
        );
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.statements = Section::default()));
    }
}
