//! Expansion report: customers whose people's achievements say that they are ready for more.

use std::collections::BTreeMap;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::recognition::badge::BadgeTier;
use milepost_domain::recognition::signal::{Signal, SignalKind, verified_sums};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{Currency, ExternalRef, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::participants::Participants;
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::check_in_order;
use crate::paging::{Page, Paging};
use crate::store::customers::{self, Customer};
use crate::store::interventions;
use crate::store::keyset::{Direction, Key, Position};

/// Number of days that the report reaches back, unless a request says otherwise.
const USUAL_DAYS: i64 = 90;
/// Number of signals that are named for a customer.
const MOST_NAMED: usize = 50;

/// Filters of the expansion report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExpansionFilters {
    /// First day. Defaults to 90 days before the last one.
    from: Option<NaiveDate>,
    /// Last day. Defaults to today.
    to: Option<NaiveDate>,
    /// Filter by kind of signal. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 4)]
    kind: Vec<SignalKind>,
    /// Filter by segment of the customer (exact match).
    #[param(inline)]
    segment: Option<Label>,
}

/// Customer with its expansion signals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "customer_name": "Northwind", "segment": "Enterprise",
    "annual_revenue_minor": 2_400_000, "renews_on": "2026-09-30", "last_signal_on": "2026-05-04",
    "kinds": [{"kind": "verified_impact", "signals": 1}],
    "verified": [{"currency": "USD", "amount_minor": 1_200_000}], "open_expansions": 0,
    "signals": [{"kind": "verified_impact", "on": "2026-05-04", "name": "USD", "tier": null, "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "person_name": "Ana Petrova", "amount_minor": 1_200_000, "currency": "USD"}]
}))]
pub struct ExpansionRow {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Name of the customer.
    customer_name: Name,
    /// Segment of the customer.
    segment: Option<Label>,
    /// Annual revenue of the customer, in the smallest unit of the organization's currency.
    annual_revenue_minor: Option<i64>,
    /// Renewal date of the customer.
    renews_on: Option<NaiveDate>,
    /// Day of the last signal.
    last_signal_on: NaiveDate,
    /// Number of signals by kind.
    #[schema(max_items = 4)]
    kinds: Vec<SignalCount>,
    /// Amounts for a year that were verified in the span, by currency.
    #[schema(max_items = 200)]
    verified: Vec<VerifiedAmount>,
    /// Number of open interventions of the kind `expansion`.
    #[schema(maximum = 1_000_000)]
    open_expansions: usize,
    /// Signals, the newest first: at most 50.
    #[schema(max_items = 50)]
    signals: Vec<ExpansionSignal>,
}

/// Number of signals of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "champion", "signals": 2}))]
pub struct SignalCount {
    /// Kind.
    kind: SignalKind,
    /// Number of signals.
    #[schema(maximum = 1_000_000)]
    signals: usize,
}

/// Verified amount in a currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"currency": "USD", "amount_minor": 1_200_000}))]
pub struct VerifiedAmount {
    /// Currency.
    #[schema(value_type = Currency)]
    currency: String,
    /// Amount for a year, in the smallest unit.
    amount_minor: i64,
}

/// Expansion signal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "champion", "on": "2026-05-04", "name": "Cost savings: Gold", "tier": "gold",
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova", "amount_minor": null, "currency": null}))]
pub struct ExpansionSignal {
    /// Kind.
    kind: SignalKind,
    /// First day on which it was there.
    on: NaiveDate,
    /// Name of the badge, the level, the currency or the reward.
    #[schema(max_length = 500)]
    name: String,
    /// Tier of a champion; null for other kinds.
    tier: Option<BadgeTier>,
    /// Identifier of the person; null for a team.
    person_id: Option<Uuid>,
    /// Name of the person; null for a team.
    person_name: Option<Name>,
    /// Verified amount for a year, in the smallest unit of the currency; null for other kinds.
    amount_minor: Option<i64>,
    /// Currency of the amount.
    #[schema(value_type = Option<Currency>)]
    currency: Option<String>,
}

