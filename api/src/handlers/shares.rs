//! Share links: they show a plan, or parts of it, to a client who has no account.

pub mod acknowledge;
pub mod links;
pub mod view;

use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::resources::status_report::Reported;
use crate::store::organizations::{self, Organization};
use crate::store::plans::{self, PlanRecord};
use crate::store::share_links::ShareLinkRow;

/// A plan as opened through a share link.
struct SharedPlan {
    link: ShareLinkRow,
    record: PlanRecord,
    view: PlanView,
    organization: Organization,
}

impl SharedPlan {
    /// Returns the plan as the link shows it.
    fn reported(&self) -> Reported<'_> {
        let visible = &self.link.visibility.0;
        Reported { record: &self.record, view: &self.view, organization: &self.organization, visible }
    }
}

/// Loads the plan behind a share link. The gate has already verified the link.
async fn shared_plan(cx: &Context) -> Result<SharedPlan, ApiError> {
    let link = cx.share_link.as_deref().cloned();
    let link = link.ok_or_else(|| ApiError::internal("a shared page was reached without a link"))?;
    let mut conn = cx.snapshot().await?;
    let found = plans::find(&mut conn, cx.organization_id(), link.plan_id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let organization = organizations::find(&mut conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    let view = PlanView::from(&record);
    Ok(SharedPlan { link, record, view, organization })
}
