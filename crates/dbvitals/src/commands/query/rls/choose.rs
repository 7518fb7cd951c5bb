//! Which tables are read as which roles: each set of policies once, bounded, and what was left out with its reason.

use std::collections::BTreeMap;

use dbvitals_checks::sql;
use dbvitals_model::{Reason, Unavailable, pg::relation::Relation};
use dbvitals_postgres::row_security::{self, BoundRole};

/// Reads that are planned; each is two plans, or up to six executions.
const MOST: usize = 100;

/// What to plan.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) reads: Vec<Read>,
    /// What is left out, and what would open it.
    pub(super) gaps: Vec<Unavailable>,
}

/// One table as one role.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) bound: BoundRole,
    /// Roles that would be planned alike.
    pub(super) others: Vec<String>,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) tables: &'a [String],
    pub(super) roles: &'a [String],
    /// Who is connected.
    pub(super) user: &'a str,
}

impl Wanted<'_> {
    /// Whether a table was asked for, by its name as a person or as a statement writes it.
    pub(super) fn has(&self, schema: &str, table: &str) -> bool {
        let forms = [
            table.to_owned(),
            format!("{schema}.{table}"),
            sql::ident(table),
            sql::qualified(schema, table),
            format!("\"{schema}\".\"{table}\""),
        ];
        let named = |name: &String| forms.contains(name);
        self.tables.is_empty() || self.tables.iter().any(named)
    }
}

/// Chooses among all that policies bind.
pub(super) fn choose(bound: &[BoundRole], relations: &[Relation], wanted: Wanted<'_>) -> Choice {
    let mut choice = Choice::default();
    let readers: Vec<&BoundRole> = bound
        .iter()
        .filter(|one| wanted.has(&one.schema, &one.table))
        .filter(|one| wanted.roles.is_empty() || wanted.roles.contains(&one.role))
        .collect();
    missing_tables(&mut choice, bound, relations, wanted);
    missing_roles(&mut choice, &readers, wanted);
    let mut groups: BTreeMap<_, Vec<&BoundRole>> = BTreeMap::new();
    for one in readers.into_iter().filter(|one| one.may_select) {
        // A role that was named is planned for itself.
        let own = (!wanted.roles.is_empty()).then_some(one.role.as_str());
        let table = (one.schema.as_str(), one.table.as_str());
        let key = (table, own, &one.permissive, &one.restrictive, &one.settings);
        groups.entry(key).or_default().push(one);
    }
    let mut closed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for group in groups.values() {
        let Some(first) = group.iter().find(|one| one.can_assume) else {
            for one in group {
                let table = format!("{}.{}", one.schema, one.table);
                closed.entry(one.role.as_str()).or_default().push(table);
            }
            continue;
        };
        let others = group.iter().filter(|one| one.role != first.role);
        choice.reads.push(Read {
            bound: (*first).clone(),
            others: others.map(|one| one.role.clone()).collect(),
        });
    }
    closed_roles(&mut choice, &closed, wanted.user);
    bind_us(&mut choice, wanted.user);
    let all = choice.reads.len();
    if all > MOST || bound.len() >= row_security::MOST {
        choice.reads.truncate(MOST);
        choice.gaps.push(Unavailable::with_remedy(
            Reason::NotAsked,
            format!("{} of {all} reads, tables by roles, were planned", choice.reads.len()),
            "name tables with --table, or roles with --role",
        ));
    }
    choice
}

fn missing_tables(
    choice: &mut Choice,
    bound: &[BoundRole],
    relations: &[Relation],
    wanted: Wanted<'_>,
) {
    for name in wanted.tables {
        let one = std::slice::from_ref(name);
        let alone = Wanted { tables: one, ..wanted };
        if bound.iter().any(|b| alone.has(&b.schema, &b.table)) {
            continue;
        }
        let table = relations.iter().find(|r| alone.has(&r.schema, &r.name));
        let detail = match table {
            None => format!("there is no table {name} in this database"),
            Some(table) if !table.row_security => {
                format!("row-level security is not in force on {name}")
            }
            Some(table) if table.policies == 0 => {
                format!(
                    "{name} has no policies: roles that row-level security binds see no row of it"
                )
            }
            Some(_) => format!("the policies of {name} bind no role that may use it"),
        };
        choice.gaps.push(Unavailable { reason: Reason::NotApplicable, detail, remedy: None });
    }
}

