//! Authentication and access.

pub mod acl_denials;
pub mod dangerous_commands;
pub mod default_user_unrestricted;
pub mod no_authentication;
pub mod permissions;
pub mod protected_mode_off;
pub mod tls_off;
pub mod version_vulnerable;
