//! A client taking note of a date change, on the shared page.

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

/// Who takes note, as a form.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"by": "Petra Novak"}))]
pub struct AcknowledgementForm {
    /// Their name.
    #[schema(min_length = 1, max_length = 100)]
    by: Option<String>,
}

/// Takes note of a date change, as the client
///
/// Who sees the change on the page has been told of it, and of what follows from it, so that is recorded too. Pressing the button
/// twice is no mistake. Answers with the way back to the page.
#[utoipa::path(tag = "shares", request_body(content = AcknowledgementForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 303, description = "Recorded; the page is at `Location`."),
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
