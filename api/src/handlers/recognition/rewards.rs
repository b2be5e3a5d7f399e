//! Rewards: definitions of what achievements grant.

use actix_web::web::Path;
use actix_web::{get, post, put};
use milepost_domain::recognition::reward::RewardContent;

use crate::answer::Answer;
use crate::archiving::ArchivedFilter;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{NameSort, Page, Paging};
use crate::precondition::IfMatch;
use crate::resource::{self, By, Managed};
use crate::store::kept::Archivable;
use crate::store::rewards::Reward;
use crate::unit::{Entity, Unit};

impl Managed for RewardContent {
    type Stamp = Archivable;
    const ENTITY: Entity = Entity::Reward;
    const PATH: &'static str = "/v1/rewards";

    async fn settle(&mut self, _unit: &mut Unit, _before: Option<&Reward>) -> Result<(), ApiError> {
        Ok(self.check()?)
    }

    fn part(kept: &Reward) -> String {
        kept.key.to_string()
    }
}

/// List rewards
///
/// Returns a page of the rewards in use, by name.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), params(Paging, ArchivedFilter),
    responses((status = 200, description = "A page of rewards.", body = Page<Reward>)))]
#[get("/v1/rewards")]
pub async fn list_rewards(cx: Context, paging: Paging, archived: Query<ArchivedFilter>) -> Result<Answer, ApiError> {
    let conditions = [archived.0.condition()];
    resource::list::<RewardContent>(&cx, &paging, &conditions, NameSort::default(), |one| one.name.as_str()).await
}

/// Create a reward
///
/// A key that another reward has is refused with 409. Badges that were awarded before grant nothing.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), request_body = RewardContent,
    responses((status = 201, description = "The created reward.", body = Reward)))]
#[post("/v1/rewards")]
pub async fn create_reward(cx: Context, body: Body<RewardContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Get a reward
///
/// Returns rewards in use and archived ones alike.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])),
    responses((status = 200, description = "The reward.", body = Reward)))]
#[get("/v1/rewards/{reward_key}")]
pub async fn read_reward(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<RewardContent>(&cx, By::Key(&key)).await
}

/// Replace a reward
///
/// Grants keep their expiry. The key cannot change.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatch), request_body = RewardContent,
    responses((status = 200, description = "The replaced reward.", body = Reward)))]
#[put("/v1/rewards/{reward_key}")]
pub async fn replace_reward(cx: Context, key: Path<String>, body: Body<RewardContent>) -> Result<Answer, ApiError> {
    resource::replace_keyed(&cx, &key, &body.0, |reward| &reward.key).await
}
