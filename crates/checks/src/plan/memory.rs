//! Memory that a step would need, and the setting that grants it.

use dbvitals_model::{Finding, Fix, FixKind, Unit, plan::Node};

use crate::{check::Threshold, context::Context};

pub(super) static MOST_MEMORY: Threshold = Threshold {
    key: "max_work_mem_bytes",
    unit: Unit::Bytes,
    default: 268_435_456.0,
    strict: None,
    range: (1_048_576.0, 1e12),
    why: "256 MB per step and session: ten sessions with three such steps take 8 GB",
};

/// The finding with so many kilobytes granted, where that is not more than one statement should have.
pub(super) fn granting(finding: Finding, kb: f64, cx: &Context<'_>) -> Finding {
    match raise_work_mem(kb, cx.limit(&MOST_MEMORY)) {
        Some(fix) => finding.fixed_by(fix),
        None => finding,
    }
}

/// Kilobytes that a node's rows take in memory where they took so many on disk: every row has a header, a place in a
/// list and a piece of memory of its own there, and short ones take up several times their size.
pub(super) fn in_memory_kb(disk_kb: f64, node: &Node) -> f64 {
    /// Bytes beside a row's values: header 24, place in the list 24, piece of memory 16, and what rounding adds.
    const BESIDE: f64 = 72.0;
    let width = node.estimate.map_or(0.0, |estimate| estimate.width as f64);
    // Of several runs the largest counts; that it held more than the mean of them is in the room to spare.
    let rows = node.actual.map_or(0.0, |actual| actual.rows);
    (disk_kb * 2.0).max(rows * (width + BESIDE) / 1024.0)
}

/// `SET LOCAL work_mem` for so many kilobytes, with room to spare; nothing where that is more than one statement
/// should have.
fn raise_work_mem(kb: f64, most_bytes: f64) -> Option<Fix> {
    let wanted = kb * 1.2 / 1024.0;
    let mb = wanted.ceil().max(1.0);
    if mb * 1_048_576.0 > most_bytes {
        return None;
    }
    let fix = Fix::new(FixKind::Review, [format!("SET LOCAL work_mem = '{mb:.0}MB';")]);
    let fix = fix.locking("none", "nothing; it lasts until the end of the transaction");
    Some(fix.undone_by(["RESET work_mem;".to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_granted_up_to_a_bound() {
        let most = 256.0 * 1_048_576.0;
        let fix = raise_work_mem(10_240.0, most).unwrap();
        assert_eq!(fix.statements, ["SET LOCAL work_mem = '12MB';"]);
        assert!(raise_work_mem(300_000.0, most).is_none());
        assert_eq!(raise_work_mem(1.0, most).unwrap().statements, ["SET LOCAL work_mem = '1MB';"]);
    }
}
