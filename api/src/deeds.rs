//! Achievements of people, for boards and celebrations: loaded from plans, awards and verified impacts, and kept current from the ledger.
//!
//! Kept deeds are right for a ledger sequence; the entries since say whose to load again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use milepost_domain::people::profile::ProfileContent;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::template::TemplateContent;
use milepost_domain::recognition::badge::AchievementType;
use milepost_domain::recognition::deed::{
    AchievedMilestone, AwardedBadge, Begun, Deeds, FinishedLevel, Place, RecognitionConsent, ToldStory, VerifiedMoney,
    finished_levels,
};
use milepost_domain::recognition::impact::ImpactState;
use milepost_domain::recognition::story::StoryState;
use uuid::Uuid;

use crate::context::Context;
use crate::definitions::track_of;
use crate::error::ApiError;
use crate::honours::{Board, Honoured, Honours};
use crate::proving;
use crate::read_model::PlanView;
use crate::store::awards::AwardRow;
use crate::store::impacts::Impact;
use crate::store::people::Person;
use crate::store::profiles::Profile;
use crate::store::row::{self, Column as _, Condition, Table};
use crate::store::stories::Story;
use crate::store::undated_milestones::UndatedMilestone;
use crate::store::{Conn, ledger};

/// Number of changed people beyond which everybody is loaded again.
const MANY: usize = 2_000;

impl Context {
    /// The deeds of the organization's people, as of this request's ledger sequence or later, with what is proved by now.
    pub async fn honours(&self) -> Result<Arc<Honours>, ApiError> {
        proving::up_to_date(self).await?.0.recorded_honours().await
    }

    /// The deeds as they are recorded.
    async fn recorded_honours(&self) -> Result<Arc<Honours>, ApiError> {
        let (organization_id, sequence) = (self.organization_id(), self.who.tenant.sequence);
        let memory = &self.app.deeds.honours;
        if let Some(known) = memory.get(&organization_id).filter(|known| known.sequence >= sequence) {
            return Ok(known);
        }
        let mut conn = self.survey().await?;
        let known = memory.get(&organization_id);
        if let Some(known) = known.as_ref().filter(|known| known.sequence >= sequence) {
            return Ok(Arc::clone(known));
        }
        let changed = match &known {
            Some(known) => self.changed_since(&mut conn, known).await?,
            None => None,
        };
        let loaded = load(self, &mut conn, changed.as_ref()).await?;
        let mut people = match (&known, &changed) {
            (Some(known), Some(_)) => known.people.clone(),
            _ => HashMap::new(),
        };
        for id in changed.iter().flatten() {
            people.remove(id);
        }
        people.extend(loaded.into_iter().map(|one| (one.person.id, Arc::new(one))));
        let honours = Arc::new(Honours { sequence, people });
        memory.insert(organization_id, Arc::clone(&honours));
        Ok(honours)
    }

    /// The people of whom something has changed since; `None` if there are too many.
    async fn changed_since(&self, conn: &mut Conn, known: &Honours) -> Result<Option<HashSet<Uuid>>, ApiError> {
        let organization_id = self.organization_id();
        let people = ledger::roots_since(conn, organization_id, "person", known.sequence).await?;
        let plans = ledger::roots_since(conn, organization_id, "plan", known.sequence).await?;
        let mut changed: HashSet<Uuid> = people.into_iter().collect();
        if !plans.is_empty() {
            let plans: HashSet<Uuid> = plans.into_iter().collect();
            let is_of = |begun: &Begun| begun.place.plan_id.is_some_and(|id| plans.contains(&id));
            let served = known.people.iter().filter(|(_, one)| one.deeds.begun.iter().any(is_of));
            changed.extend(served.map(|(id, _)| *id));
            let now = self.plans().await?;
            changed.extend(plans.iter().filter_map(|id| now.find(*id)?.row.person_id));
        }
        Ok((changed.len() <= MANY).then_some(changed))
    }

