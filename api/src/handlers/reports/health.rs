//! How all customers are: bands, movers, and every one of them.

use actix_web::{HttpRequest, HttpResponse, Responder, get};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::band::Band;
use milepost_domain::values::text::{ExternalRef, Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::{file, harmless, line, number};
use crate::customer_health::keep;
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::paging::{NameSort, Paging, PagingParams};
use crate::store::health_scores::{self, Filter, ListedScore};
use crate::store::keyset::Position;

/// Which customers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HealthReportFilters {
    /// Only in this band.
    #[param(inline)]
    band: Option<Band>,
    /// Exactly this segment.
    #[param(inline)]
    segment: Option<Label>,
    /// Exactly this owner.
    #[param(inline)]
    owner: Option<Label>,
}

/// How all customers are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "computed_at": "2026-05-04T12:00:00Z", "computed_through": 5451, "customers": 1, "mean_score": 62.0,
    "bands": [{"band": "at_risk", "customers": 1, "annual_revenue_minor": 2_400_000}], "risen": [], "fallen": [], "data": [],
    "next_cursor": null, "has_more": false
}))]
pub struct HealthReport {
    /// The day.
    as_of: NaiveDate,
    /// When the figures were last brought up to date.
    computed_at: DateTime<Utc>,
    /// The number of the last event that they take in.
    #[schema(minimum = 0)]
    computed_through: i64,
    /// How many customers the filters admit.
    #[schema(maximum = 10_000_000)]
    customers: usize,
    /// The mean of their scores, of those that have one.
    mean_score: Option<f64>,
    /// How many are in each band.
    #[schema(max_items = 4)]
    bands: Vec<BandCount>,
    /// Those whose score has risen most in 30 days, at most 10.
    #[schema(max_items = 10)]
    risen: Vec<HealthRow>,
    /// Those whose score has fallen most in 30 days, at most 10.
    #[schema(max_items = 10)]
    fallen: Vec<HealthRow>,
    /// A page of them by name.
    #[schema(max_items = 200)]
    data: Vec<HealthRow>,
    /// Pass it as `cursor` for the next page; null on the last.
    #[schema(max_length = 2000, required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// How many customers are in a band.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"band": "at_risk", "customers": 1, "annual_revenue_minor": 2_400_000}))]
pub struct BandCount {
    /// The band.
    band: Band,
    /// How many.
    #[schema(maximum = 10_000_000)]
    customers: usize,
    /// What they pay in a year together.
    #[schema(minimum = 0)]
    annual_revenue_minor: i64,
}

/// How one customer is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind", "external_ref": "crm-4711", "segment": "Enterprise", "owner": "Ana",
    "annual_revenue_minor": 2_400_000, "score": 62.0, "band": "at_risk", "coverage": 1.0, "score_before": 70.0, "band_before": "healthy", "delta": -8.0,
    "points_per_week": -1.9, "lowest_factor": "engagement", "overridden": false, "model_key": "activity", "model_number": 1
}))]
pub struct HealthRow {
    /// The customer.
    customer_id: Uuid,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
    /// What the CRM calls it.
    #[schema(value_type = Option<ExternalRef>)]
    external_ref: Option<String>,
    /// Its segment.
    #[schema(value_type = Option<Label>)]
    segment: Option<String>,
    /// Who looks after it.
    #[schema(value_type = Option<Label>)]
    owner: Option<String>,
    /// What it pays in a year.
    #[schema(minimum = 0)]
    annual_revenue_minor: Option<i64>,
    /// Its score: the one that was set, or the computed one.
    score: Option<f64>,
    /// Where that lies.
    band: Band,
    /// The share of the factors' weight that has an input.
    coverage: f64,
    /// Its score 30 days before.
    score_before: Option<f64>,
    /// Its band 30 days before.
    band_before: Band,
    /// What has changed since; null if it had or has none.
    delta: Option<f64>,
    /// The slope of its score over these days, by Theil and Sen.
    points_per_week: Option<f64>,
    /// The key of the factor that is worth least.
    #[schema(value_type = Option<Key>)]
    lowest_factor: Option<String>,
    /// Whether someone has set the score.
    overridden: bool,
    /// The model that it is by.
    #[schema(value_type = Key)]
    model_key: String,
    /// Its version; null for the shipped one.
    #[schema(minimum = 1)]
    model_number: Option<i64>,
}

impl From<&ListedScore> for HealthRow {
    fn from(listed: &ListedScore) -> Self {
        let found = &listed.score;
        Self {
            customer_id: listed.id,
            name: listed.name.clone(),
            external_ref: listed.external_ref.clone(),
            segment: listed.segment.clone(),
            owner: listed.owner.clone(),
            annual_revenue_minor: listed.annual_revenue_minor,
            score: found.score,
            band: found.band.0,
            coverage: found.coverage,
            score_before: found.score_before,
            band_before: found.band_before.0,
            delta: found.score.zip(found.score_before).map(|(now, before)| now - before),
            points_per_week: found.trend_per_week,
            lowest_factor: found.lowest_factor.clone(),
            overridden: found.is_overridden,
            model_key: found.model_key.clone(),
            model_number: found.model_number,
        }
    }
}

