//! Acknowledgment of a forecast change by the client, on the shared page.

use actix_web::http::header::LOCATION;
use actix_web::web::{Form, Path};
use actix_web::{HttpResponse, post};
use milepost_domain::Rule as _;
use milepost_domain::plan::share::ShareField;
use milepost_domain::values::text::Label;
use serde::Deserialize;
use utoipa::ToSchema;

use super::shared_plan;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::handlers::milestones::communicate::append;
use crate::store::communications::CommunicationKind;
use crate::store::plans;

/// Acknowledgment form of the shared page.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"by": "Petra Novak"}))]
pub struct AcknowledgementForm {
    /// Name of the person who acknowledges the change.
    #[schema(min_length = 1, max_length = 100)]
    by: Option<String>,
}

/// Record the client's acknowledgment of a forecast change
///
/// Records the forecast change, and the visible changes that it caused, as communicated and acknowledged. Repeating the
/// request has no further effect. Responds with a redirect to the shared page.
#[utoipa::path(tag = "shares", request_body(content = AcknowledgementForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 303, description = "The acknowledgment is recorded. `Location` is the path of the shared page."),
))]
#[post("/share/{token}/milestones/{milestone}/forecast-changes/{number}/acknowledge")]
pub async fn acknowledge_shared_change(
    cx: Context,
    path: Path<(String, String, i64)>,
    form: Form<AcknowledgementForm>,
) -> Result<HttpResponse, ApiError> {
    let (_, milestone, number) = path.into_inner();
    let by = Label::parse(form.by.as_deref().unwrap_or_default()).map_err(|rule| rule.at("/by"))?;
    let shared = shared_plan(&cx).await?;
    let visible = &shared.link.visibility.0;
    if !visible.has(ShareField::DateChanges) || !visible.shows(&milestone) {
        return Err(ApiError::not_found());
    }
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, shared.link.plan_id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        let id = record.milestone(&milestone).ok_or_else(ApiError::not_found)?.id;
        let found = record.forecasts.iter().find(|one| one.milestone_id == id && one.ordinal == number);
        let change = found.cloned().ok_or_else(ApiError::not_found)?;
        for kind in [CommunicationKind::Communicated, CommunicationKind::Acknowledged] {
            append(unit, &mut record, &change, kind, Some(by.as_str()), |key| visible.shows(key)).await?;
        }
        Ok(Answer::no_content())
    })
    .await?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, cx.share_path())).finish())
}
