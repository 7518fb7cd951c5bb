//! What to say where planner statistics of columns cannot be seen.

use crate::{skip::Skip, sql, view::DatabaseView};

/// No column shows statistics: the role may not read them, or nothing was ever analyzed.
pub fn hidden(db: &DatabaseView<'_>) -> Skip {
    let server = db.server().server();
    let reads_all =
        server.is_superuser || server.member_of.iter().any(|role| role == "pg_read_all_data");
    if reads_all {
        return Skip::disabled("no column has planner statistics yet", "ANALYZE;");
    }
    let role = sql::ident(&server.user);
    let remedy = if server.version.major >= 14 {
        format!("GRANT pg_read_all_data TO {role};")
    } else {
        format!("GRANT SELECT ON ALL TABLES IN SCHEMA … TO {role};")
    };
    Skip::permission("the role sees no planner statistics of columns", remedy)
}
