/* dbvitals:hba */
select
  h.line_number::int8 as line,
  coalesce(h.type, '')::text as kind,
  coalesce(h.database, '{}')::text[] as databases,
  coalesce(h.user_name, '{}')::text[] as users,
  h.address::text as address,
  h.netmask::text as netmask,
  coalesce(h.auth_method, '')::text as method,
  h.error::text as error
from pg_catalog.pg_hba_file_rules() as h
order by h.line_number
limit 5000
