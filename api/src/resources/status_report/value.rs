//! Earned value of a plan as a client is told: figures, and sentences without the names of the figures.

use chrono::NaiveDate;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::earned_value::undefined::split;
use milepost_domain::plan::schedule::Status;

use super::ReportedValue;
use crate::read_model::PlanView;

impl ReportedValue {
    /// The figures of the visible milestones; the expected finish takes hidden milestones into account.
    pub fn of(view: &PlanView, as_of: NaiveDate, expected_finish_on: Option<NaiveDate>) -> Self {
        let summary = view.summary(as_of);
        let in_time = view.facts.earned_schedule(view.row.start_on, as_of, Period::Week).ok();
        let planned_finish_on = view.facts.planned_finish_on(as_of);
        Self {
            planned_percent: summary.earned_value.planned_percent(),
            earned_percent: summary.earned_value.earned_percent(),
            spi: split(summary.earned_value.spi()).0,
            spi_t: in_time.and_then(|(measured, _)| split(measured.schedule_performance_index()).0),
            planned_finish_on,
            first_planned_finish_on: summary.first_planned_finish_on,
            expected_finish_on,
            finish_variance_days: view.facts.finish_variance_days(planned_finish_on, expected_finish_on),
            finished: summary.counts.overall() == Status::Achieved,
        }
    }

    /// Says how far the plan is and when it ends, without the names of the figures.
    pub fn in_sentences(&self, as_of: NaiveDate) -> Vec<String> {
        let mut sentences = vec![];
        if !self.finished {
            sentences.push(match self.spi {
                None => "Nothing was planned to be done yet.".to_owned(),
                Some(done) if done < 1.0 => {
                    format!("{:.0} % of what was planned by {} is done.", (100.0 * done).floor(), in_full(as_of))
                }
                Some(done) if done > 1.0 => format!("More is done than was planned by {}.", in_full(as_of)),
                Some(_) => format!("All that was planned by {} is done.", in_full(as_of)),
            });
        }
        if let (Some(finish_on), Some(days)) = (self.expected_finish_on, self.finish_variance_days) {
            let verb = if self.finished { "Finished" } else { "Expected to finish" };
            sentences.push(format!("{verb} on {}{}.", in_full(finish_on), against_plan(days)));
        }
        let first = self.first_planned_finish_on.filter(|first| Some(*first) != self.planned_finish_on);
        sentences.extend(first.map(|first| format!("The first plan said {}.", in_full(first))));
        sentences
    }
}

/// Returns a date in full, such as 4 May 2026.
fn in_full(on: NaiveDate) -> String {
    on.format("%-d %B %Y").to_string()
}

/// Returns the variance from the plan in words, to follow a date.
pub fn against_plan(variance_days: i64) -> String {
    match variance_days {
        0 => ", as planned".to_owned(),
        1 => ", a day late".to_owned(),
        -1 => ", a day early".to_owned(),
        late if late > 0 => format!(", {late} days late"),
        early => format!(", {} days early", -early),
    }
}
