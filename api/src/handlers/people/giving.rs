//! The handing over of what somebody is responsible for: each thing is changed with a version and a ledger entry of its own.

use milepost_domain::customer::account::CustomerContent;
use milepost_domain::customer::intervention::Tier;
use milepost_domain::customer::playbook::KeyedPlaybook;
use milepost_domain::people::PersonContent;
use milepost_domain::people::chart::ReportingLine;
use milepost_domain::people::responsibility::Responsibility;
use milepost_domain::people::team::TeamContent;
use milepost_domain::values::text::{ExternalRef, Name};
use uuid::Uuid;

use super::chart::{check_line, settle_line};
use crate::error::ApiError;
use crate::handlers::plans::update::change_rows;
use crate::merging::change_each;
use crate::resource::{By, find};
use crate::resources::interventions;
use crate::resources::milestones::{Milestone, save_all};
use crate::store::interventions::{self as store_interventions, InterventionRow};
use crate::store::owner::Owner;
use crate::store::people::Person;
use crate::store::playbooks::PlaybookRow;
use crate::store::responsibilities::{self, Held};
use crate::store::{Conn, plans, row};
use crate::unit::Unit;

/// The three fields of an owner, as contents have them.
type Fields = (Option<Uuid>, Option<ExternalRef>, Option<Name>);

fn fields(owner: &Owner) -> Fields {
    (owner.id, owner.external_ref.clone().map(ExternalRef::trusted), owner.name.clone().map(Name::trusted))
}

/// Returns what a person is responsible for and has to be looked after, of one kind.
pub async fn held(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: Responsibility,
    person_id: Uuid,
) -> Result<Vec<Held>, ApiError> {
    if kind != Responsibility::Playbooks {
        return Ok(responsibilities::held(conn, organization_id, kind, person_id).await?);
    }
    let playbooks = playbooks_of(conn, organization_id, &[person_id]).await?.into_iter();
    let in_use = playbooks.filter(|playbook| playbook.stamp.archived_at.is_none());
    let held = in_use.map(|playbook| Held {
        kind,
        id: playbook.id,
        name: playbook.content.content.name.to_string(),
        plan_id: None,
        due_on: None,
    });
    Ok(held.collect())
}

/// Returns the identifiers of everything of one kind that names one of some people, whether or not it is over.
pub async fn ids(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: Responsibility,
    people: &[Uuid],
) -> Result<Vec<Uuid>, ApiError> {
    if kind != Responsibility::Playbooks {
        return Ok(responsibilities::ids(conn, organization_id, kind, people).await?);
    }
    Ok(playbooks_of(conn, organization_id, people).await?.iter().map(|playbook| playbook.id).collect())
}

/// Gives things of one kind to somebody, or to nobody, in the place of the people that they name. `at` is the pointer of an error about
/// whom they are given to.
pub async fn give(
    unit: &mut Unit,
    kind: Responsibility,
    ids: &[Uuid],
    from: &[Uuid],
    to: &Owner,
    at: &str,
) -> Result<(), ApiError> {
    if ids.is_empty() {
        return Ok(());
    }
    let (id, external_ref, _) = fields(to);
    match kind {
        Responsibility::Customers => {
            change_each(unit, ids, |one: &mut CustomerContent| {
                (one.owner_id, one.owner_ref, one.owner_name) = fields(to);
            })
            .await
        }
        Responsibility::People => {
            change_each(unit, ids, |one: &mut PersonContent| {
                (one.owner_id, one.owner_ref, one.owner_name) = fields(to);
            })
            .await
        }
        Responsibility::Plans => change_rows(unit, ids, |plan| plan.owner = to.clone()).await,
        Responsibility::Milestones => give_milestones(unit, ids, to).await,
        Responsibility::Interventions => give_interventions(unit, ids, to).await,
        Responsibility::Teams => {
            change_each(unit, ids, |team: &mut TeamContent| {
                (team.lead_id, team.lead_ref) = (id, external_ref.clone());
            })
            .await
        }
        Responsibility::Reports => give_reports(unit, ids, to, at).await,
        Responsibility::Playbooks => give_playbooks(unit, ids, from, to).await,
    }
}

