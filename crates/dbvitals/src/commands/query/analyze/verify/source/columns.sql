/* dbvitals:copied_columns */
select
  a.attrelid::int8 as table_oid,
  a.attname::text as name,
  a.atttypid::int8 as type_oid,
  pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name,
  -- One that was added as NOT VALID (18) holds for new rows only.
  (
    a.attnotnull and not exists (
      select from pg_catalog.pg_constraint as k
      where k.conrelid = a.attrelid and k.contype = 'n' and not k.convalidated and a.attnum = any (k.conkey)
    )
  ) as is_not_null,
  a.attgenerated::text as generated,
  a.attidentity::text as identity,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) as value,
  case
    when a.attcollation <> t.typcollation
    then pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname)
  end as collation
from pg_catalog.pg_attribute as a
join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join pg_catalog.pg_collation as l on l.oid = a.attcollation
left join pg_catalog.pg_namespace as n on n.oid = l.collnamespace
where a.attrelid = any ({oids}::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
