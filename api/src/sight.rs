//! Sight of a caller: the domain's decision about the subject of an operation, asked for single reads and for lists alike.

use milepost_domain::access::Scope;
use milepost_domain::access::may::{Circle, Subject, SubjectKind};
use milepost_domain::people::responsibility::Responsibility;
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::rule::Rule as _;
use uuid::Uuid;

use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::read_model::{PlanView, Plans};
use crate::store::customers::{self, Customer};
use crate::store::responsibilities::Held;
use crate::store::row::{Column as _, Condition};
use crate::store::{people, profiles};

impl Context {
    /// The person with their relations, if the caller is one who does not have a scope everywhere.
    fn limited_by(&self, scope: Scope) -> Option<&Circle> {
        let caller = &self.who.caller;
        caller.person.as_deref().filter(|_| !caller.scopes.allow(scope))
    }

    /// Whether the caller may do something with a plan.
    pub fn may_with_plan(&self, scope: Scope, plan: &PlanView) -> bool {
        let Some(circle) = self.limited_by(scope) else { return self.who.caller.scopes.allow(scope) };
        let milestones: Vec<Uuid> = plan.labels.iter().filter_map(|label| label.owner.as_ref()?.id).collect();
        let subject = Subject::Plan {
            owner_id: plan.row.owner.id,
            milestone_owner_ids: &milestones,
            person_id: plan.row.person_id,
            customer_id: plan.row.customer_id,
        };
        milepost_domain::access::may::may(circle, scope, &subject)
    }

    /// Refuses the person whom a plan serves: nobody decides about their own achievements.
    pub fn check_not_own(&self, plan: &PlanView) -> Result<(), ApiError> {
        let own = self.who.caller.person_id();
        if own.is_some() && own == plan.row.person_id { Err(ProofRule::OwnProof.at("").into()) } else { Ok(()) }
    }

    /// Refuses a person whom a caller names in a field and may not read: for them, there is no such person.
    pub fn check_named_person(&self, field: &str, id: Option<Uuid>) -> Result<(), ApiError> {
        let is_hidden = |id: &Uuid| !self.who.caller.may(Scope::PeopleRead, &Subject::Person { id: *id });
        match id.filter(|id| self.limited_by(Scope::PeopleRead).is_some() && is_hidden(id)) {
            Some(_) => Err(ApiError::field(&format!("/{field}_ref"), "unknown_person", "names no person")),
            None => Ok(()),
        }
    }

    /// Refuses a customer whom a caller names and may not read: for them, there is no such customer.
    pub fn check_named_customer(&self, customer: Option<&Customer>) -> Result<(), ApiError> {
        let subject = |one: &Customer| Subject::Customer { id: one.id, owner_id: one.owner_id };
        let is_hidden = |one: &&Customer| !self.who.caller.may(Scope::CustomersRead, &subject(one));
        match customer.filter(|one| self.limited_by(Scope::CustomersRead).is_some() && is_hidden(one)) {
            Some(_) => Err(ApiError::field("/customer_ref", "unknown_customer", "names no customer")),
            None => Ok(()),
        }
    }

    /// Whether the caller may see something that a person is responsible for. The person sees all of it.
    pub fn may_see_held(&self, of: Uuid, held: &Held, plans: &Plans) -> bool {
        let caller = &self.who.caller;
        let Some(circle) = self.limited_by(Scope::PeopleRead) else { return true };
        let may_plan = |id: Uuid| plans.find(id).is_some_and(|plan| self.may_with_plan(Scope::PlansRead, plan));
        circle.person_id == of
            || match held.kind {
                Responsibility::Customers => {
                    caller.may(Scope::CustomersRead, &Subject::Customer { id: held.id, owner_id: Some(of) })
                }
                Responsibility::People | Responsibility::Reports => {
                    caller.may(Scope::PeopleRead, &Subject::Person { id: held.id })
                }
                Responsibility::Plans | Responsibility::Milestones => held.plan_id.is_some_and(may_plan),
                Responsibility::Interventions | Responsibility::Playbooks => caller.scopes.allow(Scope::HealthRead),
                Responsibility::Teams => false,
            }
    }

