//! What a caller may see and do of what an operation is about: the domain's decision, asked for single reads and for lists alike.

use milepost_domain::access::Scope;
use milepost_domain::access::may::{Circle, Subject, SubjectKind};
use uuid::Uuid;

use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::read_model::PlanView;
use crate::store::customers;
use crate::store::row::{Column as _, Condition};

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

    /// The conditions that leave the people in a list whom the caller may read.
    pub fn readable_people(&self) -> Vec<Condition> {
        let Some(circle) = self.limited_by(Scope::PeopleRead) else { return vec![] };
        let related = circle.reports.iter().chain(&circle.coached).chain(&circle.led).chain([&circle.person_id]);
        let may = |id: &&Uuid| self.who.caller.may(Scope::PeopleRead, &Subject::Person { id: **id });
        vec![Condition::OneOf("id", related.filter(may).map(Uuid::to_value).collect())]
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
