//! The rules of the linter, by the names people know.

use dbvitals_model::Severity::{self, Critical, Info, Warning};

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name; those that other linters of migrations have go by theirs.
    pub name: &'static str,
    /// How bad what it finds is.
    pub severity: Severity,
    /// What it finds, as a sentence.
    pub about: &'static str,
    /// It only runs where it is asked for by name.
    pub is_optional: bool,
}

const fn rule(name: &'static str, severity: Severity, about: &'static str) -> Rule {
    Rule { name, severity, about, is_optional: false }
}

/// All rules, sorted by name.
pub const RULES: &[Rule] = &[
    rule(
        "adding-field-with-default",
        Warning,
        "A new column whose default is computed for every row rewrites the table.",
    ),
    rule(
        "adding-foreign-key-constraint",
        Warning,
        "A foreign key that is not NOT VALID reads the table while both tables take no writes.",
    ),
    rule(
        "adding-not-null-field",
        Warning,
        "SET NOT NULL reads the table while nobody can use it, unless a valid CHECK proves it.",
    ),
    rule(
        "adding-primary-key-constraint",
        Warning,
        "A primary key that is not USING INDEX builds its index while nobody can use the table.",
    ),
    rule(
        "adding-required-field",
        Critical,
        "A new NOT NULL column without a default fails as soon as the table has a row.",
    ),
    rule(
        "alter-type-in-use",
        Warning,
        "Changing or dropping an attribute of a composite type fails, or breaks readers, where the type is used.",
    ),
    rule(
        "ban-alter-domain-with-add-constraint",
        Warning,
        "A constraint added to a domain is checked in every table that uses it, under a lock.",
    ),
    rule("ban-char-field", Info, "char(n) pads with blanks and is never quicker than text."),
    rule(
        "ban-concurrent-index-creation-in-transaction",
        Critical,
        "The server refuses CREATE and DROP INDEX CONCURRENTLY inside a transaction.",
    ),
    rule(
        "ban-create-domain-with-constraint",
        Info,
        "A domain's constraint cannot be changed without checking every table that uses it.",
    ),
    rule(
        "ban-drop-column",
        Warning,
        "Programs that still name the column fail, and its data is lost.",
    ),
    rule("ban-drop-database", Critical, "A database and everything in it is lost."),
    rule("ban-drop-not-null", Warning, "Programs that rely on a value may meet NULL."),
    rule(
        "ban-drop-table",
        Warning,
        "Programs that still name the table fail, and its data is lost.",
    ),
    rule(
        "ban-duplicate-column-assignments",
        Critical,
        "The server refuses to set one column twice.",
    ),
    rule(
        "ban-truncate-cascade",
        Critical,
        "TRUNCATE … CASCADE also empties every table that refers to this one.",
    ),
    rule(
        "ban-uncommitted-transaction",
        Critical,
        "A transaction that is begun and never committed changes nothing, and holds its locks.",
    ),
    rule(
        "changing-column-type",
        Warning,
        "A new type rewrites the table and its indexes while nobody can use it, and may break programs.",
    ),
    rule("cluster", Warning, "CLUSTER rewrites the table while nobody can use it."),
    rule(
        "constraint-missing-not-valid",
        Warning,
        "A CHECK that is not NOT VALID reads the table while nobody can use it.",
    ),
    rule("delete-without-where", Critical, "DELETE without WHERE deletes every row."),
    rule(
        "disallow-unique-constraint",
        Warning,
        "UNIQUE that is not USING INDEX builds its index while nobody can use the table.",
    ),
    rule("identifier-too-long", Warning, "Names are cut off after 63 bytes."),
    rule(
        "index-on-partitioned-table",
        Critical,
        "The server refuses CREATE INDEX CONCURRENTLY on a partitioned table.",
    ),
    rule("not-in-transaction", Critical, "The server refuses this statement inside a transaction."),
    rule(
        "prefer-bigint-over-int",
        Info,
        "A 4-byte integer ends at 2 147 483 647; widening it later rewrites the table.",
    ),
    rule(
        "prefer-bigint-over-smallint",
        Info,
        "A 2-byte integer ends at 32 767; widening it later rewrites the table.",
    ),
    rule(
        "prefer-identity",
        Info,
        "A serial column's sequence has privileges and an owner of its own; an identity column's has not.",
    ),
    rule(
        "prefer-robust-stmts",
        Info,
        "Outside of a transaction, a script that failed half-way cannot be run again.",
    ),
    rule(
        "prefer-text-field",
        Info,
        "varchar(n) needs a lock to change n; text with a CHECK is as quick.",
    ),
    rule(
        "prefer-timestamptz",
        Info,
        "timestamp without time zone does not say which moment it means.",
    ),
    rule("renaming-column", Warning, "Programs that still use the old name fail at once."),
    rule("renaming-table", Warning, "Programs that still use the old name fail at once."),
    rule(
        "require-concurrent-index-creation",
        Warning,
        "CREATE INDEX keeps every write waiting until the index is built.",
    ),
    rule(
        "require-concurrent-index-deletion",
        Warning,
        "DROP INDEX waits for every user of its table, and keeps all others waiting meanwhile.",
    ),
    rule(
        "require-concurrent-partition-detach",
        Warning,
        "DETACH PARTITION keeps everybody from the partitioned table.",
    ),
    rule(
        "require-concurrent-refresh",
        Warning,
        "REFRESH MATERIALIZED VIEW keeps readers waiting until it is filled.",
    ),
    rule(
        "require-concurrent-reindex",
        Warning,
        "REINDEX keeps writes, and readers of the index, waiting until it is built.",
    ),
    rule(
        "require-enum-value-ordering",
        Info,
        "A new enum value without BEFORE or AFTER sorts last.",
    ),
    Rule {
        name: "require-table-schema",
        severity: Info,
        about: "A table without a schema lands where search_path points.",
        is_optional: true,
    },
    rule(
        "require-timeout-settings",
        Warning,
        "Without lock_timeout a statement that waits for its lock keeps everybody behind it waiting, too.",
    ),
    rule(
        "several-heavy-locks-in-one-transaction",
        Warning,
        "Locks on several tables are all held until the last statement ends, and invite deadlocks.",
    ),
    rule(
        "update-without-where",
        Warning,
        "UPDATE without WHERE writes every row anew in one transaction.",
    ),
    rule("vacuum-full", Warning, "VACUUM FULL rewrites the table while nobody can use it."),
    rule(
        "volatile-index-predicate",
        Critical,
        "The server refuses functions that are not immutable in an index.",
    ),
];

/// The rule of that name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}
