//! Storage of organizations, the tenants of the service.

use chrono::{DateTime, Utc};
use milepost_domain::customer::deed::EventMeaning;
use milepost_domain::plan::lint::LintRule;
use milepost_domain::values::text::{Currency, Logo, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::json_text::JsonText;
use crate::{Conn, on};

macro_rules! columns {
    () => {
        "id, display_name, time_zone, lint_rules_off, version, created_at, updated_at, event_retention_days, currency, contact, \
         logo, event_meanings"
    };
}

/// An organization: a tenant whose data is separate from that of all other organizations.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind", "time_zone": "Europe/Berlin", "currency": "EUR",
    "lint_rules_off": [], "event_retention_days": null, "contact": "Ana Novak, ana@example.com", "logo": null,
    "event_meanings": [], "version": 1,
    "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct Organization {
    /// Identifier.
    pub id: Uuid,
    /// Display name. Other organizations may have the same.
    #[schema(value_type = Name)]
    pub name: String,
    /// Time zone (IANA name), which determines the date of "today".
    #[schema(max_length = 64)]
    pub time_zone: String,
    /// Currency (ISO 4217) of all amounts that name none, such as annual revenue.
    #[schema(value_type = Currency)]
    pub currency: String,
    /// Lint rules that are turned off.
    #[schema(value_type = Vec<LintRule>, max_items = 20)]
    pub lint_rules_off: JsonText<Vec<LintRule>>,
    /// Number of days after receipt for which usage events are kept; null keeps them forever.
    #[schema(minimum = 1)]
    pub event_retention_days: Option<i64>,
    /// Contact that clients see on shared pages: a name, a telephone number, an address.
    #[schema(value_type = Option<Note>)]
    pub contact: Option<String>,
    /// Logo that clients see on shared pages, as a `data:` URL of a PNG, JPEG, WebP or SVG image.
    #[schema(value_type = Option<Logo>)]
    pub logo: Option<String>,
    /// Meanings of the organization's own event types, for risk and for health models that look at standard types.
    #[schema(value_type = Vec<EventMeaning>, max_items = 200)]
    pub event_meanings: JsonText<Vec<EventMeaning>>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

from_row!(Organization {
    id,
    name = "display_name",
    time_zone,
    currency,
    lint_rules_off as String,
    event_retention_days,
    contact,
    logo,
    event_meanings as String,
    version,
    created_at,
    updated_at
});

/// Checks that the database responds.
pub async fn ping(conn: &mut Conn) -> sqlx::Result<()> {
    const SQL: &str = "SELECT COUNT(*) FROM signing_keys";
    let _keys: i64 = on!(conn, db => sqlx::query_scalar(SQL).fetch_one(db).await)?;
    Ok(())
}

/// Finds an organization.
pub async fn find(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Option<Organization>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM organizations WHERE id = $1");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_optional(db).await)
}

/// Finds the organization that an operator created with this name; else those that are now called so.
pub async fn find_by_name(conn: &mut Conn, name: &str) -> sqlx::Result<Vec<Organization>> {
    const CREATED: &str = concat!("SELECT ", columns!(), " FROM organizations WHERE name = $1");
    const CALLED: &str =
        concat!("SELECT ", columns!(), " FROM organizations WHERE display_name = $1 ORDER BY id LIMIT 2");
    let created = on!(conn, db => sqlx::query_as(CREATED).bind(name).fetch_all(db).await)?;
    if !created.is_empty() {
        return Ok(created);
    }
    on!(conn, db => sqlx::query_as(CALLED).bind(name).fetch_all(db).await)
}

/// Returns the identifiers of all organizations, for jobs and the command line.
pub async fn ids(conn: &mut Conn) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT id FROM organizations ORDER BY id";
    on!(conn, db => sqlx::query_scalar(SQL).fetch_all(db).await)
}

/// Adds an organization; returns `false` if an operator has already created one with the name.
pub async fn insert(conn: &mut Conn, organization: &Organization) -> sqlx::Result<bool> {
    const SQL: &str = concat!(
        "INSERT INTO organizations (",
        columns!(),
        ", name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $2) ON CONFLICT (name) DO NOTHING"
    );
    let o = organization;
    on!(conn, db => sqlx::query(SQL)
        .bind(o.id).bind(&o.name).bind(&o.time_zone).bind(o.lint_rules_off.to_text()).bind(o.version).bind(o.created_at).bind(o.updated_at)
        .bind(o.event_retention_days).bind(&o.currency).bind(&o.contact).bind(&o.logo).bind(o.event_meanings.to_text())
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Saves a change.
pub async fn update(conn: &mut Conn, organization: &Organization) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE organizations SET display_name = $2, time_zone = $3, lint_rules_off = $4, version = $5, \
                       updated_at = $6, event_retention_days = $7, \
                       currency = $8, contact = $9, logo = $10, event_meanings = $11 WHERE id = $1";
    let o = organization;
    on!(conn, db => sqlx::query(SQL)
        .bind(o.id).bind(&o.name).bind(&o.time_zone).bind(o.lint_rules_off.to_text()).bind(o.version).bind(o.updated_at)
        .bind(o.event_retention_days).bind(&o.currency).bind(&o.contact).bind(&o.logo).bind(o.event_meanings.to_text())
        .execute(db).await.map(|_| ()))
}

/// Whether amounts are recorded that name no currency, and so are in the organization's.
pub async fn has_amounts(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM customers WHERE organization_id = $1 AND annual_revenue_minor IS NOT NULL LIMIT 1) a) \
                       + (SELECT COUNT(*) FROM (SELECT 1 FROM customer_outcomes WHERE organization_id = $1 AND amount_minor IS NOT NULL LIMIT 1) b)";
    let found: i64 = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_one(db).await)?;
    Ok(found > 0)
}
