//! Storage of risk models, and of which applied from when.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::values::text::Reason;
use uuid::Uuid;

use crate::author::Author;
use crate::row::{self, Condition, Value};
use crate::{Conn, columns, table};

/// Row of a fitted risk model.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct RiskModelRow {
    pub id: Uuid,
    pub content: String,
    pub author: Author,
    pub fitted_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
}

columns!(RiskModelRow { id, content, author, fitted_at, archived_at });
table!(RiskModelRow, "risk_models");

/// Activation of a risk model, or, without a model, its retirement. Appended, never changed.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct RiskActivation {
    pub id: Uuid,
    pub risk_model_id: Option<Uuid>,
    pub reason: Option<Reason>,
    pub author: Author,
    pub activated_on: NaiveDate,
    pub activated_at: DateTime<Utc>,
}

columns!(RiskActivation { id, risk_model_id, reason, author, activated_on, activated_at });
table!(RiskActivation, "risk_model_activations");

/// All activations of an organization, oldest first.
pub async fn activations(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<RiskActivation>> {
    row::all(conn, organization_id, &[], "id").await
}

/// Returns the risk model in force on a day, as known now or at an instant; `None` if the points decide.
pub async fn in_force(
    conn: &mut Conn,
    organization_id: Uuid,
    on: NaiveDate,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Option<RiskModelRow>> {
    let mut conditions = vec![Condition::AtMost("activated_on", Value::Date(Some(on)))];
    conditions.extend(known_at.map(|at| Condition::AtMost("activated_at", Value::Instant(Some(at)))));
    let activations: Vec<RiskActivation> = row::all(conn, organization_id, &conditions, "activated_at").await?;
    match activations.last().and_then(|last| last.risk_model_id) {
        Some(id) => row::find(conn, organization_id, id).await,
        None => Ok(None),
    }
}
