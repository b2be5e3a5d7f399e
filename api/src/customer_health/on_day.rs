//! Every customer's health on a day: today's is kept, that of another day is computed.

use std::sync::Arc;

use chrono::NaiveDate;

use super::keep::{AT_ONCE, Found, Lens, keep_health, look};
use super::look_back::outcomes_by_customer;
use super::models::Models;
use super::participants::Participants;
use super::risk;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::health_scores::{self, Filter, ListedScore};
use crate::store::marks::{self, Marks, Upkeep};
use crate::store::owner::Owner;
use crate::store::{customers, ledger, usage_events};

/// The health of the customers on a day that a filter admits, after recomputing whatever has changed, and how far it was looked.
pub async fn health_as_of(
    cx: &Context,
    as_of: NaiveDate,
    filter: &Filter,
) -> Result<(Marks, Vec<ListedScore>), ApiError> {
    let (marks, mut all) = if as_of == cx.today() { kept(cx, filter).await? } else { health_on(cx, as_of).await? };
    all.retain(|one| filter.admits(one));
    Ok((marks, all))
}

async fn kept(cx: &Context, filter: &Filter) -> Result<(Marks, Vec<ListedScore>), ApiError> {
    keep_health(cx).await?;
    let mut conn = cx.snapshot().await?;
    let marks = marks::find(&mut conn, cx.organization_id(), Upkeep::Health).await?;
    let marks = marks.ok_or_else(|| ApiError::internal("nothing is kept after it was brought up to date"))?;
    Ok((marks, health_scores::list(&mut conn, cx.organization_id(), filter).await?))
}

/// The health of all customers on a day, in the segments and with the owners and revenues of that day, and how far it was looked. Those
/// that were not customers yet, or had been archived, are left out.
pub async fn health_on(cx: &Context, on: NaiveDate) -> Result<(Marks, Vec<ListedScore>), ApiError> {
    let organization_id = cx.organization_id();
    let mut conn = cx.survey().await?;
    let marks = Marks {
        event_sequence: usage_events::last_number(&mut conn, organization_id).await?,
        ledger_sequence: ledger::head_sequence(&mut conn, organization_id).await?.unwrap_or_default(),
        as_of: on,
        computed_at: cx.now,
    };
    let lens = Arc::new(Lens {
        models: Models::load(&mut conn, organization_id, None).await?,
        risk_model: risk::in_force(&mut conn, organization_id, on, None).await?.map(|(_, learned)| learned),
        playbooks: vec![],
        outcomes: outcomes_by_customer(cx, &mut conn).await?,
        participants: Participants::default(),
    });
    let mut all = customers::all(&mut conn, organization_id).await?;
    all.retain(|one| one.stamp.archived_at.is_none_or(|at| cx.date_of(at) > on));
    let mut listed = Vec::with_capacity(all.len());
    for portion in all.chunks(AT_ONCE) {
        let found = look(cx, &mut conn, portion.to_vec(), &lens, marks).await?;
        listed.extend(found.into_iter().filter(|one| one.existed).map(ListedScore::from));
    }
    Ok((marks, listed))
}

impl From<Found> for ListedScore {
    fn from(found: Found) -> Self {
        let Found { row, customer, facts, .. } = found;
        Self {
            id: customer.id,
            name: customer.content.name.to_string(),
            external_ref: customer.content.external_ref.map(String::from),
            segment: facts.segment.map(String::from),
            owner: Owner {
                id: facts.owner_id,
                external_ref: facts.owner_ref.map(String::from),
                name: facts.owner_name.map(String::from),
            },
            annual_revenue_minor: facts.annual_revenue_minor,
            renews_on: facts.renews_on,
            score: row,
        }
    }
}
