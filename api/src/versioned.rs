//! Versioned definitions: templates, health models and what comes. A version is a draft until it is published, and never changes
//! after. Some kinds are also activated: then at most one version applies.

use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::Key;
use milepost_domain::values::version::{may_be_archived, may_change};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::answer::Answer;
use crate::archiving::check_in_use;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::versions::{self, Activation, Definition, Version, VersionedContent};
use crate::store::{Conn, row};
use crate::unit::{Change, Entity, Unit};

/// Properties of a kind of definition that the verbs need.
pub trait Definable: VersionedContent + DeserializeOwned {
    /// A version as it is shown.
    type Resource: Serialize;
    /// A definition as it is shown.
    type Summary: Serialize;
    /// Its kind in the ledger.
    const ENTITY: Entity;
    /// The path of all of its kind.
    const PATH: &'static str;

    /// Checks a content, and completes it where it refers to others. Pointers start at `at`.
    fn settle(self, unit: &mut Unit, at: &str) -> impl Future<Output = Result<Self, ApiError>>;

    /// A version as it is shown.
    fn resource(found: &Found<Self>, version: &Version<Self>) -> Self::Resource;

    /// A definition as it is shown.
    fn summary(found: &Found<Self>) -> Result<Self::Summary, ApiError>;

    /// A definition's part of the path.
    fn part(definition: &Definition<Self>) -> String {
        definition.key.clone()
    }

    /// Whether a key is kept for something that is not stored.
    fn is_reserved(_: &Key) -> bool {
        false
    }
}

/// A definition with all its versions and the activation in force.
#[derive(Debug)]
pub struct Found<C> {
    /// The definition.
    pub definition: Definition<C>,
    /// Its versions, by number.
    pub versions: Vec<Version<C>>,
    /// The last activation, if there was one.
    pub activation: Option<Activation>,
}

impl<C> Found<C> {
    /// Refuses to change or to use a definition that is archived. The pointer is to where the request names it.
    pub fn check_in_use(&self, at: &str) -> Result<(), ApiError> {
        check_in_use(self.definition.archived_at.is_some(), at)
    }

    /// The number of the active version.
    pub fn active_number(&self) -> Option<i64> {
        self.activation.and_then(|activation| activation.number)
    }

    /// One of its versions.
    pub fn version(&self, number: i64) -> Result<&Version<C>, ApiError> {
        self.versions.iter().find(|version| version.number == number).ok_or_else(ApiError::not_found)
    }

    /// The newest version.
    pub fn latest(&self) -> Result<&Version<C>, ApiError> {
        self.versions.last().ok_or_else(ApiError::not_found)
    }

    /// The newest published version.
    pub fn published(&self) -> Option<&Version<C>> {
        self.versions.iter().rfind(|version| version.published_at.is_some())
    }
}

/// A definition by its identifier or its key, whole; `None` if there is none.
pub async fn find<C: Definable>(
    conn: &mut Conn,
    organization_id: Uuid,
    id_or_key: &str,
) -> sqlx::Result<Option<Found<C>>> {
    let Some(definition) = versions::find::<C>(conn, organization_id, id_or_key).await? else { return Ok(None) };
    let versions = versions::versions(conn, organization_id, Some(&[definition.id])).await?;
    let activations = versions::activations::<C>(conn, organization_id).await?;
    let activation = activations.into_iter().rfind(|activation| activation.model_id == definition.id);
    Ok(Some(Found { definition, versions, activation }))
}

/// A definition by its identifier or its key, or 404.
pub async fn load<C: Definable>(conn: &mut Conn, organization_id: Uuid, id_or_key: &str) -> Result<Found<C>, ApiError> {
    find(conn, organization_id, id_or_key).await?.ok_or_else(ApiError::not_found)
}

/// Some definitions, whole.
pub async fn all_of<C: Definable>(
    conn: &mut Conn,
    organization_id: Uuid,
    definitions: Vec<Definition<C>>,
) -> sqlx::Result<Vec<Found<C>>> {
    let ids: Vec<Uuid> = definitions.iter().map(|definition| definition.id).collect();
    let versions = versions::versions::<C>(conn, organization_id, Some(&ids)).await?;
    let activations = versions::activations::<C>(conn, organization_id).await?;
    let found = definitions.into_iter().map(|definition| Found {
        versions: versions.iter().filter(|version| version.of == definition.id).cloned().collect(),
        activation: activations.iter().rfind(|activation| activation.model_id == definition.id).copied(),
        definition,
    });
    Ok(found.collect())
}

