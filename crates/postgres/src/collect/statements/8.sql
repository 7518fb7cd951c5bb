/* dbvitals:statements */
select
  s.queryid::int8 as query_id,
  r.rolname::text as "user",
  d.datname::text as database,
  true::bool as is_top_level,
  null::text as text,
  s.calls::int8 as calls,
  s.rows::int8 as rows,
  s.total_exec_time::float8 as total_exec_time_ms,
  s.min_exec_time::float8 as min_exec_time_ms,
  s.max_exec_time::float8 as max_exec_time_ms,
  s.mean_exec_time::float8 as mean_exec_time_ms,
  s.stddev_exec_time::float8 as stddev_exec_time_ms,
  s.plans::int8 as plans,
  s.total_plan_time::float8 as total_plan_time_ms,
  s.shared_blks_hit::int8 as shared_blocks_hit,
  s.shared_blks_read::int8 as shared_blocks_read,
  s.shared_blks_dirtied::int8 as shared_blocks_dirtied,
  s.shared_blks_written::int8 as shared_blocks_written,
  s.local_blks_read::int8 as local_blocks_read,
  s.temp_blks_read::int8 as temp_blocks_read,
  s.temp_blks_written::int8 as temp_blocks_written,
  s.blk_read_time::float8 as block_read_time_ms,
  s.blk_write_time::float8 as block_write_time_ms,
  0::float8 as temp_read_time_ms,
  0::float8 as temp_write_time_ms,
  s.wal_records::int8 as wal_records,
  s.wal_fpi::int8 as wal_fpi,
  s.wal_bytes::int8 as wal_bytes,
  null::float8 as jit_time_ms,
  null::int8 as jit_functions,
  null::timestamptz as stats_since
-- Without texts: they would be read from a file into a temporary one.
from {schema}.pg_stat_statements(false) as s
left join pg_catalog.pg_roles as r on r.oid = s.userid
left join pg_catalog.pg_database as d on d.oid = s.dbid
order by s.total_exec_time desc
limit 20000
