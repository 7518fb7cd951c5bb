//! Authentication and access.

use dbvitals_model::{FixKind, Severity};
use dbvitals_testkit::{Redis, RedisVersion};

use super::Scene;

/// Addresses of which one is not this machine's loopback, and does not exist: the server believes that
/// others can reach it, and yet none can.
const ELSEWHERE: &str = "127.0.0.1 -192.0.2.1";

#[tokio::test]
async fn no_authentication() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .config("bind", ELSEWHERE)
            .config("protected-mode", "no")
            .start()
            .unwrap();
        let scene = Scene::new(&redis, "redis-no-authentication");
        let fix = scene.found_as(Severity::Critical).await.fix.unwrap();
        assert_eq!(fix.kind, FixKind::Manual);
        scene.run(&[fix.statements[0].replace("<password>", "correct-horse")]);
        let url = redis.url().replace("://", "://:correct-horse@");
        Scene::new(&redis, "redis-no-authentication").through(&url).silent().await;
    }
}

#[tokio::test]
async fn loopback_without_a_password_is_not_critical() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        Scene::new(&redis, "redis-no-authentication").found_as(Severity::Info).await;
        Scene::new(&redis, "redis-default-user-unrestricted").found_as(Severity::Info).await;
        Scene::new(&redis, "redis-protected-mode-off").silent().await;
        Scene::new(&redis, "redis-tls-off").silent().await;
    }
}

#[tokio::test]
async fn protected_mode_off() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .config("bind", ELSEWHERE)
            .config("protected-mode", "no")
            .start()
            .unwrap();
        let finding = Scene::new(&redis, "redis-protected-mode-off").mended_and_undone().await;
        assert_eq!(finding.severity, Severity::Critical);
    }
}

#[tokio::test]
async fn default_user_unrestricted() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("bind", ELSEWHERE).start().unwrap();
        let scene = Scene::new(&redis, "redis-default-user-unrestricted");
        let finding = scene.found_as(Severity::Warning).await;
        let filled: Vec<String> = finding
            .fix
            .unwrap()
            .statements
            .iter()
            .map(|statement| {
                let statement = statement.replace("<administrator>", "admin");
                let statement = statement.replace("<application>", "shop");
                statement.replace("<password>", "correct-horse").replace("<prefix>", "shop")
            })
            .collect();
        scene.run(&filled);
        let url = redis.url_as("admin", "correct-horse");
        Scene::new(&redis, "redis-default-user-unrestricted").through(&url).silent().await;
        // Neither user of the template is a new finding.
        Scene::new(&redis, "redis-dangerous-commands").through(&url).silent().await;
    }
}

#[tokio::test]
async fn dangerous_commands() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .acl_user("admin", "on >correct-horse ~* +@all")
            .acl_user("shop", "on >battery-staple ~* +@all -@admin")
            .acl_user("reader", "on >battery-staple ~* +@all -@dangerous")
            .start()
            .unwrap();
        let scene = Scene::new(&redis, "redis-dangerous-commands");
        let finding = scene.mended_and_undone().await;
        assert_eq!(finding.message, "user shop may run flushall, flushdb, keys, swapdb");
    }
}

#[tokio::test]
async fn settings_that_open_dangerous_commands() {
    let redis =
        Redis::builder(RedisVersion::V7).config("enable-debug-command", "yes").start().unwrap();
    let finding = Scene::new(&redis, "redis-dangerous-commands").found().await;
    assert_eq!(finding.subject.name, "enable-debug-command");
}

#[tokio::test]
async fn tls_off() {
    let plain = Redis::builder(RedisVersion::V7).config("bind", ELSEWHERE).start().unwrap();
    Scene::new(&plain, "redis-tls-off").found_as(Severity::Info).await;
    let both = Redis::builder(RedisVersion::V7).config("bind", ELSEWHERE).tls().start().unwrap();
    Scene::new(&both, "redis-tls-off").silent().await;
}

#[tokio::test]
async fn acl_denials() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .acl_user("reader", "on >battery-staple ~* +get")
            .start()
            .unwrap();
        let mut reader = redis.connection().unwrap();
        reader.command(&["AUTH", "reader", "battery-staple"]).unwrap();
        for _ in 0..3 {
            reader.command(&["SET", "a", "1"]).unwrap_err();
        }
        let scene = Scene::new(&redis, "redis-acl-denials");
        let finding = scene.found_as(Severity::Warning).await;
        assert_eq!(finding.message, "3 times reader was denied a command: set");
        redis.cli(&["ACL", "LOG", "RESET"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn version_vulnerable() {
    let redis = Redis::builder(RedisVersion::V6_2).start().unwrap();
    let finding = Scene::new(&redis, "redis-version-vulnerable").found_as(Severity::Warning).await;
    assert!(finding.recommendation.contains("6.2.23"), "{}", finding.recommendation);
    // A line that was no longer maintained when the hole was found, and is mended by distributions.
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let verdict = Scene::new(&redis, "redis-version-vulnerable").verdict().await;
    assert!(!verdict.judged && verdict.findings.is_empty(), "{verdict:#?}");
}
