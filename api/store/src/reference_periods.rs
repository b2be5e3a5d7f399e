//! References of customers and people in usage events, each with the period in which it meant its holder.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use milepost_domain::customer::reference::{Period, begun};
use strum::{Display, EnumString};
use uuid::Uuid;

use crate::many::ROWS_PER_INSERT;
use crate::row::{self, Condition, Value};
use crate::{Conn, columns, table, unknown_subjects};

/// Kind of holder of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Holder {
    /// A customer, named by the subject of an event.
    Customer,
    /// A person, named by the person of an event.
    Person,
}

/// A reference of a customer or a person.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ReferenceRow {
    pub id: Uuid,
    pub kind: Holder,
    pub holder_id: Option<Uuid>,
    pub external_ref: String,
    pub from_at: Option<DateTime<Utc>>,
    pub until_at: Option<DateTime<Utc>>,
}

columns!(ReferenceRow { id, kind, holder_id, external_ref, from_at, until_at });
table!(ReferenceRow, "reference_periods");

impl ReferenceRow {
    /// Returns the period in which it means its holder.
    pub const fn period(&self) -> Period {
        Period { from_at: self.from_at, until_at: self.until_at }
    }
}

/// Returns the references of some customers or people.
pub async fn of_holders(
    conn: &mut Conn,
    organization_id: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Vec<ReferenceRow>>> {
    let mut by_holder: HashMap<Uuid, Vec<ReferenceRow>> = HashMap::new();
    for some in ids.chunks(ROWS_PER_INSERT) {
        let values = some.iter().map(|id| Value::Uuid(Some(*id))).collect();
        let conditions = [Condition::OneOf("holder_id", values)];
        for row in row::all::<ReferenceRow>(conn, organization_id, &conditions, "id").await? {
            by_holder.entry(row.holder_id.unwrap_or_default()).or_default().push(row);
        }
    }
    Ok(by_holder)
}

/// Returns the references of one customer or person.
pub async fn of_holder(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Vec<ReferenceRow>> {
    Ok(of_holders(conn, organization_id, &[id]).await?.remove(&id).unwrap_or_default())
}

/// Returns what some references mean and have meant, of holders that are still there.
pub async fn with_refs(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: Holder,
    references: &[&str],
) -> sqlx::Result<Vec<ReferenceRow>> {
    let mut rows = vec![];
    for some in references.chunks(ROWS_PER_INSERT) {
        let values = some.iter().map(|text| Value::Text(Some((*text).to_owned()))).collect();
        let conditions = [
            Condition::OneOf("external_ref", values),
            Condition::Equals("kind", Value::Text(Some(kind.to_string()))),
            Condition::IsPresent("holder_id", true),
        ];
        rows.extend(row::all::<ReferenceRow>(conn, organization_id, &conditions, "id").await?);
    }
    Ok(rows)
}

/// Gives a reference to a customer or a person from now on. Whoever had it keeps what happened until then.
pub async fn give(
    conn: &mut Conn,
    organization_id: Uuid,
    new_id: Uuid,
    (kind, holder_id): (Holder, Uuid),
    external_ref: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let conditions = [
        Condition::Equals("external_ref", Value::Text(Some(external_ref.to_owned()))),
        Condition::Equals("kind", Value::Text(Some(kind.to_string()))),
    ];
    let known: Vec<ReferenceRow> = row::all(conn, organization_id, &conditions, "id").await?;
    if let Some(held) = known.iter().find(|row| row.until_at.is_none()) {
        if held.holder_id == Some(holder_id) {
            return Ok(());
        }
        row::update(conn, organization_id, &ReferenceRow { until_at: Some(now), ..held.clone() }).await?;
    }
    let earlier: Vec<Period> = known.iter().map(ReferenceRow::period).collect();
    let Period { from_at, until_at } = begun(&earlier, now);
    if kind == Holder::Customer && from_at.is_none() {
        unknown_subjects::remove(conn, organization_id, external_ref).await?;
    }
    let (holder_id, external_ref) = (Some(holder_id), external_ref.to_owned());
    let row = ReferenceRow { id: new_id, kind, holder_id, external_ref, from_at, until_at };
    row::insert(conn, organization_id, &row).await.map(|_| ())
}

/// Ends the references of a customer or a person that is gone: whoever gets one of them later begins with nothing.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, holder_id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    for row in of_holder(conn, organization_id, holder_id).await? {
        if row.kind == Holder::Customer {
            unknown_subjects::add(conn, organization_id, &[&row.external_ref]).await?;
        }
        let until_at = row.until_at.or(Some(now));
        row::update(conn, organization_id, &ReferenceRow { holder_id: None, until_at, ..row }).await?;
    }
    Ok(())
}
