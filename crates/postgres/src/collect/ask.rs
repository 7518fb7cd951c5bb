//! Asking collectors over one connection: one batch, and a second one for those a lock was in the way of.

use std::time::{Duration, Instant};

use dbvitals_model::{Reason, Unavailable, snapshot::CollectorCost};

use super::{collector::Collector, costs, found::Found, obstacle, reader::Reader};
use crate::{Answer, Query, Session};

/// A collector and what it brought.
pub(super) type Brought = (&'static Collector, Found);

/// What asking needs besides the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) reader: &'a Reader,
    /// When the time for collecting is over.
    pub(super) deadline: Instant,
    /// The database whose sections these are; costs are booked under its name.
    pub(super) database: Option<&'a str>,
    /// Asks the texts that open no relation: counters without sizes.
    pub(super) opens_nothing: bool,
}

impl Asking<'_> {
    /// Asks all due collectors in one batch. Every one of them is in the answer.
    pub(super) async fn ask(
        &self,
        session: &mut Session,
        due: &[&'static Collector],
        costs: &mut Vec<CollectorCost>,
    ) -> Vec<Brought> {
        let mut brought = Vec::with_capacity(due.len());
        let mut asked = Vec::new();
        let mut queries = Vec::new();
        for collector in due {
            match self.query(collector, self.opens_nothing) {
                Ok(query) => {
                    asked.push(*collector);
                    queries.push(query);
                }
                Err(why) => brought.push((*collector, Found::nothing(self.reader, why))),
            }
        }
        let answers = session.batch_until(&queries, Some(self.deadline)).await;
        let mut locked = Vec::new();
        for (collector, answer) in asked.into_iter().zip(answers) {
            costs::book(costs, collector.name, self.database, &answer);
            if is_locked(&answer) && collector.fallback(self.reader.major()).is_some() {
                locked.push(collector);
            } else {
                brought.push((collector, Found::answered(collector, self.reader, answer)));
            }
        }
        if !locked.is_empty() {
            self.ask_again(session, &locked, costs, &mut brought).await;
        }
        brought
    }

    /// A lock was taken after we looked which relations are locked: once more, opening none.
    async fn ask_again(
        &self,
        session: &mut Session,
        locked: &[&'static Collector],
        costs: &mut Vec<CollectorCost>,
        brought: &mut Vec<Brought>,
    ) {
        let queries: Vec<Query> =
            locked.iter().filter_map(|collector| self.query(collector, true).ok()).collect();
        if queries.len() < locked.len() {
            let why = obstacle::no_time_left();
            brought
                .extend(locked.iter().map(|due| (*due, Found::nothing(self.reader, why.clone()))));
            return;
        }
        let answers = session.batch_until(&queries, Some(self.deadline)).await;
        for (collector, answer) in locked.iter().zip(answers) {
            costs::book(costs, collector.name, self.database, &answer);
            let detail =
                "a relation was locked meanwhile: sizes are estimates, definitions are left out";
            let gap = Unavailable { reason: Reason::Locked, detail: detail.into(), remedy: None };
            brought
                .push((*collector, Found::answered(collector, self.reader, answer).with_gap(gap)));
        }
    }

    fn query(&self, collector: &Collector, opens_nothing: bool) -> Result<Query, Unavailable> {
        if let Some(why) = obstacle::beforehand(collector, self.reader) {
            return Err(why);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(obstacle::no_time_left());
        }
        let major = self.reader.major();
        let fallback = if opens_nothing { collector.fallback(major) } else { None };
        let sql = fallback.unwrap_or_else(|| collector.text(major).unwrap_or_default().to_owned());
        Ok(Query { name: collector.name, sql, timeout: collector.timeout.min(left) })
    }
}

fn is_locked(answer: &Answer) -> bool {
    answer.result.as_ref().is_err_and(crate::Error::is_locked)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, pg::schema::LargeObjects};
    use dbvitals_testkit::{PgVersion, shared};

    use super::*;
    use crate::{
        Target,
        collect::{
            collector::{CHEAP, Cost, File, Role},
            field_names::field_names,
        },
        connect,
    };

    /// Opens a table without looking at the locks first.
    static UNSEEING: Collector = Collector {
        name: "unseeing",
        section: "large_objects",
        role: Role::Any,
        texts: &[(
            13,
            "with asked as (select true as may_open) select 7::int8 as count, \
             case when q.may_open then pg_catalog.pg_relation_size('public.held') end::int8 \
             as referring_columns from asked as q limit 1",
        )],
        limit: 1,
        timeout: CHEAP,
        cost: Cost::Cheap,
        needs: &[],
        columns: field_names::<LargeObjects>,
        file: File::Database(|snapshot, found| snapshot.large_objects = found.one()),
    };

    #[tokio::test]
    async fn a_lock_taken_meanwhile_costs_what_must_be_opened_and_is_told() {
        let server = shared(PgVersion::V16).unwrap();
        let name = server.fresh_database("meanwhile").await.unwrap();
        server.sql(&name, "create table held as select 1 as id").await.unwrap();
        let holder = server.client(&name).await.unwrap();
        holder.batch_execute("begin; lock table held in access exclusive mode").await.unwrap();

        let target = Target::parse(&server.monitor_url(&name), &|_| None).unwrap();
        let mut session = connect(&target, CHEAP).await.unwrap();
        let reader = Reader::of(&session.probe().await.unwrap());
        let asking = Asking {
            reader: &reader,
            deadline: Instant::now() + CHEAP,
            database: Some(&name),
            opens_nothing: false,
        };
        let mut cost = Vec::new();
        let mut brought = asking.ask(&mut session, &[&UNSEEING], &mut cost).await;
        let section: Section<LargeObjects> = brought.remove(0).1.one();
        let Section::Collected(found) = section else { panic!("{section:?}") };
        assert_eq!((found.value.count, found.value.referring_columns), (7, 0));
        assert_eq!(found.gaps.len(), 1);
        assert_eq!(found.gaps[0].reason, Reason::Locked);
        assert_eq!(cost.len(), 2, "both attempts are booked");
        session.close().await;
        holder.batch_execute("rollback").await.unwrap();
    }
}
