//! Proving of milestones by what is known: usage events, awards, other milestones and the plan's figures.
//!
//! Changes since the last time are judged anew ([`crate::keeping`]), and what follows is done in the name of the server. An
//! achievement can prove further milestones, so this goes on until nothing follows any more; templates whose proofs wait for each other are
//! refused, so it comes to an end.

mod carry_out;
pub mod observed;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::plan::hold::on_hold_since;
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::Reason;
use uuid::Uuid;

pub use self::carry_out::record;
use self::carry_out::{Done, carry_out};
use self::observed::{Judged, Observed, observe};
use crate::context::Context;
use crate::error::ApiError;
use crate::keeping::{self, Due};
use crate::keeping_turns::State;
use crate::read_model::PlanView;
use crate::store::marks::{self, Marks, Upkeep};
use crate::store::plans::PlanRecord;
use crate::store::reference_periods::Holder;
use crate::store::{ledger, organizations, usage_events};
use crate::unit::Unit;

/// Number of plans that are judged and written at a time.
const AT_ONCE: usize = 100;
/// Number of events or entries beyond which marks move on although nothing has followed.
const FAR: i64 = 1_000;
/// Largest number of rounds: each one follows from the achievements of the last one.
const MOST_ROUNDS: usize = 100;

/// Brings the proofs of all plans up to date. Answers a context that sees what has followed, with the number of the last event that it saw.
pub async fn up_to_date(cx: &Context) -> Result<(Context, i64), ApiError> {
    let (mut cx, organization_id) = (cx.clone(), cx.organization_id());
    let event_sequence = usage_events::last_number(&mut cx.read().await?, organization_id).await?;
    let state = (event_sequence, cx.who.tenant.sequence, cx.today());
    // Mostly nothing has changed: then nobody waits for a turn.
    if cx.app.keeping.is_kept(organization_id, Upkeep::Proofs, state) {
        return Ok((cx, event_sequence));
    }
    let turn = cx.app.keeping.turn(organization_id, Upkeep::Proofs);
    let _turn = turn.lock().await;
    for _ in 0..MOST_ROUNDS {
        let Some(due) = keeping::due(&cx, Upkeep::Proofs).await? else {
            cx.app.keeping.note_kept(organization_id, Upkeep::Proofs, state);
            break;
        };
        let marks = due.marks;
        // Whoever asks, it is the server that acts; and the plans in memory must be no older than the marks.
        let job = Context::of_job(&cx.app, organization_id).await?.ok_or_else(ApiError::not_found)?;
        let is_over = !round(&job, due).await?;
        cx.who.tenant = job.who.tenant;
        if is_over {
            let state = (marks.event_sequence, marks.ledger_sequence, marks.as_of);
            cx.app.keeping.note_kept(organization_id, Upkeep::Proofs, state);
            break;
        }
    }
    let now = Context::of_job(&cx.app, organization_id).await?.ok_or_else(ApiError::not_found)?;
    cx.who.tenant = now.who.tenant;
    Ok((cx, event_sequence))
}

/// Judges what has changed. Answers whether another round is needed: something has followed from which more may follow, or a plan has changed
/// meanwhile.
async fn round(cx: &Context, mut due: Due) -> Result<bool, ApiError> {
    let organization_id = cx.organization_id();
    let stored = due.before;
    let judged = cx.app.keeping.last_kept(organization_id, Upkeep::Proofs);
    due.before = stored.map(|stored| judged.map_or(stored, |judged| later(stored, judged)));
    let Some(changed) = changed(cx, &mut due).await? else { return Ok(false) };
    let organization = organizations::find(&mut due.conn, organization_id).await?.ok_or_else(ApiError::not_found)?;
    let forgotten_before = organization.event_retention_days.map(|days| plus_days(due.marks.as_of, 1 - days));
    let Due { conn, marks, .. } = due;
    drop(conn);
    let mut done = Done::default();
    for portion in changed.chunks(AT_ONCE) {
        let mut conn = cx.survey().await?;
        let observed = observe(cx, &mut conn, portion, marks.as_of).await?;
        drop(conn);
        let judged = judge_all(observed).await?;
        let of_portion = carry_out(cx, &judged, forgotten_before).await?;
        done.has_recorded |= of_portion.has_recorded;
        done.has_skipped |= of_portion.has_skipped;
    }
    // Where nothing has followed, the marks stay until much has come: what this process has judged it remembers, and others judge it again.
    let is_noted = !done.has_recorded && stored.is_some_and(|stored| is_near(stored, marks));
    if !done.has_skipped && !is_noted {
        let mut unit = cx.begin().await?;
        if marks::find(&mut unit.conn, unit.organization_id, Upkeep::Proofs).await? == stored {
            marks::save(&mut unit.conn, unit.organization_id, Upkeep::Proofs, marks).await?;
        }
        unit.commit().await?;
    }
    Ok(done.has_recorded || done.has_skipped)
}

