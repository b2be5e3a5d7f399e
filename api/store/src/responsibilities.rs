//! Responsibilities of people, across all tables.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use milepost_domain::people::responsibility::Responsibility;
use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::many::{ROWS_PER_INSERT, push_ids};
use crate::{Conn, on};

/// The place of a responsibility: the table, the column of the person, the column of a name that stands for somebody outside, and the
/// condition of what is still to be looked after.
struct Place {
    table: &'static str,
    column: &'static str,
    named_by: Option<&'static str>,
    is_open: &'static str,
    name: &'static str,
    plan_id: &'static str,
    due_on: &'static str,
}

const OWN: Place = Place {
    table: "customers",
    column: "owner_id",
    named_by: Some("owner_name"),
    is_open: "own.archived_at IS NULL",
    name: "own.name",
    plan_id: "NULLIF(own.id, own.id)",
    due_on: "CAST(NULL AS DATE)",
};

/// Returns the place of a responsibility; `None` for playbooks, whose content is one text.
const fn place(responsibility: Responsibility) -> Option<Place> {
    Some(match responsibility {
        Responsibility::Customers => OWN,
        Responsibility::People => Place { table: "people", ..OWN },
        Responsibility::Plans => Place { table: "plans", plan_id: "own.id", ..OWN },
        Responsibility::Milestones => Place {
            table: "milestones",
            is_open: "own.state NOT IN ('achieved', 'waived', 'cancelled') AND own.plan_id IN \
                      (SELECT id FROM plans p WHERE p.organization_id = own.organization_id AND p.archived_at IS NULL)",
            plan_id: "own.plan_id",
            due_on: "own.planned_on",
            ..OWN
        },
        Responsibility::Interventions => Place {
            table: "interventions",
            is_open: "own.done_on IS NULL",
            name: "own.title",
            due_on: "own.due_on",
            ..OWN
        },
        Responsibility::Reports => Place { table: "people", column: "manager_id", named_by: None, ..OWN },
        Responsibility::Teams => Place { table: "teams", column: "lead_id", named_by: None, ..OWN },
        Responsibility::Playbooks => return None,
    })
}

/// Something that a person is responsible for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ResponsibilityItem, example = json!({
    "kind": "milestones", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Pipeline runs",
    "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "due_on": "2026-05-20"
}))]
pub struct Held {
    /// Kind.
    pub kind: Responsibility,
    /// Identifier.
    pub id: Uuid,
    /// Name.
    #[schema(max_length = 200)]
    pub name: String,
    /// Identifier of the plan, of plans and milestones.
    pub plan_id: Option<Uuid>,
    /// Planned or due date, of milestones and interventions.
    pub due_on: Option<NaiveDate>,
}

/// A row of any of the tables.
#[derive(Debug)]
struct HeldRow {
    id: Uuid,
    name: String,
    plan_id: Option<Uuid>,
    due_on: Option<NaiveDate>,
}

from_row!(HeldRow { id, name, plan_id, due_on });

/// Returns what a person is responsible for and has to be looked after, of one kind.
pub async fn held(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: Responsibility,
    person_id: Uuid,
) -> sqlx::Result<Vec<Held>> {
    let Some(place) = place(kind) else { return Ok(vec![]) };
    let rows: Vec<HeldRow> = on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT own.id, ");
        query.push(place.name).push(" AS name, ").push(place.plan_id).push(" AS plan_id, ");
        query.push(place.due_on).push(" AS due_on FROM ").push(place.table);
        query.push(" own WHERE own.organization_id = ").push_bind(organization_id);
        query.push(" AND own.").push(place.column).push(" = ").push_bind(person_id);
        query.push(" AND ").push(place.is_open).push(" ORDER BY own.id");
        query.build_query_as().fetch_all(db).await
    })?;
    let held = |row: HeldRow| Held { kind, id: row.id, name: row.name, plan_id: row.plan_id, due_on: row.due_on };
    Ok(rows.into_iter().map(held).collect())
}

/// Returns the identifiers of everything of one kind that names a person, whether or not it is over, in order.
pub async fn ids(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: Responsibility,
    person_ids: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    let Some(place) = place(kind) else { return Ok(vec![]) };
    let mut found = vec![];
    for some in person_ids.chunks(ROWS_PER_INSERT) {
        found.extend(on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("SELECT id FROM ");
            query.push(place.table).push(" WHERE organization_id = ").push_bind(organization_id);
            push_ids(&mut query, place.column, Some(some));
            query.push(" ORDER BY id");
            query.build_query_scalar::<Uuid>().fetch_all(db).await
        })?);
    }
    Ok(found)
}

/// A name that stands for an owner who is no person, and the number of times that it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedOwner {
    /// Name.
    pub name: String,
    /// Number of things that it owns.
    pub uses: i64,
}

from_row!(NamedOwner { name, uses });

/// Returns the names that stand for owners of one kind who are no people.
pub async fn names(conn: &mut Conn, organization_id: Uuid, kind: Responsibility) -> sqlx::Result<Vec<NamedOwner>> {
    let Some((place, column)) = place(kind).and_then(|place| place.named_by.map(|column| (place, column))) else {
        return Ok(vec![]);
    };
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(column).push(" AS name, COUNT(*) AS uses FROM ").push(place.table);
        query.push(" WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND owner_id IS NULL AND ").push(column).push(" IS NOT NULL GROUP BY ").push(column);
        query.push(" ORDER BY ").push(column);
        query.build_query_as().fetch_all(db).await
    })
}

/// Returns the identifiers of what belongs to an owner of whom only a name is known: the first ones of one kind.
pub async fn ids_named(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: Responsibility,
    name: &str,
    most: usize,
) -> sqlx::Result<Vec<Uuid>> {
    let Some((place, column)) = place(kind).and_then(|place| place.named_by.map(|column| (place, column))) else {
        return Ok(vec![]);
    };
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT id FROM ");
        query.push(place.table).push(" WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND owner_id IS NULL AND ").push(column).push(" = ").push_bind(name);
        query.push(" ORDER BY id LIMIT ").push_bind(i64::try_from(most).unwrap_or(i64::MAX));
        query.build_query_scalar().fetch_all(db).await
    })
}

/// Returns the plans of some milestones, each with its own.
pub async fn plans_of(
    conn: &mut Conn,
    organization_id: Uuid,
    milestone_ids: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, Vec<Uuid>>> {
    let mut plans: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for some in milestone_ids.chunks(ROWS_PER_INSERT) {
        let found: Vec<(Uuid, Uuid)> = on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("SELECT plan_id, id FROM milestones WHERE organization_id = ");
            query.push_bind(organization_id);
            push_ids(&mut query, "id", Some(some));
            query.build_query_as().fetch_all(db).await
        })?;
        for (plan_id, id) in found {
            plans.entry(plan_id).or_default().push(id);
        }
    }
    Ok(plans)
}
