//! The tables a statement reads and writes, with what holds for their rows.

use std::collections::BTreeSet;

use dbvitals_query::{
    Statement,
    verify::{self, Definition, ForeignKey, Table, TableColumn},
};

use super::super::source::{Column, Constraint, Relation, Source};

/// Functions whose value is another each time and that do nothing else.
const HARMLESS: &[&str] = &["gen_random_uuid", "random", "clock_timestamp", "uuidv4", "uuidv7"];

/// Tables, and what is made after them.
#[derive(Debug, Default)]
pub(in super::super) struct Tables {
    pub(super) made: Vec<Table>,
    pub(super) indexes: Vec<Definition>,
}

impl Tables {
    /// Where a type is met: ` of column a of t`, or nothing.
    pub(super) fn column_of(&self, type_name: &str) -> String {
        for table in &self.made {
            if let Some(column) = table.columns.iter().find(|it| it.type_name == type_name) {
                return format!(" of column {} of {}", column.name, table.name);
            }
        }
        String::new()
    }
}

/// All tables. A table with parts is made as one that holds the rows of all, unless the statement names a part, too.
pub(super) fn tables(
    source: &Source,
    named: Option<&BTreeSet<String>>,
    inserts: bool,
    major: u32,
) -> Result<Tables, String> {
    let relations: Vec<&Relation> = source.relations.iter().filter(|it| it.kind != "v").collect();
    let mut all = Tables::default();
    for relation in &relations {
        let part = Part { source, relation, named: named.filter(|it| are_columns(source, it)) };
        let columns = part.columns(inserts, major);
        if columns.is_empty() {
            return Err(format!("the table {} has no column that can be filled", relation.name));
        }
        let mut table = Table {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            is_choosy: columns.iter().any(|column| column.generated.is_some()),
            columns,
            ..Table::default()
        };
        let parents = relations.iter().filter(|it| relation.parents.contains(&it.oid));
        table.parents = parents
            .map(|it| format!("{}.{}", verify::quoted(&it.schema), verify::quoted(&it.name)))
            .collect();
        // Nothing that is declared of a foreign table is sure to hold.
        if relation.kind != "f" {
            part.constrain(&mut table, &relations);
            part.index(&mut table, &mut all.indexes);
        }
        all.made.push(table);
    }
    Ok(all)
}

/// Whether all names are those of columns: another may be that of a table, which stands for whole rows.
fn are_columns(source: &Source, names: &BTreeSet<String>) -> bool {
    names.iter().all(|name| source.columns.iter().any(|column| column.name == *name))
}

/// One table with what is known of it.
struct Part<'s> {
    source: &'s Source,
    relation: &'s Relation,
    /// The columns the statement reads, where that is known.
    named: Option<&'s BTreeSet<String>>,
}

impl<'s> Part<'s> {
    fn constraints(&self) -> impl Iterator<Item = &'s Constraint> + use<'s> {
        let oid = self.relation.oid;
        self.source.constraints.iter().filter(move |it| it.table_oid == oid)
    }

    fn columns(&self, inserts: bool, major: u32) -> Vec<TableColumn> {
        let own = self.source.columns.iter().filter(|it| it.table_oid == self.relation.oid);
        own.filter(|column| !self.is_idle(column))
            .map(|column| self.column(column, inserts, major))
            .collect()
    }

    /// Whether a column of a type that is not plain can be left out: nothing reads it, and nothing rests on it.
    fn is_idle(&self, column: &Column) -> bool {
        let is_plain = self.source.kinds.iter().any(|kind| {
            kind.oid == column.type_oid
                && kind.kind == "b"
                && !kind.is_own
                && kind.extension.is_none()
        });
        let is_named = self.named.is_none_or(|names| names.contains(&column.name));
        let oid = self.relation.oid;
        let is_text_of = |text: &str| text.contains(&column.name);
        !is_plain
            && !is_named
            && !self.constraints().any(|it| it.columns.contains(&column.name))
            && !self
                .source
                .indexes
                .iter()
                .any(|it| it.table_oid == oid && is_text_of(&it.definition))
            && !self.source.columns.iter().any(|it| {
                it.table_oid == oid
                    && !it.generated.is_empty()
                    && it.value.as_deref().is_some_and(is_text_of)
            })
            && !self
                .source
                .constraints
                .iter()
                .any(|it| it.referenced_oid == Some(oid) && it.referenced.contains(&column.name))
    }

