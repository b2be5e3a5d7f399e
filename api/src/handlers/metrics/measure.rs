//! Values of metrics for a customer or a person on a date.

use std::sync::Arc;

use actix_web::get;
use actix_web::web::Path;
use chrono::{Datelike, NaiveDate, NaiveTime};
use milepost_domain::people::PersonContent;
use milepost_domain::usage::metric::{Aggregate, Definition, Measured, window_start};
use milepost_domain::values::dates::{days_between, plus_days};
use milepost_domain::values::text::Key;
use serde::{Deserialize, Serialize};
use strum::Display;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::health::{customer_by_ref, meant_by_ref};
use crate::moment::AsOf;
use crate::store::measured_events::Span;
use crate::store::{Conn, customers, metrics, people, reference_periods, usage_events, usage_rewrites};
use crate::usage::digest::{Digest, Wanted};
use crate::usage::memory::Question;

/// Metrics and window to compute.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricOptions {
    /// Window: the days that count. Defaults to `days`.
    #[param(inline)]
    window: Option<Window>,
    /// Length of the window in days, with the window `days` only. Defaults to 30.
    #[param(minimum = 1, maximum = 3660)]
    window_days: Option<i64>,
    /// Keys of metrics, separated by commas. Defaults to all metrics.
    #[param(min_length = 1, max_length = 10_000)]
    keys: Option<String>,
}

/// Window of days that ends with `as_of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = MetricWindow)]
pub enum Window {
    /// Fixed number of days.
    #[default]
    Days,
    /// Calendar month to date.
    Month,
    /// All days since the start of the first plan. Without a plan, since the start of the customer relationship;
    /// without that, since the time of creation.
    SinceStart,
    /// All days up to `as_of`.
    All,
}

/// Values of metrics on a date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"as_of": "2026-05-04", "window": "days", "from": "2026-04-05", "window_days": 30, "data": [{"key": "commits", "value": 42.0, "events": 42, "ignored": 0}]}))]
pub struct Metrics {
    /// Last day of the window.
    as_of: NaiveDate,
    /// Window: the days that count.
    window: Window,
    /// First day of the window; null if the window is `all`.
    from: Option<NaiveDate>,
    /// Length of the window in days; null if the window is `all`.
    #[schema(minimum = 1)]
    window_days: Option<i64>,
    /// Values, ordered by key, or in the order of the keys in the request.
    #[schema(max_items = 500)]
    data: Vec<MetricValue>,
}

/// Value of a metric.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "commits", "value": 42.0, "events": 42, "ignored": 0}))]
pub struct MetricValue {
    /// Key of the metric.
    #[schema(value_type = Key)]
    key: String,
    /// Value; null if there is none, such as the mean of no events.
    value: Option<f64>,
    /// Number of events that the value includes.
    #[schema(maximum = 1_000_000_000)]
    events: usize,
    /// Number of events that were left out because their property is missing or not a number.
    #[schema(maximum = 1_000_000_000)]
    ignored: usize,
}

/// Default length of the window, in days.
const USUAL_DAYS: i64 = 30;

/// Get a customer's metrics
///
/// Computes the metrics from the customer's usage events in the window that ends with `as_of`, including that day. Days
/// are those of the organization's time zone. Late events count as soon as they are recorded.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(AsOf, MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/customers/{id}/metrics")]
pub async fn read_customer_metrics(
    cx: Context,
    id: Path<Uuid>,
    as_of: AsOf,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let whose = Whose::customer(&cx, *id).await?;
    take(&cx, &whose, as_of, &options.0).await
}

/// Get a customer's metrics by external reference
///
/// Returns the same as `/v1/customers/{id}/metrics` for the customer with this external reference.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(AsOf, MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/customers/by-ref/{external_ref}/metrics")]
pub async fn read_customer_metrics_by_ref(
    cx: Context,
    external_ref: Path<String>,
    as_of: AsOf,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let found = customer_by_ref(&mut cx.read().await?, cx.organization_id(), &external_ref).await?;
    let whose = Whose::customer(&cx, found.id).await?;
    take(&cx, &whose, as_of, &options.0).await
}

/// Get a person's metrics
///
/// Computes the metrics from the person's usage events in the window that ends with `as_of`, including that day. Days
/// are those of the organization's time zone. Late events count as soon as they are recorded.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(AsOf, MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/people/{id}/metrics")]
pub async fn read_person_metrics(
    cx: Context,
    id: Path<Uuid>,
    as_of: AsOf,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let whose = Whose::person(&cx, *id).await?;
    take(&cx, &whose, as_of, &options.0).await
}

/// Get a person's metrics by external reference
///
/// Returns the same as `/v1/people/{id}/metrics` for the person with this external reference.
#[utoipa::path(tag = "metrics", security(("bearer" = ["health:read"])), params(AsOf, MetricOptions),
    responses((status = 200, description = "The metrics.", body = Metrics)))]
#[get("/v1/people/by-ref/{external_ref}/metrics")]
pub async fn read_person_metrics_by_ref(
    cx: Context,
    external_ref: Path<String>,
    as_of: AsOf,
    options: Query<MetricOptions>,
) -> Result<Answer, ApiError> {
    let found = meant_by_ref::<PersonContent>(&mut cx.read().await?, cx.organization_id(), &external_ref).await?;
    let whose = Whose::person(&cx, found.id).await?;
    take(&cx, &whose, as_of, &options.0).await
}

