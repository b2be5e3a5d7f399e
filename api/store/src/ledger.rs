//! Storage of the ledger. Entries are appended and never changed; the states in them can be erased.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::keyset::Direction;
use crate::many::{ROWS_PER_INSERT, push_ids};
use crate::{Conn, on, per_engine};

/// End of an organization's chain of ledger entries.
#[derive(Debug, Clone)]
pub struct Head {
    /// Number of the last entry; 0 before the first.
    pub sequence: i64,
    /// Hash of the last entry.
    pub hash: Vec<u8>,
    /// Time of the last entry; none before the first, and where it was not kept yet.
    pub recorded_at: Option<DateTime<Utc>>,
}

from_row!(Head { sequence, hash, recorded_at });

/// Row of a ledger entry. `before` and `after` are the exact texts of which the digest was made, until they are erased.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are described where the table and the resource are")]
pub struct Entry {
    pub sequence: i64,
    pub recorded_at: DateTime<Utc>,
    pub actor_type: String,
    pub actor_id: String,
    pub request_id: String,
    pub action: String,
    pub entity_type: String,
    pub entity_id: Uuid,
    pub root_type: String,
    pub root_id: Uuid,
    pub before: Option<String>,
    pub after: Option<String>,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
    pub content_salt: Option<Vec<u8>>,
    pub content_digest: Option<Vec<u8>>,
    pub erased_at: Option<DateTime<Utc>>,
}

from_row!(Entry {
    sequence,
    recorded_at,
    actor_type,
    actor_id,
    request_id,
    action,
    entity_type,
    entity_id,
    root_type,
    root_id,
    before,
    after,
    previous_hash,
    hash,
    content_salt,
    content_digest,
    erased_at
});

macro_rules! columns {
    () => {
        "sequence, recorded_at, actor_type, actor_id, request_id, action, entity_type, entity_id, root_type, root_id, \
         before, after, previous_hash, hash, content_salt, content_digest, erased_at"
    };
}

/// Filter of a list of ledger entries.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Filter by entity.
    pub entity_id: Option<Uuid>,
    /// Filter by type of entity.
    pub entity_type: Option<String>,
    /// Filter by root, such as a plan or a customer, including everything that belongs to it.
    pub root_id: Option<Uuid>,
    /// Filter by actor.
    pub actor_id: Option<String>,
    /// Filter by action.
    pub action: Option<String>,
    /// Earliest time of recording, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Latest time of recording, exclusive.
    pub to: Option<DateTime<Utc>>,
}

/// Returns the number of the last entry; `None` if there is no such organization.
pub async fn head_sequence(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Option<i64>> {
    const SQL: &str = "SELECT sequence FROM ledger_heads WHERE organization_id = $1";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_optional(db).await)
}

/// Returns the head without locking it.
pub async fn head(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Option<Head>> {
    const SQL: &str = "SELECT sequence, hash, recorded_at FROM ledger_heads WHERE organization_id = $1";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_optional(db).await)
}

/// Returns the head and locks it until the transaction ends, so that the writers of an organization run one after
/// another.
pub async fn hold_head(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Option<Head>> {
    let sql = per_engine!(conn,
        sqlite: "SELECT sequence, hash, recorded_at FROM ledger_heads WHERE organization_id = $1",
        postgres: "SELECT sequence, hash, recorded_at FROM ledger_heads WHERE organization_id = $1 FOR UPDATE");
    on!(conn, db => sqlx::query_as(sql).bind(organization_id).fetch_optional(db).await)
}

/// Starts an organization's chain.
pub async fn insert_head(conn: &mut Conn, organization_id: Uuid, hash: &[u8]) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO ledger_heads (organization_id, sequence, hash) VALUES ($1, 0, $2)";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(hash).execute(db).await.map(|_| ()))
}

/// Updates the head.
pub async fn update_head(conn: &mut Conn, organization_id: Uuid, head: &Head) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE ledger_heads SET sequence = $2, hash = $3, recorded_at = $4 WHERE organization_id = $1";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(head.sequence).bind(&head.hash).bind(head.recorded_at)
        .execute(db).await.map(|_| ()))
}

/// Appends an entry.
pub async fn append(conn: &mut Conn, organization_id: Uuid, entry: &Entry) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO ledger_entries (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
    );
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(entry.sequence).bind(entry.recorded_at).bind(&entry.actor_type).bind(&entry.actor_id)
        .bind(&entry.request_id).bind(&entry.action).bind(&entry.entity_type).bind(entry.entity_id)
        .bind(&entry.root_type).bind(entry.root_id).bind(&entry.before).bind(&entry.after)
        .bind(&entry.previous_hash).bind(&entry.hash).bind(&entry.content_salt).bind(&entry.content_digest).bind(entry.erased_at)
        .execute(db).await.map(|_| ()))
}

