//! The rows of the SPI report, shared by all media types.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::undefined::{Undefined, split};
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::{Kind, StatusCounts, Summary};
use milepost_domain::values::text::{Currency, ExternalRef, Name};
use serde::{Deserialize, Serialize};
use strum::Display;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::plans::NextMilestone;
use crate::handlers::plans::earned_value::cost_figures::CostFigures;
use crate::handlers::plans::earned_value::figures::Figures;
use crate::read_model::PlanView;

/// A plan in the SPI report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_ref": "deal-9", "name": "Northwind rollout",
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "customer_ref": "crm-4711", "customer_name": "Northwind", "kind": "delivery", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "owner_ref": "hr-17",
    "owner_name": "Ana", "status": "at_risk",
    "next_milestone": {"key": "baseline-model", "name": "A first model sets the floor", "expected_on": "2026-05-06"},
    "expected_finish_on": "2026-07-10", "unit": "points", "budget_at_completion": 78.0, "planned_value": 39.0, "earned_value": 31.2,
    "planned_percent": 50.0, "earned_percent": 40.0, "schedule_variance": -7.8, "spi": 0.8, "spi_reason": null,
    "status_counts": {"on_track": 9, "at_risk": 2, "delayed": 0, "achieved": 8, "waived": 0, "cancelled": 0},
    "currency": "EUR", "budget_minor": 12_000_000, "actual_cost": 4_500_000, "cpi": 1.067, "cpi_reason": null, "eac": 11_250_000
}))]
pub struct SpiRow {
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// External reference of the plan.
    #[schema(value_type = Option<ExternalRef>)]
    pub plan_ref: Option<String>,
    /// Name of the plan.
    #[schema(value_type = Name)]
    pub name: String,
    /// Identifier of the customer that the plan serves.
    pub customer_id: Option<Uuid>,
    /// External reference of the customer.
    #[schema(value_type = Option<ExternalRef>)]
    pub customer_ref: Option<String>,
    /// Name of the customer.
    #[schema(value_type = Option<Name>)]
    pub customer_name: Option<String>,
    /// Kind of the plan.
    pub kind: Kind,
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    pub owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    pub owner_name: Option<String>,
    /// Worst status among the open milestones. If no milestone is open: `achieved` if any was achieved.
    pub status: Status,
    /// Open milestone expected next.
    pub next_milestone: Option<NextMilestone>,
    /// Expected finish: the expected or actual date of the last milestone. Includes delays caused by late milestones
    /// before it.
    pub expected_finish_on: Option<NaiveDate>,
    /// Earned value figures of the plan.
    #[serde(flatten)]
    pub figures: Figures,
    /// Cost figures of the plan.
    #[serde(flatten)]
    pub cost: RowCost,
}

/// Cost figures of a plan in the SPI report. Amounts are in the smallest unit of the currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "currency": "EUR", "budget_minor": 12_000_000, "actual_cost": 4_500_000, "cpi": 1.067, "cpi_reason": null, "eac": 11_250_000
}))]
pub struct RowCost {
    /// Currency of the budget (ISO 4217); null without a budget.
    #[schema(value_type = Option<Currency>)]
    pub currency: Option<String>,
    /// Budget: the value of the whole scope.
    pub budget_minor: Option<i64>,
    /// Actual cost (AC): the amount spent by the date.
    pub actual_cost: i64,
    /// Cost performance index: CPI = EV / AC.
    #[schema(minimum = 0)]
    pub cpi: Option<f64>,
    /// Reason that CPI is undefined.
    pub cpi_reason: Option<Undefined>,
    /// Estimate at completion (EAC) by CPI: EAC = BAC / CPI.
    pub eac: Option<i64>,
}

impl SpiRow {
    /// Builds the row of a plan from its summary.
    pub fn of(view: &PlanView, summary: &Summary, as_of: NaiveDate) -> Self {
        let row = &view.row;
        Self {
            plan_id: row.id,
            plan_ref: row.external_ref.clone(),
            name: row.name.clone(),
            customer_id: row.customer_id,
            customer_ref: row.customer_ref.clone(),
            customer_name: row.customer_name.clone(),
            kind: row.kind.0,
            owner_id: row.owner.id,
            owner_ref: row.owner.external_ref.clone(),
            owner_name: row.owner.name.clone(),
            status: summary.counts.overall(),
            next_milestone: NextMilestone::of(view, summary.next),
            expected_finish_on: summary.finish_on,
            figures: Figures::of(&summary.earned_value, Some(row.weight_unit.clone()), summary.counts),
            cost: RowCost::of(view, summary, as_of),
        }
    }
}

