//! Keeping how every customer is: what reports list, and what playbooks react to.
//!
//! Changes since the last time are evaluated anew ([`crate::keeping`]); on a new day, everything is. All of it can be computed anew at any
//! time.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::backtest::is_customer;
use milepost_domain::customer::outcome::OutcomeKind;
use milepost_domain::customer::playbook::Playbook;
use milepost_domain::customer::risk::FactorFinding;
use milepost_domain::values::dates::plus_days;
use serde::Deserialize;
use sqlx::types::Text;
use uuid::Uuid;

use super::day::{Day, slope_per_week};
use super::look_back::outcomes_by_customer;
use super::models::Models;
use super::observed::{Observed, Stretch, TREND_DAYS, observe};
use super::participants::Participants;
use super::past::Facts;
use super::react::{Looked, end_of_archived, follow_owner, react_to};
use super::risk::{self, Judgement, Learned};
use crate::context::Context;
use crate::error::ApiError;
use crate::keeping::{self, Due};
use crate::store::customers::Customer;
use crate::store::health_scores::{self, ScoreRow};
use crate::store::interventions::{self, InterventionRow};
use crate::store::marks::{self, Marks, Upkeep};
use crate::store::playbooks::{self, PlaybookRow, StateRow};
use crate::store::reference_periods::Holder;
use crate::store::{Conn, customers, ledger};
use crate::unit::Unit;

/// Number of customers that are computed and written at a time.
pub(super) const AT_ONCE: usize = 200;
/// Kinds of entities whose changes can affect every customer.
const OF_ALL: [&str; 4] = ["health_model", "risk_model", "playbook", "organization"];

/// A customer with its score and triggers on a day.
pub(super) struct Found {
    pub(super) row: ScoreRow,
    pub(super) customer: Customer,
    /// Facts that had been recorded of it by the end of the day.
    pub(super) facts: Facts,
    /// Whether it was a customer by then.
    pub(super) existed: bool,
    /// Subjects for which each playbook's trigger holds; `None` where the playbook does not look at the customer.
    held: Vec<Option<Vec<String>>>,
}

/// Models and playbooks by which customers are evaluated.
pub(super) struct Lens {
    pub(super) models: Models,
    pub(super) risk_model: Option<Learned>,
    pub(super) playbooks: Vec<PlaybookRow>,
    pub(super) outcomes: HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>>,
    pub(super) participants: Participants,
}

