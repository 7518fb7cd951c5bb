/* dbvitals:checkpoints */
select
  b.checkpoints_timed::int8 as timed,
  b.checkpoints_req::int8 as requested,
  null::int8 as done,
  null::int8 as restartpoints_timed,
  null::int8 as restartpoints_requested,
  b.checkpoint_write_time::float8 as write_time_ms,
  b.checkpoint_sync_time::float8 as sync_time_ms,
  b.buffers_checkpoint::int8 as buffers_checkpoint,
  b.buffers_clean::int8 as buffers_clean,
  b.maxwritten_clean::int8 as maxwritten_clean,
  b.buffers_alloc::int8 as buffers_alloc,
  b.buffers_backend::int8 as buffers_backend,
  b.buffers_backend_fsync::int8 as buffers_backend_fsync,
  b.stats_reset::timestamptz as stats_reset
from pg_catalog.pg_stat_bgwriter as b
limit 1
