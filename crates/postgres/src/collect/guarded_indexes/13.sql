/* dbvitals:guarded_indexes */
select
  x.oid::int8 as oid,
  c.oid::int8 as table_oid,
  n.nspname::text as schema,
  x.relname::text as name,
  c.relname::text as "table",
  am.amname::text as method,
  a.attname::text as first_column,
  coalesce(s.operators, '{}')::text[] as operators,
  case when a.attname is not null then s.is_leakproof end::bool as is_leakproof,
  (i.indisprimary or i.indisunique or i.indisexclusion)::bool as is_constraint,
  pg_catalog.pg_stat_get_numscans(x.oid)::int8 as scans
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_index as i on i.indrelid = c.oid and i.indisvalid
join pg_catalog.pg_class as x on x.oid = i.indexrelid
join pg_catalog.pg_am as am on am.oid = x.relam
join pg_catalog.pg_opclass as o on o.oid = i.indclass[0]
left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0] and a.attnum > 0
left join lateral (
  select
    pg_catalog.array_agg(distinct w.oprname::text order by w.oprname::text) as operators,
    pg_catalog.bool_or(f.proleakproof) as is_leakproof
  from pg_catalog.pg_amop as m
  join pg_catalog.pg_operator as w on w.oid = m.amopopr
  join pg_catalog.pg_proc as f on f.oid = w.oprcode
  where m.amopfamily = o.opcfamily
    and m.amoplefttype = o.opcintype
    and m.amoppurpose = 's'
    -- Of a B-tree, equality between values of its own type.
    and (am.amname <> 'btree' or (m.amopstrategy = 3 and m.amoprighttype = o.opcintype))
) as s on true
where c.relrowsecurity
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
  and exists (select 1 from pg_catalog.pg_policy as p where p.polrelid = c.oid)
order by n.nspname, c.relname, x.relname
limit 5000
