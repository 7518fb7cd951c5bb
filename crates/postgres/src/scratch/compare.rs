//! Two statements on the same data: do they yield, and leave, the same rows?

use super::{STATEMENT, Scratch};
use crate::Error;

/// Two statements that are said to be equivalent.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The one.
    pub before: &'a str,
    /// The other.
    pub after: &'a str,
    /// A literal for each parameter.
    pub values: &'a [String],
    /// Tables that are compared afterwards, too: what the statements may change.
    pub written: &'a [String],
    /// Executed before each of them: what no rolling back takes back.
    pub resets: &'a [String],
}

/// What a statement yielded and left, in any order; or what the server refused it for.
pub type Seen = Result<Vec<String>, String>;

/// What comparing showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The same rows, so many; none where both were refused for the same reason.
    Same(Seen),
    /// Different rows, or only one was refused.
    Different(Seen, Seen),
    /// The first statement alone yields something else each time.
    Unsteady,
}

impl Scratch {
    /// Executes both on the data that is there, in a transaction that is rolled back.
    pub async fn compare(&mut self, pair: &Pair<'_>) -> Result<Compared, Error> {
        self.say("BEGIN; SAVEPOINT dbvitals").await?;
        let compared = self.compared(pair).await;
        self.say("ROLLBACK").await?;
        compared
    }

    async fn compared(&mut self, pair: &Pair<'_>) -> Result<Compared, Error> {
        let before = self.seen(pair.before, pair).await?;
        let after = self.seen(pair.after, pair).await?;
        if before == after {
            return Ok(Compared::Same(before));
        }
        let again = self.seen(pair.before, pair).await?;
        Ok(if again == before { Compared::Different(before, after) } else { Compared::Unsteady })
    }

    async fn say(&mut self, sql: &str) -> Result<(), Error> {
        self.session.rows_of(sql, STATEMENT).await.map(|_| ())
    }

    /// The outer error means that nothing more can be asked.
    async fn seen(&mut self, text: &str, pair: &Pair<'_>) -> Result<Seen, Error> {
        let mut is_prepared = false;
        let seen = self.rows(text, pair, &mut is_prepared).await;
        let seen = match seen {
            Ok(rows) => Ok(rows),
            Err(error) => {
                let Some(code) = error.sqlstate().map(str::to_owned) else { return Err(error) };
                // A time limit says nothing about the rows.
                if error.is_lost() || error.is_timeout() {
                    if is_prepared {
                        let forget =
                            "ROLLBACK TO SAVEPOINT dbvitals; DEALLOCATE dbvitals_statement";
                        self.say(forget).await.ok();
                    }
                    return Err(error);
                }
                Err(code)
            }
        };
        // By name: the driver keeps prepared statements of its own, to look up types.
        let forget = if is_prepared { "; DEALLOCATE dbvitals_statement" } else { "" };
        self.say(&format!("ROLLBACK TO SAVEPOINT dbvitals{forget}")).await?;
        Ok(seen)
    }

    async fn rows(
        &mut self,
        text: &str,
        pair: &Pair<'_>,
        is_prepared: &mut bool,
    ) -> Result<Vec<String>, Error> {
        if !pair.resets.is_empty() {
            self.say(&pair.resets.join("; ")).await?;
        }
        let mut rows = if pair.values.is_empty() {
            self.session.rows_of(text, STATEMENT).await?
        } else {
            self.say(&format!("PREPARE dbvitals_statement AS {text}")).await?;
            *is_prepared = true;
            let execute = format!("EXECUTE dbvitals_statement({})", pair.values.join(", "));
            self.session.rows_of(&execute, STATEMENT).await?
        };
        let mut all = sorted(&mut rows, "");
        for table in pair.written {
            let mut left =
                self.session.rows_of(&format!("SELECT * FROM {table}"), STATEMENT).await?;
            all.extend(sorted(&mut left, &format!("{table} then holds ")));
        }
        Ok(all)
    }
}

fn sorted(rows: &mut [Vec<Option<String>>], lead: &str) -> Vec<String> {
    rows.sort();
    let cell = |cell: &Option<String>| {
        cell.clone().map_or_else(|| "NULL".to_owned(), |text| format!("'{text}'"))
    };
    let row = |row: &Vec<Option<String>>| {
        format!("{lead}({})", row.iter().map(cell).collect::<Vec<_>>().join(", "))
    };
    rows.iter().map(row).collect()
}
