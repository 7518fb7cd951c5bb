/* dbvitals:statements_info */
select i.dealloc::int8 as deallocations, i.stats_reset::timestamptz as stats_reset
from {schema}.pg_stat_statements_info as i
limit 1
