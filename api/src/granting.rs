//! Granting of rewards: by hand, for badges, and for milestones.

use chrono::NaiveDate;
use milepost_domain::plan::template::MilestoneReward;
use milepost_domain::recognition::reward::{GrantState, GrantStep, RewardContent, check_stock, state};
use milepost_domain::recognition::rule::RecognitionRule;
use milepost_domain::rule::Rule as _;
use uuid::Uuid;

use crate::error::ApiError;
use crate::resource::{self, By, look_up};
use crate::store::awards::AwardRow;
use crate::store::people::Person;
use crate::store::rewards::{self, EntitlementRow, Reward};
use crate::store::row::{self, Column as _, Condition};
use crate::unit::{Change, Entity, Unit};

/// Grants the rewards of a badge to whoever was awarded it. What the person has already, or what is out of stock, is left out.
pub async fn for_award(unit: &mut Unit, award: &AwardRow) -> Result<(), ApiError> {
    let in_use = [Condition::IsPresent("archived_at", false)];
    let all: Vec<Reward> = row::all(&mut unit.conn, unit.organization_id, &in_use, "id").await?;
    let mut own = all.into_iter().filter(|reward| reward.for_badges.contains(&award.badge.key)).peekable();
    if own.peek().is_none() {
        return Ok(());
    }
    let person: Option<Person> = row::find(&mut unit.conn, unit.organization_id, award.person_id).await?;
    let Some(person) = person else { return Ok(()) };
    for reward in own {
        grant_if_free(unit, &reward, &person, (award.issued_on, Some(award.id))).await?;
    }
    Ok(())
}

/// Grants the rewards that a template names for a milestone. The first grant makes the reward; what is archived, out of stock, or what the
/// person has already, is left out.
pub async fn for_milestone(
    unit: &mut Unit,
    person_id: Uuid,
    rewards: &[MilestoneReward],
    achieved_on: NaiveDate,
) -> Result<(), ApiError> {
    for named in rewards {
        let found = look_up::<RewardContent>(&mut unit.conn, unit.organization_id, By::Key(&named.key)).await?;
        let reward = match found {
            Some(reward) => reward,
            None => resource::insert(unit, named.content()).await?,
        };
        let person: Option<Person> = row::find(&mut unit.conn, unit.organization_id, person_id).await?;
        if let Some(person) = person.filter(|_| !reward.archived) {
            grant_if_free(unit, &reward, &person, (achieved_on, None)).await?;
        }
    }
    Ok(())
}

/// Grants a reward, unless the person has it already, or it is out of stock.
async fn grant_if_free(
    unit: &mut Unit,
    reward: &Reward,
    person: &Person,
    granted: (NaiveDate, Option<Uuid>),
) -> Result<(), ApiError> {
    match check(unit, reward, person).await {
        Ok(()) => grant(unit, reward, person, granted).await.map(|_| ()),
        // What is wrong with the grant leaves it out; what is wrong with the database does not.
        Err(error) if !error.fields().is_empty() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Checks that somebody can be granted a reward: they do not have it, unless they can have many, and what is used at once is in stock.
pub async fn check(unit: &mut Unit, reward: &Reward, person: &Person) -> Result<(), ApiError> {
    let today = unit.today;
    if !reward.is_repeatable {
        let of = [
            Condition::Equals("reward_id", reward.id.to_value()),
            Condition::Equals("person_id", person.id.to_value()),
        ];
        let held: Vec<EntitlementRow> = row::all(&mut unit.conn, unit.organization_id, &of, "id").await?;
        let counts = |one: &EntitlementRow| {
            !matches!(state(one.step, one.expires_on, today), GrantState::Expired | GrantState::Canceled)
        };
        if held.iter().any(counts) {
            return Err(RecognitionRule::GrantedAlready.at("/reward_key").into());
        }
    }
    if reward.is_immediate { check_left(unit, reward, "/reward_key").await } else { Ok(()) }
}

/// Checks that there is one left of a reward.
pub async fn check_left(unit: &mut Unit, reward: &Reward, at: &str) -> Result<(), ApiError> {
    let taken = rewards::taken(&mut unit.conn, unit.organization_id, reward.id).await?;
    Ok(check_stock(reward.stock, taken).map_err(|rule| rule.at(at))?)
}

/// Grants a reward.
pub async fn grant(
    unit: &mut Unit,
    reward: &Reward,
    person: &Person,
    (granted_on, award_id): (NaiveDate, Option<Uuid>),
) -> Result<EntitlementRow, ApiError> {
    let granted = EntitlementRow {
        id: unit.new_id(),
        reward_id: reward.id,
        person_id: person.id,
        step: if reward.is_immediate { GrantStep::Fulfilled } else { GrantStep::Granted },
        award_id,
        granted_on,
        expires_on: reward.expires_on(granted_on),
        note: None,
        author: unit.author(),
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
        person_ref: person.external_ref.clone(),
        person_name: Some(person.name.clone()),
        reward_key: Some(reward.key.clone()),
        reward_name: Some(reward.name.clone()),
    };
    row::insert(&mut unit.conn, unit.organization_id, &granted).await?;
    record(unit, "granted", None, &granted).await?;
    Ok(granted)
}

/// Saves a grant that has gone a step.
pub async fn save(
    unit: &mut Unit,
    verb: &str,
    before: &EntitlementRow,
    mut after: EntitlementRow,
) -> Result<EntitlementRow, ApiError> {
    after.version += 1;
    after.updated_at = unit.now;
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    record(unit, verb, Some(before), &after).await?;
    Ok(after)
}

async fn record(
    unit: &mut Unit,
    verb: &str,
    before: Option<&EntitlementRow>,
    after: &EntitlementRow,
) -> Result<(), ApiError> {
    let (entity, root) = ((Entity::Entitlement, after.id), (Entity::Person, after.person_id));
    unit.record(Change { verb, entity, root, before, after: Some(after) }).await
}
