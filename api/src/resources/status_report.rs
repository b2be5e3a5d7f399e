//! A plan's status as a client is told: milestones completed first, then what is at risk and why, dates that moved, what comes next.

mod known;
pub mod value;

use chrono::{DateTime, Days, NaiveDate, Utc};
use milepost_domain::plan::hold::on_hold_since;
use milepost_domain::plan::review::is_at_risk;
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::share::{ShareField, Visibility};
use milepost_domain::values::text::{Key, Label, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use self::known::Known;
use super::date_changes::DateChange;
use crate::read_model::PlanView;
use crate::store::organizations::Organization;
use crate::store::plans::PlanRecord;

/// Status report of a plan for the customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Northwind rollout", "organization_name": "Contoso Consulting",
    "contact": "Ana Novak, ana@example.com", "summary": ["80 % of what was planned by 4 May 2026 is done."],
    "customer_name": "Northwind", "owner_name": "Ana",
    "as_of": "2026-05-04", "since_on": "2026-04-27", "since_at": "2026-04-27T15:00:00Z", "on_hold_since": null, "status": "at_risk",
    "achieved": 8, "in_scope": 19,
    "completed": [], "at_risk": [], "date_changes": [], "corrections": [], "next_two_weeks": [], "earned_value": null, "milestones": []
}))]
pub struct StatusReport {
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// Name of the plan.
    #[schema(value_type = Name)]
    pub plan_name: String,
    /// Name of the organization that reports.
    #[schema(value_type = Name)]
    pub organization_name: String,
    /// Contact at the organization.
    #[schema(value_type = Option<Note>)]
    pub contact: Option<String>,
    /// Name of the customer that the plan serves.
    #[schema(value_type = Option<Name>)]
    pub customer_name: Option<String>,
    /// Name of the owner.
    #[schema(value_type = Option<Name>)]
    pub owner_name: Option<String>,
    /// Date of the report, inclusive.
    pub as_of: NaiveDate,
    /// Start of the reporting period. The day itself is in the period only from `since_at` on.
    pub since_on: NaiveDate,
    /// Time of the last review, at which the reporting period starts; null if it starts with a day.
    pub since_at: Option<DateTime<Utc>>,
    /// First day of the hold that the plan was on at `as_of`, since when its dates stand still; null if it was not on hold.
    pub on_hold_since: Option<NaiveDate>,
    /// Worst status among the open milestones.
    pub status: Status,
    /// Summary: progress and finish in sentences that a client understands. Empty if earned value is not shown.
    #[schema(value_type = Vec<Note>, max_items = 5)]
    pub summary: Vec<String>,
    /// Number of achieved milestones.
    #[schema(maximum = 5000)]
    pub achieved: usize,
    /// Number of milestones in scope: open or achieved.
    #[schema(maximum = 5000)]
    pub in_scope: usize,
    /// Milestones completed in the reporting period.
    #[schema(max_items = 5000)]
    pub completed: Vec<ReportedMilestone>,
    /// Milestones at risk, with reasons and recovery actions where known. Milestones that are late because of another one stand
    /// with that one.
    #[schema(max_items = 5000)]
    pub at_risk: Vec<MilestoneAtRisk>,
    /// Date changes in the reporting period, and older date changes of open milestones that were not communicated to
    /// the customer. Newest first.
    #[schema(max_items = 100_000)]
    pub date_changes: Vec<DateChange>,
    /// Corrections in the reporting period of what was recorded before, the newest first.
    #[schema(max_items = 100_000)]
    pub corrections: Vec<ReportedCorrection>,
    /// Open milestones expected within two weeks, in order of their dates.
    #[schema(max_items = 5000)]
    pub next_two_weeks: Vec<ReportedMilestone>,
    /// Earned value; null if not shown.
    pub earned_value: Option<ReportedValue>,
    /// All milestones, in plan order.
    #[schema(max_items = 5000)]
    pub milestones: Vec<ReportedMilestone>,
}

/// A milestone in a status report.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "name": "Pipeline runs", "phase": "Data preparation", "planned_on": "2026-05-10", "forecast_on": "2026-05-15",
    "actual_on": null, "status": "at_risk", "variance_days": 5, "first_planned_on": "2026-05-10", "stale": false, "owner_name": "Ana",
    "depends_on": [{"key": "data-access", "name": "Data access confirmed"}], "note": null
}))]
pub struct ReportedMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    pub key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    pub name: String,
    /// Phase or track.
    #[schema(value_type = Option<Label>)]
    pub phase: Option<String>,
    /// Planned date.
    pub planned_on: NaiveDate,
    /// Planned date in the first baseline.
    pub first_planned_on: NaiveDate,
    /// Reckoned date: while the milestone is open, not before the date of the report, and not before what it waits for
    /// allows.
    pub forecast_on: NaiveDate,
    /// Actual date; null until achieved.
    pub actual_on: Option<NaiveDate>,
    /// Status.
    pub status: Status,
    /// Variance: days late, in days of the plan's calendar. Negative means early.
    pub variance_days: i64,
    /// Whether the forecast has passed or was not updated for longer than the update interval.
    pub stale: bool,
    /// Name of the owner.
    #[schema(value_type = Option<Name>)]
    pub owner_name: Option<String>,
    /// Milestones that it depends on; empty if not shown.
    #[schema(max_items = 100)]
    pub depends_on: Vec<NamedMilestone>,
    /// Note on the status; null if not shown.
    #[schema(value_type = Option<Note>)]
    pub note: Option<String>,
}

