//! Entitlements: rewards that people were granted, on their way from the grant to their use.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::people::PersonContent;
use milepost_domain::recognition::reward::{
    GrantAction, GrantState, GrantStep, RewardContent, check_actor, state, step,
};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{ExternalRef, Key, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::archiving::check_in_use;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query, reference_or_404};
use crate::granting::{self, check_left};
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::read_model::reports::ReportKey;
use crate::resource::{By, find, look_up};
use crate::store::author::Author;
use crate::store::authored::name_all;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::rewards::{EntitlementRow, Reward};
use crate::store::row::{self, Column as _, Condition};

/// Entitlement: a reward that a person was granted.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "reward_key": "summit-ticket", "reward_name": "Ticket to the summit",
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_ref": "hr-17", "person_name": "Ana Petrova", "state": "granted",
    "is_usable": false, "award_id": null, "granted_on": "2026-05-04", "expires_on": "2026-08-02", "note": null,
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "version": 1,
    "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct Entitlement {
    /// Identifier.
    id: Uuid,
    /// Key of the reward.
    reward_key: Option<Key>,
    /// Name of the reward.
    reward_name: Option<Name>,
    /// Identifier of the person.
    person_id: Uuid,
    /// External reference of the person.
    person_ref: Option<ExternalRef>,
    /// Name of the person.
    person_name: Option<Name>,
    /// State as of today.
    state: GrantState,
    /// Whether the person may use it today: it is fulfilled and has not expired.
    is_usable: bool,
    /// Identifier of the award for which it was granted; null for one that was granted by hand.
    award_id: Option<Uuid>,
    /// Day of the grant.
    granted_on: NaiveDate,
    /// First day on which it no longer counts; null if it never expires.
    expires_on: Option<NaiveDate>,
    /// Note of whoever took the last step.
    note: Option<Note>,
    /// Author of the grant.
    author: Author,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change.
    updated_at: DateTime<Utc>,
}

impl Entitlement {
    fn of(row: EntitlementRow, today: NaiveDate) -> Self {
        let state = state(row.step, row.expires_on, today);
        Self {
            id: row.id,
            reward_key: row.reward_key,
            reward_name: row.reward_name,
            person_id: row.person_id,
            person_ref: row.person_ref,
            person_name: row.person_name,
            state,
            is_usable: state == GrantState::Fulfilled,
            award_id: row.award_id,
            granted_on: row.granted_on,
            expires_on: row.expires_on,
            note: row.note,
            author: row.author,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Reward to grant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reward_key": "summit-ticket"}))]
pub struct GrantDraft {
    /// Key of the reward.
    reward_key: Key,
}

/// Note on a step of an entitlement.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Sent by mail."}))]
pub struct EntitlementStep {
    /// Note.
    note: Option<Note>,
}

/// Filters of a person's entitlements.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntitlementFilters {
    /// Filter by key of the reward.
    #[param(inline)]
    reward_key: Option<Key>,
    /// Filter by whether the person may use them today.
    usable: Option<bool>,
}

/// Filters of the queue.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QueueFilters {
    /// Filter by the step that is waited for: `approval` or `fulfillment`. By default, both are meant.
    #[param(inline)]
    waiting_for: Option<EntitlementWait>,
}

/// Step that an entitlement waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntitlementWait {
    /// Somebody has to agree to the cost.
    Approval,
    /// Somebody has to hand it over.
    Fulfillment,
}

/// Grant a reward
///
/// Somebody who has the reward already is refused with 409, unless it can be had more than once; so is what is out of stock and used at once.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), request_body = GrantDraft,
    responses((status = 201, description = "The entitlement.", body = Entitlement)))]
#[post("/v1/people/{id}/entitlements")]
pub async fn grant_reward(cx: Context, id: Path<Uuid>, body: Body<GrantDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let person = find::<PersonContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        let by = By::Key(&body.0.reward_key);
        let reward: Option<Reward> = look_up::<RewardContent>(&mut unit.conn, unit.organization_id, by).await?;
        let reward = reward.ok_or_else(|| ApiError::field("/reward_key", "unknown_reward", "names no reward"))?;
        check_in_use(reward.archived, "/reward_key")?;
        granting::check(unit, &reward, &person).await?;
        let granted = granting::grant(unit, &reward, &person, (unit.today, None)).await?;
        let (location, version) = (format!("/v1/entitlements/{}", granted.id), granted.version);
        Ok(Answer::created(location, &Entitlement::of(granted, unit.today))?.version_and_content(version))
    })
    .await
}

