//! Facts by which the milestones of plans are judged.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::template::{MilestoneDefinition, TemplateContent};
use milepost_domain::proof::Proof;
use milepost_domain::proof::criterion::{Criterion, CriterionKind, Whose};
use milepost_domain::proof::judge::{Held, Judgement, Known, VerifiedImpact, judge};
use milepost_domain::proof::validation::{Approval, Submission, in_force};
use milepost_domain::recognition::impact::{ImpactContent, ImpactState};
use milepost_domain::usage::metric::Aggregate;
use milepost_domain::values::dates::plus_days;
use uuid::Uuid;

use crate::clock::date_in;
use crate::context::Context;
use crate::read_model::PlanView;
use crate::store::awards::AwardRow;
use crate::store::impacts::Impact;
use crate::store::measured_events::{Axis, Recent, Span};
use crate::store::milestone_proofs::MilestoneStanding;
use crate::store::reference_periods::ReferenceRow;
use crate::store::row::{self, Column as _, Condition};
use crate::store::undated_milestones::UndatedMilestone;
use crate::store::validations::ValidationAsk;
use crate::store::{Conn, reference_periods, usage_events, usage_rewrites, validations};
use crate::usage::digest::{Digest, Wanted};
use crate::usage::memory::Question;

/// Number of events back to which those of many are read at once.
const REACH: i64 = 10_000;

/// Facts of one plan.
#[derive(Debug)]
pub struct Observed {
    /// Plan.
    pub plan: Arc<PlanView>,
    /// Version of the template that it was made from.
    pub content: Arc<TemplateContent>,
    /// Its milestones without a date.
    pub undated: Vec<UndatedMilestone>,
    /// Standings of its milestones as they were last looked at.
    pub standings: Vec<MilestoneStanding>,
    as_of: NaiveDate,
    person: Option<Arc<Digest>>,
    customer: Option<Arc<Digest>>,
    awards: Vec<Held>,
    impacts: Vec<VerifiedImpact>,
    approvals: HashMap<String, Vec<Approval>>,
}

/// Judgement of a milestone of a plan.
#[derive(Debug)]
pub struct Judged {
    /// Position of the milestone in the template.
    pub at: usize,
    /// Judgement.
    pub judgement: Judgement,
    /// Whether the milestone waits for nothing.
    pub is_unlocked: bool,
}

/// Loads what is known of plans by the end of a day. The connection must be a snapshot.
pub async fn observe(
    cx: &Context,
    conn: &mut Conn,
    plans: &[Arc<PlanView>],
    as_of: NaiveDate,
) -> sqlx::Result<Vec<Observed>> {
    let organization_id = cx.organization_id();
    let ids: Vec<Uuid> = plans.iter().map(|plan| plan.row.id).collect();
    let people: HashSet<Uuid> = plans.iter().filter_map(|plan| plan.row.person_id).collect();
    let customers = plans.iter().filter_map(|plan| plan.row.customer_id);
    let holders: HashSet<Uuid> = people.iter().copied().chain(customers).collect();
    let holders: Vec<Uuid> = holders.into_iter().collect();
    let references = reference_periods::of_holders(conn, organization_id, &holders).await?;
    let names: Vec<&str> = references.values().flatten().map(|row| row.external_ref.as_str()).collect();
    let rewritten = usage_rewrites::of_subjects(conn, organization_id, &names).await?;
    let head = usage_events::last_number(conn, organization_id).await?;
    let recent = recent(conn, organization_id, &references, head).await?;
    let reading = cx.reading();
    let awards = awards_of(cx, conn, &people).await?;
    let impacts = impacts_of(cx, conn, &people).await?;
    let mut undated =
        row::by(row::of_plans::<UndatedMilestone>(conn, organization_id, Some(&ids)).await?, |one| one.plan_id);
    let known = row::of_plans::<MilestoneStanding>(conn, organization_id, Some(&ids)).await?;
    let mut standings = row::by(known, |one| one.plan_id);
    let mut approvals = approvals_of(conn, organization_id, &ids).await?;
    let mut observed = vec![];
    for plan in plans {
        let Some(content) = cx.app.definitions.of_plan(conn, organization_id, &plan.row).await? else { continue };
        let mut digests = [None, None];
        let sides =
            [(Whose::Person, Axis::Person, plan.row.person_id), (Whose::Customer, Axis::Subject, plan.row.customer_id)];
        for (digest, (whose, axis, holder)) in digests.iter_mut().zip(sides) {
            let criteria: Vec<&Criterion> = criteria(&content).filter(|one| one.whose() == whose).collect();
            let (Some(holder), false) = (holder, criteria.is_empty()) else { continue };
            let wanted: Vec<Wanted> = criteria.iter().filter_map(|one| wanted(one)).collect();
            let from = from(&criteria, plan.facts.start_on).map(|on| on.and_time(NaiveTime::MIN).and_utc());
            let (reading, wanted, rewritten) = (&reading, &wanted[..], &rewritten);
            let recent = recent.get(&axis);
            let question = Question { organization_id, reading, from, wanted, head, rewritten, recent };
            let spans: Vec<Span> = references.get(&holder).into_iter().flatten().map(Span::from).collect();
            *digest = Some(cx.app.usage.digest(conn, &spans, &question).await?);
        }
        let [person, customer] = digests;
        observed.push(Observed {
            content,
            undated: undated.remove(&plan.row.id).unwrap_or_default(),
            standings: standings.remove(&plan.row.id).unwrap_or_default(),
            as_of,
            person,
            customer,
            approvals: approvals.remove(&plan.row.id).unwrap_or_default(),
            impacts: plan.row.person_id.and_then(|id| impacts.get(&id)).cloned().unwrap_or_default(),
            awards: plan.row.person_id.and_then(|id| awards.get(&id)).cloned().unwrap_or_default(),
            plan: Arc::clone(plan),
        });
    }
    Ok(observed)
}

