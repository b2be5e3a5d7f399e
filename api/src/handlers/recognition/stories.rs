//! Success stories: written, agreed to by the person whom they are about, read by somebody else, and shown.

use actix_web::web::Path;
use actix_web::{get, post, put};
use milepost_domain::access::Scope;
use milepost_domain::access::may::Subject;
use milepost_domain::people::PersonContent;
use milepost_domain::recognition::deed::RecognitionConsent;
use milepost_domain::recognition::impact::ImpactState;
use milepost_domain::recognition::story::{StoryContent, StoryState, StoryStep, Teller, take};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::Reason;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::honours::Honours;
use crate::paging::{Page, Paging};
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::reference::{self, Named};
use crate::resource::{By, Managed, Referred as _, find, insert, save};
use crate::resources::figures::{StoryFigure, figures, of_story};
use crate::sight::lacking;
use crate::store::Conn;
use crate::store::impacts::Impact;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row::{self, Column as _, Condition};
use crate::store::stories::{Story, Told};
use crate::unit::{Change, Entity, Unit};

impl Managed for StoryContent {
    type Stamp = Told;
    const ENTITY: Entity = Entity::Story;
    const PATH: &'static str = "/v1/stories";
    const REFERENCES: &'static [&'static str] = &["person"];

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Story>) -> Result<(), ApiError> {
        if let Some(before) = before {
            before.stamp.state.check_may_change().map_err(|rule| rule.at(""))?;
        }
        self.check()?;
        let known = before.map(|one| Named { id: one.person_id, external_ref: one.person_ref.as_ref() });
        let fields = (&mut self.person_id, &mut self.person_ref);
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        reference::complete::<PersonContent>(conn, organization_id, "person", fields, known.unwrap_or_default())
            .await?;
        let impacts = impacts_of(&mut unit.conn, unit.organization_id, self).await?;
        let missing = self.impact_ids.iter().position(|id| !impacts.iter().any(|impact| impact.id == *id));
        match missing {
            Some(index) => {
                let at = format!("/impact_ids/{index}");
                Err(ApiError::field(&at, "unknown_impact", "names no impact of the person"))
            }
            None => Ok(()),
        }
    }

    fn root(kept: &Story) -> (Entity, Uuid) {
        (Entity::Person, kept.person_id.unwrap_or_default())
    }
}

/// The impacts that a story names, as far as they are the person's.
async fn impacts_of(conn: &mut Conn, organization_id: Uuid, story: &StoryContent) -> Result<Vec<Impact>, ApiError> {
    let Some(named) = Condition::one_of("id", &story.impact_ids) else { return Ok(vec![]) };
    let own = Condition::Equals("person_id", story.person_id.to_value());
    Ok(row::all(conn, organization_id, &[named, own], "id").await?)
}

/// Success story of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoryWithFigures)]
pub struct ShownStory {
    /// Story.
    #[serde(flatten)]
    story: Story,
    /// Figures: those of its impacts that are verified.
    #[schema(max_items = 10)]
    figures: Vec<StoryFigure>,
}

/// Agreement to a story.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shown_to": "organization"}))]
pub struct StoryConsent {
    /// Circle in which it may be shown. It is never shown further than the person shows their achievements at all.
    shown_to: StoryAudience,
}

/// Circle in which a story may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoryAudience {
    /// The organization.
    Organization,
    /// The world, too.
    Public,
}

/// Submission of a story.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shown_to": null}))]
pub struct StorySubmission {
    /// Circle in which one's own story may be shown. Defaults to `organization`.
    shown_to: Option<StoryAudience>,
}

/// Reason for which a story comes back, or is taken back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The second paragraph names a client."}))]
pub struct StoryReason {
    /// Reason.
    reason: Reason,
}

/// Filters of the list of stories.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StoryFilters {
    /// Filter by person.
    person_id: Option<Uuid>,
    /// Filter by state. Repeat the parameter for several states.
    #[serde(default)]
    #[param(max_items = 5)]
    state: Vec<StoryState>,
}

