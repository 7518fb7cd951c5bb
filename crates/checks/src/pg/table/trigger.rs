//! What makes autovacuum come to a table: the instance's settings and the table's own.

use dbvitals_model::pg::{instance::Settings, relation::Relation};

use crate::{skip::Skip, view::DatabaseView};

/// The instance's rules.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    is_on: bool,
    vacuum_threshold: f64,
    vacuum_scale: f64,
    /// 18+; negative: no limit.
    vacuum_max: f64,
    /// Negative: inserts never start a vacuum.
    insert_threshold: f64,
    insert_scale: f64,
    analyze_threshold: f64,
    analyze_scale: f64,
}

/// The rules of one table.
#[derive(Debug, Clone, Copy)]
pub struct Trigger {
    /// Autovacuum may come at all (it always comes against wraparound).
    pub is_on: bool,
    /// Dead rows beyond which a vacuum starts.
    pub vacuum: f64,
    /// The scale factor in it.
    pub vacuum_scale: f64,
    /// `autovacuum_vacuum_max_threshold` holds it down.
    pub is_capped: bool,
    /// Inserted rows beyond which a vacuum starts.
    pub insert: Option<f64>,
    /// Changed rows beyond which an analyze starts.
    pub analyze: f64,
}

/// Rows that should have started a vacuum.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// `dead rows` or `inserted rows`.
    pub what: &'static str,
    /// How many there are.
    pub rows: f64,
    /// How many start a vacuum.
    pub limit: f64,
    /// The column they were read from.
    pub source: &'static str,
}

impl Rules {
    /// The rules in the settings; a skip where they are not among them.
    pub fn of(settings: &Settings) -> Result<Self, Skip> {
        let number = |name: &str| {
            settings
                .number(name)
                .ok_or_else(|| Skip::not_applicable(format!("{name} is not known")))
        };
        Ok(Self {
            is_on: settings.is_on("autovacuum") != Some(false)
                && settings.is_on("track_counts") != Some(false),
            vacuum_threshold: number("autovacuum_vacuum_threshold")?,
            vacuum_scale: number("autovacuum_vacuum_scale_factor")?,
            vacuum_max: settings.number("autovacuum_vacuum_max_threshold").unwrap_or(-1.0),
            insert_threshold: number("autovacuum_vacuum_insert_threshold")?,
            insert_scale: number("autovacuum_vacuum_insert_scale_factor")?,
            analyze_threshold: number("autovacuum_analyze_threshold")?,
            analyze_scale: number("autovacuum_analyze_scale_factor")?,
        })
    }

    /// The rules of one table. On 18+ the server leaves frozen pages out of the insert trigger; they are
    /// counted here, which can only make it come later than it does.
    pub fn for_table(&self, table: &Relation) -> Trigger {
        let own = |key: &str, otherwise: f64| {
            table.option(key).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
        };
        // In a table's own options a negative factor or threshold means that of the instance.
        let positive = |key: &str, otherwise: f64| {
            let value = own(key, otherwise);
            if value < 0.0 { otherwise } else { value }
        };
        let rows = table.row_estimate.max(0.0);
        let vacuum_scale = positive("autovacuum_vacuum_scale_factor", self.vacuum_scale);
        let scaled =
            positive("autovacuum_vacuum_threshold", self.vacuum_threshold) + vacuum_scale * rows;
        let max = own("autovacuum_vacuum_max_threshold", self.vacuum_max);
        let is_capped = max >= 0.0 && scaled > max;
        let insert = own("autovacuum_vacuum_insert_threshold", self.insert_threshold);
        let insert_scale = positive("autovacuum_vacuum_insert_scale_factor", self.insert_scale);
        let analyze_scale = positive("autovacuum_analyze_scale_factor", self.analyze_scale);
        Trigger {
            is_on: self.is_on && !is_switched_off(table),
            vacuum: if is_capped { max } else { scaled },
            vacuum_scale,
            is_capped,
            insert: (insert >= 0.0).then_some(insert + insert_scale * rows),
            analyze: positive("autovacuum_analyze_threshold", self.analyze_threshold)
                + analyze_scale * rows,
        }
    }
}

impl Trigger {
    /// What should have started a vacuum, if anything: dead rows first, then inserted ones.
    pub fn vacuum_due(&self, table: &Relation) -> Option<Due> {
        let dead = Due {
            what: "dead rows",
            rows: table.dead_rows as f64,
            limit: self.vacuum,
            source: "pg_stat_all_tables.n_dead_tup",
        };
        let inserted = self.insert.map(|limit| Due {
            what: "inserted rows",
            rows: table.inserted_since_vacuum as f64,
            limit,
            source: "pg_stat_all_tables.n_ins_since_vacuum",
        });
        [Some(dead), inserted].into_iter().flatten().find(|due| due.rows > due.limit)
    }
}

