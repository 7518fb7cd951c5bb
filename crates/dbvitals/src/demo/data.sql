-- About 1.2 million rows at scale 1. `:scale` stands for the scale.
set search_path = auction, public;
set synchronous_commit = off;
set work_mem = '64MB';
select setseed(0.42);

insert into users (email, name, country, settings, phone, created_at, last_login)
select 'user' || i || '@example.org', 'User ' || i, (array['DE','FR','US','JP','BR'])[1 + i % 5],
       '{"theme": "dark"}', case when i % 25 = 0 then '+49 30 ' || i end,
       timestamp '2024-01-01' + i * interval '30 seconds', now() - random() * interval '60 days'
from generate_series(1, (100000 * :scale)::int) i;

insert into auctions (seller_id, title, description, video_url, state, tags, starts_at, ends_at)
select 1 + (random() * (100000 * :scale - 1))::int, 'Lot ' || i, repeat(md5(i::text), 6),
       'https://video.example.org/' || md5(i::text), (array['open','closed','closed','cancelled'])[1 + i % 4],
       jsonb_build_object('category', i % 40, 'featured', i % 7 = 0),
       now() - random() * interval '90 days', now() + random() * interval '10 days'
from generate_series(1, (80000 * :scale)::int) i;

insert into bids (auction_id, user_id, amount, placed_at)
select 1 + (random() * (80000 * :scale - 1))::int, 1 + (random() * (100000 * :scale - 1))::int,
       (1 + random() * 900)::numeric(12,2), now() - random() * interval '90 days'
from generate_series(1, (520000 * :scale)::int) i;

insert into orders (auction_id, buyer_id, state, total, note, ordered_at)
select 1 + (random() * (80000 * :scale - 1))::int, 1 + (random() * (100000 * :scale - 1))::int, 'paid',
       (1 + random() * 900)::numeric(12,2), case when i % 50 = 0 then 'gift' end,
       now() - random() * interval '90 days'
from generate_series(1, (60000 * :scale)::int) i;

insert into payments (order_id, provider, amount, paid_at)
select 1 + (random() * (60000 * :scale - 1))::int, 'card', (random() * 900)::numeric::money, now()
from generate_series(1, (60000 * :scale)::int) i;

insert into notifications (user_id, kind, body, read_at, created_at)
select 1 + (random() * (100000 * :scale - 1))::int, (array['outbid','won','ending'])[1 + i % 3],
       'Lot ' || i || ' needs you', case when i % 10 > 0 then now() end, now() - random() * interval '30 days'
from generate_series(1, (150000 * :scale)::int) i;

insert into sessions (token, user_id, data, seen_at)
select md5(i::text), i, '{"cart": []}', now() - random() * interval '1 day'
from generate_series(1, (40000 * :scale)::int) i;

insert into audit_log (at, actor, action, details)
select now() - random() * interval '300 days', (random() * 1000)::int, 'update',
       jsonb_build_object('table', 'auctions', 'note', md5(i::text))
from generate_series(1, (180000 * :scale)::int) i;

insert into page_views (at, user_id, path)
select now() - random() * interval '30 days', i, '/lot/' || i from generate_series(1, (20000 * :scale)::int) i;

insert into import_batch select i, md5(i::text) from generate_series(1, 30000) i;   -- pg-never-analyzed

create index auctions_seller on auctions (seller_id);
create index auctions_by_seller on auctions (seller_id);              -- pg-duplicate-index
create index auctions_state on auctions (state);                      -- pg-redundant-index
create index auctions_state_ends on auctions (state, ends_at);
create index auctions_tags on auctions (tags);                        -- pg-btree-on-array-or-jsonb
create index auctions_description on auctions (description);          -- pg-unused-index
create index bids_auction on bids (auction_id, amount desc);
create index orders_auction on orders (auction_id);
create index orders_buyer on orders (buyer_id);
create index orders_note on orders (note);                            -- pg-index-mostly-null
create index payments_order on payments (order_id);
create index users_last_login on users (last_login);
create index sessions_seen on sessions (seen_at);
create index notifications_user on notifications (user_id);
create index notifications_kind on notifications (kind);              -- pg-index-on-low-cardinality

vacuum (analyze) users, auctions, bids, orders, payments, notifications, sessions, page_views;
analyze audit_log;
