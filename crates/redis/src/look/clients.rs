//! The clients, twice: who they are, and who came and went.

use std::time::{Duration, Instant};

use dbvitals_model::{
    Reason, Section,
    redis::{Client, Info, look::ClientsLook},
};

use super::{Watch, between};
use crate::{collect::clients, command::Command, reply};

impl Watch {
    /// Looks at the clients twice, `length` apart.
    pub async fn clients(&mut self, length: Duration) -> ClientsLook {
        let earlier = self.ground().await;
        let before = self.list(earlier.info.value()).await;
        let begun = Instant::now();
        if self.lost().is_none() {
            tokio::time::sleep(length).await;
        }
        let ground = self.ground().await;
        let passed = begun.elapsed();
        let clients = self.list(ground.info.value()).await;
        let window = between(&earlier.info, &ground.info, passed);
        ClientsLook { ground, before, clients, window }
    }

    /// Everybody but ourselves.
    async fn list(&mut self, info: Option<&Info>) -> Section<Vec<Client>> {
        let connected = info.and_then(|info| info.int("connected_clients")).unwrap_or(0);
        if connected > clients::TOO_MANY {
            let detail = format!("listing {connected} connections would hold up the server");
            return Section::unavailable(Reason::Timeout, detail);
        }
        let own = self.opened.hello.iter().find(|(name, _)| name == "id");
        let own_id = own.and_then(|(_, id)| id.parse().ok());
        let most = usize::try_from(clients::TOO_MANY).unwrap_or(usize::MAX);
        self.ask(Command::CLIENT_LIST, &[], |value| {
            clients::parse(&reply::text(value).unwrap_or_default(), own_id, most).0
        })
        .await
    }
}
