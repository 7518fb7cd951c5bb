/* dbvitals:recovery */
select
  r.status::text as receiver_status,
  r.sender_host::text as sender_host,
  r.sender_port::int8 as sender_port,
  r.slot_name::text as slot_name,
  -- The receiver's own default is no name.
  pg_catalog.btrim(
    pg_catalog.substring(r.conninfo, '(?:^| )application_name=(''[^'']*''|[^ ]+)'), ''''
  )::text as application,
  pg_catalog.pg_is_wal_replay_paused()::bool as is_paused,
  pg_catalog.pg_wal_lsn_diff(l.received, '0/0')::int8 as received_bytes,
  pg_catalog.pg_wal_lsn_diff(l.replayed, '0/0')::int8 as replayed_bytes,
  pg_catalog.pg_wal_lsn_diff(greatest(l.received, l.replayed), l.replayed)::int8 as replay_lag_bytes,
  pg_catalog.pg_last_xact_replay_timestamp()::timestamptz as last_replayed_at,
  r.last_msg_receipt_time::timestamptz as last_message_at,
  coalesce(r.received_tli, c.timeline_id)::int8 as timeline
from (
  select
    pg_catalog.pg_last_wal_receive_lsn() as received,
    pg_catalog.pg_last_wal_replay_lsn() as replayed
) as l
cross join pg_catalog.pg_control_checkpoint() as c
left join pg_catalog.pg_stat_wal_receiver as r on true
limit 1
