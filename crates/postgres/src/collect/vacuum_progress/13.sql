/* dbvitals:vacuum_progress */
select
  p.pid::int8 as pid,
  p.datname::text as database,
  p.relid::int8 as relation_oid,
  (n.nspname || '.' || c.relname)::text as relation,
  p.phase::text as phase,
  p.heap_blks_total::int8 as heap_blocks_total,
  p.heap_blks_scanned::int8 as heap_blocks_scanned,
  p.index_vacuum_count::int8 as index_vacuum_count,
  coalesce(a.backend_type = 'autovacuum worker', false)::bool as is_autovacuum,
  coalesce(
    a.backend_type = 'autovacuum worker' and a.query like '%(to prevent wraparound)', false
  )::bool as to_prevent_wraparound,
  a.query_start::timestamptz as started_at
from pg_catalog.pg_stat_progress_vacuum as p
left join pg_catalog.pg_stat_activity as a on a.pid = p.pid
left join pg_catalog.pg_class as c
  on c.oid = p.relid and p.datname = pg_catalog.current_database()
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
order by p.pid
limit 1000
