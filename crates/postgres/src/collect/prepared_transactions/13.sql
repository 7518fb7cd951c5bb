/* dbvitals:prepared_transactions */
select
  p.gid::text as gid,
  p.owner::text as owner,
  p.database::text as database,
  p.prepared::timestamptz as prepared_at,
  pg_catalog.age(p.transaction)::int8 as xid_age
from pg_catalog.pg_prepared_xacts as p
order by p.prepared
limit 1000
