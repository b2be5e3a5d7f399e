//! Comparison of rows with their last ledger entries: a row that was edited, added or removed past the API is found.

use chrono::{DateTime, Utc};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::customer::playbook::{KeyedPlaybook, Playbook};
use milepost_domain::people::PersonContent;
use milepost_domain::people::profile::ProfileContent;
use milepost_domain::usage::metric::MetricContent;
use serde_json::Value;
use uuid::Uuid;

use super::Broken;
use crate::error::ApiError;
use crate::provisioning::RecordedKey;
use crate::resource::{Managed, Resource};
use crate::store::keyset::{Direction, Order, Position, Slice};
use crate::store::ledger::{self, LastState};
use crate::store::plans::{self, PlanRecord};
use crate::store::{Conn, api_clients, organizations, row};
use crate::time_travel;
use crate::unit::Entity;

/// Number of rows compared at a time.
const PORTION: usize = 500;

/// Rows of one kind: each with its identifier and the resource that it makes.
type Rows = Vec<(Uuid, Value)>;

/// Compares every row whose entries hold its state: the organization, API clients and keys, customers, people, profiles,
/// metrics, playbooks, and plans with their milestones. Returns their number.
pub async fn compare(conn: &mut Conn, organization_id: Uuid) -> Result<Result<usize, Broken>, ApiError> {
    let mut total = 0;
    for kind in KINDS {
        match compare_kind(conn, organization_id, *kind).await? {
            Ok(rows) => total += rows,
            Err(broken) => return Ok(Err(broken)),
        }
    }
    Ok(compare_plans(conn, organization_id).await?.map(|plans| total + plans))
}

/// A kind of row that is compared field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Organization,
    ApiClient,
    ApiKey,
    Customer,
    Person,
    Profile,
    Metric,
    Playbook,
}

const KINDS: &[Kind] = &[
    Kind::Organization,
    Kind::ApiClient,
    Kind::ApiKey,
    Kind::Customer,
    Kind::Person,
    Kind::Profile,
    Kind::Metric,
    Kind::Playbook,
];

impl Kind {
    const fn entity(self) -> Entity {
        match self {
            Self::Organization => Entity::Organization,
            Self::ApiClient => Entity::ApiClient,
            Self::ApiKey => Entity::ApiKey,
            Self::Customer => Entity::Customer,
            Self::Person => Entity::Person,
            Self::Profile => Entity::Profile,
            Self::Metric => Entity::Metric,
            Self::Playbook => Entity::Playbook,
        }
    }

    /// Fields that change without an entry: the time of the last use, and references that are read from another row.
    fn is_passing(self, field: &str) -> bool {
        let is_read_elsewhere =
            |references: &[&str]| field.strip_suffix("_ref").is_some_and(|name| references.contains(&name));
        match self {
            Self::ApiKey => field == "last_used_at",
            Self::Customer => is_read_elsewhere(CustomerContent::REFERENCES),
            Self::Person => is_read_elsewhere(PersonContent::REFERENCES),
            Self::Organization | Self::ApiClient | Self::Profile | Self::Metric | Self::Playbook => false,
        }
    }

    async fn page(self, conn: &mut Conn, organization_id: Uuid, after: Option<Uuid>) -> Result<Rows, ApiError> {
        let slice = Slice {
            order: Order::Id,
            direction: Direction::Ascending,
            after: after.map(|id| Position { key: None, id }),
            rows: PORTION,
        };
        match self {
            Self::Organization if after.is_some() => Ok(vec![]),
            Self::Organization => {
                let found = organizations::find(conn, organization_id).await?;
                found.iter().map(|one| Ok((one.id, serde_json::to_value(one)?))).collect()
            }
            Self::ApiClient => {
                let rows = api_clients::list(conn, organization_id, &slice).await?;
                rows.iter().map(|one| Ok((one.id, serde_json::to_value(one)?))).collect()
            }
            Self::ApiKey => {
                let rows = api_clients::all_keys(conn, organization_id, &slice).await?;
                rows.iter()
                    .map(|one| Ok((one.key.id, serde_json::to_value(RecordedKey::of(&one.key, &one.secret_hash))?)))
                    .collect()
            }
            Self::Customer => kept::<CustomerContent>(conn, organization_id, &slice).await,
            Self::Person => kept::<PersonContent>(conn, organization_id, &slice).await,
            Self::Profile => kept::<ProfileContent>(conn, organization_id, &slice).await,
            Self::Metric => kept::<MetricContent>(conn, organization_id, &slice).await,
            Self::Playbook => kept::<KeyedPlaybook>(conn, organization_id, &slice).await,
        }
    }
}

async fn kept<T: Managed>(conn: &mut Conn, organization_id: Uuid, slice: &Slice) -> Result<Rows, ApiError> {
    let rows: Vec<Resource<T>> = row::page(conn, organization_id, &[], slice).await?;
    rows.iter().map(|one| Ok((one.id, serde_json::to_value(one)?))).collect()
}

