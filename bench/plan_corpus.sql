-- ok-by-key: a row by its key
select o_orderkey, o_totalprice, o_orderdate from orders where o_orderkey = $1;
-- ok-by-parent: the lines of one order
select * from lineitem where l_orderkey = $1 order by l_linenumber;
-- ok-join-by-key: one order with its customer
select o.o_orderkey, c.c_name from orders o join customer c on c.c_custkey = o.o_custkey where o.o_orderkey = $1;
-- ok-recent-of-customer: a list cut short, found by an index where there is one
select o_orderkey, o_orderdate from orders where o_custkey = $1 order by o_orderdate desc limit 20;
-- ok-many-by-key: many rows at once
select * from customer where c_custkey = any($1);
-- ok-exists: customers with an order, by their keys
select c_custkey from customer c where c_custkey between $1 and $1 + 100 and exists (select from orders o where o.o_custkey = c.c_custkey);
-- ok-left-join: wanted with those that have none
select c.c_custkey, count(o.o_orderkey) from customer c left join orders o on o.o_custkey = c.c_custkey where c.c_nationkey = 3 and c.c_custkey < 500 group by c.c_custkey;
-- ok-report: a report that must read everything
select l_returnflag, count(*), sum(l_extendedprice) from lineitem group by l_returnflag;
-- ok-cte: a name for a subquery
with recent as (select * from orders where o_orderdate >= date '1998-07-01') select c_name, o_totalprice from recent join customer on c_custkey = o_custkey order by o_totalprice desc limit 10;
-- ok-union-all: two reads put together
select o_orderkey from orders where o_orderkey < 100 union all select l_orderkey from lineitem where l_orderkey < 50;
-- ok-window: the last order of each customer of a range
select * from (select o_custkey, o_orderkey, row_number() over (partition by o_custkey order by o_orderdate desc) as n from orders where o_custkey between 100 and 200) as x where n = 1;
-- ok-lateral: the last three orders of some customers
select c.c_name, last.* from customer c cross join lateral (select o_orderkey, o_orderdate from orders where o_custkey = c.c_custkey order by o_orderdate desc limit 3) as last where c.c_custkey in (1, 2, 4, 5);
-- ok-update: one row by its key
select c_custkey from customer where c_custkey = 17 for update;
-- ok-not-exists: what nobody ordered
select count(*) from part p where not exists (select from lineitem l where l.l_partkey = p.p_partkey);
-- ok-distinct: where it is needed
select distinct c_nationkey, c_mktsegment from customer;
-- ok-next-page: by key, not by offset
select o_orderkey from orders where (o_orderdate, o_orderkey) > (date '1995-01-01', 100) order by o_orderdate, o_orderkey limit 50;
-- ok-small-in: some rows of some customers
select * from orders where o_custkey in (1, 4, 7, 10) and o_orderstatus = 'O';
-- ok-recursive: numbers
with recursive n (i) as (select 1 union all select i + 1 from n where i < 100) select sum(i) from n;
-- bad-function: a function hides the column
select count(*) from orders where extract(year from o_orderdate) = 1996 and extract(month from o_orderdate) = 2;
-- bad-cast: a cast hides the key
select * from orders where o_orderkey::text = '4711';
-- bad-offset: pages by offset
select * from orders order by o_orderkey offset 150000 limit 20;
-- bad-not-in: NULL in the subquery would empty the result
select count(*) from customer where c_custkey not in (select o_custkey from orders);
-- bad-count: counts to see whether there are any
select c_custkey from customer c where (select count(*) from orders o where o.o_custkey = c.c_custkey) > 0 and c_custkey < 3000;
-- bad-union: sorts for nothing
select o_orderkey, 'a' as k from orders where o_orderstatus = 'F' union select o_orderkey, 'b' from orders where o_orderstatus = 'O';
-- bad-having: a condition on a group's key after grouping
select o_custkey, count(*) from orders group by o_custkey having o_custkey between 10 and 20;
-- bad-or-across: a condition over two tables
select count(*) from orders o join customer c on o.o_custkey = c.c_custkey or o.o_clerk = c.c_name where o.o_orderkey < 2000;
-- bad-select-scan: looks for a rare value without an index
select * from lineitem where l_comment = 'no such comment';
-- bad-sort-spill: sorts everything
select * from lineitem order by l_comment, l_extendedprice;
-- bad-like: a pattern that begins with anything
select count(*) from part where p_name like '%green%';
-- bad-left-join: the outer join is undone by the condition
select o.o_orderkey from customer c left join orders o on o.o_custkey = c.c_custkey where o.o_totalprice > 400000;
-- bad-distinct-key: distinct over a key
select distinct o_orderkey, o_custkey from orders where o_custkey < 100;
-- bad-subplan: asked for each row
select c_custkey, (select max(o_totalprice) from orders o where o.o_custkey = c.c_custkey) from customer c where c_nationkey = 7;
