//! Append-only records that belong to a resource: pulses, overrides and outcomes of customers, notes on interventions, costs of
//! plans. They are added and read; what is wrong is withdrawn, or corrected by another record.

use chrono::{DateTime, Utc};
use milepost_domain::values::text::{Note, Reason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::paging::Paging;
use crate::store::Conn;
use crate::store::authored::{Authored, name_all};
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row::{self, Column as _, Condition, Table};
use crate::unit::{Change, Entity, Unit};

/// A record of something that belongs to a resource.
pub trait Record: Table + Authored + Serialize + ToSchema {
    /// The column that names the resource.
    const OF: &'static str;
    /// The resource's kind in the ledger, whose entry an addition is.
    const ENTITY: Entity;
    /// The verb of that entry.
    const VERB: &'static str;

    /// The resource.
    fn of(&self) -> Uuid;
}

/// A record that can be withdrawn as a mistake.
pub trait Withdrawable: Record + Clone {
    /// The verb of the ledger's entry.
    const WITHDRAWN: &'static str;

    /// Returns the time of the withdrawal and its reason.
    fn withdrawal(&mut self) -> (&mut Option<DateTime<Utc>>, &mut Option<Note>);
}

/// Withdrawal of a record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "It was meant for another customer."}))]
pub struct Withdrawal {
    /// Reason for the withdrawal.
    pub reason: Reason,
}

/// Withdraws a record: it no longer counts, and stays visible.
pub async fn withdraw<T: Withdrawable>(
    cx: &Context,
    of: Uuid,
    id: Uuid,
    withdrawal: &Withdrawal,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before: T = find(&mut unit.conn, unit.organization_id, of, id).await?;
        let mut after = before.clone();
        let (withdrawn_at, reason) = after.withdrawal();
        if withdrawn_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "The record has already been withdrawn."));
        }
        (*withdrawn_at, *reason) = (Some(unit.now), Some(withdrawal.reason.clone().into()));
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        let of = (T::ENTITY, of);
        let change = Change { verb: T::WITHDRAWN, entity: of, root: of, before: Some(&before), after: Some(&after) };
        unit.record(change).await?;
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

/// Appends a record, with the ledger's entry.
pub async fn append<T: Record>(unit: &mut Unit, record: &T) -> Result<(), ApiError> {
    row::insert(&mut unit.conn, unit.organization_id, record).await?;
    let of = (T::ENTITY, record.of());
    unit.record(Change { verb: T::VERB, entity: of, root: of, before: None, after: Some(record) }).await
}

/// Answers a record that was appended: 201 with its path below that of all of its kind.
pub async fn recorded<T: Record + Clone>(unit: &mut Unit, path: &str, record: &T) -> Result<Answer, ApiError> {
    let mut shown = record.clone();
    name_all(&mut unit.conn, unit.organization_id, std::slice::from_mut(&mut shown)).await?;
    Answer::created(format!("{path}/{}", record.id()), &shown)
}

/// Answers a page of the records of a resource, the newest first.
pub async fn list<T: Record>(cx: &Context, conn: &mut Conn, of: Uuid, paging: &Paging) -> Result<Answer, ApiError> {
    list_by::<T>(cx, conn, T::OF, of, paging).await
}

/// Answers a page of the records with an identifier in a column, the newest first.
pub async fn list_by<T: Record>(
    cx: &Context,
    conn: &mut Conn,
    column: &'static str,
    id: Uuid,
    paging: &Paging,
) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let conditions = [Condition::Equals(column, id.to_value())];
    let mut rows: Vec<T> = row::page(conn, cx.organization_id(), &conditions, &slice).await?;
    name_all(conn, cx.organization_id(), &mut rows).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id() }, |row| row)
}

/// Answers one record of a resource.
pub async fn read<T: Record>(cx: &Context, of: Uuid, id: Uuid) -> Result<Answer, ApiError> {
    let mut conn = cx.read().await?;
    let mut found = find::<T>(&mut conn, cx.organization_id(), of, id).await?;
    name_all(&mut conn, cx.organization_id(), std::slice::from_mut(&mut found)).await?;
    Ok(Answer::ok(&found)?.content_tag())
}

/// One record of a resource, or 404.
pub async fn find<T: Record>(conn: &mut Conn, organization_id: Uuid, of: Uuid, id: Uuid) -> Result<T, ApiError> {
    let found: Option<T> = row::find(conn, organization_id, id).await?;
    found.filter(|record| record.of() == of).ok_or_else(ApiError::not_found)
}
