//! Simulation of a health model version on today's customers. Writes nothing.

use std::sync::Arc;

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::playbook::Playbook;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{ExternalRef, Key, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::find_candidate;
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::day::Day;
use crate::customer_health::models::Models;
use crate::customer_health::observed::{Observed, Stretch};
use crate::customer_health::participants::Participants;
use crate::customer_health::{observed, risk};
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::AsOf;
use crate::store::customers;
use crate::store::customers::Customer;
use crate::store::playbooks::{self, PlaybookRow};

/// Version to simulate.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CandidateOption {
    /// Number of the version, draft or published. Defaults to the newest.
    #[param(minimum = 1)]
    version: Option<i64>,
}

/// Results of a simulation: the candidate's scores of its customers, compared with the current ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "candidate": 2, "customers": 117, "mean_delta": -1.4,
    "migrations": [{"from": "healthy", "to": "at_risk", "customers": 12}],
    "movers": [{"customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind", "from_score": 80.0, "to_score": 55.0, "delta": -25.0,
        "from_band": "healthy", "to_band": "at_risk"}],
    "playbooks": [{"key": "rescue", "customers": 4}], "data": []
}))]
pub struct HealthSimulation {
    /// Date that the response refers to, evaluated at the end of that day.
    as_of: NaiveDate,
    /// Number of the candidate version, counting from 1; null for the shipped model.
    #[schema(minimum = 1)]
    candidate: Option<i64>,
    /// Number of customers that the candidate covers.
    #[schema(maximum = 1_000_000)]
    customers: usize,
    /// Mean change of the score of the customers that have both scores; null if there are none.
    mean_delta: Option<f64>,
    /// Number of customers by current and new band. Customers that stay in their band are included.
    #[schema(max_items = 16)]
    migrations: Vec<Migration>,
    /// Customers whose score would change most, at most 50.
    #[schema(max_items = 50)]
    movers: Vec<Moved>,
    /// Active playbooks whose triggers would begin to hold for some customers.
    #[schema(max_items = 200)]
    playbooks: Vec<WouldReact>,
    /// All customers that the candidate covers, ordered by name.
    #[schema(max_items = 1_000_000)]
    data: Vec<Moved>,
}

/// A playbook whose trigger would begin to hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "rescue", "customers": 4}))]
pub struct WouldReact {
    /// Key of the playbook.
    #[schema(value_type = Key)]
    key: String,
    /// Number of customers for which its trigger would begin to hold.
    #[schema(maximum = 1_000_000)]
    customers: usize,
}

/// Number of customers that move from one band to another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": "healthy", "to": "at_risk", "customers": 12}))]
pub struct Migration {
    /// Band by the model that applies.
    from: Band,
    /// Band by the candidate.
    to: Band,
    /// Number of customers.
    #[schema(maximum = 1_000_000)]
    customers: usize,
}

/// Effect of a candidate on one customer. Overrides are ignored.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "name": "Northwind", "from_score": 80.0, "to_score": 55.0, "delta": -25.0,
    "from_band": "healthy", "to_band": "at_risk"}))]
pub struct Moved {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Display name.
    #[schema(value_type = Name)]
    name: String,
    /// Score by the model that applies; null if there is none.
    from_score: Option<f64>,
    /// Score by the candidate; null if there is none.
    to_score: Option<f64>,
    /// Score by the candidate minus score by the model that applies; null if either is null.
    delta: Option<f64>,
    /// Band by the model that applies.
    from_band: Band,
    /// Band by the candidate.
    to_band: Band,
}

/// Maximum number of customers in the list of movers.
const MOVERS: usize = 50;

/// Simulate a health model
///
/// Scores the active customers that the version covers and compares the results with the model that currently applies
/// to each of them. Nothing is saved. Use `shipped` as the key to simulate the shipped model.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])), params(AsOf, CandidateOption),
    responses((status = 200, description = "The results of the simulation.", body = HealthSimulation)))]