/// Walks the rows and the ledger's entities of one kind side by side, both in the order of their identifiers.
async fn compare_kind(conn: &mut Conn, organization_id: Uuid, kind: Kind) -> Result<Result<usize, Broken>, ApiError> {
    let name = kind.entity().name();
    let (mut rows, mut states) = (vec![].into_iter().peekable(), vec![].into_iter().peekable());
    let (mut last_row, mut last_state, mut compared) = (None, None, 0);
    let (mut has_rows, mut has_states) = (true, true);
    loop {
        if has_rows && rows.peek().is_none() {
            let page = kind.page(conn, organization_id, last_row).await?;
            has_rows = !page.is_empty();
            last_row = page.last().map(|(id, _)| *id).or(last_row);
            rows = page.into_iter().peekable();
        }
        if has_states && states.peek().is_none() {
            let portion = i64::try_from(PORTION).unwrap_or(i64::MAX);
            let page = ledger::last_states(conn, organization_id, name, last_state, portion).await?;
            has_states = !page.is_empty();
            last_state = page.last().map(|state: &LastState| state.entity_id).or(last_state);
            states = page.into_iter().peekable();
        }
        let (row_id, state_id) = (rows.peek().map(|(id, _)| *id), states.peek().map(|state| state.entity_id));
        let broken = match (row_id, state_id) {
            (None, None) => return Ok(Ok(compared)),
            (Some(id), state) if state.is_none_or(|state| id < state) => {
                Some(Broken { sequence: None, detail: format!("{name} {id} has no ledger entry") })
            }
            (row, Some(id)) if row != Some(id) => states.next().and_then(|state| {
                let detail = format!("{name} {id} is missing, but its last entry, {}, has a state", state.sequence);
                state.after.map(|_| Broken { sequence: Some(state.sequence), detail })
            }),
            _ => match (rows.next(), states.next()) {
                (Some((_, row)), Some(state)) => {
                    compared += 1;
                    difference(&row, &state, kind)?
                }
                _ => None,
            },
        };
        if let Some(broken) = broken {
            return Ok(Err(broken));
        }
    }
}

/// The first field in which a row differs from its last entry. An entry of an earlier version may lack fields of now.
fn difference(row: &Value, state: &LastState, kind: Kind) -> Result<Option<Broken>, ApiError> {
    let name = kind.entity().name();
    let broken = |what: &str| {
        let detail = format!("{name} {} differs from its last entry, {}, {what}", state.entity_id, state.sequence);
        Ok(Some(Broken { sequence: Some(state.sequence), detail }))
    };
    let Some(after) = &state.after else { return broken("which removed it") };
    let after: Value = serde_json::from_str(after)?;
    let after = if kind == Kind::Playbook { renewed(after)? } else { after };
    let fields = after.as_object().into_iter().flatten();
    // An owner who is a person is called what they are called now.
    let is_called = after.get("owner_id").is_some_and(|id| !id.is_null());
    let is_passing = |field: &str| kind.is_passing(field) || is_called && field == "owner_name";
    let mut fields = fields.filter(|(field, _)| !is_passing(field));
    match fields.find(|(field, value)| row.get(field).is_some_and(|now| !is_same(now, value))) {
        Some((field, _)) => broken(&format!("in its {field}")),
        None => Ok(None),
    }
}

/// A playbook's entry in the form of now: its content is one field, in which others were called otherwise.
fn renewed(mut after: Value) -> Result<Value, ApiError> {
    let content: Playbook = serde_json::from_value(after["content"].take())?;
    after["content"] = serde_json::to_value(content)?;
    Ok(after)
}

/// Whether two values say the same: numbers by their value, instants by their time.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::String(one), Value::String(other)) if one != other => {
            let instant = |text: &str| DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
            matches!((instant(one), instant(other)), (Ok(one), Ok(other)) if one == other)
        }
        _ => one == other,
    }
}

/// A plan that the ledger knows and that has no row. `ids` are those that have one, in order.
async fn missing_plan(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid]) -> Result<Option<Broken>, ApiError> {
    let (portion, mut after) = (i64::try_from(PORTION).unwrap_or(i64::MAX), None);
    loop {
        let page = ledger::last_states(conn, organization_id, Entity::Plan.name(), after, portion).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = Some(last.entity_id);
        let is_missing = |state: &&LastState| state.after.is_some() && ids.binary_search(&state.entity_id).is_err();
        if let Some(state) = page.iter().find(is_missing) {
            let detail =
                format!("plan {} is missing, but its last entry, {}, has a state", state.entity_id, state.sequence);
            return Ok(Some(Broken { sequence: Some(state.sequence), detail }));
        }
    }
}

/// An instant after every entry, which both engines can store.
fn end_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or_default()
}

/// Compares plans, their milestones and dependencies with what the ledger says of them, as time travel reads it.
async fn compare_plans(conn: &mut Conn, organization_id: Uuid) -> Result<Result<usize, Broken>, ApiError> {
    let mut compared = 0;
    let ids = plans::ids(conn, organization_id).await?;
    if let Some(missing) = missing_plan(conn, organization_id, &ids).await? {
        return Ok(Err(missing));
    }
    for some in ids.chunks(PORTION / 10) {
        let now: Vec<PlanRecord> = plans::load(conn, organization_id, Some(some)).await?;
        let known = time_travel::as_recorded(conn, organization_id, now.clone(), Some(some), end_of_time()).await?;
        for (is, was) in now.iter().zip(known) {
            let id = is.plan.id;
            let Some(was) = was else {
                return Ok(Err(Broken { sequence: None, detail: format!("plan {id} has no ledger entry") }));
            };
            if let Some(milestone) = was.missing {
                return Ok(Err(Broken {
                    sequence: None,
                    detail: format!("milestone {milestone} of plan {id} is missing"),
                }));
            }
            if let Some(what) = time_travel::difference(is, &was.record) {
                let detail = format!("plan {id} differs from its entries: {what}");
                return Ok(Err(Broken { sequence: None, detail }));
            }
            compared += 1 + is.milestones.len();
        }
    }
    Ok(Ok(compared))
}
