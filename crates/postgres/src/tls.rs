//! TLS as libpq's `sslmode` asks for it.

pub(crate) mod certificate;
mod files;
mod verifier;
mod witness;

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::ring,
    version::{TLS12, TLS13},
};
use tokio_postgres_rustls::MakeRustlsConnect;

pub(crate) use self::witness::Shown;
use crate::{
    Error,
    error::Kind,
    target::{RootCertificates, SslMode, TlsSettings},
};

/// What makes TLS connections, and the certificate the last one was shown.
pub(crate) struct Connector {
    pub(crate) make: MakeRustlsConnect,
    pub(crate) shown: Shown,
}

/// What makes TLS connections as the settings ask, reading the files they name.
///
/// As in libpq, a file of root certificates that exists is used in every mode, so that even
/// `sslmode=require` then verifies who signed the certificate, though not its name.
pub(crate) fn connector(settings: &TlsSettings) -> Result<Connector, Error> {
    let mut versions: Vec<&SupportedProtocolVersion> = Vec::new();
    if settings.allow_1_3 {
        versions.push(&TLS13);
    }
    if settings.allow_1_2 {
        versions.push(&TLS12);
    }
    let provider = Arc::new(ring::default_provider());
    let unusable = |source| Error::from(Kind::TlsSetup { source });
    let shown = Shown::default();
    let judge = verifier(settings, &provider)?;
    let witness = witness::Witness { judge, shown: shown.clone() };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(witness));
    let mut config = match &settings.client {
        Some((certificate, key)) => {
            let chain = files::certificates(certificate)?;
            builder.with_client_auth_cert(chain, files::key(key)?).map_err(unusable)?
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = settings.server_name_indication;
    config.resumption = Resumption::disabled();
    if settings.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(Connector { make: MakeRustlsConnect::new(config), shown })
}

fn verifier(
    settings: &TlsSettings,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let pinned = match &settings.root {
        RootCertificates::File(path) if path.exists() || settings.mode >= SslMode::VerifyCa => {
            files::certificates(path)?
        }
        RootCertificates::System => files::system_certificates()?,
        RootCertificates::None if settings.mode >= SslMode::VerifyCa => {
            return Err(Kind::NoRootCertificate.into());
        }
        RootCertificates::File(_) | RootCertificates::None => {
            return Ok(Arc::new(verifier::AnyCertificate::new(provider)));
        }
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(pinned.iter().cloned());
    let mut builder =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if let Some(path) = &settings.revocations {
        builder = builder
            .with_crls(files::revocations(path)?)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status();
    }
    let chain = builder
        .build()
        .map_err(|error| Kind::TlsSetup { source: rustls::Error::General(error.to_string()) })?;
    let check_name = settings.mode >= SslMode::VerifyFull;
    Ok(Arc::new(verifier::Verified { chain, pinned, check_name }))
}
