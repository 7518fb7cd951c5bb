//! A throwaway certificate authority with a server and two client certificates.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::{TestkitError, run_as::RunAs};

/// Whether the server certificate is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validity {
    /// Valid for centuries.
    #[default]
    Valid,
    /// Ended on 2002-01-01.
    Expired,
    /// Still valid, but not for long.
    EndsIn {
        /// So many days from now.
        days: u32,
    },
}

/// PEM files in a server's folder. Private keys have mode 0600 and belong to the server's user.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes the files below `folder`; the server certificate names `names` (host names or addresses).
    pub(crate) fn make(
        folder: &Path,
        run_as: RunAs,
        names: &[String],
        validity: Validity,
    ) -> Result<Self, TestkitError> {
        run_as.create_dir(folder)?;
        let made = Self { folder: folder.to_owned() };
        let authority_key = KeyPair::generate()?;
        let mut authority = named("dbvitals test authority", &[])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = authority.self_signed(&authority_key)?;
        run_as.write(&made.authority(), &certificate.pem(), 0o644)?;
        let issuer = Issuer::new(authority, authority_key);

        let mut server = named(names.first().map_or("localhost", String::as_str), names)?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        match validity {
            Validity::Valid => {}
            Validity::Expired => {
                server.not_before = date_time_ymd(2001, 1, 1);
                server.not_after = date_time_ymd(2002, 1, 1);
            }
            Validity::EndsIn { days } => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let left = Duration::from_hours(24) * days;
                server.not_after = date_time_ymd(1970, 1, 1) + now + left;
            }
        }
        made.issue(run_as, "server", &server, &issuer)?;
        for user in ["postgres", "monitor"] {
            let mut client = named(user, &[])?;
            client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            made.issue(run_as, user, &client, &issuer)?;
        }
        Ok(made)
    }

    /// The authority's certificate, for `sslrootcert`.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.crt")
    }

    /// The server's certificate.
    pub fn server_certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// The server's private key.
    pub fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    /// The client certificate whose common name is `user`: `postgres` or `monitor`.
    pub fn client_certificate(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.crt"))
    }

    /// The private key of [`Self::client_certificate`].
    pub fn client_key(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.key"))
    }

    fn issue(
        &self,
        run_as: RunAs,
        file: &str,
        params: &CertificateParams,
        issuer: &Issuer<'_, KeyPair>,
    ) -> Result<(), TestkitError> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, issuer)?;
        run_as.write(&self.folder.join(format!("{file}.crt")), &certificate.pem(), 0o644)?;
        run_as.write(&self.folder.join(format!("{file}.key")), &key.serialize_pem(), 0o600)
    }
}

fn named(common_name: &str, names: &[String]) -> Result<CertificateParams, TestkitError> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
