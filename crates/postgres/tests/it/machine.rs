//! The machine, told by a server that may read files.

use dbvitals_postgres::{
    Target,
    collect::{MachineReading, Options, collect},
};
use dbvitals_testkit::{PgVersion, Postgres, shared};

async fn host_as(url: &str) -> Option<dbvitals_model::host::Host> {
    let target = Target::parse(url, &|_| None).unwrap();
    let options = Options { machine: MachineReading::Always, ..Options::quick() };
    collect(&target, &options, &|_| {}).await.unwrap().host
}

#[tokio::test]
async fn a_superuser_reads_the_machine_and_a_monitor_does_not() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let pg: &Postgres = shared(version).unwrap();
        let host = host_as(&pg.superuser_url("postgres")).await.unwrap();
        assert!(host.memory.value().unwrap().total_bytes > 1 << 20);
        assert!(host.load.value().is_some());
        assert_eq!(host.source, "sql");
        assert!(host_as(&pg.monitor_url("postgres")).await.is_none());
    }
}
