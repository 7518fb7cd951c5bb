/* dbvitals:temp_files */
select
  pg_catalog.count(f.name)::int8 as files,
  coalesce(pg_catalog.sum(f.size), 0)::int8 as total_bytes,
  coalesce(pg_catalog.max(f.size), 0)::int8 as largest_bytes
from pg_catalog.pg_tablespace as t
cross join lateral pg_catalog.pg_ls_tmpdir(t.oid) as f
-- pg_global has no temporary files of its own: its listing repeats pg_default's.
where t.spcname <> 'pg_global'
limit 1
