/* dbvitals:extended_statistics */
select
  e.stxrelid::int8 as table_oid,
  n.nspname::text as schema,
  e.stxname::text as name,
  s.n_distinct::text as n_distinct
from pg_catalog.pg_statistic_ext as e
join pg_catalog.pg_namespace as n on n.oid = e.stxnamespace
left join pg_catalog.pg_stats_ext as s
  on s.statistics_schemaname = n.nspname and s.statistics_name = e.stxname
where 'd' = any (e.stxkind)
order by e.oid
limit 10000
