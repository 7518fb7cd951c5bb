//! Settings that policies ask for and nobody gave: without them a policy lets through what it lets through for nobody.

use dbvitals_checks::sql;
use dbvitals_model::pg::{DatabaseSnapshot, row_security::UnsetSetting};
use dbvitals_postgres::{Answer, Query, Session};
use dbvitals_query::policy_text;
use serde::{Deserialize, de::DeserializeOwned};

use super::{super::one, choose::Read};
use crate::args::query::rls::Args;

/// A setting that a function asks for, found in its source.
#[derive(Deserialize)]
struct Asked {
    oid: i64,
    name: String,
}

#[derive(Deserialize)]
struct Known {
    name: String,
}

/// Settings of the application's own that policies of these tables ask for, themselves or in a function, and that
/// neither the user, nor the roles, nor the server gives a value.
pub(super) async fn unset(
    session: &mut Session,
    database: &DatabaseSnapshot,
    reads: &[Read],
    args: &Args,
) -> Vec<UnsetSetting> {
    let mut asked = in_texts(database);
    asked.extend(in_functions(session, database).await);
    asked.retain(|one| {
        let of_table =
            |read: &&Read| read.bound.schema == one.schema && read.bound.table == one.table;
        let is_it = |name: &str| name.eq_ignore_ascii_case(&one.name);
        let given = args.settings.iter().any(|(own, _)| is_it(own));
        let begins = |setting: &String| setting.split_once('=').is_some_and(|(own, _)| is_it(own));
        let lacks = |read: &Read| !read.bound.settings.iter().any(begins);
        !given && reads.iter().filter(of_table).any(lacks)
    });
    asked.sort_by(|a, b| {
        let key = |one: &UnsetSetting| {
            [&one.name, &one.schema, &one.table, &one.policy].map(Clone::clone)
        };
        key(a).cmp(&key(b))
    });
    asked.dedup_by(|a, b| a.name == b.name);
    if asked.is_empty() {
        return asked;
    }
    let names: Vec<String> = asked.iter().map(|one| sql::literal(&one.name)).collect();
    let text = format!(
        "select s.name::text as name from pg_catalog.unnest(array[{}]) as s (name) \
         where coalesce(pg_catalog.current_setting(s.name, true), '') <> ''",
        names.join(", ")
    );
    let known: Vec<Known> = rows(session, text).await;
    asked.retain(|one| !known.iter().any(|known| known.name == one.name));
    asked
}

fn in_texts(database: &DatabaseSnapshot) -> Vec<UnsetSetting> {
    let policies = database.policies.value().into_iter().flatten();
    let asked = policies.flat_map(|policy| {
        let texts = [&policy.using_expression, &policy.check_expression];
        let read =
            texts.into_iter().flatten().filter_map(|text| policy_text(text, &policy.table).ok());
        read.flat_map(|text| text.settings).map(|name| UnsetSetting {
            name,
            schema: policy.schema.clone(),
            table: policy.table.clone(),
            policy: policy.name.clone(),
        })
    });
    asked.collect()
}

async fn in_functions(session: &mut Session, database: &DatabaseSnapshot) -> Vec<UnsetSetting> {
    let functions = database.policy_functions.value().map_or(&[][..], Vec::as_slice);
    if functions.is_empty() {
        return Vec::new();
    }
    let oids: Vec<String> = functions.iter().map(|f| f.function_oid.to_string()).collect();
    let text = format!(
        "select f.oid::int8 as oid, m.parts[1]::text as name from pg_catalog.pg_proc as f \
         cross join lateral pg_catalog.regexp_matches( \
           f.prosrc, $p$current_setting\\s*\\(\\s*'([^']+[.][^']+)'$p$, 'gi') as m (parts) \
         where f.oid in ({}) limit 1000",
        oids.join(", ")
    );
    let asked: Vec<Asked> = rows(session, text).await;
    let uses = functions.iter().flat_map(|function| {
        let own = asked.iter().filter(|asked| asked.oid == function.function_oid);
        own.map(|asked| UnsetSetting {
            name: asked.name.clone(),
            schema: function.schema.clone(),
            table: function.table.clone(),
            policy: function.policy.clone(),
        })
    });
    uses.collect()
}

/// What cannot be read is not told.
async fn rows<T: DeserializeOwned>(session: &mut Session, sql: String) -> Vec<T> {
    let query = Query { name: "settings_of_policies", sql, timeout: one::CONNECT };
    let answer = session.batch(&[query]).await.pop();
    answer.and_then(Answer::decoded).unwrap_or_default()
}
