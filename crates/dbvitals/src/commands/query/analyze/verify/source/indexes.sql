/* dbvitals:copied_indexes */
select
  i.indrelid::int8 as table_oid,
  pg_catalog.pg_get_indexdef(i.indexrelid) as definition,
  i.indpred is null and i.indexprs is null as is_plain,
  array(
    select a.attname::text
    from pg_catalog.unnest(i.indkey::int2[]) with ordinality as p (number, place)
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = p.number
    where p.place <= i.indnkeyatts
    order by p.place
  ) as columns
from pg_catalog.pg_index as i
where i.indrelid = any ({oids}::oid[])
  and i.indisunique
  and i.indisvalid
  and i.indimmediate
  and not exists (
    select from pg_catalog.pg_constraint as k
    where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
  )
order by i.indexrelid
