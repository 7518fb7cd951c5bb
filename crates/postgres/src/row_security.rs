//! Whom policies bind: tables with row-level security in force, by every role that can use them.

use std::time::Duration;

use serde::Deserialize;

use crate::{Error, Query, explain::literal, session::Session};

/// Answered after this time, or not at all.
const LIMIT: Duration = Duration::from_secs(10);

/// One table as one role meets it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct BoundRole {
    /// The table's oid.
    pub table_oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// The table's owner.
    pub owner: String,
    /// `r` table, `p` partitioned table.
    pub kind: String,
    /// Policies bind the role that is connected, too: it cannot read without them.
    pub binds_us: bool,
    /// The role.
    pub role: String,
    /// It may log in.
    pub can_login: bool,
    /// Other roles are members of it, and may become it.
    pub has_members: bool,
    /// The role that is connected may become it (`SET ROLE`).
    pub can_assume: bool,
    /// It has the privilege to read the table or a column of it.
    pub may_select: bool,
    /// It has the privilege to read all columns, those of the system too.
    pub may_select_all: bool,
    /// It has the privilege to insert.
    pub may_insert: bool,
    /// It has the privilege to update.
    pub may_update: bool,
    /// It has the privilege to delete.
    pub may_delete: bool,
    /// `name=value` settings its sessions start with here.
    pub settings: Vec<String>,
    /// Permissive policies for reading that apply to it.
    pub permissive: Vec<String>,
    /// Restrictive ones.
    pub restrictive: Vec<String>,
}

/// The most rows that are read.
pub const MOST: usize = 20_000;

impl Session {
    /// Every role that policies bind (not superusers, not roles with `BYPASSRLS`, not owners unless forced) with
    /// privileges on a table, if somebody can log in as it or become it, or it is among `named`.
    pub async fn bound_roles(&mut self, named: &[String]) -> Result<Vec<BoundRole>, Error> {
        let named = named.iter().fold("''".to_owned(), |all, name| all + ", " + &literal(name));
        // 16 tells apart who may become a role and who merely has its rights.
        let assume = if self.version().major >= 16 { "SET" } else { "MEMBER" };
        let sql = include_str!("row_security/bound.sql")
            .replace("/* assume */", assume)
            .replace("'/* named */'", &named);
        let query = Query { name: "bound_roles", sql, timeout: LIMIT };
        let mut answers = self.batch(&[query]).await;
        match answers.pop() {
            Some(answer) => Ok(answer.result?.decode()?),
            None => Ok(Vec::new()),
        }
    }
}
