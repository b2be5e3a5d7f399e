//! Competitions.

use chrono::{DateTime, Utc};
use milepost_domain::recognition::competition::{CompetitionContent, FinalScore};
use milepost_domain::values::text::folded;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kept::{Content, Kept, Stamp};
use crate::row::Value;
use crate::{Conn, columns, on};

/// A competition.
pub type Competition = Kept<CompetitionContent, Closable>;

columns!(CompetitionContent { name, by, currency, template, track, customer_id, team_id, from_on, to_on });

impl Content for CompetitionContent {
    const TABLE: &'static str = "competitions";
    const UNIQUE: Option<&'static str> = None;

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("name_folded", Value::Text(Some(folded(&self.name))))]
    }
}

/// End, version and times of a competition.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"closed_at": null, "version": 1, "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"}))]
pub struct Closable {
    /// Time at which the results were fixed; null before.
    pub closed_at: Option<DateTime<Utc>>,
    /// Scores that it has ended with, the highest first.
    #[serde(skip)]
    #[schema(ignore)]
    pub results: Vec<FinalScore>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

columns!(Closable { closed_at, results, version, created_at, updated_at });

impl Stamp for Closable {
    fn begin(now: DateTime<Utc>) -> Self {
        Self { closed_at: None, results: vec![], version: 1, created_at: now, updated_at: now }
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now;
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Leaves the results of people who are erased as results of nobody.
pub(crate) async fn forget(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<()> {
    const SQL: &str =
        "UPDATE competitions SET results = REPLACE(results, $2, 'null') WHERE organization_id = $1 AND results LIKE $3";
    let (quoted, mention) = (format!("\"{person_id}\""), format!("%{person_id}%"));
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(&quoted).bind(&mention).execute(db).await.map(|_| ()))
}
