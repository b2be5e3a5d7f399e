//! Known facts about customers, and their health on each day of a range.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use milepost_domain::customer::health::input::{Evidence, KnownPlan, Pulse};
use milepost_domain::customer::health::model::ModelContent;
use milepost_domain::customer::health::score::Score;
use milepost_domain::customer::outcome::existed_from;
use milepost_domain::customer::past::Past;
use milepost_domain::customer::risk::{Known, USUAL_PAUSES};
use milepost_domain::usage::metric::Definition;
use milepost_domain::values::dates::{days_between, plus_days};
use uuid::Uuid;

use super::past::{self, Facts};
use crate::clock::date_in;
use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::store::Conn;
use crate::store::customer_records::{self, HealthOverride, of_customers};
use crate::store::customers::Customer;
use crate::store::measured_events::{self, MeasuredRow, Span};
use crate::store::{reference_periods, usage_events, usage_rewrites};
use crate::time_travel::plans_known_at;
use crate::usage::digest::{Digest, Wanted};
use crate::usage::memory::{Question, as_known};

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
    /// Facts that have been recorded of it.
    past: Past<Facts>,
    /// Its usage events, summed up.
    usage: Arc<Digest>,
    /// The events themselves, where they are looked at as they were known on many days.
    events: Arc<[MeasuredRow]>,
    wanted: Arc<[Wanted]>,
    /// First day from which its usage would be known.
    observed_from: Option<NaiveDate>,
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

/// Needs of a question: the part of customers' usage that can matter.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Number of days before the first day that can matter; `None` if all of them can.
    pub reach_days: Option<i64>,
    /// Metrics.
    pub wanted: Vec<Wanted>,
    /// Whether the events themselves are kept, for [`Observed::as_known`].
    pub events: bool,
}

impl Needs {
    /// The same, with a number of days that matter at least.
    #[must_use]
    pub fn reaching(self, days: i64) -> Self {
        Self { reach_days: self.reach_days.map(|own| own.max(days)), ..self }
    }
}

/// Loads what is known about customers and can matter in a range of days. The connection must be a snapshot.
pub async fn observe(
    cx: &Context,
    conn: &mut Conn,
    customers: Vec<Customer>,
    needs: Needs,
    stretch: Stretch,
) -> Result<Vec<Observed>, ApiError> {
    let (organization_id, zone) = (cx.organization_id(), cx.who.tenant.zone);
    let ids: Vec<Uuid> = customers.iter().map(|customer| customer.id).collect();
    let wanted: HashSet<Uuid> = ids.iter().copied().collect();
    let mut plans = plans_of_customers(cx, stretch.known_at, Some(&wanted)).await?;
    let mut pulses: HashMap<Uuid, Vec<customer_records::Pulse>> = HashMap::new();
    let mut overrides: HashMap<Uuid, Vec<HealthOverride>> = HashMap::new();
    for some in ids.chunks(AT_ONCE) {
        let own = of_customers::<customer_records::Pulse>(conn, organization_id, Some(some)).await?;
        // What has been withdrawn since counted at the time.
        let counts = |row: &customer_records::Pulse| {
            row.withdrawn_at.is_none_or(|at| stretch.known_at.is_some_and(|known_at| known_at < at))
        };
        for row in own.into_iter().filter(counts) {
            pulses.entry(row.customer_id).or_default().push(row);
        }
        for row in of_customers::<HealthOverride>(conn, organization_id, Some(some)).await? {
            overrides.entry(row.customer_id).or_default().push(row);
        }
    }
    let mut references = reference_periods::of_holders(conn, organization_id, &ids).await?;
    let subjects: Vec<&str> = references.values().flatten().map(|row| row.external_ref.as_str()).collect();
    let rewritten = usage_rewrites::of_subjects(conn, organization_id, &subjects).await?;
    let mut pasts = past::load(conn, organization_id, zone, &customers).await?;
    let first_at = usage_events::first_at(conn, organization_id, stretch.known_at).await?;
    let observed_from = first_at.map(|at| date_in(zone, at));
    // One day of margin, because days depend on the time zone.
    let from = needs.reach_days.map(|days| midnight(plus_days(stretch.from, -days - 1)));
    let head = usage_events::last_number(conn, organization_id).await?;
    let (reading, metrics): (_, Arc<[Wanted]>) = (cx.reading(), Arc::from(needs.wanted));
    let (reading, wanted, rewritten, recent) = (&reading, &metrics[..], &rewritten, None);
    let question = Question { organization_id, reading, from, wanted, head, rewritten, recent };
    let mut all = Vec::with_capacity(customers.len());
    for customer in customers {
        let id = customer.id;
        let own = references.remove(&id).unwrap_or_default();
        let spans: Vec<Span> = own.iter().map(Span::from).collect();
        let mut observed = Observed {
            zone,
            usage: usage(cx, conn, &spans, &question, stretch).await?,
            events: if needs.events {
                measured_events::all(conn, organization_id, &spans, from).await?
            } else {
                vec![]
            }
            .into(),
            wanted: Arc::clone(&metrics),
            observed_from: observed_from.filter(|_| !own.is_empty()).map(|on| {
                // Who has taken over a reference is known by it from then on.
                let since = own.iter().map(|row| row.from_at).min().flatten();
                since.map_or(on, |at| on.max(date_in(zone, at)))
            }),
            past: pasts.remove(&id).ok_or_else(|| ApiError::internal("a customer has no past"))?,
            plans: plans.remove(&id).unwrap_or_default(),
            pulses: pulses.remove(&id).unwrap_or_default(),
            overrides: overrides.remove(&id).unwrap_or_default(),
            customer,
        };
        if let Some(at) = stretch.known_at {
            observed.forget_after(at);
        }
        all.push(observed);
    }
    Ok(all)
}

