//! How findings and statements name a function or procedure.

use dbvitals_model::{Subject, pg::security::Function};

use crate::{sql, view::DatabaseView};

/// `schema.name(arguments)` for people.
pub fn name(function: &Function) -> String {
    format!("{}.{}({})", function.schema, function.name, function.arguments)
}

/// The same for SQL.
pub fn sql_name(function: &Function) -> String {
    format!("{}({})", sql::qualified(&function.schema, &function.name), function.arguments)
}

/// The function as a subject.
pub fn subject(db: &DatabaseView<'_>, function: &Function) -> Subject {
    Subject::within("function", db.name(), name(function))
}
