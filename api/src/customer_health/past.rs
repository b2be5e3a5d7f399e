//! What was recorded of customers earlier, from the ledger: the past keeps its own facts.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
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
    pub segment: Option<String>,
    /// Annual revenue in the smallest unit of the currency.
    pub annual_revenue_minor: Option<i64>,
}

/// The facts of a customer with the times of their recording, oldest first; empty if nothing of it has ever changed.
#[derive(Debug, Clone, Default)]
pub struct Past {
    states: Vec<(DateTime<Utc>, Facts)>,
}

impl Past {
    /// The facts at the end of a day: those recorded last by then, or the first ones for days before, because a customer may be
    /// recorded later than it became one. `None` if nothing has ever changed.
    pub fn on(&self, zone: Tz, on: NaiveDate) -> Option<&Facts> {
        let by_then = self.states.partition_point(|(at, _)| date_in(zone, *at) <= on);
        self.states.get(by_then.saturating_sub(1)).map(|(_, facts)| facts)
    }

    /// Forgets what was recorded after an instant.
    pub fn forget_after(&mut self, at: DateTime<Utc>) {
        let known = self.states.partition_point(|(recorded_at, _)| *recorded_at <= at);
        self.states.truncate(known.max(1));
    }
}

/// Loads the past of those customers of which something has changed.
pub async fn load(
    conn: &mut Conn,
    organization_id: Uuid,
    customers: &[Customer],
) -> Result<HashMap<Uuid, Past>, ApiError> {
    let changed: Vec<Uuid> = customers.iter().filter(|one| one.version() > 1).map(|one| one.id).collect();
    let mut pasts: HashMap<Uuid, Past> = HashMap::new();
    for state in ledger::states(conn, organization_id, "customer", &changed).await? {
        let facts: Facts = serde_json::from_str(&state.after)?;
        let past = pasts.entry(state.entity_id).or_default();
        if past.states.last().is_none_or(|(_, last)| *last != facts) {
            past.states.push((state.recorded_at, facts));
        }
    }
    Ok(pasts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_keeps_its_own_facts() {
        let at =
            |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date").and_hms_opt(12, 0, 0).expect("noon").and_utc();
        let facts = |segment: &str| Facts { segment: Some(segment.to_owned()), annual_revenue_minor: None };
        let mut past = Past { states: vec![(at(4), facts("SMB")), (at(9), facts("Former"))] };
        let on = |past: &Past, day| {
            let found = past.on(Tz::UTC, NaiveDate::from_ymd_opt(2026, 5, day).expect("a date"));
            found.and_then(|facts| facts.segment.clone()).unwrap_or_default()
        };
        assert_eq!([1, 4, 8, 9, 20].map(|day| on(&past, day)), ["SMB", "SMB", "SMB", "Former", "Former"]);
        past.forget_after(at(8));
        assert_eq!(on(&past, 20), "SMB");
        assert_eq!(Past::default().on(Tz::UTC, NaiveDate::MIN), None);
    }
}
