//! Definitions of metrics.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use milepost_domain::rule::Rule as _;
use milepost_domain::usage::metric::{MetricContent, check_property};
use milepost_domain::values::text::Name;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatch;
use crate::resource::{self, By, Managed};
use crate::store::kept::Versioned;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::metrics::Metric;
use crate::store::row;
use crate::unit::{Entity, Unit};

/// Number of metrics that an organization may have.
const MOST: i64 = 500;

impl Managed for MetricContent {
    type Stamp = Versioned;
    const ENTITY: Entity = Entity::Metric;
    const PATH: &'static str = "/v1/metrics";

    async fn settle(&mut self, unit: &mut Unit, _: Option<&Metric>) -> Result<(), ApiError> {
        check_property(self.aggregate, self.property.is_some()).map_err(|rule| rule.at("/property"))?;
        if row::count::<Metric>(&mut unit.conn, unit.organization_id, &[]).await? >= MOST {
            return Err(ApiError::new(Code::Conflict, format!("An organization may have at most {MOST} metrics.")));
        }
        Ok(())
    }

    fn part(metric: &Metric) -> String {
        metric.key.to_string()
    }
}

/// Create a metric
///
/// Values are computed from the events whenever they are requested, so events that arrived before the metric was created
/// count too. To change a metric, delete it and create it again; the ledger keeps the earlier definition.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:write"])), request_body = MetricContent,
    responses((status = 201, description = "The created metric.", body = Metric)))]
#[post("/v1/metrics")]
pub async fn create_metric(cx: Context, body: Body<MetricContent>) -> Result<Answer, ApiError> {
    let mut content = body.0;
    if content.name.is_none() {
        content.name = Some(Name::parse(&content.key).map_err(ApiError::internal)?);
    }
    resource::create(&cx, &content).await
}

/// List metrics
///
/// Returns a page of the metrics, in order of creation.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(Paging),
    responses((status = 200, description = "A page of metrics.", body = Page<Metric>)))]
#[get("/v1/metrics")]
pub async fn list_metrics(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Ascending)?;
    let rows: Vec<Metric> = row::page(&mut cx.read().await?, cx.organization_id(), &[], &slice).await?;
    paging.answer(rows, |metric| Position { key: None, id: metric.id }, |metric| metric)
}

/// Get a metric
///
/// Returns the definition, not its values: those are read for a customer or a person.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The metric.", body = Metric)))]
#[get("/v1/metrics/{metric_key}")]
pub async fn read_metric(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<MetricContent>(&cx, By::Key(&key)).await
}

/// Delete a metric
///
/// Deletes the definition. The events stay, and published health models keep their copies of the definition.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:write"])), params(IfMatch),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/metrics/{metric_key}")]
pub async fn delete_metric(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::delete::<MetricContent>(&cx, By::Key(&key)).await
}
