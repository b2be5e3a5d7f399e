//! Achievements of the people of customers, for playbooks and reports. Those who show it to nobody are left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::customer::playbook::trigger::Trigger;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::deed::Deeds;
use milepost_domain::recognition::reward::{GrantState, state};
use milepost_domain::recognition::signal::{Limit, Signal, signals};
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::honours::Honoured;
use crate::store::rewards::{self, EntitlementRow, Reward};
use crate::store::row::{self, Column as _, Condition};

/// People of customers with their deeds, and what they were granted that is used up, by customer.
#[derive(Debug, Default)]
pub struct Participants {
    people: HashMap<Uuid, Vec<Arc<Honoured>>>,
    limits: HashMap<Uuid, Vec<Limit>>,
    customers: HashMap<Uuid, Uuid>,
    /// Ledger sequence as of which they were loaded; `None` if they were not.
    pub sequence: Option<i64>,
}

impl Participants {
    /// Loads those of all customers. Takes connections of its own, so the caller must hold none.
    pub async fn load(cx: &Context) -> Result<Self, ApiError> {
        let honours = cx.honours().await?;
        let mut all = Self { sequence: Some(honours.sequence), ..Self::default() };
        for honoured in honours.people.values().filter(|one| one.is_seen_by(Audience::Organization)) {
            if let Some(customer_id) = honoured.person.customer_id {
                all.customers.insert(honoured.person.id, customer_id);
                all.people.entry(customer_id).or_default().push(Arc::clone(honoured));
            }
        }
        for people in all.people.values_mut() {
            people.sort_unstable_by_key(|one| one.person.id);
        }
        for limit in limits(cx).await? {
            if let Some(customer_id) = all.customers.get(&limit.person_id) {
                all.limits.entry(*customer_id).or_default().push(limit);
            }
        }
        Ok(all)
    }

    /// Loads them if a trigger asks for them.
    pub async fn load_for<'a>(cx: &Context, triggers: impl IntoIterator<Item = &'a Trigger>) -> Result<Self, ApiError> {
        if triggers.into_iter().any(|trigger| trigger.kind.is_about_people()) {
            Self::load(cx).await
        } else {
            Ok(Self::default())
        }
    }

    /// The customers of some people.
    pub fn customers_of(&self, people: &[Uuid]) -> HashSet<Uuid> {
        people.iter().filter_map(|id| self.customers.get(id).copied()).collect()
    }

    /// Whether a customer has people.
    pub fn has(&self, customer_id: Uuid) -> bool {
        self.people.contains_key(&customer_id)
    }

    /// The signals of a customer by the end of a day.
    pub fn signals(&self, customer_id: Uuid, day: NaiveDate) -> Vec<Signal> {
        let people: Vec<(Uuid, &Deeds)> =
            self.people.get(&customer_id).into_iter().flatten().map(|one| (one.person.id, &one.deeds)).collect();
        signals(&people, self.limits.get(&customer_id).map_or(&[][..], Vec::as_slice), day)
    }

    /// A person of a customer.
    pub fn person(&self, customer_id: Uuid, id: Uuid) -> Option<&Arc<Honoured>> {
        self.people.get(&customer_id)?.iter().find(|one| one.person.id == id)
    }
}

/// Grants that nobody can claim any more, because none is left.
async fn limits(cx: &Context) -> Result<Vec<Limit>, ApiError> {
    let (organization_id, today) = (cx.organization_id(), cx.today());
    let mut conn = cx.read().await?;
    let in_use = [Condition::IsPresent("archived_at", false), Condition::IsPresent("stock", true)];
    let mut found = vec![];
    for reward in row::all::<Reward>(&mut conn, organization_id, &in_use, "id").await? {
        let taken = rewards::taken(&mut conn, organization_id, reward.id).await?;
        if reward.stock.is_none_or(|stock| taken < stock) {
            continue;
        }
        let granted = [Condition::Equals("reward_id", reward.id.to_value())];
        for one in row::all::<EntitlementRow>(&mut conn, organization_id, &granted, "id").await? {
            if state(one.step, one.expires_on, today) == GrantState::Granted {
                found.push(Limit {
                    person_id: one.person_id,
                    reward_key: reward.key.as_str().into(),
                    name: reward.name.as_str().into(),
                    on: one.granted_on,
                });
            }
        }
    }
    Ok(found)
}
