//! Asks the server about each statement, and what stands around it.

use dbvitals_model::{
    Reason, Section, Snapshot, TargetData, TargetSnapshot, Unavailable,
    pg::{PgSnapshot, schema::Column},
    plan::Plan,
    statement::{PlanKind, RewriteAdvice, StatementPlan, StatementSnapshot},
};
use dbvitals_postgres::{
    Session,
    collect::Collected,
    connect,
    explain::{Execution, Explained, Explaining, Planned, Under},
    scratch::{Place, Scratch},
};
use dbvitals_query::{Statement, TableName, role::Columns, script};

use super::super::one;
use super::{
    facts::{self, Touched},
    given::Given,
    rewrites::{self, Known},
    suggestions, values, verify,
};
use crate::{
    args::query::analyze::Args,
    config::target::{Server, Target},
    problem::{Problem, nearest},
    progress::Progress,
    runtime,
};

/// Looks at every statement; ends early, with nothing left on the server, when the user interrupts.
pub(super) fn look(
    target: &Target,
    given: &[Given],
    args: &Args,
    place: Option<&Place>,
    progress: &Progress,
) -> Result<Snapshot, Problem> {
    let Server::Postgres(server) = &target.server else {
        return Err(Problem::internal("only PostgreSQL plans statements"));
    };
    let targets = runtime::block_on(async {
        let looking = Box::pin(opened(server, target, given, args, place, progress));
        let looked = runtime::until_cancelled(looking).await.flatten();
        match place {
            Some(place) => verify::removed(place, looked).await,
            None => looked,
        }
    })
    .flatten()?;
    progress.finish();
    Ok(one::snapshot(targets))
}

async fn opened(
    server: &dbvitals_postgres::Target,
    target: &Target,
    given: &[Given],
    args: &Args,
    place: Option<&Place>,
    progress: &Progress,
) -> Result<Vec<TargetSnapshot>, Problem> {
    let mut scratch = match place {
        Some(place) => Some(verify::open(place).await?),
        None => None,
    };
    Ok(all(server, target, given, args, scratch.as_mut(), progress).await)
}

async fn all(
    server: &dbvitals_postgres::Target,
    target: &Target,
    all_given: &[Given],
    args: &Args,
    mut scratch: Option<&mut Scratch>,
    progress: &Progress,
) -> Vec<TargetSnapshot> {
    let name: std::sync::Arc<str> = target.name.as_str().into();
    progress.step(&name, "reading the catalogue");
    let around = match one::around(server).await {
        Ok(around) => around,
        Err(error) => return vec![one::unreachable(target, error.unavailable())],
    };
    let mut session = match connect(server, one::CONNECT).await {
        Ok(session) => session,
        Err(error) => return vec![one::unreachable(target, error.unavailable())],
    };
    let known = Known::of(&around.snapshot, &mut session, args.as_role.as_deref()).await;
    let mut targets = Vec::with_capacity(all_given.len());
    let count = all_given.len();
    for (place, given) in all_given.iter().enumerate() {
        progress.step(&name, &format!("{} of {count}: {}", place + 1, given.first_words()));
        let mut statement = statement(&mut session, given, &around, args).await;
        if let Some(parsed) = &given.statement {
            let role = args.as_role.as_deref();
            let before = generic_cost(&statement);
            statement.rewrites = rewrites::advice(&mut session, parsed, &known, role, before).await;
            if let Some(scratch) = &mut scratch {
                let advice = &mut statement.rewrites;
                let source = &mut session;
                verify::verify(scratch, source, &given.text, parsed, &known, advice).await;
                advice.sort_by(RewriteAdvice::before);
            }
        }
        let (database, version) = suggestions::around(&around.snapshot);
        suggestions::add(&mut statement, given, database, version);
        let data = TargetData::Statement(Box::new(statement));
        targets.push(TargetSnapshot::new(&given.name, session.endpoint(), data));
    }
    session.close().await;
    progress.done(&name);
    targets
}

/// The cost of the plan that rewrites are compared with: both are planned for no values in particular.
fn generic_cost(statement: &StatementSnapshot) -> Option<f64> {
    let plans = statement.plans.value()?.iter();
    plans
        .filter(|planned| planned.kind == PlanKind::Generic)
        .find_map(|planned| planned.plan.cost())
}

async fn statement(
    session: &mut Session,
    given: &Given,
    around: &Collected,
    args: &Args,
) -> StatementSnapshot {
    let snapshot = &around.snapshot;
    if let Some(why) = without_plan(given) {
        return assembled(given, args, snapshot, Vec::new(), vec![why]);
    }
    let columns = Catalogue::of(snapshot);
    let parameters = given.statement.as_ref().map(|s| s.parameters(&columns)).unwrap_or_default();
    let count = script::parameters(&given.text);
    let mut trouble = Vec::new();
    let values = if count == 0 {
        None
    } else if args.params.is_empty() {
        let known = session.values_of(&values::wanted(&parameters)).await;
        match values::usual(&parameters, &known) {
            Ok(values) => Some(values),
            Err(missing) => {
                let names: Vec<String> = missing.iter().map(|n| format!("${n}")).collect();
                trouble.push(Unavailable::with_remedy(
                    Reason::NotAsked,
                    format!("no usual value is known for {}", names.join(", ")),
                    "give values with --param, $1 first, to see the plan for them",
                ));
                None
            }
        }
    } else {
        Some(values::typed(&args.params, count))
    };
    let execution = match (args.analyze, args.allow_writes) {
        (false, _) => Execution::No,
        (true, false) => Execution::Reading,
        (true, true) => Execution::Writing,
    };
    let explained = session
        .explain(&Explaining {
            text: &given.text,
            parameters: count,
            values: values.as_deref(),
            role: args.as_role.as_deref(),
            under: Under::default(),
            execution,
            timeout: args.timeout,
        })
        .await;
    let (plans, gaps) = match explained {
        Ok(explained) => plans(&explained, values.as_deref(), given, &columns),
        Err(error) => (Vec::new(), vec![error.unavailable()]),
    };
    trouble.extend(gaps);
    assembled(given, args, snapshot, plans, trouble)
}