/// Erases the states and the salts in the entries of some entities and of what belongs to them. Returns the sequence numbers.
pub async fn erase(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    let mut erased = BTreeSet::new();
    for some in ids.chunks(ROWS_PER_INSERT) {
        for column in ["root_id", "entity_id"] {
            let found: Vec<i64> = on!(&mut *conn, db => {
                let mut query = QueryBuilder::new(
                    "UPDATE ledger_entries SET before = NULL, after = NULL, content_salt = NULL, erased_at = ");
                query.push_bind(now).push(" WHERE erased_at IS NULL AND organization_id = ").push_bind(organization_id);
                push_ids(&mut query, column, Some(some));
                query.push(" RETURNING sequence");
                query.build_query_scalar().fetch_all(db).await
            })?;
            erased.extend(found);
        }
    }
    Ok(erased.into_iter().collect())
}

/// Empties the entries of the organization chart and of congratulations that name some people and are about others; returns their numbers, in no order.
pub async fn erase_mentions(
    conn: &mut Conn,
    organization_id: Uuid,
    people: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<i64>> {
    const SQL: &str = "UPDATE ledger_entries SET before = NULL, after = NULL, content_salt = NULL, erased_at = $2 \
                       WHERE erased_at IS NULL AND organization_id = $1 AND action IN \
                       ('team.member_added', 'team.member_ended', 'person.reporting_line_recorded', 'congratulation.sent', \
                        'congratulation.taken_back') AND (after LIKE $3 OR before LIKE $3) RETURNING sequence";
    let mut erased = vec![];
    for id in people {
        let mention = format!("%{id}%");
        let found: Vec<i64> = on!(&mut *conn, db =>
            sqlx::query_scalar(SQL).bind(organization_id).bind(now).bind(mention).fetch_all(db).await)?;
        erased.extend(found);
    }
    Ok(erased)
}

/// Returns a section of the chain in order, for verification.
pub async fn stretch(conn: &mut Conn, organization_id: Uuid, after: i64, rows: i64) -> sqlx::Result<Vec<Entry>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM ledger_entries WHERE organization_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"
    );
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(after).bind(rows).fetch_all(db).await)
}

/// Returns a page of entries by sequence.
pub async fn list(
    conn: &mut Conn,
    organization_id: Uuid,
    filter: &Filter,
    direction: Direction,
    after: Option<i64>,
    rows: usize,
) -> sqlx::Result<Vec<Entry>> {
    let (comparison, order) = match direction {
        Direction::Ascending => (" > ", " ORDER BY sequence ASC LIMIT "),
        Direction::Descending => (" < ", " ORDER BY sequence DESC LIMIT "),
    };
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM ledger_entries WHERE organization_id = "));
        query.push_bind(organization_id);
        if let Some(entity_id) = filter.entity_id {
            query.push(" AND entity_id = ").push_bind(entity_id);
        }
        if let Some(entity_type) = &filter.entity_type {
            query.push(" AND entity_type = ").push_bind(entity_type);
        }
        if let Some(root_id) = filter.root_id {
            query.push(" AND root_id = ").push_bind(root_id);
        }
        if let Some(actor_id) = &filter.actor_id {
            // A person may have acted through a client.
            let begin = format!("{actor_id};via:");
            let length = i64::try_from(begin.chars().count()).unwrap_or(i64::MAX);
            query.push(" AND (actor_id = ").push_bind(actor_id);
            query.push(" OR SUBSTR(actor_id, 1, CAST(").push_bind(length).push(" AS INTEGER)) = ").push_bind(begin).push(")");
        }
        if let Some(action) = &filter.action {
            query.push(" AND action = ").push_bind(action);
        }
        if let Some(from) = filter.from {
            query.push(" AND recorded_at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" AND recorded_at < ").push_bind(to);
        }
        if let Some(after) = after {
            query.push(" AND sequence").push(comparison).push_bind(after);
        }
        query.push(order).push_bind(i64::try_from(rows).unwrap_or(i64::MAX));
        query.build_query_as().fetch_all(db).await
    })
}

/// Returns the roots of a type to which the entries after `sequence` belong.
pub async fn roots_since(
    conn: &mut Conn,
    organization_id: Uuid,
    root_type: &str,
    sequence: i64,
) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT DISTINCT root_id FROM ledger_entries \
                       WHERE organization_id = $1 AND sequence > $2 AND root_type = $3";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(sequence).bind(root_type).fetch_all(db).await)
}

