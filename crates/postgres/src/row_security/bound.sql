with guarded as materialized (
  select
    c.oid,
    c.relowner,
    c.relnamespace,
    c.relforcerowsecurity,
    c.relkind,
    n.nspname,
    c.relname
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relrowsecurity
    and c.relkind in ('r', 'p')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and exists (select 1 from pg_catalog.pg_policy as p where p.polrelid = c.oid)
  order by c.relpages desc, c.oid
  limit 500
),
usable as materialized (
  select
    r.oid,
    r.rolname,
    r.rolcanlogin,
    exists (select 1 from pg_catalog.pg_auth_members as m where m.roleid = r.oid) as has_members,
    array(
      select s.setting
      from pg_catalog.pg_db_role_setting as d
      cross join lateral pg_catalog.unnest(d.setconfig) as s (setting)
      where d.setrole = r.oid
        and d.setdatabase in (
          0, (select o.oid from pg_catalog.pg_database as o where o.datname = pg_catalog.current_database())
        )
      order by d.setdatabase, s.setting
    ) as settings
  from pg_catalog.pg_roles as r
  where not r.rolsuper
    and not r.rolbypassrls
    and r.rolname !~ '^pg_'
),
bound as materialized (
  select
    g.*,
    r.oid as role_oid,
    r.rolname,
    r.rolcanlogin,
    r.has_members,
    r.settings,
    pg_catalog.has_any_column_privilege(r.oid, g.oid, 'SELECT') as may_select,
    pg_catalog.has_table_privilege(r.oid, g.oid, 'SELECT') as may_select_all,
    pg_catalog.has_any_column_privilege(r.oid, g.oid, 'INSERT') as may_insert,
    pg_catalog.has_any_column_privilege(r.oid, g.oid, 'UPDATE') as may_update,
    pg_catalog.has_table_privilege(r.oid, g.oid, 'DELETE') as may_delete
  from guarded as g
  cross join usable as r
  where (r.rolcanlogin or r.has_members or r.rolname::text in ('/* named */'))
    and (g.relforcerowsecurity or not pg_catalog.pg_has_role(r.oid, g.relowner, 'USAGE'))
    and pg_catalog.has_schema_privilege(r.oid, g.relnamespace, 'USAGE')
  order by g.oid, r.rolname
  limit 20000
)
select
  b.oid::int8 as table_oid,
  b.nspname::text as schema,
  b.relname::text as "table",
  pg_catalog.pg_get_userbyid(b.relowner)::text as owner,
  b.relkind::text as kind,
  pg_catalog.row_security_active(b.oid)::bool as binds_us,
  b.rolname::text as role,
  b.rolcanlogin::bool as can_login,
  b.has_members::bool as has_members,
  pg_catalog.pg_has_role(b.role_oid, '/* assume */')::bool as can_assume,
  b.may_select::bool as may_select,
  b.may_select_all::bool as may_select_all,
  b.may_insert::bool as may_insert,
  b.may_update::bool as may_update,
  b.may_delete::bool as may_delete,
  b.settings::text[] as settings,
  coalesce(pg_catalog.array_agg(p.polname::text order by p.polname) filter (where p.polpermissive), '{}')::text[]
    as permissive,
  coalesce(pg_catalog.array_agg(p.polname::text order by p.polname) filter (where not p.polpermissive), '{}')::text[]
    as restrictive
from bound as b
left join pg_catalog.pg_policy as p
  on p.polrelid = b.oid
  and p.polcmd in ('r', '*')
  and (
    p.polroles = '{0}'
    or exists (
      select 1
      from pg_catalog.unnest(p.polroles) as t (oid)
      where t.oid <> 0 and pg_catalog.pg_has_role(b.role_oid, t.oid, 'USAGE')
    )
  )
where b.may_select or b.may_insert or b.may_update or b.may_delete
group by
  b.oid, b.nspname, b.relname, b.relowner, b.relkind, b.role_oid, b.rolname, b.rolcanlogin, b.has_members,
  b.may_select, b.may_select_all, b.may_insert, b.may_update, b.may_delete, b.settings
order by b.nspname, b.relname, b.rolname
limit 20000
