//! Memory that a step would need, and the setting that grants it.

use dbvitals_model::{Fix, FixKind};

/// `SET LOCAL work_mem` for so many kilobytes, with room to spare; nothing where that is more than one statement
/// should have.
pub(super) fn raise_work_mem(kb: f64, most_bytes: f64) -> Option<Fix> {
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
