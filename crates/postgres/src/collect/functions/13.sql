/* dbvitals:functions */
select
  n.nspname::text as schema,
  p.proname::text as name,
  pg_catalog.pg_get_function_identity_arguments(p.oid)::text as arguments,
  r.rolname::text as owner,
  l.lanname::text as language,
  l.lanpltrusted::bool as is_trusted_language,
  p.prosecdef::bool as is_security_definer,
  exists (
    select 1
    from pg_catalog.unnest(p.proconfig) as s (pair)
    where s.pair like 'search\_path=%'
  )::bool as has_fixed_search_path,
  r.rolsuper::bool as owner_is_superuser,
  exists (
    select 1
    from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as g
    where g.grantee = 0 and g.privilege_type = 'EXECUTE'
  )::bool as public_execute,
  e.extname::text as extension
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_language as l on l.oid = p.prolang
join pg_catalog.pg_roles as r on r.oid = p.proowner
left join pg_catalog.pg_depend as d
  on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
  and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
left join pg_catalog.pg_extension as e on e.oid = d.refobjid
where n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
  and (
    p.prosecdef
    -- An extension's own functions are written in C; anybody else's are remarkable.
    or (not l.lanpltrusted and (e.oid is null or l.lanname not in ('internal', 'c')))
  )
order by n.nspname, p.proname, p.oid
limit 5000
