//! Whether a server holds so much that losing it would hurt.

use dbvitals_model::{Unit, pg::database::Database};

use crate::check::Threshold;

/// How much data makes a server worth protecting.
pub static MIN_DATA: Threshold = Threshold {
    key: "min_data_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: Some(104_857_600.0),
    range: (0.0, 1e15),
    why: "what is smaller is usually a trial or can be made again within minutes; set 0 where every \
          row counts",
};

/// Bytes in all databases but the templates, as far as their sizes are known.
pub fn data_bytes(databases: &[Database]) -> f64 {
    let own = databases.iter().filter(|database| !database.is_template);
    own.filter_map(|database| database.size_bytes).map(|bytes| bytes.max(0) as f64).sum()
}
