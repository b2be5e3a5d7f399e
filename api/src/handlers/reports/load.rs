//! Load report: the days of work that owners have in each of the coming weeks, and where that is more than they have time for.

use std::collections::BTreeMap;

use actix_web::get;
use chrono::{Days, NaiveDate};
use milepost_domain::plan::Kind;
use milepost_domain::plan::load::{is_overallocated, monday, responsible};
use milepost_domain::values::text::{ExternalRef, Key, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::owner::OwnerParameters;
use crate::paging::Paging;
use crate::read_model::PlanView;
use crate::store::keyset::{Key as PositionKey, Position};
use crate::store::owner::Owner;

/// Number of weeks unless the request says otherwise.
const USUAL_WEEKS: u32 = 12;
/// Days that an owner has in a week unless the request says otherwise.
const USUAL_CAPACITY_DAYS: i64 = 5;
/// Most milestones named of a week.
const MOST_NAMED: usize = 20;

/// Weeks, capacity and filters of the load report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoadOptions {
    /// Day in the first week. Defaults to today.
    from: Option<NaiveDate>,
    /// Number of weeks. Defaults to 12.
    #[param(minimum = 1, maximum = 53)]
    weeks: Option<u32>,
    /// Number of days that an owner has in a week. Defaults to 5.
    #[param(minimum = 1, maximum = 7)]
    capacity_days: Option<i64>,
    /// Filter by kind of plan.
    #[param(inline)]
    kind: Option<Kind>,
    /// Whether to report only owners with an over-allocated week. Defaults to `false`.
    overallocated: Option<bool>,
}

/// Load report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "from": "2026-05-04", "weeks": 12, "capacity_days": 5, "data": [], "next_cursor": null, "has_more": false
}))]
pub struct LoadReport {
    /// Date that the report refers to: today.
    as_of: NaiveDate,
    /// First day: a Monday.
    from: NaiveDate,
    /// Number of weeks.
    #[schema(minimum = 1, maximum = 53)]
    weeks: u32,
    /// Number of days that an owner has in a week.
    #[schema(minimum = 1, maximum = 7)]
    capacity_days: i64,
    /// Items of the page: owners, by name; milestones without an owner come first, under null.
    #[schema(max_items = 200)]
    data: Vec<OwnerLoad>,
    /// Cursor of the next page, to be sent as `cursor`; null on the last page.
    #[schema(max_length = 2000, required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Load of an owner.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana", "load_days": 8, "overallocated_weeks": 1, "weeks": [{"week_on": "2026-05-04", "load_days": 8,
    "overallocated": true,
    "milestones": [{"plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Northwind rollout", "key": "pipeline",
    "name": "Pipeline runs",
        "load_days": 5, "expected_on": "2026-05-08"}]}]
}))]
pub struct OwnerLoad {
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    owner_name: Option<String>,
    /// Days of work in all weeks.
    #[schema(minimum = 0)]
    load_days: i64,
    /// Number of weeks with more work than days.
    #[schema(maximum = 53)]
    overallocated_weeks: usize,
    /// Weeks with work, in order.
    #[schema(max_items = 53)]
    weeks: Vec<WeekLoad>,
}

/// Load of an owner in a week.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "week_on": "2026-05-04", "load_days": 8, "overallocated": true, "milestones": [{"plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "plan_name": "Northwind rollout", "key": "pipeline", "name": "Pipeline runs", "load_days": 5, "expected_on": "2026-05-08"}]
}))]
pub struct WeekLoad {
    /// Monday of the week.
    week_on: NaiveDate,
    /// Days of work.
    #[schema(minimum = 0)]
    load_days: i64,
    /// Whether the work takes more days than the owner has.
    overallocated: bool,
    /// Milestones that are worked on, those with the most work first: the first 20.
    #[schema(max_items = 20)]
    milestones: Vec<MilestoneLoad>,
}

/// Work on a milestone in a week.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Northwind rollout", "key": "pipeline", "name": "Pipeline runs",
    "load_days": 5, "expected_on": "2026-05-08"
}))]
pub struct MilestoneLoad {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Name of the plan.
    #[schema(value_type = Name)]
    plan_name: String,
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    name: String,
    /// Days of work in the week.
    #[schema(minimum = 1)]
    load_days: i64,
    /// Reckoned date, with which the work ends.
    expected_on: NaiveDate,
}

/// Work by owner and week.
type Loads = BTreeMap<Owner, BTreeMap<NaiveDate, Vec<MilestoneLoad>>>;

