//! Statements that are called often, some in a row, and none of them for the rows of a list.

use super::{Dice, Request, in_transaction, list, lookup, name};

/// The first of their tables.
const FROM: i32 = 20;

fn table(at: i32) -> String {
    format!("t{}", name(FROM + at))
}

/// Adds one round of requests: 12 hot lookups and two lists, 12 statements of batch workers, 6 asked of tenants one by
/// one, 10 in pools.
pub(super) fn all(requests: &mut Vec<Request>, dice: &mut Dice) {
    hot_lookups(requests, dice);
    batches(requests, dice);
    tenants(requests);
    pools(requests, dice);
}

/// Lookups that every page begins with, by themselves, in small numbers, or the same again.
fn hot_lookups(requests: &mut Vec<Request>, dice: &mut Dice) {
    let mut id = || dice.between(1, 200);
    for page in 0..6 {
        // Who is it, what may they do: then the page.
        let mut statements = vec![lookup(&table(0), id()), lookup(&table(1), id())];
        statements.push(list(&table(40), 5));
        statements.extend((0..page % 4).map(|_| lookup(&table(2), id())));
        requests.push(Request::on(page, in_transaction(statements)));
        // Called alone.
        requests.push(Request::on(page, vec![lookup(&table(3), id())]));
        requests.push(Request::on(page, vec![list(&table(41), 9), lookup(&table(4), id())]));
        // A page of four boxes.
        let boxes = (5..9).map(|at| lookup(&table(at), id()));
        requests.push(Request::on(page, in_transaction(boxes.collect())));
        // Settings: the same question again and again.
        requests.push(Request::on(page, vec![lookup(&table(9), 1); 8]));
        // Two or three rows of one kind.
        let few = (0..2 + page % 2).map(|_| lookup(&table(10), id()));
        requests.push(Request::on(page, few.collect()));
        // All at once already.
        let ids: Vec<String> = (0..20).map(|_| id().to_string()).collect();
        let at_once = format!("select name from {} where id in ({})", table(11), ids.join(", "));
        requests.push(Request::on(page, vec![list(&table(41), 20), at_once]));
    }
}

/// Workers that go through many rows.
fn batches(requests: &mut Vec<Request>, dice: &mut Dice) {
    let mut id = || dice.between(1, 200);
    for worker in 0..4 {
        let table = |at: i32| table(12 + at);
        // Read, decide, write, row by row.
        let mut work = vec![list(&table(0), 10)];
        for _ in 0..10 {
            // Each worker has rows of its own: none waits for another.
            let row = 50 * i32::try_from(worker).unwrap() + (id() + 3) / 4;
            work.push(lookup(&table(1), row));
            work.push(format!("update {} set state = 1 where id = {row}", table(1)));
        }
        requests.push(Request::on(worker, in_transaction(work)));
        // Insert what is not there.
        let mut work = vec![list(&table(2), 8)];
        for _ in 0..8 {
            work.push(lookup(&table(3), id()));
            work.push(format!("insert into {} values (201) on conflict do nothing", table(4)));
        }
        requests.push(Request::on(worker, work));
        // Page by page, by a number of rows and by the last key.
        let pages = (0..9).map(|page| format!("{} offset {}", list(&table(5), 20), page * 20));
        requests.push(Request::on(worker, in_transaction(pages.collect())));
        let key = |page: i32| {
            format!("select * from {} where id > {} order by id limit 20", table(6), page * 20)
        };
        requests.push(Request::on(worker, in_transaction((0..9).map(key).collect())));
        // A cursor.
        let mut cursor = vec![format!("declare c{worker} cursor for select * from {}", table(7))];
        cursor.extend((0..9).map(|_| format!("fetch 20 from c{worker}")));
        requests.push(Request::on(worker, in_transaction(cursor)));
        // A queue, a sequence, a lock for each job.
        let mut jobs = Vec::new();
        for job in 0..8 {
            jobs.push(format!("select pg_try_advisory_xact_lock({job})"));
            jobs.push(lookup(&table(8), job + 1));
            jobs.push(format!("delete from {} where id = {}", table(9), 1000 + job));
        }
        requests.push(Request::on(worker, in_transaction(jobs)));
    }
}

/// The same question in the schema of each tenant.
fn tenants(requests: &mut Vec<Request>) {
    for worker in 0..3 {
        let fan_out = |set: &dyn Fn(i32) -> String, ask: &dyn Fn(i32) -> String| -> Vec<String> {
            (0..8).flat_map(|tenant| [set(tenant), ask(tenant)]).collect()
        };
        let set = |tenant: i32| format!("set search_path = tenant_{tenant}");
        let open = |of: &'static str| {
            move |tenant: i32| format!("select count(*) from {of} where state = {}", tenant % 2)
        };
        let mut statements = fan_out(&set, &open("bills"));
        statements.push("reset search_path".to_owned());
        requests.push(Request::on(worker, statements));
        let call =
            |tenant: i32| format!("select set_config('search_path', 'tenant_{tenant}', true)");
        requests.push(Request::on(worker, in_transaction(fan_out(&call, &open("seats")))));
        let local = |tenant: i32| format!("set local search_path = tenant_{tenant}");
        let plan = |tenant: i32| lookup("plans", tenant + 1);
        requests.push(Request::on(worker, in_transaction(fan_out(&local, &plan))));
        // Each tenant in a transaction of its own.
        let each = (0..8).flat_map(|tenant| {
            in_transaction(vec![local(tenant), lookup("notes", tenant + 1), list("plans", 2)])
        });
        requests.push(Request::on(worker, each.collect()));
    }
}

/// Sessions that serve many clients, one statement or one transaction each.
fn pools(requests: &mut Vec<Request>, dice: &mut Dice) {
    let table = |at: i32| table(26 + at);
    for _ in 0..30 {
        // A request is a few statements, each on whatever session is free.
        let kind = dice.between(0, 7);
        let mut statements = vec![lookup(&table(0), dice.between(1, 200))];
        statements.push(list(&table(1 + kind), 5));
        if kind % 2 == 0 {
            statements.push(lookup(&table(9), dice.between(1, 200)));
        }
        requests.push(Request::pooled(statements));
    }
}
