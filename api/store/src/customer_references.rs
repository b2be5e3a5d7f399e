//! References of customers in usage events, each with the period in which it meant the customer.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use milepost_domain::customer::reference::{Period, begun};
use uuid::Uuid;

use crate::milestones::ROWS_PER_INSERT;
use crate::row::{self, Condition, Value};
use crate::{Conn, columns, table, unknown_subjects};

/// A reference of a customer.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ReferenceRow {
    pub id: Uuid,
    pub customer_id: Option<Uuid>,
    pub external_ref: String,
    pub from_at: Option<DateTime<Utc>>,
    pub until_at: Option<DateTime<Utc>>,
}

columns!(ReferenceRow { id, customer_id, external_ref, from_at, until_at });
table!(ReferenceRow, "customer_references");

impl ReferenceRow {
    /// Returns the period in which it means the customer.
    pub const fn period(&self) -> Period {
        Period { from_at: self.from_at, until_at: self.until_at }
    }
}

/// Returns the references of some customers.
pub async fn of_customers(
    conn: &mut Conn,
    organization_id: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Vec<ReferenceRow>>> {
    let mut by_customer: HashMap<Uuid, Vec<ReferenceRow>> = HashMap::new();
    for some in ids.chunks(ROWS_PER_INSERT) {
        let values = some.iter().map(|id| Value::Uuid(Some(*id))).collect();
        let conditions = [Condition::OneOf("customer_id", values)];
        for row in row::all::<ReferenceRow>(conn, organization_id, &conditions, "id").await? {
            by_customer.entry(row.customer_id.unwrap_or_default()).or_default().push(row);
        }
    }
    Ok(by_customer)
}

/// Returns what some references mean and have meant, of customers that are still there.
pub async fn with_refs(conn: &mut Conn, organization_id: Uuid, references: &[&str]) -> sqlx::Result<Vec<ReferenceRow>> {
    let mut rows = vec![];
    for some in references.chunks(ROWS_PER_INSERT) {
        let values = some.iter().map(|text| Value::Text(Some((*text).to_owned()))).collect();
        let conditions = [Condition::OneOf("external_ref", values), Condition::IsPresent("customer_id", true)];
        rows.extend(row::all::<ReferenceRow>(conn, organization_id, &conditions, "id").await?);
    }
    Ok(rows)
}

/// Gives a reference to a customer from now on. Whoever had it keeps what happened until then.
pub async fn give(
    conn: &mut Conn,
    organization_id: Uuid,
    new_id: Uuid,
    customer_id: Uuid,
    external_ref: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let conditions = [Condition::Equals("external_ref", Value::Text(Some(external_ref.to_owned())))];
    let known: Vec<ReferenceRow> = row::all(conn, organization_id, &conditions, "id").await?;
    if let Some(held) = known.iter().find(|row| row.until_at.is_none()) {
        if held.customer_id == Some(customer_id) {
            return Ok(());
        }
        row::update(conn, organization_id, &ReferenceRow { until_at: Some(now), ..held.clone() }).await?;
    }
    let earlier: Vec<Period> = known.iter().map(ReferenceRow::period).collect();
    let Period { from_at, until_at } = begun(&earlier, now);
    if from_at.is_none() {
        unknown_subjects::remove(conn, organization_id, external_ref).await?;
    }
    let (customer_id, external_ref) = (Some(customer_id), external_ref.to_owned());
    let row = ReferenceRow { id: new_id, customer_id, external_ref, from_at, until_at };
    row::insert(conn, organization_id, &row).await.map(|_| ())
}

/// Ends the references of a customer that is gone: whoever gets one of them later begins with nothing.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, customer_id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    let own = of_customers(conn, organization_id, &[customer_id]).await?;
    for row in own.into_values().flatten() {
        unknown_subjects::add(conn, organization_id, &[&row.external_ref]).await?;
        let until_at = row.until_at.or(Some(now));
        row::update(conn, organization_id, &ReferenceRow { customer_id: None, until_at, ..row }).await?;
    }
    Ok(())
}
