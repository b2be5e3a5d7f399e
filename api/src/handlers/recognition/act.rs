//! Actions on an award: suspending, restoring, revoking and renewing it.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::recognition::award::{AwardEvidence, Life, expires_on};
use milepost_domain::recognition::badge::BadgeContent;
use milepost_domain::recognition::rule::RecognitionRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::Reason;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::awards::{Award, created, shown};
use crate::answer::Answer;
use crate::awarding::{begun, give, save};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::resource::{By, find};
use crate::store::awards::AwardRow;
use crate::store::people::Person;
use crate::store::row;
use crate::unit::Unit;

/// Reason for what is done to an award.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The evidence belongs to somebody else."}))]
pub struct AwardAct {
    /// Reason. It is not public.
    reason: Reason,
}

/// Renewal of an award.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"expires_on": "2028-05-04"}))]
pub struct Renewal {
    /// First day on which the renewed award no longer counts. Defaults to the badge's `valid_days` after today.
    expires_on: Option<NaiveDate>,
    /// Evidence that it was earned again.
    #[schema(max_items = 20)]
    evidence: Vec<AwardEvidence>,
}

/// Suspend an award
///
/// The award does not count until it is restored, and its credential is shown as suspended by every verifier that looks at its status.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = AwardAct,
    responses((status = 200, description = "The suspended award.", body = Award)))]
#[post("/v1/awards/{award_id}/suspend")]
pub async fn suspend_award(cx: Context, id: Path<Uuid>, body: Body<AwardAct>) -> Result<Answer, ApiError> {
    act(&cx, *id, &body.0, "suspended", Life::check_may_end, |row, unit| row.suspended_at = Some(unit.now)).await
}

/// Restore an award
///
/// Ends a suspension. A revocation is final: verifiers keep it. Award the badge again after a mistake.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = AwardAct,
    responses((status = 200, description = "The restored award.", body = Award)))]
#[post("/v1/awards/{award_id}/restore")]
pub async fn restore_award(cx: Context, id: Path<Uuid>, body: Body<AwardAct>) -> Result<Answer, ApiError> {
    act(&cx, *id, &body.0, "restored", Life::check_may_be_restored, |row, _| row.suspended_at = None).await
}

/// Revoke an award
///
/// Takes the award back for good, from this person alone. It stays visible to those who keep awards; its public page says that it was
/// revoked (410).
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = AwardAct,
    responses((status = 200, description = "The revoked award.", body = Award)))]
#[post("/v1/awards/{award_id}/revoke")]
pub async fn revoke_award(cx: Context, id: Path<Uuid>, body: Body<AwardAct>) -> Result<Answer, ApiError> {
    act(&cx, *id, &body.0, "revoked", Life::check_may_end, |row, unit| row.revoked_at = Some(unit.now)).await
}

async fn act(
    cx: &Context,
    id: Uuid,
    body: &AwardAct,
    verb: &str,
    check: impl Fn(&Life) -> Result<(), RecognitionRule>,
    change: impl Fn(&mut AwardRow, &Unit),
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = load(cx, unit, id).await?;
        check(&before.life()).map_err(|rule| rule.at(""))?;
        let mut after = AwardRow { reason: Some(body.reason.clone()), ..before.clone() };
        change(&mut after, unit);
        let after = save(unit, &before, after, verb).await?;
        shown(cx, &mut unit.conn, after).await
    })
    .await
}

/// Renew an award
///
/// Gives a new award of the same badge in its present version, with a credential of its own that keeps the day of the first award. The one
/// that is renewed stays as it is until it expires. What the holder shows of it, the new one shows, too.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional),
    request_body(content = Option<Renewal>), responses((status = 201, description = "The new award.", body = Award)))]
#[post("/v1/awards/{award_id}/renew")]
pub async fn renew_award(cx: Context, id: Path<Uuid>, body: Body<Renewal>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = load(&cx, unit, *id).await?;
        before.life().check_may_be_renewed().map_err(|rule| rule.at(""))?;
        if before.renewed_by_id.is_some() {
            return Err(RecognitionRule::AlreadyAwarded.at("").into());
        }
        let badge = find::<BadgeContent>(&mut unit.conn, unit.organization_id, By::Id(before.badge_id)).await?;
        let person: Option<Person> = row::find(&mut unit.conn, unit.organization_id, before.person_id).await?;
        let person = person.ok_or_else(ApiError::not_found)?;
        let expires_on =
            expires_on(unit.today, body.0.expires_on, badge.valid_days).map_err(|rule| rule.at("/expires_on"))?;
        let begun = begun(unit, &badge, &person, (before.awarded_on, expires_on)).await?;
        let renewed = AwardRow {
            issued_on: unit.today,
            note: before.note.clone(),
            evidence: body.0.evidence.clone(),
            renews_id: Some(before.id),
            published: before.published,
            ..begun
        };
        give(unit, &renewed).await?;
        let after = AwardRow { renewed_by_id: Some(renewed.id), ..before.clone() };
        save(unit, &before, after, "renewed").await?;
        created(&cx, unit, renewed).await
    })
    .await
}

async fn load(cx: &Context, unit: &mut Unit, id: Uuid) -> Result<AwardRow, ApiError> {
    let found: Option<AwardRow> = row::find(&mut unit.conn, unit.organization_id, id).await?;
    let found = found.ok_or_else(ApiError::not_found)?;
    cx.check_version(found.version)?;
    Ok(found)
}
