//! How a plan stands, as a review freezes it: the three questions with their answers.

use chrono::NaiveDate;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::earned_value::undefined::split;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::network::Relation;
use milepost_domain::plan::review::{Moment, Trend, is_at_risk, trend, unresolved};
use milepost_domain::plan::schedule::{Standing, Status};
use milepost_domain::values::dates::days_between;
use milepost_domain::values::text::{Key, Label, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::handlers::milestones::forecasts::Cause;
use crate::read_model::PlanView;
use crate::resources::date_changes::DateChange;
use crate::store::milestones::ForecastRow;
use crate::store::plans::PlanRecord;

/// How a plan stands on the day of a review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReviewState {
    /// Is any milestone at risk? Each with what its owner said last. Stale and unexplained ones are among them.
    #[schema(max_items = 1000)]
    at_risk: Vec<RiskyMilestone>,
    /// Is any dependency unresolved? Open ones that are not on track, or come too late for what waits for them.
    #[schema(max_items = 100_000)]
    unresolved_dependencies: Vec<UnresolvedDependency>,
    /// Is the plan as a whole heading the right way?
    trajectory: Trajectory,
    /// Changes of open milestones' dates that the client was not told of.
    #[schema(max_items = 100_000)]
    uncommunicated_changes: Vec<DateChange>,
    /// Every milestone as it stands.
    #[schema(max_items = 1000)]
    milestones: Vec<ReviewedMilestone>,
}

/// A milestone that needs words.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "name": "Pipeline runs", "owner": "Ana", "status": "at_risk", "variance_days": 5, "stale": false, "unexplained_miss": true,
    "skipped_warning": false, "changes_since": 1, "reason": "The client's firewall change takes a week.", "cause": "one_time"
}))]
pub struct RiskyMilestone {
    /// Its key.
    #[schema(value_type = Key)]
    key: String,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
    /// Who is responsible.
    #[schema(value_type = Option<Label>)]
    owner: Option<String>,
    /// How it stands.
    status: Status,
    /// Days late; negative is early.
    variance_days: i64,
    /// Whether its forecast has passed or was left alone.
    stale: bool,
    /// Whether its planned date has passed without an explanation.
    unexplained_miss: bool,
    /// Whether it went from on track to delayed with nothing in between.
    skipped_warning: bool,
    /// How often its date moved since the last review.
    #[schema(maximum = 100_000)]
    changes_since: usize,
    /// What its owner said when the date last moved.
    #[schema(value_type = Option<Note>)]
    reason: Option<String>,
    /// Whether that is likely to come again.
    cause: Option<Cause>,
}

/// Something that waits for what is not on track.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"key": "report", "waits_for": "pipeline", "relation": "finish_to_start", "status": "at_risk", "expected_on": "2026-05-15", "owner": "Ana"}))]
pub struct UnresolvedDependency {
    /// The milestone that waits.
    #[schema(value_type = Key)]
    key: String,
    /// What it waits for.
    #[schema(value_type = Key)]
    waits_for: String,
    /// What waits for what.
    relation: Relation,
    /// How that stands.
    status: Status,
    /// When that is expected.
    expected_on: NaiveDate,
    /// Who is responsible for it.
    #[schema(value_type = Option<Label>)]
    owner: Option<String>,
}

/// Where the plan is heading.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "trend": "worsening", "since_on": "2026-04-27", "spi": 0.8, "spi_t": 0.86, "spi_t_before": 0.91, "expected_finish_on": "2026-06-13",
    "expected_finish_before_on": "2026-06-08", "changes_since": 2, "days_slipped_since": 5
}))]
pub struct Trajectory {
    /// Against the last review, or a week and so earlier where there was none.
    trend: Trend,
    /// The day it is compared with.
    since_on: NaiveDate,
    /// SPI.
    #[schema(minimum = 0)]
    spi: Option<f64>,
    /// SPI(t).
    #[schema(minimum = 0)]
    spi_t: Option<f64>,
    /// SPI(t) then.
    #[schema(minimum = 0)]
    spi_t_before: Option<f64>,
    /// When the last milestone can be expected.
    expected_finish_on: Option<NaiveDate>,
    /// When it could be expected then.
    expected_finish_before_on: Option<NaiveDate>,
    /// How often dates moved since.
    #[schema(maximum = 100_000_000)]
    changes_since: usize,
    /// By how many calendar days in all, those that moved earlier subtracted.
    days_slipped_since: i64,
}

