//! Share links: how a client sees a plan without an account, and how much of it.

pub mod acknowledge;
pub mod links;
pub mod view;

use milepost_domain::text::Key;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator};
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::store::milestones::ForecastRow;
use crate::store::plans::{self, PlanRecord};
use crate::store::share_links::ShareLinkRow;

/// A part of a plan that a link may show, beside its milestones' names, dates and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShareField {
    /// Who is responsible.
    Owner,
    /// What waits for what.
    Dependencies,
    /// Notes on how milestones stand.
    Notes,
    /// Dates that moved and why, misses and their recovery; the client may take note of them.
    DateChanges,
    /// PV, EV, SPI and the expected finish.
    EarnedValue,
    /// The S-curve.
    SCurve,
    /// The milestone trend chart.
    Trend,
}

/// How much of a plan a link shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// Keys of the milestones; all, also those added later, if null.
    pub milestones: Option<Vec<Key>>,
    /// What is shown of them and of the plan.
    pub fields: Vec<ShareField>,
}

impl Visibility {
    /// All of it.
    pub fn everything() -> Self {
        Self { milestones: None, fields: ShareField::iter().collect() }
    }

    /// Whether it shows a part.
    pub fn has(&self, field: ShareField) -> bool {
        self.fields.contains(&field)
    }

    /// Whether it shows a milestone.
    pub fn shows(&self, key: &str) -> bool {
        self.milestones.as_ref().is_none_or(|keys| keys.iter().any(|shown| shown.as_str() == key))
    }
}

impl Visibility {
    /// The plan as if it had only the milestones that are shown: what its figures and its curve may tell.
    pub fn restrict(&self, record: &PlanRecord) -> PlanRecord {
        let mut shown = record.clone();
        shown.milestones.retain(|row| self.shows(&row.key));
        shown
    }

    /// Why a date moved, as far as it may be told: what another milestone said is told where that one is shown.
    pub fn reason(&self, record: &PlanRecord, change: &ForecastRow) -> Option<String> {
        match record.cause_of(change) {
            Some(cause) if !self.shows(&cause.key) => Some("It follows from another milestone that moved.".to_owned()),
            _ => change.reason.clone(),
        }
    }
}

/// A plan that is looked at through a link.
struct SharedPlan {
    link: ShareLinkRow,
    record: PlanRecord,
    view: PlanView,
}

/// Loads what a link shows. The gate has proven the link.
async fn shared_plan(cx: &Context) -> Result<SharedPlan, ApiError> {
    let link = cx.share_link.as_deref().cloned();
    let link = link.ok_or_else(|| ApiError::internal("a shared page was reached without a link"))?;
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), link.plan_id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let view = PlanView::from(&record);
    Ok(SharedPlan { link, record, view })
}
