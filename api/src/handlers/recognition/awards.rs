//! Awards of badges to people: giving, listing and reading them.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::people::PersonContent;
use milepost_domain::proof::validation::Score;
use milepost_domain::recognition::award::{AwardEvidence, AwardState, Publication, expires_on};
use milepost_domain::recognition::badge::BadgeContent;
use milepost_domain::recognition::rule::RecognitionRule;
use milepost_domain::recognition::share::{Entry, add_to_linkedin};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{ExternalRef, Key, Name, Note, Reason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::archiving::check_in_use;
use crate::awarding::{begun, check_not_held, give};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::issuing::Addresses;
use crate::paging::{Page, Paging};
use crate::reference::{self, Named};
use crate::resource::{By, look_up};
use crate::store::author::Author;
use crate::store::authored::name_all;
use crate::store::awards::AwardRow;
use crate::store::badges::Badge;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::people::Person;
use crate::store::row::{self, Column as _, Condition};
use crate::store::{Conn, organizations};
use crate::unit::Unit;

/// Award to give.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"badge_key": "first-agent", "person_ref": "hr-17", "awarded_on": "2026-05-04",
    "evidence": [{"name": "Recording of the demonstration", "url": "https://example.com/demo"}]}))]
pub struct AwardDraft {
    /// Key of the badge.
    badge_key: Key,
    /// Identifier of the person.
    person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    person_ref: Option<ExternalRef>,
    /// Day of the award. Not in the future. Defaults to today.
    awarded_on: Option<NaiveDate>,
    /// First day on which the award no longer counts. Defaults to the badge's `valid_days` after the award, or to never.
    expires_on: Option<NaiveDate>,
    /// Note for whoever may read the award, its holder included. It is never public.
    note: Option<Note>,
    /// Evidence that the award was earned. It is public with a published award.
    #[serde(default)]
    #[schema(max_items = 20)]
    evidence: Vec<AwardEvidence>,
    /// Results: points by the criteria of a rubric. They are public with a published award.
    #[serde(default)]
    #[schema(max_items = 50)]
    results: Vec<Score>,
}

/// Award of a badge to a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "badge_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "badge_key": "first-agent",
    "badge_name": "First agent deployed", "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_ref": "hr-17",
    "person_name": "Ana Petrova", "awarded_on": "2026-05-04", "issued_on": "2026-05-04", "expires_on": null, "state": "active",
    "reason": null, "note": null, "evidence": [], "badge_version": 1, "results": [], "renews_id": null, "renewed_by_id": null, "publication": "hashed",
    "public_url": "https://milepost.example.com/credentials/0199f0a2-1111-7d52-b1a4-0c8a3e0f9d11/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "linkedin_url": "https://www.linkedin.com/profile/add?startTask=CERTIFICATION%5FNAME&name=First%20agent%20deployed",
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "version": 1,
    "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct Award {
    /// Identifier.
    id: Uuid,
    /// Identifier of the badge.
    badge_id: Uuid,
    /// Key of the badge.
    badge_key: Key,
    /// Name of the badge, as it was when it was awarded.
    badge_name: Name,
    /// Identifier of the person.
    person_id: Uuid,
    /// External reference of the person.
    person_ref: Option<ExternalRef>,
    /// Name of the person.
    person_name: Option<Name>,
    /// Day of the first award. A renewal keeps it.
    awarded_on: NaiveDate,
    /// Day from which this award counts: that of the award, or of the renewal.
    issued_on: NaiveDate,
    /// First day on which the award no longer counts; null if it never expires.
    expires_on: Option<NaiveDate>,
    /// State as of today. Only an active award counts.
    state: AwardState,
    /// Reason for which it was suspended, revoked or restored last.
    reason: Option<Reason>,
    /// Note for whoever may read the award, its holder included.
    note: Option<Note>,
    /// Evidence that the award was earned.
    #[schema(max_items = 20)]
    evidence: Vec<AwardEvidence>,
    /// Version of the badge that was awarded.
    #[schema(minimum = 1)]
    badge_version: i64,
    /// Results: points by the criteria of a rubric. Those of a milestone are the means of what its validators gave.
    #[schema(max_items = 50)]
    results: Vec<Score>,
    /// Identifier of the award that this one renews.
    renews_id: Option<Uuid>,
    /// Identifier of the award that renews this one.
    renewed_by_id: Option<Uuid>,
    /// Way in which the public page names the holder; null while the award is not public.
    publication: Option<Publication>,
    /// Address of the public page; null while the award is not public.
    #[schema(max_length = 500)]
    public_url: Option<String>,
    /// Address at which the holder adds the award to a profile on LinkedIn; null while the award is not public.
    #[schema(max_length = 4000)]
    linkedin_url: Option<String>,
    /// Author of the record.
    author: Author,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change.
    updated_at: DateTime<Utc>,
}

