//! Statements of which customer a person belongs to, and what follows from them for events that name no customer.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use milepost_domain::customer::membership::{Membership, Stated, memberships, subject_at};
use milepost_domain::customer::reference::Period;
use serde::Serialize;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::many::ROWS_PER_INSERT;
use crate::reference_periods::{self, Holder, ReferenceRow};
use crate::row::{self, Condition, Value};
use crate::{Conn, columns, on, table, usage_events, usage_rewrites};

/// A statement of which customer a person belongs to.
#[derive(Debug, Clone, Serialize)]
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

/// Adds a statement. The person's events that name no customer follow it.
pub async fn state(
    conn: &mut Conn,
    organization_id: Uuid,
    row: &MembershipRow,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const LAST: &str = "SELECT stated_at, customer_id FROM memberships WHERE organization_id = $1 AND person_id = $2 AND stated_at <= $3 \
                        ORDER BY stated_at DESC LIMIT 1";
    let last: Option<(DateTime<Utc>, Option<Uuid>)> = on!(&mut *conn, db => sqlx::query_as(LAST)
        .bind(organization_id).bind(row.person_id).bind(row.stated_at).fetch_optional(db).await)?;
    if last.is_some_and(|(at, customer_id)| at < row.stated_at && customer_id == row.customer_id) {
        // What is said again changes nothing until something is said in between.
        return row::insert(conn, organization_id, row).await.map(|_| ());
    }
    let mut all: Vec<Stated> =
        of_person(conn, organization_id, row.person_id).await?.iter().map(Stated::from).collect();
    if all.contains(&Stated::from(row)) {
        return Ok(());
    }
    row::insert(conn, organization_id, row).await?;
    let before = memberships(all.clone());
    all.push(Stated::from(row));
    let after = memberships(all);
    if after == before { Ok(()) } else { attribute(conn, organization_id, row.person_id, &after, now).await }
}

/// Gives the events of a person that name no customer to those it belonged to when they happened.
pub async fn attribute_person(
    conn: &mut Conn,
    organization_id: Uuid,
    person_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let stated = of_person(conn, organization_id, person_id).await?;
    let own = memberships(stated.iter().map(Stated::from).collect());
    attribute(conn, organization_id, person_id, &own, now).await
}

/// Gives the events of a customer's people to the customer, after its references have changed.
pub async fn attribute_people_of(
    conn: &mut Conn,
    organization_id: Uuid,
    customer_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const SQL: &str = "SELECT DISTINCT person_id FROM memberships WHERE organization_id = $1 AND customer_id = $2";
    let people: Vec<Uuid> =
        on!(&mut *conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(customer_id).fetch_all(db).await)?;
    for person_id in people {
        attribute_person(conn, organization_id, person_id, now).await?;
    }
    Ok(())
}

/// Adds a statement, if one is needed, by which a person belongs to a customer from now on.
pub async fn settle(
    conn: &mut Conn,
    organization_id: Uuid,
    id: Uuid,
    (person_id, customer_id): (Uuid, Option<Uuid>),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let stated = of_person(conn, organization_id, person_id).await?;
    let last = memberships(stated.iter().map(Stated::from).collect()).last().and_then(|(_, own)| *own);
    if last != customer_id {
        row::insert(conn, organization_id, &MembershipRow { id, person_id, customer_id, stated_at: now }).await?;
    }
    Ok(())
}

/// Removes a statement that was added to settle something.
pub async fn unsettle(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<()> {
    row::delete::<MembershipRow>(conn, organization_id, id).await.map(|_| ())
}

/// Removes what was stated of a person that is gone. Its events stay where they are.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM memberships WHERE organization_id = $1 AND person_id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(person_id).execute(db).await.map(|_| ()))
}

