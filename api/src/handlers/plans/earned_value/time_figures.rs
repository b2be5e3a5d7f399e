//! Earned schedule figures of a plan in responses.

use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::earned_schedule::{Period, Timescale};
use milepost_domain::earned_value::undefined::{Undefined, split};
use milepost_domain::values::text::Key;
use serde::Serialize;
use utoipa::ToSchema;

use crate::read_model::PlanView;

/// Schedule performance of a plan in time. All durations are in periods; null comes with a reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "period": "week", "planned_duration": 10.0, "actual_time": 7.0, "earned_schedule": 5.0, "earned_schedule_reason": null, "sv_t": -2.0,
    "spi_t": 0.714, "spi_t_reason": null, "ieac_t": 14.0, "ieac_t_reason": null, "ieac_on": "2026-06-07", "tspi": 1.667, "tspi_reason": null,
    "p_factor": 1.0, "p_factor_reason": null, "impeded": [], "ahead": [], "watermelon": false
}))]
pub struct TimeFigures {
    /// Period: the unit of time, counted from the plan's start.
    pub period: Period,
    /// Planned duration (PD).
    #[schema(minimum = 0)]
    pub planned_duration: Option<f64>,
    /// Actual time (AT): the time passed up to and including the date, in which only the days of the plan's calendar count.
    /// Stops when everything is earned.
    #[schema(minimum = 0)]
    pub actual_time: Option<f64>,
    /// Earned schedule (ES): the time at which the plan expected the value earned so far. Linear between the ends of
    /// periods; where the plan expects this value over several periods, the actual time, kept within them.
    #[schema(minimum = 0)]
    pub earned_schedule: Option<f64>,
    /// Reason that ES is undefined.
    pub earned_schedule_reason: Option<Undefined>,
    /// Schedule variance in time: SV(t) = ES − AT. Negative means behind schedule.
    pub sv_t: Option<f64>,
    /// Schedule performance index in time: SPI(t) = ES / AT.
    #[schema(minimum = 0)]
    pub spi_t: Option<f64>,
    /// Reason that SPI(t) is undefined.
    pub spi_t_reason: Option<Undefined>,
    /// Independent estimate at completion in time: IEAC(t) = PD / SPI(t). The duration of the plan at the current pace.
    #[schema(minimum = 0)]
    pub ieac_t: Option<f64>,
    /// Reason that IEAC(t) is undefined.
    pub ieac_t_reason: Option<Undefined>,
    /// Finish date at the current pace.
    pub ieac_on: Option<NaiveDate>,
    /// To-complete schedule performance index: TSPI = (PD − ES) / (PD − AT). The pace needed to finish on the planned
    /// date.
    #[schema(minimum = 0)]
    pub tspi: Option<f64>,
    /// Reason that TSPI is undefined.
    pub tspi_reason: Option<Undefined>,
    /// P-factor: the share of the value expected at ES that was earned as planned, from 0 to 1.
    #[schema(minimum = 0)]
    pub p_factor: Option<f64>,
    /// Reason that the p-factor is undefined.
    pub p_factor_reason: Option<Undefined>,
    /// Keys of milestones behind the plan at ES: possibly impeded.
    #[schema(value_type = Vec<Key>, max_items = 5000)]
    pub impeded: Vec<String>,
    /// Keys of milestones ahead of the plan at ES: done before their turn and at risk of rework.
    #[schema(value_type = Vec<Key>, max_items = 5000)]
    pub ahead: Vec<String>,
    /// Whether the plan is a watermelon (green outside, red inside): more than 66 % complete, with an SPI that exceeds
    /// SPI(t) by more than 0.10.
    pub watermelon: bool,
}

impl TimeFigures {
    /// The figures of a plan at a date.
    pub fn at(view: &PlanView, as_of: NaiveDate, period: Period, sums: &EarnedValue) -> Self {
        let (seen, positions) = match view.facts.earned_schedule(view.row.start_on, as_of, period) {
            Ok(measured) => measured,
            Err(reason) => return Self::undefined(period, reason),
        };
        let keys = |lines: &[usize]| {
            let label = |line: &usize| view.labels.get(*positions.get(*line)?).map(|label| label.key.to_string());
            lines.iter().filter_map(label).collect()
        };
        let (earned_schedule, earned_schedule_reason) = split(seen.earned_schedule);
        let (spi_t, spi_t_reason) = split(seen.schedule_performance_index());
        let (ieac_t, ieac_t_reason) = split(seen.estimated_duration());
        let (tspi, tspi_reason) = split(seen.to_complete_index());
        let (p_factor, p_factor_reason) = split(seen.p_factor);
        let calendar = &view.facts.terms.calendar;
        let timescale = Timescale { start_on: view.row.start_on, period, calendar };
        let spi = sums.spi().ok().zip(sums.earned_percent());
        Self {
            period,
            planned_duration: Some(seen.planned_duration),
            actual_time: Some(seen.actual_time),
            earned_schedule,
            earned_schedule_reason,
            sv_t: seen.schedule_variance().ok(),
            spi_t,
            spi_t_reason,
            ieac_t,
            ieac_t_reason,
            ieac_on: ieac_t.and_then(|duration| timescale.finish_on(duration)),
            tspi,
            tspi_reason,
            p_factor,
            p_factor_reason,
            impeded: keys(&seen.impeded),
            ahead: keys(&seen.ahead),
            watermelon: spi.is_some_and(|(spi, percent)| seen.is_watermelon(percent, spi)),
        }
    }

    fn undefined(period: Period, reason: Undefined) -> Self {
        Self {
            period,
            planned_duration: None,
            actual_time: None,
            earned_schedule: None,
            earned_schedule_reason: Some(reason),
            sv_t: None,
            spi_t: None,
            spi_t_reason: Some(reason),
            ieac_t: None,
            ieac_t_reason: Some(reason),
            ieac_on: None,
            tspi: None,
            tspi_reason: Some(reason),
            p_factor: None,
            p_factor_reason: Some(reason),
            impeded: vec![],
            ahead: vec![],
            watermelon: false,
        }
    }
}
