//! Known facts about customers, and their health on each day of a range.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use milepost_domain::customer::deed::{Deed, EventMeaning, standard_type};
use milepost_domain::customer::health::input::{Evidence, KnownPlan, Pulse};
use milepost_domain::customer::health::model::ModelContent;
use milepost_domain::customer::health::score::Score;
use milepost_domain::customer::outcome::existed_from;
use milepost_domain::customer::past::Past;
use milepost_domain::customer::risk::{Known, USUAL_PAUSES};
use milepost_domain::usage::metric::{Aggregate, Definition, Fact};
use milepost_domain::values::dates::{days_between, plus_days};
use uuid::Uuid;

use super::past::{self, Facts};
use crate::clock::date_in;
use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::store::Conn;
use crate::store::customer_records::{self, HealthOverride, of_customers};
use crate::store::customer_references::{self, ReferenceRow};
use crate::store::customers::Customer;
use crate::store::metrics::{self, ActivityRow, EarlierRow, MeasuredRow, Of};
use crate::store::usage_events;
use crate::time_travel::plans_known_at;
use crate::usage_facts::fact;

/// Maximum number of customers whose records one statement fetches.
const AT_ONCE: usize = 500;

/// Number of days that a trend covers.
pub const TREND_DAYS: i64 = 30;

/// Number of days before a quiet time in which a customer's usual activity is looked for.
const SILENCE_REACH_DAYS: i64 = 400;

/// Known facts about one customer.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Customer.
    pub customer: Customer,
    zone: Tz,
    meanings: Arc<[EventMeaning]>,
    /// Its references in usage events.
    references: Vec<ReferenceRow>,
    /// Facts that have been recorded of it.
    past: Past<Facts>,
    /// Usage events from the first day that can matter.
    events: Vec<MeasuredRow>,
    /// Summaries of the events before that day.
    earlier: Vec<EarlierRow>,
    /// Its last activities before that day, for a customer that was seldom active since: what its silence is compared with.
    before: Vec<ActivityRow>,
    /// First day from which its usage would be known.
    observed_from: Option<NaiveDate>,
    activity: OnceLock<Vec<(NaiveDate, Deed, u32)>>,
    plans: Vec<Arc<PlanView>>,
    pulses: Vec<customer_records::Pulse>,
    overrides: Vec<HealthOverride>,
}

/// Range of days, and the instant of knowledge.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Instant of knowledge: only what had been recorded by then counts.
    pub known_at: Option<DateTime<Utc>>,
}

/// Loads what is known about customers and can matter in a range of days: from `reach_days` before it, or from the
/// beginning.
pub async fn observe(
    cx: &Context,
    conn: &mut Conn,
    customers: Vec<Customer>,
    reach_days: Option<i64>,
    stretch: Stretch,
) -> Result<Vec<Observed>, ApiError> {
    let ids: Vec<Uuid> = customers.iter().map(|customer| customer.id).collect();
    let wanted: HashSet<Uuid> = ids.iter().copied().collect();
    let mut plans = plans_of_customers(cx, stretch.known_at, Some(&wanted)).await?;
    let mut pulses: HashMap<Uuid, Vec<customer_records::Pulse>> = HashMap::new();
    let mut overrides: HashMap<Uuid, Vec<HealthOverride>> = HashMap::new();
    for some in ids.chunks(AT_ONCE) {
        let own = of_customers::<customer_records::Pulse>(conn, cx.organization_id(), Some(some)).await?;
        // What has been withdrawn since counted at the time.
        let counts = |row: &customer_records::Pulse| {
            row.withdrawn_at.is_none_or(|at| stretch.known_at.is_some_and(|known_at| known_at < at))
        };
        for row in own.into_iter().filter(counts) {
            pulses.entry(row.customer_id).or_default().push(row);
        }
        for row in of_customers::<HealthOverride>(conn, cx.organization_id(), Some(some)).await? {
            overrides.entry(row.customer_id).or_default().push(row);
        }
    }
    let mut references = customer_references::of_customers(conn, cx.organization_id(), &ids).await?;
    let mut pasts = past::load(conn, cx.organization_id(), cx.who.tenant.zone, &customers).await?;
    let first_at = usage_events::first_at(conn, cx.organization_id(), stretch.known_at).await?;
    let observed_from = first_at.map(|at| date_in(cx.who.tenant.zone, at));
    let mut all = Vec::with_capacity(customers.len());
    for customer in customers {
        let id = customer.id;
        let mut observed = Observed {
            zone: cx.who.tenant.zone,
            meanings: Arc::clone(&cx.who.tenant.event_meanings),
            events: vec![],
            earlier: vec![],
            before: vec![],
            observed_from: observed_from.zip(references.get(&id)).map(|(on, own)| {
                // Who has taken over a reference is known by it from then on.
                let since = own.iter().map(|row| row.from_at).min().flatten();
                since.map_or(on, |at| on.max(date_in(cx.who.tenant.zone, at)))
            }),
            activity: OnceLock::new(),
            references: references.remove(&id).unwrap_or_default(),
            past: pasts.remove(&id).ok_or_else(|| ApiError::internal("a customer has no past"))?,
            plans: plans.remove(&id).unwrap_or_default(),
            pulses: pulses.remove(&id).unwrap_or_default(),
            overrides: overrides.remove(&id).unwrap_or_default(),
            customer,
        };
        observed.load_events(conn, cx.organization_id(), reach_days, stretch).await?;
        if let Some(at) = stretch.known_at {
            observed.forget_after(at);
        }
        all.push(observed);
    }
    Ok(all)
}