/// The customer or person whose metrics are computed. Without an external reference there are no events, because
/// events name their subjects by it.
#[derive(Debug)]
pub struct Whose {
    spans: Vec<Span>,
    /// The start of the first plan, or of the customer relationship, or the date of creation.
    start_on: NaiveDate,
}

impl Whose {
    /// Loads a customer.
    pub async fn customer(cx: &Context, id: Uuid) -> Result<Self, ApiError> {
        let found = customers::find(&mut cx.read().await?, cx.organization_id(), id).await?;
        let found = found.ok_or_else(ApiError::not_found)?;
        let plans = cx.plans().await?;
        let own = plans.by_name.iter().filter(|view| view.row.customer_id == Some(id));
        let first_on = own.map(|view| view.facts.start_on).min().or(found.since_on);
        let start_on = first_on.unwrap_or_else(|| cx.date_of(found.stamp.created_at));
        Ok(Self { spans: spans(cx, id).await?, start_on })
    }

    /// Loads a person.
    pub async fn person(cx: &Context, id: Uuid) -> Result<Self, ApiError> {
        let found = people::find(&mut cx.read().await?, cx.organization_id(), id).await?;
        let found = found.ok_or_else(ApiError::not_found)?;
        let plans = cx.plans().await?;
        let own = plans.by_name.iter().filter(|view| view.row.person_id == Some(id));
        let first_on = own.map(|view| view.facts.start_on).min();
        let start_on = first_on.unwrap_or_else(|| cx.date_of(found.stamp.created_at));
        Ok(Self { spans: spans(cx, id).await?, start_on })
    }

    /// Sums up the events from a day on by some metrics; all events if `first_on` is `None`. The connection must be a snapshot.
    pub async fn digest(
        &self,
        cx: &Context,
        conn: &mut Conn,
        first_on: Option<NaiveDate>,
        wanted: &[Wanted],
    ) -> Result<Arc<Digest>, ApiError> {
        let organization_id = cx.organization_id();
        let references: Vec<&str> = self.spans.iter().map(|span| span.reference.as_str()).collect();
        let rewritten = usage_rewrites::of_subjects(conn, organization_id, &references).await?;
        let question = Question {
            organization_id,
            reading: &cx.reading(),
            // One day of margin, because days depend on the time zone.
            from: first_on.map(|on| plus_days(on, -1).and_time(NaiveTime::MIN).and_utc()),
            wanted,
            head: usage_events::last_number(conn, organization_id).await?,
            rewritten: &rewritten,
            recent: None,
        };
        Ok(cx.app.usage.digest(conn, &self.spans, &question).await?)
    }
}

/// The references that a customer or a person has had, with their periods.
async fn spans(cx: &Context, id: Uuid) -> Result<Vec<Span>, ApiError> {
    let references = reference_periods::of_holder(&mut cx.read().await?, cx.organization_id(), id).await?;
    Ok(references.iter().map(Span::from).collect())
}

async fn take(cx: &Context, whose: &Whose, AsOf(as_of): AsOf, options: &MetricOptions) -> Result<Answer, ApiError> {
    let window = options.window.unwrap_or_default();
    if options.window_days.is_some() && window != Window::Days {
        return Err(ApiError::parameter("window_days", "unused", "must be left out unless window is days"));
    }
    let from = match window {
        Window::Days => Some(window_start(as_of, options.window_days.unwrap_or(USUAL_DAYS))),
        Window::Month => as_of.with_day(1),
        Window::SinceStart => Some(whose.start_on.min(as_of)),
        Window::All => None,
    };
    let window_days = from.map(|from| days_between(from, as_of) + 1);
    let mut conn = cx.survey().await?;
    let wanted = choose(definitions(cx, &mut conn).await?, options.keys.as_deref())?;
    let is_open = wanted.iter().any(|(_, definition)| definition.aggregate == Aggregate::DaysSinceLast);
    let metrics: Vec<Wanted> = wanted.iter().map(|(_, definition)| Wanted::by_type(definition.clone())).collect();
    let digest = whose.digest(cx, &mut conn, from.filter(|_| !is_open), &metrics).await?;
    let value = |((key, _), metric): (&(String, Definition), &Wanted)| {
        let tallies = digest.tallies(metric).ok_or_else(|| ApiError::internal("a metric has no tallies"))?;
        let Measured { value, events, ignored } = tallies.measure(as_of, window_days);
        Ok(MetricValue { key: key.clone(), value, events, ignored })
    };
    let data = wanted.iter().zip(&metrics).map(value).collect::<Result<_, ApiError>>()?;
    Ok(Answer::ok(&Metrics { as_of, window, from, window_days, data })?.content_tag())
}

/// The definitions of all metrics, ordered by key.
pub async fn definitions(cx: &Context, conn: &mut Conn) -> Result<Vec<(String, Definition)>, ApiError> {
    let all = metrics::all(conn, cx.organization_id()).await?;
    Ok(all.iter().map(|metric| (metric.key.to_string(), metric.definition())).collect())
}

/// The requested metrics in the order of the request, or all metrics by key if none is named.
fn choose(all: Vec<(String, Definition)>, keys: Option<&str>) -> Result<Vec<(String, Definition)>, ApiError> {
    let Some(keys) = keys else { return Ok(all) };
    let find = |key: &str| {
        let found = all.iter().find(|(own, _)| own == key).cloned();
        found.ok_or_else(|| ApiError::parameter("keys", "unknown_metric", format!("there is no metric '{key}'")))
    };
    keys.split(',').map(|key| find(key.trim())).collect()
}