/// Get the expansion report
///
/// Reports the customers whose people have reached a tier, finished a level as a team, had impact verified, or were granted what is used up, with
/// the evidence; those with the newest signal come first. Whoever shows their achievements to nobody is left out. Playbooks react to the same
/// signals with interventions of the kind `expansion`.
#[utoipa::path(tag = "reports", security(("bearer" = ["recognition:read"])), params(Paging, ExpansionFilters),
    responses((status = 200, description = "A page of customers.", body = Page<ExpansionRow>)))]
#[get("/v1/reports/expansion")]
pub async fn read_expansion_report(
    cx: Context,
    paging: Paging,
    filters: Query<ExpansionFilters>,
) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let to = filters.to.unwrap_or_else(|| cx.today());
    let from = filters.from.unwrap_or_else(|| plus_days(to, -USUAL_DAYS));
    check_in_order(from, to)?;
    let participants = Participants::load(&cx).await?;
    let mut conn = cx.snapshot().await?;
    let mut found = vec![];
    for customer in customers::all(&mut conn, cx.organization_id()).await? {
        let is_meant = customer.stamp.archived_at.is_none()
            && participants.has(customer.id)
            && filters.segment.as_ref().is_none_or(|wanted| customer.segment.as_ref() == Some(wanted));
        if !is_meant {
            continue;
        }
        let mut signals = participants.signals(customer.id, to);
        signals.retain(|one| from <= one.on && (filters.kind.is_empty() || filters.kind.contains(&one.kind)));
        signals.sort_by(|one, other| (other.on, &one.subject).cmp(&(one.on, &other.subject)));
        if let Some(last) = signals.first().map(|one| one.on) {
            found.push((last, customer, signals));
        }
    }
    let position = |(last, customer, _): &(NaiveDate, Customer, Vec<Signal>)| Position {
        key: Some(Key::Text(last.to_string())),
        id: customer.id,
    };
    let rows = paging.cut(Direction::Descending, found, position);
    let ids: Vec<Uuid> = rows.iter().map(|(_, customer, _)| customer.id).collect();
    let open = interventions::unfinished(&mut conn, cx.organization_id(), &ids).await?;
    paging.answer(rows, position, |(last, customer, signals)| {
        let own = open.iter().filter(|one| one.customer_id == customer.id && one.is_expansion());
        ExpansionRow { open_expansions: own.count(), ..ExpansionRow::of(&customer, last, &signals, &participants) }
    })
}

impl ExpansionRow {
    fn of(customer: &Customer, last_signal_on: NaiveDate, signals: &[Signal], participants: &Participants) -> Self {
        let mut kinds: BTreeMap<SignalKind, usize> = BTreeMap::new();
        for signal in signals {
            *kinds.entry(signal.kind).or_default() += 1;
        }
        let shown = |signal: &Signal| {
            let person = signal.person_id.and_then(|id| participants.person(customer.id, id));
            let (currency, amount_minor) = signal.amount.clone().unzip();
            ExpansionSignal {
                kind: signal.kind,
                on: signal.on,
                name: signal.name.to_string(),
                tier: signal.tier,
                person_id: signal.person_id,
                person_name: person.map(|one| one.person.name.clone()),
                amount_minor,
                currency,
            }
        };
        Self {
            customer_id: customer.id,
            last_signal_on,
            kinds: kinds.into_iter().map(|(kind, signals)| SignalCount { kind, signals }).collect(),
            verified: verified_sums(signals)
                .into_iter()
                .map(|(currency, amount_minor)| VerifiedAmount { currency: currency.to_owned(), amount_minor })
                .collect(),
            open_expansions: 0,
            signals: signals.iter().take(MOST_NAMED).map(shown).collect(),
            customer_ref: customer.external_ref.clone(),
            customer_name: customer.name.clone(),
            segment: customer.segment.clone(),
            annual_revenue_minor: customer.annual_revenue_minor,
            renews_on: customer.renews_on,
        }
    }
}
