//! One plan or one execution as one role, with policies or without.

use std::time::Duration;

use dbvitals_checks::pg::schema::guarded::{scans, served_by};
use dbvitals_model::{Section, Unavailable, pg::row_security::Evaluated, plan::Plan};
use dbvitals_postgres::{
    Session,
    explain::{Execution, Explaining, Imagined, Under},
};
use dbvitals_query::script;

use super::super::one;

/// Asks one server.
pub(super) struct Asker<'a> {
    pub(super) session: &'a mut Session,
    /// What the user set.
    pub(super) settings: Vec<(String, String)>,
    pub(super) timeout: Duration,
}

/// Who asks, and how.
#[derive(Clone, Copy)]
pub(super) struct As<'a> {
    pub(super) role: &'a str,
    /// Without policies, with the role's settings.
    pub(super) is_exempt: bool,
    pub(super) imagined: Option<Imagined<'a>>,
}

impl<'a> As<'a> {
    /// As the role, under its policies.
    pub(super) fn guarded(role: &'a str) -> Self {
        Self { role, is_exempt: false, imagined: None }
    }

    /// Without policies.
    pub(super) fn open(role: &'a str) -> Self {
        Self { is_exempt: true, ..Self::guarded(role) }
    }
}

/// What keeps executions comparable: neither compiled nor shared among processes.
const EXECUTING: [(&str, &str); 2] = [("jit", "off"), ("max_parallel_workers_per_gather", "0")];

impl Asker<'_> {
    /// The plan of a statement.
    pub(super) async fn planned(&mut self, text: &str, who: As<'_>) -> Section<Plan> {
        match self.plan(text, who, &[], Execution::No).await {
            Ok(plan) => Section::collected(plan),
            Err(why) => Section::Unavailable(why),
        }
    }

    async fn plan(
        &mut self,
        text: &str,
        who: As<'_>,
        more: &[(&str, &str)],
        execution: Execution,
    ) -> Result<Plan, Unavailable> {
        let ours = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = self.settings.iter().cloned().chain(ours).collect();
        let under = Under {
            settings: &settings,
            is_exempt: who.is_exempt,
            is_untimed: true,
            imagined: who.imagined,
        };
        let wanted = Explaining {
            text,
            parameters: script::parameters(text),
            values: None,
            role: Some(who.role),
            under,
            execution,
            timeout: self.timeout,
        };
        let told = self.session.explain(&wanted).await.map_err(|error| error.unavailable())?;
        let planned = match execution {
            Execution::No => told.generic,
            _ => told.measured.or(told.generic),
        };
        let text = planned
            .ok_or_else(one::no_plan)?
            .map_err(|refusal| self.because(&refusal.error, who))?;
        one::plan(&text)
    }

    /// Why there is no plan, with the step that would help here.
    fn because(&self, error: &dbvitals_postgres::Error, who: As<'_>) -> Unavailable {
        /// `undefined_object`: a setting nobody gave, among others.
        const UNDEFINED: &str = "42704";
        /// `invalid_text_representation`: an empty setting that should be a number.
        const NO_VALUE: &str = "22P02";
        let mut why = error.unavailable();
        if error.is_timeout() {
            why.remedy = Some(format!(
                "it took longer than {:?}: raise --timeout, or lower --rows",
                self.timeout
            ));
        } else if matches!(error.sqlstate(), Some(UNDEFINED | NO_VALUE)) && !who.is_exempt {
            why.remedy =
                Some("give the settings that the policies ask for: --set NAME=VALUE".to_owned());
        }
        why
    }

    /// Executes a read as the role and without policies, in turn, twice each. `what` is what is read of a row.
    pub(super) async fn measure(
        &mut self,
        what: &str,
        (table, role): (&str, &str),
        (open, guarded): (&Plan, &Plan),
        most: f64,
    ) -> Section<Evaluated> {
        let expected = |plan: &Plan| {
            plan.root().and_then(|root| root.estimate.as_ref()).map_or(0.0, |e| e.rows)
        };
        let by_index = served_by(guarded).is_some();
        let (all, asked) =
            (expected(open), if by_index { expected(guarded) } else { expected(open) });
        let is_whole = asked <= most;
        let from = if is_whole {
            table.to_owned()
        } else {
            let percent = (100.0 * most / all).clamp(0.000_1, 100.0);
            format!("{table} TABLESAMPLE SYSTEM ({percent:.4}) REPEATABLE (1)")
        };
        let with = format!("SELECT {what} FROM {from}");
        let dropping = format!("{with} WHERE tableoid = 0");
        // Where an index finds the rows no policy is asked, and the table may be large.
        let compares = !by_index || all <= most;
        let mut seen = Evaluated { rows: 0.0, guarded_ms: f64::MAX, open_ms: None, is_whole };
        let (mut all_ms, mut none_ms, mut let_through) = (f64::MAX, f64::MAX, 0.0);
        for _ in 0..2 {
            if compares {
                match (
                    self.execute(&dropping, As::open(role)).await,
                    self.execute(&with, As::open(role)).await,
                ) {
                    (Ok(none), Ok(all)) => {
                        (none_ms, all_ms) = (none_ms.min(none.ms), all_ms.min(all.ms));
                    }
                    (Err(why), _) | (_, Err(why)) => return Section::Unavailable(why),
                }
            }
            match self.execute(&with, As::guarded(role)).await {
                Ok(ran) => {
                    seen.rows = ran.asked;
                    seen.guarded_ms = seen.guarded_ms.min(ran.ms);
                    let_through =
                        if ran.asked > 0.0 { (ran.passed / ran.asked).min(1.0) } else { 0.0 };
                }
                Err(why) => return Section::Unavailable(why),
            }
        }
        // Sending rows up takes time, too, and is no policy's doing: as many are counted as the policies let through.
        seen.open_ms = compares.then_some(none_ms + (all_ms - none_ms) * let_through);
        Section::collected(seen)
    }

    async fn execute(&mut self, text: &str, who: As<'_>) -> Result<Ran, Unavailable> {
        let plan = self.plan(text, who, &EXECUTING, Execution::Reading).await?;
        let mut ran = Ran { ms: plan.elapsed_ms().unwrap_or_default(), ..Ran::default() };
        // Of a bitmap, the scan of the table counts.
        let reading = |kind: &str| kind != "Bitmap Index Scan";
        for (_, node) in scans(&plan).filter(|(_, node)| reading(&node.kind)) {
            if let Some(actual) = &node.actual {
                ran.passed += actual.rows * actual.loops;
                ran.asked += (actual.rows + actual.removed.by_filter) * actual.loops;
            }
        }
        Ok(ran)
    }
}

/// One execution.
#[derive(Clone, Copy, Default)]
struct Ran {
    ms: f64,
    /// Rows that were looked at.
    asked: f64,
    /// Rows that came out of it.
    passed: f64,
}
