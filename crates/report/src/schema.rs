//! The JSON Schema of a report, generated from its types.

use dbvitals_model::report::{Report, SCHEMA_VERSION};
use schemars::generate::SchemaSettings;

/// JSON Schema (draft 2020-12) of what [`crate::json`] writes. Fields that are always written are
/// required; fields unknown to it are allowed, so that a later version may add some.
pub fn report() -> serde_json::Value {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), "dbvitals report".into());
    schema.insert("x-schema-version".to_owned(), SCHEMA_VERSION.into());
    schema.to_value()
}

/// [`report`], indented, with a line feed at the end.
pub fn pretty() -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&report())?;
    text.push('\n');
    Ok(text)
}
