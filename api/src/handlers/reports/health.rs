//! Health report of all active customers: bands, movers, and a list page.

pub mod sort;

use actix_web::{HttpRequest, get};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::risk::Level;
use milepost_domain::values::text::{ExternalRef, Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use self::sort::{HealthSort, delta};
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::{file, harmless, line, number};
use crate::customer_health::on_day::health_as_of;
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::moment::AsOf;
use crate::owner::OwnerParameters;
use crate::paging::Paging;
use crate::store::health_scores::{Filter, ListedScore};

/// Filters of the health report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HealthReportFilters {
    /// Filter by band.
    #[param(inline)]
    band: Option<Band>,
    /// Filter by segment (exact match).
    #[param(inline)]
    segment: Option<Label>,
    /// Filter by risk level.
    #[param(inline)]
    risk_level: Option<Level>,
    /// Whether to report the customers that have been lost, in place of those that have not. Defaults to `false`.
    lost: Option<bool>,
    /// Sort order. Defaults to `name`.
    #[param(inline)]
    sort: Option<HealthSort>,
}

/// Health report of all active customers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "computed_at": "2026-05-04T12:00:00Z", "computed_through": 5451, "customers": 1, "mean_score": 62.0,
    "bands": [{"band": "at_risk", "customers": 1, "annual_revenue_minor": 2_400_000}],
    "risks": [{"risk_level": "medium", "customers": 1, "annual_revenue_minor": 2_400_000}], "risen": [], "fallen": [], "data": [],
    "next_cursor": null, "has_more": false
}))]
pub struct HealthReport {
    /// Date that the report refers to.
    as_of: NaiveDate,
    /// Time at which the figures were last computed.
    computed_at: DateTime<Utc>,
    /// Number of the last usage event that the figures include.
    #[schema(minimum = 0)]
    computed_through: i64,
    /// Number of customers that match the filters.
    #[schema(maximum = 10_000_000)]
    customers: usize,
    /// Mean health score of the matching customers that have one; null if none has.
    mean_score: Option<f64>,
    /// Number of customers by band.
    #[schema(max_items = 4)]
    bands: Vec<BandCount>,
    /// Number of customers by risk level, with the revenue at risk.
    #[schema(max_items = 4)]
    risks: Vec<RiskCount>,
    /// Customers whose health score has risen most in 30 days, at most 10.
    #[schema(max_items = 10)]
    risen: Vec<HealthRow>,
    /// Customers whose health score has fallen most in 30 days, at most 10.
    #[schema(max_items = 10)]
    fallen: Vec<HealthRow>,
    /// Items of the page: matching customers, in the requested order.
    #[schema(max_items = 200)]
    data: Vec<HealthRow>,
    /// Cursor of the next page, to be sent as `cursor`; null on the last page.
    #[schema(max_length = 2000, required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Number of customers in a band.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"band": "at_risk", "customers": 1, "annual_revenue_minor": 2_400_000}))]
pub struct BandCount {
    /// Band.
    band: Band,
    /// Number of customers.
    #[schema(maximum = 10_000_000)]
    customers: usize,
    /// Combined annual revenue of these customers in the smallest unit of the currency.
    #[schema(minimum = 0)]
    annual_revenue_minor: i64,
}

/// Number of customers at a risk level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"risk_level": "high", "customers": 2, "annual_revenue_minor": 3_600_000}))]
pub struct RiskCount {
    /// Risk level.
    risk_level: Level,
    /// Number of customers.
    #[schema(maximum = 10_000_000)]
    customers: usize,
    /// Combined annual revenue of these customers in the smallest unit of the currency.
    #[schema(minimum = 0)]
    annual_revenue_minor: i64,
}

/// Health of one customer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind", "segment": "Enterprise",
    "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana",
    "annual_revenue_minor": 2_400_000, "score": 62.0, "band": "at_risk", "coverage": 1.0, "score_before": 70.0, "band_before": "healthy",
    "delta": -8.0,
    "points_per_week": -1.9, "lowest_factor": "engagement", "overridden": false, "risk_level": "medium",
    "risk_points": 30.0, "risk_probability": null, "risk_evidence": "a milestone is 14 days overdue",
    "renews_on": "2026-11-03", "model_key": "activity", "model_number": 1
}))]
pub struct HealthRow {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    #[schema(value_type = Option<ExternalRef>)]
    customer_ref: Option<String>,
    /// Name of the customer.
    #[schema(value_type = Name)]
    name: String,
    /// Segment, such as a size or an industry.
    #[schema(value_type = Option<Label>)]
    segment: Option<String>,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    owner_name: Option<String>,
    /// Annual revenue in the smallest unit of the currency.
    #[schema(minimum = 0)]
    annual_revenue_minor: Option<i64>,
    /// Health score: the override if there is one, otherwise the computed score; null if unknown.
    score: Option<f64>,
    /// Band of the health score.
    band: Band,
    /// Coverage: the share of the factors' weight that has an input.
    coverage: f64,
    /// Health score 30 days earlier.
    score_before: Option<f64>,
    /// Band 30 days earlier.
    band_before: Band,
    /// Change of the health score in these 30 days; null if either score is unknown.
    delta: Option<f64>,
    /// Slope of the computed score over these 30 days, in points per week (Theil–Sen estimator).
    points_per_week: Option<f64>,
    /// Key of the factor with the lowest sub-score.
    #[schema(value_type = Option<Key>)]
    lowest_factor: Option<String>,
    /// Whether an override sets the health score.
    overridden: bool,
    /// Level of the risk that the customer is lost.
    risk_level: Level,
    /// Sum of the points of the risk factors, from 0 to 100.
    risk_points: f64,
    /// Probability of a loss according to the active risk model; null without one.
    #[schema(minimum = 0, maximum = 1)]
    risk_probability: Option<f64>,
    /// Finding in words for the risk factor with the most points; null if none has any.
    #[schema(max_length = 1000)]
    risk_evidence: Option<String>,
    /// Date on which the contract is to be renewed; null if unknown.
    renews_on: Option<NaiveDate>,
    /// Key of the health model.
    #[schema(value_type = Key)]
    model_key: String,
    /// Number of the health model's version; null for the built-in model.
    #[schema(minimum = 1)]
    model_number: Option<i64>,
}

