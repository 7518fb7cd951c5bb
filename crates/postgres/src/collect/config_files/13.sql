/* dbvitals:config_files */
select
  f.kind::text as kind,
  f.path::text as path,
  (pg_catalog.pg_stat_file(f.path, true)).modification::timestamptz as modified_at
from (
  values
    ('config_file', pg_catalog.current_setting('config_file')),
    ('hba_file', pg_catalog.current_setting('hba_file')),
    ('auto_file', 'postgresql.auto.conf')
) as f (kind, path)
order by f.kind
limit 10
