//! One metric over time.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, Responder, get};
use chrono::NaiveDate;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::usage::metric::{Aggregate, Fact, measure, window_start};
use milepost_domain::values::dates::{days_between, plus_days};
use milepost_domain::values::text::Key;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::measure::{Whose, definitions};
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::{file, line, number};
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::usage_facts::fact;

/// One metric over time.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricSeriesOptions {
    /// The metric's key.
    #[param(inline)]
    key: Key,
    /// The first day; 89 days before the last if left out.
    from: Option<NaiveDate>,
    /// The last day; today if left out.
    to: Option<NaiveDate>,
    /// How long each point's window is, one after another from the first day on; `week` if left out.
    #[param(inline)]
    period: Option<Period>,
}

/// One metric over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "commits", "period": "week", "data": [{"from": "2026-04-27", "to": "2026-05-03", "value": 12.0, "events": 12}]}))]
pub struct MetricSeries {
    /// The metric's key.
    #[schema(value_type = Key)]
    key: String,
    /// How long each window is.
    period: Period,
    /// The windows, the first first; the last ends with the last day, complete or not.
    #[schema(max_items = 1100)]
    data: Vec<MetricPoint>,
}

/// A metric in one window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": "2026-04-27", "to": "2026-05-03", "value": 12.0, "events": 12}))]
pub struct MetricPoint {
    /// The window's first day.
    from: NaiveDate,
    /// Its last day.
    to: NaiveDate,
    /// The value; null where there is none.
    value: Option<f64>,
    /// How many events it was taken from.
    #[schema(maximum = 1_000_000_000)]
    events: usize,
}

/// How many points a series may have.
const MOST_POINTS: u32 = 1100;

/// Takes one of a customer's metrics over time, as JSON or CSV
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricSeriesOptions), responses(
    (status = 200, description = "The metric over time.", content((MetricSeries = "application/json"), (String = "text/csv")))
))]
#[get("/v1/customers/{id}/metrics/series")]
pub async fn read_customer_metric_series(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    options: Query<MetricSeriesOptions>,
) -> Result<HttpResponse, ApiError> {
    let whose = Whose::customer(&cx, *id).await?;
    series(&request, &cx, &whose, options.0).await
}

/// Takes one of a person's metrics over time, as JSON or CSV
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricSeriesOptions), responses(
    (status = 200, description = "The metric over time.", content((MetricSeries = "application/json"), (String = "text/csv")))
))]
#[get("/v1/people/{id}/metrics/series")]
pub async fn read_person_metric_series(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    options: Query<MetricSeriesOptions>,
) -> Result<HttpResponse, ApiError> {
    let whose = Whose::person(&cx, *id).await?;
    series(&request, &cx, &whose, options.0).await
}

async fn series(
    request: &HttpRequest,
    cx: &Context,
    whose: &Whose,
    options: MetricSeriesOptions,
) -> Result<HttpResponse, ApiError> {
    let last_on = options.to.unwrap_or_else(|| cx.today());
    let first_on = options.from.unwrap_or_else(|| window_start(last_on, 90));
    let period = options.period.unwrap_or_default();
    let last_number = period.number_of(first_on, last_on);
    if first_on > last_on || last_number >= MOST_POINTS {
        let detail = format!("must be a day by {last_on}, with at most {MOST_POINTS} points from it on");
        return Err(ApiError::parameter("from", "out_of_range", detail));
    }
    let mut conn = cx.snapshot().await?;
    let found = definitions(cx, &mut conn).await?.into_iter().find(|(key, _)| key == options.key.as_str());
    let (key, definition) = found
        .ok_or_else(|| ApiError::parameter("key", "unknown_metric", format!("there is no metric '{}'", options.key)))?;
    let is_open = definition.aggregate == Aggregate::DaysSinceLast;
    let events = whose.events(cx, &mut conn, (!is_open).then_some(first_on), last_on).await?;
    let zone = cx.who.tenant.zone;
    let mut facts: Vec<Fact> = events.iter().filter_map(|event| fact(&definition, event, zone)).collect();
    facts.sort_by_key(|fact| fact.on);
    let point = |number: u32| {
        let from = period.starts_on(first_on, number);
        let is_last = number == last_number;
        let to = if is_last { last_on } else { plus_days(period.starts_on(first_on, number + 1), -1) };
        let start = if is_open { 0 } else { facts.partition_point(|fact| fact.on < from) };
        let own = &facts[start..facts.partition_point(|fact| fact.on <= to)];
        let found = measure(definition.aggregate, own, to, Some(days_between(from, to) + 1));
        MetricPoint { from, to, value: found.value, events: found.events }
    };
    let data: Vec<MetricPoint> = (0..=last_number).map(point).collect();
    let matched = Matched::of(request)?;
    if negotiate(request, &matched.operation.produces) == Some("text/csv") {
        let mut body = line(["from", "to", "value", "events"])?;
        for point in &data {
            let cells = [point.from.to_string(), point.to.to_string(), number(point.value), point.events.to_string()];
            body.extend(line(cells)?);
        }
        return Ok(file(&format!("{key}-{last_on}"), body));
    }
    Ok(Answer::ok(&MetricSeries { key, period, data })?.content_tag().respond_to(request))
}
