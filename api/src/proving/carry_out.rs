//! Carrying out what follows from judgements: achievements, tiers, and standings that somebody has to look at.

use std::collections::HashMap;

use chrono::NaiveDate;
use milepost_domain::plan::milestone::{Evidence, State};
use milepost_domain::plan::template::MilestoneDefinition;
use milepost_domain::proof::Proof;
use milepost_domain::proof::criterion::Criterion;
use milepost_domain::proof::judge::{Finding, Judgement, Reached};
use milepost_domain::proof::standing::{Consequence, Standing, decide, proved_on};
use milepost_domain::values::text::{Name, Reason};
use uuid::Uuid;

use super::observed::{Judged, Observed};
use crate::awarding;
use crate::context::Context;
use crate::error::ApiError;
use crate::granting;
use crate::stepping;
use crate::store::milestone_proofs::MilestoneStanding;
use crate::store::plans::{self, PlanRecord};
use crate::store::row;
use crate::store::undated_milestones::{self, UndatedMilestone};
use crate::unit::{Change, Entity, Unit};

/// Reason of a reopening by the server.
const NO_LONGER_HOLDS: &str = "The proof no longer holds.";

/// Outcome of a portion of plans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Whether anything has followed that other plans or milestones may follow from.
    pub has_recorded: bool,
    /// Whether a plan was left out because it has changed since it was judged.
    pub has_skipped: bool,
}

/// Carries out what follows from the judgements of some plans, in one unit. A plan that has changed since, by another process or a person, is
/// left for the next round.
pub async fn carry_out(
    cx: &Context,
    judged: &[(Vec<Judged>, Observed)],
    forgotten_before: Option<NaiveDate>,
) -> Result<Done, ApiError> {
    let judged: Vec<&(Vec<Judged>, Observed)> = judged
        .iter()
        .filter(|(judgements, observed)| {
            let looked = Looked { observed, forgotten_before };
            judgements.iter().any(|one| looked.has_news(one, cx.today()))
        })
        .collect();
    if judged.is_empty() {
        // Mostly, what comes proves nothing: then nobody writes.
        return Ok(Done::default());
    }
    let mut unit = cx.begin().await?;
    let ids: Vec<Uuid> = judged.iter().map(|(_, observed)| observed.plan.row.id).collect();
    let now: Vec<MilestoneStanding> = row::of_plans(&mut unit.conn, unit.organization_id, Some(&ids)).await?;
    let plans = plans::versions(&mut unit.conn, unit.organization_id, &ids).await?;
    let versions = |of: &[MilestoneStanding], plan_id: Uuid| -> HashMap<Uuid, i64> {
        of.iter().filter(|one| one.plan_id == plan_id).map(|one| (one.id, one.version)).collect()
    };
    let mut done = Done::default();
    for (judgements, observed) in judged {
        let row = &observed.plan.row;
        let is_same = plans.get(&row.id) == Some(&row.version);
        if !is_same || versions(&now, row.id) != versions(&observed.standings, row.id) {
            done.has_skipped |= plans.contains_key(&row.id);
            continue;
        }
        let looked = Looked { observed, forgotten_before };
        let mut plan = Plan { observed, looked, record: None };
        for one in judgements {
            let definition = &observed.content.milestones[one.at];
            if let Some(proof) = &definition.proof {
                plan.follow(&mut unit, definition, proof, one).await?;
            }
        }
    }
    done.has_recorded = unit.has_recorded();
    unit.commit().await?;
    Ok(done)
}

/// A plan as it was looked at.
#[derive(Clone, Copy)]
struct Looked<'a> {
    observed: &'a Observed,
    /// First day of which no event was deleted because of its age.
    forgotten_before: Option<NaiveDate>,
}