impl Due {
    /// How long the trigger has been passed, in seconds, if the rows came evenly since the last vacuum.
    pub fn overdue_seconds(&self, since_vacuum: f64) -> f64 {
        if self.rows <= 0.0 { 0.0 } else { since_vacuum * (1.0 - self.limit / self.rows) }
    }
}

/// `autovacuum_enabled = off` among the table's own options.
pub fn is_switched_off(table: &Relation) -> bool {
    matches!(table.option("autovacuum_enabled"), Some("false" | "off" | "0" | "no" | "f" | "n"))
}

/// For how many seconds, at least, a table that was never vacuumed has existed: the transactions since its
/// creation at the rate of all transactions, which is never slower than that of transaction ids.
pub fn exists_for_seconds(db: &DatabaseView<'_>, table: &Relation) -> Option<f64> {
    let server = db.server();
    let per_second: f64 = server
        .databases()
        .ok()?
        .iter()
        .filter_map(|database| {
            let since =
                server.seconds_since(database.stats_reset.or(server.server().started_at))?;
            (since > 0.0).then(|| (database.commits + database.rollbacks).max(0) as f64 / since)
        })
        .sum();
    let transactions = table.frozen_xid_age? as f64;
    (per_second > 0.0).then(|| transactions / per_second)
}

/// Whether a vacuum works on the table right now.
pub fn is_being_vacuumed(db: &DatabaseView<'_>, table: &Relation) -> bool {
    db.server().vacuum_progress().is_ok_and(|running| {
        running.iter().any(|v| v.relation_oid == table.oid && v.database == db.name())
    })
}

/// Rows changed and rows inserted in the window; `None` without one.
pub fn changed_in_window<'a>(db: &DatabaseView<'a>, table: &Relation) -> Option<&'a Relation> {
    let window = db.server().window().ok()?;
    let (_, relations) = window.relations.iter().find(|(name, _)| name == db.name())?;
    relations.iter().find(|changed| changed.oid == table.oid)
}

/// Whether the trigger was only passed within the window, so that autovacuum is about to come.
pub fn was_just_passed(db: &DatabaseView<'_>, table: &Relation, due: &Due) -> bool {
    changed_in_window(db, table).is_some_and(|changed| {
        let came = if due.what == "dead rows" {
            changed.updates + changed.deletes
        } else {
            changed.inserts
        };
        came as f64 >= due.rows - due.limit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::table::sample::{autovacuum, orders};
    use crate::testing::{self, edit, set};

    fn rules(more: &[(&str, &str)]) -> Rules {
        let mut pg = testing::healthy_pg();
        autovacuum(&mut pg);
        for (name, value) in more {
            set(&mut pg, name, value, None);
        }
        Rules::of(edit(&mut pg.settings)).unwrap()
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn combines_threshold_and_scale() {
        let trigger = rules(&[]).for_table(&orders());
        near(trigger.vacuum, 200_050.0);
        near(trigger.insert.unwrap(), 201_000.0);
        near(trigger.analyze, 100_050.0);
        assert!(trigger.is_on && !trigger.is_capped);
    }

    #[test]
    fn a_table_never_analyzed_counts_as_empty() {
        let trigger = rules(&[]).for_table(&Relation { row_estimate: -1.0, ..orders() });
        near(trigger.vacuum, 50.0);
    }

    #[test]
    fn own_options_win_and_negative_ones_mean_the_instance() {
        let options = [
            "autovacuum_vacuum_scale_factor=0.01",
            "autovacuum_vacuum_threshold=-1",
            "autovacuum_vacuum_insert_threshold=-1",
            "autovacuum_enabled=false",
        ];
        let table = Relation { options: options.map(str::to_owned).to_vec(), ..orders() };
        let trigger = rules(&[]).for_table(&table);
        near(trigger.vacuum, 10_050.0);
        assert_eq!(trigger.insert, None);
        assert!(!trigger.is_on);
    }

    #[test]
    fn the_largest_threshold_holds_it_down() {
        let capped = rules(&[("autovacuum_vacuum_max_threshold", "100000")]);
        let trigger = capped.for_table(&orders());
        near(trigger.vacuum, 100_000.0);
        assert!(trigger.is_capped);
        let unlimited = vec!["autovacuum_vacuum_max_threshold=-1".to_owned()];
        let trigger = capped.for_table(&Relation { options: unlimited, ..orders() });
        near(trigger.vacuum, 200_050.0);
    }

    #[test]
    fn time_beyond_the_trigger_is_spread_evenly() {
        let due = Due { what: "dead rows", rows: 400.0, limit: 300.0, source: "" };
        near(due.overdue_seconds(3600.0), 900.0);
    }

    #[test]
    fn settings_that_are_not_known_are_a_skip() {
        assert!(Rules::of(&Settings::default()).is_err());
    }
}