/// Total of several plans: the values are added up before the ratios are computed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plans": 11, "unit": "points", "budget_at_completion": 362.0, "planned_value": 362.0, "earned_value": 362.0, "planned_percent": 100.0,
    "earned_percent": 100.0, "schedule_variance": 0.0, "spi": 1.0, "spi_reason": null,
    "status_counts": {"on_track": 0, "at_risk": 0, "delayed": 0, "achieved": 362, "waived": 0, "cancelled": 0}
}))]
pub struct SpiTotal {
    /// Number of plans.
    #[schema(maximum = 100_000_000)]
    pub plans: usize,
    /// Combined earned value figures of the plans.
    #[serde(flatten)]
    pub figures: Figures,
}

impl RowCost {
    fn of(view: &PlanView, summary: &Summary, as_of: NaiveDate) -> Self {
        let cost = CostFigures::at(view, as_of, &summary.earned_value);
        Self {
            currency: view.row.currency.clone(),
            budget_minor: view.facts.valuation(as_of).budget_minor,
            actual_cost: cost.actual_cost,
            cpi: cost.cpi,
            cpi_reason: cost.cpi_reason,
            eac: cost.eac_cpi,
        }
    }
}

/// Total of the plans with budgets in one currency. Amounts are in its smallest unit; they are added up before the ratio is
/// computed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "currency": "EUR", "plans": 3, "budget_minor": 36_000_000, "planned_value_minor": 18_000_000, "earned_value_minor": 14_400_000,
    "actual_cost_minor": 15_000_000, "cpi": 0.96, "cpi_reason": null, "eac_minor": 37_500_000
}))]
pub struct CurrencyTotal {
    /// Currency (ISO 4217).
    #[schema(value_type = Currency)]
    pub currency: String,
    /// Number of plans with a budget in the currency.
    #[schema(maximum = 100_000_000)]
    pub plans: usize,
    /// Sum of the budgets.
    pub budget_minor: i64,
    /// Planned value (PV).
    pub planned_value_minor: i64,
    /// Earned value (EV).
    pub earned_value_minor: i64,
    /// Actual cost (AC).
    pub actual_cost_minor: i64,
    /// Cost performance index: CPI = EV / AC.
    #[schema(minimum = 0)]
    pub cpi: Option<f64>,
    /// Reason that CPI is undefined.
    pub cpi_reason: Option<Undefined>,
    /// Sum of the estimates at completion: by CPI where it is defined, at the budgeted rate where it is not.
    pub eac_minor: i64,
}

/// Property by which the report is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Display, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SpiGrouping {
    /// By customer of the plan.
    Customer,
    /// By owner of the plan.
    Owner,
    /// By kind of plan.
    Kind,
    /// By phase of the milestones.
    Phase,
}

/// Totals of one group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "group": "Northwind", "group_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "totals": [{
        "plans": 2, "unit": "points", "budget_at_completion": 62.0, "planned_value": 40.0, "earned_value": 36.0, "planned_percent": 64.5,
        "earned_percent": 58.1, "schedule_variance": -4.0, "spi": 0.9, "spi_reason": null,
        "status_counts": {"on_track": 4, "at_risk": 1, "delayed": 0, "achieved": 9, "waived": 0, "cancelled": 0}
    }]
}))]
pub struct SpiGroup {
    /// Name of the customer or owner, kind of plan, or phase; null for what has none.
    #[schema(value_type = Option<Name>)]
    pub group: Option<String>,
    /// Identifier of the customer, or of the person who is the owner.
    pub group_id: Option<Uuid>,
    /// Totals of the group by weight unit.
    #[schema(max_items = 1000)]
    pub totals: Vec<SpiTotal>,
}

/// Running totals of plans, by weight unit and by currency.
#[derive(Debug, Default)]
pub struct Totals {
    by_unit: BTreeMap<String, Sum>,
    by_currency: BTreeMap<String, Money>,
}

/// Running total of the plans of one weight unit.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    plans: usize,
    sums: EarnedValue,
    counts: StatusCounts,
}

/// Running total of the plans with budgets in one currency.
#[derive(Debug, Clone, Copy, Default)]
struct Money {
    plans: usize,
    budget: i64,
    planned: i64,
    earned: i64,
    cost: i64,
    estimate: i64,
}

impl Sum {
    fn total(&self, unit: Option<&str>) -> SpiTotal {
        SpiTotal { plans: self.plans, figures: Figures::of(&self.sums, unit.map(str::to_owned), self.counts) }
    }
}