impl Looked<'_> {
    /// Whether a judgement changes anything.
    fn has_news(self, Judged { at, judgement, is_unlocked }: &Judged, today: NaiveDate) -> bool {
        let definition = &self.observed.content.milestones[*at];
        let known = self.observed.standing(definition.key.as_str());
        let (Some(proof), Some(known)) = (&definition.proof, known) else { return true };
        let before = self.before(definition, proof, *is_unlocked, today);
        decide(proof, judgement, before) != Consequence::default()
            || proved_on(before, judgement, known.proved_on) != known.proved_on
            || (before.is_achieved && !known.was_achieved)
    }

    /// The standing of a milestone before the judgement.
    fn before(self, definition: &MilestoneDefinition, proof: &Proof, is_unlocked: bool, today: NaiveDate) -> Standing {
        let plan = &self.observed.plan;
        let key = definition.key.as_str();
        let known = self.observed.standing(key);
        let at = plan.labels.iter().position(|label| &*label.key == key);
        let state = at.map(|at| plan.facts.milestones[at].state);
        let undated = self.observed.undated.iter().find(|one| one.key == definition.key);
        Standing {
            is_achieved: state == Some(State::Achieved) || undated.is_some_and(|one| one.achieved_on.is_some()),
            is_dropped: state.is_some_and(State::is_dropped),
            is_unlocked,
            was_achieved: known.is_some_and(|known| known.was_achieved),
            is_forgotten: self
                .forgotten_before
                .is_some_and(|first| proof.counts_from(plan.facts.start_on, today).is_some_and(|from| from < first)),
            was_proved: known.is_some_and(|known| known.achieved_on.is_some()),
            tier: known.and_then(|known| known.tier),
            is_contested: known.is_some_and(|known| known.contested_at.is_some()),
            is_upheld: known.is_some_and(|known| known.upheld_at.is_some()),
        }
    }
}

/// A plan whose milestones are followed. Its record is loaded when the first one has to change.
struct Plan<'a> {
    observed: &'a Observed,
    looked: Looked<'a>,
    record: Option<PlanRecord>,
}

impl Plan<'_> {
    async fn follow(
        &mut self,
        unit: &mut Unit,
        definition: &MilestoneDefinition,
        proof: &Proof,
        Judged { judgement, is_unlocked, .. }: &Judged,
    ) -> Result<(), ApiError> {
        let key = definition.key.as_str();
        let known = self.observed.standing(key);
        let before = self.looked.before(definition, proof, *is_unlocked, unit.today);
        let consequence = decide(proof, judgement, before);
        let mut after = known.cloned().unwrap_or_else(|| begun(unit, self.observed.plan.row.id, definition));
        after.proved_on = proved_on(before, judgement, after.proved_on);
        after.was_achieved |= before.is_achieved;
        let Consequence { achieve_on, reopen, tiers, contest, settle } = consequence;
        if let Some(on) = achieve_on
            && let Some(achieved_on) = self.achieve(unit, definition, on, evidence(proof, judgement)).await?
        {
            (after.achieved_on, after.was_achieved) = (Some(achieved_on), true);
            if definition.lowest_tier().is_none() {
                self.award(unit, definition, None, achieved_on).await?;
            }
            if let Some(person_id) = self.observed.plan.row.person_id {
                granting::for_milestone(unit, person_id, &definition.rewards, achieved_on).await?;
            }
        }
        if reopen {
            self.reopen(unit, key).await?;
            (after.achieved_on, after.was_achieved) = (None, false);
        }
        if before.is_achieved || after.achieved_on.is_some() {
            for reached in tiers {
                self.award(unit, definition, Some(reached), reached.reached_on).await?;
                after.tier = Some(reached.tier);
            }
        }
        if contest {
            after.contested_at = Some(unit.now);
        }
        if settle {
            (after.contested_at, after.upheld_at, after.reason) = (None, None, None);
        }
        save(unit, known, after).await
    }

    async fn record(&mut self, unit: &mut Unit) -> Result<&mut PlanRecord, ApiError> {
        if self.record.is_none() {
            let id = self.observed.plan.row.id;
            self.record = plans::find(&mut unit.conn, unit.organization_id, id).await?;
        }
        self.record.as_mut().ok_or_else(ApiError::not_found)
    }

    /// Achieves a milestone. Answers the day of its achievement, or `None` if it changed meanwhile.
    async fn achieve(
        &mut self,
        unit: &mut Unit,
        definition: &MilestoneDefinition,
        on: NaiveDate,
        evidence: Vec<Evidence>,
    ) -> Result<Option<NaiveDate>, ApiError> {
        if let Some(row) = self.undated(unit, definition.key.as_str()).await? {
            if row.achieved_on.is_some() {
                return Ok(None);
            }
            stepping::achieve_undated(unit, &row, on).await?;
            return Ok(Some(on));
        }
        let record = self.record(unit).await?;
        let Some(position) = record.position(definition.key.as_str()) else { return Ok(None) };
        stepping::achieve_proved(unit, record, position, on, evidence).await
    }

    async fn reopen(&mut self, unit: &mut Unit, key: &str) -> Result<(), ApiError> {
        let reason = Reason::trusted(NO_LONGER_HOLDS.to_owned());
        if let Some(row) = self.undated(unit, key).await? {
            return stepping::reopen_undated(unit, &row, reason).await.map(|_| ());
        }
        let record = self.record(unit).await?;
        let Some(position) = record.position(key) else { return Ok(()) };
        stepping::reopen_unproved(unit, record, position, reason).await
    }

    async fn undated(&self, unit: &mut Unit, key: &str) -> Result<Option<UndatedMilestone>, ApiError> {
        let id = self.observed.plan.row.id;
        let found = undated_milestones::find(&mut unit.conn, unit.organization_id, id, key).await?;
        Ok(found)
    }

    async fn award(
        &mut self,
        unit: &mut Unit,
        definition: &MilestoneDefinition,
        reached: Option<Reached>,
        on: NaiveDate,
    ) -> Result<(), ApiError> {
        let Some(person_id) = self.observed.plan.row.person_id else { return Ok(()) };
        let Some(content) = definition.earned_badge(reached.map(|one| one.tier)) else { return Ok(()) };
        let results = awarding::results_of(unit, self.observed.plan.row.id, definition.key.as_str()).await?;
        awarding::earned(unit, person_id, content, (on, results)).await
    }
}

