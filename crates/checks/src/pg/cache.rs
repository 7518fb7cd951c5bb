//! Cache, WAL, checkpoints and I/O.

pub mod backend_writes;
pub mod background_writer;
pub mod bgwriter_maxwritten;
pub mod checkpoint;
pub mod checkpoint_write_slow;
pub mod checkpoints_requested;
pub mod checkpoints_too_frequent;
pub mod full_page_image_heavy;
pub mod low_cache_hit_ratio;
pub mod read_latency;
pub mod slru_low_hit_ratio;
pub mod table_low_hit_ratio;
pub mod wait_event_profile;
pub mod wal_archiver_failing;
pub mod wal_buffers_full;
pub mod wal_directory_large;
