//! Congratulations on celebrations.

use std::sync::Arc;

use actix_web::web::Path;
use actix_web::{delete, get, post};
use milepost_domain::access::Scope;
use milepost_domain::people::PersonContent;
use milepost_domain::recognition::audience::may_congratulate;
use milepost_domain::recognition::celebration::{Celebration, Reaction, celebrations, filled_in};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Note};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::honours::Honoured;
use crate::paging::{Page, Paging};
use crate::reference::{self, Named};
use crate::sight::lacking;
use crate::store::congratulations::Congratulation;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row::{self, Column as _, Condition};
use crate::unit::{Change, Entity};

/// Congratulation to send.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reaction": "applause", "message": "Well done, {name}: {achievement}!"}))]
pub struct CongratulationDraft {
    /// Reaction. Defaults to `applause`.
    #[serde(default)]
    reaction: Reaction,
    /// Message. `{name}`, `{achievement}` and `{years}` in it are filled in, so that one text serves many people.
    message: Option<Note>,
    /// Identifier of the person in whose name it is sent. For API clients; people congratulate for themselves.
    sender_id: Option<Uuid>,
    /// External reference or e-mail address of the person in whose name it is sent.
    sender_ref: Option<ExternalRef>,
}

/// Congratulate a person
///
/// Sends a reaction, with a message or without. Everybody congratulates once on a celebration, and nobody themselves.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    request_body = CongratulationDraft, responses((status = 201, description = "The congratulation.", body = Congratulation)))]
#[post("/v1/people/{id}/celebrations/{celebration_id}/congratulations")]
pub async fn congratulate(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<CongratulationDraft>,
) -> Result<Answer, ApiError> {
    let (person_id, celebration_id) = *path;
    let (who, celebration) = celebrated(&cx, person_id, celebration_id).await?;
    cx.write(async |unit| {
        let draft = &body.0;
        let mut named = Named { id: draft.sender_id, external_ref: draft.sender_ref.as_ref() };
        if let Some(own) = cx.who.caller.person_id() {
            if !named.is_nobody() {
                return Err(ValueRule::Unused { unless: "an API client congratulates" }.at("/sender_id").into());
            }
            named.id = Some(own);
        }
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let sender = reference::resolve::<PersonContent>(conn, organization_id, "sender", named).await?;
        let missing = || ValueRule::Required { what: "the person who congratulates" }.at("/sender_id");
        let sender = sender.ok_or_else(missing)?;
        let known = [
            Condition::Equals("celebration_id", celebration_id.to_value()),
            Condition::Equals("sender_id", sender.id.to_value()),
        ];
        let has_congratulated = row::count::<Congratulation>(conn, organization_id, &known).await? > 0;
        may_congratulate(sender.id == person_id, has_congratulated).map_err(|rule| rule.at("/sender_id"))?;
        let (name, title, years) = (who.person.name.as_str(), &*celebration.title, celebration.years);
        let message = draft.message.as_ref().map(|text| Note::parse(&filled_in(text, name, title, years)));
        let sent = Congratulation {
            id: unit.new_id(),
            celebration_id,
            person_id,
            sender_id: sender.id,
            reaction: draft.reaction,
            message: message.transpose().map_err(|rule| rule.at("/message"))?,
            sent_at: unit.now,
            sender_name: Some(sender.content.name),
        };
        row::insert(&mut unit.conn, unit.organization_id, &sent).await?;
        let (entity, root) = ((Entity::Congratulation, sent.id), (Entity::Person, person_id));
        unit.record(Change { verb: "sent", entity, root, before: None, after: Some(&sent) }).await?;
        Answer::created(format!("/v1/congratulations/{}", sent.id), &sent)
    })
    .await
}

/// List congratulations
///
/// Returns a page of the congratulations on a celebration, the oldest first.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))), params(Paging),
    responses((status = 200, description = "A page of congratulations.", body = Page<Congratulation>)))]
#[get("/v1/people/{id}/celebrations/{celebration_id}/congratulations")]
pub async fn list_congratulations(cx: Context, path: Path<(Uuid, Uuid)>, paging: Paging) -> Result<Answer, ApiError> {
    let (person_id, celebration_id) = *path;
    celebrated(&cx, person_id, celebration_id).await?;
    let slice = paging.slice(Order::Id, Direction::Ascending)?;
    let of = [Condition::Equals("celebration_id", celebration_id.to_value())];
    let rows: Vec<Congratulation> = row::page(&mut cx.read().await?, cx.organization_id(), &of, &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Get a congratulation
///
/// Returns the congratulation, to whoever sees the celebration.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    responses((status = 200, description = "The congratulation.", body = Congratulation)))]
#[get("/v1/congratulations/{congratulation_id}")]
pub async fn read_congratulation(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&found(&cx, *id).await?)?.content_tag())
}

/// Take a congratulation back
///
/// Whoever sent it can, and whoever may write recognition.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    responses((status = 204, description = "Taken back.")))]
#[delete("/v1/congratulations/{congratulation_id}")]
pub async fn take_congratulation_back(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let sent = found(&cx, *id).await?;
    if cx.who.caller.person_id() != Some(sent.sender_id) && !cx.who.caller.scopes.allow(Scope::RecognitionWrite) {
        return Err(lacking(Scope::RecognitionWrite));
    }
    cx.write(async |unit| {
        let found: Option<Congratulation> = row::find(&mut unit.conn, unit.organization_id, *id).await?;
        let sent = found.ok_or_else(ApiError::not_found)?;
        row::delete::<Congratulation>(&mut unit.conn, unit.organization_id, sent.id).await?;
        let (entity, root) = ((Entity::Congratulation, sent.id), (Entity::Person, sent.person_id));
        unit.record(Change { verb: "taken_back", entity, root, before: Some(&sent), after: None }).await?;
        Ok(Answer::no_content())
    })
    .await
}

/// A congratulation, for whoever sees the celebration or has sent it.
async fn found(cx: &Context, id: Uuid) -> Result<Congratulation, ApiError> {
    let sent: Option<Congratulation> = row::find(&mut cx.read().await?, cx.organization_id(), id).await?;
    let sent = sent.ok_or_else(ApiError::not_found)?;
    if cx.who.caller.person_id() == Some(sent.sender_id) {
        return Ok(sent);
    }
    celebrated(cx, sent.person_id, sent.celebration_id).await?;
    Ok(sent)
}

/// A celebration of a person who shows it to the caller. People see their own in any case.
async fn celebrated(
    cx: &Context,
    person_id: Uuid,
    celebration_id: Uuid,
) -> Result<(Arc<Honoured>, Celebration), ApiError> {
    let honours = cx.honours().await?;
    let who = honours.people.get(&person_id).ok_or_else(ApiError::not_found)?;
    let is_seen = who.is_seen_by(cx.audience()) || cx.who.caller.person_id() == Some(person_id);
    let all = celebrations(&who.deeds, chrono::NaiveDate::MIN, cx.today());
    let own = all.into_iter().find(|own| own.id == celebration_id && is_seen);
    Ok((Arc::clone(who), own.ok_or_else(ApiError::not_found)?))
}
