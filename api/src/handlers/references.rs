//! References of customers and people, with the periods in which they mean them in usage events.

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, Utc};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::PersonContent;
use milepost_domain::values::text::ExternalRef;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::paging::{Page, Paging};
use crate::resource::{By, Referred, find};
use crate::store::keyset::{Direction, Order, Position};
use crate::store::reference_periods::ReferenceRow;
use crate::store::row::{self, Column as _, Condition};

/// A reference of a customer or a person, with the period in which it means them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"external_ref": "crm-4711", "from": null, "to": "2026-05-04T12:00:00Z", "is_current": false}))]
pub struct ReferencePeriod {
    /// External reference.
    #[schema(value_type = ExternalRef)]
    external_ref: String,
    /// Time from which events with it belong to the customer or person; null if nobody had it before.
    from: Option<DateTime<Utc>>,
    /// Time from which events with it belong to somebody else; null if there is nobody.
    to: Option<DateTime<Utc>>,
    /// Whether it is the reference of today.
    is_current: bool,
}

async fn list<T: Referred>(cx: &Context, id: Uuid, paging: &Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let mut holder = find::<T>(&mut conn, cx.organization_id(), By::Id(id)).await?;
    let current = holder.content.external_ref().take();
    let current = current.as_ref().map(ExternalRef::as_str);
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let conditions = [Condition::Equals("holder_id", id.to_value())];
    let rows: Vec<ReferenceRow> = row::page(&mut conn, cx.organization_id(), &conditions, &slice).await?;
    paging.answer(
        rows,
        |row| Position { key: None, id: row.id },
        |row| ReferencePeriod {
            is_current: current == Some(row.external_ref.as_str()) && row.until_at.is_none(),
            external_ref: row.external_ref,
            from: row.from_at,
            to: row.until_at,
        },
    )
}

/// List the references of a customer
///
/// Returns the references that the customer has and has had, with the time in which each of them means it in usage events. A
/// customer keeps the events of an earlier reference. If another customer gets that reference, events from then on are that one's.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), params(Paging),
    responses((status = 200, description = "A page of references, the newest first.", body = Page<ReferencePeriod>)))]
#[get("/v1/customers/{id}/references")]
pub async fn list_customer_references(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    list::<CustomerContent>(&cx, *id, &paging).await
}

/// List the references of a person
///
/// Returns the references that the person has and has had, with the time in which each of them means them in usage events. A
/// person keeps the events of an earlier reference. If somebody else gets that reference, events from then on are theirs.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))), params(Paging),
    responses((status = 200, description = "A page of references, the newest first.", body = Page<ReferencePeriod>)))]
#[get("/v1/people/{id}/references")]
pub async fn list_person_references(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    list::<PersonContent>(&cx, *id, &paging).await
}
