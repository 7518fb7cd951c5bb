//! Roles, authentication, privileges.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    pub name: String,
    pub is_superuser: bool,
    pub can_login: bool,
    pub can_replicate: bool,
    pub bypasses_row_security: bool,
    pub can_create_role: bool,
    pub can_create_database: bool,
    pub connection_limit: i64,
    /// `None`: never expires.
    pub valid_until: Option<Timestamp>,
    /// `key=value` pairs of per-role settings.
    pub settings: Vec<String>,
    pub member_of: Vec<String>,
}

/// How a role's password is stored; the hash itself is never read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Password {
    pub role: String,
    /// `none`, `md5`, `scram-sha-256`, `other`.
    pub kind: String,
}

/// One line of `pg_hba.conf`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HbaRule {
    pub line: i64,
    /// `local`, `host`, `hostssl`, `hostnossl`, `hostgssenc`, `hostnogssenc`.
    pub kind: String,
    pub databases: Vec<String>,
    pub users: Vec<String>,
    pub address: Option<String>,
    pub netmask: Option<String>,
    pub method: String,
    pub error: Option<String>,
}

/// One setting of a configuration file that the server could not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileError {
    pub file: String,
    pub line: Option<i64>,
    pub name: Option<String>,
    pub error: String,
}

/// The server's certificate as presented to us.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Certificate {
    pub not_after: Option<Timestamp>,
    pub subject: Option<String>,
}

/// A function that runs with more rights than its caller, or in an untrusted language.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Function {
    pub schema: String,
    pub name: String,
    /// `pg_get_function_identity_arguments`.
    pub arguments: String,
    pub owner: String,
    pub language: String,
    pub is_trusted_language: bool,
    pub is_security_definer: bool,
    /// `search_path` is fixed by the function's own settings.
    pub has_fixed_search_path: bool,
    pub owner_is_superuser: bool,
    /// Everybody may call it.
    pub public_execute: bool,
    pub extension: Option<String>,
}

/// One row-level security policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    pub schema: String,
    pub table: String,
    pub table_oid: i64,
    pub name: String,
    pub is_permissive: bool,
    pub command: String,
    pub roles: Vec<String>,
    pub using_expression: Option<String>,
    pub check_expression: Option<String>,
    /// Attribute numbers of the table's own columns the policy reads.
    pub columns: Vec<i64>,
    pub column_names: Vec<String>,
    /// Calls of volatile functions in its expressions, by name.
    pub volatile_functions: Vec<String>,
}

/// Something everybody may do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublicGrant {
    /// `schema`, `table`, `database`.
    pub kind: String,
    pub name: String,
    /// `CREATE`, `SELECT`, `INSERT` …
    pub privileges: Vec<String>,
}