/// List a person's entitlements
///
/// Returns what the person was granted, the newest first. `usable=true` with a `reward_key` answers whether the person may use something now:
/// the answer has an `ETag`, and comes from memory while nothing has changed.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    params(Paging, EntitlementFilters), responses((status = 200, description = "A page of entitlements.", body = Page<Entitlement>)))]
#[get("/v1/people/{id}/entitlements")]
pub async fn list_entitlements(
    cx: Context,
    id: Path<Uuid>,
    paging: Paging,
    filters: Query<EntitlementFilters>,
) -> Result<Answer, ApiError> {
    of_person(&cx, By::Id(*id), &paging, &filters.0).await
}

/// List a person's entitlements by external reference
///
/// Returns the same as by identifier.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), params(Paging, EntitlementFilters),
    responses((status = 200, description = "A page of entitlements.", body = Page<Entitlement>)))]
#[get("/v1/people/by-ref/{external_ref}/entitlements")]
pub async fn list_entitlements_by_ref(
    cx: Context,
    external_ref: Path<String>,
    paging: Paging,
    filters: Query<EntitlementFilters>,
) -> Result<Answer, ApiError> {
    of_person(&cx, By::Ref(&reference_or_404(&external_ref)?), &paging, &filters.0).await
}

async fn of_person(
    cx: &Context,
    by: By<'_>,
    paging: &Paging,
    filters: &EntitlementFilters,
) -> Result<Answer, ApiError> {
    let (organization_id, today) = (cx.organization_id(), cx.today());
    let question = format!("{} {today}", cx.target);
    let key = ReportKey { organization_id, sequence: cx.who.tenant.sequence, question };
    let make = async || {
        let mut conn = cx.snapshot().await?;
        let person = find::<PersonContent>(&mut conn, organization_id, by).await?;
        let of = [Condition::Equals("person_id", person.id.to_value())];
        let mut rows: Vec<EntitlementRow> = row::all(&mut conn, organization_id, &of, "id").await?;
        name_all(&mut conn, organization_id, &mut rows).await?;
        let shown = rows.into_iter().map(|row| Entitlement::of(row, today));
        let shown = shown.filter(|one| {
            filters.reward_key.as_ref().is_none_or(|key| one.reward_key.as_ref() == Some(key))
                && filters.usable.is_none_or(|usable| one.is_usable == usable)
        });
        let position = |one: &Entitlement| Position { key: None, id: one.id };
        let rows = paging.cut(Direction::Descending, shown.collect(), position);
        paging.report(rows, position, |one| one)
    };
    cx.app.read_model.reports.make(key, make).await
}

/// List waiting entitlements
///
/// Returns a page of the entitlements of everybody that wait for somebody's approval or fulfillment, the oldest first.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), params(Paging, QueueFilters),
    responses((status = 200, description = "A page of entitlements.", body = Page<Entitlement>)))]
#[get("/v1/entitlements")]
pub async fn list_waiting_entitlements(
    cx: Context,
    paging: Paging,
    filters: Query<QueueFilters>,
) -> Result<Answer, ApiError> {
    let steps = match filters.0.waiting_for {
        Some(EntitlementWait::Approval) => &[GrantStep::Claimed][..],
        Some(EntitlementWait::Fulfillment) => &[GrantStep::Approved],
        None => &[GrantStep::Claimed, GrantStep::Approved],
    };
    let today = cx.today();
    let mut conditions: Vec<Condition> = Condition::one_of("step", steps).into_iter().collect();
    let never = Condition::IsPresent("expires_on", false);
    conditions.push(Condition::either(never, Condition::After("expires_on", today.to_value())));
    let slice = paging.slice(Order::Id, Direction::Ascending)?;
    let mut conn = cx.snapshot().await?;
    let mut rows: Vec<EntitlementRow> = row::page(&mut conn, cx.organization_id(), &conditions, &slice).await?;
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| Entitlement::of(row, today))
}

