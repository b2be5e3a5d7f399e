//! Impacts of what people have achieved: claiming, correcting and withdrawing them.

use actix_web::web::Path;
use actix_web::{get, patch, post};
use chrono::NaiveDate;
use milepost_domain::access::Scope;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::PersonContent;
use milepost_domain::recognition::impact::{ImpactContent, ImpactKind, ImpactState};
use milepost_domain::recognition::rule::RecognitionRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Reason};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::matters::save_impact;
use crate::paging::{Page, Paging};
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::reference::{self, Named};
use crate::resource::{self, By, Managed, MergePatch, Referred as _, find, insert, shown};
use crate::sight::lacking;
use crate::store::impacts::{Claimed, Impact};
use crate::store::keyset::{Direction, Order, Position};
use crate::store::plans::{self, PlanRecord};
use crate::store::row::{self, Column as _, Condition};
use crate::store::undated_milestones;
use crate::unit::{Entity, Unit};

type ImpactPatch = MergePatch<ImpactContent>;

impl Managed for ImpactContent {
    type Stamp = Claimed;
    const ENTITY: Entity = Entity::Impact;
    const PATH: &'static str = "/v1/impacts";
    const REFERENCES: &'static [&'static str] = &["person", "customer"];

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Impact>) -> Result<(), ApiError> {
        if let Some(before) = before {
            before.stamp.state.check_may_change().map_err(|rule| rule.at(""))?;
        }
        self.check(unit.today)?;
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let known = before.map(|one| Named { id: one.person_id, external_ref: one.person_ref.as_ref() });
        let fields = (&mut self.person_id, &mut self.person_ref);
        reference::complete::<PersonContent>(conn, organization_id, "person", fields, known.unwrap_or_default())
            .await?;
        if self.person_id.is_none() {
            return Err(ValueRule::Required { what: "the person" }.at("/person_id").into());
        }
        if before.is_some_and(|before| before.person_id != self.person_id) {
            return Err(RecognitionRule::OtherPerson.at("/person_id").into());
        }
        let known = before.map(|one| Named { id: one.customer_id, external_ref: one.customer_ref.as_ref() });
        let fields = (&mut self.customer_id, &mut self.customer_ref);
        reference::complete::<CustomerContent>(conn, organization_id, "customer", fields, known.unwrap_or_default())
            .await?;
        match self.plan_id {
            Some(id) => check_plan(unit, self, id).await,
            None => Ok(()),
        }
    }

    fn root(kept: &Impact) -> (Entity, Uuid) {
        (Entity::Person, kept.person_id.unwrap_or_default())
    }
}

/// Checks an impact against the plan that it names.
async fn check_plan(unit: &mut Unit, impact: &ImpactContent, id: Uuid) -> Result<(), ApiError> {
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let unknown = || ApiError::field("/plan_id", "unknown_plan", "names no plan");
    let PlanRecord { plan, milestones, .. } = plans::find(conn, organization_id, id).await?.ok_or_else(unknown)?;
    impact
        .check_plan(plan.person_id, plan.currency.as_deref())
        .map_err(|(field, rule)| rule.at(format!("/{field}")))?;
    let Some(key) = &impact.milestone_key else { return Ok(()) };
    let is_dated = milestones.iter().any(|row| row.key == key.as_str());
    let undated = undated_milestones::find(conn, organization_id, id, key.as_str()).await?;
    if is_dated || undated.is_some() {
        return Ok(());
    }
    Err(ApiError::field("/milestone_key", "unknown_milestone", "names no milestone of this plan"))
}

/// Filters of the list of impacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImpactFilters {
    /// Filter by person.
    person_id: Option<Uuid>,
    /// Filter by external reference or e-mail address of the person.
    #[param(inline)]
    person_ref: Option<ExternalRef>,
    /// Filter by customer.
    customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Filter by plan.
    plan_id: Option<Uuid>,
    /// Filter by kind. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 5)]
    kind: Vec<ImpactKind>,
    /// Filter by state. Repeat the parameter for several states.
    #[serde(default)]
    #[param(max_items = 5)]
    state: Vec<ImpactState>,
    /// Only impacts whose period ended on this day or later.
    from: Option<NaiveDate>,
}

/// List impacts
///
/// Returns a page of the impacts of those whose recognition the caller may read, the most recently claimed first.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, ImpactFilters), responses((status = 200, description = "A page of impacts.", body = Page<Impact>)))]
#[get("/v1/impacts")]
pub async fn list_impacts(cx: Context, paging: Paging, filters: Query<ImpactFilters>) -> Result<Answer, ApiError> {
    let ImpactFilters { person_id, person_ref, customer_id, customer_ref, plan_id, kind, state, from } = filters.0;
    let mut conditions = cx.of_people(Scope::RecognitionRead, "person_id");
    let person = Named { id: person_id, external_ref: person_ref.as_ref() };
    conditions.extend(reference::condition::<PersonContent>(&cx, "person_id", person).await?);
    let customer = Named { id: customer_id, external_ref: customer_ref.as_ref() };
    conditions.extend(reference::condition::<CustomerContent>(&cx, "customer_id", customer).await?);
    conditions.extend(plan_id.map(|id| Condition::Equals("plan_id", id.to_value())));
    conditions.extend(Condition::one_of("kind", &kind));
    conditions.extend(Condition::one_of("state", &state));
    conditions.extend(from.map(|from| Condition::AtLeast("to_on", from.to_value())));
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let rows: Vec<Impact> = row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Claim an impact
///
/// People claim their own impacts; claiming for others takes the scope. A claim counts for nothing until others have verified it.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("profile"))),
    request_body = ImpactContent, responses((status = 201, description = "The claimed impact.", body = Impact)))]
