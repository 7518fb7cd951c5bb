/* dbvitals:databases */
select
  d.oid::int8 as oid,
  d.datname::text as name,
  d.datistemplate::bool as is_template,
  d.datallowconn::bool as allows_connections,
  d.datconnlimit::int8 as connection_limit,
  pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding,
  case
    when pg_catalog.has_database_privilege(d.oid, 'connect')
      or pg_catalog.pg_has_role('pg_read_all_stats', 'usage')
    then pg_catalog.pg_database_size(d.oid)
  end::int8 as size_bytes,
  pg_catalog.age(d.datfrozenxid)::int8 as frozen_xid_age,
  pg_catalog.mxid_age(d.datminmxid)::int8 as multixact_age,
  s.numbackends::int8 as backends,
  s.xact_commit::int8 as commits,
  s.xact_rollback::int8 as rollbacks,
  s.blks_read::int8 as blocks_read,
  s.blks_hit::int8 as blocks_hit,
  s.tup_returned::int8 as rows_returned,
  s.tup_fetched::int8 as rows_fetched,
  s.tup_inserted::int8 as rows_inserted,
  s.tup_updated::int8 as rows_updated,
  s.tup_deleted::int8 as rows_deleted,
  s.conflicts::int8 as conflicts,
  s.temp_files::int8 as temp_files,
  s.temp_bytes::int8 as temp_bytes,
  s.deadlocks::int8 as deadlocks,
  s.checksum_failures::int8 as checksum_failures,
  s.checksum_last_failure::timestamptz as checksum_last_failure,
  s.blk_read_time::float8 as block_read_time_ms,
  s.blk_write_time::float8 as block_write_time_ms,
  s.session_time::float8 as session_time_ms,
  s.active_time::float8 as active_time_ms,
  s.idle_in_transaction_time::float8 as idle_in_transaction_time_ms,
  s.sessions::int8 as sessions,
  s.sessions_abandoned::int8 as sessions_abandoned,
  s.sessions_fatal::int8 as sessions_fatal,
  s.sessions_killed::int8 as sessions_killed,
  s.stats_reset::timestamptz as stats_reset,
  c.confl_tablespace::int8 as conflict_tablespace,
  c.confl_lock::int8 as conflict_lock,
  c.confl_snapshot::int8 as conflict_snapshot,
  c.confl_bufferpin::int8 as conflict_bufferpin,
  c.confl_deadlock::int8 as conflict_deadlock,
  d.datcollversion::text as collation_version,
  pg_catalog.pg_database_collation_actual_version(d.oid)::text as collation_actual_version
from pg_catalog.pg_database as d
left join pg_catalog.pg_stat_database as s on s.datid = d.oid
left join pg_catalog.pg_stat_database_conflicts as c on c.datid = d.oid
order by d.datname
limit 5000
