//! Awarding of badges to people: by hand, and for milestones of plans that serve them.

use aws_lc_rs::rand;
use chrono::NaiveDate;
use milepost_domain::ledger::hex;
use milepost_domain::proof::validation::{Decision, Score, ValidationState, rubric_result};
use milepost_domain::recognition::award::expires_on;
use milepost_domain::recognition::badge::BadgeContent;
use milepost_domain::recognition::rule::RecognitionRule;
use milepost_domain::recognition::status_list::{BITS, MOST_TRIES};
use milepost_domain::rule::Rule as _;
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::granting;
use crate::resource::{self, By, look_up};
use crate::store::awards::{self, AwardRow};
use crate::store::badges::Badge;
use crate::store::people::Person;
use crate::store::plans::PlanRecord;
use crate::store::row::{self, Column as _, Condition};
use crate::store::validations::{self, ValidationAsk, ValidationRow};
use crate::unit::{Change, Entity, Unit};

/// Awards the badge that a template names for a milestone, and grants the rewards, to the person whom the plan serves. Of a milestone with
/// tiers that somebody achieves by hand, it is that of the lowest tier.
pub async fn for_milestone(
    cx: &Context,
    unit: &mut Unit,
    record: &PlanRecord,
    key: &str,
    awarded_on: NaiveDate,
) -> Result<(), ApiError> {
    let Some(person_id) = record.plan.person_id else { return Ok(()) };
    let template = cx.app.definitions.of_plan(&mut unit.conn, unit.organization_id, &record.plan).await?;
    let definition = template.as_ref().and_then(|content| content.find(key));
    let Some(definition) = definition else { return Ok(()) };
    if let Some(content) = definition.earned_badge(definition.lowest_tier()) {
        let results = results_of(unit, record.plan.id, key).await?;
        earned(unit, person_id, content, (awarded_on, results)).await?;
    }
    granting::for_milestone(unit, person_id, &definition.rewards, awarded_on).await
}

/// The results of a milestone: the points of those who approved it, by the criteria of their rubrics.
pub async fn results_of(unit: &mut Unit, plan_id: Uuid, key: &str) -> Result<Vec<Score>, ApiError> {
    let of = [
        Condition::Equals("plan_id", plan_id.to_value()),
        Condition::Equals("milestone_key", key.to_owned().to_value()),
    ];
    let approved: Vec<ValidationRow> = row::all(&mut unit.conn, unit.organization_id, &of, "id").await?;
    let approved = approved.iter().filter(|one| one.state == ValidationState::Approved).map(|one| one.id);
    let ids: Vec<Uuid> = approved.collect();
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let mut asks = validations::asks_of(&mut unit.conn, unit.organization_id, &ids).await?;
    let asks: Vec<ValidationAsk> = ids.iter().filter_map(|id| asks.remove(id)).flatten().collect();
    let approving = asks.iter().filter(|ask| ask.decision == Some(Decision::Approve));
    Ok(rubric_result(approving.flat_map(|ask| &ask.scores)))
}

/// Awards a badge that a person has earned. Nothing happens if the badge is archived, or if the person holds it. The first award makes the
/// badge.
pub async fn earned(
    unit: &mut Unit,
    person_id: Uuid,
    content: BadgeContent,
    (awarded_on, results): (NaiveDate, Vec<Score>),
) -> Result<(), ApiError> {
    let by = By::Key(&content.key);
    let badge = match look_up::<BadgeContent>(&mut unit.conn, unit.organization_id, by).await? {
        Some(badge) => badge,
        None => resource::insert(unit, content).await?,
    };
    let person: Option<Person> = row::find(&mut unit.conn, unit.organization_id, person_id).await?;
    let Some(person) = person.filter(|_| !badge.archived) else { return Ok(()) };
    if holds(unit, &badge, &person).await? {
        return Ok(());
    }
    let expires_on = expires_on(awarded_on, None, badge.valid_days).map_err(|rule| rule.at(""))?;
    let row = begun(unit, &badge, &person, (awarded_on, expires_on)).await?;
    give(unit, &AwardRow { results, ..row }).await
}

/// Refuses a badge that a person holds already.
pub async fn check_not_held(unit: &mut Unit, badge: &Badge, person: &Person) -> Result<(), ApiError> {
    if holds(unit, badge, person).await? {
        return Err(RecognitionRule::AlreadyAwarded.at("/badge_key").into());
    }
    Ok(())
}

