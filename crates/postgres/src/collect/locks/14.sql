/* dbvitals:locks */
with held as materialized (
  select l.*
  from pg_catalog.pg_locks as l
  left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
  where l.pid is distinct from pg_catalog.pg_backend_pid()
    and a.application_name is distinct from 'dbvitals'
),
lock_table as (
  select pg_catalog.count(*) as in_table
  from held as h
  where not h.fastpath
),
waits as (
  select h.*
  from held as h
  where not h.granted
  order by h.pid
  limit 2000
)
-- One row without a pid when nobody waits.
select
  t.in_table::int8 as in_table,
  w.pid::int8 as pid,
  w.locktype::text as lock_type,
  w.mode::text as mode,
  d.datname::text as database,
  w.relation::int8 as relation_oid,
  (n.nspname || '.' || c.relname)::text as relation,
  w.waitstart::timestamptz as waiting_since
from lock_table as t
left join waits as w on true
left join pg_catalog.pg_database as d on d.oid = w.database
left join pg_catalog.pg_class as c
  on c.oid = w.relation
  and (w.database = 0 or d.datname = pg_catalog.current_database())
left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
order by w.pid
limit 2000
