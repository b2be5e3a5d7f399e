//! The caller's organization.

use actix_web::{get, patch};
use chrono_tz::Tz;
use milepost_domain::customer::deed::EventMeaning;
use milepost_domain::plan::lint::LintRule;
use milepost_domain::values::text::{Currency, Logo, Name, Note};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::patch::Change;
use crate::precondition::IfMatch;
use crate::store::json_text::JsonText;
use crate::store::organizations::{self, Organization};
use crate::unit::Entity;

/// Changes to the organization.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"time_zone": "Europe/Berlin"}))]
pub struct OrganizationPatch {
    /// Display name. Other organizations may have the same.
    #[schema(value_type = Name, required = false)]
    name: Option<Name>,
    /// Time zone (IANA name) that determines the current date, such as Europe/Berlin.
    #[schema(value_type = String, required = false, max_length = 64)]
    time_zone: Option<String>,
    /// Currency (ISO 4217) of all amounts that name none, such as annual revenue. It cannot be changed once such amounts are
    /// recorded.
    #[schema(value_type = Currency, required = false)]
    currency: Option<Currency>,
    /// Lint rules to switch off. Replaces the whole list.
    #[schema(value_type = Vec<LintRule>, required = false, max_items = 20)]
    lint_rules_off: Option<Vec<LintRule>>,
    /// Retention of usage events in days after receipt; null to keep them forever. Older usage events are removed
    /// within the hour and no longer count in any figure.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 36_500)]
    event_retention_days: Change<i64>,
    /// Meanings of the organization's own event types, for risk and for health models that look at standard types such as `support.*`. The
    /// first that admits a type decides. Replaces the whole list.
    #[schema(value_type = Vec<EventMeaning>, required = false, max_items = 200)]
    event_meanings: Option<Vec<EventMeaning>>,
    /// Contact that clients see on shared pages: a name, a telephone number, an address.
    #[serde(default)]
    #[schema(value_type = Option<Note>)]
    contact: Change<Note>,
    /// Logo that clients see on shared pages, as a `data:` URL of a PNG, JPEG, WebP or SVG image.
    #[serde(default)]
    #[schema(value_type = Option<Logo>)]
    logo: Change<Logo>,
}

/// Get the organization
///
/// Returns the settings of the caller's organization.
#[utoipa::path(tag = "access", security(("bearer" = ["plans:read"])), responses((status = 200, description = "The organization.", body = Organization)))]
#[get("/v1/organization")]
pub async fn read_organization(cx: Context) -> Result<Answer, ApiError> {
    let found = organizations::find(&mut cx.read().await?, cx.organization_id()).await?;
    let organization = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&organization)?.version(organization.version))
}

/// Update the organization
///
/// Changes only the fields in the request.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatch), request_body(content = OrganizationPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As changed.", body = Organization)))]
#[patch("/v1/organization")]
pub async fn update_organization(cx: Context, body: Body<OrganizationPatch>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before =
            organizations::find(&mut unit.conn, unit.organization_id).await?.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        let mut after = before.clone();
        if let Some(name) = &body.0.name {
            after.name = name.to_string();
        }
        if let Some(zone) = &body.0.time_zone {
            let zone: Tz = zone.parse().map_err(|_| {
                ApiError::field("/time_zone", "unknown_time_zone", "must be an IANA time zone such as Europe/Berlin")
            })?;
            after.time_zone = zone.name().to_owned();
        }
        if let Some(currency) = &body.0.currency
            && currency.as_str() != after.currency
        {
            if organizations::has_amounts(&mut unit.conn, unit.organization_id).await? {
                let detail = format!("Amounts in {} are recorded, so the currency cannot be changed.", after.currency);
                return Err(ApiError::new(Code::Conflict, detail));
            }
            after.currency = currency.to_string();
        }
        if let Some(rules) = &body.0.lint_rules_off {
            after.lint_rules_off = JsonText(rules.clone());
        }
        if let Some(meanings) = &body.0.event_meanings {
            after.event_meanings = JsonText(meanings.clone());
        }
        body.0.event_retention_days.clone().apply(&mut after.event_retention_days);
        body.0.contact.clone().apply(&mut after.contact);
        body.0.logo.clone().apply(&mut after.logo);
        if after == before {
            return Ok(Answer::ok(&before)?.version(before.version));
        }
        after.version += 1;
        after.updated_at = unit.now;
        organizations::update(&mut unit.conn, &after).await?;
        unit.record_updated(Entity::Organization, after.id, &before, &after).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}