/// A correction in a status report.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "milestone": {"key": "data-access", "name": "Data access confirmed"}, "started_from_on": null, "started_to_on": null,
    "actual_from_on": "2026-04-20", "actual_to_on": "2026-04-17", "reason": "The run of Friday already met all criteria.",
    "recorded_on": "2026-04-22"
}))]
pub struct ReportedCorrection {
    /// Milestone.
    pub milestone: NamedMilestone,
    /// Start date as it was said; null if it is not corrected.
    pub started_from_on: Option<NaiveDate>,
    /// Right start date; null if it is not corrected.
    pub started_to_on: Option<NaiveDate>,
    /// Actual date as it was said; null if it is not corrected.
    pub actual_from_on: Option<NaiveDate>,
    /// Right actual date; null if it is not corrected.
    pub actual_to_on: Option<NaiveDate>,
    /// Reason for the correction.
    #[schema(value_type = Note)]
    pub reason: String,
    /// Day on which the correction was recorded.
    pub recorded_on: NaiveDate,
}

/// A milestone, by its key and its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"key": "data-access", "name": "Data access confirmed"}))]
pub struct NamedMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    pub key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    pub name: String,
}

/// A milestone at risk, with its context and with what is late because of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "milestone": {
        "key": "pipeline", "name": "Pipeline runs", "phase": "Data preparation", "planned_on": "2026-05-10", "forecast_on": "2026-05-15",
        "actual_on": null, "status": "at_risk", "variance_days": 5, "first_planned_on": "2026-05-10", "stale": false,
        "owner_name": "Ana", "depends_on": [{"key": "data-access", "name": "Data access confirmed"}], "note": null
    }, "reason": "The client's firewall change takes a week.", "recovery_actions": [], "holds_up": [{"key": "report",
    "name": "Report accepted"}],
    "knock_ons": []
}))]
pub struct MilestoneAtRisk {
    /// Milestone.
    pub milestone: ReportedMilestone,
    /// Reason: the explanation of the miss, or the reason for the last date change.
    #[schema(value_type = Option<Note>)]
    pub reason: Option<String>,
    /// Recovery actions: the actions to get back on track.
    #[schema(value_type = Vec<Note>, max_items = 20)]
    pub recovery_actions: Vec<String>,
    /// Open milestones that depend on it.
    #[schema(max_items = 5000)]
    pub holds_up: Vec<NamedMilestone>,
    /// Knock-on effects: milestones that are late because of this one, directly or through others.
    #[schema(max_items = 5000)]
    pub knock_ons: Vec<ReportedMilestone>,
}

/// Earned value in a status report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "planned_percent": 50.0, "earned_percent": 40.0, "spi": 0.8, "spi_t": 0.86, "planned_finish_on": "2026-06-01",
    "first_planned_finish_on": "2026-06-01",
    "expected_finish_on": "2026-06-13", "finish_variance_days": 12, "finished": false
}))]
pub struct ReportedValue {
    /// Planned value (PV) in percent of the scope.
    #[schema(minimum = 0)]
    pub planned_percent: Option<f64>,
    /// Earned value (EV) in percent of the scope.
    #[schema(minimum = 0)]
    pub earned_percent: Option<f64>,
    /// Schedule performance index (SPI).
    #[schema(minimum = 0)]
    pub spi: Option<f64>,
    /// Schedule performance index in time, SPI(t).
    #[schema(minimum = 0)]
    pub spi_t: Option<f64>,
    /// Last planned date.
    pub planned_finish_on: Option<NaiveDate>,
    /// Last planned date of the first baseline.
    pub first_planned_finish_on: Option<NaiveDate>,
    /// Expected date of the last milestone, or its actual date once achieved.
    pub expected_finish_on: Option<NaiveDate>,
    /// Expected or actual minus planned finish, in days of the plan's calendar. Negative means early.
    pub finish_variance_days: Option<i64>,
    /// Whether no milestone is open any more and one was achieved.
    pub finished: bool,
}

/// Start of a reporting period: an instant, or the end of a day.
#[derive(Debug, Clone, Copy)]
struct Since {
    on: NaiveDate,
    at: Option<DateTime<Utc>>,
}

impl Since {
    /// The end of a given day, else the instant of the last review, else one update interval ago.
    fn of(view: &PlanView, as_of: NaiveDate, given: Option<NaiveDate>) -> Self {
        match (given, view.reviewed_by(as_of)) {
            (Some(on), _) => Self { on, at: None },
            (None, Some((on, at))) => Self { on, at: Some(at) },
            (None, None) => Self { on: view.compared_with_on(as_of), at: None },
        }
    }

