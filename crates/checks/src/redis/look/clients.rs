//! Who is connected: by address, name, user, library, last command or database.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::{
    Measure, Sheet, Unit,
    redis::{Client, look::ClientsLook},
};

use super::{begin, seen};

/// Groups shown in a table.
const GROUPS: usize = 20;

/// Single clients shown.
const SINGLE: usize = 10;

/// What connections are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The address without its port.
    Address,
    /// The name an application gave its connection.
    Name,
    /// The ACL user.
    User,
    /// The client library (7.2+).
    Library,
    /// The last command.
    Command,
    /// The logical database.
    Database,
}

impl By {
    /// Every grouping.
    pub const ALL: [Self; 6] =
        [Self::Address, Self::Name, Self::User, Self::Library, Self::Command, Self::Database];

    fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Name => "name",
            Self::User => "user",
            Self::Library => "library",
            Self::Command => "last command",
            Self::Database => "database",
        }
    }

    fn of(self, client: &Client) -> String {
        let text = match self {
            Self::Address => client.address.as_str(),
            Self::Name => client.name.as_str(),
            Self::User => client.user.as_deref().unwrap_or_default(),
            Self::Library => client.library.as_deref().unwrap_or_default(),
            Self::Command => client.last_command.as_str(),
            Self::Database => return client.database.to_string(),
        };
        if text.is_empty() { "(none)".to_owned() } else { text.to_owned() }
    }
}

/// The clients of a server as a sheet. Without a grouping, all that tell connections apart are shown.
pub fn sheet(target: &str, look: &ClientsLook, by: &[By]) -> Sheet {
    let mut sheet = begin("redis-clients", target, &look.ground);
    counters(&mut sheet, look);
    let Some(clients) = seen(&mut sheet, "the connections", &look.clients) else { return sheet };
    came_and_went(&mut sheet, look.before.value(), clients);
    let wanted = if by.is_empty() { &By::ALL[..] } else { by };
    for by in wanted {
        group(&mut sheet, clients, *by, !wanted.is_empty() && wanted.len() < By::ALL.len());
    }
    heaviest(&mut sheet, clients);
    remarks(&mut sheet, look, clients);
    sheet
}

fn counters(sheet: &mut Sheet, look: &ClientsLook) {
    if let Some(info) = seen(sheet, "counters of clients", &look.ground.info) {
        for (label, field, unit) in [
            ("connected", "connected_clients", Unit::Count),
            ("at most", "maxclients", Unit::Count),
            ("blocked, waiting for data", "blocked_clients", Unit::Count),
            ("with client-side caching", "tracking_clients", Unit::Count),
            ("memory of clients", "mem_clients_normal", Unit::Bytes),
            ("memory of replicas' links", "mem_clients_slaves", Unit::Bytes),
            ("refused since the start", "rejected_connections", Unit::Count),
            ("closed to free memory", "evicted_clients", Unit::Count),
        ] {
            if let Some(number) = info.number(field) {
                sheet.fact(label, number, unit, &format!("INFO {field}"));
            }
        }
    }
    if let Some(window) = seen(sheet, "new connections", &look.window)
        && let Some(opened) = window.counters.get("total_connections_received")
        && window.seconds > 0.0
    {
        let rate = *opened as f64 / window.seconds;
        sheet.fact("new connections", rate, Unit::PerSecond, "total_connections_received");
    }
}

fn came_and_went(sheet: &mut Sheet, before: Option<&Vec<Client>>, after: &[Client]) {
    let Some(before) = before else { return };
    let ids = |clients: &[Client]| clients.iter().map(|it| it.id).collect::<BTreeSet<_>>();
    let (before, after) = (ids(before), ids(after));
    let count = |one: &BTreeSet<i64>, other: &BTreeSet<i64>| {
        i64::try_from(one.difference(other).count()).unwrap_or(i64::MAX)
    };
    sheet.fact("came between the looks", count(&after, &before), Unit::Count, "CLIENT LIST");
    sheet.fact("went between the looks", count(&before, &after), Unit::Count, "CLIENT LIST");
}

fn group(sheet: &mut Sheet, clients: &[Client], by: By, is_asked: bool) {
    let mut groups: BTreeMap<String, Vec<&Client>> = BTreeMap::new();
    for client in clients {
        groups.entry(by.of(client)).or_default().push(client);
    }
    // One group tells nothing that the facts above do not.
    let tells = groups.len() > 1 || by == By::Address || is_asked;
    if !tells {
        return;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(a_name, a), (b_name, b)| b.len().cmp(&a.len()).then(a_name.cmp(b_name)));
    let rows = groups.into_iter().take(GROUPS).map(|(name, clients)| row(name, &clients));
    let columns = [
        (by.word(), Unit::Text),
        ("count", Unit::Count),
        ("idle p50", Unit::Seconds),
        ("idle max", Unit::Seconds),
        ("oldest", Unit::Seconds),
        ("memory", Unit::Bytes),
        ("output", Unit::Bytes),
        ("blocked", Unit::Count),
        ("subs", Unit::Count),
        ("mostly", Unit::Text),
    ];
    let title = format!("By {}", by.word());
    sheet.table(&format!("by-{}", by.word().replace(' ', "-")), title, &columns, rows.collect());
}

fn row(name: String, clients: &[&Client]) -> Vec<Measure> {
    let mut idle: Vec<i64> = clients.iter().map(|client| client.idle_seconds).collect();
    idle.sort_unstable();
    let most = |value: fn(&Client) -> i64| clients.iter().map(|it| value(it)).max().unwrap_or(0);
    let sum = |value: fn(&Client) -> i64| {
        clients.iter().fold(0_i64, |sum, client| sum.saturating_add(value(client)))
    };
    vec![
        Measure::Text(name),
        sum(|_| 1).into(),
        idle.get(idle.len() / 2).copied().unwrap_or(0).into(),
        idle.last().copied().unwrap_or(0).into(),
        most(|client| client.age_seconds).into(),
        sum(memory).into(),
        sum(|client| client.output_buffer_bytes).into(),
        sum(|client| i64::from(client.flags.contains('b'))).into(),
        sum(|client| i64::from(client.subscriptions > 0)).into(),
        Measure::Text(usual(clients)),
    ]
}