/// Judges plans on a thread of its own.
pub async fn judge_all(observed: Vec<Observed>) -> Result<Vec<(Vec<Judged>, Observed)>, ApiError> {
    let judged =
        tokio::task::spawn_blocking(move || observed.into_iter().map(|one| (one.judge(), one)).collect::<Vec<_>>());
    judged.await.map_err(ApiError::internal)
}

/// The later one of some marks and a state that this process has judged.
fn later(stored: Marks, (event_sequence, ledger_sequence, as_of): State) -> Marks {
    let is_later =
        as_of == stored.as_of && event_sequence >= stored.event_sequence && ledger_sequence >= stored.ledger_sequence;
    if is_later { Marks { event_sequence, ledger_sequence, ..stored } } else { stored }
}

/// Whether so little has come since some marks that nothing is lost if they stay as they are: then nobody writes for what proves nothing.
fn is_near(before: Marks, now: Marks) -> bool {
    before.as_of == now.as_of
        && now.event_sequence - before.event_sequence < FAR
        && now.ledger_sequence - before.ledger_sequence < FAR
}

/// The plans of which something has changed that can prove a milestone; on a new day, all of them. `None` if no plan has any proofs.
async fn changed(cx: &Context, due: &mut Due) -> Result<Option<Vec<Arc<PlanView>>>, ApiError> {
    let organization_id = cx.organization_id();
    let before = due.before_today();
    let conn = &mut due.conn;
    let all = cx.plans().await?;
    let mut proved: Vec<Arc<PlanView>> = vec![];
    for plan in &all.by_name {
        let is_still = plan.row.archived_at.is_some() || on_hold_since(&plan.facts.holds, due.marks.as_of).is_some();
        let content =
            if is_still { None } else { cx.app.definitions.of_plan(conn, organization_id, &plan.row).await? };
        if content.is_some_and(|content| content.milestones.iter().any(|one| one.proof.is_some())) {
            proved.push(Arc::clone(plan));
        }
    }
    if proved.is_empty() {
        return Ok(None);
    }
    let Some(before) = before else { return Ok(Some(proved)) };
    if keeping::has_changed(conn, organization_id, &["organization"], before).await? {
        return Ok(Some(proved));
    }
    let people = keeping::holders_since(conn, organization_id, Holder::Person, before).await?;
    let customers = keeping::holders_since(conn, organization_id, Holder::Customer, before).await?;
    let plans = ledger::roots_since(conn, organization_id, "plan", before.ledger_sequence).await?;
    let plans: HashSet<Uuid> = plans.into_iter().collect();
    let has = |ids: &HashSet<Uuid>, id: Option<Uuid>| id.is_some_and(|id| ids.contains(&id));
    proved.retain(|plan| {
        let row = &plan.row;
        plans.contains(&row.id) || has(&people, row.person_id) || has(&customers, row.customer_id)
    });
    Ok(Some(proved))
}

/// Checks that a milestone of a plan waits for nothing that its template says, or that there is a reason to achieve it all the same. What the
/// plan itself says of milestones with a date is checked with the step.
pub async fn check_prerequisites(
    cx: &Context,
    unit: &mut Unit,
    record: &PlanRecord,
    key: &str,
    override_reason: Option<&Reason>,
) -> Result<(), ApiError> {
    let content = cx.app.definitions.of_plan(&mut unit.conn, unit.organization_id, &record.plan).await?;
    let definition = content.as_ref().and_then(|content| content.find(key));
    let Some(definition) = definition.filter(|_| override_reason.is_none()) else { return Ok(()) };
    let is_dated = record.position(key).is_some();
    if definition.prerequisites.is_empty() && (is_dated || definition.depends_on.is_empty()) {
        return Ok(());
    }
    let plan = Arc::new(PlanView::from(record));
    let observed = observe(cx, &mut unit.conn, &[plan], unit.today).await?.pop();
    let missing = observed.map_or_else(Vec::new, |observed| observed.missing(definition));
    if missing.is_empty() {
        Ok(())
    } else {
        Err(ProofRule::PrerequisitesMissing { missing }.at("/override_reason").into())
    }
}

/// Facts of one plan by the end of a day, for an answer; `None` if it was made without a template.
pub async fn observe_one(cx: &Context, plan: &Arc<PlanView>, as_of: NaiveDate) -> Result<Option<Observed>, ApiError> {
    let mut conn = cx.survey().await?;
    Ok(observe(cx, &mut conn, std::slice::from_ref(plan), as_of).await?.pop())
}