fn begun(unit: &Unit, plan_id: Uuid, definition: &MilestoneDefinition) -> MilestoneStanding {
    MilestoneStanding {
        id: unit.new_id(),
        plan_id,
        key: definition.key.clone(),
        proved_on: None,
        tier: None,
        achieved_on: None,
        was_achieved: false,
        contested_at: None,
        upheld_at: None,
        reason: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    }
}

/// Writes a standing if it is new or has changed. What somebody has to look at, and that nobody has to any more, goes into the ledger.
async fn save(unit: &mut Unit, known: Option<&MilestoneStanding>, after: MilestoneStanding) -> Result<(), ApiError> {
    let Some(before) = known else {
        row::insert(&mut unit.conn, unit.organization_id, &after).await?;
        return Ok(());
    };
    if *before == after {
        return Ok(());
    }
    let after = MilestoneStanding { version: before.version + 1, updated_at: unit.now, ..after };
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    let verb = match (before.contested_at, after.contested_at) {
        (None, Some(_)) => "contested",
        (Some(_), None) => "settled",
        _ => return Ok(()),
    };
    record(unit, verb, before, &after).await
}

/// Records a change of a standing.
pub async fn record(
    unit: &mut Unit,
    verb: &str,
    before: &MilestoneStanding,
    after: &MilestoneStanding,
) -> Result<(), ApiError> {
    let (entity, root) = ((Entity::Proof, after.id), (Entity::Plan, after.plan_id));
    unit.record(Change { verb, entity, root, before: Some(before), after: Some(after) }).await
}

/// The evidence of a proof: what each criterion that is met was judged by.
fn evidence(proof: &Proof, judgement: &Judgement) -> Vec<Evidence> {
    let met = proof.criteria.iter().zip(&judgement.findings).filter(|(_, finding)| finding.met_on.is_some());
    let said = |(criterion, finding): (&Criterion, &Finding)| {
        let title: String = finding.words(criterion).chars().take(Name::MAX_CHARS).collect();
        Evidence { title: Name::trusted(title), url: None, note: None }
    };
    met.map(said).collect()
}
