//! The parameters of TLS, and the files libpq looks for when none is named.

use std::path::PathBuf;

use super::{
    ConninfoError, Environment, Parameters, below_home,
    settle::{choice, shown},
};
use crate::target::{RootCertificates, SslMode, TlsSettings};

/// Reads all parameters of TLS.
pub(super) fn tls_settings(
    parameters: &Parameters,
    environment: &Environment<'_>,
) -> Result<TlsSettings, ConninfoError> {
    let given = choice(parameters, "sslmode", &SslMode::ALL)?;
    let root = root(parameters, environment);
    let mode = mode(parameters, given, &root)?;
    let negotiation = [("postgres", false), ("direct", true)];
    let direct = choice(parameters, "sslnegotiation", &negotiation)?.unwrap_or(false);
    if direct
        && mode < SslMode::Require
        && let Some(value) = parameters.get("sslnegotiation")
    {
        let what = "sslnegotiation=direct needs sslmode=require, verify-ca or verify-full";
        return Err(value.place.trouble(what));
    }
    let (allow_1_2, allow_1_3) = versions(parameters)?;
    let revocations = file(parameters, environment, "sslcrl", "root.crl");
    let switch = [("1", true), ("0", false)];
    Ok(TlsSettings {
        mode,
        direct,
        root,
        revocations: revocations.filter(|path| parameters.get("sslcrl").is_some() || path.exists()),
        client: client(parameters, environment)?,
        server_name_indication: choice(parameters, "sslsni", &switch)?.unwrap_or(true),
        allow_1_2,
        allow_1_3,
    })
}

/// `sslmode`, which is `prefer` unless the system's certificates are to be trusted.
fn mode(
    parameters: &Parameters,
    given: Option<SslMode>,
    root: &RootCertificates,
) -> Result<SslMode, ConninfoError> {
    let is_system = *root == RootCertificates::System;
    match (given, parameters.get("sslmode")) {
        (Some(mode), Some(value)) if is_system && mode < SslMode::VerifyFull => {
            Err(value.place.trouble(format!(
                "sslmode={} is too weak for sslrootcert=system, which anyone's certificate may \
                 satisfy; use verify-full",
                value.text
            )))
        }
        (Some(mode), _) => Ok(mode),
        (None, _) if is_system => Ok(SslMode::VerifyFull),
        (None, _) => Ok(SslMode::Prefer),
    }
}

fn root(parameters: &Parameters, environment: &Environment<'_>) -> RootCertificates {
    if parameters.text("sslrootcert") == Some("system") {
        return RootCertificates::System;
    }
    file(parameters, environment, "sslrootcert", "root.crt")
        .map_or(RootCertificates::None, RootCertificates::File)
}

/// Certificate and key: those named, else those in the home folder if the certificate is there.
fn client(
    parameters: &Parameters,
    environment: &Environment<'_>,
) -> Result<Option<(PathBuf, PathBuf)>, ConninfoError> {
    let modes = [("allow", true), ("require", true), ("disable", false)];
    if choice(parameters, "sslcertmode", &modes)? == Some(false) {
        return Ok(None);
    }
    let certificate = file(parameters, environment, "sslcert", "postgresql.crt");
    let key = file(parameters, environment, "sslkey", "postgresql.key");
    let is_named = parameters.get("sslcert").is_some();
    Ok(certificate.filter(|path| is_named || path.exists()).zip(key))
}

/// The file a parameter names, or the one in `~/.postgresql`.
fn file(
    parameters: &Parameters,
    environment: &Environment<'_>,
    name: &str,
    default: &str,
) -> Option<PathBuf> {
    let named = parameters.text(name).map(PathBuf::from);
    named.or_else(|| below_home(environment, ".postgresql").map(|folder| folder.join(default)))
}

/// Whether TLS 1.2 and 1.3 are allowed. Older versions are never spoken.
fn versions(parameters: &Parameters) -> Result<(bool, bool), ConninfoError> {
    let ranks = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let lowest = choice(parameters, "ssl_min_protocol_version", &ranks)?.unwrap_or(2);
    let highest = choice(parameters, "ssl_max_protocol_version", &ranks)?.unwrap_or(3);
    let allowed = (lowest <= 2 && highest >= 2, highest >= 3);
    match parameters.get("ssl_max_protocol_version") {
        Some(value) if allowed == (false, false) => Err(value.place.trouble(format!(
            "ssl_max_protocol_version={} leaves no version; TLSv1.2 and TLSv1.3 are spoken",
            shown(&value.text)
        ))),
        _ => Ok(allowed),
    }
}
