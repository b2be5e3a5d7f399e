//! Past states of customers: each customer on days of the past, as it was known then, with its later outcome.

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

use super::observed::{Needs, Observed, Stretch, observe, plans_of_customers};
use crate::clock::end_of_day;
use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::store::Conn;
use crate::store::customer_records::{CustomerOutcome, of_customers};
use crate::store::customers::Customer;

/// Maximum number of looks in one question.
const MOST_LOOKS: usize = 500_000;
/// Maximum number of evaluation days in one question.
const MOST_DAYS: usize = 500;
/// Maximum number of days for which past states of plans are loaded.
const MOST_PLAN_DAYS: usize = 1_000;
/// Number of weeks before a loss that are examined.
const LEAD_WEEKS: i64 = 26;

/// Rule for the events and records that count as known on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// Everything that this server had received and recorded by the end of the day.
    #[default]
    Received,
    /// Everything that had happened by the end of the day. Meant for history that was imported later. Events that were
    /// really late count too early.
    Occurred,
}

/// Evaluation days, and the time for which customers are followed after each of them.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// First evaluation day. The next ones follow one horizon apart.
    pub from: NaiveDate,
    /// Latest possible evaluation day.
    pub to: NaiveDate,
    /// Number of days for which customers are followed.
    pub horizon_days: u32,
    /// Rule for what counts as known.
    pub known_by: KnownBy,
}

/// A look: a customer on an evaluation day.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    customer: usize,
    /// Evaluation day.
    pub on: NaiveDate,
    /// Day within the horizon on which the customer was lost.
    pub churned_on: Option<NaiveDate>,
}

/// All looks, with what was known at each.
#[derive(Debug)]
pub struct LookBack {
    observed: Vec<Observed>,
    /// Evaluation days.
    pub days: Vec<NaiveDate>,
    /// Each customer on each evaluation day on which it was a customer.
    pub looks: Vec<Look>,
    plans: HashMap<NaiveDate, HashMap<Uuid, Vec<Arc<PlanView>>>>,
    known_by: KnownBy,
    zone: Tz,
}

/// Looks back at customers of segments that are admitted, each in the segment of the day. Fails if no evaluation day
/// has a horizon that is over, if there are too few losses to conclude anything, or if most of the history was received
/// later than the days that are looked at.
pub async fn look_back(
    cx: &Context,
    conn: &mut Conn,
    customers: Vec<Customer>,
    needs: Needs,
    question: Question,
    admits: impl Fn(Option<&str>) -> bool,
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
    // Sums do not contain times of receipt. With `Received`, every event is loaded.
    let needs = match known_by {
        KnownBy::Received => Needs { reach_days: None, events: true, ..needs },
        KnownBy::Occurred => needs,
    };
    let outcomes = outcomes_by_customer(cx, conn).await?;
    let stretch = Stretch {
        from: plus_days(from, -7 * LEAD_WEEKS),
        to: plus_days(last, i64::from(horizon_days)),
        known_at: None,
    };
    let observed = observe(cx, conn, customers, needs, stretch).await?;
    let looks = looks(&observed, &outcomes, &days, horizon_days, admits);
    if looks.len() > MOST_LOOKS {
        let detail = format!("more than {MOST_LOOKS} customers and days would be looked at");
        return Err(ApiError::field("/from", "too_much", detail));
    }
    let lost = looks.iter().filter(|look| look.churned_on.is_some()).count();
    if lost < FEWEST_EVENTS {
        return Err(CustomerRule::TooFewEvents { found: lost, needed: FEWEST_EVENTS }.at("").into());
    }
    let zone = cx.who.tenant.zone;
    if known_by == KnownBy::Received {
        let (unknown, cases) = unknown_then(&observed, &looks, zone);
        if unknown * 2 > cases {
            return Err(CustomerRule::HistoryNotKnown { unknown, cases }.at("/known_by").into());
        }
    }
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

/// The number of looks at customers with events of which none had been received by the end of the day, and the number of
/// all looks at customers with events.
fn unknown_then(observed: &[Observed], looks: &[Look], zone: Tz) -> (usize, usize) {
    let firsts: Vec<_> = observed.iter().map(|one| (one.first_event_on(), one.first_received_at())).collect();
    let events = |look: &&Look| firsts[look.customer].0.is_some_and(|on| on <= look.on);
    let with_events: Vec<&Look> = looks.iter().filter(events).collect();
    let unknown = with_events
        .iter()
        .filter(|look| firsts[look.customer].1.is_none_or(|received_at| received_at > end_of_day(zone, look.on)));
    (unknown.count(), with_events.len())
}

/// The outcomes of each customer, by day.
pub async fn outcomes_by_customer(
    cx: &Context,
    conn: &mut Conn,
) -> Result<HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>>, ApiError> {
    let mut by_customer: HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>> = HashMap::new();
    let all = of_customers::<CustomerOutcome>(conn, cx.organization_id(), None).await?;
    for row in all.into_iter().filter(|row| row.withdrawn_at.is_none()) {
        by_customer.entry(row.customer_id).or_default().push((row.occurred_on, row.kind));
    }
    for list in by_customer.values_mut() {
        list.sort_by_key(|(on, _)| *on);
    }
    Ok(by_customer)
}

impl LookBack {
    /// The customer of a look as it was known at the end of a day: the day of the look, or one of the days before its
    /// loss (see [`weeks_before`]).
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

    /// The days for which the past states of plans matter.
    fn days_with_plans(&self) -> Vec<NaiveDate> {
        let with_plans = self.looks.iter().filter(|look| !self.observed[look.customer].plans().is_empty());
        let mut days: Vec<NaiveDate> =
            with_plans.flat_map(|look| std::iter::once(look.on).chain(weeks_before(look))).collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}

/// The days before a loss that are examined for early warnings: a week apart, the latest first.
pub fn weeks_before(look: &Look) -> impl Iterator<Item = NaiveDate> {
    let lost_on = look.churned_on;
    (0..LEAD_WEEKS).filter_map(move |week| Some(plus_days(lost_on?, -1 - 7 * week)))
}

fn looks(
    observed: &[Observed],
    outcomes: &HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>>,
    days: &[NaiveDate],
    horizon_days: u32,
    admits: impl Fn(Option<&str>) -> bool,
) -> Vec<Look> {
    let mut looks = vec![];
    for (customer, one) in observed.iter().enumerate() {
        let existed_from = one.existed_from();
        let own = outcomes.get(&one.customer.id).map_or(&[][..], Vec::as_slice);
        let is_meant = |on: &NaiveDate| existed_from <= *on && is_customer(own, *on) && admits(one.segment_on(*on));
        for on in days.iter().copied().filter(is_meant) {
            looks.push(Look { customer, on, churned_on: churned_on(own, on, horizon_days) });
        }
        if looks.len() > MOST_LOOKS {
            break;
        }
    }
    looks
}
