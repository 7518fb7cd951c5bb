/* dbvitals:activity */
select
  a.pid::int8 as pid,
  a.leader_pid::int8 as leader_pid,
  a.datname::text as database,
  a.usename::text as "user",
  coalesce(a.application_name, '')::text as application,
  pg_catalog.host(a.client_addr)::text as client_address,
  coalesce(a.backend_type, '')::text as backend_type,
  a.state::text as state,
  a.wait_event_type::text as wait_event_type,
  a.wait_event::text as wait_event,
  a.backend_start::timestamptz as backend_started_at,
  a.xact_start::timestamptz as transaction_started_at,
  a.query_start::timestamptz as query_started_at,
  a.state_change::timestamptz as state_changed_at,
  pg_catalog.age(a.backend_xmin)::int8 as xmin_age,
  pg_catalog.age(a.backend_xid)::int8 as xid_age,
  -- Not cut here: texts of other databases may be in another encoding, which character functions refuse.
  coalesce(a.query, '')::text as query,
  a.query_id::int8 as query_id,
  s.ssl::bool as tls,
  case
    when a.wait_event_type = 'Lock' then pg_catalog.pg_blocking_pids(a.pid)
    else '{}'
  end::int8[] as blocked_by
from pg_catalog.pg_stat_activity as a
left join pg_catalog.pg_stat_ssl as s on s.pid = a.pid
where a.pid <> pg_catalog.pg_backend_pid()
  and a.application_name is distinct from 'dbvitals'
order by a.pid
limit 10000
