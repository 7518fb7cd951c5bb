//! Asks the server: whom policies bind, how they read, which indexes would help.

use dbvitals_checks::{pg::schema::rls_policy_without_index::candidates, sql};
use dbvitals_model::{
    Collected, Reason, Section, Snapshot, TargetData, TargetSnapshot, Unavailable,
    pg::{
        DatabaseSnapshot,
        row_security::{GuardedStatement, PolicyCosts, PolicyRead, TriedIndex},
    },
};
use dbvitals_postgres::{Session, connect, explain::Imagined, row_security::BoundRole};
use dbvitals_query::Statement;

use super::{
    super::one,
    ask::{As, Asker},
    choose::{Read, Wanted, choose},
    settings,
};
use crate::{
    args::query::rls::Args,
    config::target::{Server, Target},
    problem::Problem,
    progress::Progress,
    runtime,
};

/// Roles a statement of the user's own is planned as.
const MOST_ROLES: usize = 20;

/// Looks at the policies of one database.
pub(super) fn look(target: &Target, args: &Args, progress: &Progress) -> Result<Snapshot, Problem> {
    let Server::Postgres(server) = &target.server else {
        return Err(Problem::internal("only PostgreSQL has row-level security"));
    };
    let seen = runtime::block_on(runtime::until_cancelled(all(server, target, args, progress)))
        .flatten()?;
    progress.finish();
    Ok(one::snapshot(vec![seen]))
}

async fn all(
    server: &dbvitals_postgres::Target,
    target: &Target,
    args: &Args,
    progress: &Progress,
) -> TargetSnapshot {
    let name: std::sync::Arc<str> = target.name.as_str().into();
    progress.step(&name, "reading the catalogue");
    let mut around = match one::around(server).await {
        Ok(around) => around.snapshot,
        Err(error) => return one::unreachable(target, error.unavailable()),
    };
    let mut session = match connect(server, one::CONNECT).await {
        Ok(session) => session,
        Err(error) => return one::unreachable(target, error.unavailable()),
    };
    let user = around.server.user.clone();
    let wanted = Wanted { tables: &args.tables, roles: &args.roles, user: &user };
    if let Some(database) = around.by_database.first_mut() {
        narrow(database, wanted);
        let step = |what: String| progress.step(&name, &what);
        database.policy_costs = costs(&mut session, database, wanted, args, &step).await;
    }
    let endpoint = session.endpoint().to_owned();
    session.close().await;
    progress.done(&name);
    TargetSnapshot::new(&target.name, endpoint, TargetData::Postgres(Box::new(around)))
}

/// Only the policies of the tables that were asked for.
fn narrow(database: &mut DatabaseSnapshot, wanted: Wanted<'_>) {
    if let Section::Collected(all) = &mut database.policies {
        all.value.retain(|policy| wanted.has(&policy.schema, &policy.table));
    }
    if let Section::Collected(all) = &mut database.policy_functions {
        all.value.retain(|function| wanted.has(&function.schema, &function.table));
    }
    if let Section::Collected(all) = &mut database.guarded_indexes {
        all.value.retain(|index| wanted.has(&index.schema, &index.table));
    }
}

async fn costs(
    session: &mut Session,
    database: &DatabaseSnapshot,
    wanted: Wanted<'_>,
    args: &Args,
    step: &dyn Fn(String),
) -> Section<PolicyCosts> {
    let bound = match session.bound_roles(wanted.roles).await {
        Ok(bound) => bound,
        Err(error) => return Section::Unavailable(error.unavailable()),
    };
    let relations = database.relations.value().map_or(&[][..], Vec::as_slice);
    let choice = choose(&bound, relations, wanted);
    let mut costs = PolicyCosts {
        unset: settings::unset(session, database, &choice.reads, args).await,
        ..PolicyCosts::default()
    };
    let mut gaps = choice.gaps;
    let mut asker = Asker { session, settings: args.settings.clone(), timeout: args.timeout };
    for (place, read) in choice.reads.iter().enumerate() {
        let what = format!("{}.{} by {}", read.bound.schema, read.bound.table, read.bound.role);
        step(format!("{} of {}: {what}", place + 1, choice.reads.len()));
        let seen = planned(&mut asker, read, args).await;
        for why in [seen.guarded.get().err(), seen.open.get().err(), seen.measured.get().err()] {
            let why = why.filter(|why| why.reason != Reason::NotAsked).cloned();
            gaps.extend(
                why.map(|why| Unavailable { detail: format!("{what}: {}", why.detail), ..why }),
            );
        }
        costs.reads.push(seen);
    }
    statements(&mut asker, &choice.reads, args, &mut costs, &mut gaps).await;
    costs.tried = tried(&mut asker, database, &costs.reads).await;
    gaps.dedup();
    Section::Collected(Collected { value: costs, gaps })
}

