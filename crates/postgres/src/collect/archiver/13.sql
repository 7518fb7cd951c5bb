/* dbvitals:archiver */
select
  a.archived_count::int8 as archived,
  a.last_archived_wal::text as last_archived_wal,
  a.last_archived_time::timestamptz as last_archived_at,
  a.failed_count::int8 as failed,
  a.last_failed_wal::text as last_failed_wal,
  a.last_failed_time::timestamptz as last_failed_at,
  a.stats_reset::timestamptz as stats_reset
from pg_catalog.pg_stat_archiver as a
limit 1