fn midnight(on: NaiveDate) -> DateTime<Utc> {
    on.and_time(NaiveTime::MIN).and_utc()
}

/// Sums up the events of a customer. If it was seldom active in the time that is asked about, the time before its last event is added:
/// its silence is compared with that.
async fn usage(
    cx: &Context,
    conn: &mut Conn,
    spans: &[Span],
    question: &Question<'_>,
    stretch: Stretch,
) -> sqlx::Result<Arc<Digest>> {
    let found = digest(cx, conn, spans, question, stretch).await?;
    let Some(last_at) = found.last_earlier_at().filter(|_| found.active_days_until(stretch.from) <= USUAL_PAUSES)
    else {
        return Ok(found);
    };
    let from = question.from.map(|from| from.min(last_at - TimeDelta::days(SILENCE_REACH_DAYS)));
    digest(cx, conn, spans, &Question { from, ..question.clone() }, stretch).await
}

async fn digest(
    cx: &Context,
    conn: &mut Conn,
    spans: &[Span],
    question: &Question<'_>,
    stretch: Stretch,
) -> sqlx::Result<Arc<Digest>> {
    match stretch.known_at {
        None => cx.app.usage.digest(conn, spans, question).await,
        Some(_) => Ok(Arc::new(as_known(conn, spans, question, stretch.known_at).await?)),
    }
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
    /// The customer as it was known at an instant, with the plans that it had then. Its events must be at hand.
    #[must_use]
    pub fn as_known(&self, at: DateTime<Utc>, plans: Vec<Arc<PlanView>>) -> Self {
        let mut usage = Digest::new(self.usage.reading.clone(), None, &self.wanted);
        for event in self.events.iter().filter(|event| event.received_at <= at) {
            usage.add(event);
        }
        let mut then = Self { plans, usage: Arc::new(usage), ..self.clone() };
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

    /// Removes the records that were not yet known at an instant.
    fn forget_after(&mut self, at: DateTime<Utc>) {
        self.past.forget_after(at);
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
        self.usage.first_on()
    }

    /// The day of its last event on or before a day.
    pub fn last_event_on(&self, as_of: NaiveDate) -> Option<NaiveDate> {
        self.usage.last_on(as_of)
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
            deeds: self.usage.deeds().take_while(|(on, ..)| *on <= as_of).collect(),
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
        let tallies = |definition: &Definition| self.usage.tallies(&Wanted::by_meaning(definition.clone()));
        Evidence {
            tallies: model.factors.iter().map(|factor| tallies(factor.input.definition.as_ref()?)).collect(),
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
}
