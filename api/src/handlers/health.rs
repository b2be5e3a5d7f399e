//! Customers' health: scores, their explanation, and the records that people add.

pub mod explain;
pub mod history;
pub mod outcomes;
pub mod overrides;
pub mod pulses;
pub mod read;
pub mod rollup;

use chrono::{DateTime, Utc};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::values::text::{ExternalRef, Key, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::context::Context;
use crate::customer_health::models::{AppliedModel, Models};
use crate::customer_health::observed;
use crate::customer_health::observed::{Observed, Stretch};
use crate::error::ApiError;
use crate::extract::parse_path;
use crate::reference;
use crate::resource::{self, By, Referred, Resource, check_stands};
use crate::store::Conn;
use crate::store::customers::{self, Customer};
use crate::unit::Unit;

/// Version of the health model that produced a score.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "activity", "number": 2, "name": "Activity"}))]
pub struct ModelReference {
    /// Identifier of the health model; null for the shipped model.
    id: Option<Uuid>,
    /// Key of the health model.
    #[schema(value_type = Key)]
    key: String,
    /// Number of the version, counting from 1; null for the shipped model.
    #[schema(minimum = 1)]
    number: Option<i64>,
    /// Display name.
    #[schema(value_type = Name)]
    name: String,
}

impl ModelReference {
    /// Builds the reference from the version that applied.
    pub fn of(model: &AppliedModel) -> Self {
        let name = model.content.name.to_string();
        Self { id: model.id, key: model.key.clone(), number: model.number, name }
    }
}

/// Refuses to say what was known of a customer before it was recorded: then it was as if it did not exist.
pub fn check_known(customer: &Customer, known_at: Option<DateTime<Utc>>) -> Result<(), ApiError> {
    if known_at.is_some_and(|at| at < customer.stamp.created_at) { Err(ApiError::not_found()) } else { Ok(()) }
}

/// Finds a customer by its identifier.
pub async fn customer(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> Result<Customer, ApiError> {
    customers::find(conn, organization_id, id).await?.ok_or_else(ApiError::not_found)
}

/// Finds a customer about which something is to be recorded.
pub async fn customer_to_change(unit: &mut Unit, id: Uuid) -> Result<Customer, ApiError> {
    let found = customer(&mut unit.conn, unit.organization_id, id).await?;
    check_stands(&found)?;
    Ok(found)
}

/// Finds the customer that an external reference means.
pub async fn customer_by_ref(conn: &mut Conn, organization_id: Uuid, raw: &str) -> Result<Customer, ApiError> {
    meant_by_ref::<CustomerContent>(conn, organization_id, raw).await
}

/// Finds the customer or the person that an external reference means.
pub async fn meant_by_ref<T: Referred>(
    conn: &mut Conn,
    organization_id: Uuid,
    raw: &str,
) -> Result<Resource<T>, ApiError> {
    let external_ref: ExternalRef = parse_path("external_ref", raw)?;
    let found = resource::find(conn, organization_id, By::Ref(&external_ref)).await?;
    reference::follow(conn, organization_id, found).await
}

/// Loads what is known about one customer in a range of days, and the models that applied.
async fn observe_one(
    cx: &Context,
    conn: &mut Conn,
    customer: Customer,
    stretch: Stretch,
) -> Result<(Observed, Models), ApiError> {
    check_known(&customer, stretch.known_at)?;
    let models = Models::load(conn, cx.organization_id(), stretch.known_at).await?;
    let mut observed = observed::observe(cx, conn, vec![customer], models.needs(), stretch).await?;
    Ok((observed.pop().ok_or_else(ApiError::not_found)?, models))
}