/// How many customers are listed as those that have moved most.
const MOVERS: usize = 10;

/// Reports how all customers are
///
/// As of today; what has changed since the last time is computed first. As JSON in pages, or whole as CSV.
#[utoipa::path(tag = "reports", security(("bearer" = ["health:read"])), params(PagingParams, HealthReportFilters), responses(
    (status = 200, description = "The report.", content((HealthReport = "application/json"), (String = "text/csv")))
))]
#[get("/v1/reports/health")]
pub async fn read_health_report(
    request: HttpRequest,
    cx: Context,
    paging: Paging,
    filters: Query<HealthReportFilters>,
) -> Result<HttpResponse, ApiError> {
    keep::keep_health(&cx).await?;
    let HealthReportFilters { band, segment, owner } = filters.0;
    let filter = Filter { band, segment: segment.map(String::from), owner: owner.map(String::from) };
    let mut conn = cx.snapshot().await?;
    let marks = health_scores::marks(&mut conn, cx.organization_id()).await?;
    let marks = marks.ok_or_else(|| ApiError::internal("nothing is kept after it was brought up to date"))?;
    let all = health_scores::list(&mut conn, cx.organization_id(), &filter, None).await?;
    let rows: Vec<HealthRow> = all.iter().map(HealthRow::from).collect();
    let matched = Matched::of(&request)?;
    if negotiate(&request, &matched.operation.produces) == Some("text/csv") {
        return Ok(file(&format!("health-{}", marks.as_of), csv(&rows)?));
    }
    let sort = NameSort::Name;
    let slice = paging.slice(sort.order(), sort.direction())?;
    let mut page = health_scores::list(&mut conn, cx.organization_id(), &filter, Some(&slice)).await?;
    let has_more = page.len() > paging.limit;
    page.truncate(paging.limit);
    let position = |row: &ListedScore| -> Position { sort.position(&row.name, row.id) };
    let next_cursor = page.last().filter(|_| has_more).map(|row| paging.cursor(position(row))).transpose()?;
    let link = next_cursor.as_deref().map(|cursor| paging.link(cursor));
    let scores: Vec<f64> = rows.iter().filter_map(|row| row.score).collect();
    let count: f64 = scores.iter().map(|_| 1.0).sum();
    let report = HealthReport {
        as_of: marks.as_of,
        computed_at: marks.computed_at,
        computed_through: marks.event_sequence,
        customers: rows.len(),
        mean_score: (count > 0.0).then(|| scores.iter().sum::<f64>() / count),
        bands: bands(&rows),
        risen: movers(&rows, |delta| delta),
        fallen: movers(&rows, |delta| -delta),
        data: page.iter().map(HealthRow::from).collect(),
        next_cursor,
        has_more,
    };
    Ok(Answer::ok(&report)?.content_tag().next_link(link).respond_to(&request))
}

fn bands(rows: &[HealthRow]) -> Vec<BandCount> {
    let all = [Band::Healthy, Band::AtRisk, Band::Critical, Band::Unknown];
    let count = |band| {
        let own = rows.iter().filter(|row| row.band == band);
        let annual_revenue_minor = own.clone().filter_map(|row| row.annual_revenue_minor).fold(0, i64::saturating_add);
        BandCount { band, customers: own.count(), annual_revenue_minor }
    };
    all.into_iter().map(count).collect()
}

/// Those that have moved furthest one way.
fn movers(rows: &[HealthRow], way: fn(f64) -> f64) -> Vec<HealthRow> {
    let moved = |row: &HealthRow| row.delta.map_or(0.0, way);
    let mut own: Vec<&HealthRow> = rows.iter().filter(|row| moved(row) > 0.0).collect();
    own.sort_by(|a, b| moved(b).total_cmp(&moved(a)));
    own.into_iter().take(MOVERS).cloned().collect()
}

fn csv(rows: &[HealthRow]) -> Result<Vec<u8>, ApiError> {
    let mut body = line([
        "customer_id",
        "name",
        "external_ref",
        "segment",
        "owner",
        "annual_revenue_minor",
        "score",
        "band",
        "coverage",
        "score_before",
        "band_before",
        "delta",
        "points_per_week",
        "lowest_factor",
        "overridden",
        "model_key",
        "model_number",
    ])?;
    let text = |value: &Option<String>| harmless(value.as_deref().unwrap_or_default());
    let whole = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    for row in rows {
        body.extend(line([
            row.customer_id.to_string(),
            harmless(&row.name),
            text(&row.external_ref),
            text(&row.segment),
            text(&row.owner),
            whole(row.annual_revenue_minor),
            number(row.score),
            row.band.to_string(),
            row.coverage.to_string(),
            number(row.score_before),
            row.band_before.to_string(),
            number(row.delta),
            number(row.points_per_week),
            text(&row.lowest_factor),
            row.overridden.to_string(),
            harmless(&row.model_key),
            whole(row.model_number),
        ])?);
    }
    Ok(body)
}
