//! Dry run of a playbook: the interventions that it would have opened recently. Writes nothing.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::playbook::{KeyedPlaybook, Playbook};
use milepost_domain::customer::reaction::{Look, react};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::day::Day;
use crate::customer_health::models::Models;
use crate::customer_health::observed::{Observed, Stretch};
use crate::customer_health::participants::Participants;
use crate::customer_health::risk::Learned;
use crate::customer_health::{observed, risk};
use crate::error::ApiError;
use crate::extract::Query;
use crate::resource::{self, By};
use crate::store::customers;

/// Options of a dry run.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DryRunOptions {
    /// Number of days, ending today. Defaults to 90.
    #[param(minimum = 1, maximum = 365)]
    days: Option<i64>,
}

/// Results of a dry run: the interventions that a playbook would have opened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": "2026-02-04", "to": "2026-05-04", "customers": 1, "data": [
    {"customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind", "on": "2026-03-12", "because_of": [""]}
]}))]
pub struct DryRun {
    /// First day.
    from: NaiveDate,
    /// Last day.
    to: NaiveDate,
    /// Number of customers for which the playbook would have opened an intervention.
    #[schema(maximum = 1_000_000)]
    customers: usize,
    /// Interventions that the playbook would have opened, ordered by day.
    #[schema(max_items = 1_000_000)]
    data: Vec<WouldOpen>,
}

/// An intervention that a playbook would have opened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind", "on": "2026-03-12", "because_of": [""]}))]
pub struct WouldOpen {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Display name of the customer.
    #[schema(value_type = Name)]
    name: String,
    /// Day of opening.
    on: NaiveDate,
    /// Subjects for which the trigger began to hold: milestones, plans, factors, or an empty string for the customer
    /// itself.
    #[schema(max_items = 1000)]
    #[schema(value_type = Vec<String>, max_length = 300)]
    because_of: Vec<String>,
}

/// Preview a playbook on past days
///
/// Replays the playbook over the last 90 days, or another number of days up to 365, and lists the interventions that
/// it would have opened. Nothing is saved. Each day is judged from what is known about it today, by the models that are active today. The
/// playbook counts as active even if it is not.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:read"])), params(DryRunOptions),
    responses((status = 200, description = "The interventions that the playbook would have opened.", body = DryRun)))]
#[post("/v1/playbooks/{playbook_key}/dry-run")]
pub async fn dry_run_playbook(
    cx: Context,
    key: Path<String>,
    options: Query<DryRunOptions>,
) -> Result<Answer, ApiError> {
    let to = cx.today();
    let from = plus_days(to, 1 - options.0.days.unwrap_or(90));
    let row = resource::find::<KeyedPlaybook>(&mut cx.read().await?, cx.organization_id(), By::Key(&key)).await?;
    let people = Participants::load_for(&cx, [&row.content.content.trigger]).await?;
    let mut conn = cx.survey().await?;
    let playbook = Playbook { active: true, ..row.content.content };
    let models = Models::load(&mut conn, cx.organization_id(), None).await?.of_today();
    let risk_model =
        risk::in_force(&mut conn, cx.organization_id(), cx.today(), None).await?.map(|(_, learned)| learned);
    let mut own = customers::all(&mut conn, cx.organization_id()).await?;
    own.retain(|one| one.stamp.archived_at.is_none());
    let back = playbook.trigger.compares_with().map_or(0, i64::from);
    let stretch = Stretch { from: plus_days(from, -1 - back), to, known_at: None };
    let needs = models.needs().reaching(risk::REACH_DAYS);
    let observed = observed::observe(&cx, &mut conn, own, needs, stretch).await?;
    drop(conn);
    let tried = tokio::task::spawn_blocking(move || {
        let mut data: Vec<WouldOpen> = observed
            .iter()
            .flat_map(|one| replay(one, &playbook, (&models, risk_model.as_ref(), &people), from, to))
            .collect();
        let mut customers: Vec<Uuid> = data.iter().map(|one| one.customer_id).collect();
        customers.sort_unstable();
        customers.dedup();
        data.sort_by(|a, b| (a.on, &a.name, a.customer_id).cmp(&(b.on, &b.name, b.customer_id)));
        DryRun { from, to, customers: customers.len(), data }
    });
    Answer::ok(&tried.await.map_err(ApiError::internal)?)
}

/// Replays the days as the playbook would have seen them.
fn replay(
    one: &Observed,
    playbook: &Playbook,
    (models, risk_model, people): (&Models, Option<&Learned>, &Participants),
    from: NaiveDate,
    to: NaiveDate,
) -> Vec<WouldOpen> {
    let days = one.days(models, plus_days(from, -1), to);
    let held = |day: &Day| one.held(playbook, models, day, &one.judged_situation(day, risk_model, people));
    let days = days.iter().map(|day| (day.on, held(day)));
    // Same rule as for active playbooks, but nobody finishes anything.
    let playbook = &Playbook { one_at_a_time: false, ..playbook.clone() };
    let (mut memory, mut found) = (None, vec![]);
    for (index, (on, held)) in days.enumerate() {
        let look = Look { held: held.as_deref(), unfinished: &[], is_older: index == 0, today: on };
        let reaction = react(playbook, memory.as_ref(), look);
        memory = Some(reaction.memory);
        if !reaction.opened_for.is_empty() {
            let customer = &one.customer;
            let (customer_id, customer_ref) = (customer.id, customer.external_ref.clone());
            let (name, because_of) = (customer.name.to_string(), reaction.opened_for);
            found.push(WouldOpen { customer_id, customer_ref, name, on, because_of });
        }
    }
    found
}
