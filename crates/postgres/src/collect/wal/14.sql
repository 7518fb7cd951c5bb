/* dbvitals:wal */
select
  w.wal_records::int8 as records,
  w.wal_fpi::int8 as full_page_images,
  w.wal_bytes::int8 as bytes,
  w.wal_buffers_full::int8 as buffers_full,
  w.stats_reset::timestamptz as stats_reset,
  case
    when not pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')
  end::int8 as position_bytes
from pg_catalog.pg_stat_wal as w
limit 1
