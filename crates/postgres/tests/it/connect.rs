//! The ways to name a server: TCP, socket, key=value, service, password file, several hosts.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use dbvitals_postgres::{Session, Target, connect};
use dbvitals_testkit::{Hostile, PgVersion, Postgres, shared};

use crate::support::{LIMIT, refusal, session, text};

async fn with(conninfo: &str, variables: &[(&str, &str)]) -> Session {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let look_up = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    connect(&Target::parse(conninfo, &look_up).unwrap(), LIMIT).await.unwrap()
}

async fn who(mut session: Session) -> String {
    let sql = "current_user || '@' || current_database() || ' ' || \
               current_setting('application_name')";
    let who = text(&mut session, sql).await;
    session.close().await;
    who
}

#[tokio::test]
async fn every_way_to_name_a_server_reaches_it() {
    let server = shared(PgVersion::NEWEST).unwrap();
    let port = server.port();
    let socket = server.socket_dir().display().to_string();
    let encoded = socket.replace('/', "%2F");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let service = write(
        "services",
        &format!("[mine]\nhost=127.0.0.1\nport={port}\nuser=monitor\ndbname=postgres\n"),
    );
    let passwords = write("passwords", "*:*:*:monitor:monitor\n");
    let port_text = port.to_string();
    let by_variables = [
        ("PGHOST", socket.as_str()),
        ("PGPORT", &port_text),
        ("PGUSER", "monitor"),
        ("PGPASSWORD", "monitor"),
        ("PGDATABASE", "postgres"),
    ];
    let by_service = [("PGSERVICEFILE", service.as_str()), ("PGPASSFILE", &passwords)];
    let wanted = "monitor@postgres dbvitals";
    let urls = [
        server.monitor_url("postgres"),
        format!("postgres://monitor:monitor@{encoded}:{port}/postgres"),
        format!("postgresql:///postgres?host={socket}&port={port}&user=monitor&password=monitor"),
        format!("host={socket} port={port} user=monitor password=monitor dbname=postgres"),
        format!(
            "host=localhost hostaddr=127.0.0.1 port={port} user=monitor password=monitor \
                 dbname=postgres keepalives_idle=30 tcp_user_timeout=5000 application_name=x"
        ),
    ];
    for url in &urls {
        assert_eq!(who(with(url, &[]).await).await, wanted, "{url}");
    }
    assert_eq!(who(with("", &by_variables).await).await, wanted);
    assert_eq!(who(with("service=mine", &by_service).await).await, wanted);
}

#[tokio::test]
async fn hosts_are_tried_in_turn_and_later_connections_stay() {
    let server = shared(PgVersion::V15).unwrap();
    let nobody = Hostile::refuses().unwrap();
    let (bad, good) = (nobody.port(), server.port());
    let url = format!("postgres://monitor:monitor@127.0.0.1:{bad},127.0.0.1:{good}/postgres");
    let session = session(&url).await;
    assert_eq!(session.endpoint(), format!("127.0.0.1:{good}/postgres"));
    assert_eq!(session.target_for("x").endpoint(), format!("127.0.0.1:{good}/x"));
    session.close().await;
}

#[tokio::test]
async fn the_wanted_kind_of_server_is_found() {
    let primary = Postgres::builder(PgVersion::V16).start().unwrap();
    let standby = primary.standby().await.unwrap();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
    let at = |session: &Session| session.endpoint().to_owned();
    for (wanted, server) in [
        ("any", &primary),
        ("read-write", &primary),
        ("primary", &primary),
        ("standby", &standby),
        ("read-only", &standby),
        ("prefer-standby", &standby),
    ] {
        let url =
            format!("postgres://monitor:monitor@{hosts}/postgres?target_session_attrs={wanted}");
        let session = session(&url).await;
        assert_eq!(at(&session), format!("127.0.0.1:{}/postgres", server.port()), "{wanted}");
        session.close().await;
    }
    let lone = format!("{}?target_session_attrs=standby", primary.monitor_url("postgres"));
    let why = refusal(&lone).await.to_string();
    assert!(why.contains("target_session_attrs=standby"), "{why}");
    let lone = format!("{}?target_session_attrs=prefer-standby", primary.monitor_url("postgres"));
    session(&lone).await.close().await;
}

#[tokio::test]
async fn closing_leaves_no_session() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    let session = session(&server.monitor_url("postgres")).await;
    session.close().await;
    crate::support::until_no_session(&server).await;
    let dropped = crate::support::session(&server.monitor_url("postgres")).await;
    drop(dropped);
    crate::support::until_no_session(&server).await;
}
