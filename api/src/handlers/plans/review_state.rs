//! State of a plan as a review freezes it: milestones at risk, unresolved dependencies and trajectory.

use chrono::NaiveDate;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::earned_value::undefined::split;
use milepost_domain::plan::baseline::in_force;
use milepost_domain::plan::finish_on;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::network::Relation;
use milepost_domain::plan::review::{Moment, Trend, is_at_risk, needs_finding, trend, unresolved};
use milepost_domain::plan::schedule::{Standing, Status};
use milepost_domain::values::dates::days_between;
use milepost_domain::values::text::{ExternalRef, Key, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handlers::milestones::forecasts::Cause;
use crate::read_model::PlanView;
use crate::resources::date_changes::DateChange;
use crate::resources::waits_for::WaitsFor;
use crate::store::milestones::ForecastRow;
use crate::store::plans::PlanRecord;

/// State of a plan on the day of a review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReviewState {
    /// Milestones at risk, each with its owner's last explanation. Includes stale milestones and unexplained misses.
    #[schema(max_items = 5000)]
    at_risk: Vec<RiskyMilestone>,
    /// Unresolved dependencies: open milestones that are at risk, or expected too late for an open milestone that
    /// depends on them.
    #[schema(max_items = 100_000)]
    unresolved_dependencies: Vec<UnresolvedDependency>,
    /// Trajectory of the plan as a whole.
    trajectory: Trajectory,
    /// Date changes of open milestones that were not communicated to the customer.
    #[schema(max_items = 100_000)]
    uncommunicated_changes: Vec<DateChange>,
    /// Status and dates of every milestone.
    #[schema(max_items = 5000)]
    milestones: Vec<ReviewedMilestone>,
}

/// Reviews that were recorded before milestones could be late by others alone.
const fn always() -> bool {
    true
}

/// A milestone that needs an explanation in a review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "name": "Pipeline runs", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana", "status": "at_risk", "variance_days": 5, "first_variance_days": 5, "waits_for": null, "stale": false,
    "unexplained_miss": true,
    "needs_finding": true, "skipped_warning": false, "changes_since": 1, "reason": "The client's firewall change takes a week.",
    "cause": "one_time"
}))]
pub struct RiskyMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    name: String,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    #[serde(alias = "owner")]
    owner_name: Option<String>,
    /// Status.
    status: Status,
    /// Variance: days late, in days of the plan's calendar. Negative means early.
    variance_days: i64,
    /// Variance from the first planned date, in days of the plan's calendar.
    #[serde(default)]
    first_variance_days: i64,
    /// Milestone that pushes this one beyond its owner's forecast; null if none does.
    #[serde(default)]
    waits_for: Option<WaitsFor>,
    /// Whether the forecast has passed or was not updated for longer than the update interval.
    stale: bool,
    /// Whether a planned date has passed without an explanation.
    unexplained_miss: bool,
    /// Whether a review needs a finding for the milestone. A milestone that is late only because of what it waits for, or whose
    /// date moved only together with that of a milestone that is still late, needs none.
    #[serde(default = "always")]
    needs_finding: bool,
    /// Whether the milestone went from on track to delayed without being at risk in between.
    skipped_warning: bool,
    /// Number of date changes since the day that the trajectory is compared with.
    #[schema(maximum = 100_000)]
    changes_since: usize,
    /// Reason that the owner gave for the last date change.
    #[schema(value_type = Option<Note>)]
    reason: Option<String>,
    /// Cause of the last date change: one-time or systemic.
    cause: Option<Cause>,
}

/// A dependency that is not resolved yet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"key": "report", "waits_for": "pipeline", "relation": "finish_to_start", "status": "at_risk",
    "expected_on": "2026-05-15", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana"}))]
pub struct UnresolvedDependency {
    /// Key of the milestone that waits.
    #[schema(value_type = Key)]
    key: String,
    /// Key of the milestone that it waits for.
    #[schema(value_type = Key)]
    waits_for: String,
    /// Relation between the two milestones.
    relation: Relation,
    /// Status of the milestone that it waits for.
    status: Status,
    /// Expected date of the milestone that it waits for.
    expected_on: NaiveDate,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    #[serde(alias = "owner")]
    owner_name: Option<String>,
}

/// Trajectory of a plan: its trend and the figures behind it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "trend": "worsening", "since_on": "2026-04-27", "rebaselined": false, "spi": 0.8, "spi_t": 0.86, "spi_t_before": 0.91,
    "expected_finish_on": "2026-06-13",
    "expected_finish_before_on": "2026-06-08", "changes_since": 2, "days_slipped_since": 5
}))]
pub struct Trajectory {
    /// Trend since the last review, or since one update interval ago without a review.
    trend: Trend,
    /// Day that the plan is compared with.
    since_on: NaiveDate,
    /// Whether a new baseline came into force since then. The trend and the indices of both days are then measured against
    /// the earlier one.
    #[serde(default)]
    rebaselined: bool,
    /// Schedule performance index (SPI) today.
    #[schema(minimum = 0)]
    spi: Option<f64>,
    /// Schedule performance index in time, SPI(t), today.
    #[schema(minimum = 0)]
    spi_t: Option<f64>,
    /// Schedule performance index in time, SPI(t), on `since_on`.
    #[schema(minimum = 0)]
    spi_t_before: Option<f64>,
    /// Expected date of the last milestone, today.
    expected_finish_on: Option<NaiveDate>,
    /// Expected date of the last milestone, on `since_on`.
    expected_finish_before_on: Option<NaiveDate>,
    /// Number of date changes after `since_on`.
    #[schema(maximum = 100_000_000)]
    changes_since: usize,
    /// Sum of all date changes after `since_on`, in calendar days. Moves to an earlier date count as negative.
    days_slipped_since: i64,
}

