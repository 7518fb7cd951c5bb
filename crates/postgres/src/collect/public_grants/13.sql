/* dbvitals:public_grants */
with granted as (
  select 'database' as kind, d.datname::text as name, g.privilege_type
  from pg_catalog.pg_database as d
  cross join lateral pg_catalog.aclexplode(
    coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))
  ) as g
  where d.datname = pg_catalog.current_database() and g.grantee = 0
  union all
  select 'schema', n.nspname::text, g.privilege_type
  from pg_catalog.pg_namespace as n
  cross join lateral pg_catalog.aclexplode(n.nspacl) as g
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and g.grantee = 0
  union all
  select 'table', n.nspname || '.' || c.relname, g.privilege_type
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  cross join lateral pg_catalog.aclexplode(c.relacl) as g
  where c.relkind in ('r', 'm', 'p', 'v', 'f')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and g.grantee = 0
    -- What an extension grants on its own objects is its design.
    and not exists (
      select 1
      from pg_catalog.pg_depend as d
      where d.classid = 'pg_catalog.pg_class'::regclass
        and d.objid = c.oid
        and d.refclassid = 'pg_catalog.pg_extension'::regclass
        and d.deptype = 'e'
    )
)
select
  g.kind::text as kind,
  g.name::text as name,
  pg_catalog.array_agg(distinct g.privilege_type order by g.privilege_type)::text[] as privileges
from granted as g
group by g.kind, g.name
order by g.kind, g.name
limit 5000