/// Returns the `before` texts of the entries of an action after `sequence`.
pub async fn befores_since(
    conn: &mut Conn,
    organization_id: Uuid,
    action: &str,
    sequence: i64,
) -> sqlx::Result<Vec<String>> {
    const SQL: &str = "SELECT before FROM ledger_entries \
                       WHERE organization_id = $1 AND sequence > $2 AND action = $3 AND before IS NOT NULL";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(sequence).bind(action).fetch_all(db).await)
}

/// State of an entity according to a ledger entry.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as in the entry")]
pub struct Known {
    pub action: String,
    pub entity_type: String,
    pub entity_id: Uuid,
    pub root_id: Uuid,
    pub after: Option<String>,
}

from_row!(Known { action, entity_type, entity_id, root_id, after });

/// Returns the entries from which plans can be restored as of an instant: the creation of each plan, and the last entry
/// with the state of the plan and of each of its milestones.
pub async fn known_plans(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_ids: Option<&[Uuid]>,
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<Known>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT action, entity_type, entity_id, root_id, after FROM ledger_entries WHERE organization_id = ");
        query.push_bind(organization_id);
        query.push(" AND sequence IN (SELECT MAX(sequence) FROM ledger_entries WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND root_type = 'plan' AND recorded_at <= ").push_bind(at);
        // Entries of these actions describe what was done to a plan or a milestone, not its state afterwards.
        query.push(
            " AND entity_type IN ('plan', 'milestone') AND action NOT IN ('plan.baselined', 'plan.baseline_approved', 'plan.reviewed', \
             'milestone.forecast_communicated', 'milestone.forecast_acknowledged', 'plan.cost_recorded', 'plan.dependency_added', 'plan.dependency_withdrawn')");
        push_ids(&mut query, "root_id", plan_ids);
        query.push(" GROUP BY entity_id, CASE WHEN action = 'plan.created' THEN 0 ELSE 1 END) ORDER BY sequence");
        query.build_query_as().fetch_all(db).await
    })
}

/// State of an entity after a change.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as in the entry")]
pub struct PastState {
    pub entity_id: Uuid,
    pub recorded_at: DateTime<Utc>,
    pub after: String,
}

from_row!(PastState { entity_id, recorded_at, after });

/// Returns the states that some entities of a type have had, oldest first.
pub async fn states(
    conn: &mut Conn,
    organization_id: Uuid,
    entity_type: &str,
    ids: &[Uuid],
) -> sqlx::Result<Vec<PastState>> {
    let mut states = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let found: Vec<PastState> = on!(conn, db => {
            let mut query =
                QueryBuilder::new("SELECT entity_id, recorded_at, after FROM ledger_entries WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND action IN (");
            query.push_bind(format!("{entity_type}.created")).push(", ").push_bind(format!("{entity_type}.updated"));
            query.push(") AND after IS NOT NULL");
            push_ids(&mut query, "entity_id", Some(some));
            query.push(" ORDER BY sequence");
            query.build_query_as().fetch_all(db).await
        })?;
        states.extend(found);
    }
    Ok(states)
}

/// State of an entity after its last change.
#[derive(Debug, Clone)]
pub struct LastState {
    /// The entity.
    pub entity_id: Uuid,
    /// Number of the entry.
    pub sequence: i64,
    /// Its state; none if the change removed it.
    pub after: Option<String>,
}

from_row!(LastState { entity_id, sequence, after });

/// Returns a page of the entities of a type, by identifier, with their states after their last change. Entries that say what
/// was done to an entity, and not what it is, are passed over.
pub async fn last_states(
    conn: &mut Conn,
    organization_id: Uuid,
    entity_type: &str,
    after: Option<Uuid>,
    rows: i64,
) -> sqlx::Result<Vec<LastState>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT entity_id, sequence, after FROM ledger_entries WHERE organization_id = ");
        query.push_bind(organization_id);
        query.push(" AND sequence IN (SELECT MAX(sequence) FROM ledger_entries WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND entity_type = ").push_bind(entity_type);
        query.push(" AND action IN (");
        let mut actions = query.separated(", ");
        for verb in ["created", "updated", "deleted", "revoked"] {
            actions.push_bind(format!("{entity_type}.{verb}"));
        }
        query.push(")");
        if let Some(after) = after {
            query.push(" AND entity_id > ").push_bind(after);
        }
        query.push(" GROUP BY entity_id ORDER BY entity_id LIMIT ").push_bind(rows).push(") ORDER BY entity_id");
        query.build_query_as().fetch_all(db).await
    })
}
