/* dbvitals:subscriptions */
select
  w.subname::text as name,
  d.datname::text as database,
  s.subenabled::bool as enabled,
  w.pid::int8 as worker_pid,
  w.last_msg_receipt_time::timestamptz as last_message_at,
  null::int8 as apply_errors,
  null::int8 as sync_errors,
  null::timestamptz as stats_reset
from pg_catalog.pg_stat_subscription as w
-- The catalogue hides its oid on 13: a name is enough where no other database repeats it.
left join (
  select
    p.subname,
    pg_catalog.min(p.subdbid::int8) as subdbid,
    pg_catalog.bool_and(p.subenabled) as subenabled
  from pg_catalog.pg_subscription as p
  group by p.subname
  having pg_catalog.count(*) = 1
) as s on s.subname = w.subname
left join pg_catalog.pg_database as d on d.oid::int8 = s.subdbid
where w.relid is null
order by d.datname, w.subname
limit 1000
