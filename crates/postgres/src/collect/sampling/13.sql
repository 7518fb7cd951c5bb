/* dbvitals:sampling */
-- The function below the view: names of databases and roles would be looked up for every session at every look.
select
  a.pid::int8 as pid,
  (a.pid = pg_catalog.pg_backend_pid())::bool as is_own,
  a.backend_type::text as backend_type,
  a.state::text as state,
  a.wait_event_type::text as class,
  a.wait_event::text as event,
  null::int8 as query_id,
  a.query_start::timestamptz as query_started_at,
  (extract(epoch from pg_catalog.clock_timestamp() - a.xact_start) * 1000)::float8 as transaction_ms,
  pg_catalog.age(a.backend_xmin)::int8 as xmin_age,
  case
    when a.pid = pg_catalog.pg_backend_pid()
      then extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()) * 1000
  end::float8 as spent_ms
from pg_catalog.pg_stat_get_activity(null) as a
where a.state is distinct from 'idle'
  and (a.pid = pg_catalog.pg_backend_pid() or a.application_name is distinct from 'dbvitals')
  and a.backend_type in ('client backend', 'parallel worker', 'autovacuum worker')
limit 10000
