//! Carrying out what playbooks decide: opening and ending interventions, and remembering what they reacted to.

use milepost_domain::customer::intervention::{EndedBy, Outcome};
use milepost_domain::customer::reaction::{Look, Unfinished, react};
use milepost_domain::values::text::Note;

use crate::error::ApiError;
use crate::resources::interventions::{Intervention, opened_by};
use crate::store::customers::Customer;
use crate::store::interventions::{self, InterventionRow};
use crate::store::playbooks::{self, PlaybookRow, StateRow};
use crate::store::row;
use crate::unit::{Change, Entity, Unit};

/// A customer as it was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Customer.
    pub customer: &'a Customer,
    /// Its health score.
    pub score: Option<f64>,
}

/// Lets a playbook react to a look at a customer: opens and ends interventions, and remembers.
pub async fn react_to(
    unit: &mut Unit,
    one: &Looked<'_>,
    playbook: &PlaybookRow,
    held: Option<&[String]>,
    known: Option<&StateRow>,
    unfinished: &[InterventionRow],
) -> Result<(), ApiError> {
    let own = unfinished
        .iter()
        .filter(|row| row.playbook_id == Some(playbook.id) && row.customer_id == one.customer.id)
        .map(|row| Unfinished { id: row.id, subjects: row.subjects.0.clone() });
    let own: Vec<Unfinished> = own.collect();
    let is_older = one.customer.stamp.created_at <= playbook.stamp.created_at;
    let look = Look { held, unfinished: &own, is_older, today: unit.today };
    let memory = known.map(StateRow::memory);
    let reaction = react(&playbook.content.content, memory.as_ref(), look);
    if !reaction.opened_for.is_empty() {
        let row = opened_by(unit, playbook, one.customer, one.score, &reaction.opened_for);
        row::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let id = row.id;
        unit.record_created(Entity::Intervention, id, &Intervention::of(row, unit.today)).await?;
    }
    for ended in unfinished.iter().filter(|row| reaction.ended.contains(&row.id)) {
        end(unit, ended, EndedBy::NoLongerHolds).await?;
    }
    let state = StateRow::of(playbook.id, one.customer.id, reaction.memory);
    if known != Some(&state) {
        playbooks::save_state(&mut unit.conn, unit.organization_id, &state).await?;
    }
    Ok(())
}

/// Ends an intervention by itself, as not needed.
async fn end(unit: &mut Unit, before: &InterventionRow, by: EndedBy) -> Result<(), ApiError> {
    let note = match by {
        EndedBy::NoLongerHolds => format!("The trigger no longer holds for {}.", subjects_in_words(&before.subjects.0)),
        EndedBy::CustomerArchived => "The customer was archived.".to_owned(),
    };
    let after = InterventionRow {
        done_on: Some(unit.today),
        outcome: Some(Outcome::NotNeeded),
        outcome_note: Some(note.chars().take(Note::MAX_CHARS).collect()),
        ended_by: Some(by),
        ..before.clone()
    };
    change(unit, before, after, "done").await
}

fn subjects_in_words(subjects: &[String]) -> String {
    let named: Vec<&str> = subjects.iter().map(String::as_str).filter(|subject| !subject.is_empty()).collect();
    if named.is_empty() { "the customer".to_owned() } else { named.join(", ") }
}

/// Gives interventions that follow their customer's owner to whoever that is now.
pub async fn follow_owner(
    unit: &mut Unit,
    customer: &Customer,
    unfinished: &[InterventionRow],
) -> Result<(), ApiError> {
    let owner = customer.owner.as_ref().map(ToString::to_string);
    let own = unfinished.iter().filter(|row| row.customer_id == customer.id && row.follows_owner);
    for row in own.filter(|row| row.owner != owner) {
        change(unit, row, InterventionRow { owner: owner.clone(), ..row.clone() }, "assigned").await?;
    }
    Ok(())
}

/// Ends the interventions of archived customers.
pub async fn end_of_archived(unit: &mut Unit) -> Result<(), ApiError> {
    for id in interventions::unfinished_of_archived(&mut unit.conn, unit.organization_id).await? {
        let found: Option<InterventionRow> = row::find(&mut unit.conn, unit.organization_id, id).await?;
        if let Some(found) = found {
            end(unit, &found, EndedBy::CustomerArchived).await?;
        }
    }
    Ok(())
}

async fn change(
    unit: &mut Unit,
    before: &InterventionRow,
    after: InterventionRow,
    verb: &'static str,
) -> Result<(), ApiError> {
    let after = InterventionRow { version: before.version + 1, updated_at: unit.now, ..after };
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    let of = (Entity::Intervention, before.id);
    let (before, after) = (Intervention::of(before.clone(), unit.today), Intervention::of(after, unit.today));
    unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await
}