/// The events that were recorded last, if many are asked about: one statement in place of one for each.
async fn recent(
    conn: &mut Conn,
    organization_id: Uuid,
    references: &HashMap<Uuid, Vec<ReferenceRow>>,
    head: i64,
) -> sqlx::Result<HashMap<Axis, Recent>> {
    let mut recent = HashMap::new();
    for axis in [Axis::Person, Axis::Subject] {
        let own = references.values().flatten().filter(|row| Axis::of(row.kind) == axis);
        let names: Vec<&str> = own.map(|row| row.external_ref.as_str()).collect();
        if names.len() > 1 {
            let found = Recent::read(conn, organization_id, axis, &names, head - REACH).await?;
            recent.insert(axis, found);
        }
    }
    Ok(recent)
}

/// The criteria of a template that count usage events.
fn criteria(content: &TemplateContent) -> impl Iterator<Item = &Criterion> {
    let all = content.milestones.iter().filter_map(|one| one.proof.as_ref()).flat_map(|proof| &proof.criteria);
    all.filter(|criterion| criterion.kind == CriterionKind::Metric)
}

fn wanted(criterion: &Criterion) -> Option<Wanted> {
    criterion.definition.clone().map(Wanted::by_meaning)
}

/// The day from which events can matter: a day before the plan, because days depend on the time zone. `None` if all of them can.
fn from(criteria: &[&Criterion], start_on: NaiveDate) -> Option<NaiveDate> {
    let is_silence =
        |one: &&Criterion| one.definition.as_ref().map(|own| own.aggregate) == Some(Aggregate::DaysSinceLast);
    let reaches_back = criteria.iter().any(|one| one.from_before || is_silence(one));
    (!reaches_back).then(|| plus_days(start_on, -1))
}

/// Awards of people by person. Who was merged into somebody has left their awards to them.
async fn awards_of(cx: &Context, conn: &mut Conn, people: &HashSet<Uuid>) -> sqlx::Result<HashMap<Uuid, Vec<Held>>> {
    let ids = people.iter().map(Uuid::to_value).collect();
    let rows: Vec<AwardRow> = row::all(conn, cx.organization_id(), &[Condition::OneOf("person_id", ids)], "id").await?;
    let mut held: HashMap<Uuid, Vec<Held>> = HashMap::new();
    let day = |at: Option<DateTime<Utc>>| at.map(|at| date_in(cx.who.tenant.zone, at));
    for award in rows {
        let ends = [award.expires_on, day(award.suspended_at), day(award.revoked_at)];
        let own = Held::of(award.badge.key.to_string(), award.issued_on, ends);
        held.entry(award.person_id).or_default().push(own);
    }
    Ok(held)
}

/// Verified impacts of people by person.
async fn impacts_of(
    cx: &Context,
    conn: &mut Conn,
    people: &HashSet<Uuid>,
) -> sqlx::Result<HashMap<Uuid, Vec<VerifiedImpact>>> {
    let ids = people.iter().map(Uuid::to_value).collect();
    let conditions = [Condition::OneOf("person_id", ids), Condition::Equals("state", ImpactState::Verified.to_value())];
    let mut verified: HashMap<Uuid, Vec<VerifiedImpact>> = HashMap::new();
    for impact in row::all::<Impact>(conn, cx.organization_id(), &conditions, "id").await? {
        if let (Some(id), Some(verified_on), Some(attributed)) =
            (impact.person_id, impact.stamp.verified_on, impact.attributed())
        {
            let ImpactContent { kind, currency, .. } = impact.content;
            verified.entry(id).or_default().push(VerifiedImpact { kind, currency, attributed, verified_on });
        }
    }
    Ok(verified)
}

