//! Runs what is called equivalent beside the original, on generated data in a database of its own.

mod copy;
mod example;
mod making;
mod source;
#[cfg(test)]
mod tests;

use dbvitals_model::statement::{RewriteAdvice, Verification};
use dbvitals_postgres::{
    Error, Session,
    scratch::{Compared, Described, Pair, Place, Scratch},
};
use dbvitals_query::{
    Statement,
    verify::{self, Dice, Pools, Table},
};

use self::{copy::Copied, source::Source};
use super::rewrites::Known;
use crate::{output::talk, problem::Problem};

/// The data follow from it.
const SEED: u64 = 1;

/// Contents of the tables that are tried.
const ROUNDS: usize = 40;

/// Makes the database.
pub(super) async fn open(place: &Place) -> Result<Scratch, Problem> {
    let opened = place.open().await.map_err(|error| {
        let why = error.unavailable();
        let detail = format!("no database can be made for --verify: {}", why.detail);
        if error.sqlstate().is_some() {
            Problem::usage(detail).hint(
                "name a server with --scratch, as a role that may create databases (CREATEDB)",
            )
        } else {
            Problem::unreachable(detail)
                .hint(why.remedy.unwrap_or_else(|| "check --scratch".to_owned()))
        }
    });
    for name in opened.iter().flat_map(Scratch::swept) {
        talk(&format!("dropped {name}: a run that was killed had left it on the scratch server"));
    }
    opened
}

/// Drops the database, whatever became of the looking.
pub(super) async fn removed<T>(place: &Place, looked: Result<T, Problem>) -> Result<T, Problem> {
    match place.remove().await {
        Ok(()) => looked,
        Err(error) => Err(Problem::unreachable(format!(
            "the scratch database {} could not be dropped: {error}",
            place.name()
        ))
        .hint(format!("drop it by hand: DROP DATABASE IF EXISTS {} WITH (FORCE)", place.name()))),
    }
}

/// Verifies the rewrites of a statement that are called equivalent. What is refuted is no longer.
pub(super) async fn verify(
    scratch: &mut Scratch,
    session: &mut Session,
    text: &str,
    statement: &Statement,
    known: &Known<'_>,
    advice: &mut [RewriteAdvice],
) {
    let proved: Vec<&mut RewriteAdvice> =
        advice.iter_mut().filter(|advice| advice.is_equivalent && advice.text.is_some()).collect();
    if proved.is_empty() {
        return;
    }
    let trial = match copied(scratch, session, statement, known).await {
        Ok(copied) => Trial::new(scratch, text, statement, copied).await,
        Err(trouble) => Err(trouble),
    };
    match trial {
        Ok(mut trial) => trial.judge(proved).await,
        Err(trouble) => {
            for advice in proved {
                let told = Verification { trouble: Some(trouble.clone()), ..fresh(scratch) };
                advice.verification = Some(told);
            }
        }
    }
}

/// What has to be made for a statement; the error says why it is not executed.
async fn copied(
    scratch: &Scratch,
    session: &mut Session,
    statement: &Statement,
    known: &Known<'_>,
) -> Result<Copied, String> {
    if !verify::is_comparable(statement) {
        return Err("it is neither a query nor does it change rows of a table".to_owned());
    }
    let source = Source::of(session, statement).await?;
    // What the database's own functions do is told first: it says more than that they are not known.
    let copied = Copied::new(&source, statement, known, scratch.major())?;
    match verify::unsteady_call(statement, known) {
        Some(name) => Err(format!(
            "{name} is not known to be steady, so the statement is not executed: it may do something elsewhere"
        )),
        None => Ok(copied),
    }
}

fn fresh(scratch: &Scratch) -> Verification {
    Verification {
        server: format!("PostgreSQL {}", scratch.version()),
        seed: SEED,
        ..Verification::default()
    }
}

/// A statement that can be executed, with the tables it needs.
struct Trial<'a> {
    scratch: &'a mut Scratch,
    text: &'a str,
    tables: Vec<Table>,
    /// What it may change.
    written: Vec<String>,
    /// What numbers rows anew before each run.
    resets: Vec<String>,
    described: Described,
    pools: Pools,
    /// Its rows follow from the data alone.
    is_determined: bool,
}

