/* dbvitals:settings */
select
  s.name::text as name,
  coalesce(s.reset_val, s.setting, '')::text as value,
  s.unit::text as unit,
  s.vartype::text as kind,
  s.context::text as context,
  s.source::text as source,
  s.boot_val::text as boot_value,
  s.pending_restart::bool as pending_restart
from pg_catalog.pg_settings as s
order by s.name
limit 5000