impl From<StoryAudience> for RecognitionConsent {
    fn from(audience: StoryAudience) -> Self {
        match audience {
            StoryAudience::Organization => Self::Organization,
            StoryAudience::Public => Self::Public,
        }
    }
}

/// List stories
///
/// Returns a page of success stories, the newest first: those of people whose recognition the caller may read, in every state, and those of
/// others that are published for the caller.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, StoryFilters), responses((status = 200, description = "A page of stories.", body = Page<ShownStory>)))]
#[get("/v1/stories")]
pub async fn list_stories(cx: Context, paging: Paging, filters: Query<StoryFilters>) -> Result<Answer, ApiError> {
    let StoryFilters { person_id, state } = filters.0;
    let mut conditions: Vec<Condition> = Condition::one_of("state", &state).into_iter().collect();
    conditions.extend(person_id.map(|id| Condition::Equals("person_id", id.to_value())));
    if let Some(own) = cx.of_people(Scope::RecognitionRead, "person_id").pop() {
        let honours = cx.honours().await?;
        let shown: Vec<Uuid> = published_for(&cx, &honours).collect();
        conditions.push(Condition::either(own, Condition::OneOf("id", shown.iter().map(Uuid::to_value).collect())));
    }
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let mut conn = cx.snapshot().await?;
    let mut rows: Vec<Story> = row::page(&mut conn, cx.organization_id(), &conditions, &slice).await?;
    // One may have been taken back since it was known to be published.
    rows.retain(|row| row.stamp.state == StoryState::Published || may_read_all(&cx, row));
    let ids: Vec<Uuid> = rows.iter().flat_map(|story| &story.impact_ids).copied().collect();
    let figures = figures(&mut conn, cx.organization_id(), &ids).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| with_figures(row, &figures))
}

/// The stories that are published for the caller.
fn published_for<'a>(cx: &Context, honours: &'a Honours) -> impl Iterator<Item = Uuid> + use<'a> {
    let (today, audience) = (cx.today(), cx.audience());
    let people = honours.people.values().filter(move |who| who.is_listed(today, audience));
    people.flat_map(move |who| {
        let shown = who.deeds.stories.iter().filter(move |one| audience.sees(one.shown_to, who.person.customer_id));
        shown.map(|one| one.id)
    })
}

/// Write a story
///
/// People write about themselves; writing about others takes the scope. A story begins as a draft.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("profile"))),
    request_body = StoryContent, responses((status = 201, description = "The draft.", body = ShownStory)))]
#[post("/v1/people/{id}/stories")]
pub async fn write_story(cx: Context, id: Path<Uuid>, body: Body<StoryContent>) -> Result<Answer, ApiError> {
    let person = find::<PersonContent>(&mut cx.read().await?, cx.organization_id(), By::Id(*id)).await?;
    let mut content = body.0;
    let is_other = content.person_id.is_some_and(|named| named != *id);
    if is_other || content.person_ref.as_ref().is_some_and(|named| !person.content.is_called(named)) {
        return Err(ApiError::field("/person_id", "not_the_path", "must be the person in the path, or left out"));
    }
    (content.person_id, content.person_ref) = (Some(*id), None);
    cx.write(async |unit| {
        let made = insert(unit, content.clone()).await?;
        let story = find::<StoryContent>(&mut unit.conn, unit.organization_id, By::Id(made.id)).await?;
        let (location, version) = (format!("/v1/stories/{}", story.id), story.version());
        Ok(Answer::created(location, &told(unit, story).await?)?.version_and_content(version))
    })
    .await
}

/// Get a story
///
/// Returns the story with the figures of its impacts.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    responses((status = 200, description = "The story.", body = ShownStory)))]
#[get("/v1/stories/{story_id}")]
pub async fn read_story(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let story = seen(&cx, *id).await?;
    let figures = figures(&mut cx.read().await?, cx.organization_id(), &story.impact_ids).await?;
    let version = story.version();
    Ok(Answer::ok(&with_figures(story, &figures))?.version_and_content(version))
}

