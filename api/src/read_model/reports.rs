//! Serialized answers in memory: each is right for a ledger sequence, and for what else its question names.

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde::Serialize;
use uuid::Uuid;

use crate::answer::Answer;
use crate::error::ApiError;

/// Memory for serialized reports, in bytes.
const REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// A serialized report.
#[derive(Debug, Clone)]
pub struct Report {
    /// Body.
    pub body: Bytes,
    /// URL of the next page, if there is one.
    pub next: Option<String>,
}

impl Report {
    /// A report of one thing.
    pub fn of(answer: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { body: serde_json::to_vec(answer)?.into(), next: None })
    }

    /// Answers the report, with a tag of its content.
    pub fn answer(self) -> Answer {
        Answer::bytes(StatusCode::OK, "application/json", self.body).content_tag().next_link(self.next)
    }
}

/// Key of a report: the question and the ledger sequence for which the report is valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReportKey {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// Ledger sequence for which the report is valid.
    pub sequence: i64,
    /// The complete question: path, parameters and date.
    pub question: String,
}

/// Serialized answers of all organizations, the least used dropped first.
#[derive(Debug)]
pub struct Reports(moka::sync::Cache<ReportKey, Report>);

impl Default for Reports {
    fn default() -> Self {
        let weigh = |key: &ReportKey, report: &Report| {
            u32::try_from(key.question.len() + report.body.len() + 200).unwrap_or(u32::MAX)
        };
        Self(moka::sync::Cache::builder().max_capacity(REPORT_BYTES).weigher(weigh).build())
    }
}

impl Reports {
    /// The answer to a question, if it was serialized before.
    pub fn find(&self, key: &ReportKey) -> Option<Report> {
        self.0.get(key)
    }

    /// Keeps the answer to a question.
    pub fn keep(&self, key: ReportKey, report: Report) {
        self.0.insert(key, report);
    }

    /// The answer to a question, made once where that takes the database.
    pub async fn make(
        &self,
        key: ReportKey,
        make: impl AsyncFnOnce() -> Result<Report, ApiError>,
    ) -> Result<Answer, ApiError> {
        let report = match self.find(&key) {
            Some(known) => known,
            None => {
                let made = make().await?;
                self.keep(key, made.clone());
                made
            }
        };
        Ok(report.answer())
    }

    /// The answer to a question, serialized once.
    pub fn get(&self, key: ReportKey, make: impl FnOnce() -> Result<Report, ApiError>) -> Result<Report, ApiError> {
        if let Some(known) = self.find(&key) {
            return Ok(known);
        }
        let made = make()?;
        self.keep(key, made.clone());
        Ok(made)
    }
}
