//! Identity providers: whose tokens mean people of the organization.

use actix_web::web::Path;
use actix_web::{get, patch, post};
use milepost_domain::people::identity::ProviderContent;
use uuid::Uuid;

use crate::answer::Answer;
use crate::archiving::ArchivedFilter;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::precondition::IfMatch;
use crate::resource::{self, By, Managed, MergePatch};
use crate::store::identity_providers::{self, Provider};
use crate::store::kept::Archivable;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row;
use crate::unit::{Entity, Unit};

type ProviderPatch = MergePatch<ProviderContent>;

impl Managed for ProviderContent {
    type Stamp = Archivable;
    const ENTITY: Entity = Entity::IdentityProvider;
    const PATH: &'static str = "/v1/identity-providers";

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Provider>) -> Result<(), ApiError> {
        self.check()?;
        // Tokens must mean people of one organization, whichever has them first.
        let known =
            identity_providers::of_token(&mut unit.conn, &self.issuer, std::slice::from_ref(&self.audience)).await?;
        match known.filter(|(_, known)| !self.archived && before.is_none_or(|before| before.id != known.id)) {
            Some(_) => Err(ApiError::taken("issuer", "has been named with this audience already")),
            None => Ok(()),
        }
    }
}

/// List identity providers
///
/// Returns a page of the providers in use, the newest first.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(Paging, ArchivedFilter),
    responses((status = 200, description = "A page of identity providers.", body = Page<Provider>)))]
#[get("/v1/identity-providers")]
pub async fn list_identity_providers(
    cx: Context,
    paging: Paging,
    archived: Query<ArchivedFilter>,
) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let conditions = [archived.0.condition()];
    let rows: Vec<Provider> = row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Create an identity provider
///
/// From then on, tokens of the issuer with the audience mean people of the organization. The provider's keys are fetched with the first of
/// them. An issuer and an audience that an organization has already are refused with 409.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body = ProviderContent,
    responses((status = 201, description = "The created identity provider.", body = Provider)))]
#[post("/v1/identity-providers")]
pub async fn create_identity_provider(cx: Context, body: Body<ProviderContent>) -> Result<Answer, ApiError> {
    let answer = resource::create(&cx, &body.0).await?;
    cx.app.providers.forget_absent();
    Ok(answer)
}

/// Get an identity provider
///
/// Returns providers in use and archived ones alike.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])),
    responses((status = 200, description = "The identity provider.", body = Provider)))]
#[get("/v1/identity-providers/{id}")]
pub async fn read_identity_provider(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::read::<ProviderContent>(&cx, By::Id(*id)).await
}

/// Update an identity provider
///
/// A change works at once, also for tokens that were issued before. An archived provider's tokens are no longer accepted.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatch),
    request_body(content = ProviderPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated identity provider.", body = Provider)))]
#[patch("/v1/identity-providers/{id}")]
pub async fn update_identity_provider(
    cx: Context,
    id: Path<Uuid>,
    body: Body<ProviderPatch>,
) -> Result<Answer, ApiError> {
    let answer = resource::update(&cx, By::Id(*id), &body.0).await?;
    cx.app.providers.forget_absent();
    Ok(answer)
}
