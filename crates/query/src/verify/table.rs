//! Tables to be made anew.

use super::{Definition, quoted};

/// A table to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<TableColumn>,
    /// The columns of each of its unique keys.
    pub keys: Vec<Vec<String>>,
    /// Constraints as they stand in its definition.
    pub constraints: Vec<String>,
    /// Columns that are keys by themselves, by some constraint or index.
    pub counted: Vec<String>,
    /// Tables whose rows it adds to, by schema and name, quoted.
    pub parents: Vec<String>,
    /// Rows of tables that rows refer to.
    pub references: Vec<ForeignKey>,
    /// Rows of it may be refused: constraints and generated columns decide.
    pub is_choosy: bool,
}

/// A column to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type as `format_type` writes it.
    pub type_name: String,
    /// It takes no NULL.
    pub is_not_null: bool,
    /// What it is ordered by, where that is not what its type is: schema and name.
    pub collation: Option<String>,
    /// What it is computed from, as it stands in the definition: `(a + b) STORED`.
    pub generated: Option<String>,
    /// How it is numbered: `ALWAYS` or `BY DEFAULT`.
    pub identity: Option<&'static str>,
    /// Its default.
    pub default: Option<String>,
    /// Conditions on it alone.
    pub checks: Vec<String>,
}

/// Columns whose values are those of a row of a table, or NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns.
    pub columns: Vec<String>,
    /// The place of the other table in the list of tables.
    pub table: usize,
    /// Its columns.
    pub referenced: Vec<String>,
}

impl TableColumn {
    /// A column that is nothing special.
    pub fn new(name: &str, type_name: &str, is_not_null: bool) -> Self {
        Self {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            is_not_null,
            ..Self::default()
        }
    }

    fn definition(&self) -> String {
        let mut text = format!("{} {}", quoted(&self.name), self.type_name);
        let mut add = |more: &str| {
            text.push(' ');
            text.push_str(more);
        };
        if let Some(collation) = &self.collation {
            add("COLLATE");
            add(collation);
        }
        if self.is_not_null {
            add("NOT NULL");
        }
        if let Some(generated) = &self.generated {
            add("GENERATED ALWAYS AS");
            add(generated);
        } else if let Some(how) = self.identity {
            add("GENERATED");
            add(how);
            add("AS IDENTITY");
        } else if let Some(default) = &self.default {
            add("DEFAULT");
            add(default);
        }
        text
    }
}

impl Table {
    /// Schema and name, quoted.
    pub fn identifier(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// What values of a column are known by: its type, or itself where conditions hold for it alone.
    pub fn pool(&self, column: &TableColumn) -> String {
        if column.checks.is_empty() {
            column.type_name.clone()
        } else {
            format!("{}.{}", self.identifier(), quoted(&column.name))
        }
    }

    /// What makes it.
    pub fn definition(&self) -> Definition {
        let key = |key: &Vec<String>| {
            let names: Vec<String> = key.iter().map(|name| quoted(name)).collect();
            format!("UNIQUE ({})", names.join(", "))
        };
        let parts: Vec<String> = self
            .columns
            .iter()
            .map(TableColumn::definition)
            .chain(self.keys.iter().map(key))
            .chain(self.constraints.iter().cloned())
            .collect();
        let parents = match self.parents.as_slice() {
            [] => String::new(),
            parents => format!(" INHERITS ({})", parents.join(", ")),
        };
        let name = self.identifier();
        let sql = format!("CREATE TABLE {name} ({}){parents}", parts.join(", "));
        Definition::needed(format!("the table {name}"), sql)
    }

    /// The columns that are filled.
    pub(super) fn filled(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|column| column.generated.is_none())
    }

    /// What puts rows into it. A row that repeats a key is left out.
    pub(super) fn insert(&self, rows: &[String]) -> String {
        let names: Vec<String> = self.filled().map(|column| quoted(&column.name)).collect();
        let insert = |rows: &str| {
            format!(
                "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES {rows} ON CONFLICT DO NOTHING",
                self.identifier(),
                names.join(", ")
            )
        };
        if !self.is_choosy {
            return insert(&rows.join(", "));
        }
        // Each row by itself: one that is refused takes no other along.
        let one =
            |row: &String| format!("BEGIN {}; EXCEPTION WHEN OTHERS THEN NULL; END;", insert(row));
        let rows: Vec<String> =
            rows.iter().filter(|row| !row.contains("$dbvitals$")).map(one).collect();
        format!("DO $dbvitals$ BEGIN {} END $dbvitals$", rows.join(" "))
    }

    /// What takes out rows that refer to none, until there are no more; nothing where none refer.
    pub(super) fn keep_references(tables: &[Self]) -> Option<String> {
        let mut deletes = Vec::new();
        for table in tables {
            for key in &table.references {
                let Some(other) = tables.get(key.table) else { continue };
                let set: Vec<String> = key
                    .columns
                    .iter()
                    .map(|name| format!("c.{} IS NOT NULL", quoted(name)))
                    .collect();
                let pairs = key.columns.iter().zip(&key.referenced);
                let same: Vec<String> =
                    pairs.map(|(a, b)| format!("p.{} = c.{}", quoted(b), quoted(a))).collect();
                deletes.push(format!(
                    "DELETE FROM {} AS c WHERE {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {}); \
                     GET DIAGNOSTICS n = ROW_COUNT; gone := gone + n;",
                    table.identifier(),
                    set.join(" AND "),
                    other.identifier(),
                    same.join(" AND ")
                ));
            }
        }
        (!deletes.is_empty()).then(|| {
            format!(
                "DO $dbvitals$ DECLARE n bigint; gone bigint; BEGIN LOOP gone := 0; {} \
                 EXIT WHEN gone = 0; END LOOP; END $dbvitals$",
                deletes.join(" ")
            )
        })
    }
}