/// Filters of the list of awards.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AwardFilters {
    /// Filter by key of the badge.
    #[param(inline)]
    badge_key: Option<Key>,
    /// Filter by person.
    person_id: Option<Uuid>,
    /// Filter by external reference or e-mail address of the person.
    #[param(inline)]
    person_ref: Option<ExternalRef>,
}

/// Names and addresses that every award of an organization is shown with.
pub struct Frame {
    addresses: Addresses,
    organization_name: String,
    today: NaiveDate,
}

impl Frame {
    /// Loads them.
    pub async fn load(cx: &Context, conn: &mut Conn) -> Result<Self, ApiError> {
        let organization = organizations::find(conn, cx.organization_id()).await?;
        Ok(Self {
            addresses: Addresses::of(&cx.app, cx.organization_id()),
            organization_name: organization.map(|organization| organization.name).unwrap_or_default(),
            today: cx.today(),
        })
    }

    /// Shows an award.
    pub fn show(&self, row: AwardRow) -> Award {
        let state = row.life().state(self.today);
        let is_public = row.published.is_some();
        let page = self.addresses.credential(row.id);
        let entry = Entry {
            name: &row.badge.name,
            organization: &self.organization_name,
            page: &page,
            id: &row.id.to_string(),
            awarded_on: row.awarded_on,
            expires_on: row.expires_on,
        };
        let linkedin_url = is_public.then(|| add_to_linkedin(&entry));
        Award {
            id: row.id,
            badge_id: row.badge_id,
            badge_version: row.badge_version,
            results: row.results,
            badge_key: row.badge.key,
            badge_name: row.badge.name,
            person_id: row.person_id,
            person_ref: row.person_ref,
            person_name: row.person_name,
            awarded_on: row.awarded_on,
            issued_on: row.issued_on,
            expires_on: row.expires_on,
            state,
            reason: row.reason,
            note: row.note,
            evidence: row.evidence,
            renews_id: row.renews_id,
            renewed_by_id: row.renewed_by_id,
            publication: row.published,
            public_url: is_public.then_some(page),
            linkedin_url,
            author: row.author,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// List awards
///
/// Returns a page of the awards, the newest first, in every state.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), params(Paging, AwardFilters),
    responses((status = 200, description = "A page of awards.", body = Page<Award>)))]
#[get("/v1/awards")]
pub async fn list_awards(cx: Context, paging: Paging, filters: Query<AwardFilters>) -> Result<Answer, ApiError> {
    let AwardFilters { badge_key, person_id, person_ref } = filters.0;
    let mut conditions = vec![];
    let person = Named { id: person_id, external_ref: person_ref.as_ref() };
    conditions.extend(reference::condition::<PersonContent>(&cx, "person_id", person).await?);
    if let Some(key) = badge_key {
        let badge = look_up::<BadgeContent>(&mut cx.read().await?, cx.organization_id(), By::Key(&key)).await?;
        conditions.push(Condition::OneOf("badge_id", badge.iter().map(|badge| badge.id.to_value()).collect()));
    }
    page(&cx, &paging, &conditions).await
}

/// List a person's awards
///
/// Returns a page of the awards to the person, the newest first. Expired and revoked ones stay visible and count for nothing.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    params(Paging), responses((status = 200, description = "A page of awards.", body = Page<Award>)))]
#[get("/v1/people/{id}/awards")]
pub async fn list_person_awards(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let of: Option<Person> = row::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    of.ok_or_else(ApiError::not_found)?;
    page(&cx, &paging, &[Condition::Equals("person_id", id.to_value())]).await
}

async fn page(cx: &Context, paging: &Paging, conditions: &[Condition]) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let mut conn = cx.snapshot().await?;
    let mut rows: Vec<AwardRow> = row::page(&mut conn, cx.organization_id(), conditions, &slice).await?;
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    let frame = Frame::load(cx, &mut conn).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| frame.show(row))
}

