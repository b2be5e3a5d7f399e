//! Variance report: planned against actual dates of finished milestones, by phase, template milestone, owner or kind of
//! plan.

use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use milepost_domain::plan::Kind;
use milepost_domain::plan::variance::{Variance, by_group};
use milepost_domain::values::text::Label;
use serde::{Deserialize, Serialize};
use strum::Display;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::{file, harmless, line, number};
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::read_model::{MilestoneLabel, PlanView, Plans};

/// Property that groups finished milestones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GroupBy {
    /// Phase or track of the milestone.
    #[default]
    Phase,
    /// Template and key of the milestone. Milestones of plans without a template are left out.
    TemplateMilestone,
    /// Owner of the milestone.
    Owner,
    /// Kind of plan.
    Kind,
}

/// Filters and grouping of the variance report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VarianceOptions {
    /// Property that groups the milestones. Defaults to `phase`.
    #[param(inline)]
    by: Option<GroupBy>,
    /// Filter by kind of plan.
    #[param(inline)]
    kind: Option<Kind>,
    /// Filter by actual date: on or after this date.
    achieved_from: Option<NaiveDate>,
    /// Filter by actual date: on or before this date. Defaults to today.
    achieved_to: Option<NaiveDate>,
}

/// Variance report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "by": "phase", "groups": [{
        "group": "Data preparation", "template_id": null, "owner_id": null, "finished": 12, "mean_slip_days": 4.2, "median_slip_days": 3.0,
        "share_late": 0.75,
        "ratio_p10": 0.9, "ratio_p50": 1.2, "ratio_p80": 1.6, "trend_days_per_month": -0.4, "suggested_buffer_percent": 60.0
    }], "total": {
        "group": null, "template_id": null, "owner_id": null, "finished": 12, "mean_slip_days": 4.2, "median_slip_days": 3.0, "share_late": 0.75,
        "ratio_p10": 0.9, "ratio_p50": 1.2, "ratio_p80": 1.6, "trend_days_per_month": -0.4, "suggested_buffer_percent": 60.0
    }
}))]
pub struct VarianceReport {
    /// Property that groups the milestones.
    by: GroupBy,
    /// Groups, ordered by name.
    #[schema(max_items = 100_000)]
    groups: Vec<VarianceRow>,
    /// Total of all groups; null if no milestone matches.
    total: Option<VarianceRow>,
}

/// Figures of a group of finished milestones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "group": "Data preparation", "template_id": null, "owner_id": null, "finished": 12, "mean_slip_days": 4.2, "median_slip_days": 3.0, "share_late": 0.75,
    "ratio_p10": 0.9, "ratio_p50": 1.2, "ratio_p80": 1.6, "trend_days_per_month": -0.4, "suggested_buffer_percent": 60.0
}))]
pub struct VarianceRow {
    /// Name of the group: the phase, the milestone's key, the owner or the kind of plan. Null for milestones without
    /// one, and in the total.
    #[schema(value_type = Option<Label>)]
    group: Option<String>,
    /// Identifier of the template, when grouped by template milestone.
    template_id: Option<Uuid>,
    /// Identifier of the owner, when grouped by owner: two people of one name are two groups.
    owner_id: Option<Uuid>,
    /// Number of finished milestones.
    #[schema(maximum = 100_000_000)]
    finished: usize,
    /// Mean slip: actual date minus planned date of the first baseline, in days of the plan's calendar.
    mean_slip_days: f64,
    /// Median slip, in days of the plan's calendar.
    median_slip_days: f64,
    /// Share of milestones that were late, from 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    share_late: f64,
    /// 10th percentile of actual over planned duration; null if all milestones were planned to take no time.
    ratio_p10: Option<f64>,
    /// Median of actual over planned duration; null if all milestones were planned to take no time.
    ratio_p50: Option<f64>,
    /// 80th percentile of actual over planned duration; null if all milestones were planned to take no time.
    ratio_p80: Option<f64>,
    /// Trend of the slip, in days per month. Null if all milestones were achieved on one day.
    trend_days_per_month: Option<f64>,
    /// Suggested buffer: the percentage to add to planned durations so that four out of five milestones keep their
    /// date. Null if fewer than five milestones have a planned duration.
    suggested_buffer_percent: Option<f64>,
}

