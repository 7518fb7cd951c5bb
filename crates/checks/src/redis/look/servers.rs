//! The servers that a walk of the keys met: what each holds, and how evenly it is spread.

use dbvitals_model::{
    Measure, Sheet, Unit,
    redis::{KeySample, ScannedNode, SlotUse},
};

use crate::words;

/// A server with so many times an equal part of the keys or of the memory is told.
const UNEVEN: f64 = 1.5;

/// A slot with so many times the mean of all slots, and so much of all keys, is told.
const CROWDED: f64 = 20.0;
const CROWDED_SHARE: f64 = 0.01;

/// Slots of a cluster.
const SLOTS: f64 = 16_384.0;

/// Servers and slots, where there is something to compare or to complain of.
pub(super) fn tables(sheet: &mut Sheet, sample: &KeySample) {
    servers(sheet, sample);
    slots(sheet, sample);
}

fn servers(sheet: &mut Sheet, sample: &KeySample) {
    if sample.nodes.len() < 2 && sample.nodes.iter().all(|it| it.problem.is_none()) {
        return;
    }
    let columns = [
        ("server", Unit::Text),
        ("role", Unit::Text),
        ("names seen", Unit::Count),
        ("share of keys", Unit::Ratio),
        ("memory of keys", Unit::Bytes),
        ("problem", Unit::Text),
        ("slots", Unit::Count),
    ];
    let all: f64 = sample.nodes.iter().map(|it| it.total as f64).sum();
    let rows = sample.nodes.iter().map(|it| -> Vec<Measure> {
        let problem = it.problem.clone().unwrap_or_default();
        let share = if it.total > 0 { it.total as f64 / all } else { f64::NAN };
        vec![
            it.endpoint.clone().into(),
            it.role.clone().into(),
            it.keys.into(),
            share.into(),
            it.dataset_bytes.map_or(f64::NAN, |bytes| bytes as f64).into(),
            problem.into(),
            it.slots.into(),
        ]
    });
    sheet.table("servers", "Servers", &columns, rows.collect());
    uneven(sheet, sample, "keys", |it| it.total as f64);
    uneven(sheet, sample, "memory", |it| it.dataset_bytes.unwrap_or(0) as f64);
}

/// Tells the server that holds more than its part, if one does.
fn uneven(sheet: &mut Sheet, sample: &KeySample, what: &str, of: impl Fn(&ScannedNode) -> f64) {
    // One that cannot be reached may hold anything.
    let known: Vec<&ScannedNode> = sample.nodes.iter().filter(|it| of(it) > 0.0).collect();
    let all: f64 = known.iter().map(|it| of(it)).sum();
    let Some(most) = known.iter().max_by(|a, b| of(a).total_cmp(&of(b))) else { return };
    let times = of(most) / all * known.len() as f64;
    if known.len() < 2 || times < UNEVEN {
        return;
    }
    sheet.note(format!(
        "{} has {} of the {what}, {times:.1} times an equal part of {} servers",
        most.endpoint,
        words::percent(of(most) / all),
        known.len()
    ));
}

fn slots(sheet: &mut Sheet, sample: &KeySample) {
    let Some(fullest) = sample.slots.first() else { return };
    let all = sample.nodes.iter().map(|it| it.total as f64).sum::<f64>().max(1.0);
    let (share, times) = (fullest.keys as f64 / all, fullest.keys as f64 / all * SLOTS);
    let has_cost = sample.slots.iter().any(|it| it.cpu_us.is_some());
    let is_crowded = times >= CROWDED && share >= CROWDED_SHARE;
    if !has_cost && !is_crowded {
        return;
    }
    let columns = [
        ("slot", Unit::Count),
        ("keys", Unit::Count),
        ("share of keys", Unit::Ratio),
        ("processor time", Unit::Ms),
        ("network", Unit::Bytes),
        ("memory", Unit::Bytes),
    ];
    let told = |number: Option<i64>| number.map_or(f64::NAN, |number| number as f64);
    let row = |it: &SlotUse| -> Vec<Measure> {
        vec![
            it.slot.into(),
            it.keys.into(),
            (it.keys as f64 / all).into(),
            (told(it.cpu_us) / 1000.0).into(),
            told(it.network_bytes).into(),
            told(it.memory_bytes).into(),
        ]
    };
    // Ordinary ones say nothing beside a crowded one, unless their cost is known.
    let is_told = |it: &&SlotUse| has_cost || it.keys as f64 / all * SLOTS >= CROWDED / 4.0;
    let rows = sample.slots.iter().filter(is_told).map(row).collect();
    sheet.table("slots", "Fullest slots", &columns, rows);
    if is_crowded {
        sheet.note(format!(
            "slot {} has {} of the keys, {times:.0} times the mean of all slots: many names share one hash tag ({{…}}), \
             and no resharding can spread them",
            fullest.slot,
            words::percent(share)
        ));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn sheet(nodes: Vec<ScannedNode>, slots: Vec<SlotUse>) -> Sheet {
        let mut sheet = Sheet::new("redis-keys", "cache", "Redis", Timestamp::UNIX_EPOCH);
        tables(&mut sheet, &KeySample { nodes, slots, ..KeySample::default() });
        sheet
    }

    fn node(endpoint: &str, total: i64, dataset: i64, problem: Option<&str>) -> ScannedNode {
        ScannedNode {
            endpoint: endpoint.into(),
            total,
            dataset_bytes: (dataset > 0).then_some(dataset),
            problem: problem.map(str::to_owned),
            ..ScannedNode::default()
        }
    }

    fn has(sheet: &Sheet, id: &str) -> bool {
        sheet.tables.iter().any(|table| table.id == id)
    }

    #[test]
    fn a_lost_server_is_shown() {
        assert!(!has(&sheet(vec![node("h:1", 5, 5, None)], Vec::new()), "servers"));
        assert!(has(&sheet(vec![node("h:1", 0, 0, Some("refused"))], Vec::new()), "servers"));
    }

    #[test]
    fn a_server_with_more_than_its_part_is_told() {
        let even = vec![node("h:1", 100, 50, None), node("h:2", 120, 55, None)];
        assert_eq!(sheet(even, Vec::new()).notes, [""; 0]);
        let dead = node("h:4", 0, 0, Some("refused"));
        let torn = vec![node("h:1", 100, 900, None), node("h:2", 110, 50, None), dead];
        let notes = sheet(torn, Vec::new()).notes;
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("h:1 has 95 % of the memory, 1.9 times"), "{notes:?}");
    }

    #[test]
    fn a_crowded_slot_is_told_and_an_ordinary_one_is_not() {
        let slot = |keys| SlotUse { slot: 7, keys, ..SlotUse::default() };
        let nodes = || vec![node("h:1", 500_000, 1, None), node("h:2", 500_000, 1, None)];
        let crowded = sheet(nodes(), vec![slot(200_000)]);
        assert!(has(&crowded, "slots") && crowded.notes[0].contains("slot 7 has 20 %"));
        let ordinary = sheet(nodes(), vec![slot(90)]);
        assert!(!has(&ordinary, "slots") && ordinary.notes.is_empty());
        let counted = SlotUse { cpu_us: Some(5000), ..slot(90) };
        assert!(has(&sheet(nodes(), vec![counted]), "slots"), "its cost is told where it is known");
    }
}