/// Replace a story
///
/// Writes a draft anew. What was submitted comes back first.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))), params(IfMatch),
    request_body = StoryContent, responses((status = 200, description = "The replaced draft.", body = ShownStory)))]
#[put("/v1/stories/{story_id}")]
pub async fn replace_story(cx: Context, id: Path<Uuid>, body: Body<StoryContent>) -> Result<Answer, ApiError> {
    own(&cx, *id).await?;
    cx.write(async |unit| {
        let before = find::<StoryContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        cx.check_version(before.version())?;
        if body.0.person_id.is_some_and(|named| before.person_id != Some(named)) {
            return Err(ApiError::field("/person_id", "other_person", "cannot change"));
        }
        let (person_id, person_ref) = (before.person_id, before.person_ref.clone());
        let after = save(unit, before, StoryContent { person_id, person_ref, ..body.0.clone() }).await?;
        shown(unit, after).await
    })
    .await
}

/// Submit a story
///
/// Ends the writing. All impacts that the story names must be verified by now, so that nothing is shown that nobody has read. A story about somebody
/// else waits for their consent; one's own is agreed to by this, and waits for a reader.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    params(IfMatch), request_body = StorySubmission,
    responses((status = 200, description = "The submitted story.", body = ShownStory)))]
#[post("/v1/stories/{story_id}/submit")]
pub async fn submit_story(cx: Context, id: Path<Uuid>, body: Body<StorySubmission>) -> Result<Answer, ApiError> {
    let story = own(&cx, *id).await?;
    let agreed = is_about_caller(&cx, &story).then(|| body.0.shown_to.unwrap_or(StoryAudience::Organization).into());
    step(&cx, *id, StoryStep::Submit, agreed, None).await
}

/// Agree to a story
///
/// The person whom the story is about agrees to it, and says who may see it. Nobody can do that for them.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    params(IfMatch), request_body = StoryConsent, responses((status = 200, description = "The story.", body = ShownStory)))]
#[post("/v1/stories/{story_id}/agree")]
pub async fn agree_to_story(cx: Context, id: Path<Uuid>, body: Body<StoryConsent>) -> Result<Answer, ApiError> {
    own(&cx, *id).await?;
    step(&cx, *id, StoryStep::Agree, Some(body.0.shown_to.into()), None).await
}

/// Disagree with a story
///
/// The person whom the story is about does not agree to it: it is a draft again.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    params(IfMatchOptional), request_body = StoryReason, responses((status = 200, description = "The draft.", body = ShownStory)))]
#[post("/v1/stories/{story_id}/disagree")]
pub async fn disagree_with_story(cx: Context, id: Path<Uuid>, body: Body<StoryReason>) -> Result<Answer, ApiError> {
    own(&cx, *id).await?;
    step(&cx, *id, StoryStep::Disagree, None, Some(body.0.reason)).await
}

/// Publish a story
///
/// Somebody whom the story is not about, and who did not submit it, has read it and shows it.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatch),
    responses((status = 200, description = "The published story.", body = ShownStory)))]
#[post("/v1/stories/{story_id}/publish")]
pub async fn publish_story(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    step(&cx, *id, StoryStep::Publish, None, None).await
}

/// Return a story
///
/// Somebody who has read it does not show it as it is: it is a draft again.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional), request_body = StoryReason,
    responses((status = 200, description = "The draft.", body = ShownStory)))]
#[post("/v1/stories/{story_id}/return")]
pub async fn return_story(cx: Context, id: Path<Uuid>, body: Body<StoryReason>) -> Result<Answer, ApiError> {
    step(&cx, *id, StoryStep::Return, None, Some(body.0.reason)).await
}