/// Approvals that speak for plans' milestones, by plan and milestone.
async fn approvals_of(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, HashMap<String, Vec<Approval>>>> {
    let rows = validations::of_plans(conn, organization_id, plan_ids).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let asks = if ids.is_empty() { HashMap::new() } else { validations::asks_of(conn, organization_id, &ids).await? };
    let mut submissions: HashMap<(Uuid, String), Vec<Submission>> = HashMap::new();
    for row in rows {
        let (Some(plan_id), Some(key)) = (row.plan_id, row.milestone_key) else { continue };
        let asked = asks.get(&row.id).into_iter().flatten().map(ValidationAsk::asked).collect();
        submissions.entry((plan_id, key.to_string())).or_default().push((row.state, asked));
    }
    let mut approvals: HashMap<Uuid, HashMap<String, Vec<Approval>>> = HashMap::new();
    for ((plan_id, key), own) in submissions {
        approvals.entry(plan_id).or_default().insert(key, in_force(&own));
    }
    Ok(approvals)
}

impl Observed {
    /// Judges the milestones that prove themselves.
    pub fn judge(&self) -> Vec<Judged> {
        self.by_known(|known| {
            let judged = |(at, proof): (usize, &Proof)| {
                let definition = &self.content.milestones[at];
                let missing = self.missing_by(definition, known);
                Judged { at, judgement: judge(definition.key.as_str(), proof, known), is_unlocked: missing.is_empty() }
            };
            let all = self.content.milestones.iter().enumerate();
            let proofs = all.filter_map(|(at, one)| Some((at, one.proof.as_ref()?)));
            proofs.filter(|(at, _)| self.is_there(&self.content.milestones[*at])).map(judged).collect()
        })
    }

    /// Obstacles of a milestone of the plan, in words: open milestones, and prerequisites that are not met.
    pub fn missing(&self, definition: &MilestoneDefinition) -> Vec<String> {
        self.by_known(|known| self.missing_by(definition, known))
    }

    fn missing_by(&self, definition: &MilestoneDefinition, known: &Known<'_>) -> Vec<String> {
        let mut missing = self.open_dependencies(definition);
        if !definition.prerequisites.is_empty() {
            let all = Proof { criteria: definition.prerequisites.clone(), any: None, must_hold: false };
            let findings = judge(definition.key.as_str(), &all, known).findings;
            let unmet = all.criteria.iter().zip(&findings).filter(|(_, finding)| !finding.is_met);
            missing.extend(unmet.map(|(criterion, finding)| finding.words(criterion)));
        }
        missing
    }

    /// Keys of the open milestones that one waits for: by the plan's dependencies, or by those of the template if it has no date.
    fn open_dependencies(&self, definition: &MilestoneDefinition) -> Vec<String> {
        let facts = &self.plan.facts;
        let place = |key: &str| self.plan.labels.iter().position(|label| &*label.key == key);
        if let Some(at) = place(definition.key.as_str()) {
            let open = facts.locks(at).map(|from| self.plan.labels[from].key.to_string());
            return open.collect();
        }
        let is_open = |key: &str| {
            place(key).is_some_and(|at| facts.milestones[at].state.is_open())
                || self.undated.iter().any(|one| one.key.as_str() == key && one.achieved_on.is_none())
        };
        let needed = definition.depends_on.iter().map(Dependency::as_str);
        needed.filter(|key| is_open(key)).map(str::to_owned).collect()
    }

    fn by_known<R>(&self, ask: impl FnOnce(&Known<'_>) -> R) -> R {
        let facts = &self.plan.facts;
        let dated = self.plan.labels.iter().zip(&facts.milestones);
        let dated = dated.filter(|(_, milestone)| milestone.state == State::Achieved);
        let dated = dated.filter_map(|(label, milestone)| Some((&*label.key, milestone.closed_on?)));
        let undated = self.undated.iter().filter_map(|one| Some((one.key.as_str(), one.achieved_on?)));
        let achieved: HashMap<&str, NaiveDate> = dated.chain(undated).collect();
        // Many criteria ask for the same days.
        let figures: RefCell<HashMap<NaiveDate, EarnedValue>> = RefCell::default();
        let figure = |day| *figures.borrow_mut().entry(day).or_insert_with(|| facts.earned_value(day));
        let known = Known {
            approvals: &self.approvals,
            start_on: facts.start_on,
            until: self.as_of,
            tallies: &|criterion| {
                let digest = match criterion.whose() {
                    Whose::Person => self.person.as_ref(),
                    Whose::Customer => self.customer.as_ref(),
                };
                digest?.tallies(&wanted(criterion)?)
            },
            awards: &self.awards,
            impacts: &self.impacts,
            achieved: &achieved,
            figure: &|kind, day| match kind {
                CriterionKind::Spi => figure(day).spi().ok(),
                _ => figure(day).earned_percent(),
            },
        };
        ask(&known)
    }

    fn is_there(&self, definition: &MilestoneDefinition) -> bool {
        let key = definition.key.as_str();
        self.plan.labels.iter().any(|label| &*label.key == key)
            || self.undated.iter().any(|one| one.key == definition.key)
    }

    /// The standing of a milestone as it was last looked at.
    pub fn standing(&self, key: &str) -> Option<&MilestoneStanding> {
        self.standings.iter().find(|standing| standing.key.as_str() == key)
    }
}
