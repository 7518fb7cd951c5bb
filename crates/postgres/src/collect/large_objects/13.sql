/* dbvitals:large_objects */
select
  -- Counted so far and no further.
  (
    select pg_catalog.count(*)
    from (select 1 from pg_catalog.pg_largeobject_metadata as m limit 1000000) as m
  )::int8 as count,
  -- Columns that may refer to one are looked for where there is any.
  (
    select pg_catalog.count(*)
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where (select pg_catalog.count(*) from (select 1 from pg_catalog.pg_largeobject_metadata limit 1) as m) > 0
      and (t.oid = 'oid'::regtype or t.typname = 'lo')
      and a.attnum > 0
      and not a.attisdropped
      and c.relkind in ('r', 'm', 'p')
      and n.nspname !~ '^pg_'
      and n.nspname <> 'information_schema'
  )::int8 as referring_columns
limit 1
