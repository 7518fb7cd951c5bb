/* dbvitals:policy_functions */
select
  c.oid::int8 as table_oid,
  n.nspname::text as schema,
  c.relname::text as "table",
  p.polname::text as policy,
  f.oid::int8 as function_oid,
  fn.nspname::text as function_schema,
  f.proname::text as function,
  pg_catalog.pg_get_function_identity_arguments(f.oid)::text as arguments,
  l.lanname::text as language,
  f.provolatile::text as volatility,
  f.prosecdef::bool as is_security_definer,
  f.procost::float8 as cost,
  pg_catalog.pg_stat_get_function_calls(f.oid)::int8 as calls,
  pg_catalog.pg_stat_get_function_total_time(f.oid)::float8 as total_time_ms,
  pg_catalog.pg_stat_get_function_self_time(f.oid)::float8 as self_time_ms
from pg_catalog.pg_policy as p
join pg_catalog.pg_class as c on c.oid = p.polrelid and c.relrowsecurity
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join (
  select distinct d.objid, d.refobjid
  from pg_catalog.pg_depend as d
  where d.classid = 'pg_catalog.pg_policy'::regclass
    and d.refclassid = 'pg_catalog.pg_proc'::regclass
) as d on d.objid = p.oid
join pg_catalog.pg_proc as f on f.oid = d.refobjid
join pg_catalog.pg_namespace as fn on fn.oid = f.pronamespace
join pg_catalog.pg_language as l on l.oid = f.prolang
where n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
order by n.nspname, c.relname, p.polname, f.oid
limit 5000
