//! The caller: who they are, what they may do, and what waits for them.

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::people::PersonContent;
use milepost_domain::people::responsibility::Responsibility;
use milepost_domain::values::text::{Key, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::resource::{By, find};
use crate::store::author::{Author, AuthorKind};
use crate::store::people::Person;
use crate::store::{api_clients, responsibilities, roles};

/// Number of items that are named of what waits for a person.
const MOST_WAITING: usize = 20;

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "CRM sync", "client_id": null,
    "organization_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "person": null, "roles": [], "scopes": ["customers:read"], "reports": 0,
    "waiting": {"overdue": 0, "items": []}, "as_of": "2026-05-04"
}))]
pub struct Me {
    /// Kind of caller.
    #[serde(rename = "type")]
    kind: AuthorKind,
    /// Identifier of the API client or the person, or the subject of the token.
    #[schema(max_length = 200)]
    id: String,
    /// Name of the API client or the person.
    #[schema(value_type = Option<Name>)]
    name: Option<String>,
    /// Identifier of the API client that acts for the person.
    #[schema(max_length = 200)]
    client_id: Option<String>,
    /// Identifier of the organization.
    organization_id: Uuid,
    /// Person, if the caller is one.
    person: Option<Person>,
    /// Roles of the person; everybody has the role `member`, which is left out.
    #[schema(max_items = 50, value_type = Vec<Key>)]
    roles: Vec<String>,
    /// Scopes that the caller has everywhere. What a person may do with what is theirs is listed by `GET /v1/roles`.
    #[schema(max_items = 20, value_type = Vec<Scope>)]
    scopes: Scopes,
    /// Number of people who report to the person, directly or through others.
    #[schema(maximum = 1_000_000)]
    reports: usize,
    /// Open work of the person.
    waiting: Waiting,
    /// Date that this refers to: today.
    as_of: NaiveDate,
}

/// Open work of a person: their milestones and interventions.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(example = json!({"overdue": 1, "items": []}))]
pub struct Waiting {
    /// Number of items whose date has passed.
    #[schema(maximum = 1_000_000)]
    overdue: usize,
    /// Items, by date: the first 20.
    #[schema(max_items = 20)]
    items: Vec<WaitingItem>,
}

/// Item of the open work of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "kind": "milestones", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Pipeline runs",
    "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "due_on": "2026-05-20", "overdue": false
}))]
pub struct WaitingItem {
    /// Kind: `milestones` or `interventions`.
    kind: Responsibility,
    /// Identifier.
    id: Uuid,
    /// Name.
    #[schema(value_type = Name)]
    name: String,
    /// Identifier of the plan, of a milestone.
    plan_id: Option<Uuid>,
    /// Date by which it is reckoned with, of a milestone, or due, of an intervention.
    due_on: NaiveDate,
    /// Whether the planned or due date has passed.
    overdue: bool,
}

/// Get the caller
///
/// Returns who the caller is, what they may do, and, for a person, what waits for them. Every valid credential may ask this.
#[utoipa::path(tag = "access", security(("bearer" = [])),
    responses((status = 200, description = "The caller.", body = Me)))]
#[get("/v1/me")]
pub async fn read_me(cx: Context) -> Result<Answer, ApiError> {
    let Author { kind, id, client_id, .. } = cx.who.caller.author.clone();
    let mut me = Me {
        kind,
        id,
        name: None,
        client_id,
        organization_id: cx.organization_id(),
        person: None,
        roles: vec![],
        scopes: cx.who.caller.scopes.clone(),
        reports: 0,
        waiting: Waiting::default(),
        as_of: cx.today(),
    };
    let mut conn = cx.snapshot().await?;
    if let Some(circle) = &cx.who.caller.person {
        let person = find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(circle.person_id)).await?;
        me.roles = roles::of_person(&mut conn, cx.organization_id(), circle.person_id).await?;
        me.reports = circle.reports.len();
        me.name = Some(person.name.to_string());
        let tasks =
            responsibilities::held(&mut conn, cx.organization_id(), Responsibility::Interventions, circle.person_id)
                .await?;
        me.waiting = waiting(&cx, circle.person_id, tasks).await?;
        me.person = Some(person);
    } else if let Ok(client_id) = me.id.parse() {
        let client = api_clients::find(&mut conn, cx.organization_id(), client_id).await?;
        me.name = client.map(|client| client.name);
    }
    Ok(Answer::ok(&me)?.content_tag())
}

async fn waiting(cx: &Context, person_id: Uuid, tasks: Vec<responsibilities::Held>) -> Result<Waiting, ApiError> {
    let (today, plans) = (cx.today(), cx.plans().await?);
    let mut items = vec![];
    for plan in plans.by_name.iter().filter(|plan| plan.row.archived_at.is_none()) {
        let own = |at: &usize| plan.labels[*at].owner.as_ref().is_some_and(|owner| owner.id == Some(person_id));
        let owned: Vec<usize> = (0..plan.labels.len()).filter(own).collect();
        if owned.is_empty() {
            continue;
        }
        let standings = plan.standings(today);
        items.extend(owned.into_iter().filter(|at| standings[*at].is_open()).map(|at| WaitingItem {
            kind: Responsibility::Milestones,
            id: plan.labels[at].id,
            name: plan.labels[at].name.to_string(),
            plan_id: Some(plan.row.id),
            due_on: standings[at].reckoned_on,
            overdue: standings[at].overdue,
        }));
    }
    items.extend(tasks.into_iter().filter_map(|task| {
        let due_on = task.due_on?;
        let responsibilities::Held { kind, id, name, plan_id, .. } = task;
        Some(WaitingItem { kind, id, name, plan_id, due_on, overdue: due_on < today })
    }));
    items.sort_by_key(|item| (item.due_on, item.id));
    let overdue = items.iter().filter(|item| item.overdue).count();
    items.truncate(MOST_WAITING);
    Ok(Waiting { overdue, items })
}
