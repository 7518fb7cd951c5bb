//! Values for the parameters of a statement: what was typed, else what statistics call usual.

use std::collections::BTreeMap;

use dbvitals_postgres::explain::{ColumnValues, WantedColumn};
use dbvitals_query::{Parameter, TableName};

/// As `COPY` writes it.
const NULL: &str = "\\N";

/// Rows somebody looks at, where a limit is a parameter.
const LIMIT: &str = "20";

/// The values that were typed, one for each parameter; those that are missing are NULL.
pub(super) fn typed(params: &[String], count: usize) -> Vec<Option<String>> {
    (0..count).map(|place| params.get(place).filter(|value| *value != NULL).cloned()).collect()
}

/// The columns whose values would do.
pub(super) fn wanted(parameters: &BTreeMap<i32, Parameter>) -> Vec<WantedColumn> {
    let mut columns: Vec<WantedColumn> = parameters
        .values()
        .filter_map(|parameter| match parameter {
            Parameter::Compared { table, column, .. } => Some(column_of(table, column)),
            _ => None,
        })
        .collect();
    columns.dedup();
    columns
}

fn column_of(table: &TableName, column: &str) -> WantedColumn {
    WantedColumn {
        schema: table.schema.clone(),
        table: table.name.clone(),
        column: column.to_owned(),
    }
}

/// A value for each parameter from statistics; the error names the parameters nothing is known for.
pub(super) fn usual(
    parameters: &BTreeMap<i32, Parameter>,
    known: &[ColumnValues],
) -> Result<Vec<Option<String>>, Vec<i32>> {
    let last = parameters.keys().next_back().copied().unwrap_or_default();
    let mut values = Vec::new();
    let mut missing = Vec::new();
    for number in 1..=last {
        let value = match parameters.get(&number) {
            Some(Parameter::Compared { table, column, operator }) => known
                .iter()
                .find(|values| values.table == table.name && values.column == *column)
                .and_then(|values| of_column(values, operator))
                .map(Some),
            Some(Parameter::Limit) => Some(Some(LIMIT.to_owned())),
            Some(Parameter::Offset) => Some(Some("0".to_owned())),
            Some(Parameter::Stored) | None => Some(None),
            Some(Parameter::Other) => None,
        };
        match value {
            Some(value) => values.push(value),
            None => missing.push(number),
        }
    }
    if missing.is_empty() { Ok(values) } else { Err(missing) }
}

/// The value most rows have, or the middle one; bounds leave a tenth of the rows.
fn of_column(values: &ColumnValues, operator: &str) -> Option<String> {
    let tenth = |place: usize| values.tenths.get(place).cloned();
    let value = match operator {
        ">" | ">=" => tenth(9).or_else(|| values.common.clone()),
        "<" | "<=" => tenth(10).or_else(|| values.common.clone()),
        _ => values.common.clone().or_else(|| tenth(5)),
    }?;
    Some(match operator {
        "= any" => array(&[Some(value), values.rare.clone()]),
        "like" => format!("{}%", value.chars().take(3).collect::<String>()),
        _ => value,
    })
}

/// An array as the server reads it.
fn array(values: &[Option<String>]) -> String {
    let quoted =
        |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let values: Vec<String> = values.iter().flatten().map(quoted).collect();
    format!("{{{}}}", values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(operator: &str) -> Parameter {
        let table = TableName { schema: None, name: "t".into() };
        Parameter::Compared { table, column: "c".into(), operator: operator.into() }
    }

    fn known() -> ColumnValues {
        ColumnValues {
            table: "t".into(),
            column: "c".into(),
            common: Some("usual".into()),
            common_share: Some(0.9),
            rare: Some("odd \"one\"".into()),
            tenths: (0..=10).map(|n| format!("{n}")).collect(),
        }
    }

    #[test]
    fn values_suit_what_they_are_compared_by() {
        for (operator, wanted) in [
            ("=", "usual"),
            ("in", "usual"),
            (">", "9"),
            ("<=", "10"),
            ("= any", "{\"usual\",\"odd \\\"one\\\"\"}"),
            ("like", "usu%"),
        ] {
            let found = usual(&[(1, compared(operator))].into(), &[known()]);
            assert_eq!(found, Ok(vec![Some(wanted.to_owned())]), "{operator}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let parameters = [(1, compared("=")), (2, Parameter::Other), (4, Parameter::Limit)].into();
        assert_eq!(usual(&parameters, &[]), Err(vec![1, 2]));
        let parameters = [(2, Parameter::Stored), (3, Parameter::Offset)].into();
        assert_eq!(usual(&parameters, &[]), Ok(vec![None, None, Some("0".into())]));
    }

    #[test]
    fn typed_values_may_be_null() {
        assert_eq!(typed(&["a".into(), "\\N".into()], 3), [Some("a".into()), None, None]);
    }
}