    fn column(&self, column: &Column, inserts: bool, major: u32) -> TableColumn {
        let value = column.value.as_deref();
        let generated = match (column.generated.as_str(), value) {
            ("v", Some(text)) if major >= 18 => Some(format!("({text}) VIRTUAL")),
            ("s" | "v", Some(text)) => Some(format!("({text}) STORED")),
            _ => None,
        };
        let is_counted = value.is_some_and(|text| text.contains("nextval("));
        let identity = match column.identity.as_str() {
            _ if !inserts || generated.is_some() => None,
            "a" => Some("ALWAYS"),
            "d" => Some("BY DEFAULT"),
            _ if is_counted && is_integer(&column.type_name) => Some("BY DEFAULT"),
            _ => None,
        };
        let default = value.filter(|text| {
            inserts && generated.is_none() && identity.is_none() && is_harmless(text)
        });
        TableColumn {
            name: column.name.clone(),
            type_name: column.type_name.clone(),
            is_not_null: self.takes_no_null(column),
            collation: column.collation.clone(),
            generated,
            identity,
            default: default.map(str::to_owned),
            checks: Vec::new(),
        }
    }

    /// By its own constraint, or by those of its domain.
    fn takes_no_null(&self, column: &Column) -> bool {
        let kinds = &self.source.kinds;
        let mut kind = kinds.iter().find(|kind| kind.oid == column.type_oid);
        while let Some(domain) = kind.filter(|kind| kind.kind == "d") {
            if domain.is_not_null {
                return true;
            }
            kind = domain.of.as_deref().and_then(|of| verify::kind(kinds, of));
        }
        column.is_not_null && self.relation.kind != "f"
    }

    /// Keys of a table with children do not hold for the rows of these.
    fn has_keys(&self) -> bool {
        self.relation.kind == "p" || !self.relation.has_parts
    }

    fn constrain(&self, table: &mut Table, relations: &[&Relation]) {
        for constraint in self.constraints() {
            let definition = || {
                format!("CONSTRAINT {} {}", verify::quoted(&constraint.name), constraint.definition)
            };
            match constraint.kind.as_str() {
                "p" | "u" if !self.has_keys() => {}
                "p" | "u" => {
                    if let [column] = constraint.columns.as_slice() {
                        table.counted.push(column.clone());
                    }
                    if constraint.is_period {
                        table.keys.push(constraint.columns.clone());
                    } else {
                        table.constraints.push(definition());
                    }
                }
                "c" => {
                    table.constraints.push(definition());
                    table.is_choosy = true;
                    let [name] = constraint.columns.as_slice() else { continue };
                    let column = table.columns.iter_mut().find(|column| column.name == *name);
                    if let (Some(column), Some(text)) = (column, &constraint.expression) {
                        column.checks.push(text.clone());
                    }
                }
                "f" if !constraint.is_period => {
                    let oid = constraint.referenced_oid;
                    let place = relations.iter().position(|it| Some(it.oid) == oid);
                    table.references.extend(place.map(|place| ForeignKey {
                        columns: constraint.columns.clone(),
                        table: place,
                        referenced: constraint.referenced.clone(),
                    }));
                }
                _ => {}
            }
        }
    }

    fn index(&self, table: &mut Table, indexes: &mut Vec<Definition>) {
        let oid = self.relation.oid;
        let own = self.source.indexes.iter().filter(|it| it.table_oid == oid && self.has_keys());
        for index in own {
            match index.columns.as_slice() {
                [column] if index.is_plain => table.counted.push(column.clone()),
                _ => {}
            }
            table.is_choosy |= !index.is_plain;
            let what = format!("a unique index of {}", table.name);
            indexes.push(Definition::needed(what, index.definition.clone()));
        }
    }
}

fn is_integer(type_name: &str) -> bool {
    matches!(type_name, "smallint" | "integer" | "bigint")
}

/// Whether a default does nothing but to yield a value.
fn is_harmless(text: &str) -> bool {
    let Ok(statement) = Statement::parse(&format!("SELECT {text}")) else { return false };
    verify::unsteady_call(&statement, &())
        .is_none_or(|name| HARMLESS.contains(&name.trim_start_matches("pg_catalog.")))
}