/// Whether a person holds a badge, active or suspended.
async fn holds(unit: &mut Unit, badge: &Badge, person: &Person) -> Result<bool, ApiError> {
    let conditions = [
        Condition::Equals("person_id", person.id.to_value()),
        Condition::Equals("badge_id", badge.id.to_value()),
        Condition::IsPresent("revoked_at", false),
    ];
    let held: Vec<AwardRow> = row::all(&mut unit.conn, unit.organization_id, &conditions, "id").await?;
    let today = unit.today;
    Ok(held.iter().any(|award| award.life().is_held(today)))
}

/// An award that begins: with a bit of its own in a status list, and a salt.
pub async fn begun(
    unit: &mut Unit,
    badge: &Badge,
    person: &Person,
    (awarded_on, expires_on): (NaiveDate, Option<NaiveDate>),
) -> Result<AwardRow, ApiError> {
    let (status_list, status_index) = free_bit(unit).await?;
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(ApiError::internal)?;
    Ok(AwardRow {
        id: unit.new_id(),
        badge_id: badge.id,
        person_id: person.id,
        badge: badge.content.clone(),
        badge_version: badge.version(),
        results: vec![],
        awarded_on,
        issued_on: awarded_on,
        expires_on,
        note: None,
        evidence: vec![],
        suspended_at: None,
        revoked_at: None,
        reason: None,
        renews_id: None,
        renewed_by_id: None,
        published: None,
        salt: hex(&salt),
        status_list,
        status_index,
        author: unit.author(),
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
        person_ref: person.external_ref.clone(),
        person_name: Some(person.name.clone()),
    })
}

/// Takes a random free bit: of the last status list, or of the next one if the last is full enough.
async fn free_bit(unit: &mut Unit) -> Result<(i64, i64), ApiError> {
    let mut list = awards::last_list(&mut unit.conn, unit.organization_id).await?;
    loop {
        for _ in 0..MOST_TRIES {
            let mut random = [0; 4];
            rand::fill(&mut random).map_err(ApiError::internal)?;
            let index = i64::from(u32::from_be_bytes(random) % BITS);
            if awards::take_bit(&mut unit.conn, unit.organization_id, list, index).await? {
                return Ok((list, index));
            }
        }
        list += 1;
    }
}

/// Writes an award that begins, grants the rewards of its badge, which a renewal does not, and awards the badges that it completes.
pub async fn give(unit: &mut Unit, row: &AwardRow) -> Result<(), ApiError> {
    row::insert(&mut unit.conn, unit.organization_id, row).await?;
    record(unit, "created", None, row).await?;
    if row.renews_id.is_none() {
        granting::for_award(unit, row).await?;
    }
    for_sets(unit, row).await
}

/// Awards the badges that are earned by sets to which an award belongs.
async fn for_sets(unit: &mut Unit, row: &AwardRow) -> Result<(), ApiError> {
    let conditions = [Condition::IsPresent("earned_by", true), Condition::IsPresent("archived_at", false)];
    let sets: Vec<Badge> = row::all(&mut unit.conn, unit.organization_id, &conditions, "id").await?;
    let is_meant = |badge: &Badge| badge.earned_by.as_ref().is_some_and(|set| set.badges.contains(&row.badge.key));
    let sets: Vec<Badge> = sets.into_iter().filter(is_meant).collect();
    if sets.is_empty() {
        return Ok(());
    }
    let own = [Condition::Equals("person_id", row.person_id.to_value())];
    let awards: Vec<AwardRow> = row::all(&mut unit.conn, unit.organization_id, &own, "id").await?;
    let today = unit.today;
    let held: Vec<_> =
        awards.iter().filter(|one| one.life().counts(today)).map(|one| (&one.badge.key, one.issued_on)).collect();
    for badge in sets {
        // What has expired or was taken back does not come again by itself.
        let was_awarded = awards.iter().any(|one| one.badge_id == badge.id);
        let since = badge.earned_by.as_ref().and_then(|set| set.held_since(&held));
        if let Some(since) = since.filter(|_| !was_awarded) {
            Box::pin(earned(unit, row.person_id, badge.content, (since, vec![]))).await?;
        }
    }
    Ok(())
}

/// Writes an award that changes.
pub async fn save(unit: &mut Unit, before: &AwardRow, mut after: AwardRow, verb: &str) -> Result<AwardRow, ApiError> {
    after.version += 1;
    after.updated_at = unit.now;
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    record(unit, verb, Some(before), &after).await?;
    Ok(after)
}

async fn record(unit: &mut Unit, verb: &str, before: Option<&AwardRow>, after: &AwardRow) -> Result<(), ApiError> {
    let (entity, root) = ((Entity::Award, after.id), (Entity::Person, after.person_id));
    unit.record(Change { verb, entity, root, before, after: Some(after) }).await
}