/// A milestone as it stood on the day of a review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "status": "at_risk", "planned_on": "2026-05-10", "expected_on": "2026-05-15", "variance_days": 5}))]
pub struct ReviewedMilestone {
    /// Its key.
    #[schema(value_type = Key)]
    key: String,
    /// How it stood.
    status: Status,
    /// Its planned date.
    planned_on: NaiveDate,
    /// When it was expected, or achieved.
    expected_on: NaiveDate,
    /// Days late; negative is early.
    variance_days: i64,
}

impl ReviewState {
    /// A plan as it stands today.
    pub fn of(record: &PlanRecord, view: &PlanView, today: NaiveDate) -> Self {
        let standings: Vec<Standing> = view.facts.standings(today).collect();
        let rows = || record.milestones.iter().zip(&standings);
        let since_on = view.compared_with_on(today);
        let since: Vec<&ForecastRow> = record.forecasts.iter().filter(|one| one.recorded_on > since_on).collect();
        let at_risk = rows().filter(|(_, standing)| is_at_risk(standing)).map(|(row, standing)| {
            let last = record.forecasts.iter().rfind(|change| change.milestone_id == row.id);
            RiskyMilestone {
                key: row.key.clone(),
                name: row.name.clone(),
                owner: row.owner.clone(),
                status: standing.status,
                variance_days: standing.variance_days,
                stale: standing.stale,
                unexplained_miss: standing.unexplained_miss,
                skipped_warning: standing.skipped_warning,
                changes_since: since.iter().filter(|change| change.milestone_id == row.id).count(),
                reason: last.and_then(|last| last.reason.clone()),
                cause: last.and_then(|last| last.cause.as_ref()?.parse().ok()),
            }
        });
        let has_begun = |position: usize| record.milestones[position].state.0 != State::Planned;
        let waiting = unresolved(&standings, &view.facts.links, has_begun).map(|link| UnresolvedDependency {
            key: record.milestones[link.to].key.clone(),
            waits_for: record.milestones[link.from].key.clone(),
            relation: link.relation,
            status: standings[link.from].status,
            expected_on: standings[link.from].effective_forecast_on,
            owner: record.milestones[link.from].owner.clone(),
        });
        let untold = record.milestones.iter().filter(|row| row.state.0.is_open()).flat_map(|row| {
            let own = record.forecasts.iter().filter(|change| change.milestone_id == row.id);
            own.map(|change| DateChange::of(record, row, change)).filter(|change| !change.communicated)
        });
        Self {
            at_risk: at_risk.collect(),
            unresolved_dependencies: waiting.collect(),
            trajectory: Trajectory::of(view, since_on, today, &since),
            uncommunicated_changes: untold.collect(),
            milestones: rows()
                .map(|(row, standing)| ReviewedMilestone {
                    key: row.key.clone(),
                    status: standing.status,
                    planned_on: standing.planned_on,
                    expected_on: standing.effective_forecast_on,
                    variance_days: standing.variance_days,
                })
                .collect(),
        }
    }

    /// The milestones that need words.
    pub fn keys_at_risk(&self) -> impl Iterator<Item = &str> {
        self.at_risk.iter().map(|one| one.key.as_str())
    }
}

impl Trajectory {
    fn of(view: &PlanView, since_on: NaiveDate, today: NaiveDate, since: &[&ForecastRow]) -> Self {
        let at = |on: NaiveDate| {
            let measured = view.facts.earned_schedule(view.row.start_on, on, Period::Week).ok();
            let spi_t = measured.and_then(|(measured, _)| split(measured.schedule_performance_index()).0);
            Moment { spi_t, finish_on: view.facts.summary(on).finish_on }
        };
        let now = at(today);
        let before = if since_on >= view.row.start_on { at(since_on) } else { Moment::default() };
        Self {
            trend: trend(before, now),
            since_on,
            spi: split(view.facts.earned_value(today).spi()).0,
            spi_t: now.spi_t,
            spi_t_before: before.spi_t,
            expected_finish_on: now.finish_on,
            expected_finish_before_on: before.finish_on,
            changes_since: since.len(),
            days_slipped_since: since.iter().map(|change| days_between(change.from_on, change.to_on)).sum(),
        }
    }
}
