//! What is made in the database, and the values it takes.

use std::collections::BTreeSet;

use super::{STATEMENT, Scratch};
use crate::{Error, Session, explain::literal};

/// What a query yields; NULL where it is refused.
const YIELD: &str = "CREATE OR REPLACE FUNCTION pg_temp.dbvitals_yield(query text) RETURNS text LANGUAGE plpgsql \
    AS $dbvitals$ DECLARE answer text; BEGIN EXECUTE query INTO answer; RETURN answer; \
    EXCEPTION WHEN OTHERS THEN RETURN NULL; END $dbvitals$";

/// What could not be made: its place in the list, and why.
#[derive(Debug, Clone)]
pub struct Unmade {
    /// The place in the list; `None` where the connection is the reason.
    pub place: Option<usize>,
    /// What the server said.
    pub error: Error,
}

impl Scratch {
    /// Executes statements that make something, in whatever order they can be: each is tried until none of those left
    /// can be executed. What is not needed may be left.
    pub async fn make(&mut self, parts: &[(&str, bool)]) -> Result<(), Unmade> {
        let mut left: Vec<usize> = (0..parts.len()).collect();
        loop {
            let before = left.len();
            let mut refused = Vec::new();
            for place in left {
                let Some((sql, is_needed)) = parts.get(place) else { continue };
                match self.session.carry_out(sql, STATEMENT).await {
                    Ok(()) => {}
                    Err(error) if error.is_lost() || error.sqlstate().is_none() => {
                        return Err(Unmade { place: None, error });
                    }
                    Err(error) => refused.push((place, *is_needed, error)),
                }
            }
            if refused.len() == before || refused.is_empty() {
                let first = refused.into_iter().find(|(_, is_needed, _)| *is_needed);
                return first
                    .map_or(Ok(()), |(place, _, error)| Err(Unmade { place: Some(place), error }));
            }
            left = refused.into_iter().map(|(place, ..)| place).collect();
        }
    }

    /// The values that texts are of a type, each once, as the server writes them: cut to its length, filled up, rounded.
    pub async fn accepted(
        &mut self,
        type_name: &str,
        candidates: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let query = |text: &String| format!("SELECT ({}::{type_name})::text", literal(text));
        self.yielded(&candidates, query).await
    }

    /// The values of those texts that conditions on a column let pass.
    pub async fn passing(
        &mut self,
        column: &str,
        type_name: &str,
        conditions: &[String],
        candidates: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let all: Vec<String> =
            conditions.iter().map(|condition| format!("(({condition})) IS NOT FALSE")).collect();
        let all = all.join(" AND ");
        let query = |text: &String| {
            format!(
                "SELECT CASE WHEN {all} THEN {column}::text END FROM (SELECT {}::{type_name} AS {column}) AS one",
                literal(text)
            )
        };
        self.yielded(&candidates, query).await
    }

    async fn yielded(
        &mut self,
        candidates: &[String],
        query: impl Fn(&String) -> String,
    ) -> Result<Vec<String>, Error> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let queries: Vec<String> = candidates.iter().map(|text| literal(&query(text))).collect();
        let sql = format!(
            "{YIELD}; SELECT pg_temp.dbvitals_yield(q.query) \
             FROM pg_catalog.unnest(ARRAY[{}]::text[]) WITH ORDINALITY AS q (query, place) ORDER BY q.place",
            queries.join(", ")
        );
        let rows = self.session.rows_of(&sql, STATEMENT).await?;
        let mut seen = BTreeSet::new();
        let values = rows.into_iter().flatten().flatten();
        Ok(values.filter(|value| seen.insert(value.clone())).collect())
    }
}

impl Session {
    /// The schemas that names without one are looked for in, in order: those that are there, without the server's own.
    pub async fn search_path(&mut self) -> Result<Vec<String>, Error> {
        let sql = "SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))";
        Ok(self.rows_of(sql, STATEMENT).await?.into_iter().flatten().flatten().collect())
    }
}