/// Brings what is kept up to date, and lets playbooks react. Answers how many customers had changed.
pub async fn keep_health(cx: &Context) -> Result<usize, ApiError> {
    // Mostly nothing has changed: then nobody waits for a turn.
    if keeping::due(cx, Upkeep::Health).await?.is_none() {
        return Ok(0);
    }
    let turn = cx.app.keeping.turn(cx.organization_id(), Upkeep::Health);
    let _turn = turn.lock().await;
    // People are loaded before the marks are taken, on connections of their own. The marks go no further than what was known of them, so
    // whatever they achieve meanwhile is looked at the next time.
    let playbooks = playbooks::all(&mut cx.read().await?, cx.organization_id()).await?;
    let triggers = playbooks.iter().filter(|row| row.content.content.active).map(|row| &row.content.content.trigger);
    let participants = Participants::load_for(cx, triggers).await?;
    let Some(mut due) = keeping::due(cx, Upkeep::Health).await? else { return Ok(0) };
    let sequence = due.marks.ledger_sequence;
    due.marks.ledger_sequence = participants.sequence.map_or(sequence, |known| known.min(sequence));
    // Whoever asks, it is the server that reacts; and the plans in memory must be no older than the marks.
    let job = Context::of_job(&cx.app, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    keep(&job, due, participants).await
}

async fn keep(cx: &Context, mut due: Due, participants: Participants) -> Result<usize, ApiError> {
    let organization_id = cx.organization_id();
    let changed = changed(cx, &mut due, &participants).await?;
    let Due { mut conn, before, marks } = due;
    let lens = Arc::new(Lens {
        models: Models::load(&mut conn, organization_id, None).await?,
        risk_model: risk::in_force(&mut conn, organization_id, marks.as_of, None).await?.map(|(_, learned)| learned),
        playbooks: playbooks::all(&mut conn, organization_id).await?,
        outcomes: outcomes_by_customer(cx, &mut conn).await?,
        participants,
    });
    let count = changed.len();
    let mut portions: Vec<Vec<Customer>> = changed.chunks(AT_ONCE).map(<[Customer]>::to_vec).collect();
    let last = portions.pop().unwrap_or_default();
    for portion in portions {
        let found = look(cx, &mut conn, portion, &lens, marks).await?;
        let mut unit = cx.begin().await?;
        save(&mut unit, before, &found, &lens.playbooks).await?;
        unit.commit().await?;
    }
    let found = look(cx, &mut conn, last, &lens, marks).await?;
    drop(conn);
    let mut unit = cx.begin().await?;
    if save(&mut unit, before, &found, &lens.playbooks).await? {
        health_scores::forget_archived(&mut unit.conn, unit.organization_id).await?;
        end_of_archived(&mut unit).await?;
        marks::save(&mut unit.conn, unit.organization_id, Upkeep::Health, marks).await?;
    }
    unit.commit().await?;
    Ok(count)
}

/// The customers of whom something has changed; on a new day, all of them.
async fn changed(cx: &Context, due: &mut Due, participants: &Participants) -> Result<Vec<Customer>, ApiError> {
    let (organization_id, before) = (cx.organization_id(), due.before_today());
    let conn = &mut due.conn;
    let mut all = customers::all(conn, organization_id).await?;
    all.retain(|one| one.stamp.archived_at.is_none());
    let Some(before) = before else { return Ok(all) };
    if keeping::has_changed(conn, organization_id, &OF_ALL, before).await? {
        return Ok(all);
    }
    let mut ids = keeping::holders_since(conn, organization_id, Holder::Customer, before).await?;
    let people = ledger::roots_since(conn, organization_id, "person", before.ledger_sequence).await?;
    ids.extend(participants.customers_of(&people));
    let plan_ids = ledger::roots_since(conn, organization_id, "plan", before.ledger_sequence).await?;
    if !plan_ids.is_empty() {
        let plans = cx.plans().await?;
        ids.extend(plan_ids.iter().filter_map(|id| plans.find(*id)?.row.customer_id));
        let served: Vec<Uuid> = plan_ids.iter().filter_map(|id| plans.find(*id)?.row.person_id).collect();
        ids.extend(participants.customers_of(&served));
        // Customers that a plan belonged to before it was moved to another customer.
        let befores = ledger::befores_since(conn, organization_id, "plan.updated", before.ledger_sequence).await?;
        ids.extend(befores.iter().filter_map(|text| serde_json::from_str::<Owned>(text).ok()?.customer_id));
    }
    all.retain(|one| ids.contains(&one.id));
    Ok(all)
}

/// Looks at customers on the day of the marks.
pub(super) async fn look(
    cx: &Context,
    conn: &mut Conn,
    customers: Vec<Customer>,
    lens: &Arc<Lens>,
    marks: Marks,
) -> Result<Vec<Found>, ApiError> {
    let to = marks.as_of;
    let compared = lens.playbooks.iter().filter_map(|row| row.content.content.trigger.compares_with());
    let back = compared.map(i64::from).max().unwrap_or_default().max(TREND_DAYS);
    let from = plus_days(to, -back);
    let needs = lens.models.needs().reaching(risk::REACH_DAYS);
    let observed = observe(cx, conn, customers, needs, Stretch { from, to, known_at: None }).await?;
    let lens = Arc::clone(lens);
    let found = tokio::task::spawn_blocking(move || {
        let find = |one: Observed| {
            let days = one.days(&lens.models, plus_days(to, -TREND_DAYS), to);
            let day = days.last()?;
            let is_lost = !lens.outcomes.get(&one.customer.id).is_none_or(|own| is_customer(own, to));
            // Nobody is called about a customer that has left.
            let judgement = Judgement::of(lens.risk_model.as_ref(), &one.risk_known(to), to);
            let situation = one.situation(day, judgement.level(), &lens.participants);
            let held = |playbook: &Playbook| one.held(playbook, &lens.models, day, &situation).filter(|_| !is_lost);
            let held = lens.playbooks.iter().map(|row| held(&row.content.content)).collect();
            let row = row(&one, &days, &judgement, is_lost, marks.computed_at)?;
            let (facts, existed) = (one.facts_on(to).clone(), one.existed_from() <= to);
            Some(Found { row, held, customer: one.customer.clone(), facts, existed })
        };
        observed.into_iter().filter_map(find).collect()
    });
    found.await.map_err(ApiError::internal)
}

/// The customer of a plan, as recorded in the ledger.
#[derive(Deserialize)]
struct Owned {
    customer_id: Option<Uuid>,
}

/// The row to store for a customer.
fn row(
    one: &Observed,
    days: &[Day],
    judgement: &Judgement,
    is_lost: bool,
    computed_at: DateTime<Utc>,
) -> Option<ScoreRow> {
    let (before, day) = (days.first()?, days.last()?);
    Some(ScoreRow {
        customer_id: one.customer.id,
        as_of: day.on,
        score: day.score(),
        band: Text(day.band()),
        coverage: day.computed.coverage,
        model_key: day.model.key.clone(),
        model_number: day.model.number,
        score_before: before.score(),
        band_before: Text(before.band()),
        trend_per_week: slope_per_week(days),
        lowest_factor: day.lowest_factor().map(str::to_owned),
        is_overridden: day.set.is_some(),
        is_lost,
        risk_level: Text(judgement.level()),
        risk_points: judgement.risk.points,
        risk_probability: judgement.probability,
        risk_evidence: judgement.risk.worst().map(FactorFinding::evidence),
        computed_at,
    })
}

/// Stores the rows and lets playbooks react. Returns `false` if another process has done so in the meantime.
async fn save(
    unit: &mut Unit,
    before: Option<Marks>,
    found: &[Found],
    playbooks: &[PlaybookRow],
) -> Result<bool, ApiError> {
    if marks::find(&mut unit.conn, unit.organization_id, Upkeep::Health).await? != before {
        return Ok(false);
    }
    for one in found {
        health_scores::save(&mut unit.conn, unit.organization_id, &one.row).await?;
    }
    let ids: Vec<Uuid> = found.iter().map(|one| one.customer.id).collect();
    let unfinished = interventions::unfinished(&mut unit.conn, unit.organization_id, &ids).await?;
    let mut of_playbooks: HashMap<(Uuid, Uuid), Vec<&InterventionRow>> = HashMap::new();
    for row in &unfinished {
        if let Some(playbook_id) = row.playbook_id {
            of_playbooks.entry((playbook_id, row.customer_id)).or_default().push(row);
        }
    }
    if !playbooks.is_empty() && !found.is_empty() {
        let known = playbooks::states(&mut unit.conn, unit.organization_id, &ids).await?;
        let known: HashMap<(Uuid, Uuid), StateRow> =
            known.into_iter().map(|state| ((state.playbook_id, state.customer_id), state)).collect();
        for one in found {
            for (playbook, held) in playbooks.iter().zip(&one.held) {
                let both = (playbook.id, one.customer.id);
                let looked = Looked {
                    customer: &one.customer,
                    score: one.row.score,
                    held: held.as_deref(),
                    known: known.get(&both),
                    unfinished: of_playbooks.get(&both).map_or(&[][..], Vec::as_slice),
                };
                react_to(unit, playbook, looked).await?;
            }
        }
    }
    if unfinished.iter().any(|row| row.follows_owner) {
        // What has just ended is not given to anybody.
        let unfinished = interventions::unfinished(&mut unit.conn, unit.organization_id, &ids).await?;
        for one in found {
            follow_owner(unit, &one.customer, &unfinished).await?;
        }
    }
    Ok(true)
}
