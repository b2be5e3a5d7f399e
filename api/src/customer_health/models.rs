//! Selection of the health model that applies to a customer on a day.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::band::MOST_DAYS_BACK;
use milepost_domain::customer::health::model::ModelContent;
use milepost_domain::customer::health::shipped::{SHIPPED_KEY, shipped_model};
use milepost_domain::usage::metric::Aggregate;
use uuid::Uuid;

use super::observed::Needs;
use crate::store::health_models::ModelVersion;
use crate::store::versions::{self, Activation, Definition};
use crate::store::{Conn, row};
use crate::usage::digest::Wanted;

/// A version of a health model as it is applied.
#[derive(Debug, PartialEq)]
pub struct AppliedModel {
    /// Identifier of the health model; `None` for the shipped model.
    pub id: Option<Uuid>,
    /// Key.
    pub key: String,
    /// Number of the version; `None` for the shipped model.
    pub number: Option<i64>,
    /// Content of the version.
    pub content: ModelContent,
}

/// The health models of an organization that applied at any time.
#[derive(Debug)]
pub struct Models {
    shipped: Arc<AppliedModel>,
    /// Active versions of each model, with the day of activation.
    active: Vec<Vec<(NaiveDate, Option<Arc<AppliedModel>>)>>,
}

impl Models {
    /// Loads the models of an organization that had been activated by an instant.
    pub async fn load(conn: &mut Conn, organization_id: Uuid, known_at: Option<DateTime<Utc>>) -> sqlx::Result<Self> {
        let mut activations = versions::activations::<ModelContent>(conn, organization_id).await?;
        activations.retain(|activation| known_at.is_none_or(|at| activation.activated_at <= at));
        if activations.is_empty() {
            return Ok(Self::of(vec![]));
        }
        let models: Vec<Definition<ModelContent>> = row::all(conn, organization_id, &[], "key").await?;
        let keys: HashMap<Uuid, String> = models.into_iter().map(|model| (model.id, model.key)).collect();
        let versions: HashMap<(Uuid, i64), Arc<AppliedModel>> = versions::versions(conn, organization_id, None)
            .await?
            .into_iter()
            .filter_map(|version| {
                let key = keys.get(&version.of)?;
                Some(((version.of, version.number), Arc::new(AppliedModel::of(key, version))))
            })
            .collect();
        let mut by_model: Vec<(Uuid, Vec<_>)> = vec![];
        for Activation { model_id, number, activated_on, .. } in activations {
            let applied = number.and_then(|number| versions.get(&(model_id, number)).cloned());
            match by_model.iter_mut().find(|(id, _)| *id == model_id) {
                Some((_, active)) => active.push((activated_on, applied)),
                None => by_model.push((model_id, vec![(activated_on, applied)])),
            }
        }
        Ok(Self::of(by_model.into_iter().map(|(_, active)| active).collect()))
    }

    fn of(active: Vec<Vec<(NaiveDate, Option<Arc<AppliedModel>>)>>) -> Self {
        Self { shipped: Arc::new(AppliedModel::shipped()), active }
    }

    /// Treats this version as the only one for the customers that it covers. The shipped model applies to all others.
    pub fn only(candidate: Arc<AppliedModel>) -> Self {
        Self::of(vec![vec![(NaiveDate::MIN, Some(candidate))]])
    }

    /// The models that are active now, as if they had been on all days.
    #[must_use]
    pub fn of_today(&self) -> Self {
        let last =
            |active: &Vec<(NaiveDate, Option<Arc<AppliedModel>>)>| Some((NaiveDate::MIN, active.last()?.1.clone()));
        Self::of(self.active.iter().filter_map(last).map(|one| vec![one]).collect())
    }

    /// The model that applied to customers of a segment at the end of a day. Days before an activation keep what applied
    /// on them; to hold a model against the past, there is the back-test.
    pub fn on(&self, segment: Option<&str>, day: NaiveDate) -> &Arc<AppliedModel> {
        let in_force = self.active.iter().filter_map(|active| {
            let then = active.iter().rfind(|(from_on, _)| *from_on <= day)?;
            then.1.as_ref().filter(|model| model.content.admits(segment))
        });
        in_force.min_by_key(|model| (model.content.priority, &model.key)).unwrap_or(&self.shipped)
    }

    /// The interval in minutes at which scores are updated: the shortest of the intervals of the active models.
    pub fn update_interval_minutes(&self) -> u32 {
        let now = self.active.iter().filter_map(|active| active.last()?.1.as_ref());
        let shortest = now.map(|model| model.content.update_interval_minutes).min();
        shortest.unwrap_or(self.shipped.content.update_interval_minutes)
    }

    /// Their needs of customers' usage.
    pub fn needs(&self) -> Needs {
        Self::needs_of_all(&[self])
    }

    /// The same for several sets of models.
    pub fn needs_of_all(several: &[&Self]) -> Needs {
        let definitions = |model: &AppliedModel| {
            let inputs = model.content.factors.iter().filter_map(|factor| factor.input.definition.clone());
            inputs.map(Wanted::by_meaning).collect::<Vec<_>>()
        };
        let all = || several.iter().flat_map(|models| models.all());
        let wanted: HashSet<Wanted> = all().flat_map(definitions).collect();
        let reach_days = all().map(AppliedModel::reach_days).try_fold(0, |most, reach| Some(most.max(reach?)));
        Needs { reach_days, wanted: wanted.into_iter().collect(), events: false }
    }

    fn all(&self) -> impl Iterator<Item = &AppliedModel> {
        let active = self.active.iter().flatten().filter_map(|(_, model)| model.as_deref());
        active.chain([self.shipped.as_ref()])
    }
}

impl AppliedModel {
    /// The shipped model, which applies if no other does.
    pub fn shipped() -> Self {
        Self { id: None, key: SHIPPED_KEY.to_owned(), number: None, content: shipped_model() }
    }

    /// The number of days before the first requested day that can matter; `None` if all of them can.
    fn reach_days(&self) -> Option<i64> {
        let mut definitions = self.content.factors.iter().filter_map(|factor| factor.input.definition.as_ref());
        let needs_all = definitions.any(|one| one.aggregate == Aggregate::DaysSinceLast && one.filter.is_some());
        let bands = &self.content.bands;
        let is_reluctant = bands.hysteresis_points > 0.0 || bands.dwell_days > 1;
        (!needs_all).then(|| self.content.reach_days() + if is_reluctant { MOST_DAYS_BACK } else { 0 })
    }

    /// A version with the key of its model.
    pub fn of(key: &str, version: ModelVersion) -> Self {
        Self { id: Some(version.of), key: key.to_owned(), number: Some(version.number), content: version.content }
    }
}