/// What a connection holds, as far as the server says.
fn memory(client: &Client) -> i64 {
    let buffers = client.query_buffer_bytes.saturating_add(client.output_buffer_bytes);
    client.total_memory_bytes.unwrap_or(buffers)
}

/// The most common last command.
fn usual(clients: &[&Client]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for client in clients {
        *counts.entry(client.last_command.as_str()).or_default() += 1;
    }
    let most = counts.into_iter().max_by(|(a, n), (b, m)| n.cmp(m).then(b.cmp(a)));
    most.map_or_else(String::new, |(command, _)| command.to_owned())
}

fn heaviest(sheet: &mut Sheet, clients: &[Client]) {
    let mut sorted: Vec<&Client> = clients.iter().collect();
    sorted.sort_by_key(|client| (std::cmp::Reverse(memory(client)), client.id));
    let rows = sorted.into_iter().take(SINGLE).map(|client| {
        vec![
            client.id.into(),
            client.address.as_str().into(),
            client.name.as_str().into(),
            memory(client).into(),
            client.output_buffer_bytes.into(),
            client.age_seconds.into(),
            client.idle_seconds.into(),
            client.flags.as_str().into(),
            client.last_command.as_str().into(),
        ]
    });
    let columns = [
        ("id", Unit::Count),
        ("address", Unit::Text),
        ("name", Unit::Text),
        ("memory", Unit::Bytes),
        ("output", Unit::Bytes),
        ("age", Unit::Seconds),
        ("idle", Unit::Seconds),
        ("flags", Unit::Text),
        ("last command", Unit::Text),
    ];
    sheet.table("heaviest", "Heaviest connections", &columns, rows.collect());
}

fn remarks(sheet: &mut Sheet, look: &ClientsLook, clients: &[Client]) {
    let count = clients.len();
    let unnamed = clients.iter().filter(|client| client.name.is_empty()).count();
    if count >= 5 && unnamed * 2 > count {
        sheet.note(format!(
            "{unnamed} of {count} connections have no name: CLIENT SETNAME in the application makes them tell apart."
        ));
    }
    let config = seen(sheet, "the timeout of idle connections", &look.ground.config);
    let is_kept = config.and_then(|config| config.int("timeout")) == Some(0);
    let sleeping = clients.iter().filter(|c| c.idle_seconds > 3600 && c.subscriptions == 0).count();
    if is_kept && count >= 5 && sleeping * 2 > count {
        sheet.note(format!(
            "{sleeping} of {count} connections were not used for an hour, and timeout 0 never closes them: let pools \
             shrink when idle."
        ));
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, redis::look::Ground};

    use super::*;
    use crate::testing::healthy_redis;

    fn client(id: i64, address: &str, idle_seconds: i64) -> Client {
        Client {
            id,
            address: address.into(),
            idle_seconds,
            total_memory_bytes: Some(1000 * id),
            last_command: "get".into(),
            flags: if id == 1 { "b".into() } else { "N".into() },
            ..Client::default()
        }
    }

    fn look(before: &[i64], after: Vec<Client>) -> ClientsLook {
        let redis = healthy_redis();
        let mut config = dbvitals_model::redis::Config::default();
        config.0.insert("timeout".into(), "0".into());
        let before = before.iter().map(|id| client(*id, "10.0.0.1", 0)).collect();
        ClientsLook {
            ground: Ground {
                server: redis.server,
                info: redis.info,
                config: Section::collected(config),
            },
            before: Section::collected(before),
            clients: Section::collected(after),
            ..ClientsLook::default()
        }
    }

    #[test]
    fn connections_are_grouped_and_summed() {
        let clients =
            vec![client(1, "10.0.0.1", 5), client(2, "10.0.0.1", 7200), client(3, "10.0.0.2", 0)];
        let sheet = sheet("cache", &look(&[1, 9], clients), &[]);
        let titles: Vec<&str> = sheet.tables.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["By address", "Heaviest connections"], "one name, user and so on");
        let row = &sheet.tables[0].rows[0];
        assert_eq!(row[..4], ["10.0.0.1".into(), 2_i64.into(), 7200_i64.into(), 7200_i64.into()]);
        assert_eq!((&row[5], &row[7]), (&3000_i64.into(), &1_i64.into()));
        assert_eq!(sheet.tables[1].rows[0][0], 3_i64.into());
        let fact =
            |label: &str| sheet.facts.iter().find(|it| it.label == label).unwrap().value.clone();
        assert_eq!(fact("came between the looks"), 2_i64.into());
        assert_eq!(fact("went between the looks"), 1_i64.into());
    }

    #[test]
    fn a_grouping_that_was_asked_for_is_shown_even_if_it_is_one() {
        let sheet = sheet("cache", &look(&[], vec![client(1, "a", 0)]), &[By::User]);
        assert_eq!(sheet.tables[0].id, "by-user");
        assert_eq!(sheet.tables[0].rows[0][0], "(none)".into());
    }

    #[test]
    fn sleepers_without_names_are_remarked_upon() {
        let clients = (1..=6).map(|id| client(id, "10.0.0.1", 4000)).collect();
        let sheet = sheet("cache", &look(&[], clients), &[]);
        assert_eq!(sheet.notes.len(), 2, "{:?}", sheet.notes);
    }
}
