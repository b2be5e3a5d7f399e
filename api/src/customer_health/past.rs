//! Facts of customers as they were recorded earlier, from the ledger.

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::customer::past::Past;
use milepost_domain::values::text::{ExternalRef, Label, Name};
use serde::Deserialize;
use uuid::Uuid;

use crate::clock::date_in;
use crate::error::ApiError;
use crate::store::customers::Customer;
use crate::store::{Conn, ledger};

/// Facts of a customer that judgements of a day rest on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// Segment.
    pub segment: Option<Label>,
    /// Annual revenue in the smallest unit of the currency.
    pub annual_revenue_minor: Option<i64>,
    /// Identifier of the owner, where a person was responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner.
    pub owner_ref: Option<ExternalRef>,
    /// Name of the owner.
    #[serde(alias = "owner")]
    pub owner_name: Option<Name>,
    /// Customer that it is a part of.
    pub parent_id: Option<Uuid>,
    /// Date on which the contract is to be renewed.
    pub renews_on: Option<NaiveDate>,
}

impl From<&CustomerContent> for Facts {
    fn from(content: &CustomerContent) -> Self {
        Self {
            segment: content.segment.clone(),
            annual_revenue_minor: content.annual_revenue_minor,
            owner_id: content.owner_id,
            owner_ref: content.owner_ref.clone(),
            owner_name: content.owner_name.clone(),
            parent_id: content.parent_id,
            renews_on: content.renews_on,
        }
    }
}

/// Loads the past of customers. Of those that have never changed, nothing needs to be loaded.
pub async fn load(
    conn: &mut Conn,
    organization_id: Uuid,
    zone: Tz,
    customers: &[Customer],
) -> Result<HashMap<Uuid, Past<Facts>>, ApiError> {
    let changed: Vec<Uuid> = customers.iter().filter(|one| one.version() > 1).map(|one| one.id).collect();
    let mut pasts: HashMap<Uuid, Past<Facts>> = HashMap::with_capacity(customers.len());
    for state in ledger::states(conn, organization_id, "customer", &changed).await? {
        let facts: Facts = serde_json::from_str(&state.after)?;
        match pasts.get_mut(&state.entity_id) {
            Some(past) => past.record(state.recorded_at, date_in(zone, state.recorded_at), facts),
            None => _ = pasts.insert(state.entity_id, Past::new(facts)),
        }
    }
    for one in customers {
        pasts.entry(one.id).or_insert_with(|| Past::new(Facts::from(&one.content)));
    }
    Ok(pasts)
}
