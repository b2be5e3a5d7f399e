//! Carrying out what playbooks decide: opening and ending interventions, and remembering what they reacted to.

use milepost_domain::customer::intervention::{EndedBy, Outcome};
use milepost_domain::customer::reaction::{Look, Unfinished, react};
use milepost_domain::values::text::Note;

use crate::error::ApiError;
use crate::resources::interventions::{Intervention, opened_by, save};
use crate::store::customers::Customer;
use crate::store::interventions::{self, InterventionRow};
use crate::store::owner::Owner;
use crate::store::playbooks::{self, PlaybookRow, StateRow};
use crate::store::row;
use crate::unit::{Entity, Unit};

/// A customer as a playbook looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Customer.
    pub customer: &'a Customer,
    /// Its health score.
    pub score: Option<f64>,
    /// Subjects for which the trigger holds; `None` if the playbook does not look at the customer.
    pub held: Option<&'a [String]>,
    /// Memory of the playbook.
    pub known: Option<&'a StateRow>,
    /// Interventions of the playbook for the customer that are not done.
    pub unfinished: &'a [&'a InterventionRow],
}

/// Lets a playbook react to a look at a customer: opens and ends interventions, and remembers.
pub async fn react_to(unit: &mut Unit, playbook: &PlaybookRow, looked: Looked<'_>) -> Result<(), ApiError> {
    let Looked { customer, score, held, known, unfinished } = looked;
    let own: Vec<Unfinished> =
        unfinished.iter().map(|row| Unfinished { id: row.id, subjects: row.subjects.0.clone() }).collect();
    let is_older = customer.stamp.created_at <= playbook.stamp.created_at;
    let look = Look { held, unfinished: &own, is_older, today: unit.today };
    let reaction = react(&playbook.content.content, known.map(StateRow::memory).as_ref(), look);
    if !reaction.opened_for.is_empty() {
        let row = opened_by(unit, playbook, customer, score, &reaction.opened_for);
        row::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let id = row.id;
        unit.record_created(Entity::Intervention, id, &Intervention::of(row, unit.today)).await?;
    }
    for ended in unfinished.iter().filter(|row| reaction.ended.contains(&row.id)) {
        end(unit, (*ended).clone(), EndedBy::NoLongerHolds).await?;
    }
    let state = StateRow::of(playbook.id, customer.id, reaction.memory);
    if known != Some(&state) {
        playbooks::save_state(&mut unit.conn, unit.organization_id, &state).await?;
    }
    Ok(())
}

/// Ends an intervention by itself, as not needed.
async fn end(unit: &mut Unit, before: InterventionRow, by: EndedBy) -> Result<(), ApiError> {
    let after = InterventionRow {
        done_on: Some(unit.today),
        outcome: Some(Outcome::NotNeeded),
        outcome_note: Some(by.note(&before.subjects.0).chars().take(Note::MAX_CHARS).collect()),
        ended_by: Some(by),
        ..before.clone()
    };
    save(unit, before, after, "done").await?;
    Ok(())
}

/// Gives interventions that follow their customer's owner to whoever that is now.
pub async fn follow_owner(
    unit: &mut Unit,
    customer: &Customer,
    unfinished: &[InterventionRow],
) -> Result<(), ApiError> {
    let owner = Owner {
        id: customer.owner_id,
        external_ref: customer.owner_ref.clone().map(String::from),
        name: customer.owner_name.clone().map(String::from),
    };
    let own = unfinished.iter().filter(|row| row.customer_id == customer.id && row.follows_owner);
    for row in own.filter(|row| row.owner() != owner) {
        let mut after = row.clone();
        after.give_to(owner.clone());
        save(unit, row.clone(), after, "assigned").await?;
    }
    Ok(())
}

/// Ends the interventions of archived customers.
pub async fn end_of_archived(unit: &mut Unit) -> Result<(), ApiError> {
    for id in interventions::unfinished_of_archived(&mut unit.conn, unit.organization_id).await? {
        let found: Option<InterventionRow> = row::find(&mut unit.conn, unit.organization_id, id).await?;
        if let Some(found) = found {
            end(unit, found, EndedBy::CustomerArchived).await?;
        }
    }
    Ok(())
}