/// Get the load of all owners
///
/// Reports the days of work that owners have in the coming weeks, and the weeks in which that is more than they have. The work on an open
/// milestone ends with its reckoned date and takes its duration, or the time that its dependencies leave it, in days of the plan's
/// calendar. Plans that are archived or on hold are left out.
#[utoipa::path(tag = "reports", security(("bearer" = ["plans:read"])), params(Paging, LoadOptions, OwnerParameters),
    responses((status = 200, description = "The load report.", body = LoadReport)))]
#[get("/v1/reports/load")]
pub async fn read_load_report(
    cx: Context,
    paging: Paging,
    options: Query<LoadOptions>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let options = options.0;
    let (as_of, plans) = (cx.today(), cx.plans().await?);
    let from = monday(options.from.unwrap_or(as_of));
    let (weeks, capacity_days) =
        (options.weeks.unwrap_or(USUAL_WEEKS), options.capacity_days.unwrap_or(USUAL_CAPACITY_DAYS));
    let until = from + Days::new(7 * u64::from(weeks));
    let mut loads = Loads::new();
    let is_meant = |view: &PlanView| {
        view.row.archived_at.is_none()
            && view.facts.holds.iter().all(|hold| !hold.covers(as_of))
            && options.kind.is_none_or(|kind| view.row.kind.0 == kind)
    };
    for view in plans.by_name.iter().filter(|view| is_meant(view)) {
        add(&mut loads, view, as_of, (from, until));
    }
    let owners = owners.0.filter(&cx).await?;
    let all = loads.into_iter().filter(|(owner, _)| owners.admits(owner));
    let mut all: Vec<OwnerLoad> = all.map(|(owner, weeks)| OwnerLoad::of(owner, weeks, capacity_days)).collect();
    all.retain(|one| !options.overallocated.unwrap_or_default() || one.overallocated_weeks > 0);
    let position = |one: &OwnerLoad| Position {
        key: Some(PositionKey::Text(one.owner_name.clone().unwrap_or_default())),
        id: one.owner_id.unwrap_or_default(),
    };
    let (data, next_cursor) = paging.page_of(all, position)?;
    let link = next_cursor.as_deref().map(|cursor| paging.link(cursor));
    let has_more = next_cursor.is_some();
    let report = LoadReport { as_of, from, weeks, capacity_days, data, next_cursor, has_more };
    Ok(Answer::ok(&report)?.content_tag().next_link(link))
}

/// Adds the work of a plan.
fn add(loads: &mut Loads, view: &PlanView, as_of: NaiveDate, (from, until): (NaiveDate, NaiveDate)) {
    for work in view.facts.work(&view.standings(as_of), as_of) {
        let label = &view.labels[work.milestone];
        let of_plan = Some(&view.row.owner).filter(|owner| !owner.is_nobody());
        let owner = responsible(label.owner.as_deref(), of_plan).cloned().unwrap_or_default();
        let weeks = view.facts.weeks(&work).into_iter().filter(|(week_on, _)| (from..until).contains(week_on));
        for (week_on, load_days) in weeks {
            let milestone = MilestoneLoad {
                plan_id: view.row.id,
                plan_name: view.row.name.clone(),
                key: label.key.to_string(),
                name: label.name.to_string(),
                load_days,
                expected_on: work.to_on,
            };
            loads.entry(owner.clone()).or_default().entry(week_on).or_default().push(milestone);
        }
    }
}

impl OwnerLoad {
    fn of(owner: Owner, weeks: BTreeMap<NaiveDate, Vec<MilestoneLoad>>, capacity_days: i64) -> Self {
        let week = |(week_on, mut milestones): (NaiveDate, Vec<MilestoneLoad>)| {
            let load_days = milestones.iter().map(|one| one.load_days).sum();
            milestones.sort_by_key(|one| (-one.load_days, one.expected_on));
            milestones.truncate(MOST_NAMED);
            WeekLoad { week_on, load_days, overallocated: is_overallocated(load_days, capacity_days), milestones }
        };
        let weeks: Vec<WeekLoad> = weeks.into_iter().map(week).collect();
        Self {
            owner_id: owner.id,
            owner_ref: owner.external_ref,
            owner_name: owner.name,
            load_days: weeks.iter().map(|week| week.load_days).sum(),
            overallocated_weeks: weeks.iter().filter(|week| week.overallocated).count(),
            weeks,
        }
    }
}
