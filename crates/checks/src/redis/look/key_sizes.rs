//! `INFO keysizes` of Redis 8: how many keys of each type have which size, counted by the server itself.

use dbvitals_model::{
    Measure, Sheet, Unit,
    redis::{Info, KeySample},
};

use crate::words;

/// Strings from this size on, in bytes, and collections from this many elements on, are large.
const LARGE_BYTES: i64 = 1 << 20;
const LARGE_ITEMS: i64 = 1 << 14;

/// Keys of one type in one database, by size.
#[derive(Debug, PartialEq, Eq)]
struct Sizes {
    database: i64,
    /// `strings`, `lists`, `sets`, `zsets`, `hashes`.
    kind: String,
    is_bytes: bool,
    /// From which size on (a power of two), and how many keys; ascending.
    counts: Vec<(i64, i64)>,
}

/// A table of the sizes, and what was not met of the large ones; nothing where the server does not count.
pub(super) fn table(sheet: &mut Sheet, info: &Info, sample: &KeySample) {
    let all: Vec<Sizes> =
        info.fields.iter().filter_map(|(name, value)| parse(name, value)).collect();
    if all.is_empty() {
        return;
    }
    let columns = [
        ("type", Unit::Text),
        ("db", Unit::Count),
        ("keys", Unit::Count),
        ("half have up to", Unit::Count),
        ("largest from", Unit::Count),
        ("large", Unit::Count),
        ("in", Unit::Text),
    ];
    let row = |it: &Sizes| -> Vec<Measure> {
        let largest = it.counts.last().map_or(0, |(from, _)| *from);
        vec![
            it.kind.clone().into(),
            it.database.into(),
            it.keys(0).into(),
            it.median_end().into(),
            largest.into(),
            it.keys(it.large()).into(),
            if it.is_bytes { "bytes" } else { "elements" }.into(),
        ]
    };
    sheet.table(
        "key-sizes",
        "Sizes as the server counts them",
        &columns,
        all.iter().map(row).collect(),
    );
    if sample.is_complete {
        return;
    }
    let strings = all.iter().filter(|it| it.is_bytes);
    let strings = strings.fold(0_i64, |sum, it| sum.saturating_add(it.keys(LARGE_BYTES)));
    let met = sample.largest.iter().filter(|key| key.kind == "string");
    let met = met.filter(|key| key.memory_bytes >= LARGE_BYTES).count();
    let met = i64::try_from(met).unwrap_or(i64::MAX);
    if strings > met {
        sheet.note(format!(
            "the server counts {} strings of a megabyte or more, and {} of them were met: --full finds them",
            words::count(strings as f64),
            words::count(met as f64)
        ));
    }
}

impl Sizes {
    fn large(&self) -> i64 {
        if self.is_bytes { LARGE_BYTES } else { LARGE_ITEMS }
    }

    /// Keys of this size or more.
    fn keys(&self, from: i64) -> i64 {
        let kept = self.counts.iter().filter(|(least, _)| *least >= from);
        kept.fold(0, |sum, (_, keys)| sum.saturating_add(*keys))
    }

    /// The end of the span that holds the middle key.
    fn median_end(&self) -> i64 {
        let all = self.keys(0);
        let mut below = 0_i64;
        for (from, keys) in &self.counts {
            below = below.saturating_add(*keys);
            if below >= all - below {
                return from.saturating_mul(2).saturating_sub(1).max(0);
            }
        }
        0
    }
}

/// `db0_distrib_strings_sizes` and `2=1,1K=3,4M=1`.
fn parse(name: &str, value: &str) -> Option<Sizes> {
    let (database, rest) = name.strip_prefix("db")?.split_once("_distrib_")?;
    let (kind, unit) = rest.rsplit_once('_')?;
    let count = |pair: &str| -> Option<(i64, i64)> {
        let (size, keys) = pair.split_once('=')?;
        Some((number(size)?, keys.trim().parse().ok()?))
    };
    let mut counts: Vec<(i64, i64)> = value.split(',').filter_map(count).collect();
    counts.sort_unstable();
    let is_bytes = match unit {
        "sizes" => true,
        "items" => false,
        _ => return None,
    };
    Some(Sizes { database: database.parse().ok()?, kind: kind.to_owned(), is_bytes, counts })
        .filter(|it| !it.counts.is_empty())
}

/// `512`, `4K`, `1M`, `2G`.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let (digits, shift) = match text.chars().last()? {
        'K' => (text.strip_suffix('K')?, 10),
        'M' => (text.strip_suffix('M')?, 20),
        'G' => (text.strip_suffix('G')?, 30),
        'T' => (text.strip_suffix('T')?, 40),
        _ => (text, 0),
    };
    digits.parse::<i64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::redis::KeyInfo;
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn info(lines: &[(&str, &str)]) -> Info {
        let fields = lines.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Info { fields: fields.collect(), ..Info::default() }
    }

    #[test]
    fn reads_the_documented_form() {
        let sizes = parse("db0_distrib_strings_sizes", "2=1,512=2,1K=3,4M=5").unwrap();
        assert_eq!((sizes.database, sizes.kind.as_str(), sizes.is_bytes), (0, "strings", true));
        assert_eq!(sizes.counts, [(2, 1), (512, 2), (1024, 3), (4 << 20, 5)]);
        assert_eq!((sizes.keys(0), sizes.keys(LARGE_BYTES), sizes.median_end()), (11, 5, 2047));
        let lists = parse("db12_distrib_lists_items", "1=4").unwrap();
        assert_eq!((lists.database, lists.kind.as_str(), lists.is_bytes), (12, "lists", false));
        for (name, value) in
            [("db_size", "3"), ("db0_distrib_lists_items", ""), ("db0_distrib_x_y", "1=1")]
        {
            assert_eq!(parse(name, value), None, "{name}");
        }
    }

    #[test]
    fn large_keys_that_were_not_met_are_told() {
        let info = info(&[("db0_distrib_strings_sizes", "64=1000,4M=5")]);
        let told = |sample: KeySample| {
            let mut sheet = Sheet::new("redis-keys", "cache", "Redis", Timestamp::UNIX_EPOCH);
            table(&mut sheet, &info, &sample);
            (sheet.tables.len(), sheet.notes)
        };
        let (tables, notes) = told(KeySample::default());
        assert_eq!(tables, 1);
        assert!(notes[0].starts_with("the server counts 5 strings"), "{notes:?}");
        let key = KeyInfo { kind: "string".into(), memory_bytes: 5 << 20, ..KeyInfo::default() };
        let met = KeySample { largest: vec![key; 5], ..KeySample::default() };
        assert_eq!(told(met).1, [""; 0]);
        assert_eq!(told(KeySample { is_complete: true, ..KeySample::default() }).1, [""; 0]);
    }

    #[test]
    fn older_servers_have_no_such_table() {
        let mut sheet = Sheet::new("redis-keys", "cache", "Redis", Timestamp::UNIX_EPOCH);
        table(&mut sheet, &info(&[("redis_version", "7.0.15")]), &KeySample::default());
        assert!(sheet.tables.is_empty());
    }

    proptest! {
        #[test]
        fn any_field_can_be_read(name in "db[0-9]{0,3}_distrib_[a-z]{0,8}_(sizes|items)?", value in "([0-9]{0,20}[KMGT]?=[0-9]{0,20},?){0,5}") {
            let mut sheet = Sheet::new("redis-keys", "cache", "Redis", Timestamp::UNIX_EPOCH);
            table(&mut sheet, &info(&[(&name, &value)]), &KeySample::default());
        }
    }
}
