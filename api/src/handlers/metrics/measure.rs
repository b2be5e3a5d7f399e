//! What the metrics are of a customer or a person at a date.

use actix_web::get;
use actix_web::web::Path;
use chrono::{Days, NaiveDate, NaiveTime};
use milepost_domain::metric::{Aggregate, Definition, Fact, Measured, measure, window_start};
use milepost_domain::text::{ExternalRef, Key};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::definition;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Query, parse_path};
use crate::facts::fact;
use crate::store::metrics::{self, MetricRow, Of};
use crate::store::{customers, people};

/// Which metrics, and of when.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricOptions {
    /// The last day of the window; today in the organization's time zone if left out.
    as_of: Option<NaiveDate>,
    /// How many days the window has; 30 if left out.
    #[param(minimum = 1, maximum = 3660)]
    window_days: Option<i64>,
    /// Keys with commas between them; all metrics if left out.
    #[param(min_length = 1, max_length = 10_000)]
    keys: Option<String>,
}

/// Metrics at a date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"as_of": "2026-05-04", "window_days": 30, "data": [{"key": "commits", "value": 42.0, "events": 42, "ignored": 0}]}))]
pub struct Metrics {
    /// The last day of the window.
    as_of: NaiveDate,
    /// How many days the window has.
    #[schema(minimum = 1)]
    window_days: i64,
    /// By key.
    #[schema(max_items = 500)]
    data: Vec<MetricValue>,
}

/// A metric's value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "commits", "value": 42.0, "events": 42, "ignored": 0}))]
pub struct MetricValue {
    /// The metric's key.
    #[schema(value_type = Key)]
    key: String,
    /// Its value; null where there is none, as of a mean of nothing.
    value: Option<f64>,
    /// How many events it was taken from.
    #[schema(maximum = 1_000_000_000)]
    events: usize,
    /// How many events were left out because the property is missing in them or not a number.
    #[schema(maximum = 1_000_000_000)]
    ignored: usize,
}

/// The usual window, in days.
const USUAL_DAYS: i64 = 30;

/// Takes a customer's metrics at a date
///
/// From the customer's events in the window that ends with `as_of`, that day included; days are those of the organization's time zone. Late
/// events count from the moment they are there.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/customers/{id}/metrics")]
pub async fn read_customer_metrics(
    cx: Context,
    id: Path<Uuid>,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let found = customers::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let reference = found.ok_or_else(ApiError::not_found)?.external_ref;
    take(&cx, reference.as_deref().map(Of::Customer), &options.0).await
}

/// Takes the metrics of the customer that the CRM calls so
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/customers/by-ref/{external_ref}/metrics")]
pub async fn read_customer_metrics_by_ref(
    cx: Context,
    external_ref: Path<String>,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let reference: ExternalRef = parse_path("external_ref", &external_ref)?;
    let found = customers::find_by_ref(&mut cx.read().await?, cx.organization_id(), reference.as_str()).await?;
    found.ok_or_else(ApiError::not_found)?;
    take(&cx, Some(Of::Customer(reference.as_str())), &options.0).await
}

/// Takes a person's metrics at a date
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/people/{id}/metrics")]
pub async fn read_person_metrics(
    cx: Context,
    id: Path<Uuid>,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let found = people::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let reference = found.ok_or_else(ApiError::not_found)?.external_ref;
    take(&cx, reference.as_deref().map(Of::Person), &options.0).await
}

/// Who has no reference has no events: other systems cannot name them.
async fn take(cx: &Context, of: Option<Of<'_>>, options: &MetricOptions) -> Result<Answer, ApiError> {
    let as_of = options.as_of.unwrap_or_else(|| cx.today());
    let window_days = options.window_days.unwrap_or(USUAL_DAYS);
    let mut conn = cx.snapshot().await?;
    let rows = metrics::all(&mut conn, cx.organization_id()).await?;
    let named = |row: MetricRow| Ok((row.key.clone(), definition(row)?));
    let all = rows.into_iter().map(named).collect::<Result<Vec<_>, ApiError>>()?;
    let wanted = choose(all, options.keys.as_deref())?;
    let is_open = wanted.iter().any(|(_, definition)| definition.aggregate == Aggregate::DaysSinceLast);
    // A day's margin on both sides: the days are those of a time zone.
    let midnight = |on: NaiveDate| on.and_time(NaiveTime::MIN).and_utc();
    let from = (!is_open).then(|| midnight(window_start(as_of, window_days + 1)));
    let until = midnight(as_of.checked_add_days(Days::new(2)).unwrap_or(NaiveDate::MAX));
    let events = match of {
        Some(of) if !wanted.is_empty() => {
            metrics::events(&mut conn, cx.organization_id(), of, from, until, None).await?
        }
        _ => vec![],
    };
    let zone = cx.who.tenant.zone;
    let value = |(key, definition): &(String, Definition)| {
        let facts: Vec<Fact> = events.iter().filter_map(|event| fact(definition, event, zone)).collect();
        let Measured { value, events, ignored } = measure(definition.aggregate, &facts, as_of, Some(window_days));
        MetricValue { key: key.clone(), value, events, ignored }
    };
    let data = wanted.iter().map(value).collect();
    Ok(Answer::ok(&Metrics { as_of, window_days, data })?.content_tag())
}

/// The metrics asked for, in the order asked; all by key where none is named.
fn choose(all: Vec<(String, Definition)>, keys: Option<&str>) -> Result<Vec<(String, Definition)>, ApiError> {
    let Some(keys) = keys else { return Ok(all) };
    let find = |key: &str| {
        let found = all.iter().find(|(own, _)| own == key).cloned();
        found.ok_or_else(|| ApiError::parameter("keys", "unknown_metric", format!("there is no metric '{key}'")))
    };
    keys.split(',').map(|key| find(key.trim())).collect()
}
