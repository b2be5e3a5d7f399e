//! Time series of a metric.

use actix_web::web::Path;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::usage::metric::{Aggregate, window_start};
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
use crate::usage::digest::Wanted;

/// Metric and periods of a time series.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricSeriesOptions {
    /// Key of the metric.
    #[param(inline)]
    key: Key,
    /// First day. Defaults to 89 days before the last.
    from: Option<NaiveDate>,
    /// Last day. Defaults to today in the organization's time zone.
    to: Option<NaiveDate>,
    /// Length of each point's window. The windows follow one another from the first day on. Defaults to `week`.
    #[param(inline)]
    period: Option<Period>,
}

/// Time series of a metric.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "commits", "period": "week", "data": [{"from": "2026-04-27", "to": "2026-05-03", "value": 12.0, "events": 12}]}))]
pub struct MetricSeries {
    /// Key of the metric.
    #[schema(value_type = Key)]
    key: String,
    /// Length of each window.
    period: Period,
    /// Points, oldest first. The last window ends with the last day, even if it is incomplete.
    #[schema(max_items = 1100)]
    data: Vec<MetricPoint>,
}

/// Value of a metric in one window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": "2026-04-27", "to": "2026-05-03", "value": 12.0, "events": 12}))]
pub struct MetricPoint {
    /// First day of the window.
    from: NaiveDate,
    /// Last day of the window.
    to: NaiveDate,
    /// Value; null if there is none.
    value: Option<f64>,
    /// Number of events that the value includes.
    #[schema(maximum = 1_000_000_000)]
    events: usize,
}

/// Maximum number of points in a series.
const MOST_POINTS: u32 = 1100;

/// Get a time series of a customer's metric
///
/// Computes the metric for each window from the customer's usage events, as JSON or CSV. A series has at most 1,100
/// points.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricSeriesOptions), responses(
    (status = 200, description = "The time series.",
        content((MetricSeries = "application/json"), (String = "text/csv")))
))]
#[get("/v1/customers/{id}/metrics/series")]
pub async fn read_customer_metric_series(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    options: Query<MetricSeriesOptions>,
) -> Result<Answer, ApiError> {
    let whose = Whose::customer(&cx, *id).await?;
    series(&request, &cx, &whose, options.0).await
}

/// Get a time series of a person's metric
///
/// Computes the metric for each window from the person's usage events, as JSON or CSV. A series has at most 1,100
/// points.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricSeriesOptions), responses(
    (status = 200, description = "The time series.",
        content((MetricSeries = "application/json"), (String = "text/csv")))
))]
#[get("/v1/people/{id}/metrics/series")]
pub async fn read_person_metric_series(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    options: Query<MetricSeriesOptions>,
) -> Result<Answer, ApiError> {
    let whose = Whose::person(&cx, *id).await?;
    series(&request, &cx, &whose, options.0).await
}

async fn series(
    request: &HttpRequest,
    cx: &Context,
    whose: &Whose,
    options: MetricSeriesOptions,
) -> Result<Answer, ApiError> {
    let last_on = options.to.unwrap_or_else(|| cx.today());
    let first_on = options.from.unwrap_or_else(|| window_start(last_on, 90));
    let period = options.period.unwrap_or_default();
    let last_number = period.number_of(first_on, last_on);
    if first_on > last_on || last_number >= MOST_POINTS {
        let detail = format!("must not be after {last_on} or give more than {MOST_POINTS} points");
        return Err(ApiError::parameter("from", "out_of_range", detail));
    }
    let mut conn = cx.survey().await?;
    let found = definitions(cx, &mut conn).await?.into_iter().find(|(key, _)| key == options.key.as_str());
    let (key, definition) = found
        .ok_or_else(|| ApiError::parameter("key", "unknown_metric", format!("there is no metric '{}'", options.key)))?;
    let is_open = definition.aggregate == Aggregate::DaysSinceLast;
    let metric = Wanted::by_type(definition);
    let digest = whose.digest(cx, &mut conn, (!is_open).then_some(first_on), std::slice::from_ref(&metric)).await?;
    let tallies = digest.tallies(&metric).ok_or_else(|| ApiError::internal("a metric has no tallies"))?;
    let point = |number: u32| {
        let from = period.starts_on(first_on, number);
        let is_last = number == last_number;
        let to = if is_last { last_on } else { plus_days(period.starts_on(first_on, number + 1), -1) };
        let found = tallies.measure(to, Some(days_between(from, to) + 1));
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
    Ok(Answer::ok(&MetricSeries { key, period, data })?.content_tag())
}
