//! A customer's daily health history, as figures and as a small picture.

use actix_web::web::Path;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::values::dates::{days_between, plus_days};
use milepost_domain::values::text::{ExternalRef, Key};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{customer, observe_one};
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::{file, line, number};
use crate::customer_health::day::Day;
use crate::customer_health::observed::Stretch;
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::moment::KnownAt;
use crate::store::customers::Customer;
use crate::views::pictures::{MEDIA_TYPE, draw_sparkline};

/// Number of days in a history by default.
const USUAL_DAYS: i64 = 90;
/// Maximum number of days in a history.
const MOST_DAYS: i64 = 1100;

/// Range of days.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryOptions {
    /// First day. Defaults to 89 days before the last. The range has at most 1,100 days.
    from: Option<NaiveDate>,
    /// Last day. Defaults to today in the organization's time zone, or to the date of `known_at`.
    to: Option<NaiveDate>,
}

/// A customer's daily health history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "data": [
    {"on": "2026-05-04", "score": 62.0, "band": "at_risk", "computed_score": 62.0, "computed_band": "at_risk", "coverage": 1.0, "model_key": "activity", "model_number": 1}
]}))]
pub struct HealthHistory {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Days of the history, oldest first.
    #[schema(max_items = 1100)]
    data: Vec<HealthDay>,
}

/// A customer's health at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"on": "2026-05-04", "score": 62.0, "band": "at_risk", "computed_score": 62.0, "computed_band": "at_risk", "coverage": 1.0,
    "model_key": "activity", "model_number": 1}))]
pub struct HealthDay {
    /// Day.
    on: NaiveDate,
    /// Health score: the override if there is one, else the computed score; null if there is neither.
    score: Option<f64>,
    /// Band of the score.
    band: Band,
    /// Computed score; null if there is none.
    computed_score: Option<f64>,
    /// Band of the computed score.
    computed_band: Band,
    /// Coverage: the share of the factors' weight that had an input.
    coverage: f64,
    /// Key of the health model that applied.
    #[schema(value_type = Key)]
    model_key: String,
    /// Number of the model's version, counting from 1; null for the shipped model.
    #[schema(minimum = 1)]
    model_number: Option<i64>,
}

impl From<&Day> for HealthDay {
    fn from(day: &Day) -> Self {
        Self {
            on: day.on,
            score: day.score(),
            band: day.band(),
            computed_score: day.computed.value,
            computed_band: day.computed_band,
            coverage: day.computed.coverage,
            model_key: day.model.key.clone(),
            model_number: day.model.number,
        }
    }
}

/// Get a customer's health history
///
/// Returns one item per day, as JSON or CSV. Each item equals the response of `…/health?as_of=` for that day, with the
/// model that applied then.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(HistoryOptions, KnownAt), responses(
    (status = 200, description = "The health history.",
        content((HealthHistory = "application/json"), (String = "text/csv")))
))]
#[get("/v1/customers/{id}/health/history")]
pub async fn read_health_history(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    options: Query<HistoryOptions>,
    known: KnownAt,
) -> Result<Answer, ApiError> {
    let (customer, days) = load(&cx, *id, options.0, known).await?;
    let data: Vec<HealthDay> = days.iter().map(HealthDay::from).collect();
    let matched = Matched::of(&request)?;
    if negotiate(&request, &matched.operation.produces) == Some("text/csv") {
        let mut body =
            line(["on", "score", "band", "computed_score", "computed_band", "coverage", "model_key", "model_number"])?;
        for day in &data {
            let model_number = day.model_number.map(|number| number.to_string()).unwrap_or_default();
            let cells = [
                day.on.to_string(),
                number(day.score),
                day.band.to_string(),
                number(day.computed_score),
                day.computed_band.to_string(),
                day.coverage.to_string(),
                day.model_key.clone(),
                model_number,
            ];
            body.extend(line(cells)?);
        }
        return Ok(file(&format!("health-{}", *id), body));
    }
    let history = HealthHistory { customer_id: *id, customer_ref: customer.content.external_ref, data };
    Ok(Answer::ok(&history)?.content_tag())
}

/// Draw a customer's health history
///
/// Returns a small SVG line chart of the daily health score. Dashed lines mark the bounds of the bands. The line has a
/// gap on days without a score.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(HistoryOptions),
    responses((status = 200, description = "The picture.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/customers/{id}/health.svg")]
pub async fn draw_health(cx: Context, id: Path<Uuid>, options: Query<HistoryOptions>) -> Result<Answer, ApiError> {
    let (customer, days) = load(&cx, *id, options.0, KnownAt { today: cx.today(), known_at: None }).await?;
    Ok(Answer::text(MEDIA_TYPE, draw_sparkline(&customer.name, &days)?))
}

async fn load(
    cx: &Context,
    id: Uuid,
    options: HistoryOptions,
    known: KnownAt,
) -> Result<(Customer, Vec<Day>), ApiError> {
    let to = options.to.unwrap_or(known.today);
    let from = options.from.unwrap_or_else(|| plus_days(to, 1 - USUAL_DAYS));
    let count = days_between(from, to) + 1;
    if !(1..=MOST_DAYS).contains(&count) {
        let detail = format!("must be a day from {} to {to}", plus_days(to, 1 - MOST_DAYS));
        return Err(ApiError::parameter("from", "out_of_range", detail));
    }
    let mut conn = cx.survey().await?;
    let found = customer(&mut conn, cx.organization_id(), id).await?;
    let stretch = Stretch { from, to, known_at: known.known_at };
    let (observed, models) = observe_one(cx, &mut conn, found, stretch).await?;
    let days = observed.days(&models, from, to);
    Ok((observed.customer, days))
}