/// Creates a definition with its first version.
pub async fn create<C: Definable>(
    unit: &mut Unit,
    key: &Key,
    content: C,
    at: &str,
    publish: bool,
) -> Result<Answer, ApiError> {
    let content = content.settle(unit, at).await?;
    let definition = Definition::new(unit.new_id(), key.to_string(), unit.now);
    if C::is_reserved(key) || !row::insert(&mut unit.conn, unit.organization_id, &definition).await? {
        let detail = "is taken: add a version to the definition that has it, or choose another key";
        return Err(ApiError::taken("key", detail));
    }
    add_settled(unit, Found { definition, versions: vec![], activation: None }, content, publish).await
}

/// Adds a version to a definition, as a draft.
pub async fn add<C: Definable>(unit: &mut Unit, id_or_key: &str, content: C) -> Result<Answer, ApiError> {
    let found = load::<C>(&mut unit.conn, unit.organization_id, id_or_key).await?;
    found.check_in_use("")?;
    let content = content.settle(unit, "").await?;
    add_settled(unit, found, content, false).await
}

async fn add_settled<C: Definable>(
    unit: &mut Unit,
    found: Found<C>,
    content: C,
    publish: bool,
) -> Result<Answer, ApiError> {
    let version = Version {
        of: found.definition.id,
        number: found.versions.last().map_or(1, |last| last.number + 1),
        content,
        published_at: publish.then_some(unit.now),
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    };
    versions::insert_version(&mut unit.conn, unit.organization_id, &version).await?;
    let resource = C::resource(&found, &version);
    let of = (C::ENTITY, found.definition.id);
    unit.record(Change { verb: "version_created", entity: of, root: of, before: None, after: Some(&resource) }).await?;
    let location = format!("{}/{}/versions/{}", C::PATH, C::part(&found.definition), version.number);
    Ok(Answer::created(location, &resource)?.version(version.version))
}

/// Answers one version.
pub async fn read_version<C: Definable>(cx: &Context, id_or_key: &str, number: i64) -> Result<Answer, ApiError> {
    let found = load::<C>(&mut cx.snapshot().await?, cx.organization_id(), id_or_key).await?;
    let version = found.version(number)?;
    Ok(Answer::ok(&C::resource(&found, version))?.version_and_content(version.version))
}

/// Replaces the content of a draft.
pub async fn replace<C: Definable>(
    cx: &Context,
    id_or_key: &str,
    number: i64,
    content: &C,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (found, before) = load_draft::<C>(cx, unit, id_or_key, number).await?;
        let content = content.clone().settle(unit, "").await?;
        save(unit, &found, &before, Version { content, ..before.clone() }, "version_updated").await
    })
    .await
}

/// Publishes a draft.
pub async fn publish<C: Definable>(cx: &Context, id_or_key: &str, number: i64) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (found, before) = load_draft::<C>(cx, unit, id_or_key, number).await?;
        let after = Version { published_at: Some(unit.now), ..before.clone() };
        save(unit, &found, &before, after, "version_published").await
    })
    .await
}

/// Archives or restores a definition. Its versions stay, and so does what was made or judged by them.
pub async fn set_archived<C: Definable>(cx: &Context, id_or_key: &str, is_archived: bool) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let mut found = load::<C>(&mut unit.conn, unit.organization_id, id_or_key).await?;
        let before = C::summary(&found)?;
        if found.definition.archived_at.is_some() == is_archived {
            return Ok(Answer::ok(&before)?.content_tag());
        }
        may_be_archived(is_archived && found.active_number().is_some()).map_err(|rule| rule.at(""))?;
        found.definition.archived_at = is_archived.then_some(unit.now);
        row::update(&mut unit.conn, unit.organization_id, &found.definition).await?;
        let (after, of) = (C::summary(&found)?, (C::ENTITY, found.definition.id));
        let verb = if is_archived { "archived" } else { "restored" };
        unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

async fn load_draft<C: Definable>(
    cx: &Context,
    unit: &mut Unit,
    id_or_key: &str,
    number: i64,
) -> Result<(Found<C>, Version<C>), ApiError> {
    let found = load::<C>(&mut unit.conn, unit.organization_id, id_or_key).await?;
    let version = found.version(number)?.clone();
    found.check_in_use("")?;
    may_change(number, version.published_at.is_some()).map_err(|rule| rule.at(""))?;
    cx.check_version(version.version)?;
    Ok((found, version))
}

async fn save<C: Definable>(
    unit: &mut Unit,
    found: &Found<C>,
    before: &Version<C>,
    after: Version<C>,
    verb: &str,
) -> Result<Answer, ApiError> {
    let after = Version { version: after.version + 1, updated_at: unit.now, ..after };
    versions::update_version(&mut unit.conn, unit.organization_id, &after).await?;
    let (was, is) = (C::resource(found, before), C::resource(found, &after));
    let of = (C::ENTITY, found.definition.id);
    unit.record(Change { verb, entity: of, root: of, before: Some(&was), after: Some(&is) }).await?;
    Ok(Answer::ok(&is)?.version_and_content(after.version))
}
