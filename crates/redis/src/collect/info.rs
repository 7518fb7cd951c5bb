//! `INFO everything`: plain fields, and the families that have rows.

use dbvitals_model::redis::{CommandLatency, CommandStat, Info, Keyspace, Replica};

/// Reads the text of `INFO`, commands sorted by name. Lines that cannot be read are passed over.
pub(crate) fn parse(text: &str) -> Info {
    let mut info = Info::default();
    for line in text.lines().map(str::trim_end) {
        if line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        if row(&mut info, name, value).is_none() {
            info.fields.insert(name.to_owned(), value.to_owned());
        }
    }
    // The server lists them in the order of its hash table.
    info.commands.sort_by(|a, b| a.name.cmp(&b.name));
    info.latency_percentiles.sort_by(|a, b| a.name.cmp(&b.name));
    info
}

/// Reads a line of a family; `None` when it is of none.
fn row(info: &mut Info, name: &str, value: &str) -> Option<()> {
    if let Some(command) = name.strip_prefix("cmdstat_") {
        info.commands.push(command_stat(command, value)?);
    } else if let Some(command) = name.strip_prefix("latency_percentiles_usec_") {
        info.latency_percentiles.push(percentiles(command, value)?);
    } else if let Some(prefix) = name.strip_prefix("errorstat_") {
        info.errors.insert(prefix.to_owned(), int(value, "count")?);
    } else if let Some(number) = name.strip_prefix("db") {
        info.keyspace.push(keyspace(number.parse().ok()?, value)?);
    } else {
        let number = name.strip_prefix("slave").or_else(|| name.strip_prefix("replica"))?;
        number.parse::<u32>().ok()?;
        info.replicas.push(replica(value)?);
    }
    Some(())
}

/// `calls=1,usec=2,usec_per_call=2.00,rejected_calls=0,failed_calls=0`.
fn command_stat(name: &str, value: &str) -> Option<CommandStat> {
    Some(CommandStat {
        name: name.to_ascii_lowercase(),
        calls: int(value, "calls")?,
        total_us: int(value, "usec")?,
        us_per_call: float(value, "usec_per_call").unwrap_or(0.0),
        rejected: int(value, "rejected_calls").unwrap_or(0),
        failed: int(value, "failed_calls").unwrap_or(0),
    })
}

/// `p50=1.003,p99=2.007,p99.9=3.007`; which percentiles are there is a setting.
fn percentiles(name: &str, value: &str) -> Option<CommandLatency> {
    let p50_us = float(value, "p50")?;
    let p99_us = float(value, "p99")?;
    Some(CommandLatency {
        name: name.to_ascii_lowercase(),
        p50_us,
        p99_us,
        p999_us: float(value, "p99.9").unwrap_or(p99_us),
    })
}

/// `keys=1,expires=0,avg_ttl=0`.
fn keyspace(database: i64, value: &str) -> Option<Keyspace> {
    Some(Keyspace {
        database,
        keys: int(value, "keys")?,
        expires: int(value, "expires").unwrap_or(0),
        average_ttl_ms: int(value, "avg_ttl").unwrap_or(0),
    })
}

/// `ip=10.0.0.2,port=6379,state=online,offset=42,lag=0`.
fn replica(value: &str) -> Option<Replica> {
    Some(Replica {
        address: text(value, "ip")?.to_owned(),
        port: int(value, "port")?,
        state: text(value, "state").unwrap_or_default().to_owned(),
        offset: int(value, "offset").unwrap_or(0),
        lag_seconds: int(value, "lag").unwrap_or(0),
    })
}

fn text<'a>(value: &'a str, wanted: &str) -> Option<&'a str> {
    value
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

fn int(value: &str, wanted: &str) -> Option<i64> {
    text(value, wanted)?.parse().ok()
}

fn float(value: &str, wanted: &str) -> Option<f64> {
    text(value, wanted)?.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str = "# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/a:b\r\n\r\n\
        # Replication\r\nrole:master\r\nslave0:ip=10.0.0.2,port=6380,state=online,offset=42,lag=1\r\n\
        slave_repl_offset:7\r\n# Commandstats\r\n\
        cmdstat_config|get:calls=2,usec=30,usec_per_call=15.00,rejected_calls=1,failed_calls=0\r\n\
        # Errorstats\r\nerrorstat_ERR:count=3\r\n\
        # Latencystats\r\nlatency_percentiles_usec_get:p50=1.003,p99=2.007,p99.9=3.007\r\n\
        # Keyspace\r\ndb0:keys=5,expires=2,avg_ttl=100\r\ndb15:keys=1,expires=0,avg_ttl=0,subexpiry=0\r\n";

    #[test]
    fn reads_fields_and_families() {
        let info = parse(SAMPLE);
        assert_eq!(info.text("executable"), Some("/usr/bin/a:b"));
        assert_eq!(info.int("slave_repl_offset"), Some(7));
        assert_eq!(info.replicas[0].address, "10.0.0.2");
        assert_eq!((info.replicas[0].port, info.replicas[0].lag_seconds), (6380, 1));
        assert_eq!(info.commands[0].name, "config|get");
        assert_eq!((info.commands[0].total_us, info.commands[0].rejected), (30, 1));
        assert_eq!(info.errors["ERR"], 3);
        assert!((info.latency_percentiles[0].p999_us - 3.007).abs() < 1e-9);
        assert_eq!(info.keyspace.iter().map(|it| it.database).collect::<Vec<_>>(), [0, 15]);
        assert_eq!(info.fields.len(), 4);
    }

    #[test]
    fn fields_that_look_like_a_family_stay_fields() {
        let info = parse("db_size:3\nslave_priority:100\ncmdstat_x:broken\n");
        assert_eq!(info.fields.len(), 3);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(?s).{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_values_can_be_read(
            name in "(cmdstat_|errorstat_|db|slave|latency_percentiles_usec_).{0,5}",
            value in "((calls|usec|count|keys|ip|port|p50|p99)=[-0-9a-z.]{0,22},?){0,6}",
        ) {
            let _ = parse(&format!("{name}:{value}"));
        }
    }
}