fn missing_roles(choice: &mut Choice, readers: &[&BoundRole], wanted: Wanted<'_>) {
    for role in wanted.roles.iter().filter(|role| !readers.iter().any(|one| one.role == **role)) {
        choice.gaps.push(Unavailable {
            reason: Reason::NotApplicable,
            detail: format!(
                "no policy binds {role}: there is no such role, it has no privileges on these tables, or it is exempt (superuser, \
                 BYPASSRLS, owner of a table without FORCE ROW LEVEL SECURITY)"
            ),
            remedy: None,
        });
    }
}

/// Roles nobody of whom can be become: what they see cannot be planned.
fn closed_roles(choice: &mut Choice, closed: &BTreeMap<&str, Vec<String>>, user: &str) {
    for (role, tables) in closed {
        choice.gaps.push(Unavailable::with_remedy(
            Reason::Permission,
            format!("{user} cannot become {role}, which the policies of {} bind", short(tables)),
            format!("GRANT {} TO {};", sql::ident(role), sql::ident(user)),
        ));
    }
}

/// Tables that the one who is connected cannot read without policies.
fn bind_us(choice: &mut Choice, user: &str) {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for read in choice.reads.iter().filter(|read| read.bound.binds_us) {
        let tables = owners.entry(read.bound.owner.clone()).or_default();
        let table = format!("{}.{}", read.bound.schema, read.bound.table);
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    for (owner, tables) in owners {
        choice.gaps.push(Unavailable::with_remedy(
            Reason::Permission,
            format!(
                "policies bind {user} too, so nothing can be compared: no plan without policies of {}",
                short(&tables)
            ),
            format!("GRANT {} TO {};", sql::ident(&owner), sql::ident(user)),
        ));
    }
}

fn short(tables: &[String]) -> String {
    match tables {
        all if all.len() <= 3 => all.join(", "),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(table: &str, role: &str, permissive: &str) -> BoundRole {
        BoundRole {
            schema: "app".into(),
            table: table.into(),
            owner: "Own er".into(),
            role: role.into(),
            can_assume: true,
            may_select: true,
            permissive: vec![permissive.into()],
            ..BoundRole::default()
        }
    }

    fn chosen(
        bound: &[BoundRole],
        tables: &[&str],
        roles: &[&str],
    ) -> (Vec<String>, Vec<Unavailable>) {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (tables, roles) = (owned(tables), owned(roles));
        let wanted = Wanted { tables: &tables, roles: &roles, user: "me" };
        let choice = choose(bound, &[], wanted);
        let reads = choice.reads.iter().map(|read| {
            format!("{} {} +{}", read.bound.table, read.bound.role, read.others.join(","))
        });
        (reads.collect(), choice.gaps)
    }

    #[test]
    fn roles_under_the_same_policies_are_planned_once_unless_named() {
        let all = [bound("t", "a", "own"), bound("t", "b", "own"), bound("t", "c", "other")];
        assert_eq!(chosen(&all, &[], &[]).0, ["t c +", "t a +b"]);
        assert_eq!(chosen(&all, &[], &["a", "b"]).0, ["t a +", "t b +"]);
        assert!(chosen(&all, &["app.t"], &[]).1.is_empty());
        let (reads, gaps) = chosen(&all, &["u"], &[]);
        assert!(reads.is_empty() && gaps[0].detail.contains("no table u"), "{gaps:?}");
    }

    #[test]
    fn what_is_closed_is_told_with_the_grant_that_opens_it() {
        let closed = BoundRole { can_assume: false, ..bound("t", "web app", "own") };
        let (reads, gaps) = chosen(std::slice::from_ref(&closed), &[], &[]);
        assert!(reads.is_empty());
        assert_eq!(gaps[0].remedy.as_deref(), Some("GRANT \"web app\" TO me;"));
        // One of the same policies that can be become stands for it.
        let (reads, gaps) = chosen(&[closed, bound("t", "z", "own")], &[], &[]);
        assert_eq!((reads[0].as_str(), gaps.len()), ("t z +web app", 0));
        let bound_too = BoundRole { binds_us: true, ..bound("t", "a", "own") };
        let (_, gaps) = chosen(&[bound_too], &[], &[]);
        assert_eq!(gaps[0].remedy.as_deref(), Some("GRANT \"Own er\" TO me;"));
        let (_, gaps) = chosen(&[], &[], &["boss"]);
        assert!(gaps[0].detail.contains("no policy binds boss"));
    }

    #[test]
    fn no_more_than_can_be_planned_in_reasonable_time() {
        let many: Vec<BoundRole> = (0..150).map(|n| bound(&format!("t{n}"), "a", "own")).collect();
        let (reads, gaps) = chosen(&many, &[], &[]);
        assert_eq!(reads.len(), MOST);
        assert!(gaps[0].detail.contains("100 of 150 reads"), "{gaps:?}");
    }
}