impl Totals {
    /// Adds a plan.
    pub fn add(&mut self, view: &PlanView, summary: &Summary, as_of: NaiveDate) {
        self.add_sums(&view.row.weight_unit, summary.earned_value, &summary.counts);
        let budget = view.facts.valuation(as_of).budget_minor;
        if let Some((currency, budget)) = view.row.currency.as_ref().zip(budget) {
            let cost = CostFigures::at(view, as_of, &summary.earned_value);
            let sums = &summary.earned_value;
            let money = self.by_currency.entry(currency.clone()).or_default();
            money.plans += 1;
            money.budget += budget;
            money.planned += sums.in_money(sums.planned_value, budget).unwrap_or_default();
            money.earned += sums.in_money(sums.earned_value, budget).unwrap_or_default();
            money.cost += cost.actual_cost;
            money.estimate += cost.eac_cpi.or(cost.eac_budgeted).unwrap_or(budget);
        }
    }

    fn add_sums(&mut self, unit: &str, sums: EarnedValue, counts: &StatusCounts) {
        if !self.by_unit.contains_key(unit) {
            self.by_unit.insert(unit.to_owned(), Sum::default());
        }
        if let Some(sum) = self.by_unit.get_mut(unit) {
            sum.plans += 1;
            sum.sums = sum.sums.plus(sums);
            sum.counts.add_all(counts);
        }
    }

    /// Returns one total for each weight unit.
    pub fn by_unit(&self) -> Vec<SpiTotal> {
        self.by_unit.iter().map(|(unit, sum)| sum.total(Some(unit))).collect()
    }

    /// Returns one total for each currency.
    pub fn by_currency(&self) -> Vec<CurrencyTotal> {
        let total = |(currency, money): (&String, &Money)| {
            #[expect(clippy::cast_precision_loss, reason = "amounts are bounded far below 2^53 minor units")]
            let cpi = if money.cost > 0 {
                Ok(money.earned as f64 / money.cost as f64)
            } else {
                Err(Undefined::NothingSpentYet)
            };
            let (cpi, cpi_reason) = split(cpi);
            CurrencyTotal {
                currency: currency.clone(),
                plans: money.plans,
                budget_minor: money.budget,
                planned_value_minor: money.planned,
                earned_value_minor: money.earned,
                actual_cost_minor: money.cost,
                cpi,
                cpi_reason,
                eac_minor: money.estimate,
            }
        };
        self.by_currency.iter().map(total).collect()
    }

    /// Returns the total of all plans added; `None` if they use different weight units, which do not add up.
    pub fn total(&self) -> Option<SpiTotal> {
        match self.by_unit.iter().next() {
            None => Some(Sum::default().total(None)),
            Some((unit, sum)) => (self.by_unit.len() == 1).then(|| sum.total(Some(unit))),
        }
    }
}

/// Running totals of groups.
#[derive(Debug)]
pub struct Groups {
    by: SpiGrouping,
    groups: BTreeMap<(Option<String>, Option<Uuid>), Totals>,
}

impl Groups {
    /// Starts the totals of groups.
    pub const fn by(by: SpiGrouping) -> Self {
        Self { by, groups: BTreeMap::new() }
    }

    /// Adds a plan to its group, or each of its phases to the group of that phase.
    pub fn add(&mut self, view: &PlanView, summary: &Summary, as_of: NaiveDate) {
        let group = match self.by {
            SpiGrouping::Customer => (view.row.customer_name.clone(), view.row.customer_id),
            SpiGrouping::Owner => (view.row.owner.name.clone(), view.row.owner.id),
            SpiGrouping::Kind => (Some(view.row.kind.0.to_string()), None),
            SpiGrouping::Phase => return self.add_phases(view, as_of),
        };
        let totals = self.groups.entry(group).or_default();
        totals.add_sums(&view.row.weight_unit, summary.earned_value, &summary.counts);
    }

    fn add_phases(&mut self, view: &PlanView, as_of: NaiveDate) {
        let mut phases: BTreeMap<Option<&str>, (EarnedValue, StatusCounts)> = BTreeMap::new();
        let phase = |milestone: usize| view.labels.get(milestone).and_then(|label| label.phase.as_deref());
        for (milestone, sums) in view.facts.earned_values(as_of) {
            let (all, _) = phases.entry(phase(milestone)).or_default();
            *all = all.plus(sums);
        }
        for (milestone, standing) in view.standings(as_of).iter().enumerate() {
            phases.entry(phase(milestone)).or_default().1.add(standing.status);
        }
        for (phase, (sums, counts)) in phases {
            let totals = self.groups.entry((phase.map(str::to_owned), None)).or_default();
            totals.add_sums(&view.row.weight_unit, sums, &counts);
        }
    }

    /// Returns the groups by name.
    pub fn totals(self) -> Vec<SpiGroup> {
        let group = |((group, group_id), totals): ((Option<String>, Option<Uuid>), Totals)| SpiGroup {
            group,
            group_id,
            totals: totals.by_unit(),
        };
        self.groups.into_iter().map(group).collect()
    }
}