#[post("/v1/health-models/{health_model}/simulate")]
pub async fn simulate_health_model(
    cx: Context,
    model: Path<String>,
    AsOf(as_of): AsOf,
    option: Query<CandidateOption>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.survey().await?;
    let candidate = find_candidate(&mut conn, cx.organization_id(), &model, option.0.version).await?;
    let number = candidate.number;
    let (active, tried) =
        (Models::load(&mut conn, cx.organization_id(), None).await?.of_today(), Models::only(Arc::clone(&candidate)));
    let playbooks = playbooks::all(&mut conn, cx.organization_id()).await?;
    let risk_model =
        risk::in_force(&mut conn, cx.organization_id(), cx.today(), None).await?.map(|(_, learned)| learned);
    let mut own = customers::all(&mut conn, cx.organization_id()).await?;
    own.retain(|one| one.stamp.archived_at.is_none());
    let needs = Models::needs_of_all(&[&active, &tried]).reaching(risk::REACH_DAYS);
    let back = playbooks.iter().filter_map(|row| row.content.content.trigger.compares_with()).max();
    let from = plus_days(as_of, -i64::from(back.unwrap_or_default()));
    let stretch = Stretch { from, to: as_of, known_at: None };
    let mut observed = observed::observe(&cx, &mut conn, own, needs, stretch).await?;
    observed.retain(|one| candidate.content.admits(one.segment_on(as_of)));
    drop(conn);
    let simulated = tokio::task::spawn_blocking(move || {
        let one = |models: &Models| observed.iter().map(|one| one.days(models, as_of, as_of).pop()).collect::<Vec<_>>();
        let (before, after) = (one(&active), one(&tried));
        let triples = observed.iter().zip(before).zip(after);
        let triples: Vec<(&Observed, Day, Day)> =
            triples.filter_map(|((one, before), after)| Some((one, before?, after?))).collect();
        let begins = |playbook: &Playbook, (one, before, after): &(&Observed, Day, Day)| {
            let held = |models: &Models, day: &Day| {
                let situation = one.judged_situation(day, risk_model.as_ref(), &Participants::default());
                one.held(playbook, models, day, &situation).unwrap_or_default()
            };
            let before = held(&active, before);
            held(&tried, after).iter().any(|subject| !before.contains(subject))
        };
        let react = |row: &PlaybookRow| WouldReact {
            key: row.key.to_string(),
            customers: triples.iter().filter(|triple| begins(&row.content.content, triple)).count(),
        };
        let react: Vec<WouldReact> = playbooks.iter().map(react).filter(|one| one.customers > 0).collect();
        let moved = triples.iter().map(|(one, before, after)| moved(&one.customer, before, after));
        summarize(as_of, number, moved.collect(), react)
    });
    Answer::ok(&simulated.await.map_err(ApiError::internal)?)
}

fn moved(customer: &Customer, before: &Day, after: &Day) -> Moved {
    let (from_score, to_score) = (before.computed.value, after.computed.value);
    Moved {
        customer_id: customer.id,
        customer_ref: customer.external_ref.clone(),
        name: customer.name.to_string(),
        from_score,
        to_score,
        delta: from_score.zip(to_score).map(|(from, to)| to - from),
        from_band: before.computed_band,
        to_band: after.computed_band,
    }
}

fn summarize(
    as_of: NaiveDate,
    candidate: Option<i64>,
    mut data: Vec<Moved>,
    playbooks: Vec<WouldReact>,
) -> HealthSimulation {
    data.sort_unstable_by(|a, b| (&a.name, a.customer_id).cmp(&(&b.name, b.customer_id)));
    let bands = [Band::Healthy, Band::AtRisk, Band::Critical, Band::Unknown];
    let count = |from, to| data.iter().filter(|one| one.from_band == from && one.to_band == to).count();
    let migrations = bands.iter().flat_map(|from| bands.iter().map(move |to| (*from, *to)));
    let migrations = migrations
        .map(|(from, to)| Migration { from, to, customers: count(from, to) })
        .filter(|migration| migration.customers > 0)
        .collect();
    let deltas = || data.iter().filter_map(|one| one.delta);
    let count: f64 = deltas().map(|_| 1.0).sum();
    let mut movers: Vec<Moved> =
        data.iter().filter(|one| one.delta.is_some_and(|delta| delta != 0.0)).cloned().collect();
    let size = |one: &Moved| one.delta.unwrap_or_default().abs();
    movers.sort_by(|a, b| size(b).total_cmp(&size(a)));
    movers.truncate(MOVERS);
    let mean_delta = (count > 0.0).then(|| deltas().sum::<f64>() / count);
    HealthSimulation { as_of, candidate, customers: data.len(), mean_delta, migrations, movers, playbooks, data }
}
