//! Ten lists with one more statement for each of their rows, as frameworks and people write them.

use super::{Dice, Request, in_transaction, list, lookup, name};

/// Adds one round of requests; gives the tables of each list and of what is asked for its rows.
pub(super) fn all(requests: &mut Vec<Request>, dice: &mut Dice) -> Vec<(String, String)> {
    let table = |at: i32| format!("t{}", name(at));
    let mut truth = Vec::new();
    let mut pair = |list: i32, lookup: i32| {
        let names = (table(list), table(lookup));
        truth.push(names.clone());
        names
    };
    let mut rows = |low, high| -> Vec<i32> {
        let number = dice.between(low, high);
        (0..number).map(|_| dice.between(1, 200)).collect()
    };

    // An object mapper within its transaction.
    let (posts, authors) = pair(0, 1);
    let ids = rows(6, 20);
    requests.push(Request::on(0, in_transaction(each(&posts, &ids, &[&authors]))));

    // The same by the extended protocol.
    let (orders, customers) = pair(2, 3);
    let ids = rows(6, 20);
    requests.push(Request::on(1, in_transaction(each(&orders, &ids, &[&customers]))).prepared());

    // Each statement a transaction of its own.
    let (carts, prices) = pair(4, 5);
    let ids = rows(6, 15);
    requests.push(Request::on(2, each(&carts, &ids, &[&prices])));

    // Two things for each row, in turn, each statement by itself.
    let (trips, drivers) = pair(6, 7);
    let (_, cars) = pair(6, 8);
    let ids = rows(6, 15);
    requests.push(Request::on(3, each(&trips, &ids, &[&drivers, &cars])).prepared());

    // Short lists.
    let (rooms, guests) = pair(9, 10);
    let ids = rows(5, 7);
    requests.push(Request::on(4, in_transaction(each(&rooms, &ids, &[&guests]))));

    // For each row of each row.
    let (forums, threads) = pair(11, 12);
    let (_, answers) = pair(12, 13);
    let mut statements = vec![list(&forums, 6)];
    for thread in rows(6, 8) {
        statements.push(lookup(&threads, thread));
        statements.extend(rows(2, 4).iter().map(|id| lookup(&answers, *id)));
    }
    requests.push(Request::on(5, in_transaction(statements)));

    // A repository that opens a transaction for each call.
    let (bins, parts) = pair(14, 15);
    let ids = rows(6, 12);
    let calls = each(&bins, &ids, &[&parts]).into_iter().map(|call| in_transaction(vec![call]));
    requests.push(Request::on(0, calls.flatten().collect()));

    // Rows that are known already are not asked for again, and the lookup is called by itself as well.
    let (mails, senders) = pair(16, 17);
    let ids: Vec<i32> = rows(10, 20).into_iter().filter(|id| id % 3 > 0).chain(1..6).collect();
    let mut statements = vec![lookup(&table(77), 1), list(&table(78), 3)];
    statements.extend(each(&mails, &ids, &[&senders]));
    statements.push(lookup(&table(79), 9));
    requests.push(Request::on(1, in_transaction(statements)));
    requests.push(Request::on(2, vec![lookup(&senders, 7)]));
    truth
}

/// A list, and lookups for each of its rows.
fn each(of: &str, ids: &[i32], lookups: &[&str]) -> Vec<String> {
    let mut statements = vec![list(of, i32::try_from(ids.len()).unwrap())];
    for id in ids {
        statements.extend(lookups.iter().map(|table| lookup(table, *id)));
    }
    statements
}
