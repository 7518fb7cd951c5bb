/* dbvitals:copied_types */
with recursive named (schema, name) as (
  select nullif(n.schema, ''), n.name
  from rows from (pg_catalog.unnest({schemas}::text[]), pg_catalog.unnest({names}::text[])) as n (schema, name)
),
needed (oid) as (
  select s.oid
  from (
    select s.oid from pg_catalog.unnest({oids}::oid[]) as s (oid)
    union all
    select t.oid
    from named as m
    join pg_catalog.pg_type as t on t.typname = m.name
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where case when m.schema is null then n.nspname = any ({path}::text[]) else n.nspname = m.schema end
  ) as s
  union
  select p.oid
  from needed as d
  join pg_catalog.pg_type as t on t.oid = d.oid
  cross join lateral (
    select t.typelem as oid where t.typcategory = 'A'
    union all
    select t.typbasetype
    union all
    select a.atttypid
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind = 'c'
    where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    union all
    select r.rngsubtype from pg_catalog.pg_range as r where r.rngtypid = t.oid
    union all
    -- Multiranges came with 14.
    select r.rngtypid
    from pg_catalog.pg_range as r
    where (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid
  ) as p
  where p.oid <> 0
)
select
  t.oid::int8 as oid,
  n.nspname::text as schema,
  t.typname::text as name,
  pg_catalog.format_type(t.oid, null) as type_name,
  t.typtype::text as kind,
  (t.oid >= 16384 and e.extname is null) as is_own,
  t.typcategory = 'A' as is_array,
  e.extname::text as extension,
  coalesce(
    case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end,
    pg_catalog.format_type(r.rngsubtype, null),
    pg_catalog.format_type(m.rngtypid, null)
  ) as of,
  array(
    select v.enumlabel::text from pg_catalog.pg_enum as v where v.enumtypid = t.oid order by v.enumsortorder
  ) as labels,
  array(
    select a.attname::text from pg_catalog.pg_attribute as a
    where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
  ) as attributes,
  array(
    select pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute as a
    where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
  ) as attribute_types,
  array(
    select pg_catalog.pg_get_constraintdef(k.oid) from pg_catalog.pg_constraint as k
    where k.contypid = t.oid and k.contype = 'c' and k.convalidated order by k.conname
  ) as checks,
  t.typnotnull as is_not_null,
  case
    when t.typtype = 'd' and t.typcollation <> b.typcollation
    then pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname)
  end as collation,
  case
    when r.rngtypid is not null and t.oid >= 16384
    then pg_catalog.format_type((pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid, null)
  end as multirange,
  (c.oid is not null and c.relkind <> 'c') as is_row,
  coalesce(r.rngcanonical::oid <> 0, false) as is_canonical
from needed as d
join pg_catalog.pg_type as t on t.oid = d.oid
join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
left join pg_catalog.pg_type as b on b.oid = t.typbasetype
left join pg_catalog.pg_collation as l on l.oid = t.typcollation
left join pg_catalog.pg_namespace as ln on ln.oid = l.collnamespace
left join pg_catalog.pg_class as c on c.oid = t.typrelid
left join pg_catalog.pg_range as r on r.rngtypid = t.oid
left join pg_catalog.pg_range as m on (pg_catalog.to_jsonb(m) ->> 'rngmultitypid')::oid = t.oid
-- An array belongs to the extension of its element.
left join pg_catalog.pg_depend as x
  on x.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and x.deptype = 'e'
  and x.objid = case when t.typcategory = 'A' then t.typelem else t.oid end
left join pg_catalog.pg_extension as e on e.oid = x.refobjid
order by t.oid
limit 500
