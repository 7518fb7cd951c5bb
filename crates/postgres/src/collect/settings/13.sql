/* dbvitals:settings */
select
  s.name::text as name,
  coalesce(s.reset_val, s.setting, '')::text as value,
  s.unit::text as unit,
  s.vartype::text as kind,
  s.context::text as context,
  -- What we set for our own transaction hides where the value of new sessions comes from.
  case
    when s.source <> 'session' then s.source
    when exists (
      select 1
      from pg_catalog.pg_db_role_setting as r
      cross join lateral pg_catalog.unnest(r.setconfig) as c (line)
      where
        pg_catalog.lower(pg_catalog.split_part(c.line, '=', 1)) = pg_catalog.lower(s.name)
        and (r.setrole <> 0 or r.setdatabase <> 0)
        and (r.setrole = 0 or r.setrole = (
          select a.oid from pg_catalog.pg_roles as a where a.rolname = session_user
        ))
        and (r.setdatabase = 0 or r.setdatabase = (
          select d.oid from pg_catalog.pg_database as d
          where d.datname = pg_catalog.current_database()
        ))
    ) then 'database user'
    when s.reset_val is not distinct from s.boot_val then 'default'
    else 'configuration file'
  end::text as source,
  s.boot_val::text as boot_value,
  s.pending_restart::bool as pending_restart
from pg_catalog.pg_settings as s
order by s.name
limit 5000