impl<'a> Trial<'a> {
    /// Makes the tables. The error says why the statement cannot be executed.
    async fn new(
        scratch: &'a mut Scratch,
        text: &'a str,
        statement: &Statement,
        copied: Copied,
    ) -> Result<Self, String> {
        making::make(scratch, &copied).await?;
        let described = scratch.describe(text).await.map_err(|error| {
            format!("the statement is refused where only its tables are: {error}")
        })?;
        let pools = making::pools(scratch, &copied, &described).await?;
        let tables = copied.tables;
        let written = if verify::writes(statement) {
            tables.iter().map(Table::identifier).collect()
        } else {
            Vec::new()
        };
        let resets = making::resets(&tables);
        // Which row gets which number does not follow either.
        let is_determined = verify::is_determined(statement) && resets.is_empty();
        Ok(Self { scratch, text, tables, written, resets, described, pools, is_determined })
    }

    /// Compares each rewrite with the statement, on the same data for all.
    async fn judge(&mut self, advice: Vec<&mut RewriteAdvice>) {
        let mut seen: Vec<(Verification, &mut RewriteAdvice)> = Vec::with_capacity(advice.len());
        for advice in advice {
            let mut told = fresh(self.scratch);
            let text = advice.text.as_deref().unwrap_or_default();
            match self.scratch.describe(text).await {
                Ok(described) if described == self.described => {}
                Ok(described) => {
                    told.counterexample = Some(example::of_columns(&self.described, &described));
                }
                Err(error) => {
                    told.counterexample =
                        Some(format!("the server refuses the rewritten statement: {error}"));
                }
            }
            seen.push((told, advice));
        }
        let mut dice = Dice::new(SEED);
        for number in 0..ROUNDS {
            let parameters = &self.described.parameters;
            let round = verify::round(number, &self.tables, parameters, &self.pools, &mut dice);
            let filled = self.scratch.run(&round.statements(&self.tables)).await;
            for (told, advice) in &mut seen {
                if told.counterexample.is_some() || told.trouble.is_some() {
                    continue;
                }
                let text = advice.text.clone().unwrap_or_default();
                let compared = match &filled {
                    Ok(()) => self.compare(&text, &round.values).await,
                    Err(error) => Err(error.clone()),
                };
                self.note(compared, told, &text, &round).await;
            }
        }
        for (told, advice) in seen {
            conclude(told, advice);
        }
    }

    async fn compare(&mut self, text: &str, values: &[String]) -> Result<Compared, Error> {
        let pair = Pair {
            before: self.text,
            after: text,
            values,
            written: &self.written,
            resets: &self.resets,
        };
        self.scratch.compare(&pair).await
    }

    async fn note(
        &mut self,
        compared: Result<Compared, Error>,
        told: &mut Verification,
        text: &str,
        round: &verify::Round,
    ) {
        match compared {
            Ok(Compared::Same(Ok(rows))) => {
                told.comparisons += 1;
                told.with_rows += u32::from(!rows.is_empty());
            }
            // Both were refused for the same reason; that says something only where it is not always so.
            Ok(Compared::Same(Err(_))) => {}
            Ok(Compared::Unsteady) => {
                told.trouble = Some("the statement yields something else each time".to_owned());
            }
            Ok(Compared::Different(..)) if !self.is_determined => {
                told.trouble = Some(
                    "which rows the statement yields does not follow from the data alone: a limit, a window or an \
                     aggregate depends on an order that nothing settles"
                        .to_owned(),
                );
            }
            Ok(Compared::Different(before, after)) => {
                let found = self.smaller(text, round, (before, after)).await;
                told.counterexample = Some(found);
            }
            Err(error) => told.trouble = Some(format!("comparing ended: {error}")),
        }
    }
}

fn conclude(mut told: Verification, advice: &mut RewriteAdvice) {
    if told.counterexample.is_some() {
        advice.is_equivalent = false;
        "the rules called it equivalent, and the results differ".clone_into(&mut advice.because);
    } else if told.trouble.is_none() && told.comparisons == 0 {
        told.trouble = Some("the server refuses both statements on all generated data".to_owned());
    } else if told.trouble.is_none() && told.with_rows == 0 {
        told.trouble = Some(format!(
            "both yielded nothing on all of {} generated contents of the tables, which says little",
            told.comparisons
        ));
    }
    advice.verification = Some(told);
}