async fn give_milestones(unit: &mut Unit, ids: &[Uuid], to: &Owner) -> Result<(), ApiError> {
    for (plan_id, own) in responsibilities::plans_of(&mut unit.conn, unit.organization_id, ids).await? {
        let found = plans::find(&mut unit.conn, unit.organization_id, plan_id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        let before = Milestone::all_of(&record, unit.today);
        let meant: Vec<usize> =
            (0..record.milestones.len()).filter(|at| own.contains(&record.milestones[*at].id)).collect();
        for at in &meant {
            record.milestones[*at].owner = to.clone();
        }
        let changed: Vec<(usize, Option<&Milestone>)> = meant.iter().map(|at| (*at, before.get(*at))).collect();
        save_all(unit, &mut record, &changed, "updated").await?;
    }
    Ok(())
}

async fn give_interventions(unit: &mut Unit, ids: &[Uuid], to: &Owner) -> Result<(), ApiError> {
    for id in ids {
        let found: Option<InterventionRow> = row::find(&mut unit.conn, unit.organization_id, *id).await?;
        let before = found.ok_or_else(ApiError::not_found)?;
        let mut after = before.clone();
        after.give_to(to.clone());
        interventions::save(unit, before, after, "assigned").await?;
    }
    Ok(())
}

async fn give_reports(unit: &mut Unit, ids: &[Uuid], to: &Owner, at: &str) -> Result<(), ApiError> {
    let (manager_id, manager_ref, _) = fields(to);
    for id in ids {
        check_line(unit, at, ReportingLine { person_id: *id, manager_id, from_on: unit.today }).await?;
        change_each(unit, &[*id], |report: &mut PersonContent| {
            (report.manager_id, report.manager_ref) = (manager_id, manager_ref.clone());
        })
        .await?;
        let report: Person = find::<PersonContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        let new_id = unit.new_id();
        settle_line(unit, new_id, &report).await?;
    }
    Ok(())
}

/// Puts somebody in the place of some people to whom interventions escalate.
pub async fn give_escalations(unit: &mut Unit, people: &[Uuid], to: &Owner) -> Result<(), ApiError> {
    for id in people {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        for before in store_interventions::escalating_to(conn, organization_id, *id).await? {
            let mut after = before.clone();
            for tier in after.escalations.0.iter_mut().filter(|tier| tier.to_id == Some(*id)) {
                (tier.to_id, tier.to_ref, tier.to_name) = fields(to);
            }
            after.escalations.0.retain(Tier::names_somebody);
            interventions::save(unit, before, after, "updated").await?;
        }
    }
    Ok(())
}

/// The playbooks that give interventions to one of some people, or escalate them to one.
async fn playbooks_of(conn: &mut Conn, organization_id: Uuid, people: &[Uuid]) -> Result<Vec<PlaybookRow>, ApiError> {
    let mut all: Vec<PlaybookRow> = row::all(conn, organization_id, &[], "id").await?;
    all.retain(|playbook| playbook.content.content.action.people().any(|id| people.contains(&id)));
    Ok(all)
}

async fn give_playbooks(unit: &mut Unit, ids: &[Uuid], from: &[Uuid], to: &Owner) -> Result<(), ApiError> {
    let is_meant = |id: Option<Uuid>| id.is_some_and(|id| from.contains(&id));
    change_each(unit, ids, |playbook: &mut KeyedPlaybook| {
        let action = &mut playbook.content.action;
        if is_meant(action.owner_id) {
            (action.owner_id, action.owner_ref, action.owner_name) = fields(to);
        }
        for tier in action.escalations.iter_mut().filter(|tier| is_meant(tier.to_id)) {
            (tier.to_id, tier.to_ref, tier.to_name) = fields(to);
        }
        action.escalations.retain(Tier::names_somebody);
    })
    .await
}
