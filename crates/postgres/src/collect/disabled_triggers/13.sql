/* dbvitals:disabled_triggers */
select
  n.nspname::text as schema,
  c.relname::text as "table",
  t.tgname::text as name,
  t.tgisinternal::bool as is_internal
from pg_catalog.pg_trigger as t
join pg_catalog.pg_class as c on c.oid = t.tgrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where t.tgenabled = 'D'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by n.nspname, c.relname, t.tgname
limit 2000
