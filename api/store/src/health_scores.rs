//! Storage of customers' latest health scores.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::risk::Level;
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::owner::{Owner, OwnerFilter, owner_columns};
use crate::row::push_conditions;
use crate::{Conn, on};

/// Row of a customer's latest health score.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the report's row")]
pub struct ScoreRow {
    pub customer_id: Uuid,
    pub as_of: NaiveDate,
    pub score: Option<f64>,
    pub band: Text<Band>,
    pub coverage: f64,
    pub model_key: String,
    pub model_number: Option<i64>,
    pub score_before: Option<f64>,
    pub band_before: Text<Band>,
    pub trend_per_week: Option<f64>,
    pub lowest_factor: Option<String>,
    pub is_overridden: bool,
    pub is_lost: bool,
    pub risk_level: Text<Level>,
    pub risk_points: f64,
    pub risk_probability: Option<f64>,
    pub risk_evidence: Option<String>,
    pub computed_at: DateTime<Utc>,
}

from_row!(ScoreRow {
    customer_id,
    as_of,
    score,
    band,
    coverage,
    model_key,
    model_number,
    score_before,
    band_before,
    trend_per_week,
    lowest_factor,
    is_overridden,
    is_lost,
    risk_level,
    risk_points,
    risk_probability,
    risk_evidence,
    computed_at
});

/// A latest health score with its customer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the report's row")]
pub struct ListedScore {
    pub id: Uuid,
    pub name: String,
    pub external_ref: Option<String>,
    pub segment: Option<String>,
    pub owner: Owner,
    pub annual_revenue_minor: Option<i64>,
    pub renews_on: Option<NaiveDate>,
    pub score: ScoreRow,
}

from_row!(ListedScore { id, name, external_ref, segment, owner; flatten, annual_revenue_minor, renews_on, score; flatten });

/// Filter of the customers in a report.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Filter by band.
    pub band: Option<Band>,
    /// Filter by segment (exact match).
    pub segment: Option<String>,
    /// Filter by owner.
    pub owner: OwnerFilter,
    /// Filter by risk level.
    pub risk_level: Option<Level>,
    /// Whether customers that have been lost are meant, in place of those that have not.
    pub is_lost: bool,
}

impl Filter {
    /// Whether a customer with its health is meant.
    pub fn admits(&self, one: &ListedScore) -> bool {
        let is = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
        one.score.is_lost == self.is_lost
            && self.risk_level.is_none_or(|level| one.score.risk_level.0 == level)
            && self.band.is_none_or(|band| one.score.band.0 == band)
            && is(&self.segment, &one.segment)
            && self.owner.admits(&one.owner)
    }
}

macro_rules! columns {
    () => {
        "customer_id, as_of, score, band, coverage, model_key, model_number, score_before, band_before, trend_per_week, lowest_factor, \
         is_overridden, is_lost, risk_level, risk_points, risk_probability, risk_evidence, computed_at"
    };
}

/// Returns customers with their latest health scores, by name.
pub async fn list(conn: &mut Conn, organization_id: Uuid, filter: &Filter) -> sqlx::Result<Vec<ListedScore>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!(
            "SELECT own.id, own.name, own.external_ref, own.segment, own.annual_revenue_minor, own.renews_on, ", owner_columns!(), ", ", columns!(),
            " FROM customers own JOIN customer_health h ON h.organization_id = own.organization_id AND h.customer_id = own.id \
             WHERE own.archived_at IS NULL AND own.organization_id = "));
        query.push_bind(organization_id).push(" AND h.is_lost = ").push_bind(filter.is_lost);
        if let Some(level) = filter.risk_level {
            query.push(" AND h.risk_level = ").push_bind(Text(level));
        }
        if let Some(band) = filter.band {
            query.push(" AND h.band = ").push_bind(Text(band));
        }
        if let Some(segment) = &filter.segment {
            query.push(" AND own.segment = ").push_bind(segment);
        }
        push_conditions(&mut query, &filter.owner.conditions());
        query.push(" ORDER BY name_folded, id");
        query.build_query_as().fetch_all(db).await
    })
}

/// Saves a customer's latest health score, unless a later computation is already saved.
pub async fn save(conn: &mut Conn, organization_id: Uuid, row: &ScoreRow) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO customer_health (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
         ON CONFLICT (organization_id, customer_id) DO UPDATE SET as_of = excluded.as_of, score = excluded.score, band = excluded.band, \
         coverage = excluded.coverage, model_key = excluded.model_key, model_number = excluded.model_number, \
         score_before = excluded.score_before, band_before = excluded.band_before, trend_per_week = excluded.trend_per_week, \
         lowest_factor = excluded.lowest_factor, is_overridden = excluded.is_overridden, \
         is_lost = excluded.is_lost, risk_level = excluded.risk_level, risk_points = excluded.risk_points, \
         risk_probability = excluded.risk_probability, risk_evidence = excluded.risk_evidence, computed_at = excluded.computed_at \
         WHERE customer_health.computed_at <= excluded.computed_at"
    );
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.customer_id).bind(r.as_of).bind(r.score).bind(r.band).bind(r.coverage).bind(&r.model_key)
        .bind(r.model_number).bind(r.score_before).bind(r.band_before).bind(r.trend_per_week).bind(&r.lowest_factor)
        .bind(r.is_overridden).bind(r.is_lost).bind(r.risk_level).bind(r.risk_points).bind(r.risk_probability).bind(&r.risk_evidence)
        .bind(r.computed_at).execute(db).await.map(|_| ()))
}

/// Deletes the health scores of archived customers.
pub async fn forget_archived(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM customer_health WHERE organization_id = $1 AND customer_id IN \
                       (SELECT id FROM customers WHERE organization_id = $1 AND archived_at IS NOT NULL)";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).execute(db).await.map(|_| ()))
}
