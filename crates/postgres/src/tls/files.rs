//! Certificates, keys and revocation lists from PEM files.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer,
    pem::{self, PemObject},
};

use crate::{Error, error::Kind};

/// All certificates of a file; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match all {
        Ok(all) if all.is_empty() => Err(bad(path, "it holds no certificate in PEM form")),
        Ok(all) => Ok(all),
        Err(error) => Err(bad(path, error.to_string())),
    }
}

/// The first private key of a file that, as libpq demands, others may not read.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let metadata =
        fs::metadata(path).map_err(|source| Kind::File { path: path.to_owned(), source })?;
    // A key of root's may be readable by its group, so that a system's users can share it.
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        return Err(bad(path, "others may read it; run: chmod 600"));
    }
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound if text.windows(9).any(|word| word == b"ENCRYPTED") => {
            bad(path, "the key is encrypted, which is not supported; decrypt it")
        }
        pem::Error::NoItemsFound => bad(path, "it holds no private key in PEM form"),
        other => bad(path, other.to_string()),
    })
}

/// All revocation lists of a file.
pub(super) fn revocations(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&text).collect();
    all.map_err(|error| bad(path, error.to_string()))
}

/// What the operating system trusts.
pub(super) fn system_certificates() -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Kind::NoRootCertificate.into());
    }
    Ok(found.certs)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Kind::File { path: path.to_owned(), source }.into())
}

fn bad(path: &Path, why: impl Into<String>) -> Error {
    Kind::BadFile { path: path.to_owned(), why: why.into() }.into()
}
