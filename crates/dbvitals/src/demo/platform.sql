-- A video-auction platform as it grew: mostly sound, with the habits and accidents that real ones have.
-- Problems are marked with the check that should find them.

create schema auction;
set search_path = auction, public;

create table users (
    id bigint generated always as identity primary key,
    email text not null unique,
    name text not null,
    country char(2) not null,                      -- pg-column-type-char-n
    settings json not null,                        -- pg-column-type-json
    phone text,
    created_at timestamp not null,                 -- pg-column-type-timestamp-without-time-zone
    last_login timestamptz
);

create table auctions (
    id bigint generated always as identity primary key,
    seller_id bigint not null references users,
    title text not null,
    description text not null,
    video_url text not null,
    state text not null,
    tags jsonb not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null
);

create table bids (
    id serial primary key,                         -- pg-column-type-serial
    auction_id bigint not null references auctions,
    user_id bigint not null references users,      -- pg-foreign-key-without-index
    amount numeric(12,2) not null,
    placed_at timestamptz not null
);

create table orders (
    id bigint generated always as identity primary key,
    auction_id bigint not null references auctions,
    buyer_id bigint not null references users,
    state text not null,
    total numeric(12,2) not null,
    note text,
    ordered_at timestamptz not null
);

create table payments (
    id bigint generated always as identity primary key,
    order_id integer not null references orders,   -- pg-foreign-key-type-mismatch
    provider text not null,
    amount money not null,                         -- pg-column-type-money
    paid_at timestamptz not null
);

create table notifications (
    id bigint generated always as identity primary key,
    user_id bigint not null,
    kind text not null,
    body text not null,
    read_at timestamptz,
    created_at timestamptz not null
);

create unlogged table sessions (                   -- pg-unlogged-table
    token text primary key,
    user_id bigint not null,
    data jsonb not null,
    seen_at timestamptz not null
);

create table audit_log (                           -- pg-table-without-primary-key
    at timestamptz not null,
    actor bigint not null,
    action text not null,
    details jsonb not null
) with (autovacuum_enabled = off);                 -- pg-autovacuum-disabled

create table page_views (
    at timestamptz not null,
    user_id bigint,
    path text not null
) partition by range (at);
create table page_views_2020 partition of page_views for values from ('2020-01-01') to ('2021-01-01');
create table page_views_rest partition of page_views default;

create table import_batch (line bigint, payload text) with (autovacuum_enabled = off);