    /// Whether something that happened on a day, and was recorded at an instant if that is known, belongs to the period.
    fn comes_before(&self, happened_on: NaiveDate, recorded_at: Option<DateTime<Utc>>) -> bool {
        match (self.at, recorded_at) {
            (Some(since), Some(recorded_at)) => recorded_at > since,
            _ => happened_on > self.on,
        }
    }
}

impl StatusReport {
    /// The report of a plan at the end of `as_of`, limited to the visible parts.
    pub fn of(reported: &Reported<'_>, as_of: NaiveDate, since: Option<NaiveDate>) -> Self {
        let Reported { record, view, organization, visible } = *reported;
        let since = Since::of(view, as_of, since);
        let standings = view.standings(as_of);
        let shown: Vec<usize> = (0..standings.len()).filter(|at| visible.shows(&record.milestones[*at].key)).collect();
        let known = Known { record, by_milestone: record.by_milestone(), standings: &standings, visible, as_of };
        let milestone = |at: usize| known.milestone(at);
        let is_open = |at: usize| standings[at].is_open();
        let reckoned_on = |at: usize| standings[at].reckoned_on;
        let is_done = |at: &&usize| standings[**at].status == Status::Achieved;
        let completed = shown
            .iter()
            .filter(is_done)
            .filter(|at| since.comes_before(reckoned_on(**at), record.milestones[**at].closed_at));
        let mut completed: Vec<usize> = completed.copied().collect();
        completed.sort_by_key(|at| reckoned_on(*at));
        let two_weeks_on = as_of.checked_add_days(Days::new(14)).unwrap_or(as_of);
        let mut next: Vec<usize> =
            shown.iter().copied().filter(|at| is_open(*at) && reckoned_on(*at) <= two_weeks_on).collect();
        next.sort_by_key(|at| reckoned_on(*at));
        let late: Vec<usize> = shown.iter().copied().filter(|at| is_at_risk(&standings[*at])).collect();
        let changes = shown.iter().flat_map(|at| {
            let row = &record.milestones[*at];
            known.changes(*at).map(move |change| {
                let reason = record.shown_reason(change, visible);
                let is_new = since.comes_before(change.recorded_on, Some(change.recorded_at));
                let told = DateChange { reason, ..DateChange::of(record, row, change) };
                (is_new || (is_open(*at) && !told.communicated), told)
            })
        });
        let is_news = |(is_news, _): &(bool, DateChange)| *is_news;
        let mut date_changes: Vec<DateChange> = if visible.has(ShareField::DateChanges) {
            changes.filter(is_news).map(|(_, change)| change).collect()
        } else {
            vec![]
        };
        date_changes.sort_by_key(|change| std::cmp::Reverse(change.recorded_on));
        // A change caused by a change that this report does not contain is reported without its cause.
        let told: Vec<(String, NaiveDate)> =
            date_changes.iter().map(|one| (one.key.clone(), one.recorded_on)).collect();
        for change in &mut date_changes {
            let on = change.recorded_on;
            change.follows = change.follows.take().filter(|key| told.iter().any(|(one, day)| one == key && *day == on));
        }
        let shown_view = PlanView::from(&record.restricted_to(visible));
        let summary = shown_view.summary(as_of);
        let counts = |at: &&usize| is_open(**at) || is_done(at);
        let finish_on = shown.iter().filter(counts).map(|at| reckoned_on(*at)).max();
        let earned_value =
            visible.has(ShareField::EarnedValue).then(|| ReportedValue::of(&shown_view, as_of, finish_on));
        Self {
            plan_id: record.plan.id,
            plan_name: record.plan.name.clone(),
            organization_name: organization.name.clone(),
            contact: organization.contact.clone(),
            customer_name: record.plan.customer_name.clone(),
            owner_name: record.plan.owner.name.clone().filter(|_| visible.has(ShareField::Owner)),
            as_of,
            on_hold_since: on_hold_since(&view.facts.holds, as_of),
            since_on: since.on,
            since_at: since.at,
            status: summary.counts.overall(),
            summary: earned_value.as_ref().map_or(vec![], |value| value.in_sentences(as_of)),
            achieved: shown.iter().filter(is_done).count(),
            in_scope: shown.iter().filter(|at| is_open(**at) || is_done(at)).count(),
            completed: completed.into_iter().map(milestone).collect(),
            at_risk: known.at_risk(&late),
            date_changes,
            corrections: known.corrections(since),
            next_two_weeks: next.into_iter().map(milestone).collect(),
            earned_value,
            milestones: shown.iter().map(|at| milestone(*at)).collect(),
        }
    }
}

/// A plan to report, whose organization reports it, and what of it is visible.
#[derive(Debug, Clone, Copy)]
pub struct Reported<'a> {
    /// Plan.
    pub record: &'a PlanRecord,
    /// Plan in the form that reports use.
    pub view: &'a PlanView,
    /// Organization that reports.
    pub organization: &'a Organization,
    /// Visible parts.
    pub visible: &'a Visibility,
}
