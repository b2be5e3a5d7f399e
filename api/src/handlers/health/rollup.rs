//! How a customer's parts are, together.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::health::rollup::{Part, roll_up};
use milepost_domain::values::text::Name;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::customer;
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::models::Models;
use crate::customer_health::observed;
use crate::customer_health::observed::Stretch;
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::plans::earned_value::AsOf;
use crate::store::customers;

/// How a customer's parts are, together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "worst": 40.0, "mean": 60.0, "revenue_weighted": 75.0,
    "worst_band": "at_risk", "without_score": 0, "data": [
        {"customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind Asia", "score": 40.0, "band": "at_risk", "annual_revenue_minor": 600_000}
    ]
}))]
pub struct HealthRollup {
    /// The customer.
    customer_id: Uuid,
    /// The day, its end included.
    as_of: NaiveDate,
    /// The lowest score of its parts.
    worst: Option<f64>,
    /// The mean of its parts' scores.
    mean: Option<f64>,
    /// The mean weighted by what each pays in a year; null where none of those with a score pays anything.
    revenue_weighted: Option<f64>,
    /// The worst band that is known among its parts.
    worst_band: Band,
    /// How many parts have no score and are left out.
    #[schema(maximum = 100_000)]
    without_score: usize,
    /// Its parts, and theirs, by name.
    #[schema(max_items = 100_000)]
    data: Vec<RollupPart>,
}

/// How a part of a customer is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind Asia", "score": 40.0, "band": "at_risk", "annual_revenue_minor": 600_000
}))]
pub struct RollupPart {
    /// The part.
    customer_id: Uuid,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
    /// Its score.
    score: Option<f64>,
    /// Where that lies.
    band: Band,
    /// What it pays in a year.
    #[schema(minimum = 0)]
    annual_revenue_minor: Option<i64>,
}

/// Reads how a customer's parts are, together
///
/// Its parts are the customers that name it as their parent, and theirs, as long as they are not archived.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(AsOf),
    responses((status = 200, description = "How they are.", body = HealthRollup)))]
#[get("/v1/customers/{id}/health/rollup")]
pub async fn read_health_rollup(cx: Context, id: Path<Uuid>, date: Query<AsOf>) -> Result<Answer, ApiError> {
    let as_of = date.0.as_of.unwrap_or_else(|| cx.today());
    let mut conn = cx.snapshot().await?;
    let whole = customer(&mut conn, cx.organization_id(), *id).await?;
    let mut parts = vec![];
    let mut above = vec![whole.id];
    while !above.is_empty() {
        let found = customers::parts_of(&mut conn, cx.organization_id(), &above).await?;
        above = found.iter().map(|part| part.id).collect();
        parts.extend(found);
    }
    parts.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let models = Models::load(&mut conn, cx.organization_id(), None).await?;
    let stretch = Stretch { from: as_of, to: as_of, known_at: None };
    let observed = observed::observe(&cx, &mut conn, parts, models.reach_days(), stretch).await?;
    let data: Vec<RollupPart> = observed
        .iter()
        .filter_map(|one| {
            let day = one.days(&models, as_of, as_of).pop()?;
            Some(RollupPart {
                customer_id: one.customer.id,
                name: one.customer.name.clone(),
                score: day.score(),
                band: day.band(),
                annual_revenue_minor: one.customer.annual_revenue_minor,
            })
        })
        .collect();
    let part =
        |one: &RollupPart| Part { score: one.score, band: one.band, annual_revenue_minor: one.annual_revenue_minor };
    let together = roll_up(&data.iter().map(part).collect::<Vec<_>>());
    let rollup = HealthRollup {
        customer_id: *id,
        as_of,
        worst: together.worst,
        mean: together.mean,
        revenue_weighted: together.revenue_weighted,
        worst_band: together.worst_band,
        without_score: together.without_score,
        data,
    };
    Ok(Answer::ok(&rollup)?.content_tag())
}
