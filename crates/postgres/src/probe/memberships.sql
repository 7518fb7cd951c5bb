/* dbvitals:memberships */
select rolname as name
from pg_catalog.pg_roles
where rolname like 'pg\_%' and pg_catalog.pg_has_role(oid, 'USAGE')
order by rolname
