/* dbvitals:lock_samples */
select
  l.pid::int8 as pid,
  a.query_start::timestamptz as query_started_at,
  null::float8 as waited_ms
from pg_catalog.pg_locks as l
join pg_catalog.pg_stat_activity as a on a.pid = l.pid
where not l.granted
  and a.application_name is distinct from 'dbvitals'
group by l.pid, a.query_start
order by l.pid
limit 2000
