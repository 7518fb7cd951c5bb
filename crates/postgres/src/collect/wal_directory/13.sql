/* dbvitals:wal_directory */
select
  d.files::int8 as files,
  d.size_bytes::int8 as size_bytes,
  s.ready_to_archive::int8 as ready_to_archive
from (
  select
    pg_catalog.count(*) filter (where f.name ~ '^[0-9A-F]{24}$') as files,
    coalesce(pg_catalog.sum(f.size), 0) as size_bytes
  from pg_catalog.pg_ls_waldir() as f
) as d
cross join (
  select pg_catalog.count(*) filter (where f.name like '%.ready') as ready_to_archive
  from pg_catalog.pg_ls_archive_statusdir() as f
) as s
limit 1