fn table_of(bound: &BoundRole) -> String {
    sql::qualified(&bound.schema, &bound.table)
}

/// What is read of each row. A column of the system keeps the planner from reading an index instead of the table, which
/// statements that show something of a row cannot do; it takes the privilege to read the whole table.
fn shown(bound: &BoundRole) -> &'static str {
    if bound.may_select_all { "ctid" } else { "" }
}

/// One table as one role reads it, and as it is read without policies.
async fn planned(asker: &mut Asker<'_>, read: &Read, args: &Args) -> PolicyRead {
    let bound = &read.bound;
    let table = table_of(bound);
    let what = shown(bound);
    let text = format!("SELECT {what} FROM {table}");
    let guarded = asker.planned(&text, As::guarded(&bound.role)).await;
    let open = if bound.binds_us {
        // Told once for all tables of their owner.
        Section::unavailable(Reason::NotAsked, "policies bind the role that is connected")
    } else {
        asker.planned(&text, As::open(&bound.role)).await
    };
    let measured = match (open.value(), guarded.value()) {
        (Some(open), Some(guarded)) if args.analyze => {
            asker.measure(what, (&table, &bound.role), (open, guarded), f64::from(args.rows)).await
        }
        _ => Section::default(),
    };
    PolicyRead {
        table_oid: bound.table_oid,
        schema: bound.schema.clone(),
        table: bound.table.clone(),
        role: bound.role.clone(),
        others: read.others.clone(),
        permissive: bound.permissive.clone(),
        restrictive: bound.restrictive.clone(),
        open,
        guarded,
        measured,
    }
}

/// The user's own statements, as each role that reads a table they name.
async fn statements(
    asker: &mut Asker<'_>,
    reads: &[Read],
    args: &Args,
    costs: &mut PolicyCosts,
    gaps: &mut Vec<Unavailable>,
) {
    for text in &args.sql {
        let text = text.trim().trim_end_matches(';');
        let tables = Statement::parse(text).map(|statement| statement.tables());
        let touches = |read: &&Read| match &tables {
            Ok(tables) => tables.iter().any(|t| t.may_be(&read.bound.schema, &read.bound.table)),
            // The grammar may be behind the server: it is the one to say so.
            Err(_) => true,
        };
        let mut roles: Vec<&str> =
            reads.iter().filter(touches).map(|read| read.bound.role.as_str()).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            gaps.push(Unavailable {
                reason: Reason::NotApplicable,
                detail: format!("the statement names no table whose policies bind a role that was looked at: {text}"),
                remedy: None,
            });
        }
        for role in roles.into_iter().take(MOST_ROLES) {
            let guarded = asker.planned(text, As::guarded(role)).await;
            let open = asker.planned(text, As::open(role)).await;
            let whys = [guarded.get().err(), open.get().err()];
            gaps.extend(whys.into_iter().flatten().map(|why| Unavailable {
                detail: format!("the statement by {role}: {}", why.detail),
                ..why.clone()
            }));
            let (text, role) = (text.to_owned(), role.to_owned());
            costs.statements.push(GuardedStatement { text, role, open, guarded });
        }
    }
}

/// Indexes that could serve a policy, tried out where `hypopg` is installed.
async fn tried(
    asker: &mut Asker<'_>,
    database: &DatabaseSnapshot,
    reads: &[PolicyRead],
) -> Vec<TriedIndex> {
    let extensions = database.extensions.value().map_or(&[][..], Vec::as_slice);
    let Some(hypopg) = extensions.iter().find(|extension| extension.name == "hypopg") else {
        return Vec::new();
    };
    let mut tried = Vec::new();
    for candidate in candidates(database) {
        let mut of_table = reads.iter().filter(|read| read.table_oid == candidate.table_oid);
        let Some((read, before)) =
            of_table.find_map(|read| Some((read, read.guarded.value()?.cost()?)))
        else {
            continue;
        };
        let imagined = Some(Imagined { schema: &hypopg.schema, create: &candidate.create });
        let text = format!("SELECT ctid FROM {}", sql::qualified(&read.schema, &read.table));
        let who = As { imagined, ..As::guarded(&read.role) };
        let Section::Collected(plan) = asker.planned(&text, who).await else { continue };
        // Its indexes are called `<13543>btree_t_tenant`.
        let is_imagined = |index: &String| index.starts_with('<');
        tried.push(TriedIndex {
            table_oid: candidate.table_oid,
            columns: candidate.columns,
            role: read.role.clone(),
            cost_before: before,
            cost_after: plan.value.cost().unwrap_or(before),
            is_used: plan
                .value
                .nodes
                .iter()
                .any(|node| node.index.as_ref().is_some_and(is_imagined)),
        });
    }
    tried
}
