//! Combined health of a customer's parts.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::health::rollup::{Part, roll_up};
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::customer;
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::models::Models;
use crate::customer_health::observed::Stretch;
use crate::customer_health::{observed, past};
use crate::error::ApiError;
use crate::moment::AsOf;
use crate::store::Conn;
use crate::store::customers::{self, Customer};

/// Combined health of a customer's parts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "as_of": "2026-05-04", "worst": 40.0, "mean": 60.0, "revenue_weighted": 75.0,
    "worst_band": "at_risk", "without_score": 0, "data": [
        {"customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind Asia", "score": 40.0, "band": "at_risk", "annual_revenue_minor": 600_000}
    ]
}))]
pub struct HealthRollup {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Date that the response refers to, evaluated at the end of that day.
    as_of: NaiveDate,
    /// Lowest score of the parts; null if none has a score.
    worst: Option<f64>,
    /// Mean of the parts' scores; null if none has a score.
    mean: Option<f64>,
    /// Mean of the parts' scores weighted by annual revenue; null if no part has both a score and revenue.
    revenue_weighted: Option<f64>,
    /// Worst known band of the parts; `unknown` if no band is known.
    worst_band: Band,
    /// Number of parts without a score. The combined figures leave them out.
    #[schema(maximum = 100_000)]
    without_score: usize,
    /// Direct and indirect parts, ordered by name.
    #[schema(max_items = 100_000)]
    data: Vec<RollupPart>,
}

/// Health of a customer's part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind Asia", "score": 40.0, "band": "at_risk", "annual_revenue_minor": 600_000
}))]
pub struct RollupPart {
    /// Identifier of the part, which is itself a customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Display name.
    #[schema(value_type = Name)]
    name: String,
    /// Health score; null if there is none.
    score: Option<f64>,
    /// Band of the score.
    band: Band,
    /// Annual revenue in the smallest unit of the currency; null if not known.
    #[schema(minimum = 0)]
    annual_revenue_minor: Option<i64>,
}

/// Get the combined health of a customer's parts
///
/// The parts are the customers that had this customer as their parent on that day, directly or through other parts, and were not archived.
/// Their revenues are those of the day. The customer's own score is not included.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(AsOf),
    responses((status = 200, description = "The combined health.", body = HealthRollup)))]
#[get("/v1/customers/{id}/health/rollup")]
pub async fn read_health_rollup(cx: Context, id: Path<Uuid>, AsOf(as_of): AsOf) -> Result<Answer, ApiError> {
    let mut conn = cx.survey().await?;
    let whole = customer(&mut conn, cx.organization_id(), *id).await?;
    let mut parts = if as_of < cx.today() {
        parts_on(&cx, &mut conn, whole.id, as_of).await?
    } else {
        parts_today(&cx, &mut conn, whole.id).await?
    };
    parts.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let models = Models::load(&mut conn, cx.organization_id(), None).await?;
    let stretch = Stretch { from: as_of, to: as_of, known_at: None };
    let observed = observed::observe(&cx, &mut conn, parts, models.needs(), stretch).await?;
    let data: Vec<RollupPart> = observed
        .iter()
        .filter_map(|one| {
            let day = one.days(&models, as_of, as_of).pop()?;
            Some(RollupPart {
                customer_id: one.customer.id,
                customer_ref: one.customer.external_ref.clone(),
                name: one.customer.name.to_string(),
                score: day.score(),
                band: day.band(),
                annual_revenue_minor: one.facts_on(as_of).annual_revenue_minor,
            })
        })
        .collect();
    let part =
        |one: &RollupPart| Part { score: one.score, band: one.band, annual_revenue_minor: one.annual_revenue_minor };
    let together = roll_up(&data.iter().map(part).collect::<Vec<_>>());
    let rollup = HealthRollup {
        customer_id: *id,
        customer_ref: whole.content.external_ref,
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

/// The parts of a customer today, and their parts.
async fn parts_today(cx: &Context, conn: &mut Conn, whole: Uuid) -> Result<Vec<Customer>, ApiError> {
    let (mut parts, mut above) = (vec![], vec![whole]);
    while !above.is_empty() {
        let found = customers::parts_of(conn, cx.organization_id(), &above).await?;
        above = found.iter().map(|part| part.id).collect();
        parts.extend(found);
    }
    Ok(parts)
}

/// The parts of a customer on an earlier day, and their parts.
async fn parts_on(cx: &Context, conn: &mut Conn, whole: Uuid, on: NaiveDate) -> Result<Vec<Customer>, ApiError> {
    let mut rest = customers::all(conn, cx.organization_id()).await?;
    rest.retain(|one| one.stamp.archived_at.is_none_or(|at| cx.date_of(at) > on));
    let pasts = past::load(conn, cx.organization_id(), cx.who.tenant.zone, &rest).await?;
    let parent = |one: &Customer| pasts.get(&one.id).and_then(|past| past.on(on).parent_id);
    let (mut parts, mut above) = (vec![], vec![whole]);
    while !above.is_empty() {
        let found: Vec<Customer> =
            rest.extract_if(.., |one| parent(one).is_some_and(|id| above.contains(&id))).collect();
        above = found.iter().map(|part| part.id).collect();
        parts.extend(found);
    }
    Ok(parts)
}