async fn of_person(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<Vec<MembershipRow>> {
    row::all(conn, organization_id, &[Condition::Equals("person_id", Value::Uuid(Some(person_id)))], "id").await
}

async fn attribute(
    conn: &mut Conn,
    organization_id: Uuid,
    person_id: Uuid,
    own: &[Membership],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const EVENTS: &str = "SELECT sequence, occurred_at, subject FROM usage_events \
                          WHERE organization_id = $1 AND person = $2 AND (by_person OR subject IS NULL)";
    // Whoever adds events waits meanwhile, and looks afterwards whom they belong to.
    usage_events::take_numbers(conn, organization_id, 0, now).await?;
    let mut events: Vec<(i64, DateTime<Utc>, Option<String>)> = vec![];
    for name in reference_periods::of_holder(conn, organization_id, person_id).await? {
        let mut found: Vec<(i64, DateTime<Utc>, Option<String>)> = on!(&mut *conn, db =>
            sqlx::query_as(EVENTS).bind(organization_id).bind(&name.external_ref).fetch_all(db).await)?;
        found.retain(|(_, at, _)| name.period().covers(*at));
        events.extend(found);
    }
    let ids: Vec<Uuid> = own.iter().filter_map(|(_, customer_id)| *customer_id).collect();
    let references = reference_periods::of_holders(conn, organization_id, &ids).await?;
    let mut moved: HashMap<Option<&str>, Vec<i64>> = HashMap::new();
    let mut changed: BTreeSet<String> = BTreeSet::new();
    for (sequence, at, subject) in &events {
        let new = subject_at(own, named(&references), *at, subject.as_deref());
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

/// People's memberships, with the references of the people and of the customers.
#[derive(Debug, Default)]
pub struct Belonging {
    names: HashMap<String, Vec<(Period, Uuid)>>,
    people: HashMap<Uuid, Vec<Membership>>,
    references: HashMap<Uuid, Vec<ReferenceRow>>,
}

impl Belonging {
    /// Loads those of people by their references.
    pub async fn of(conn: &mut Conn, organization_id: Uuid, people: &[&str]) -> sqlx::Result<Self> {
        let mut names: HashMap<String, Vec<(Period, Uuid)>> = HashMap::new();
        for row in reference_periods::with_refs(conn, organization_id, Holder::Person, people).await? {
            if let Some(person_id) = row.holder_id {
                let period = row.period();
                names.entry(row.external_ref).or_default().push((period, person_id));
            }
        }
        let ids: BTreeSet<Uuid> = names.values().flatten().map(|(_, person_id)| *person_id).collect();
        let ids: Vec<Value> = ids.into_iter().map(|id| Value::Uuid(Some(id))).collect();
        let mut stated: HashMap<Uuid, Vec<Stated>> = HashMap::new();
        for some in ids.chunks(ROWS_PER_INSERT) {
            let conditions = [Condition::OneOf("person_id", some.to_vec())];
            for row in row::all::<MembershipRow>(conn, organization_id, &conditions, "id").await? {
                stated.entry(row.person_id).or_default().push(Stated::from(&row));
            }
        }
        let people: HashMap<Uuid, Vec<Membership>> =
            stated.into_iter().map(|(person, stated)| (person, memberships(stated))).collect();
        let ids: BTreeSet<Uuid> = people.values().flatten().filter_map(|(_, customer_id)| *customer_id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        Ok(Self { names, people, references: reference_periods::of_holders(conn, organization_id, &ids).await? })
    }

    /// The reference of the customer to which the person of a reference belonged at an instant.
    pub fn subject_at(&self, person: &str, at: DateTime<Utc>) -> Option<&str> {
        let (_, person_id) = self.names.get(person)?.iter().find(|(period, _)| period.covers(at))?;
        let own = self.people.get(person_id)?;
        let own_references = own
            .iter()
            .filter_map(|(_, id)| self.references.get_key_value(&(*id)?))
            .flat_map(|(id, rows)| rows.iter().map(|row| (*id, row.period(), row.external_ref.as_str())));
        subject_at(own, own_references, at, None)
    }
}
