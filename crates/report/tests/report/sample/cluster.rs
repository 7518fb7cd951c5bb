//! A primary, a synchronous standby that lags, and one that nobody audited.

use dbvitals_model::cluster::{
    Cluster, ClusterNode, FailoverPoint, Lag, ReadBasis, SettingDifference,
};

fn point(label: &str, met: Option<bool>, note: &str, vital: bool) -> FailoverPoint {
    let (label, note) = (label.to_owned(), note.to_owned());
    FailoverPoint { label, met, note, source: "pg_settings".to_owned(), vital }
}

pub(super) fn cluster() -> Cluster {
    let standby = ClusterNode {
        name: "pg-standby".to_owned(),
        audited: true,
        role: "standby".to_owned(),
        upstream: Some("pg-main".to_owned()),
        timeline: Some(2),
        state: Some("streaming".to_owned()),
        sync_state: Some("sync".to_owned()),
        slot: Some("standby_1".to_owned()),
        lag: Lag {
            write_bytes: Some(0),
            flush_bytes: Some(16_384),
            replay_bytes: Some(12_582_912),
            write_ms: Some(0.4),
            flush_ms: Some(1.9),
            replay_ms: Some(3_200.0),
        },
        conflicts: Some(17),
        read_ratio: Some(0.38),
        settings: vec![SettingDifference {
            name: "work_mem".to_owned(),
            primary: "64 MB".to_owned(),
            standby: "4 MB".to_owned(),
        }],
        failover: vec![
            point("standby streaming", Some(true), "streaming", true),
            point("small lag", Some(true), "12 MB", true),
            point("same timeline", Some(true), "2", true),
            point("WAL archived", Some(false), "the archiver fails", false),
            point("settings high enough", Some(false), "max_connections", true),
        ],
    };
    let stranger = ClusterNode {
        name: "<reports>|@10.0.0.9".to_owned(),
        role: "standby".to_owned(),
        upstream: Some("pg-main".to_owned()),
        state: Some("catchup".to_owned()),
        sync_state: Some("async".to_owned()),
        lag: Lag { replay_bytes: Some(2_147_483_648), ..Lag::default() },
        failover: vec![
            point("standby streaming", Some(false), "catchup", true),
            point("same timeline", None, "the standby is not a target", true),
        ],
        ..ClusterNode::default()
    };
    let primary = ClusterNode {
        name: "pg-main".to_owned(),
        audited: true,
        role: "primary".to_owned(),
        timeline: Some(2),
        read_ratio: Some(0.62),
        ..ClusterNode::default()
    };
    Cluster {
        name: "pg-main".to_owned(),
        nodes: vec![primary, standby, stranger],
        unseen: vec!["<reports>|@10.0.0.9".to_owned()],
        reads: Some(ReadBasis::Lifetime(1_209_600.0)),
        notes: Vec::new(),
    }
}
