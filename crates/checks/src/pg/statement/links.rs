//! How the tables of a database are linked by foreign keys of one column.

use dbvitals_model::pg::schema::Constraint;
use dbvitals_query::TableName;

use crate::view::DatabaseView;

/// The foreign keys of one database; none where they could not be read.
#[derive(Debug)]
pub struct Links<'a> {
    /// The database's name.
    pub database: &'a str,
    keys: Vec<&'a Constraint>,
}

impl<'a> Links<'a> {
    /// The foreign keys of a database.
    pub fn of(db: &DatabaseView<'a>) -> Self {
        let all = db.constraints().map(Vec::as_slice).unwrap_or_default();
        let keys = all.iter().filter(|key| key.kind == "f" && key.column_names.len() == 1);
        Self { database: db.name(), keys: keys.collect() }
    }

    /// The columns on the other side of a column's foreign keys: those that point at it, and those it points at.
    pub fn partners(&self, table: &TableName, column: &str) -> Vec<Partner<'a>> {
        let mut all = Vec::new();
        for key in &self.keys {
            let (Some(schema), Some(name), Some(referenced)) =
                (&key.referenced_schema, &key.referenced_table, key.referenced_names.first())
            else {
                continue;
            };
            let own = &key.column_names[0];
            if table.may_be(schema, name) && referenced == column {
                all.push(Partner { schema: &key.schema, table: &key.table, column: own });
            }
            if table.may_be(&key.schema, &key.table) && own == column {
                all.push(Partner { schema, table: name, column: referenced });
            }
        }
        all
    }
}

/// A column on the other side of a foreign key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partner<'a> {
    /// The schema of its table.
    pub schema: &'a str,
    /// Its table.
    pub table: &'a str,
    /// Its name.
    pub column: &'a str,
}
