//! How fast the server's reads are, as far as it measured them.

use dbvitals_model::{Evidence, Unit};

use crate::{skip::Skip, view::PgView};

/// Fewer blocks than this say nothing about the disk.
const ENOUGH_BLOCKS: f64 = 10_000.0;

/// Mean time of reading one block since statistics began, over all databases, in milliseconds.
pub fn read_ms(pg: &PgView<'_>) -> Result<f64, Skip> {
    let databases = pg.databases()?;
    let blocks: f64 = databases.iter().map(|database| database.blocks_read.max(0) as f64).sum();
    let time: f64 = databases.iter().map(|database| database.block_read_time_ms.max(0.0)).sum();
    if time <= 0.0 {
        return Err(Skip::disabled(
            "reads were not timed",
            "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();",
        ));
    }
    if blocks < ENOUGH_BLOCKS {
        return Err(Skip::not_applicable("too few reads to know the disk"));
    }
    Ok(time / blocks)
}

/// That time as evidence.
pub fn evidence(read_ms: f64, limit: f64) -> Evidence {
    let source = "pg_stat_database: blk_read_time / blks_read";
    Evidence::new("mean time per block read", read_ms, Unit::Ms, source).against(limit)
}
