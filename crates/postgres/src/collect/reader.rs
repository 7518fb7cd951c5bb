//! Who reads: what our role may see, and the remedies for what it may not.

use dbvitals_model::{Reason, Unavailable, pg::instance::Server};

use super::collector::{Collector, Need};

/// The role we log in as.
#[derive(Debug, Clone)]
pub struct Reader {
    name: String,
    major: u32,
    is_superuser: bool,
    member_of: Vec<String>,
    in_recovery: bool,
}

impl Reader {
    /// The role behind a probed connection.
    pub fn of(server: &Server) -> Self {
        Self {
            name: server.user.clone(),
            major: server.version.major,
            is_superuser: server.is_superuser,
            member_of: server.member_of.clone(),
            in_recovery: server.in_recovery,
        }
    }

    /// The server's major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Whether the server is a standby.
    pub fn in_recovery(&self) -> bool {
        self.in_recovery
    }

    /// A superuser, or a member of any of the roles.
    pub fn is_any_of(&self, roles: &[&str]) -> bool {
        self.is_superuser || self.member_of.iter().any(|role| roles.contains(&role.as_str()))
    }

    /// A remedy with our role's name in it.
    pub fn remedy(&self, template: &str) -> String {
        template.replace("{role}", &quoted(&self.name))
    }

    /// What is hidden from the role in a section that can be read.
    pub fn gaps(&self, collector: &Collector) -> Vec<Unavailable> {
        let hidden = collector.needs.iter().filter_map(|need| match need {
            Need::Sees { any_of, hidden, remedy } if !self.is_any_of(any_of) => {
                Some(Unavailable::with_remedy(Reason::Permission, *hidden, self.remedy(remedy)))
            }
            _ => None,
        });
        hidden.collect()
    }

    /// What would have the server not refuse the collector.
    pub fn grant(&self, collector: &Collector) -> Option<String> {
        collector.needs.iter().find_map(|need| match need {
            Need::Grant(template) => Some(self.remedy(template)),
            Need::Sees { .. } => None,
        })
    }

    /// The obstacle to columns, rows and positions that only readers of the table may see, if the role is not
    /// one of those who may read all.
    pub fn unread_data(&self, hidden: &str) -> Option<Unavailable> {
        if self.is_any_of(&["pg_read_all_data"]) {
            return None;
        }
        let template = if self.major >= 14 {
            "GRANT pg_read_all_data TO {role};"
        } else {
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; \
             GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};"
        };
        Some(Unavailable::with_remedy(Reason::Permission, hidden, self.remedy(template)))
    }
}

/// A name as SQL takes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(name: &str, member_of: &[&str]) -> Reader {
        Reader {
            name: name.into(),
            major: 16,
            is_superuser: false,
            member_of: member_of.iter().map(ToString::to_string).collect(),
            in_recovery: false,
        }
    }

    #[test]
    fn remedies_quote_the_role() {
        let remedy = reader("o\"ps", &[]).remedy("GRANT pg_monitor TO {role};");
        assert_eq!(remedy, "GRANT pg_monitor TO \"o\"\"ps\";");
    }

    #[test]
    fn who_may_read_all_data_lacks_nothing() {
        assert_eq!(reader("m", &["pg_read_all_data"]).unread_data("x"), None);
        let old = Reader { major: 13, ..reader("m", &["pg_monitor"]) };
        let remedy = old.unread_data("x").unwrap().remedy.unwrap();
        assert!(remedy.contains("ON ALL TABLES"), "13 has no such role: {remedy}");
        let superuser = Reader { is_superuser: true, ..reader("m", &[]) };
        assert_eq!(superuser.unread_data("x"), None);
    }
}