    /// The board that answers a question, made once for a ledger sequence.
    pub fn board(&self, honours: &Honours, question: String, make: impl FnOnce() -> Board) -> Arc<Board> {
        self.app.deeds.boards.get_with((self.organization_id(), honours.sequence, question), || Arc::new(make()))
    }
}

/// Loads people with their deeds: some, or all.
async fn load(cx: &Context, conn: &mut Conn, ids: Option<&HashSet<Uuid>>) -> Result<Vec<Honoured>, ApiError> {
    let organization_id = cx.organization_id();
    let people: Vec<Person> = rows(conn, organization_id, "id", ids).await?;
    let profiles: Vec<Profile> = rows(conn, organization_id, "id", ids).await?;
    let consents: HashMap<Uuid, RecognitionConsent> =
        profiles.into_iter().map(|one| (one.id, one.content.recognition)).collect();
    let awards = row::by(rows::<AwardRow>(conn, organization_id, "person_id", ids).await?, |one| one.person_id);
    let impacts = rows::<Impact>(conn, organization_id, "person_id", ids).await?;
    let impacts = impacts.into_iter().filter(|one| one.stamp.state == ImpactState::Verified).collect();
    let mut impacts = row::by(impacts, |one: &Impact| one.person_id.unwrap_or_default());
    let stories = rows::<Story>(conn, organization_id, "person_id", ids).await?;
    let stories = row::by(stories, |one: &Story| one.person_id.unwrap_or_default());
    let all = cx.plans().await?;
    let mut plans: HashMap<Uuid, Vec<Arc<PlanView>>> = HashMap::new();
    for plan in &all.by_name {
        if let Some(id) = plan.row.person_id.filter(|id| ids.is_none_or(|ids| ids.contains(id))) {
            plans.entry(id).or_default().push(Arc::clone(plan));
        }
    }
    let plan_ids: HashSet<Uuid> = plans.values().flatten().map(|plan| plan.row.id).collect();
    let undated = rows::<UndatedMilestone>(conn, organization_id, "plan_id", ids.map(|_| &plan_ids)).await?;
    let undated = undated.into_iter().filter(|one| one.achieved_on.is_some()).collect();
    let undated = row::by(undated, |one: &UndatedMilestone| one.plan_id);
    let mut loaded = vec![];
    for person in people.into_iter().filter(|person| person.merged_into_id().is_none()) {
        let own = plans.remove(&person.id).unwrap_or_default();
        let (mut deeds, mut contents) = (Deeds::default(), HashMap::new());
        for plan in &own {
            let content = cx.app.definitions.of_plan(conn, organization_id, &plan.row).await?;
            let undated = undated.get(&plan.row.id).map_or(&[][..], Vec::as_slice);
            add_plan(&mut deeds, plan, content.as_deref(), undated);
            contents.insert(plan.row.id, (plan, content));
        }
        deeds.awards = awards.get(&person.id).into_iter().flatten().map(awarded).collect();
        for impact in impacts.remove(&person.id).unwrap_or_default() {
            let plan = impact.plan_id.and_then(|id| contents.get(&id));
            deeds.impacts.extend(verified(&impact, plan.map(|(plan, content)| (&***plan, content.as_deref()))));
        }
        deeds.stories = stories.get(&person.id).into_iter().flatten().filter_map(told).collect();
        let consent = consents.get(&person.id).copied().unwrap_or_else(|| ProfileContent::default().recognition);
        loaded.push(Honoured { person, consent, deeds });
    }
    Ok(loaded)
}

async fn rows<T: Table>(
    conn: &mut Conn,
    organization_id: Uuid,
    column: &'static str,
    ids: Option<&HashSet<Uuid>>,
) -> sqlx::Result<Vec<T>> {
    let of = ids.map(|ids| Condition::OneOf(column, ids.iter().map(Uuid::to_value).collect()));
    row::all(conn, organization_id, of.as_slice(), "id").await
}