/// Get an entitlement
///
/// Returns the entitlement in its present state.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])),
    responses((status = 200, description = "The entitlement.", body = Entitlement)))]
#[get("/v1/entitlements/{entitlement_id}")]
pub async fn read_entitlement(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let found: Option<EntitlementRow> = row::find(&mut conn, cx.organization_id(), *id).await?;
    let mut row = found.ok_or_else(ApiError::not_found)?;
    name_all(&mut conn, cx.organization_id(), std::slice::from_mut(&mut row)).await?;
    let version = row.version;
    Ok(Answer::ok(&Entitlement::of(row, cx.today()))?.version_and_content(version))
}

/// Claim a reward
///
/// The person takes one of the stock. What costs something waits for approval, and everything else for being fulfilled. People claim for
/// themselves; claiming for others takes the scope.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("profile"))),
    params(IfMatchOptional), request_body = EntitlementStep,
    responses((status = 200, description = "The claimed entitlement.", body = Entitlement)))]
#[post("/v1/people/{id}/entitlements/{entitlement_id}/claim")]
pub async fn claim_entitlement(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<EntitlementStep>,
) -> Result<Answer, ApiError> {
    let (person_id, id) = *path;
    take(&cx, id, Some(person_id), GrantAction::Claim, &body.0).await
}

/// Approve an entitlement
///
/// Agrees to the cost. Nobody approves their own.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = EntitlementStep,
    responses((status = 200, description = "The approved entitlement.", body = Entitlement)))]
#[post("/v1/entitlements/{entitlement_id}/approve")]
pub async fn approve_entitlement(cx: Context, id: Path<Uuid>, body: Body<EntitlementStep>) -> Result<Answer, ApiError> {
    take(&cx, *id, None, GrantAction::Approve, &body.0).await
}

/// Fulfill an entitlement
///
/// Hands the reward over: from now on the person may use it.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = EntitlementStep,
    responses((status = 200, description = "The fulfilled entitlement.", body = Entitlement)))]
#[post("/v1/entitlements/{entitlement_id}/fulfill")]
pub async fn fulfill_entitlement(cx: Context, id: Path<Uuid>, body: Body<EntitlementStep>) -> Result<Answer, ApiError> {
    take(&cx, *id, None, GrantAction::Fulfill, &body.0).await
}

/// Cancel an entitlement
///
/// Takes the reward back, or does not agree to its cost. What was claimed goes back to the stock.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = EntitlementStep,
    responses((status = 200, description = "The canceled entitlement.", body = Entitlement)))]
#[post("/v1/entitlements/{entitlement_id}/cancel")]
pub async fn cancel_entitlement(cx: Context, id: Path<Uuid>, body: Body<EntitlementStep>) -> Result<Answer, ApiError> {
    take(&cx, *id, None, GrantAction::Cancel, &body.0).await
}

/// Takes a step with an entitlement: one of a person, where the path names them.
async fn take(
    cx: &Context,
    id: Uuid,
    of: Option<Uuid>,
    action: GrantAction,
    body: &EntitlementStep,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let found: Option<EntitlementRow> = row::find(&mut unit.conn, unit.organization_id, id).await?;
        let before = found.filter(|row| of.is_none_or(|of| row.person_id == of)).ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        let is_own = cx.who.caller.person_id() == Some(before.person_id);
        check_actor(action, is_own).map_err(|rule| rule.at(""))?;
        let reward = find::<RewardContent>(&mut unit.conn, unit.organization_id, By::Id(before.reward_id)).await?;
        let from = state(before.step, before.expires_on, unit.today);
        let next = step(from, action, reward.needs_approval()).map_err(|rule| rule.at(""))?;
        if action == GrantAction::Claim {
            check_left(unit, &reward, "").await?;
        }
        let after = EntitlementRow { step: next, note: body.note.clone(), ..before.clone() };
        let mut after = granting::save(unit, &next.to_string(), &before, after).await?;
        name_all(&mut unit.conn, unit.organization_id, std::slice::from_mut(&mut after)).await?;
        let version = after.version;
        Ok(Answer::ok(&Entitlement::of(after, unit.today))?.version_and_content(version))
    })
    .await
}