/// Why a statement has no plan at all, if the server need not be asked.
fn without_plan(given: &Given) -> Option<Unavailable> {
    let has_none = given.statement.as_ref().is_some_and(|s| !s.is_explainable());
    has_none.then(|| {
        let verb = given.text.split_whitespace().next().unwrap_or_default().to_uppercase();
        Unavailable {
            reason: Reason::NotApplicable,
            detail: format!("{verb} is not planned: there is nothing to explain"),
            remedy: None,
        }
    })
}

fn assembled(
    given: &Given,
    args: &Args,
    snapshot: &PgSnapshot,
    plans: Vec<StatementPlan>,
    gaps: Vec<Unavailable>,
) -> StatementSnapshot {
    let named = given.statement.as_ref().map(Statement::tables).unwrap_or_default();
    let touched = Touched::new(plans.iter().map(|planned| &planned.plan), named);
    let database = snapshot.by_database.first();
    StatementSnapshot {
        server: Some(snapshot.server.clone()),
        role: args.as_role.clone(),
        plans: section(plans, gaps),
        calls: facts::calls(
            &snapshot.statements,
            &snapshot.server.database,
            dbvitals_query::group_key(&given.text).ok().as_deref(),
        ),
        settings: snapshot.settings.clone(),
        facts: match database {
            Some(database) => Section::collected(facts::narrowed(database, touched)),
            None => Section::unavailable(Reason::Failed, "the database could not be examined"),
        },
        ..given.seen()
    }
}

/// The plans with what is missing from them; where there is none, why.
fn section(plans: Vec<StatementPlan>, mut gaps: Vec<Unavailable>) -> Section<Vec<StatementPlan>> {
    if plans.is_empty() {
        let why = if gaps.is_empty() { one::no_plan() } else { gaps.remove(0) };
        return Section::Unavailable(why);
    }
    Section::Collected(dbvitals_model::Collected { value: plans, gaps })
}

/// The plans the server gave, the most telling first.
fn plans(
    explained: &Explained,
    values: Option<&[Option<String>]>,
    given: &Given,
    columns: &Catalogue<'_>,
) -> (Vec<StatementPlan>, Vec<Unavailable>) {
    let values = values.unwrap_or_default();
    let (mut plans, mut gaps) = (Vec::new(), Vec::new());
    for (kind, planned, parameters) in [
        (PlanKind::Measured, &explained.measured, values),
        (PlanKind::Custom, &explained.custom, values),
        (PlanKind::Generic, &explained.generic, &[][..]),
    ] {
        match planned.as_ref().map(|planned| read(planned, given, columns)) {
            Some(Ok(plan)) => {
                plans.push(StatementPlan { kind, parameters: parameters.to_vec(), plan });
            }
            Some(Err(why)) if !gaps.contains(&why) => gaps.push(why),
            Some(Err(_)) | None => {}
        }
    }
    (plans, gaps)
}

fn read(planned: &Planned, given: &Given, columns: &Catalogue<'_>) -> Result<Plan, Unavailable> {
    let text = planned.as_ref().map_err(|refusal| {
        let mut why = refusal.error.unavailable();
        if let Some(at) = refusal.at {
            let bytes: usize = given.text.chars().take(at).map(char::len_utf8).sum();
            let at = script::position(&given.text, bytes);
            why.detail = format!("line {}, character {}: {}", at.line, at.column, why.detail);
        }
        let meant = meant(refusal.error.sqlstate(), given, columns);
        let hint = refusal.error.hint().map(str::to_owned);
        why.remedy = meant.or(hint).or(why.remedy);
        why
    })?;
    one::plan(text)
}

/// A relation that is there and is called nearly as the one that is not.
fn meant(sqlstate: Option<&str>, given: &Given, columns: &Catalogue<'_>) -> Option<String> {
    /// `undefined_table`.
    const NO_TABLE: &str = "42P01";
    if sqlstate != Some(NO_TABLE) {
        return None;
    }
    let named = given.statement.as_ref()?.tables();
    let missing = named.iter().find(|table| columns.of(table).is_none())?;
    let near = nearest(&missing.name, columns.tables())?;
    Some(format!(
        "there is a table {near}; did you mean that? Otherwise check --target and search_path"
    ))
}

/// The columns of the database's tables.
struct Catalogue<'a>(Vec<&'a Column>);

impl<'a> Catalogue<'a> {
    fn of(snapshot: &'a PgSnapshot) -> Self {
        let database = snapshot.by_database.first();
        let columns = database.and_then(|database| database.columns.value());
        Self(columns.into_iter().flatten().filter(|column| !column.is_dropped).collect())
    }

    fn tables(&self) -> impl Iterator<Item = &'a str> + use<'_, 'a> {
        self.0.iter().map(|column| column.table.as_str())
    }
}

impl Columns for Catalogue<'_> {
    fn of(&self, table: &TableName) -> Option<Vec<String>> {
        let own = self.0.iter().filter(|column| table.may_be(&column.schema, &column.table));
        let names: Vec<String> = own.map(|column| column.name.clone()).collect();
        (!names.is_empty()).then_some(names)
    }
}