#[post("/v1/people/{id}/impacts")]
pub async fn claim_impact(cx: Context, id: Path<Uuid>, body: Body<ImpactContent>) -> Result<Answer, ApiError> {
    let mut content = body.0;
    let person = find::<PersonContent>(&mut cx.read().await?, cx.organization_id(), By::Id(*id)).await?;
    let is_other = content.person_id.is_some_and(|named| named != *id);
    if is_other || content.person_ref.as_ref().is_some_and(|named| !person.content.is_called(named)) {
        return Err(ApiError::field("/person_id", "not_the_path", "must be the person in the path, or left out"));
    }
    (content.person_id, content.person_ref) = (Some(*id), None);
    check_named(&cx, &content).await?;
    cx.write(async |unit| {
        let made = insert(unit, content.clone()).await?;
        // With the name of the person.
        resource::created(&find::<ImpactContent>(&mut unit.conn, unit.organization_id, By::Id(made.id)).await?)
    })
    .await
}

/// Get an impact
///
/// Returns the impact with its state.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    responses((status = 200, description = "The impact.", body = Impact)))]
#[get("/v1/impacts/{impact_id}")]
pub async fn read_impact(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found = find::<ImpactContent>(&mut cx.read().await?, cx.organization_id(), By::Id(*id)).await?;
    if cx.may_see_impact(&found) { shown(&found) } else { Err(ApiError::not_found()) }
}

/// Update an impact
///
/// Corrects a claim, or an impact that was rejected. What is under review or verified cannot be changed: withdraw it.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))), params(IfMatch),
    request_body(content = ImpactPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated impact.", body = Impact)))]
#[patch("/v1/impacts/{impact_id}")]
pub async fn update_impact(cx: Context, id: Path<Uuid>, body: Body<ImpactPatch>) -> Result<Answer, ApiError> {
    let before = own(&cx, *id).await?;
    let content = body.0.applied_to(&before.content, &cx.app.contract)?;
    check_named(&cx, &content).await?;
    resource::update(&cx, By::Id(*id), &body.0).await
}

/// Withdrawal of an impact.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The savings were counted twice."}))]
pub struct ImpactWithdrawal {
    /// Reason for the withdrawal.
    reason: Reason,
}

/// Withdraw an impact
///
/// Takes the impact back for good. It no longer counts, and stays visible. A milestone that it had proved is contested.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    params(IfMatchOptional), request_body = ImpactWithdrawal,
    responses((status = 200, description = "The withdrawn impact.", body = Impact)))]
#[post("/v1/impacts/{impact_id}/withdraw")]
pub async fn withdraw_impact(cx: Context, id: Path<Uuid>, body: Body<ImpactWithdrawal>) -> Result<Answer, ApiError> {
    own(&cx, *id).await?;
    cx.write(async |unit| {
        let before = find::<ImpactContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        cx.check_version(before.version())?;
        before.stamp.state.check_may_be_withdrawn().map_err(|rule| rule.at(""))?;
        let mut after = before.clone();
        after.stamp.state = ImpactState::Withdrawn;
        after.stamp.verified_on = None;
        after.stamp.reason = Some(body.0.reason.clone());
        after.touch(unit.now);
        save_impact(unit, "withdrawn", &before, &after).await?;
        shown(&after)
    })
    .await
}

/// The impact, for whoever may change it.
async fn own(cx: &Context, id: Uuid) -> Result<Impact, ApiError> {
    let found = find::<ImpactContent>(&mut cx.read().await?, cx.organization_id(), By::Id(id)).await?;
    match (cx.may_see_impact(&found), cx.may_claim_for(found.person_id.unwrap_or_default())) {
        (_, true) => Ok(found),
        (true, false) => Err(lacking(Scope::RecognitionWrite)),
        (false, false) => Err(ApiError::not_found()),
    }
}

/// Refuses a customer and a plan that a caller names and may not read: for them, there are none.
async fn check_named(cx: &Context, content: &ImpactContent) -> Result<(), ApiError> {
    let named = Named { id: content.customer_id, external_ref: content.customer_ref.as_ref() };
    let (mut conn, organization_id) = (cx.read().await?, cx.organization_id());
    let customer = reference::resolve::<CustomerContent>(&mut conn, organization_id, "customer", named).await?;
    drop(conn);
    cx.check_named_customer(customer.as_ref())?;
    let Some(id) = content.plan_id else { return Ok(()) };
    let plans = cx.plans().await?;
    let may = plans.find(id).is_some_and(|plan| cx.may_with_plan(Scope::PlansRead, plan));
    if may { Ok(()) } else { Err(ApiError::field("/plan_id", "unknown_plan", "names no plan")) }
}
