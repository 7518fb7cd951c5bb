/* dbvitals:checkpoints */
select
  c.num_timed::int8 as timed,
  c.num_requested::int8 as requested,
  null::int8 as done,
  c.restartpoints_timed::int8 as restartpoints_timed,
  c.restartpoints_req::int8 as restartpoints_requested,
  c.write_time::float8 as write_time_ms,
  c.sync_time::float8 as sync_time_ms,
  c.buffers_written::int8 as buffers_checkpoint,
  b.buffers_clean::int8 as buffers_clean,
  b.maxwritten_clean::int8 as maxwritten_clean,
  b.buffers_alloc::int8 as buffers_alloc,
  null::int8 as buffers_backend,
  null::int8 as buffers_backend_fsync,
  -- The two views are reset apart: the younger reset is when all of these began.
  greatest(c.stats_reset, b.stats_reset)::timestamptz as stats_reset
from pg_catalog.pg_stat_checkpointer as c
cross join pg_catalog.pg_stat_bgwriter as b
limit 1
