/* dbvitals:statements_text_file */
select f.size::int8 as text_file_bytes
from pg_catalog.pg_stat_file('pg_stat_tmp/pgss_query_texts.stat', true) as f
limit 1
