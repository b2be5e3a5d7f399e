//! Earned value sums in responses and the figures derived from them.

use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::undefined::{Undefined, split};
use milepost_domain::plan::StatusCounts;
use milepost_domain::values::text::Label;
use serde::Serialize;
use utoipa::ToSchema;

/// Earned value sums and the figures derived from them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "unit": "points", "budget_at_completion": 78.0, "planned_value": 39.0, "earned_value": 31.2, "planned_percent": 50.0,
    "earned_percent": 40.0, "schedule_variance": -7.8, "spi": 0.8, "spi_reason": null,
    "status_counts": {"on_track": 9, "at_risk": 2, "delayed": 0, "achieved": 8, "waived": 0, "cancelled": 0}
}))]
pub struct Figures {
    /// Unit of the figures; null in a total of plans with different units.
    #[schema(value_type = Option<Label>)]
    pub unit: Option<String>,
    /// Budget at completion (BAC): the sum of the weights in the baseline.
    #[schema(minimum = 0)]
    pub budget_at_completion: f64,
    /// Planned value (PV): the sum of the weights planned on or before the date.
    #[schema(minimum = 0)]
    pub planned_value: f64,
    /// Earned value (EV): the sum of the weights earned by the date.
    #[schema(minimum = 0)]
    pub earned_value: f64,
    /// Planned value (PV) in percent of BAC.
    #[schema(minimum = 0)]
    pub planned_percent: Option<f64>,
    /// Earned value (EV) in percent of BAC.
    #[schema(minimum = 0)]
    pub earned_percent: Option<f64>,
    /// Schedule variance: SV = EV − PV. Negative means behind schedule.
    pub schedule_variance: f64,
    /// Schedule performance index: SPI = EV / PV. Null with a reason if undefined.
    #[schema(minimum = 0)]
    pub spi: Option<f64>,
    /// Reason that SPI is undefined.
    pub spi_reason: Option<Undefined>,
    /// Number of milestones by status.
    pub status_counts: StatusCounts,
}

impl Figures {
    /// The figures derived from the sums.
    pub fn of(sums: &EarnedValue, unit: Option<String>, status_counts: StatusCounts) -> Self {
        let (spi, spi_reason) = split(sums.spi());
        Self {
            unit,
            budget_at_completion: sums.budget_at_completion,
            planned_value: sums.planned_value,
            earned_value: sums.earned_value,
            planned_percent: sums.planned_percent(),
            earned_percent: sums.earned_percent(),
            schedule_variance: sums.schedule_variance(),
            spi,
            spi_reason,
            status_counts,
        }
    }
}
