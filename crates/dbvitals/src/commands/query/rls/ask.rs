//! One plan or one execution as one role, with policies or without.

use std::time::Duration;

use dbvitals_checks::pg::schema::guarded::{scans, served_by};
use dbvitals_model::{Reason, Section, Unavailable, pg::row_security::Evaluated, plan::Plan};
use dbvitals_postgres::{
    Session,
    explain::{Execution, Explaining, Imagined, Under},
};
use dbvitals_query::{plan, script};

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

/// What keeps reads comparable: an index-only scan of everything would be cheaper than what statements do.
const READING: [(&str, &str); 1] = [("enable_indexonlyscan", "off")];
/// What keeps executions comparable: neither compiled nor shared among processes.
const EXECUTING: [(&str, &str); 2] = [("jit", "off"), ("max_parallel_workers_per_gather", "0")];

impl Asker<'_> {
    /// The plan of a statement of the user's own.
    pub(super) async fn statement(&mut self, text: &str, who: As<'_>) -> Section<Plan> {
        self.section(text, who, &[], Execution::No).await
    }

    /// The plan of a read of a whole table.
    pub(super) async fn read(&mut self, text: &str, who: As<'_>) -> Section<Plan> {
        self.section(text, who, &READING, Execution::No).await
    }

    async fn section(
        &mut self,
        text: &str,
        who: As<'_>,
        more: &[(&str, &str)],
        execution: Execution,
    ) -> Section<Plan> {
        match self.plan(text, who, more, execution).await {
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
        let failed = |detail: String| Unavailable { reason: Reason::Failed, detail, remedy: None };
        let text = planned
            .ok_or_else(|| failed("the server gave no plan".to_owned()))?
            .map_err(|refusal| self.because(&refusal.error, who))?;
        let mut plans = plan::read(&text).map_err(|why| failed(why.to_string()))?;
        if plans.is_empty() {
            return Err(failed("the server's answer holds no plan".to_owned()));
        }
        Ok(plans.swap_remove(0))
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

    /// Executes a read as the role and without policies, in turn, twice each.
    pub(super) async fn measure(
        &mut self,
        table: &str,
        role: &str,
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
        let with = format!("SELECT FROM {from}");
        // Rows are read and dropped, as policies drop them: what sending them up costs is no policy's doing.
        let without = format!("SELECT FROM {from} WHERE tableoid = 0");
        // Where an index finds the rows no policy is asked, and the table may be large.
        let compares = !by_index || all <= most;
        let mut seen = Evaluated { rows: 0.0, guarded_ms: f64::MAX, open_ms: None, is_whole };
        for _ in 0..2 {
            if compares {
                match self.execute(&without, As::open(role)).await {
                    Ok((_, ms)) => seen.open_ms = Some(seen.open_ms.unwrap_or(f64::MAX).min(ms)),
                    Err(why) => return Section::Unavailable(why),
                }
            }
            match self.execute(&with, As::guarded(role)).await {
                Ok((rows, ms)) => {
                    seen.rows = rows;
                    seen.guarded_ms = seen.guarded_ms.min(ms);
                }
                Err(why) => return Section::Unavailable(why),
            }
        }
        Section::collected(seen)
    }

    /// Rows that were looked at, and milliseconds.
    async fn execute(&mut self, text: &str, who: As<'_>) -> Result<(f64, f64), Unavailable> {
        let more: Vec<_> = READING.into_iter().chain(EXECUTING).collect();
        let plan = self.plan(text, who, &more, Execution::Reading).await?;
        let rows = scans(&plan).filter_map(|(_, node)| {
            let actual = node.actual.as_ref()?;
            // Of a bitmap, the scan of the table counts.
            (node.kind != "Bitmap Index Scan")
                .then_some((actual.rows + actual.removed.by_filter) * actual.loops)
        });
        let ms = plan.elapsed_ms().unwrap_or_default();
        Ok((rows.sum(), ms))
    }
}
