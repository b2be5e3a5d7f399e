//! Storage of the communication of forecast changes to the client.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use sqlx::types::Text;
use strum::{Display, EnumString};
use uuid::Uuid;

use crate::author::Author;
use crate::from_row::from_row;
use crate::milestones::rows_by_plan;
use crate::{Conn, on};

/// Kind of communication with the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CommunicationKind {
    /// The change was communicated to the client.
    Communicated,
    /// The client acknowledged the change.
    Acknowledged,
}

/// Row of a communication or an acknowledgment of a forecast change.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct CommunicationRow {
    pub plan_id: Uuid,
    pub forecast_change_id: Uuid,
    pub kind: Text<CommunicationKind>,
    pub who: Option<String>,
    pub author: Text<Author>,
    pub recorded_at: DateTime<Utc>,
}

from_row!(CommunicationRow { plan_id, forecast_change_id, kind, who, author, recorded_at });

rows_by_plan!(
    /// Returns communications by forecast change.
    rows -> CommunicationRow,
    "SELECT plan_id, forecast_change_id, kind, who, author, recorded_at FROM forecast_communications",
    "plan_id, forecast_change_id, kind"
);

/// Records a communication or an acknowledgment.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, row: &CommunicationRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO forecast_communications \
                       (organization_id, plan_id, forecast_change_id, kind, who, author, recorded_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.plan_id).bind(r.forecast_change_id).bind(r.kind).bind(&r.who).bind(&r.author)
        .bind(r.recorded_at)
        .execute(db).await.map(|_| ()))
}
