//! Proving of milestones by what is known: usage events, awards, other milestones and the plan's figures.
//!
//! What has changed since the last time is judged anew ([`crate::keeping`]), and what follows is done in the name of the server. An
//! achievement can prove further milestones, so this goes on until nothing follows any more; templates whose proofs wait for each other are
//! refused, so it comes to an end.

mod carry_out;
pub mod observed;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::plan::hold::on_hold_since;
use uuid::Uuid;

pub use self::carry_out::record;
use self::observed::{Observed, observe};
use crate::context::Context;
use crate::error::ApiError;
use crate::keeping::{self, Due};
use crate::read_model::PlanView;
use crate::store::ledger;
use crate::store::marks::{self, Upkeep};
use crate::store::reference_periods::Holder;

/// Number of plans that are judged and written at a time.
const AT_ONCE: usize = 100;
/// Largest number of rounds: each one follows from the achievements of the last one.
const MOST_ROUNDS: usize = 100;

/// Brings the proofs of all plans up to date. Answers a context that sees what has followed.
pub async fn up_to_date(cx: &Context) -> Result<Context, ApiError> {
    let mut cx = cx.clone();
    // Mostly nothing has changed: then nobody waits for a turn.
    if keeping::due(&cx, Upkeep::Proofs).await?.is_none() {
        return Ok(cx);
    }
    let turn = cx.app.keeping.turn(cx.organization_id(), Upkeep::Proofs);
    let _turn = turn.lock().await;
    for _ in 0..MOST_ROUNDS {
        let Some(due) = keeping::due(&cx, Upkeep::Proofs).await? else { break };
        // Whoever asks, it is the server that acts; and the plans in memory must be no older than the marks.
        let job = Context::of_job(&cx.app, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
        round(&job, due).await?;
    }
    let now = Context::of_job(&cx.app, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    cx.who.tenant = now.who.tenant;
    Ok(cx)
}

async fn round(cx: &Context, mut due: Due) -> Result<(), ApiError> {
    let changed = changed(cx, &mut due).await?;
    let Due { mut conn, before, marks } = due;
    for portion in changed.chunks(AT_ONCE) {
        let observed = observe(cx, &mut conn, portion, marks.as_of).await?;
        let judged =
            tokio::task::spawn_blocking(move || observed.into_iter().map(|one| (one.judge(), one)).collect::<Vec<_>>());
        let judged = judged.await.map_err(ApiError::internal)?;
        carry_out::carry_out(cx, &judged).await?;
    }
    drop(conn);
    let mut unit = cx.begin().await?;
    if marks::find(&mut unit.conn, unit.organization_id, Upkeep::Proofs).await? == before {
        marks::save(&mut unit.conn, unit.organization_id, Upkeep::Proofs, marks).await?;
    }
    unit.commit().await
}

/// The plans of which something has changed that can prove a milestone.
async fn changed(cx: &Context, due: &mut Due) -> Result<Vec<Arc<PlanView>>, ApiError> {
    let organization_id = cx.organization_id();
    let conn = &mut due.conn;
    let all = cx.plans().await?;
    let mut proved: Vec<(Arc<PlanView>, bool)> = vec![];
    for plan in &all.by_name {
        let is_still = plan.row.archived_at.is_some() || on_hold_since(&plan.facts.holds, due.marks.as_of).is_some();
        let content =
            if is_still { None } else { cx.app.definitions.of_plan(conn, organization_id, &plan.row).await? };
        let proofs = || content.iter().flat_map(|content| &content.milestones).filter_map(|one| one.proof.as_ref());
        if proofs().next().is_some() {
            proved.push((Arc::clone(plan), proofs().all(milepost_domain::proof::Proof::is_timeless)));
        }
    }
    let Some(before) = due.before else { return Ok(proved.into_iter().map(|(plan, _)| plan).collect()) };
    if keeping::has_changed(conn, organization_id, &["organization"], before).await? {
        return Ok(proved.into_iter().map(|(plan, _)| plan).collect());
    }
    let is_new_day = before.as_of != due.marks.as_of;
    let people = keeping::holders_since(conn, organization_id, Holder::Person, before).await?;
    let customers = keeping::holders_since(conn, organization_id, Holder::Customer, before).await?;
    let plans = ledger::roots_since(conn, organization_id, "plan", before.ledger_sequence).await?;
    let plans: HashSet<Uuid> = plans.into_iter().collect();
    proved.retain(|(plan, is_timeless)| {
        let has = |ids: &HashSet<Uuid>, id: Option<Uuid>| id.is_some_and(|id| ids.contains(&id));
        plans.contains(&plan.row.id)
            || has(&people, plan.row.person_id)
            || has(&customers, plan.row.customer_id)
            || (is_new_day && !is_timeless)
    });
    Ok(proved.into_iter().map(|(plan, _)| plan).collect())
}

/// What is known of one plan by the end of a day, for an answer; `None` if it was made without a template.
pub async fn observe_one(cx: &Context, plan: &Arc<PlanView>, as_of: NaiveDate) -> Result<Option<Observed>, ApiError> {
    let mut conn = cx.survey().await?;
    Ok(observe(cx, &mut conn, std::slice::from_ref(plan), as_of).await?.pop())
}
