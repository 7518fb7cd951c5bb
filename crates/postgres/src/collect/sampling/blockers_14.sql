/* dbvitals:blockers */
with waiting as materialized (
  select a.pid, pg_catalog.pg_blocking_pids(a.pid) as blocked_by
  from pg_catalog.pg_stat_get_activity(null) as a
  where a.wait_event_type = 'Lock'
    and a.backend_type <> 'autovacuum worker'
    and a.application_name is distinct from 'dbvitals'
  limit 200
),
involved as (
  select w.pid
  from waiting as w
  union
  select b.pid
  from waiting as w
  cross join pg_catalog.unnest(w.blocked_by) as b (pid)
),
awaited as (
  select l.pid, pg_catalog.min(l.waitstart) as since
  from pg_catalog.pg_locks as l
  where not l.granted
  group by l.pid
)
select
  a.pid::int8 as pid,
  r.rolname::text as "user",
  coalesce(a.application_name, '')::text as application,
  a.state::text as state,
  a.query_id::int8 as query_id,
  a.backend_start::timestamptz as backend_started_at,
  a.query_start::timestamptz as query_started_at,
  (extract(epoch from pg_catalog.clock_timestamp() - s.since) * 1000)::float8 as waited_ms,
  coalesce(w.blocked_by, '{}')::int8[] as blocked_by
from involved as i
join pg_catalog.pg_stat_get_activity(null) as a on a.pid = i.pid
left join waiting as w on w.pid = i.pid
left join awaited as s on s.pid = i.pid
left join pg_catalog.pg_roles as r on r.oid = a.usesysid
limit 2000
