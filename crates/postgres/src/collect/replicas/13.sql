/* dbvitals:replicas */
with here as materialized (
  select
    case
      when pg_catalog.pg_is_in_recovery()
      then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      else pg_catalog.pg_current_wal_lsn()
    end as lsn
)
select
  r.pid::int8 as pid,
  r.usename::text as "user",
  coalesce(r.application_name, '')::text as application,
  pg_catalog.host(r.client_addr)::text as client_address,
  nullif(r.client_port, -1)::int8 as client_port,
  r.state::text as state,
  r.sync_state::text as sync_state,
  r.sync_priority::int8 as sync_priority,
  -- The standby may report past the position read a moment before: that is no lag.
  pg_catalog.pg_wal_lsn_diff(greatest(h.lsn, r.sent_lsn), r.sent_lsn)::int8 as sent_lag_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(h.lsn, r.write_lsn), r.write_lsn)::int8 as write_lag_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(h.lsn, r.flush_lsn), r.flush_lsn)::int8 as flush_lag_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(h.lsn, r.replay_lsn), r.replay_lsn)::int8 as replay_lag_bytes,
  (extract(epoch from r.write_lag) * 1000)::float8 as write_lag_ms,
  (extract(epoch from r.flush_lag) * 1000)::float8 as flush_lag_ms,
  (extract(epoch from r.replay_lag) * 1000)::float8 as replay_lag_ms,
  r.reply_time::timestamptz as reply_at,
  r.backend_start::timestamptz as backend_started_at,
  coalesce(r.state = 'backup' or s.slot_type = 'logical', false)::bool as is_logical,
  s.slot_name::text as slot_name,
  pg_catalog.age(r.backend_xmin)::int8 as xmin_age
from pg_catalog.pg_stat_replication as r
cross join here as h
left join pg_catalog.pg_replication_slots as s on s.active_pid = r.pid
order by r.pid
limit 1000
