/* dbvitals:copied_rest */
select
  'extension' as kind, e.extname::text as name, n.nspname::text as schema, '' as definition, null::text as extension
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
union all
select
  'operator', o.oid::pg_catalog.regoperator::text, n.nspname::text, '', e.extname::text
from pg_catalog.pg_operator as o
join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
left join pg_catalog.pg_depend as d
  on d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and d.objid = o.oid and d.deptype = 'e'
left join pg_catalog.pg_extension as e on e.oid = d.refobjid
where o.oid >= 16384 and o.oprname = any ({operators}::text[])
  and n.nspname = any ({path}::text[])
union all
select
  'cast',
  pg_catalog.format_type(c.castsource, null) || ' AS ' || pg_catalog.format_type(c.casttarget, null), '', '', null
from pg_catalog.pg_cast as c
where c.oid >= 16384
  and (c.castsource = any ({types}::oid[]) or c.casttarget = any ({types}::oid[]))
  and not exists (
    select from pg_catalog.pg_depend as d
    -- An extension's, or that of a range to its multirange.
    where d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('e', 'i')
  )
union all
select
  'collation',
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname),
  n.nspname::text,
  pg_catalog.format(
    'CREATE COLLATION %I.%I (PROVIDER = %s, %s, DETERMINISTIC = %s)',
    n.nspname,
    l.collname,
    case l.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
    case
      when l.collprovider in ('i', 'b')
      then 'LOCALE = ' || pg_catalog.quote_literal(
        coalesce(
          pg_catalog.to_jsonb(l) ->> 'colllocale', pg_catalog.to_jsonb(l) ->> 'colliculocale', l.collcollate::text
        )
      )
      else pg_catalog.format('LC_COLLATE = %L, LC_CTYPE = %L', l.collcollate, l.collctype)
    end,
    l.collisdeterministic
  ),
  null
from pg_catalog.pg_collation as l
join pg_catalog.pg_namespace as n on n.oid = l.collnamespace
where l.oid >= 16384
  and (
    l.oid in (
      select a.attcollation from pg_catalog.pg_attribute as a where a.attrelid = any ({oids}::oid[])
    )
    or l.oid in (select t.typcollation from pg_catalog.pg_type as t where t.oid = any ({types}::oid[]))
  )
