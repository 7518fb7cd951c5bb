//! Strings, variables and files, as libpq reads them.

use std::{collections::BTreeMap, fs, time::Duration};

use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;
use crate::target::{HostName, RootCertificates, SessionAttrs, SslMode};

/// Reads a string with these variables and nothing else.
fn with(text: &str, variables: &[(&str, &str)]) -> Result<Target, ConninfoError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    parse(text, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn read(text: &str) -> Target {
    with(text, &[]).unwrap()
}

fn trouble(text: &str) -> String {
    with(text, &[]).unwrap_err().to_string()
}

fn password(target: &Target) -> Option<String> {
    target.hosts[0].password.as_ref().map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn a_url_says_everything() {
    let target = read("postgresql://me%40x:p%3Aw@db.example.org:5433/app%2F1?sslmode=require");
    assert_eq!(target.user, "me@x");
    assert_eq!(password(&target).as_deref(), Some("p:w"));
    assert_eq!(target.endpoint(), "db.example.org:5433/app/1");
    assert_eq!(target.tls.mode, SslMode::Require);
    assert_eq!(read("postgres://h/d?ssl=true").tls.mode, SslMode::Require);
}

#[test]
fn hosts_are_lists() {
    let text = "postgres://me@a:1,[::1]:2,c/d?target_session_attrs=prefer-standby";
    let target = read(text);
    assert_eq!(target.endpoint(), "a:1,[::1]:2,c:5432/d");
    assert_eq!(target.session_attrs, SessionAttrs::PreferStandby);
    assert_eq!(read("host=a,b port=7 user=u dbname=d").endpoint(), "a:7,b:7/d");
    assert_eq!(read("host=a,b port=7,8 user=u dbname=d").endpoint(), "a:7,b:8/d");
    assert!(trouble("host=a,b port=7,8,9").contains("lists 3 values for 2 hosts"));
    let target = read("host=name hostaddr=10.0.0.1 user=u");
    assert_eq!(target.hosts[0].address, Some("10.0.0.1".parse().unwrap()));
    assert_eq!(target.hosts[0].at, HostName::Tcp("name".into()), "the name is what TLS verifies");
}

#[test]
fn sockets_are_hosts_that_start_with_a_slash() {
    for text in [
        "postgresql://me@%2Ftmp%2Fpg:6543/app",
        "postgresql:///app?host=/tmp/pg&port=6543&user=me",
        "host=/tmp/pg port=6543 dbname=app user=me",
    ] {
        let target = read(text);
        assert_eq!(target.hosts[0].at, HostName::Unix("/tmp/pg".into()), "{text}");
        assert_eq!(target.endpoint(), "/tmp/pg:6543/app");
    }
    assert!(matches!(read("user=me").hosts[0].at, HostName::Unix(_)));
    assert!(trouble("host=@abstract user=me").contains("abstract"));
}

#[test]
fn quotes_and_backslashes_work_as_in_libpq() {
    let target = read(r"host = h  user='a \'b\\ c' password=x\ y dbname=''");
    assert_eq!(target.user, r"a 'b\ c");
    assert_eq!(password(&target).as_deref(), Some("x y"));
    assert_eq!(target.database, r"a 'b\ c", "the database is named like the user");
    assert!(trouble("user='me").contains("not closed"));
    assert!(trouble("host=h user").contains("no = after the word at character 8"));
}

#[test]
fn variables_fill_what_the_string_leaves_open() {
    let variables = [
        ("PGHOST", "h"),
        ("PGPORT", "7"),
        ("PGUSER", "u"),
        ("PGDATABASE", "d"),
        ("PGPASSWORD", "secret"),
        ("PGSSLMODE", "disable"),
        ("PGCONNECT_TIMEOUT", "3"),
        ("PGAPPNAME", "other"),
    ];
    let target = with("", &variables).unwrap();
    assert_eq!(target.endpoint(), "h:7/d");
    assert_eq!(target.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(with("postgres://h2/", &variables).unwrap().endpoint(), "h2:7/d");
    let why = with("", &[("PGPORT", "x"), ("PGUSER", "u")]).unwrap_err().to_string();
    assert!(why.starts_with("variable PGPORT: "), "{why}");
}

#[test]
fn a_service_fills_before_the_variables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("services");
    let text = "# mine\n[one]\nhost=a\n\n[two]\nhost=b\nport=6\nuser=u\n[three]\nhots=c\n";
    fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    let at = |service| [("PGSERVICEFILE", file), ("PGSERVICE", service), ("PGPORT", "9")];
    assert_eq!(with("dbname=d", &at("two")).unwrap().endpoint(), "b:6/d");
    assert_eq!(with("dbname=d user=u", &at("one")).unwrap().endpoint(), "a:9/d");
    assert_eq!(with("service=one dbname=d user=u", &at("two")).unwrap().endpoint(), "a:9/d");
    let why = with("", &at("three")).unwrap_err().to_string();
    assert!(why.contains("line 10") && why.contains("did you mean host?"), "{why}");
    let why = with("service=four", &at("")).unwrap_err().to_string();
    assert!(why.contains("no service \"four\"") && why.contains("services"), "{why}");
}

#[test]
fn the_password_file_is_asked_per_host() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pass");
    fs::write(&path, "a:5432:d:u:one\nb:7:*:*:two\nlocalhost:*:*:*:three\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let file = path.to_str().unwrap();
    let target = with("host=a,b port=5432,7 dbname=d user=u", &[("PGPASSFILE", file)]).unwrap();
    let passwords: Vec<&str> =
        target.hosts.iter().map(|host| host.password.as_ref().unwrap().expose_secret()).collect();
    assert_eq!(passwords, ["one", "two"]);
    let target = with("user=u host=/tmp", &[("PGPASSFILE", file)]).unwrap();
    assert_eq!(password(&target).as_deref(), Some("three"), "the default socket is localhost");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let target = with("host=a dbname=d user=u", &[("PGPASSFILE", file)]).unwrap();
    assert!(password(&target).is_none() && target.warnings[0].contains("chmod 600"));
}

#[test]
fn unknown_names_get_the_nearest_one() {
    assert!(trouble("hots=x").contains("unknown parameter \"hots\"; did you mean host?"));
    assert!(trouble("postgres://h/?sslmod=x").contains("did you mean sslmode?"));
    assert!(trouble("sslmode=verify-al user=u").contains("did you mean verify-ca?"));
    assert!(!trouble("completely_else=1").contains("did you mean"));
    assert!(trouble("mysql://h/d").contains("unknown scheme mysql"));
    assert!(trouble("just words").contains("no = after"));
}

#[test]
fn what_would_weaken_the_connection_is_refused_not_dropped() {
    for text in ["require_auth=scram-sha-256", "sslcrldir=/x", "replication=1", "requirepeer=x"] {
        assert!(trouble(text).contains("cannot be used here"), "{text}");
    }
    assert!(trouble("gssencmode=require user=u").contains("not supported"));
    read("gssencmode=prefer user=u application_name=x client_encoding=latin1");
}

#[test]
fn modes_that_contradict_each_other_are_refused() {
    assert!(trouble("user=u sslrootcert=system sslmode=require").contains("verify-full"));
    let target = read("user=u sslrootcert=system");
    assert_eq!(target.tls.mode, SslMode::VerifyFull);
    assert_eq!(target.tls.root, RootCertificates::System);
    assert!(trouble("user=u sslnegotiation=direct").contains("needs sslmode=require"));
    assert!(read("user=u sslnegotiation=direct sslmode=require").tls.direct);
    assert!(trouble("user=u ssl_max_protocol_version=TLSv1.1").contains("leaves no version"));
    assert!(!read("user=u ssl_min_protocol_version=TLSv1.3").tls.allow_1_2);
}

#[test]
fn no_message_shows_a_password() {
    let target = read("postgres://me:hunter2@h/d");
    assert!(!format!("{target:?} {target}").contains("hunter2"));
    for text in [
        "postgres://me:hunter2/x@h/d",
        "postgres://me:%hunter2@h/d",
        "postgres://me:9/hunter2@h/d",
        "host=h password='hunter2",
        "postgres://h/d?password=hunter2%&user=u",
        "postgres://me:x@hunter2@h/d",
        "postgres:/me:hunter2@h/d",
        "me:hunter2@h://d",
        "host=h password=my hunter2 user=u",
        "host=h password=my hunter2=x user=u",
    ] {
        let why = with(text, &[]).unwrap_err();
        assert!(!format!("{why} {why:?}").contains("hunter2"), "{why}");
    }
}

/// Quotes a value as libpq's manual says.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = with(&text, &[]);
        let _ = with(&format!("postgres://{text}"), &[]);
        let _ = with(&format!("host={text}"), &[]);
    }

    #[test]
    fn no_url_like_text_panics(text in "[a-z:/@?&=%\\[\\],.0-9]{0,40}") {
        let _ = with(&format!("postgres://{text}"), &[]);
    }

    #[test]
    fn quoted_values_come_back(
        user in "[^\0]{1,20}", secret in "[^\0]{1,20}", database in "[^\0]{1,20}"
    ) {
        let text = format!(
            "host=h user={} password={} dbname = {}",
            quoted(&user), quoted(&secret), quoted(&database),
        );
        let target = with(&text, &[]).unwrap();
        prop_assert_eq!(&target.user, &user);
        prop_assert_eq!(&target.database, &database);
        prop_assert_eq!(password(&target), Some(secret));
    }

    #[test]
    fn encoded_values_come_back(
        user in "[^\0]{1,20}", secret in "[^\0]{1,20}", database in "[^\0]{1,20}", port in 1u16..
    ) {
        let text = format!(
            "postgresql://{}:{}@h:{port}/{}",
            percent(&user), percent(&secret), percent(&database),
        );
        let target = with(&text, &[]).unwrap();
        prop_assert_eq!(&target.user, &user);
        prop_assert_eq!(&target.database, &database);
        prop_assert_eq!(target.hosts[0].port, port);
        prop_assert_eq!(password(&target), Some(secret));
    }
}
