//! Erasure of customers and people, with everything that was recorded about them.

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::many::{ROWS_PER_INSERT, push_ids};
use crate::{Conn, competitions, on, reporting_lines};

/// Identifiers of everything that an erasure removes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    /// Customers: one, and those that were merged into it.
    pub customers: Vec<Uuid>,
    /// People: those of the customers or one, and those that were merged into them.
    pub people: Vec<Uuid>,
    /// Plans that serve them.
    pub plans: Vec<Uuid>,
    /// Interventions for the customers.
    pub interventions: Vec<Uuid>,
    /// Impacts of the people, or that arose at the customers or in the plans.
    pub impacts: Vec<Uuid>,
    /// Validations of the impacts.
    pub validations: Vec<Uuid>,
    /// Stories about the people.
    pub stories: Vec<Uuid>,
    /// Awards of the people.
    pub awards: Vec<Uuid>,
}

impl Extent {
    /// Returns what belongs to a customer.
    pub async fn of_customer(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Self> {
        let customers = with_merged(conn, organization_id, "customers", vec![id]).await?;
        let people = ids(conn, organization_id, "people", "customer_id", &customers).await?;
        let interventions = ids(conn, organization_id, "interventions", "customer_id", &customers).await?;
        let mut extent = Self::of_people(conn, organization_id, people).await?;
        extent.plans.extend(ids(conn, organization_id, "plans", "customer_id", &customers).await?);
        extent.plans.sort_unstable();
        extent.plans.dedup();
        extent = Self { customers, interventions, ..extent };
        extent.find_impacts(conn, organization_id).await?;
        Ok(extent)
    }

    /// Returns what belongs to people.
    pub async fn of_people(conn: &mut Conn, organization_id: Uuid, people: Vec<Uuid>) -> sqlx::Result<Self> {
        let people = with_merged(conn, organization_id, "people", people).await?;
        let plans = ids(conn, organization_id, "plans", "person_id", &people).await?;
        let stories = ids(conn, organization_id, "stories", "person_id", &people).await?;
        let awards = ids(conn, organization_id, "awards", "person_id", &people).await?;
        let mut extent = Self { people, plans, stories, awards, ..Self::default() };
        extent.find_impacts(conn, organization_id).await?;
        Ok(extent)
    }

    async fn find_impacts(&mut self, conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<()> {
        let of = [("person_id", &self.people), ("customer_id", &self.customers), ("plan_id", &self.plans)];
        let mut impacts = vec![];
        for (column, holders) in of {
            impacts.extend(ids(conn, organization_id, "impacts", column, holders).await?);
        }
        impacts.sort_unstable();
        impacts.dedup();
        self.validations = ids(conn, organization_id, "validations", "impact_id", &impacts).await?;
        self.impacts = impacts;
        Ok(())
    }

    /// Returns all identifiers.
    pub fn all(&self) -> Vec<Uuid> {
        let Self { customers, people, plans, interventions, impacts, validations, stories, awards } = self;
        [customers, people, plans, interventions, impacts, validations, stories, awards]
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }

    /// Removes all rows, those that refer to others first.
    pub async fn remove(&self, conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<()> {
        let Self { customers, people, plans, interventions, impacts, .. } = self;
        reporting_lines::part_from(conn, organization_id, people).await?;
        forget_approvers(conn, organization_id, people).await?;
        forget_validators(conn, organization_id, people).await?;
        for id in people {
            competitions::forget(conn, organization_id, *id).await?;
        }
        let merges = ids(conn, organization_id, "merges", "survivor_id", &[&customers[..], people].concat()).await?;
        let steps: [(&[&str], &str, &[Uuid]); 14] = [
            (&["congratulations"], "sender_id", people),
            (&["evidence_files", "validation_asks", "validations"], "impact_id", impacts),
            (&["impacts"], "id", impacts),
            (&["plan_dependencies"], "on_plan_id", plans),
            (OF_PLANS, "plan_id", plans),
            (&["plans"], "id", plans),
            (&["intervention_notes"], "intervention_id", interventions),
            (&["interventions"], "id", interventions),
            (OF_CUSTOMERS, "customer_id", customers),
            (
                &[
                    "awards",
                    "congratulations",
                    "entitlements",
                    "stories",
                    "memberships",
                    "reporting_lines",
                    "team_members",
                    "person_roles",
                    "person_identities",
                    "sign_in_codes",
                ],
                "person_id",
                people,
            ),
            (&["people", "profiles"], "id", people),
            (&["merged_rows"], "merge_id", &merges),
            (&["merges"], "id", &merges),
            (&["customers"], "id", customers),
        ];
        for (tables, column, ids) in steps {
            for table in tables {
                delete(conn, organization_id, table, column, ids).await?;
            }
        }
        for holders in [customers, people] {
            delete(conn, organization_id, "reference_periods", "holder_id", holders).await?;
        }
        Ok(())
    }
}

/// Tables of what belongs to a plan, in the order in which rows can be removed.
const OF_PLANS: &[&str] = &[
    "forecast_communications",
    "baseline_approvals",
    "baseline_lines",
    "baselines",
    "milestone_dependencies",
    "miss_reports",
    "forecast_changes",
    "progress_entries",
    "milestone_transitions",
    "milestone_corrections",
    "cost_entries",
    "reviews",
    "share_links",
    "plan_holds",
    "plan_dependencies",
    "plan_valuations",
    "undated_milestones",
    "milestone_proofs",
    "evidence_files",
    "validation_asks",
    "validations",
    "milestones",
];

/// Tables of what belongs to a customer.
const OF_CUSTOMERS: &[&str] =
    &["customer_pulses", "health_overrides", "customer_outcomes", "customer_health", "playbook_states", "memberships"];

/// Adds those that were merged into some customers or people, and into these.
async fn with_merged(
    conn: &mut Conn,
    organization_id: Uuid,
    table: &str,
    mut all: Vec<Uuid>,
) -> sqlx::Result<Vec<Uuid>> {
    let mut newest = all.clone();
    while !newest.is_empty() {
        newest = ids(conn, organization_id, table, "merged_into_id", &newest).await?;
        newest.retain(|id| !all.contains(id));
        all.extend(&newest);
    }
    Ok(all)
}

/// Returns the identifiers of the rows of a table that name one of some identifiers in a column.
async fn ids(
    conn: &mut Conn,
    organization_id: Uuid,
    table: &str,
    column: &str,
    of: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    let mut found = vec![];
    for some in of.chunks(ROWS_PER_INSERT) {
        found.extend(on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("SELECT id FROM ");
            query.push(table).push(" WHERE organization_id = ").push_bind(organization_id);
            push_ids(&mut query, column, Some(some));
            query.push(" ORDER BY id");
            query.build_query_scalar::<Uuid>().fetch_all(db).await
        })?);
    }
    Ok(found)
}

/// Leaves approvals of baselines by some people as approvals by nobody.
async fn forget_approvers(conn: &mut Conn, organization_id: Uuid, people: &[Uuid]) -> sqlx::Result<()> {
    for some in people.chunks(ROWS_PER_INSERT) {
        on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("UPDATE baseline_approvals SET approver_id = NULL WHERE organization_id = ");
            query.push_bind(organization_id);
            push_ids(&mut query, "approver_id", Some(some));
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Leaves what some people have decided about validations as decisions of nobody, without their words. What they were asked and have not
/// decided goes with them.
async fn forget_validators(conn: &mut Conn, organization_id: Uuid, people: &[Uuid]) -> sqlx::Result<()> {
    for some in people.chunks(ROWS_PER_INSERT) {
        on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("DELETE FROM validation_asks WHERE decision IS NULL AND organization_id = ");
            query.push_bind(organization_id);
            push_ids(&mut query, "person_id", Some(some));
            query.build().execute(db).await.map(|_| ())
        })?;
        on!(&mut *conn, db => {
            let mut query =
                QueryBuilder::new("UPDATE validation_asks SET person_id = NULL, comment = NULL, scores = '[]' WHERE organization_id = ");
            query.push_bind(organization_id);
            push_ids(&mut query, "person_id", Some(some));
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

async fn delete(conn: &mut Conn, organization_id: Uuid, table: &str, column: &str, ids: &[Uuid]) -> sqlx::Result<()> {
    for some in ids.chunks(ROWS_PER_INSERT) {
        on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("DELETE FROM ");
            query.push(table).push(" WHERE organization_id = ").push_bind(organization_id);
            push_ids(&mut query, column, Some(some));
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}
