//! Playbooks: rules that react to changes of customers' health.

pub mod dry_run;

use actix_web::web::Path;
use actix_web::{get, post, put};
use milepost_domain::customer::playbook::{KeyedPlaybook, Playbook};
use milepost_domain::rule::within;

use crate::answer::Answer;
use crate::archiving::{ArchivedFilter, check_in_use};
use crate::context::Context;
use crate::customer_health::keep::keep_health;
use crate::error::{ApiError, Code};
use crate::extract::{Body, Query};
use crate::owner::{self, NamedOwner, settle_tiers};
use crate::paging::{Page, Paging};
use crate::precondition::IfMatch;
use crate::resource::{self, By, Managed};
use crate::store::kept::Archivable;
use crate::store::keyset::{Direction, Key, Order, Position};
use crate::store::playbooks::{IN_USE, PlaybookRow};
use crate::store::row;
use crate::unit::{Entity, Unit};

/// Number of playbooks that an organization may have.
const MOST: i64 = 200;

impl Managed for KeyedPlaybook {
    type Stamp = Archivable;
    const ENTITY: Entity = Entity::Playbook;
    const PATH: &'static str = "/v1/playbooks";

    async fn settle(&mut self, unit: &mut Unit, before: Option<&PlaybookRow>) -> Result<(), ApiError> {
        // A replacement is the content itself, so its pointers start there.
        self.content.check().map_err(|found| if before.is_some() { found } else { within("/content", found) })?;
        let at = if before.is_some() { "" } else { "content/" };
        let action = &mut self.content.action;
        let fields = (&mut action.owner_id, &mut action.owner_ref, &mut action.owner_name);
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let known = before.map(|before| &before.content.content.action);
        let owner = known.map(|one| NamedOwner::of(one.owner_id, one.owner_ref.as_ref(), one.owner_name.as_ref()));
        let at_owner = format!("{at}action/owner");
        owner::complete(conn, organization_id, &at_owner, fields, owner.unwrap_or_default()).await?;
        let tiers = known.map_or(&[][..], |one| one.escalations.as_slice());
        settle_tiers(unit, &format!("{at}action/escalations"), &mut action.escalations, tiers).await?;
        match before {
            Some(before) => check_in_use(before.stamp.archived_at.is_some(), ""),
            None => check_room(unit).await,
        }
    }

    fn part(playbook: &PlaybookRow) -> String {
        playbook.key.to_string()
    }
}

/// Refuses one playbook more than an organization may have in use.
async fn check_room(unit: &mut Unit) -> Result<(), ApiError> {
    if row::count::<PlaybookRow>(&mut unit.conn, unit.organization_id, &[IN_USE]).await? < MOST {
        return Ok(());
    }
    Err(ApiError::new(Code::Conflict, format!("An organization may have at most {MOST} playbooks in use.")))
}

/// Create a playbook
///
/// A playbook reacts to what begins after its creation. Triggers that already hold for customers when it is created open
/// nothing.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:write"])), request_body = KeyedPlaybook,
    responses((status = 201, description = "The created playbook.", body = PlaybookRow)))]
#[post("/v1/playbooks")]
pub async fn create_playbook(cx: Context, body: Body<KeyedPlaybook>) -> Result<Answer, ApiError> {
    let answer = resource::create(&cx, &body.0).await?;
    // What holds now is its beginning.
    keep_health(&cx).await?;
    Ok(answer)
}

/// List playbooks
///
/// Returns a page of the playbooks, by key.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:read"])), params(Paging, ArchivedFilter),
    responses((status = 200, description = "A page of playbooks.", body = Page<PlaybookRow>)))]
#[get("/v1/playbooks")]
pub async fn list_playbooks(cx: Context, paging: Paging, archived: Query<ArchivedFilter>) -> Result<Answer, ApiError> {
    let conditions = [archived.0.condition()];
    let slice = paging.slice(Order::Text("key"), Direction::Ascending)?;
    let rows: Vec<PlaybookRow> = row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
    let position = |row: &PlaybookRow| Position { key: Some(Key::Text(row.key.to_string())), id: row.id };
    paging.answer(rows, position, |row| row)
}

/// Get a playbook
///
/// Returns the playbook with its content and its version.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The playbook.", body = PlaybookRow)))]
#[get("/v1/playbooks/{playbook_key}")]
pub async fn read_playbook(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<KeyedPlaybook>(&cx, By::Key(&key)).await
}

/// Replace a playbook
///
/// Also switches it on or off, by `active`. A replacement that changes nothing leaves the version as it is.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:write"])), params(IfMatch), request_body = Playbook,
    responses((status = 200, description = "The replaced playbook.", body = PlaybookRow)))]
#[put("/v1/playbooks/{playbook_key}")]
pub async fn replace_playbook(cx: Context, key: Path<String>, body: Body<Playbook>) -> Result<Answer, ApiError> {
    let replaced = |before: &KeyedPlaybook| Ok(KeyedPlaybook { content: body.0.clone(), ..before.clone() });
    let answer = resource::change(&cx, By::Key(&key), replaced).await?;
    keep_health(&cx).await?;
    Ok(answer)
}

/// Archive a playbook
///
/// Takes the playbook out of the list and switches it off. Interventions that it has opened stay.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The archived playbook.", body = PlaybookRow)))]
#[post("/v1/playbooks/{playbook_key}/archive")]
pub async fn archive_playbook(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    set_archived(&cx, &key, true).await
}

/// Restore an archived playbook
///
/// Puts the playbook back into the list, switched off. Replace it to switch it on.
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The restored playbook.", body = PlaybookRow)))]
#[post("/v1/playbooks/{playbook_key}/restore")]
pub async fn restore_playbook(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    set_archived(&cx, &key, false).await
}

async fn set_archived(cx: &Context, key: &str, is_archived: bool) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = resource::find::<KeyedPlaybook>(&mut unit.conn, unit.organization_id, By::Key(key)).await?;
        if before.stamp.archived_at.is_some() == is_archived {
            return resource::shown(&before);
        }
        if !is_archived {
            check_room(unit).await?;
        }
        let mut after = before.clone();
        after.content.content.active = false;
        after.stamp.archived_at = is_archived.then_some(unit.now);
        after.touch(unit.now);
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        unit.record_updated(Entity::Playbook, after.id, &before, &after).await?;
        resource::shown(&after)
    })
    .await
}
