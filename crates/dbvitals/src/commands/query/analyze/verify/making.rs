//! Makes in the scratch database what a statement needs, and finds the values its tables may hold.

use dbvitals_postgres::{
    Error,
    scratch::{Described, Scratch},
};
use dbvitals_query::verify::{self, Pools, Table, TableColumn};

use super::copy::Copied;

/// The first number that rows are given, far from those in the data.
const FIRST: u32 = 10_000;

/// Makes everything anew. The error names what cannot be made.
pub(super) async fn make(scratch: &mut Scratch, copied: &Copied) -> Result<(), String> {
    let failed = |error: Error| format!("the scratch database cannot be emptied: {error}");
    scratch.run(&[verify::CLEAR.to_owned()]).await.map_err(failed)?;
    let parts: Vec<(&str, bool)> =
        copied.definitions.iter().map(|it| (it.sql.as_str(), it.is_needed)).collect();
    scratch.make(&parts).await.map_err(|unmade| {
        let what = unmade.place.and_then(|place| copied.definitions.get(place));
        let what = what.map_or("what the statement needs", |it| it.what.as_str());
        let advice = if what.starts_with("the extension") {
            "; install it there, or name a server that has it with --scratch"
        } else {
            ""
        };
        format!("{what} cannot be made on the scratch server: {}{advice}", unmade.error)
    })
}

/// Values for each column and parameter. The error names what has none.
pub(super) async fn pools(
    scratch: &mut Scratch,
    copied: &Copied,
    described: &Described,
) -> Result<Pools, String> {
    let mut pools = Pools::new();
    for (place, type_name) in described.parameters.iter().enumerate() {
        add(scratch, copied, type_name, &mut pools).await?;
        if is_without(&pools, type_name) {
            let what = format!("the parameter ${}", place + 1);
            return Err(without(&what, type_name));
        }
    }
    for table in &copied.tables {
        for column in table.columns.iter().filter(|column| column.generated.is_none()) {
            add(scratch, copied, &column.type_name, &mut pools).await?;
            if is_without(&pools, &column.type_name) {
                let what = format!("column {} of {}", column.name, table.name);
                return Err(without(&what, &column.type_name));
            }
            if !column.checks.is_empty() {
                let values = passing(scratch, copied, table, column, &pools).await?;
                pools.insert(table.pool(column), values);
            }
        }
    }
    Ok(pools)
}

fn is_without(pools: &Pools, type_name: &str) -> bool {
    pools.get(type_name).is_none_or(Vec::is_empty)
}

fn without(what: &str, type_name: &str) -> String {
    format!(
        "{what} has the type {type_name}, of which none of the values tried is one: compare both by hand"
    )
}

/// Adds the values of a type, after those of the types it is put together from.
async fn add(
    scratch: &mut Scratch,
    copied: &Copied,
    type_name: &str,
    pools: &mut Pools,
) -> Result<(), String> {
    for of in verify::in_order(type_name, &copied.kinds) {
        if pools.contains_key(&of) {
            continue;
        }
        let texts = verify::candidates(&of, &copied.constants, &copied.kinds, pools);
        let values = scratch.accepted(&of, texts).await.map_err(|error| refused(&error))?;
        pools.insert(of, values);
    }
    Ok(())
}

/// The values of a column that its own conditions let pass.
async fn passing(
    scratch: &mut Scratch,
    copied: &Copied,
    table: &Table,
    column: &TableColumn,
    pools: &Pools,
) -> Result<Vec<String>, String> {
    let mut texts = pools.get(&column.type_name).cloned().unwrap_or_default();
    texts.extend(copied.constants.iter().cloned().chain(verify::shapes()));
    let mut seen = std::collections::BTreeSet::new();
    texts.retain(|it| seen.insert(it.clone()));
    let name = verify::quoted(&column.name);
    let values = scratch.passing(&name, &column.type_name, &column.checks, texts).await;
    let values = values.map_err(|error| refused(&error))?;
    if values.is_empty() {
        return Err(format!(
            "no value of those tried passes the check of column {} of {} ({}): compare both by hand",
            column.name,
            table.name,
            column.checks.join("; ")
        ));
    }
    Ok(values)
}

fn refused(error: &Error) -> String {
    format!("the data cannot be made: {error}")
}

/// What has columns that are numbered begin from the same number each time.
pub(super) fn resets(tables: &[Table]) -> Vec<String> {
    let reset = |table: &Table, column: &TableColumn| {
        format!(
            "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, {}), {FIRST}, false)",
            verify::text(&table.identifier()),
            verify::text(&column.name)
        )
    };
    let mut all = Vec::new();
    for table in tables {
        let numbered = table.columns.iter().filter(|column| column.identity.is_some());
        all.extend(numbered.map(|column| reset(table, column)));
    }
    all
}