/// Get the variance report
///
/// Compares planned and actual dates of finished milestones. Each milestone is measured against the first baseline that
/// includes it, because later baselines can move the date. Durations count from the day on which work began or could
/// begin, so that a milestone is not charged for delays of its dependencies. Responds with JSON or CSV.
#[utoipa::path(tag = "reports", security(("bearer" = ["plans:read"])), params(VarianceOptions), responses(
    (status = 200, description = "The variance report.", content((VarianceReport = "application/json"), (String = "text/csv")))
))]
#[get("/v1/reports/variance")]
pub async fn read_variance_report(
    request: HttpRequest,
    cx: Context,
    options: Query<VarianceOptions>,
) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let report = VarianceReport::of(&plans, &options.0, cx.today());
    let matched = Matched::of(&request)?;
    if negotiate(&request, &matched.operation.produces) == Some("text/csv") {
        return Ok(file(&format!("variance-by-{}", report.by), report.to_csv()?));
    }
    Ok(Answer::ok(&report)?.content_tag())
}

impl VarianceReport {
    fn of(plans: &Plans, options: &VarianceOptions, today: NaiveDate) -> Self {
        let by = options.by.unwrap_or_default();
        let until = options.achieved_to.unwrap_or(today);
        let is_wanted = |plan: &PlanView, achieved_on: NaiveDate| {
            options.kind.is_none_or(|kind| plan.row.kind.0 == kind)
                && options.achieved_from.is_none_or(|from| achieved_on >= from)
        };
        let finished: Vec<_> = plans
            .finished(until)
            .filter(|(plan, _, one)| is_wanted(plan, one.achieved_on))
            .filter_map(|(plan, label, one)| Some((group_of(by, plan, label)?, one)))
            .collect();
        let total =
            milepost_domain::plan::variance::variance(&finished.iter().map(|(_, one)| *one).collect::<Vec<_>>());
        let groups = by_group(finished);
        Self {
            by,
            groups: groups.into_iter().map(|(group, found)| VarianceRow::of(group, &found)).collect(),
            total: total.map(|found| VarianceRow::of(Group::default(), &found)),
        }
    }

    fn to_csv(&self) -> Result<Vec<u8>, ApiError> {
        let mut bytes = line([
            "row_type",
            "group",
            "template_id",
            "owner_id",
            "finished",
            "mean_slip_days",
            "median_slip_days",
            "share_late",
            "ratio_p10",
            "ratio_p50",
            "ratio_p80",
            "trend_days_per_month",
            "suggested_buffer_percent",
        ])?;
        let rows = self.groups.iter().map(|row| ("group", row)).chain(self.total.iter().map(|row| ("total", row)));
        for (row_type, row) in rows {
            bytes.extend(line([
                row_type.to_owned(),
                harmless(row.group.as_deref().unwrap_or_default()),
                row.template_id.map(|id| id.to_string()).unwrap_or_default(),
                row.owner_id.map(|id| id.to_string()).unwrap_or_default(),
                row.finished.to_string(),
                row.mean_slip_days.to_string(),
                row.median_slip_days.to_string(),
                row.share_late.to_string(),
                number(row.ratio_p10),
                number(row.ratio_p50),
                number(row.ratio_p80),
                number(row.trend_days_per_month),
                number(row.suggested_buffer_percent),
            ])?);
        }
        Ok(bytes)
    }
}

/// A group: its name, and the template or the person that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    name: Option<String>,
    template_id: Option<Uuid>,
    owner_id: Option<Uuid>,
}

fn group_of(by: GroupBy, plan: &PlanView, label: &MilestoneLabel) -> Option<Group> {
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let named = |name| Group { name, ..Group::default() };
    let owner = label.owner.as_ref();
    Some(match by {
        GroupBy::Phase => named(text(&label.phase)),
        GroupBy::Owner => {
            Group { owner_id: owner.and_then(|one| one.id), ..named(owner.and_then(|one| one.name.clone())) }
        }
        GroupBy::Kind => named(Some(plan.row.kind.0.to_string())),
        GroupBy::TemplateMilestone => {
            Group { template_id: Some(plan.row.template_id?), ..named(Some(label.key.to_string())) }
        }
    })
}

impl VarianceRow {
    fn of(Group { name: group, template_id, owner_id }: Group, found: &Variance) -> Self {
        let quantile = |at: usize| found.ratio_quantiles.map(|quantiles| quantiles[at]);
        Self {
            group,
            template_id,
            owner_id,
            finished: found.count,
            mean_slip_days: found.mean_slip_days,
            median_slip_days: found.median_slip_days,
            share_late: found.share_late,
            ratio_p10: quantile(0),
            ratio_p50: quantile(1),
            ratio_p80: quantile(2),
            trend_days_per_month: found.trend_days_per_month,
            suggested_buffer_percent: found.suggested_buffer_percent,
        }
    }
}