/// Status and dates of a milestone on the day of a review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "status": "at_risk", "planned_on": "2026-05-10", "expected_on": "2026-05-15",
    "variance_days": 5, "first_variance_days": 5}))]
pub struct ReviewedMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Status.
    status: Status,
    /// Planned date.
    planned_on: NaiveDate,
    /// Expected date, or actual date once achieved.
    expected_on: NaiveDate,
    /// Variance: days late, in days of the plan's calendar. Negative means early.
    variance_days: i64,
    /// Variance from the first planned date, in days of the plan's calendar.
    #[serde(default)]
    first_variance_days: i64,
}

/// The date that a milestone's owner gave before its forecast followed that of a milestone that is open and late; `None` if it does not.
fn own_word_on(record: &PlanRecord, standings: &[Standing], last: Option<&ForecastRow>) -> Option<NaiveDate> {
    let cause = record.position(&record.cause_of(last?)?.key)?;
    let milestone = record.milestones.iter().find(|row| Some(row.id) == last.map(|last| last.milestone_id))?;
    let own = record.forecasts.iter().rfind(|one| one.milestone_id == milestone.id && one.caused_by.is_none());
    (standings[cause].is_open() && standings[cause].variance_days > 0)
        .then(|| own.map_or(milestone.planned_on, |own| own.to_on))
}

impl ReviewState {
    /// The state of a plan today.
    pub fn of(record: &PlanRecord, view: &PlanView, today: NaiveDate) -> Self {
        let standings = view.standings(today);
        let rows = || record.milestones.iter().zip(standings.iter());
        let since_on = view.compared_with_on(today);
        let since: Vec<&ForecastRow> = record.forecasts.iter().filter(|one| one.recorded_on > since_on).collect();
        let at_risk = rows().filter(|(_, standing)| is_at_risk(standing)).map(|(row, standing)| {
            let last = record.forecasts.iter().rfind(|change| change.milestone_id == row.id);
            RiskyMilestone {
                key: row.key.clone(),
                name: row.name.clone(),
                owner_id: row.owner.id,
                owner_ref: row.owner.external_ref.clone(),
                owner_name: row.owner.name.clone(),
                status: standing.status,
                variance_days: standing.variance_days,
                first_variance_days: standing.first_variance_days,
                waits_for: WaitsFor::of(standing, |at| &record.milestones[at].key, &view.externals),
                stale: standing.stale,
                unexplained_miss: standing.missed_on.is_some(),
                needs_finding: needs_finding(standing, own_word_on(record, &standings, last)),
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
            expected_on: standings[link.from].reckoned_on,
            owner_id: record.milestones[link.from].owner.id,
            owner_ref: record.milestones[link.from].owner.external_ref.clone(),
            owner_name: record.milestones[link.from].owner.name.clone(),
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
                    expected_on: standing.reckoned_on,
                    variance_days: standing.variance_days,
                    first_variance_days: standing.first_variance_days,
                })
                .collect(),
        }
    }

    /// The keys of the milestones that need an explanation of their own.
    pub fn keys_without_cause(&self) -> impl Iterator<Item = &str> {
        self.at_risk.iter().filter(|one| one.needs_finding).map(|one| one.key.as_str())
    }
}

impl Trajectory {
    fn of(view: &PlanView, since_on: NaiveDate, today: NaiveDate, since: &[&ForecastRow]) -> Self {
        // Both days are measured against one baseline, so that a new baseline alone improves nothing.
        let then = in_force(&view.facts.baselines, since_on).map(|baseline| baseline.number);
        let now_in_force = in_force(&view.facts.baselines, today).map(|baseline| baseline.number);
        let against = then.filter(|_| then != now_in_force).and_then(|number| view.facts.against(number));
        let measured_by = against.as_ref().unwrap_or(&view.facts);
        let at = |on: NaiveDate| {
            let measured = measured_by.earned_schedule(view.row.start_on, on, Period::Week).ok();
            let spi_t = measured.and_then(|(measured, _)| split(measured.schedule_performance_index()).0);
            Moment { spi_t, finish_on: finish_on(&measured_by.standings(on)) }
        };
        let now = at(today);
        let before = if since_on >= view.row.start_on { at(since_on) } else { Moment::default() };
        Self {
            trend: trend(before, now),
            since_on,
            rebaselined: then != now_in_force,
            spi: split(measured_by.earned_value(today).spi()).0,
            spi_t: now.spi_t,
            spi_t_before: before.spi_t,
            expected_finish_on: finish_on(&view.standings(today)),
            expected_finish_before_on: before.finish_on,
            changes_since: since.len(),
            days_slipped_since: since.iter().map(|change| days_between(change.from_on, change.to_on)).sum(),
        }
    }
}
