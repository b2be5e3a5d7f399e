//! Creating and changing playbooks.

use actix_web::web::Path;
use actix_web::{post, put};
use milepost_domain::customer::playbook::Playbook;
use milepost_domain::values::text::Key;
use milepost_domain::{Violation, Violations};
use serde::Deserialize;
use utoipa::ToSchema;

use super::KeptPlaybook;
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::keep;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::Body;
use crate::precondition::IfMatch;
use crate::store::json_text::JsonText;
use crate::store::playbooks::{self, PlaybookRow};
use crate::unit::Entity;

/// How many playbooks an organization may have.
const MOST: usize = 200;

/// A playbook to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "rescue", "content": {
        "name": "Rescue", "trigger": {"kind": "band_entered", "bands": ["critical"]},
        "action": {"kind": "coaching", "title": "Call the sponsor", "due_in_days": 2, "escalations": [{"after_days": 3, "to": "Head of customer success"}]}
    }
}))]
pub struct PlaybookDraft {
    /// Under which it is found, unique in the organization.
    key: Key,
    /// What it says.
    content: Playbook,
}

/// Creates a playbook
///
/// It reacts to what begins: what holds for customers already when it is created opens nothing.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:write"])), request_body = PlaybookDraft,
    responses((status = 201, description = "The playbook.", body = KeptPlaybook)))]
#[post("/v1/playbooks")]
pub async fn create_playbook(cx: Context, body: Body<PlaybookDraft>) -> Result<Answer, ApiError> {
    let PlaybookDraft { key, content } = body.0;
    let within = |one: Violation| Violation { at: format!("/content{}", one.at), ..one };
    content.check().map_err(|violations| violations.into_iter().map(within).collect::<Violations>())?;
    let answer = cx
        .write(async |unit| {
            if playbooks::all(&mut unit.conn, unit.organization_id).await?.len() >= MOST {
                return Err(ApiError::new(
                    Code::Conflict,
                    format!("An organization may have at most {MOST} playbooks."),
                ));
            }
            let row = PlaybookRow {
                id: unit.new_id(),
                key: key.to_string(),
                content: JsonText(content.clone()),
                version: 1,
                created_at: unit.now,
                updated_at: unit.now,
            };
            if !playbooks::insert(&mut unit.conn, unit.organization_id, &row).await? {
                let error = FieldError::in_body("/key", "taken", "belongs to another playbook");
                return Err(ApiError::with_errors(Code::Conflict, vec![error]));
            }
            let playbook = KeptPlaybook::from(row);
            unit.record_created(Entity::Playbook, playbook.id, &playbook).await?;
            Ok(Answer::created(format!("/v1/playbooks/{}", playbook.key), &playbook)?.version(playbook.version))
        })
        .await?;
    // What holds now is its beginning.
    keep::keep_health(&cx).await?;
    Ok(answer)
}

/// Replaces what a playbook says, or switches it on or off
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:write"])), params(IfMatch), request_body = Playbook,
    responses((status = 200, description = "As changed.", body = KeptPlaybook)))]
#[put("/v1/playbooks/{playbook_key}")]
pub async fn replace_playbook(cx: Context, key: Path<String>, body: Body<Playbook>) -> Result<Answer, ApiError> {
    body.0.check()?;
    let answer = cx
        .write(async |unit| {
            let found = playbooks::find(&mut unit.conn, unit.organization_id, &key).await?;
            let before = found.ok_or_else(ApiError::not_found)?;
            cx.check_version(before.version)?;
            let after = PlaybookRow {
                content: JsonText(body.0.clone()),
                version: before.version + 1,
                updated_at: unit.now,
                ..before.clone()
            };
            playbooks::update(&mut unit.conn, unit.organization_id, &after).await?;
            let (before, after) = (KeptPlaybook::from(before), KeptPlaybook::from(after));
            unit.record_updated(Entity::Playbook, after.id, &before, &after).await?;
            Ok(Answer::ok(&after)?.version(after.version))
        })
        .await?;
    keep::keep_health(&cx).await?;
    Ok(answer)
}