    /// Whether the caller may read a person.
    pub fn may_read_person(&self, id: Uuid) -> bool {
        self.limited_by(Scope::PeopleRead).is_none() || self.who.caller.may(Scope::PeopleRead, &Subject::Person { id })
    }

    /// The conditions that leave the people in a list whom the caller may read.
    pub fn readable_people(&self) -> Vec<Condition> {
        self.of_people(Scope::PeopleRead, "id")
    }

    /// The conditions that leave the rows in a list that belong to people with whom the caller may do something.
    pub fn of_people(&self, scope: Scope, column: &'static str) -> Vec<Condition> {
        let Some(circle) = self.limited_by(scope) else { return vec![] };
        let own = circle.people().filter(|id| self.who.caller.may(scope, &Subject::Person { id: *id }));
        vec![Condition::OneOf(column, own.map(|id| id.to_value()).collect())]
    }

    /// The audience of achievements that the caller belongs to.
    pub fn audience(&self) -> Audience {
        let customer_id = self.limited_by(Scope::RecognitionRead).and_then(|circle| circle.customer_id);
        customer_id.map_or(Audience::Organization, |of| Audience::Participants { of })
    }

    /// The conditions that leave the customers in a list whom the caller may read.
    pub fn readable_customers(&self) -> Vec<Condition> {
        let Some(circle) = self.limited_by(Scope::CustomersRead) else { return vec![] };
        let owned = Condition::Equals("owner_id", circle.person_id.to_value());
        let own = Condition::OneOf("id", circle.customer_id.iter().map(Uuid::to_value).collect());
        vec![Condition::either(own, owned)]
    }

    /// Checks that a caller who does not have the scope everywhere may do with one thing what an operation does. What they may not even
    /// read does not exist for them.
    pub async fn check_related(&self, kind: SubjectKind, id: Uuid, scope: Scope) -> Result<(), ApiError> {
        let (reading, may) = match kind {
            SubjectKind::Plan => {
                let plans = self.plans().await?;
                let plan = plans.find(id).ok_or_else(ApiError::not_found)?;
                (Scope::PlansRead, [Scope::PlansRead, scope].map(|scope| self.may_with_plan(scope, plan)))
            }
            SubjectKind::Person => {
                let subject = Subject::Person { id };
                let may = [Scope::PeopleRead, scope].map(|scope| self.who.caller.may(scope, &subject));
                // Who may read all people is told that there is no such person, before what they may not do with one.
                if may == [true, false] {
                    let found = people::find(&mut self.read().await?, self.organization_id(), id).await?;
                    found.ok_or_else(ApiError::not_found)?;
                }
                (Scope::PeopleRead, may)
            }
            SubjectKind::Profile => {
                let found = profiles::find(&mut self.read().await?, self.organization_id(), id).await?;
                let (person, profile) = found.ok_or_else(ApiError::not_found)?;
                let (visibility, customer_id) = (profile.visibility, person.customer_id);
                let subject = Subject::Profile { id, visibility, customer_id };
                (Scope::PeopleRead, [Scope::PeopleRead, scope].map(|scope| self.who.caller.may(scope, &subject)))
            }
            SubjectKind::Customer => {
                let found = customers::find(&mut self.read().await?, self.organization_id(), id).await?;
                let customer = found.ok_or_else(ApiError::not_found)?;
                let subject = Subject::Customer { id, owner_id: customer.owner_id };
                (Scope::CustomersRead, [Scope::CustomersRead, scope].map(|scope| self.who.caller.may(scope, &subject)))
            }
        };
        match may {
            [_, true] => Ok(()),
            [true, false] if scope != reading => Err(lacking(scope)),
            _ => Err(ApiError::not_found()),
        }
    }
}

/// The refusal of a caller who lacks a scope.
pub fn lacking(scope: Scope) -> ApiError {
    ApiError::new(Code::Forbidden, format!("This needs the scope '{scope}'."))
}