/// Award a badge
///
/// Gives a badge to a person. A person who holds the badge already, active or suspended, is refused with 409. The award begins private:
/// its holder decides whether the world sees it.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), request_body = AwardDraft,
    responses((status = 201, description = "The award.", body = Award)))]
#[post("/v1/awards")]
pub async fn award_badge(cx: Context, body: Body<AwardDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let badge = look_up::<BadgeContent>(&mut unit.conn, unit.organization_id, By::Key(&draft.badge_key)).await?;
        let unknown = || ApiError::field("/badge_key", "unknown_badge", "names no badge");
        let badge: Badge = badge.ok_or_else(unknown)?;
        check_in_use(badge.archived, "/badge_key")?;
        let named = Named { id: draft.person_id, external_ref: draft.person_ref.as_ref() };
        let person = reference::resolve::<PersonContent>(&mut unit.conn, unit.organization_id, "person", named).await?;
        let person = person.ok_or_else(|| ApiError::field("/person_id", "required", "must be given, or person_ref"))?;
        cx.check_named_person("person", Some(person.id))?;
        check_not_held(unit, &badge, &person).await?;
        let awarded_on = draft.awarded_on.unwrap_or(unit.today);
        if awarded_on > unit.today {
            return Err(RecognitionRule::AwardedInFuture.at("/awarded_on").into());
        }
        let expires_on =
            expires_on(awarded_on, draft.expires_on, badge.valid_days).map_err(|rule| rule.at("/expires_on"))?;
        let AwardDraft { note, evidence, results, .. } = draft.clone();
        for (index, score) in results.iter().enumerate() {
            score.check().map_err(|rule| rule.at(format!("/results/{index}/points")))?;
        }
        let row = begun(unit, &badge, &person, (awarded_on, expires_on)).await?;
        let row = AwardRow { note, evidence, results, ..row };
        give(unit, &row).await?;
        created(&cx, unit, row).await
    })
    .await
}

/// Get an award
///
/// Returns the award in its present state.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])),
    responses((status = 200, description = "The award.", body = Award)))]
#[get("/v1/awards/{award_id}")]
pub async fn read_award(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let found: Option<AwardRow> = row::find(&mut conn, cx.organization_id(), *id).await?;
    shown(&cx, &mut conn, found.ok_or_else(ApiError::not_found)?).await
}

/// Answers an award with its `ETag`.
pub async fn shown(cx: &Context, conn: &mut Conn, row: AwardRow) -> Result<Answer, ApiError> {
    let (version, award) = (row.version, show(cx, conn, row).await?);
    Ok(Answer::ok(&award)?.version_and_content(version))
}

/// Answers an award that was given: 201 with its path.
pub async fn created(cx: &Context, unit: &mut Unit, row: AwardRow) -> Result<Answer, ApiError> {
    let (location, version) = (format!("/v1/awards/{}", row.id), row.version);
    let award = show(cx, &mut unit.conn, row).await?;
    Ok(Answer::created(location, &award)?.version_and_content(version))
}

async fn show(cx: &Context, conn: &mut Conn, mut row: AwardRow) -> Result<Award, ApiError> {
    name_all(conn, cx.organization_id(), std::slice::from_mut(&mut row)).await?;
    Ok(Frame::load(cx, conn).await?.show(row))
}
