//! More memory for sorts and hashes, for one role or database only.

use dbvitals_model::{Fix, FixKind};

use crate::sql;

/// The most that is offered: beyond, many sessions together can exhaust the machine.
const MOST_BYTES: f64 = 256.0 * MIB;

const MIB: f64 = 1024.0 * 1024.0;

/// A `work_mem` in whole megabytes that keeps a spill of that size in memory: four times the spill,
/// since short rows take that much more room in memory than in a file. `None` where that is more than should be granted.
pub fn enough_for(spill_bytes: f64, current_bytes: i64) -> Option<f64> {
    let wanted = (spill_bytes * 4.0).max(current_bytes as f64 * 2.0);
    if !(1.0..=MOST_BYTES).contains(&wanted) {
        return None;
    }
    Some((wanted / MIB).log2().ceil().max(0.0).exp2())
}

/// The setting for one role in one database, or for the whole database.
pub fn fix(role: Option<&str>, database: &str, megabytes: f64) -> Fix {
    let scope = match role {
        Some(role) => format!("ROLE {} IN DATABASE {}", sql::ident(role), sql::ident(database)),
        None => format!("DATABASE {}", sql::ident(database)),
    };
    Fix::new(FixKind::Review, [format!("ALTER {scope} SET work_mem = '{megabytes:.0}MB';")])
        .locking("none", "nothing; new sessions may use that much for each sort or hash")
        .undone_by([format!("ALTER {scope} RESET work_mem;")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_four_times_the_spill_up_to_a_limit() {
        assert_eq!(enough_for(10.0 * MIB, 4 << 20), Some(64.0));
        assert_eq!(enough_for(1.0, 4 << 20), Some(8.0));
        assert_eq!(enough_for(64.0 * MIB, 4 << 20), Some(256.0));
        assert_eq!(enough_for(65.0 * MIB, 4 << 20), None);
        assert_eq!(enough_for(0.0, 0), None);
    }
}
