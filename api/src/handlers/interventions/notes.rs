//! Notes on interventions.

use actix_web::web::Path;
use actix_web::{get, post};
use milepost_domain::values::text::Note;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::record::{self, Record};
use crate::store::interventions::{InterventionNote, InterventionRow};
use crate::store::{Conn, row};
use crate::unit::Entity;

impl Record for InterventionNote {
    const OF: &'static str = "intervention_id";
    const ENTITY: Entity = Entity::Intervention;
    const VERB: &'static str = "noted";

    fn of(&self) -> Uuid {
        self.intervention_id
    }
}

/// Note to add.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "They will call back."}))]
pub struct NoteDraft {
    /// Text of the note.
    text: Note,
}

/// Record a note on an intervention
///
/// Notes never change. They can also be added to interventions that are done.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), request_body = NoteDraft,
    responses((status = 201, description = "The recorded note.", body = InterventionNote)))]
#[post("/v1/interventions/{id}/notes")]
pub async fn note_intervention(cx: Context, id: Path<Uuid>, body: Body<NoteDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        check_intervention(&mut unit.conn, unit.organization_id, *id).await?;
        let note = InterventionNote {
            id: unit.new_id(),
            intervention_id: *id,
            text: body.0.text.clone(),
            author: unit.author(),
            recorded_at: unit.now,
        };
        record::append(unit, &note).await?;
        record::recorded(unit, &format!("/v1/interventions/{id}/notes"), &note).await
    })
    .await
}

/// List the notes on an intervention
///
/// Returns a page of the notes, the newest first.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])), params(Paging),
    responses((status = 200, description = "A page of notes.", body = Page<InterventionNote>)))]
#[get("/v1/interventions/{id}/notes")]
pub async fn list_intervention_notes(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    check_intervention(&mut conn, cx.organization_id(), *id).await?;
    record::list::<InterventionNote>(&cx, &mut conn, *id, &paging).await
}

/// Get a note on an intervention
///
/// Returns one recorded note.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The note.", body = InterventionNote)))]
#[get("/v1/interventions/{id}/notes/{record_id}")]
pub async fn read_intervention_note(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<InterventionNote>(&cx, path.0, path.1).await
}

async fn check_intervention(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> Result<(), ApiError> {
    let found: Option<InterventionRow> = row::find(conn, organization_id, id).await?;
    found.map(|_| ()).ok_or_else(ApiError::not_found)
}
