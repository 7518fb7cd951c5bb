/* dbvitals:io */
select
  i.backend_type::text as backend_type,
  i.object::text as object,
  i.context::text as context,
  coalesce(i.reads, 0)::int8 as reads,
  coalesce(i.read_time, 0)::float8 as read_time_ms,
  coalesce(i.writes, 0)::int8 as writes,
  coalesce(i.write_time, 0)::float8 as write_time_ms,
  coalesce(i.writebacks, 0)::int8 as writebacks,
  coalesce(i.extends, 0)::int8 as extends,
  coalesce(i.hits, 0)::int8 as hits,
  coalesce(i.evictions, 0)::int8 as evictions,
  coalesce(i.reuses, 0)::int8 as reuses,
  coalesce(i.fsyncs, 0)::int8 as fsyncs,
  coalesce(i.fsync_time, 0)::float8 as fsync_time_ms,
  coalesce(i.read_bytes, 0)::int8 as read_bytes,
  coalesce(i.write_bytes, 0)::int8 as write_bytes,
  i.stats_reset::timestamptz as stats_reset
from pg_catalog.pg_stat_io as i
order by i.backend_type, i.object, i.context
limit 500