/// Withdraw a story
///
/// Takes a story back for good. The person whom it is about can do so at any time.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    params(IfMatchOptional), request_body = StoryReason,
    responses((status = 200, description = "The withdrawn story.", body = ShownStory)))]
#[post("/v1/stories/{story_id}/withdraw")]
pub async fn withdraw_story(cx: Context, id: Path<Uuid>, body: Body<StoryReason>) -> Result<Answer, ApiError> {
    own(&cx, *id).await?;
    step(&cx, *id, StoryStep::Withdraw, None, Some(body.0.reason)).await
}

/// Takes a step with a story.
async fn step(
    cx: &Context,
    id: Uuid,
    step: StoryStep,
    agreed: Option<RecognitionConsent>,
    reason: Option<Reason>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find::<StoryContent>(&mut unit.conn, unit.organization_id, By::Id(id)).await?;
        cx.check_version(before.version())?;
        let has_submitted = before.stamp.submitted_by.as_ref() == Some(&unit.author());
        let by = Teller { is_subject: is_about_caller(cx, &before), has_submitted };
        let state = take(before.stamp.state, step, by).map_err(|rule| rule.at(""))?;
        if step == StoryStep::Submit {
            let impacts = impacts_of(&mut unit.conn, unit.organization_id, &before.content).await?;
            let verified = impacts.iter().filter(|one| one.stamp.state == ImpactState::Verified).map(|one| one.id);
            before.content.check_figures(&verified.collect::<Vec<_>>())?;
        }
        let mut after = before.clone();
        let told = &mut after.stamp;
        (told.state, told.reason) = (state, reason.clone());
        told.published_on = (state == StoryState::Published).then_some(unit.today);
        match step {
            StoryStep::Submit => (told.submitted_by, told.shown_to) = (Some(unit.author()), agreed),
            StoryStep::Agree => told.shown_to = agreed,
            _ => {}
        }
        after.touch(unit.now);
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        let (entity, root) = ((Entity::Story, id), StoryContent::root(&after));
        let verb = step.to_string();
        unit.record(Change { verb: &verb, entity, root, before: Some(&before), after: Some(&after) }).await?;
        shown(unit, after).await
    })
    .await
}

fn is_about_caller(cx: &Context, story: &Story) -> bool {
    let own = cx.who.caller.person_id();
    own.is_some() && own == story.person_id
}

/// Whether the caller may read a story in every state: with the person's recognition.
fn may_read_all(cx: &Context, story: &Story) -> bool {
    cx.who.caller.may(Scope::RecognitionRead, &Subject::Person { id: story.person_id.unwrap_or_default() })
}

/// The story, for whoever may read it: with the person's recognition, or because it is published for them.
async fn seen(cx: &Context, id: Uuid) -> Result<Story, ApiError> {
    let story = find::<StoryContent>(&mut cx.read().await?, cx.organization_id(), By::Id(id)).await?;
    let may = may_read_all(cx, &story) || published_for(cx, &*cx.honours().await?).any(|shown| shown == id);
    if may { Ok(story) } else { Err(ApiError::not_found()) }
}

/// The story, for whoever may write it.
async fn own(cx: &Context, id: Uuid) -> Result<Story, ApiError> {
    let story = seen(cx, id).await?;
    let may = cx.may_claim_for(story.person_id.unwrap_or_default());
    if may { Ok(story) } else { Err(lacking(Scope::RecognitionWrite)) }
}

fn with_figures(story: Story, figures: &[StoryFigure]) -> ShownStory {
    let own = of_story(&story.content, figures);
    ShownStory { story, figures: own }
}

async fn told(unit: &mut Unit, story: Story) -> Result<ShownStory, ApiError> {
    let figures = figures(&mut unit.conn, unit.organization_id, &story.impact_ids).await?;
    Ok(with_figures(story, &figures))
}

async fn shown(unit: &mut Unit, story: Story) -> Result<Answer, ApiError> {
    let version = story.version();
    Ok(Answer::ok(&told(unit, story).await?)?.version_and_content(version))
}
