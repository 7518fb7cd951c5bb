//! Security.

pub mod audit_logging_off;
pub mod certificate_expiring;
pub mod listen_all_without_ssl;
pub mod md5_passwords;
pub mod password_expiring;
pub mod password_never_expiring;
pub mod password_none;
pub mod public_schema_create;
pub mod reach;
pub mod rls_disabled_with_policy;
pub mod rls_enabled_without_policy;
pub mod routine;
pub mod security_definer_mutable_path;
pub mod ssl_off;
pub mod superuser_login_many;
pub mod table_grant_public;
pub mod trust_authentication;
pub mod untrusted_language_function;
