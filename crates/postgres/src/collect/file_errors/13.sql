/* dbvitals:file_errors */
select
  coalesce(f.sourcefile, '')::text as file,
  f.sourceline::int8 as line,
  f.name::text as name,
  f.error::text as error
from pg_catalog.pg_show_all_file_settings() as f
where f.error is not null
order by f.seqno
limit 500
