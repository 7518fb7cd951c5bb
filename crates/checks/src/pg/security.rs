//! Security.

pub mod public_schema_create;
pub mod reach;
pub mod rls_disabled_with_policy;
pub mod rls_enabled_without_policy;
pub mod routine;
pub mod security_definer_mutable_path;
pub mod superuser_login_many;
pub mod table_grant_public;
pub mod trust_authentication;
pub mod untrusted_language_function;
