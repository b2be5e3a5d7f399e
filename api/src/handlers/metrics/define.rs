//! Defining metrics.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use milepost_domain::Rule as _;
use milepost_domain::usage::metric::{Aggregate, MetricFilter, check_property};
use milepost_domain::values::text::{Key, Label, Name};
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;

use super::Metric;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::paging::{Page, Paging, PagingParams};
use crate::precondition::IfMatch;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::metrics::{self, MetricRow};
use crate::unit::{Change, Entity};

/// A metric to define.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "files-changed", "name": "Files changed", "event_type": "repo.*", "aggregate": "sum", "property": "files"}))]
pub struct MetricDraft {
    /// Its key, unique in the organization.
    key: Key,
    /// Its name; the key if left out.
    name: Option<Name>,
    /// The type of events it reckons with; one that ends in `*` stands for all that begin so.
    event_type: Name,
    /// How they become a number.
    aggregate: Aggregate,
    /// The property of their data that is summed, averaged and so on; parts of a path with dots between them, or `@type` for the event's
    /// type.
    property: Option<Label>,
    /// Which of them; all if left out.
    filter: Option<MetricFilter>,
}

/// How many metrics an organization may have.
const MOST: usize = 500;

/// Defines a metric
///
/// It is taken from the events themselves at every question, so those that came before it was defined count too. To change one, remove it
/// and define it anew: what it meant yesterday is in the ledger.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:write"])), request_body = MetricDraft,
    responses((status = 201, description = "The metric.", body = Metric)))]
#[post("/v1/metrics")]
pub async fn create_metric(cx: Context, body: Body<MetricDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    check_property(draft.aggregate, draft.property.is_some()).map_err(|rule| vec![rule.at("/property")])?;
    cx.write(async |unit| {
        let known = metrics::all(&mut unit.conn, unit.organization_id).await?;
        if known.iter().any(|row| row.key == draft.key.as_str()) {
            let detail = format!("/key there is a metric with the key '{}' already", draft.key);
            return Err(ApiError::new(Code::Conflict, detail));
        }
        if known.len() >= MOST {
            return Err(ApiError::new(Code::Conflict, format!("An organization may have at most {MOST} metrics.")));
        }
        let row = MetricRow {
            id: unit.new_id(),
            key: draft.key.to_string(),
            name: draft.name.as_ref().map_or_else(|| draft.key.to_string(), ToString::to_string),
            event_type: draft.event_type.to_string(),
            aggregate: Text(draft.aggregate),
            property: draft.property.as_ref().map(ToString::to_string),
            filter: draft.filter.as_ref().map(serde_json::to_string).transpose()?,
            created_at: unit.now,
        };
        metrics::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let metric = Metric::of(row)?;
        unit.record_created(Entity::Metric, metric.id, &metric).await?;
        Answer::created(format!("/v1/metrics/{}", metric.key), &metric)
    })
    .await
}

/// Lists metrics, oldest first
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(PagingParams),
    responses((status = 200, description = "A page of metrics.", body = Page<Metric>)))]
#[get("/v1/metrics")]
pub async fn list_metrics(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Ascending)?;
    let rows = metrics::list(&mut cx.read().await?, cx.organization_id(), &slice).await?;
    paging.try_answer(rows, |row| Position { key: None, id: row.id }, Metric::of)
}

/// Reads one metric's definition
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), responses((status = 200, description = "The metric.", body = Metric)))]
#[get("/v1/metrics/{metric_key}")]
pub async fn read_metric(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    let found = metrics::find(&mut cx.read().await?, cx.organization_id(), &key).await?;
    Ok(Answer::ok(&Metric::of(found.ok_or_else(ApiError::not_found)?)?)?.content_tag())
}

/// Removes a metric's definition
///
/// Its events stay. A definition has no versions, so there is nothing for `If-Match` to name.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:write"])), params(IfMatch), responses((status = 204, description = "It is gone.")))]
#[delete("/v1/metrics/{metric_key}")]
pub async fn delete_metric(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let found = metrics::find(&mut unit.conn, unit.organization_id, &key).await?;
        let metric = Metric::of(found.ok_or_else(ApiError::not_found)?)?;
        metrics::delete(&mut unit.conn, unit.organization_id, &key).await?;
        let entity = (Entity::Metric, metric.id);
        unit.record(Change { verb: "deleted", entity, root: entity, before: Some(&metric), after: None }).await?;
        Ok(Answer::no_content())
    })
    .await
}
