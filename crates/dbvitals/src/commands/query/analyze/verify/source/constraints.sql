/* dbvitals:copied_constraints */
select
  k.conrelid::int8 as table_oid,
  k.conname::text as name,
  k.contype::text as kind,
  pg_catalog.pg_get_constraintdef(k.oid) as definition,
  pg_catalog.pg_get_expr(k.conbin, k.conrelid) as expression,
  array(
    select a.attname::text
    from pg_catalog.unnest(k.conkey) with ordinality as p (number, place)
    join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = p.number
    order by p.place
  ) as columns,
  nullif(k.confrelid, 0)::int8 as referenced_oid,
  array(
    select a.attname::text
    from pg_catalog.unnest(k.confkey) with ordinality as p (number, place)
    join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = p.number
    order by p.place
  ) as referenced,
  -- WITHOUT OVERLAPS and NOT ENFORCED came with 18.
  coalesce(pg_catalog.to_jsonb(k) ->> 'conperiod' = 'true', false) as is_period
from pg_catalog.pg_constraint as k
where k.conrelid = any ({oids}::oid[])
  and k.contype in ('p', 'u', 'c', 'f')
  and k.convalidated
  and not k.condeferrable
  and pg_catalog.to_jsonb(k) ->> 'conenforced' is distinct from 'false'
order by k.conrelid, k.contype desc, k.conname