fn add_plan(deeds: &mut Deeds, plan: &PlanView, content: Option<&TemplateContent>, undated: &[UndatedMilestone]) {
    let place = |track: Option<&str>| Place {
        plan_id: Some(plan.row.id),
        template_id: plan.row.template_id,
        track: track.map(Arc::from),
    };
    let name = plan.row.name.as_str().into();
    deeds.begun.push(Begun { on: plan.facts.start_on, place: place(None), name });
    let definition = |key: &str| content?.find(key);
    let celebration = |key: &str| definition(key)?.celebration.as_ref().map(|text| Arc::from(text.as_str()));
    let is_alternative = |key: &str| content.is_some_and(|content| content.pathway_of(key).is_some());
    let dated = plan.labels.iter().zip(&plan.facts.milestones);
    for (label, facts) in dated.filter(|(_, facts)| facts.state == State::Achieved) {
        let Some(on) = facts.closed_on else { continue };
        deeds.milestones.push(AchievedMilestone {
            on,
            key: label.key.as_ref().into(),
            name: label.name.as_ref().into(),
            points: label.weight,
            celebration: celebration(&label.key),
            place: place(label.phase.as_deref()),
        });
    }
    for one in undated {
        let Some(on) = one.achieved_on else { continue };
        deeds.milestones.push(AchievedMilestone {
            on,
            key: one.key.as_str().into(),
            name: one.name.as_str().into(),
            celebration: celebration(&one.key),
            // For alternatives, their pathway counts.
            points: match definition(&one.key) {
                Some(_) if is_alternative(&one.key) => 0.0,
                definition => definition.map_or(1.0, |definition| f64::from(definition.weight)),
            },
            place: place(one.phase.as_deref()),
        });
    }
    // Of what was waived or canceled, nothing is missing.
    let is_dropped = |key: &str| {
        let mut dated = plan.labels.iter().zip(&plan.facts.milestones);
        dated.any(|(label, facts)| &*label.key == key && facts.state.is_dropped())
    };
    let achieved_on = |key: &str| {
        let own = deeds.milestones.iter().find(|one| &*one.key == key && one.place.plan_id == Some(plan.row.id));
        own.map(|one| one.on)
    };
    let leveled = content.into_iter().flat_map(|content| &content.milestones).filter(|one| !is_dropped(&one.key));
    let leveled = leveled
        .filter(|one| !is_alternative(&one.key))
        .filter_map(|one| Some((track_of(plan, content, &one.key), one.level.as_deref()?, achieved_on(&one.key))));
    let finished = finished_levels(leveled.collect::<Vec<_>>()).into_iter().map(|(track, level, on)| FinishedLevel {
        level: level.into(),
        on,
        place: place(track),
    });
    let finished: Vec<FinishedLevel> = finished.collect();
    deeds.levels.extend(finished);
}

fn awarded(award: &AwardRow) -> AwardedBadge {
    AwardedBadge {
        id: award.id,
        badge_key: award.badge.key.as_str().into(),
        name: award.badge.name.as_str().into(),
        tier: award.badge.design.tier,
        is_certification: award.badge.achievement_type == AchievementType::Certification,
        is_renewal: award.renews_id.is_some(),
        life: award.life(),
    }
}

fn told(story: &Story) -> Option<ToldStory> {
    let on = story.stamp.published_on.filter(|_| story.stamp.state == StoryState::Published)?;
    Some(ToldStory { id: story.id, on, title: story.title.as_str().into(), shown_to: story.stamp.shown_to? })
}

fn verified(impact: &Impact, plan: Option<(&PlanView, Option<&TemplateContent>)>) -> Option<VerifiedMoney> {
    let track = plan.and_then(|(plan, content)| track_of(plan, content, impact.milestone_key.as_ref()?));
    let place = Place {
        plan_id: impact.plan_id,
        template_id: plan.and_then(|(plan, _)| plan.row.template_id),
        track: track.map(Arc::from),
    };
    Some(VerifiedMoney {
        on: impact.stamp.verified_on?,
        currency: impact.currency.as_ref()?.to_string(),
        attributed_minor: impact.attributed_minor()?,
        place,
    })
}
