//! What findings about replication slots share.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Unit,
    pg::{instance::Settings, replication::Slot},
};

use crate::sql;

/// Dropping the slot: what it held is released, what its consumer missed is lost to it.
pub fn dropping(slot: &Slot) -> Fix {
    let drop = format!("SELECT pg_drop_replication_slot({});", sql::literal(&slot.name));
    Fix::new(FixKind::Review, [drop])
        .locking("none", "its consumer for good: it has to be built or synchronised anew")
}

/// What the slot is and what it holds, as evidence.
#[must_use]
pub fn with_facts(finding: Finding, slot: &Slot) -> Finding {
    let source = "pg_replication_slots";
    let finding = finding.with(Evidence::new("kind", slot.kind.as_str(), Unit::Text, source));
    let text = |finding: Finding, label: &str, value: Option<&str>| match value {
        Some(value) => finding.with(Evidence::new(label, value, Unit::Text, source)),
        None => finding,
    };
    let finding = text(finding, "database", slot.database.as_deref());
    let finding = text(finding, "wal_status", slot.wal_status.as_deref());
    match slot.xmin_age.max(slot.catalog_xmin_age) {
        Some(age) => finding.with(Evidence::new("rows held since", age, Unit::Xids, source)),
        None => finding,
    }
}

/// Where to run the fix: a logical slot is dropped from within its database.
pub fn place(slot: &Slot) -> String {
    slot.database.as_ref().map(|name| format!(" Do so from within {name}.")).unwrap_or_default()
}

/// `max_slot_wal_keep_size` in bytes; `None` when unlimited or unknown.
pub fn keep_limit(settings: Option<&Settings>) -> Option<f64> {
    let bytes = settings?.bytes("max_slot_wal_keep_size")?;
    (bytes >= 0).then_some(bytes as f64)
}

/// Whether the server has given the slot up.
pub fn is_lost(slot: &Slot) -> bool {
    slot.wal_status.as_deref() == Some("lost")
        || slot.invalidation_reason.is_some()
        || slot.conflicting == Some(true)
}
