//! Reminders of those who were asked and have not decided.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_domain::proof::validation::is_reminder_due;
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::matters::{Matter, Matters};
use crate::state::App;
use crate::store::people::Person;
use crate::store::validations::{self, ValidationAsk};
use crate::store::{organizations, row};
use crate::unit::Unit;

/// A message to somebody.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Name of the addressee.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
}

/// Sends a message. What cannot be sent is noted in the log, without the address.
pub async fn deliver(app: &App, letter: &Letter) {
    if let Err(error) = app.mail.send(&letter.name, &letter.email, &letter.subject, letter.text.clone()).await {
        tracing::warn!(%error, "a message about a validation could not be sent");
    }
}

/// Notes that somebody is reminded, and returns the message; `None` for whoever has decided, has no address, or has left.
pub async fn remind(unit: &mut Unit, ask: &mut ValidationAsk, matter: &Matter) -> Result<Option<Letter>, ApiError> {
    let (None, Some(person_id)) = (ask.decision, ask.person_id) else { return Ok(None) };
    let person: Option<Person> = row::find(&mut unit.conn, unit.organization_id, person_id).await?;
    let Some(person) = person.filter(|person| person.is_active(unit.today)) else { return Ok(None) };
    let Some(email) = &person.email else { return Ok(None) };
    ask.reminded_at = Some(unit.now);
    row::update(&mut unit.conn, unit.organization_id, ask).await?;
    let who = matter.person_name().unwrap_or_else(|| "a colleague".to_owned());
    let days = (unit.now - ask.asked_at).num_days();
    Ok(Some(Letter {
        name: person.name.to_string(),
        email: email.to_string(),
        subject: format!("Your word on an achievement of {who}"),
        text: format!(
            "Hello {},\n\nan achievement of {who} has waited for your word for {days} days. Please decide, or pass the question on.\n",
            person.name
        ),
    }))
}

/// Reminds everybody who has waited for long enough. A failure in one organization does not affect the others.
pub async fn remind_all(app: &Arc<App>) -> Result<(), ApiError> {
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        let Some(cx) = Context::of_job(app, organization_id).await? else { continue };
        if let Err(error) = remind_in(&cx).await {
            tracing::warn!(%error, %organization_id, "reminders could not be sent; this will be retried");
        }
    }
    Ok(())
}

async fn remind_in(cx: &Context) -> Result<(), ApiError> {
    let now = cx.app.clock.now();
    let is_due = |ask: &ValidationAsk, now: DateTime<Utc>| {
        ask.decision.is_none() && is_reminder_due(ask.asked_at, ask.reminded_at, now)
    };
    let mut conn = cx.snapshot().await?;
    let open = validations::open(&mut conn, cx.organization_id()).await?;
    let ids: Vec<Uuid> = open.iter().map(|row| row.id).collect();
    let asks = validations::asks_of(&mut conn, cx.organization_id(), &ids).await?;
    let due: Vec<_> = open
        .into_iter()
        .filter(|row| asks.get(&row.id).is_some_and(|own| own.iter().any(|ask| is_due(ask, now))))
        .collect();
    let matters = Matters::load(cx, &mut conn, &due).await?;
    drop(conn);
    if due.is_empty() {
        return Ok(());
    }
    let mut letters = vec![];
    let mut unit = cx.begin().await?;
    let ids: Vec<Uuid> = due.iter().map(|row| row.id).collect();
    // As they are now: what was decided meanwhile needs no reminder.
    let mut asks = validations::asks_of(&mut unit.conn, unit.organization_id, &ids).await?;
    for row in &due {
        let Some(matter) = matters.of(row) else { continue };
        for mut ask in asks.remove(&row.id).unwrap_or_default().into_iter().filter(|ask| is_due(ask, now)) {
            letters.extend(remind(&mut unit, &mut ask, &matter).await?);
        }
    }
    unit.commit().await?;
    for letter in &letters {
        deliver(&cx.app, letter).await;
    }
    Ok(())
}