/// The plans of the wanted customers, or of all, as they are or as they were known at an instant.
pub(super) async fn plans_of_customers(
    cx: &Context,
    known_at: Option<DateTime<Utc>>,
    wanted: Option<&HashSet<Uuid>>,
) -> Result<HashMap<Uuid, Vec<Arc<PlanView>>>, ApiError> {
    let mut by_customer: HashMap<Uuid, Vec<Arc<PlanView>>> = HashMap::new();
    let is_wanted = |id: &Uuid| wanted.is_none_or(|wanted| wanted.contains(id));
    match known_at {
        None => {
            for view in &cx.plans().await?.by_name {
                if let Some(id) = view.row.customer_id.filter(is_wanted) {
                    by_customer.entry(id).or_default().push(Arc::clone(view));
                }
            }
        }
        Some(at) => {
            for record in &plans_known_at(cx, at, None).await? {
                if let Some(id) = record.plan.customer_id.filter(is_wanted) {
                    by_customer.entry(id).or_default().push(Arc::new(PlanView::from(record)));
                }
            }
        }
    }
    Ok(by_customer)
}

impl Observed {
    async fn load_events(
        &mut self,
        conn: &mut Conn,
        organization_id: Uuid,
        reach_days: Option<i64>,
        stretch: Stretch,
    ) -> sqlx::Result<()> {
        let of = Of::Customer(&self.references);
        // One day of margin on both sides, because days depend on the time zone.
        let midnight = |on: NaiveDate| on.and_time(NaiveTime::MIN).and_utc();
        let from = reach_days.map(|days| midnight(plus_days(stretch.from, -days - 1)));
        let until = midnight(plus_days(stretch.to, 2));
        let known_at = stretch.known_at;
        self.events = metrics::events(conn, organization_id, of, from, until, known_at).await?;
        if let Some(from) = from {
            self.earlier = metrics::earlier(conn, organization_id, of, from, known_at).await?;
            if !self.earlier.is_empty() && self.active_days_until(stretch.from) <= USUAL_PAUSES {
                let last = self.earlier.iter().map(|row| row.last_at).max().unwrap_or(from);
                let since = last - TimeDelta::days(SILENCE_REACH_DAYS);
                self.before = metrics::last_activities(conn, organization_id, of, since, from, known_at).await?;
            }
        }
        Ok(())
    }

    fn active_days_until(&self, last: NaiveDate) -> usize {
        let days = self.events.iter().map(|event| date_in(self.zone, event.occurred_at)).filter(|on| *on <= last);
        days.collect::<HashSet<_>>().len()
    }

    /// The customer as it was known at an instant, with the plans that it had then.
    #[must_use]
    pub fn as_known(&self, at: DateTime<Utc>, plans: Vec<Arc<PlanView>>) -> Self {
        let mut then = Self { plans, ..self.clone() };
        then.forget_after(at);
        then
    }

    /// The first day on which it is known to have been a customer.
    pub fn existed_from(&self) -> NaiveDate {
        let created_on = date_in(self.zone, self.customer.stamp.created_at);
        let first_plan_on = self.plans.iter().map(|view| view.facts.start_on).min();
        let traces = [self.first_event_on(), first_plan_on].into_iter().flatten().chain([created_on]);
        existed_from(self.customer.since_on, traces).unwrap_or(created_on)
    }

    /// The facts recorded of it by the end of a day.
    pub fn facts_on(&self, on: NaiveDate) -> &Facts {
        self.past.on(on)
    }

    /// Its segment at the end of a day.
    pub fn segment_on(&self, on: NaiveDate) -> Option<&str> {
        self.facts_on(on).segment.as_deref()
    }

    /// Removes everything that was not yet known at an instant.
    fn forget_after(&mut self, at: DateTime<Utc>) {
        self.past.forget_after(at);
        self.activity = OnceLock::new();
        self.before.retain(|row| row.received_at <= at);
        self.events.retain(|event| event.received_at <= at);
        self.pulses.retain(|pulse| pulse.recorded_at <= at);
        self.overrides.retain(|row| row.recorded_at <= at);
        for row in &mut self.overrides {
            if row.ended_at.is_some_and(|ended_at| ended_at > at) {
                (row.ended_at, row.ended_on) = (None, None);
            }
        }
    }

    /// The day of its first event.
    pub fn first_event_on(&self) -> Option<NaiveDate> {
        let earlier = self.earlier.iter().map(|row| row.first_at).min().map(|at| date_in(self.zone, at));
        self.activity().first().map(|(on, ..)| *on).into_iter().chain(earlier).min()
    }

