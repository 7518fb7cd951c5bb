/* dbvitals:slru */
select
  s.name::text as name,
  s.blks_hit::int8 as blocks_hit,
  s.blks_read::int8 as blocks_read,
  s.blks_written::int8 as blocks_written,
  s.stats_reset::timestamptz as stats_reset
from pg_catalog.pg_stat_slru as s
order by s.name
limit 100
