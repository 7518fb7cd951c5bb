//! Every way to reach a server.

use dbvitals_model::Reason;
use dbvitals_redis::{Error, Target, collect};
use dbvitals_testkit::{Redis, RedisVersion, Validity};

use crate::{audit, failure, failure_of_silent, options, remedy, value};

#[tokio::test]
async fn over_a_unix_socket() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).password("pw").start().unwrap();
        for scheme in ["unix", "redis+unix"] {
            let url = format!("{scheme}://:pw@{}?db=3", redis.socket().display());
            let snapshot = audit(&url).await.snapshot;
            assert!(snapshot.server.is_local);
            assert!(snapshot.info.value().is_some());
        }
        let missing = failure("unix:///nowhere/redis.sock").await.unavailable();
        assert!(remedy(&missing).contains("socket's path"), "{missing:?}");
    }
}

#[tokio::test]
async fn over_tls() {
    let redis = Redis::builder(RedisVersion::V7).tls().start().unwrap();
    let files = redis.certificates().unwrap();
    let url = redis.tls_url().unwrap();
    let trusted = format!("{url}?cacert={}", files.authority().display());
    assert!(audit(&trusted).await.snapshot.server.tls);
    assert!(audit(&format!("{url}?insecure")).await.snapshot.server.tls);

    let stranger = failure(&url).await.unavailable();
    assert!(remedy(&stranger).contains("cacert=FILE"), "{stranger:?}");
    let nonsense = failure(&format!("{url}?cacert=/nowhere.pem")).await;
    assert!(matches!(nonsense, Error::TlsFile { .. }), "{nonsense:?}");
}

#[tokio::test]
async fn over_tls_with_a_client_certificate() {
    let builder = Redis::builder(RedisVersion::V7).tls().config("tls-auth-clients", "yes");
    let redis = builder.start().unwrap();
    let files = redis.certificates().unwrap();
    let url = format!("{}?cacert={}", redis.tls_url().unwrap(), files.authority().display());
    let (certificate, key) = (files.client_certificate("monitor"), files.client_key("monitor"));
    let full = format!("{url}&cert={}&key={}", certificate.display(), key.display());
    assert!(audit(&full).await.snapshot.server.tls);

    let refused = failure(&url).await.unavailable();
    assert!(remedy(&refused).contains("cert=FILE&key=FILE"), "{refused:?}");
}

#[tokio::test]
async fn certificates_for_another_name_or_another_time_are_refused() {
    for (names, validity, hint) in [
        (&["elsewhere.example"], Validity::Valid, "by a name"),
        (&["127.0.0.1"], Validity::Expired, "renew"),
    ] {
        let redis = Redis::builder(RedisVersion::V7).tls_for(names, validity).start().unwrap();
        let authority = redis.certificates().unwrap().authority();
        let url = format!("{}?cacert={}", redis.tls_url().unwrap(), authority.display());
        let refused = failure(&url).await.unavailable();
        assert!(remedy(&refused).contains(hint), "{refused:?}");
    }
}

#[tokio::test]
async fn tls_to_a_plain_port_and_back() {
    let redis = Redis::builder(RedisVersion::V7).tls().start().unwrap();
    // A plain Redis waits for the end of the line that TLS never sends.
    let to_plain = failure_of_silent(&format!("rediss://127.0.0.1:{}", redis.port())).await;
    assert!(matches!(to_plain, Error::WantsPlain { .. }), "{to_plain:?}");
    let to_tls = failure(&format!("redis://127.0.0.1:{}", redis.tls_port().unwrap())).await;
    assert!(matches!(to_tls, Error::WantsTls { .. }), "{to_tls:?}");
    assert!(remedy(&to_tls.unavailable()).contains("rediss://"));
}

#[tokio::test]
async fn passwords_right_wrong_missing_and_needless() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .password("sec%ret")
            .acl_user("auditor", "on >p@ss ~* +@all")
            .start()
            .unwrap();
        let port = redis.port();
        let url = |account: &str| format!("redis://{account}@127.0.0.1:{port}");
        assert!(audit(&url(":sec%25ret")).await.snapshot.info.value().is_some());
        let joe = audit(&url("auditor:p%40ss")).await.snapshot;
        assert_eq!(joe.server.user.as_deref(), Some("auditor"));
        assert!(!serde_json::to_string(&joe).unwrap().contains("sec%ret"));
        let users = value(&joe.users);
        let auditor = users.iter().find(|user| user.name == "auditor").unwrap();
        assert_eq!((auditor.passwords, auditor.no_password), (1, false));

        let wrong = failure(&url("auditor:hunter2")).await;
        assert!(wrong.is_auth(), "{wrong:?}");
        assert!(!format!("{wrong} {wrong:?}").contains("hunter2"));
        assert_eq!(wrong.unavailable().reason, Reason::Permission);
        let missing = failure(&format!("redis://127.0.0.1:{port}")).await;
        assert!(missing.is_auth(), "{missing:?}");
        assert!(remedy(&missing.unavailable()).contains("user:password@"));
    }
    let open = Redis::builder(RedisVersion::V7).start().unwrap();
    let found = audit(&format!("redis://:needless@127.0.0.1:{}", open.port())).await;
    assert!(found.problems[0].contains("asks for none"), "{:?}", found.problems);
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_told_and_the_rest_is_read() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let found = audit(&format!("{}99", redis.url())).await;
    assert!(found.problems[0].contains("cannot select database 99"), "{:?}", found.problems);
    assert!(found.snapshot.info.value().is_some());
}

#[tokio::test]
async fn our_connection_is_named_and_leaves_nothing_behind() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let target = Target::parse(&redis.url()).unwrap();
    let options =
        dbvitals_redis::Options { window: Some(std::time::Duration::from_mins(1)), ..options() };
    let mut watcher = redis.connection().unwrap();
    let mut clients = move || {
        watcher.command(&["CLIENT", "LIST"]).unwrap().text().matches("name=dbvitals ").count()
    };
    let audit = tokio::spawn(async move { collect(&target, &options).await });
    while clients() == 0 {
        tokio::task::yield_now().await;
    }
    // What happens on Ctrl-C: the future is dropped.
    audit.abort();
    assert!(audit.await.unwrap_err().is_cancelled());
    while clients() > 0 {
        tokio::task::yield_now().await;
    }
}
