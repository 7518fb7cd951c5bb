/* dbvitals:roles */
select
  r.rolname::text as name,
  r.rolsuper::bool as is_superuser,
  r.rolcanlogin::bool as can_login,
  r.rolreplication::bool as can_replicate,
  r.rolbypassrls::bool as bypasses_row_security,
  r.rolcreaterole::bool as can_create_role,
  r.rolcreatedb::bool as can_create_database,
  r.rolconnlimit::int8 as connection_limit,
  case when pg_catalog.isfinite(r.rolvaliduntil) then r.rolvaliduntil end::timestamptz as valid_until,
  coalesce(r.rolconfig, '{}')::text[] as settings,
  coalesce(m.member_of, '{}')::text[] as member_of
from pg_catalog.pg_roles as r
left join (
  select a.member, pg_catalog.array_agg(g.rolname order by g.rolname) as member_of
  from pg_catalog.pg_auth_members as a
  join pg_catalog.pg_roles as g on g.oid = a.roleid
  group by a.member
) as m on m.member = r.oid
-- Names that begin so are reserved: the predefined roles, which nobody logs in as.
where r.rolname !~ '^pg_'
order by r.rolname
limit 20000