impl From<&ListedScore> for HealthRow {
    fn from(listed: &ListedScore) -> Self {
        let found = &listed.score;
        Self {
            customer_id: listed.id,
            customer_ref: listed.external_ref.clone(),
            name: listed.name.clone(),
            segment: listed.segment.clone(),
            owner_id: listed.owner.id,
            owner_ref: listed.owner.external_ref.clone(),
            owner_name: listed.owner.name.clone(),
            annual_revenue_minor: listed.annual_revenue_minor,
            score: found.score,
            band: found.band.0,
            coverage: found.coverage,
            score_before: found.score_before,
            band_before: found.band_before.0,
            delta: delta(found),
            points_per_week: found.trend_per_week,
            lowest_factor: found.lowest_factor.clone(),
            overridden: found.is_overridden,
            risk_level: found.risk_level.0,
            risk_points: found.risk_points,
            risk_probability: found.risk_probability,
            risk_evidence: found.risk_evidence.clone(),
            renews_on: listed.renews_on,
            model_key: found.model_key.clone(),
            model_number: found.model_number,
        }
    }
}

/// Maximum number of customers listed as risen, and as fallen.
const MOVERS: usize = 10;

/// Get the health report of all customers
///
/// Reports the health scores, bands and risks of all active customers, today's after recomputing whatever has changed. With
/// `as_of`, they are those of that day, in the segments, with the owners, the revenues and the models of that day; customers that
/// were not there yet, or had been archived by then, are left out. So are customers that had been lost, unless `lost` asks for
/// them. JSON responses are paged; CSV responses contain all matching customers.
#[utoipa::path(tag = "reports", security(("bearer" = ["health:read"])), params(Paging, AsOf, HealthReportFilters, OwnerParameters),
    responses(
    (status = 200, description = "The health report.", content((HealthReport = "application/json"), (String = "text/csv")))
))]
#[get("/v1/reports/health")]
pub async fn read_health_report(
    request: HttpRequest,
    cx: Context,
    paging: Paging,
    AsOf(as_of): AsOf,
    filters: Query<HealthReportFilters>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let HealthReportFilters { band, segment, risk_level, lost, sort } = filters.0;
    let (segment, owner) = (segment.map(String::from), owners.0.filter(&cx).await?);
    let filter = Filter { band, segment, owner, risk_level, is_lost: lost.unwrap_or_default() };
    let (marks, mut all) = health_as_of(&cx, as_of, &filter).await?;
    let sort = sort.unwrap_or_default();
    all.sort_by_cached_key(|one| sort.position(one));
    let rows: Vec<HealthRow> = all.iter().map(HealthRow::from).collect();
    let matched = Matched::of(&request)?;
    if negotiate(&request, &matched.operation.produces) == Some("text/csv") {
        return Ok(file(&format!("health-{}", marks.as_of), csv(&rows)?));
    }
    let (page, next_cursor) = paging.page_of(all, |one| sort.position(one))?;
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
        risks: risk_counts(&rows.iter().map(|row| (row.risk_level, row.annual_revenue_minor)).collect::<Vec<_>>()),
        risen: movers(&rows, |delta| delta),
        fallen: movers(&rows, |delta| -delta),
        data: page.iter().map(HealthRow::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    };
    Ok(Answer::ok(&report)?.content_tag().next_link(link))
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

/// Counts customers by their risk levels, with their revenue.
pub fn risk_counts(customers: &[(Level, Option<i64>)]) -> Vec<RiskCount> {
    let all = [Level::Critical, Level::High, Level::Medium, Level::Low];
    let count = |risk_level| {
        let own = customers.iter().filter(|(level, _)| *level == risk_level);
        let revenue = own.clone().filter_map(|(_, revenue)| *revenue);
        RiskCount { risk_level, customers: own.count(), annual_revenue_minor: revenue.fold(0, i64::saturating_add) }
    };
    all.into_iter().map(count).collect()
}

/// Returns the customers that moved furthest in one direction.
fn movers(rows: &[HealthRow], way: fn(f64) -> f64) -> Vec<HealthRow> {
    let moved = |row: &HealthRow| row.delta.map_or(0.0, way);
    let mut own: Vec<&HealthRow> = rows.iter().filter(|row| moved(row) > 0.0).collect();
    own.sort_by(|a, b| moved(b).total_cmp(&moved(a)));
    own.into_iter().take(MOVERS).cloned().collect()
}

fn csv(rows: &[HealthRow]) -> Result<Vec<u8>, ApiError> {
    let mut body = line([
        "customer_id",
        "customer_ref",
        "name",
        "segment",
        "owner_name",
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
        "risk_level",
        "risk_points",
        "risk_probability",
        "risk_evidence",
        "renews_on",
        "model_key",
        "model_number",
    ])?;
    let text = |value: &Option<String>| harmless(value.as_deref().unwrap_or_default());
    let whole = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    for row in rows {
        body.extend(line([
            row.customer_id.to_string(),
            text(&row.customer_ref),
            harmless(&row.name),
            text(&row.segment),
            text(&row.owner_name),
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
            row.risk_level.to_string(),
            row.risk_points.to_string(),
            number(row.risk_probability),
            text(&row.risk_evidence),
            row.renews_on.map(|on| on.to_string()).unwrap_or_default(),
            harmless(&row.model_key),
            whole(row.model_number),
        ])?);
    }
    Ok(body)
}
