/* dbvitals:passwords */
select
  r.rolname::text as role,
  case
    when r.rolpassword is null then 'none'
    when r.rolpassword ~ '^md5[0-9a-f]{32}$' then 'md5'
    when r.rolpassword like 'SCRAM-SHA-256$%' then 'scram-sha-256'
    else 'other'
  end::text as kind
from pg_catalog.pg_authid as r
where r.rolcanlogin
order by r.rolname
limit 20000
