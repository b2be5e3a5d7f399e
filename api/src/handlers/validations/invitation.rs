//! The page of an invitation: what somebody outside is asked about, and their answer.

use std::sync::Arc;

use actix_web::http::header::{LOCATION, VARY};
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use milepost_domain::proof::validation::Decision;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Note;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Loaded;
use super::read::{again, seen};
use crate::answer::Answer;
use crate::auth::link_token::InvitationToken;
use crate::context::Context;
use crate::error::ApiError;
use crate::gate::negotiate;
use crate::handlers::recognition::issuer::public;
use crate::matters::Matter;
use crate::resources::invitations::InvitedQuestion;
use crate::state::App;
use crate::store::validations::ValidationAsk;
use crate::store::{evidence_files, organizations, row};
use crate::views::invitation_page;

/// Answer of somebody outside.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"decision": "approve", "comment": "It saves us a day a week."}))]
pub struct InvitedDecisionForm {
    /// Decision.
    decision: Decision,
    /// Comment, for the person and for those who run the plan.
    #[schema(max_length = 2000)]
    comment: Option<String>,
}

/// Get the page of an invitation
///
/// Returns one self-contained HTML page that asks for an answer, or the same as JSON (`Accept`). A link that is unknown, has expired or was
/// withdrawn responds with 404.
#[utoipa::path(tag = "shares", responses((status = 200, description = "The question.",
    content((String = "text/html"), (InvitedQuestion = "application/json")))))]
#[get("/invitations/{invitation_token}")]
pub async fn read_invitation(request: HttpRequest, app: Data<App>, token: Path<String>) -> Result<Answer, ApiError> {
    let (cx, loaded, matter, at) = invited(&app.into_inner(), &token).await?;
    let question = question(&cx, &loaded, &matter, at).await?;
    let offered = ["text/html", "application/json"].map(str::to_owned);
    let answer = match negotiate(&request, &offered) {
        Some("application/json") => Answer::ok(&question)?,
        _ => invitation_page::render(&question, &format!("/invitations/{token}")),
    };
    Ok(answer.header(VARY, "accept"))
}

/// Answer an invitation
///
/// Records the answer of whoever has the link, once. Responds with a redirect to the page.
#[utoipa::path(tag = "shares", request_body(content = InvitedDecisionForm, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 303, description = "The answer is recorded. `Location` is the path of the page."),
))]
#[post("/invitations/{invitation_token}/decisions")]
pub async fn answer_invitation(
    app: Data<App>,
    token: Path<String>,
    form: Form<InvitedDecisionForm>,
) -> Result<HttpResponse, ApiError> {
    let (cx, known, matter, at) = invited(&app.into_inner(), &token).await?;
    let comment = form.comment.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let comment = comment.map(Note::parse).transpose().map_err(|rule: ValueRule| rule.at("/comment"))?;
    let ask_id = known.asks[at].id;
    let mut unit = cx.begin().await?;
    let (mut loaded, mut matter) = again(&mut unit, known.row.id, &matter).await?;
    let own = loaded.asks.iter_mut().find(|ask| ask.id == ask_id && ask.decision.is_none());
    let ask = own.ok_or_else(ApiError::not_found)?;
    (ask.decision, ask.comment) = (Some(form.decision), comment);
    (ask.decided_on, ask.decided_at) = (Some(unit.today), Some(unit.now));
    row::update(&mut unit.conn, unit.organization_id, ask).await?;
    loaded.settle(&mut unit, &mut matter, "decided").await?;
    unit.commit().await?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/invitations/{token}"))).finish())
}

/// The validation that a link asks about, with the place of the question. Whatever is wrong with the link, the answer is the same.
pub(super) async fn invited(app: &Arc<App>, token: &str) -> Result<(Context, Loaded, Matter, usize), ApiError> {
    let token = InvitationToken::parse(token).ok_or_else(ApiError::not_found)?;
    let cx = public(app, token.organization_id()).await?;
    let ask: Option<ValidationAsk> = row::find(&mut cx.read().await?, cx.organization_id(), token.link_id()).await?;
    let is_valid = |ask: &ValidationAsk| {
        ask.secret_hash.as_ref().is_some_and(|hash| token.matches(hash))
            && ask.expires_at.is_some_and(|at| app.clock.now() < at)
    };
    let ask = ask.filter(is_valid).ok_or_else(ApiError::not_found)?;
    let (loaded, matter) = seen(&cx, ask.validation_id).await?;
    let at = loaded.asks.iter().position(|one| one.id == ask.id).ok_or_else(ApiError::not_found)?;
    Ok((cx, loaded, matter, at))
}

async fn question(cx: &Context, loaded: &Loaded, matter: &Matter, at: usize) -> Result<InvitedQuestion, ApiError> {
    let mut conn = cx.read().await?;
    let organization = organizations::find(&mut conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    let (title, acceptance_criteria) = match matter {
        Matter::Milestone(plan) => {
            let content = cx.app.definitions.of_plan(&mut conn, cx.organization_id(), &plan.row).await?;
            let key = loaded.row.milestone_key.as_ref().map_or("", |key| key.as_str());
            let definition = content.as_ref().and_then(|content| content.find(key));
            let name = definition.map_or_else(|| plan.row.name.clone(), |one| one.name.to_string());
            (name, definition.map_or_else(Vec::new, |one| one.acceptance_criteria.clone()))
        }
        Matter::Impact(impact) => (impact.title.to_string(), vec![]),
    };
    let ask = &loaded.asks[at];
    Ok(InvitedQuestion {
        organization_name: organization.name.clone(),
        name: ask.outsider_name.clone().ok_or_else(ApiError::not_found)?,
        person_name: matter.person_name(),
        kind: ask.kind,
        title,
        acceptance_criteria,
        note: loaded.row.note.clone(),
        evidence: loaded.row.evidence.clone(),
        files: evidence_files::of_validation(&mut conn, cx.organization_id(), loaded.row.id).await?,
        is_open: ask.decision.is_none() && loaded.row.state.is_open(),
        decision: ask.decision,
    })
}
