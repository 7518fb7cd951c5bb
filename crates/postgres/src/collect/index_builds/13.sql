/* dbvitals:index_builds */
select
  p.pid::int8 as pid,
  p.datname::text as database,
  p.relid::int8 as relation_oid,
  p.index_relid::int8 as index_oid,
  p.command::text as command,
  p.phase::text as phase
from pg_catalog.pg_stat_progress_create_index as p
order by p.pid
limit 1000
