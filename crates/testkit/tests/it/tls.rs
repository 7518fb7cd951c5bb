//! Encrypted connections, verified both ways.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use dbvitals_testkit::{Certificates, PgVersion, Postgres, Redis, RedisVersion, Validity};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A client that trusts this authority, and shows `user`'s certificate if asked to.
fn trusting(certificates: &Certificates, user: Option<&str>) -> ClientConfig {
    let certificate = |path: &Path| CertificateDer::from_pem_file(path).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&certificates.authority())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match user {
        None => config.with_no_client_auth(),
        Some(user) => {
            let shown = vec![certificate(&certificates.client_certificate(user))];
            let key = PrivateKeyDer::from_pem_file(certificates.client_key(user)).unwrap();
            config.with_client_auth_cert(shown, key).unwrap()
        }
    }
}

async fn connect(
    url: &str,
    config: ClientConfig,
) -> Result<tokio_postgres::Client, Box<dyn Error>> {
    let connector = MakeRustlsConnect::new(config);
    let (client, connection) = tokio_postgres::connect(url, connector).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn every_postgres_encrypts_and_takes_client_certificates() {
    for version in PgVersion::ALL.into_iter().chain([PgVersion::Debian15]) {
        let rule = "hostssl all monitor 127.0.0.1/32 cert";
        let pg = Postgres::builder(version).tls().hba(rule).start().unwrap();
        let config = trusting(pg.certificates().unwrap(), Some("monitor"));
        let url = format!("postgresql://monitor@127.0.0.1:{}/postgres?sslmode=require", pg.port());
        let client = connect(&url, config).await.unwrap();
        let row = client
            .query_one("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()", &[])
            .await
            .unwrap();
        assert!(row.get::<_, bool>(0));
        assert_eq!(row.get::<_, String>(1), "TLSv1.3");
    }
}

#[tokio::test]
async fn certificates_for_others_and_old_ones_are_not_trusted() {
    let foreign = [(&["db.example"][..], Validity::Valid), (&["127.0.0.1"], Validity::Expired)];
    for (names, validity) in foreign {
        let pg = Postgres::builder(PgVersion::V16).tls_for(names, validity).start().unwrap();
        let url = format!("{}?sslmode=require", pg.superuser_url("postgres"));
        let refused = connect(&url, trusting(pg.certificates().unwrap(), None)).await;
        let message = format!("{:?}", refused.err().unwrap());
        assert!(message.contains("NotValidForName") || message.contains("Expired"), "{message}");
    }
}

#[test]
fn redis_encrypts() {
    let redis = Redis::builder(RedisVersion::V7).tls().start().unwrap();
    let port = redis.tls_port().unwrap();
    assert_eq!(redis.tls_url().unwrap(), format!("rediss://127.0.0.1:{port}/"));
    let config = trusting(redis.certificates().unwrap(), None);
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = StreamOwned::new(session, TcpStream::connect(("127.0.0.1", port)).unwrap());
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"PING\r\n").unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    assert_eq!(answer, "+PONG\r\n");
}
