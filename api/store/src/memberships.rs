//! Statements of which customer a person belongs to, and what follows from them for events that name no customer.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use milepost_domain::customer::membership::{Membership, Stated, memberships, subject_at};
use milepost_domain::customer::reference::Period;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::customer_references::{self, ReferenceRow};
use crate::milestones::ROWS_PER_INSERT;
use crate::row::{self, Condition, Value};
use crate::{Conn, columns, on, table, usage_events, usage_rewrites};

/// A statement of which customer a person belongs to.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the domain")]
pub struct MembershipRow {
    pub id: Uuid,
    pub person_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub stated_at: DateTime<Utc>,
}

columns!(MembershipRow { id, person_id, customer_id, stated_at });
table!(MembershipRow, "memberships");

impl From<&MembershipRow> for Stated {
    fn from(row: &MembershipRow) -> Self {
        Self { at: row.stated_at, customer_id: row.customer_id }
    }
}

/// Adds a statement. The events of the person by this reference that name no customer follow it.
pub async fn state(
    conn: &mut Conn,
    organization_id: Uuid,
    row: &MembershipRow,
    person_ref: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let before = of_person(conn, organization_id, row.person_id).await?;
    let mut all: Vec<Stated> = before.iter().map(Stated::from).collect();
    if all.contains(&Stated::from(row)) {
        return Ok(());
    }
    row::insert(conn, organization_id, row).await?;
    let then = memberships(all.clone());
    all.push(Stated::from(row));
    match person_ref.filter(|_| memberships(all.clone()) != then) {
        Some(person_ref) => attribute(conn, organization_id, person_ref, &memberships(all), now).await,
        None => Ok(()),
    }
}

/// Gives the events of a customer's people to a customer that has just got its first reference.
pub async fn attribute_people_of(
    conn: &mut Conn,
    organization_id: Uuid,
    customer_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const SQL: &str = "SELECT DISTINCT p.id, p.external_ref FROM memberships m \
        JOIN people p ON p.organization_id = m.organization_id AND p.id = m.person_id \
        WHERE m.organization_id = $1 AND m.customer_id = $2 AND p.external_ref IS NOT NULL";
    let people: Vec<(Uuid, String)> =
        on!(&mut *conn, db => sqlx::query_as(SQL).bind(organization_id).bind(customer_id).fetch_all(db).await)?;
    for (id, person_ref) in people {
        let stated = of_person(conn, organization_id, id).await?;
        let own = memberships(stated.iter().map(Stated::from).collect());
        attribute(conn, organization_id, &person_ref, &own, now).await?;
    }
    Ok(())
}

/// Removes what was stated of a person that is gone. Its events stay where they are.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM memberships WHERE organization_id = $1 AND person_id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(person_id).execute(db).await.map(|_| ()))
}

async fn of_person(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<Vec<MembershipRow>> {
    row::all(conn, organization_id, &[Condition::Equals("person_id", Value::Uuid(Some(person_id)))], "id").await
}

/// Gives the events of a person that name no customer to those it belonged to when they happened.
async fn attribute(
    conn: &mut Conn,
    organization_id: Uuid,
    person_ref: &str,
    own: &[Membership],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const EVENTS: &str = "SELECT sequence, occurred_at, subject FROM usage_events \
                          WHERE organization_id = $1 AND person = $2 AND (by_person OR subject IS NULL)";
    // Whoever adds events waits meanwhile, and looks afterwards whom they belong to.
    usage_events::take_numbers(conn, organization_id, 0, now).await?;
    let events: Vec<(i64, DateTime<Utc>, Option<String>)> =
        on!(&mut *conn, db => sqlx::query_as(EVENTS).bind(organization_id).bind(person_ref).fetch_all(db).await)?;
    let ids: Vec<Uuid> = own.iter().filter_map(|(_, customer_id)| *customer_id).collect();
    let references = customer_references::of_customers(conn, organization_id, &ids).await?;
    let mut moved: HashMap<Option<&str>, Vec<i64>> = HashMap::new();
    let mut changed: BTreeSet<String> = BTreeSet::new();
    for (sequence, at, subject) in &events {
        let new = subject_at(own, named(&references), *at);
        if new != subject.as_deref() {
            changed.extend(subject.clone());
            changed.extend(new.map(str::to_owned));
            moved.entry(new).or_default().push(*sequence);
        }
    }
    for (subject, sequences) in moved {
        for some in sequences.chunks(ROWS_PER_INSERT) {
            on!(&mut *conn, db => {
                let mut query = QueryBuilder::new("UPDATE usage_events SET by_person = TRUE, subject = ");
                query.push_bind(subject).push(" WHERE organization_id = ").push_bind(organization_id);
                query.push(" AND sequence IN (");
                let mut list = query.separated(", ");
                for sequence in some {
                    list.push_bind(*sequence);
                }
                query.push(")");
                query.build().execute(db).await.map(|_| ())
            })?;
        }
    }
    usage_rewrites::note(conn, organization_id, &changed.into_iter().collect::<Vec<_>>(), now).await
}

fn named(references: &HashMap<Uuid, Vec<ReferenceRow>>) -> impl Iterator<Item = (Uuid, Period, &str)> {
    references.iter().flat_map(|(id, own)| own.iter().map(|row| (*id, row.period(), row.external_ref.as_str())))
}

/// People's memberships, with the references of the customers.
#[derive(Debug, Default)]
pub struct Belonging {
    people: HashMap<String, Vec<Membership>>,
    references: HashMap<Uuid, Vec<ReferenceRow>>,
}

impl Belonging {
    /// Loads those of people by their references.
    pub async fn of(conn: &mut Conn, organization_id: Uuid, people: &[&str]) -> sqlx::Result<Self> {
        let mut stated: HashMap<String, Vec<Stated>> = HashMap::new();
        for some in people.chunks(ROWS_PER_INSERT) {
            let rows: Vec<(String, DateTime<Utc>, Option<Uuid>)> = on!(&mut *conn, db => {
                let mut query = QueryBuilder::new(
                    "SELECT p.external_ref, m.stated_at, m.customer_id FROM people p \
                     JOIN memberships m ON m.organization_id = p.organization_id AND m.person_id = p.id WHERE p.organization_id = ");
                query.push_bind(organization_id).push(" AND p.external_ref IN (");
                let mut list = query.separated(", ");
                for person in some {
                    list.push_bind(*person);
                }
                query.push(")");
                query.build_query_as().fetch_all(db).await
            })?;
            for (person, at, customer_id) in rows {
                stated.entry(person).or_default().push(Stated { at, customer_id });
            }
        }
        let people: HashMap<String, Vec<Membership>> =
            stated.into_iter().map(|(person, stated)| (person, memberships(stated))).collect();
        let ids: BTreeSet<Uuid> = people.values().flatten().filter_map(|(_, customer_id)| *customer_id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        Ok(Self { people, references: customer_references::of_customers(conn, organization_id, &ids).await? })
    }

    /// The reference of the customer that a person belonged to at an instant.
    pub fn subject_at(&self, person: &str, at: DateTime<Utc>) -> Option<&str> {
        let own = self.people.get(person)?;
        let mut own_references = own
            .iter()
            .filter_map(|(_, id)| self.references.get_key_value(&(*id)?))
            .flat_map(|(id, rows)| rows.iter().map(|row| (*id, row.period(), row.external_ref.as_str())));
        subject_at(own, &mut own_references, at)
    }
}
