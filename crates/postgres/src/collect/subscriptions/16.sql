/* dbvitals:subscriptions */
select
  s.subname::text as name,
  d.datname::text as database,
  s.subenabled::bool as enabled,
  w.pid::int8 as worker_pid,
  w.last_msg_receipt_time::timestamptz as last_message_at,
  e.apply_error_count::int8 as apply_errors,
  e.sync_error_count::int8 as sync_errors,
  e.stats_reset::timestamptz as stats_reset
from pg_catalog.pg_subscription as s
join pg_catalog.pg_database as d on d.oid = s.subdbid
-- The worker that applies changes; those that copy a table carry its oid.
left join pg_catalog.pg_stat_subscription as w
  on w.subid = s.oid and w.relid is null and w.leader_pid is null
left join pg_catalog.pg_stat_subscription_stats as e on e.subid = s.oid
order by d.datname, s.subname
limit 1000
