//! What a version of a model would say of today's customers.

use std::sync::Arc;

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::playbook::Playbook;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{Key, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::find_candidate;
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::models::Models;
use crate::customer_health::observed::{Day, Observed, Stretch};
use crate::customer_health::{observed, risk};
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::plans::earned_value::AsOf;
use crate::store::customers;
use crate::store::playbooks::{self, PlaybookRow};

/// Which version is tried.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CandidateOption {
    /// The version's number, draft or not; the newest if left out.
    #[param(minimum = 1)]
    version: Option<i64>,
}

/// What a candidate would say of the customers that it is for, beside what applies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "candidate": 2, "customers": 117, "mean_delta": -1.4,
    "migrations": [{"from": "healthy", "to": "at_risk", "customers": 12}],
    "movers": [{"customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind", "from_score": 80.0, "to_score": 55.0, "delta": -25.0,
        "from_band": "healthy", "to_band": "at_risk"}],
    "playbooks": [{"key": "rescue", "customers": 4}], "data": []
}))]
pub struct HealthSimulation {
    /// The day, its end included.
    as_of: NaiveDate,
    /// The candidate's number; null for the shipped model.
    #[schema(minimum = 1)]
    candidate: Option<i64>,
    /// How many customers the candidate is for.
    #[schema(maximum = 1_000_000)]
    customers: usize,
    /// The mean change of the score, of those that have one by both; null if none has.
    mean_delta: Option<f64>,
    /// How many customers go from which band to which; those that stay are counted too.
    #[schema(max_items = 16)]
    migrations: Vec<Migration>,
    /// The customers whose score would change most, at most 50.
    #[schema(max_items = 50)]
    movers: Vec<Moved>,
    /// The playbooks that are switched on and whose triggers would hold for customers for which they do not.
    #[schema(max_items = 200)]
    playbooks: Vec<WouldReact>,
    /// All of them, by name.
    #[schema(max_items = 1_000_000)]
    data: Vec<Moved>,
}

/// For how many customers a playbook's trigger would begin to hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "rescue", "customers": 4}))]
pub struct WouldReact {
    /// The playbook's key.
    #[schema(value_type = Key)]
    key: String,
    /// How many.
    #[schema(maximum = 1_000_000)]
    customers: usize,
}

/// How many customers go from one band to another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": "healthy", "to": "at_risk", "customers": 12}))]
pub struct Migration {
    /// The band by what applies.
    from: Band,
    /// The band by the candidate.
    to: Band,
    /// How many.
    #[schema(maximum = 1_000_000)]
    customers: usize,
}

/// What a candidate would change for one customer. Scores that people have set are left out of account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind", "from_score": 80.0, "to_score": 55.0, "delta": -25.0,
    "from_band": "healthy", "to_band": "at_risk"}))]
pub struct Moved {
    /// The customer.
    customer_id: Uuid,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
    /// The score by what applies.
    from_score: Option<f64>,
    /// The score by the candidate.
    to_score: Option<f64>,
    /// The second minus the first.
    delta: Option<f64>,
    /// The band by what applies.
    from_band: Band,
    /// The band by the candidate.
    to_band: Band,
}

/// How many customers are listed as those that move most.
const MOVERS: usize = 50;

/// Tries a version of a health model on today's customers
///
/// Nothing is written. Beside the model that applies to each customer. The shipped model can be tried as `shipped`.
#[utoipa::path(tag = "health models", security(("bearer" = ["health:read"])), params(AsOf, CandidateOption),
    responses((status = 200, description = "What it would say.", body = HealthSimulation)))]
#[post("/v1/health-models/{health_model}/simulate")]
pub async fn simulate_health_model(
    cx: Context,
    model: Path<String>,
    date: Query<AsOf>,
    option: Query<CandidateOption>,
) -> Result<Answer, ApiError> {
    let as_of = date.0.as_of.unwrap_or_else(|| cx.today());
    let mut conn = cx.snapshot().await?;
    let candidate = find_candidate(&mut conn, cx.organization_id(), &model, option.0.version).await?;
    let number = candidate.number;
    let (active, tried) =
        (Models::load(&mut conn, cx.organization_id(), None).await?, Models::only(Arc::clone(&candidate)));
    let playbooks = playbooks::all(&mut conn, cx.organization_id()).await?;
    let risk_model = risk::latest(&mut conn, cx.organization_id(), cx.now).await?.map(|(_, learned)| learned.logistic);
    let mut own = customers::all(&mut conn, cx.organization_id()).await?;
    own.retain(|one| one.archived_at.is_none() && candidate.content.admits(one.segment.as_deref()));
    let reach_days = Models::reach_of_all(&[&active, &tried]).map(|days| days.max(risk::REACH_DAYS));
    let back = playbooks.iter().filter_map(|row| row.content.0.trigger.compares_with()).max();
    let from = plus_days(as_of, -i64::from(back.unwrap_or_default()));
    let stretch = Stretch { from, to: as_of, known_at: None };
    let observed = observed::observe(&cx, &mut conn, own, reach_days, stretch).await?;
    drop(conn);
    let simulated = tokio::task::spawn_blocking(move || {
        let one = |models: &Models| observed.iter().map(|one| one.days(models, as_of, as_of).pop()).collect::<Vec<_>>();
        let (before, after) = (one(&active), one(&tried));
        let triples = observed.iter().zip(before).zip(after);
        let triples: Vec<(&Observed, Day, Day)> =
            triples.filter_map(|((one, before), after)| Some((one, before?, after?))).collect();
        let begins = |playbook: &Playbook, (one, before, after): &(&Observed, Day, Day)| {
            let held = |models: &Models, day: &Day| one.held(playbook, models, day, risk_model.as_ref());
            let before = held(&active, before);
            held(&tried, after).iter().any(|subject| !before.contains(subject))
        };
        let react = |row: &PlaybookRow| WouldReact {
            key: row.key.clone(),
            customers: triples.iter().filter(|triple| begins(&row.content.0, triple)).count(),
        };
        let react: Vec<WouldReact> = playbooks.iter().map(react).filter(|one| one.customers > 0).collect();
        let moved =
            triples.iter().map(|(one, before, after)| moved(one.customer.id, &one.customer.name, before, after));
        summarize(as_of, number, moved.collect(), react)
    });
    Answer::ok(&simulated.await.map_err(ApiError::internal)?)
}

fn moved(customer_id: Uuid, name: &str, before: &Day, after: &Day) -> Moved {
    let (from_score, to_score) = (before.computed.value, after.computed.value);
    Moved {
        customer_id,
        name: name.to_owned(),
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
