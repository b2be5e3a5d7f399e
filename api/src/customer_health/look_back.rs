//! Looking back: each customer on days of the past, as it was known then, and what became of it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use milepost_domain::customer::backtest::{FEWEST_EVENTS, churned_on, evaluation_days, is_customer};
use milepost_domain::customer::outcome::OutcomeKind;
use milepost_domain::customer::rule::CustomerRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::dates::plus_days;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::observed::{Observed, Stretch, observe, plans_of_customers};
use crate::clock::end_of_day;
use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::store::customers::Customer;
use crate::store::{Conn, customer_records};

/// How many looks one question takes at most.
const MOST_LOOKS: usize = 500_000;
/// How many days one question looks at at most.
const MOST_DAYS: usize = 500;
/// Of how many days it is asked at most how plans were known on them.
const MOST_PLAN_DAYS: usize = 1_000;
/// How many weeks before a loss are looked at.
const LEAD_WEEKS: i64 = 26;

/// What counts as known on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// What this server had received and recorded by the end of it.
    #[default]
    Received,
    /// What had happened by the end of it: for history that was imported later. Events that were really late then count too early.
    Occurred,
}

/// Which days are looked at, and for how long customers are followed after each.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The first day; then every horizon.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// For how many days customers are followed.
    pub horizon_days: u32,
    /// What counts as known.
    pub known_by: KnownBy,
}

/// A customer on a day on which it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    customer: usize,
    /// The day.
    pub on: NaiveDate,
    /// The day within the horizon on which it was lost.
    pub churned_on: Option<NaiveDate>,
}

/// All looks, and what was known at each.
#[derive(Debug)]
pub struct LookBack {
    observed: Vec<Observed>,
    /// The days that are looked at.
    pub days: Vec<NaiveDate>,
    /// Each customer on each of the days on which it was one.
    pub looks: Vec<Look>,
    plans: HashMap<NaiveDate, HashMap<Uuid, Vec<Arc<PlanView>>>>,
    known_by: KnownBy,
    zone: Tz,
}

/// Looks back at customers. Refused where the horizon of no day is over, or too few customers were lost to conclude anything.
pub async fn look_back(
    cx: &Context,
    conn: &mut Conn,
    customers: Vec<Customer>,
    reach_days: Option<i64>,
    question: Question,
) -> Result<LookBack, ApiError> {
    let Question { from, to, horizon_days, known_by } = question;
    let days = evaluation_days(from, to, horizon_days, cx.today());
    let last = *days.last().ok_or_else(|| {
        let detail = "no day in this time is followed by a whole horizon that is over";
        ApiError::field("/to", "horizon_not_over", detail)
    })?;
    if days.len() > MOST_DAYS {
        let detail = format!("{} days would be looked at; at most {MOST_DAYS} can be", days.len());
        return Err(ApiError::field("/from", "too_much", detail));
    }
    // When the first and the last of earlier events were received is not told by their sums: then every event is loaded.
    let reach_days = reach_days.filter(|_| known_by == KnownBy::Occurred);
    let outcomes = outcomes_by_customer(cx, conn).await?;
    let stretch = Stretch {
        from: plus_days(from, -7 * LEAD_WEEKS),
        to: plus_days(last, i64::from(horizon_days)),
        known_at: None,
    };
    let observed = observe(cx, conn, customers, reach_days, stretch).await?;
    let looks = looks(&observed, &outcomes, &days, horizon_days);
    if looks.len() > MOST_LOOKS {
        let detail = format!("more than {MOST_LOOKS} customers and days would be looked at");
        return Err(ApiError::field("/from", "too_much", detail));
    }
    let lost = looks.iter().filter(|look| look.churned_on.is_some()).count();
    if lost < FEWEST_EVENTS {
        return Err(CustomerRule::TooFewEvents { found: lost, needed: FEWEST_EVENTS }.at("").into());
    }
    let zone = cx.who.tenant.zone;
    let mut back = LookBack { observed, days, looks, plans: HashMap::new(), known_by, zone };
    if known_by == KnownBy::Received {
        let with_plans = back.days_with_plans();
        if with_plans.len() > MOST_PLAN_DAYS {
            let detail = format!(
                "plans would be looked at as they were known on {} days; at most {MOST_PLAN_DAYS} can be",
                with_plans.len()
            );
            return Err(ApiError::field("/from", "too_much", detail));
        }
        for on in with_plans {
            back.plans.insert(on, plans_of_customers(cx, Some(end_of_day(zone, on)), None).await?);
        }
    }
    Ok(back)
}

/// What became of each customer, by day.
async fn outcomes_by_customer(
    cx: &Context,
    conn: &mut Conn,
) -> Result<HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>>, ApiError> {
    let mut by_customer: HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>> = HashMap::new();
    for row in customer_records::outcomes(conn, cx.organization_id(), None).await? {
        by_customer.entry(row.customer_id).or_default().push((row.occurred_on, row.kind.0));
    }
    for list in by_customer.values_mut() {
        list.sort_by_key(|(on, _)| *on);
    }
    Ok(by_customer)
}

impl LookBack {
    /// What was known of the customer of a look at the end of a day: that of the look, or one of the weeks before its loss.
    pub fn then(&self, look: &Look, on: NaiveDate) -> Observed {
        let one = &self.observed[look.customer];
        match self.known_by {
            KnownBy::Occurred => one.clone(),
            KnownBy::Received => {
                let known = self.plans.get(&on).and_then(|by_customer| by_customer.get(&one.customer.id));
                one.as_known(end_of_day(self.zone, on), known.cloned().unwrap_or_default())
            }
        }
    }

    /// The days of which it matters how plans were known.
    fn days_with_plans(&self) -> Vec<NaiveDate> {
        let with_plans = self.looks.iter().filter(|look| !self.observed[look.customer].plans().is_empty());
        let mut days: Vec<NaiveDate> =
            with_plans.flat_map(|look| std::iter::once(look.on).chain(weeks_before(look))).collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}

/// The days before a loss on which one asks since when it could be seen: a week apart, the latest first.
pub fn weeks_before(look: &Look) -> impl Iterator<Item = NaiveDate> {
    let lost_on = look.churned_on;
    (0..LEAD_WEEKS).filter_map(move |week| Some(plus_days(lost_on?, -1 - 7 * week)))
}

fn looks(
    observed: &[Observed],
    outcomes: &HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>>,
    days: &[NaiveDate],
    horizon_days: u32,
) -> Vec<Look> {
    let mut looks = vec![];
    for (customer, one) in observed.iter().enumerate() {
        let existed_from = one.existed_from();
        let own = outcomes.get(&one.customer.id).map_or(&[][..], Vec::as_slice);
        for on in days.iter().copied().filter(|on| existed_from <= *on && is_customer(own, *on)) {
            looks.push(Look { customer, on, churned_on: churned_on(own, on, horizon_days) });
        }
        if looks.len() > MOST_LOOKS {
            break;
        }
    }
    looks
}
