//! Reading interventions and their notes.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::customer::intervention::{InterventionKind, Priority, Status, escalated_to};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::owner::OwnerParameters;
use crate::paging::{Page, Paging};
use crate::reference::{self, Named};
use crate::resources::interventions::Intervention;
use crate::store::interventions::InterventionRow;
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::row::{self, Condition, Value};

/// Filters of the intervention list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InterventionFilters {
    /// Filter by customer.
    customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Filter by openness: `true` for interventions that are not done, `false` for those that are.
    open: Option<bool>,
    /// Filter by status.
    #[param(inline)]
    status: Option<Status>,
    /// Filter by kind. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 20)]
    kind: Vec<InterventionKind>,
    /// Filter by priority. Repeat the parameter for several priorities.
    #[serde(default)]
    #[param(max_items = 4)]
    priority: Vec<Priority>,
    /// Filter by the playbook that opened the intervention.
    playbook_id: Option<Uuid>,
    /// Filter by due date: earliest due date.
    due_from: Option<NaiveDate>,
    /// Filter by due date: latest due date.
    due_to: Option<NaiveDate>,
    /// Filter by lateness: `true` for interventions that are not done although their due date has passed.
    overdue: Option<bool>,
    /// Filter by person that an intervention has been escalated to.
    escalated_to_id: Option<Uuid>,
    /// Filter by name of the person, role or team that an intervention has been escalated to (exact match).
    #[param(inline)]
    escalated_to_name: Option<Name>,
    /// Order. Defaults to the most recently opened first.
    #[param(inline)]
    sort: Option<InterventionSort>,
}

/// The orders of the intervention list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum InterventionSort {
    /// Most recently opened first.
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
    /// Opened longest ago first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// By due date, the earliest first.
    #[serde(rename = "due_on")]
    DueOn,
    /// By due date, the latest first.
    #[serde(rename = "-due_on")]
    DueOnDescending,
}

impl InterventionSort {
    const fn order(self) -> Order {
        match self {
            Self::CreatedAtDescending | Self::CreatedAt => Order::Id,
            Self::DueOn | Self::DueOnDescending => Order::Date("due_on"),
        }
    }

    const fn direction(self) -> Direction {
        match self {
            Self::CreatedAtDescending | Self::DueOnDescending => Direction::Descending,
            Self::CreatedAt | Self::DueOn => Direction::Ascending,
        }
    }
}

impl InterventionFilters {
    const fn asks_for_escalated(&self) -> bool {
        self.escalated_to_id.is_some() || self.escalated_to_name.is_some()
    }

    /// Conditions on the rows, on a day.
    fn conditions(&self, today: NaiveDate) -> Vec<Condition> {
        let date = |on: NaiveDate| Value::Date(Some(on));
        let is_done = |is_done| Condition::IsPresent("done_on", is_done);
        let mut conditions = vec![];
        conditions.extend(Condition::one_of("kind", &self.kind));
        conditions.extend(Condition::one_of("priority", &self.priority));
        conditions.extend(self.playbook_id.map(|id| Condition::Equals("playbook_id", Value::Uuid(Some(id)))));
        conditions.extend(self.open.map(|is_open| is_done(!is_open)));
        conditions.extend(self.due_from.map(|on| Condition::AtLeast("due_on", date(on))));
        conditions.extend(self.due_to.map(|on| Condition::AtMost("due_on", date(on))));
        match self.status {
            None => {}
            Some(Status::Done) => conditions.push(is_done(true)),
            Some(Status::Snoozed) => {
                conditions.extend([is_done(false), Condition::AtLeast("snoozed_until", date(plus_days(today, 1)))]);
            }
            Some(Status::Open) => {
                let is_over = Condition::AtMost("snoozed_until", date(today));
                let awake = Condition::either(Condition::IsPresent("snoozed_until", false), is_over);
                conditions.extend([is_done(false), awake]);
            }
        }
        match self.overdue {
            None => {}
            Some(true) => {
                conditions.extend([is_done(false), Condition::AtMost("due_on", date(plus_days(today, -1)))]);
            }
            Some(false) => conditions.push(Condition::either(is_done(true), Condition::AtLeast("due_on", date(today)))),
        }
        // Who has been told depends on the day: it is found out of those that are not done.
        conditions.extend(self.asks_for_escalated().then(|| is_done(false)));
        conditions
    }
}

/// List interventions
///
/// Returns interventions of all customers, the most recently opened first unless sorted otherwise. Filters narrow the list down.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])), params(Paging, InterventionFilters, OwnerParameters),
    responses((status = 200, description = "A page of interventions.", body = Page<Intervention>)))]
#[get("/v1/interventions")]
pub async fn list_interventions(
    cx: Context,
    paging: Paging,
    filters: Query<InterventionFilters>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let (filters, today) = (filters.0, cx.today());
    let customer = Named { id: filters.customer_id, external_ref: filters.customer_ref.as_ref() };
    let mut conditions = filters.conditions(today);
    conditions.extend(owners.0.filter(&cx).await?.conditions());
    conditions.extend(reference::condition::<CustomerContent>(&cx, "customer_id", customer).await?);
    let sort = filters.sort.unwrap_or_default();
    let slice = paging.slice(sort.order(), sort.direction())?;
    let position = |row: &InterventionRow| {
        let key = matches!(sort.order(), Order::Date(_)).then_some(PositionKey::Date(row.due_on));
        Position { key, id: row.id }
    };
    if !filters.asks_for_escalated() {
        let rows = row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
        return paging.answer(rows, position, |row| Intervention::of(row, today));
    }
    let mut rows: Vec<InterventionRow> =
        row::all(&mut cx.read().await?, cx.organization_id(), &conditions, "id").await?;
    rows.retain(|row| {
        escalated_to(&row.escalations.0, row.opened_on, row.snoozed_until, today).is_some_and(|tier| {
            let (id, name) = (filters.escalated_to_id, &filters.escalated_to_name);
            (id.is_none() || tier.to_id == id) && (name.is_none() || tier.to_name == *name)
        })
    });
    paging.answer_sorted(sort.direction(), rows, position, |row| Intervention::of(row, today))
}

/// Get an intervention
///
/// Returns the intervention as it stands today: `status`, `overdue` and `escalated_to_name` depend on the date.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The intervention.", body = Intervention)))]
#[get("/v1/interventions/{id}")]
pub async fn read_intervention(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let row: Option<InterventionRow> = row::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let version = row.version;
    Ok(Answer::ok(&Intervention::of(row, cx.today()))?.version_and_content(version))
}
