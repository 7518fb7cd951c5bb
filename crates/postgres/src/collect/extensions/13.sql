/* dbvitals:extensions */
select
  e.extname::text as name,
  n.nspname::text as schema,
  e.extversion::text as version,
  a.default_version::text as available_version
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
left join pg_catalog.pg_available_extensions() as a on a.name = e.extname
order by e.extname
limit 1000