    /// The day of its last event on or before a day.
    pub fn last_event_on(&self, as_of: NaiveDate) -> Option<NaiveDate> {
        let earlier = self.earlier.iter().map(|row| date_in(self.zone, row.last_at)).filter(|on| *on <= as_of);
        self.activity_until(as_of).last().map(|(on, ..)| *on).into_iter().chain(earlier).max()
    }

    /// The time at which the first of its events was received.
    pub fn first_received_at(&self) -> Option<DateTime<Utc>> {
        self.events.iter().map(|event| event.received_at).min()
    }

    /// The customer's plans, including archived ones.
    pub fn plans(&self) -> &[Arc<PlanView>] {
        &self.plans
    }

    /// The customer's score by a model on a day.
    pub fn score(&self, model: &ModelContent, on: NaiveDate) -> Score {
        self.evidence(model).score(model, on)
    }

    /// Its activities by day and kind with their number, oldest first: counted once, however often they are looked at.
    fn activity(&self) -> &[(NaiveDate, Deed, u32)] {
        self.activity.get_or_init(|| {
            let deed = |kind: &str, at: DateTime<Utc>| (date_in(self.zone, at), Deed::meant_by(kind, &self.meanings));
            let before = self.before.iter().map(|row| deed(&row.kind, row.occurred_at));
            let events = self.events.iter().map(|row| deed(&row.kind, row.occurred_at));
            let mut counted: BTreeMap<(NaiveDate, Deed), u32> = BTreeMap::new();
            for one in before.chain(events) {
                let count = counted.entry(one).or_default();
                *count = count.saturating_add(1);
            }
            counted.into_iter().map(|((on, deed), count)| (on, deed, count)).collect()
        })
    }

    /// Its activities up to a day.
    fn activity_until(&self, as_of: NaiveDate) -> &[(NaiveDate, Deed, u32)] {
        let activity = self.activity();
        &activity[..activity.partition_point(|(on, ..)| *on <= as_of)]
    }

    /// The facts by which its risk is judged at the end of a day.
    pub fn risk_known(&self, as_of: NaiveDate) -> Known {
        let overdue = |view: &Arc<PlanView>| {
            let late: Vec<i64> = view
                .standings(as_of)
                .iter()
                .filter(|standing| standing.overdue)
                .map(|standing| days_between(standing.planned_on, as_of))
                .collect();
            late
        };
        let begun: Vec<&Arc<PlanView>> = self.plans_on(as_of).filter(|view| view.facts.start_on <= as_of).collect();
        Known {
            deeds: self.activity_until(as_of).to_vec(),
            customer_since: Some(self.existed_from()),
            observed_from: self.observed_from,
            overdue_days: (!begun.is_empty()).then(|| begun.into_iter().flat_map(overdue).collect()),
        }
    }

    /// The customer's plans that were not archived at the end of a day.
    pub fn plans_on(&self, on: NaiveDate) -> impl Iterator<Item = &Arc<PlanView>> {
        let is_archived =
            move |view: &Arc<PlanView>| view.row.archived_at.is_some_and(|at| date_in(self.zone, at) <= on);
        self.plans.iter().filter(move |view| !is_archived(view))
    }

    pub(super) fn set_on(&self, on: NaiveDate) -> Option<HealthOverride> {
        let holds = |row: &&HealthOverride| {
            row.from_on <= on && on <= row.expires_on && row.ended_on.is_none_or(|ended_on| on < ended_on)
        };
        self.overrides.iter().rfind(holds).cloned()
    }

    pub(super) fn evidence(&self, model: &ModelContent) -> Evidence<'_> {
        let facts = |definition: Option<&Definition>| definition.map_or_else(Vec::new, |one| self.facts(one));
        Evidence {
            facts: model.factors.iter().map(|factor| facts(factor.input.definition.as_ref())).collect(),
            first_event_on: self.first_event_on(),
            plans: self
                .plans
                .iter()
                .map(|view| KnownPlan {
                    keys: view.labels.iter().map(|label| label.key.as_ref()).collect(),
                    facts: &view.facts,
                    archived_on: view.row.archived_at.map(|at| date_in(self.zone, at)),
                })
                .collect(),
            pulses: self
                .pulses
                .iter()
                .map(|row| Pulse { score: row.score, recorded_on: row.recorded_on, expires_on: row.expires_on })
                .collect(),
        }
    }

    /// The events that a metric counts, by time.
    pub fn facts(&self, definition: &Definition) -> Vec<Fact> {
        // An event counts by its own type, and by what the organization says that it means.
        let admits = |kind: &str| {
            definition.admits(kind)
                || standard_type(kind, &self.meanings).is_some_and(|standard| definition.admits(&standard))
        };
        let admitted = self.events.iter().filter(|event| admits(&event.kind));
        let mut facts: Vec<Fact> = admitted.filter_map(|event| fact(definition, event, self.zone)).collect();
        if definition.aggregate == Aggregate::DaysSinceLast {
            let last = |row: &EarlierRow| Fact { at: row.last_at, on: date_in(self.zone, row.last_at), value: None };
            facts.extend(self.earlier.iter().filter(|row| admits(&row.kind)).map(last));
        }
        facts.sort_by_key(|fact| fact.at);
        facts
    }
}
