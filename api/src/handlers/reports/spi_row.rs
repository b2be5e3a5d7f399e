//! The rows of the SPI report, shared by all media types.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::{Kind, StatusCounts, Summary};
use milepost_domain::values::text::{ExternalRef, Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::plans::NextMilestone;
use crate::handlers::plans::earned_value::figures::Figures;
use crate::read_model::PlanView;

/// A plan in the SPI report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind rollout", "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "customer_ref": "crm-4711", "customer_name": "Northwind", "kind": "delivery", "owner": "Ana", "status": "at_risk",
    "next_milestone": {"key": "baseline-model", "name": "A first model sets the floor", "expected_on": "2026-05-06"},
    "expected_finish_on": "2026-07-10", "unit": "points", "budget_at_completion": 78.0, "planned_value": 39.0, "earned_value": 31.2,
    "planned_percent": 50.0, "earned_percent": 40.0, "schedule_variance": -7.8, "spi": 0.8, "spi_reason": null,
    "status_counts": {"on_track": 9, "at_risk": 2, "delayed": 0, "achieved": 8, "waived": 0, "cancelled": 0}
}))]
pub struct SpiRow {
    /// Identifier of the plan.
    pub plan_id: Uuid,
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
    /// Owner: the person responsible.
    #[schema(value_type = Option<Label>)]
    pub owner: Option<String>,
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
}

impl SpiRow {
    /// Builds the row of a plan from its summary.
    pub fn of(view: &PlanView, summary: &Summary) -> Self {
        let row = &view.row;
        Self {
            plan_id: row.id,
            name: row.name.clone(),
            customer_id: row.customer_id,
            customer_ref: row.customer_ref.clone(),
            customer_name: row.customer_name.clone(),
            kind: row.kind.0,
            owner: row.owner.clone(),
            status: summary.counts.overall(),
            next_milestone: NextMilestone::of(view, summary.next),
            expected_finish_on: summary.finish_on,
            figures: Figures::of(&summary.earned_value, Some(row.weight_unit.clone()), summary.counts),
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

/// Running totals of plans, by weight unit.
#[derive(Debug, Default)]
pub struct Totals(BTreeMap<String, Sum>);

/// Running total of the plans of one weight unit.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    plans: usize,
    sums: EarnedValue,
    counts: StatusCounts,
}

impl Sum {
    fn total(&self, unit: Option<&str>) -> SpiTotal {
        SpiTotal { plans: self.plans, figures: Figures::of(&self.sums, unit.map(str::to_owned), self.counts) }
    }
}

impl Totals {
    /// Adds a plan.
    pub fn add(&mut self, view: &PlanView, summary: &Summary) {
        if !self.0.contains_key(&view.row.weight_unit) {
            self.0.insert(view.row.weight_unit.clone(), Sum::default());
        }
        if let Some(sum) = self.0.get_mut(&view.row.weight_unit) {
            sum.plans += 1;
            sum.sums = sum.sums.plus(summary.earned_value);
            sum.counts.add_all(&summary.counts);
        }
    }

    /// Returns one total for each weight unit.
    pub fn by_unit(&self) -> Vec<SpiTotal> {
        self.0.iter().map(|(unit, sum)| sum.total(Some(unit))).collect()
    }

    /// Returns the total of all plans added. Its unit is null if the plans use different weight units.
    pub fn total(&self) -> SpiTotal {
        let whole = self.0.values().fold(Sum::default(), |mut whole, sum| {
            whole.plans += sum.plans;
            whole.sums = whole.sums.plus(sum.sums);
            whole.counts.add_all(&sum.counts);
            whole
        });
        whole.total(self.0.keys().next().filter(|_| self.0.len() == 1).map(String::as_str))
    }
}
