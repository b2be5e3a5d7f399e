//! Risk report of all active customers: the revenue at risk, and who is at risk of being lost, the worst first.

use actix_web::get;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::risk::Level;
use milepost_domain::values::text::Label;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::health::{HealthRow, RiskCount, risk_counts};
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::on_day::health_as_of;
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::AsOf;
use crate::owner::OwnerParameters;
use crate::paging::Paging;
use crate::store::health_scores::{Filter, ListedScore};
use crate::store::keyset::{Key, Position};

/// Filters of the risk report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RiskReportFilters {
    /// Filter by risk level.
    #[param(inline)]
    risk_level: Option<Level>,
    /// Filter by segment (exact match).
    #[param(inline)]
    segment: Option<Label>,
    /// Filter by renewal date: latest renewal date.
    renews_to: Option<NaiveDate>,
}

/// Risk report of all active customers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "computed_at": "2026-05-04T12:00:00Z", "customers": 1, "revenue_minor": 2_400_000,
    "revenue_at_risk_minor": 2_400_000,
    "risks": [{"risk_level": "high", "customers": 1, "annual_revenue_minor": 2_400_000}], "data": [], "next_cursor": null, "has_more": false
}))]
pub struct RiskReport {
    /// Date that the report refers to.
    as_of: NaiveDate,
    /// Time at which the figures were last computed.
    computed_at: DateTime<Utc>,
    /// Number of customers that match the filters.
    #[schema(maximum = 10_000_000)]
    customers: usize,
    /// Combined annual revenue of these customers in the smallest unit of the currency.
    #[schema(minimum = 0)]
    revenue_minor: i64,
    /// Combined annual revenue of those whose risk is high or critical.
    #[schema(minimum = 0)]
    revenue_at_risk_minor: i64,
    /// Number of customers by risk level.
    #[schema(max_items = 4)]
    risks: Vec<RiskCount>,
    /// Items of the page: matching customers, those with the highest risk first.
    #[schema(max_items = 200)]
    data: Vec<HealthRow>,
    /// Cursor of the next page, to be sent as `cursor`; null on the last page.
    #[schema(max_length = 2000, required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Get the risk report of all customers
///
/// Reports who is at risk of being lost, the highest risk first, and the revenue at risk, after recomputing whatever has changed. With
/// `as_of`, they are the risks of that day, by the risk model that was in force, with the segments, owners, revenues and renewal dates
/// of that day. Customers that had been lost are left out.
#[utoipa::path(tag = "reports", security(("bearer" = ["health:read"])), params(Paging, AsOf, RiskReportFilters, OwnerParameters),
    responses((status = 200, description = "The risk report.", body = RiskReport)))]
#[get("/v1/reports/risk")]
pub async fn read_risk_report(
    cx: Context,
    paging: Paging,
    AsOf(as_of): AsOf,
    filters: Query<RiskReportFilters>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let RiskReportFilters { risk_level, segment, renews_to } = filters.0;
    let filter = Filter {
        risk_level,
        segment: segment.map(String::from),
        owner: owners.0.filter(&cx).await?,
        ..Filter::default()
    };
    let (marks, mut all) = health_as_of(&cx, as_of, &filter).await?;
    all.retain(|one| renews_to.is_none_or(|to| one.renews_on.is_some_and(|on| on <= to)));
    let revenue = |is_meant: fn(Level) -> bool| {
        let own = all.iter().filter(|one| is_meant(one.score.risk_level.0)).filter_map(|one| one.annual_revenue_minor);
        own.fold(0, i64::saturating_add)
    };
    let (customers, revenue_minor) = (all.len(), revenue(|_| true));
    let revenue_at_risk_minor = revenue(|level| level >= Level::High);
    let levels: Vec<_> = all.iter().map(|one| (one.score.risk_level.0, one.annual_revenue_minor)).collect();
    let risks = risk_counts(&levels);
    let (page, next_cursor) = paging.page_of(all, position)?;
    let link = next_cursor.as_deref().map(|cursor| paging.link(cursor));
    let report = RiskReport {
        as_of: marks.as_of,
        computed_at: marks.computed_at,
        customers,
        revenue_minor,
        revenue_at_risk_minor,
        risks,
        data: page.iter().map(HealthRow::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    };
    Ok(Answer::ok(&report)?.content_tag().next_link(link))
}

/// The position of a customer in the report: by the risk that decides about its level, the highest first.
fn position(one: &ListedScore) -> Position {
    let risk = one.score.risk_probability.map_or(one.score.risk_points, |probability| 100.0 * probability);
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 100")]
    let millionths = (risk * 1e6).round() as i64;
    Position { key: Some(Key::Number(-millionths)), id: one.id }
}
