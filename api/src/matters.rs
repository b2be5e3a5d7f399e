//! Matters of validations: milestones of plans, and impacts of people.

use std::collections::HashMap;
use std::sync::Arc;

use milepost_domain::access::Scope;
use milepost_domain::access::may::Subject;
use milepost_domain::people::profile::ProfileVisibility;
use milepost_domain::proof::validation::ValidationState;
use milepost_domain::recognition::impact::ImpactState;
use milepost_domain::values::text::Key;
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::{PlanView, Plans};
use crate::sight::lacking;
use crate::stepping;
use crate::store::Conn;
use crate::store::impacts::Impact;
use crate::store::row::{self, Column as _, Condition};
use crate::store::validations::{ValidationAsk, ValidationRow};
use crate::unit::{Change, Entity, Unit};

/// Matter of a validation.
#[derive(Debug, Clone)]
pub enum Matter {
    /// A milestone of a plan.
    Milestone(Arc<PlanView>),
    /// An impact of a person.
    Impact(Box<Impact>),
}

impl Matter {
    /// The person whose achievement it is.
    pub fn person_id(&self) -> Option<Uuid> {
        match self {
            Self::Milestone(plan) => plan.row.person_id,
            Self::Impact(impact) => impact.person_id,
        }
    }

    /// The name of that person.
    pub fn person_name(&self) -> Option<String> {
        match self {
            Self::Milestone(plan) => plan.row.person_name.clone(),
            Self::Impact(impact) => impact.stamp.person_name.as_ref().map(ToString::to_string),
        }
    }

    /// The root of the ledger's entries about the validation.
    pub fn root(&self) -> (Entity, Uuid) {
        match self {
            Self::Milestone(plan) => (Entity::Plan, plan.row.id),
            Self::Impact(impact) => (Entity::Person, impact.person_id.unwrap_or_default()),
        }
    }

    /// Carries out what follows from a state of the validation: a milestone that is not approved goes back to work; an impact takes the state
    /// that follows.
    pub async fn follow(&mut self, unit: &mut Unit, key: Option<&Key>, state: ValidationState) -> Result<(), ApiError> {
        match self {
            Self::Milestone(plan) => match key {
                Some(key) if matches!(state, ValidationState::Rejected | ValidationState::Withdrawn) => {
                    stepping::send_back(unit, plan.row.id, key.as_str()).await
                }
                _ => Ok(()),
            },
            Self::Impact(impact) => {
                let state = ImpactState::after(state);
                if state == impact.stamp.state {
                    return Ok(());
                }
                let mut after = impact.clone();
                after.stamp.state = state;
                after.stamp.verified_on = (state == ImpactState::Verified).then_some(unit.today);
                after.touch(unit.now);
                save_impact(unit, &state.to_string(), impact, &after).await?;
                *impact = after;
                Ok(())
            }
        }
    }
}

/// Saves another state of an impact.
pub async fn save_impact(unit: &mut Unit, verb: &str, before: &Impact, after: &Impact) -> Result<(), ApiError> {
    row::update(&mut unit.conn, unit.organization_id, after).await?;
    let root = (Entity::Person, after.person_id.unwrap_or_default());
    let change = Change { verb, entity: (Entity::Impact, after.id), root, before: Some(before), after: Some(after) };
    unit.record(change).await
}

/// Matters of some validations.
pub struct Matters {
    plans: Arc<Plans>,
    impacts: HashMap<Uuid, Impact>,
}

impl Matters {
    /// Loads those of some validations.
    pub async fn load(cx: &Context, conn: &mut Conn, rows: &[ValidationRow]) -> Result<Self, ApiError> {
        let ids: Vec<_> = rows.iter().filter_map(|row| Some(row.impact_id?.to_value())).collect();
        let impacts: Vec<Impact> = if ids.is_empty() {
            vec![]
        } else {
            row::all(conn, cx.organization_id(), &[Condition::OneOf("id", ids)], "id").await?
        };
        let impacts = impacts.into_iter().map(|impact| (impact.id, impact)).collect();
        Ok(Self { plans: cx.plans().await?, impacts })
    }

    /// The matter of a validation.
    pub fn of(&self, row: &ValidationRow) -> Option<Matter> {
        match row.impact_id {
            Some(id) => self.impacts.get(&id).map(|impact| Matter::Impact(Box::new(impact.clone()))),
            None => Some(Matter::Milestone(Arc::clone(self.plans.find(row.plan_id?)?))),
        }
    }
}

impl Context {
    /// Whether the caller is one of the people.
    fn is_one_of(&self, asks: &[ValidationAsk]) -> bool {
        let own = self.who.caller.person_id();
        own.is_some() && asks.iter().any(|ask| ask.person_id == own)
    }

    /// Whether the caller may see a validation: with its matter, or because they were asked.
    pub fn may_see_validation(&self, matter: &Matter, asks: &[ValidationAsk]) -> bool {
        let with_matter = match matter {
            Matter::Milestone(plan) => self.may_with_plan(Scope::PlansRead, plan),
            Matter::Impact(impact) => self.may_see_impact(impact),
        };
        with_matter || self.is_one_of(asks)
    }

    /// Whether the caller may see an impact: with the person's recognition.
    pub fn may_see_impact(&self, impact: &Impact) -> bool {
        let subject = Subject::Person { id: impact.person_id.unwrap_or_default() };
        self.who.caller.may(Scope::RecognitionRead, &subject)
    }

    /// Whether the caller may claim impacts of a person: people do for themselves, and deciding for others takes the scope.
    pub fn may_claim_for(&self, person_id: Uuid) -> bool {
        let subject = Subject::Profile { id: person_id, visibility: ProfileVisibility::Private, customer_id: None };
        self.who.caller.may(Scope::RecognitionWrite, &subject)
    }

    /// Checks that the caller may submit a matter and take it back: whoever runs the plan, and the person whose achievement it is.
    pub fn check_may_submit(&self, matter: &Matter) -> Result<(), ApiError> {
        let own = self.who.caller.person_id();
        let (may, scope) = match matter {
            Matter::Milestone(plan) => {
                let is_own = own.is_some() && own == plan.row.person_id;
                (is_own || self.may_with_plan(Scope::PlansWrite, plan), Scope::PlansWrite)
            }
            Matter::Impact(impact) => {
                (self.may_claim_for(impact.person_id.unwrap_or_default()), Scope::RecognitionWrite)
            }
        };
        match (may, self.may_see_validation(matter, &[])) {
            (true, _) => Ok(()),
            (false, true) => Err(lacking(scope)),
            (false, false) => Err(ApiError::not_found()),
        }
    }
}
