//! The verbs of a resource that is kept with a version: create, read, list, update, replace, upsert, bulk upsert, delete.
//!
//! A handler names the verb and the content; what is particular to a resource is in its [`Managed`]. What goes beyond one row
//! of one table (plans, milestones) does not use these.

mod sent;

use milepost_domain::merge::Side;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::nesting::DEEPEST;
use milepost_domain::values::text::{ExternalRef, Key};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

pub use self::sent::{Item, MergePatch};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::paging::{NameSort, Paging};
use crate::store::Conn;
use crate::store::kept::{Content, Kept, Stamp};
use crate::store::row::{self, Condition, Removal, Value as Stored};
use crate::unit::{Change, Entity, Unit};

/// Properties of a resource, beside its columns, that the verbs need.
pub trait Managed: Content + DeserializeOwned {
    /// Fields that the server adds to it.
    type Stamp: Stamp;
    /// Its kind in the ledger.
    const ENTITY: Entity;
    /// The path of all of its kind.
    const PATH: &'static str;

    /// Names of its references to customers and people: a reference `parent` is in the fields `parent_id` and `parent_ref`.
    const REFERENCES: &'static [&'static str] = &[];

    /// Fields that say something of another field: a patch that changes the other one alone takes them back to the value given.
    const DEPENDENT: &'static [(&'static str, &'static str, Value)] = &[];

    /// Completes its references, and checks the rules that need a look at other rows. `before` is missing for a resource that
    /// is being created.
    fn settle(
        &mut self,
        unit: &mut Unit,
        before: Option<&Kept<Self, Self::Stamp>>,
    ) -> impl Future<Output = Result<(), ApiError>>;

    /// Keeps what goes with a resource that has just been written. `before` is missing for one that was created.
    fn saved(
        _unit: &mut Unit,
        _before: Option<&Kept<Self, Self::Stamp>>,
        _after: &Kept<Self, Self::Stamp>,
    ) -> impl Future<Output = Result<(), ApiError>> {
        async { Ok(()) }
    }

    /// Its part of the path: its identifier, unless another column names it.
    fn part(kept: &Kept<Self, Self::Stamp>) -> String {
        kept.id.to_string()
    }

    /// The root of its entries in the ledger: itself, unless it belongs to something else.
    fn root(kept: &Kept<Self, Self::Stamp>) -> (Entity, Uuid) {
        (Self::ENTITY, kept.id)
    }

    /// Removes a resource to which nothing refers.
    fn remove(unit: &mut Unit, id: Uuid) -> impl Future<Output = Result<Removal, ApiError>> {
        async move { Ok(row::delete::<Resource<Self>>(&mut unit.conn, unit.organization_id, id).await?) }
    }
}

/// A resource that other systems know by a reference.
pub trait Referred: Managed {
    /// The code of an error about a reference to one that does not exist.
    const UNKNOWN: &'static str;

    /// Several of its kind, in words.
    const PLURAL: &'static str;

    /// The reference.
    fn external_ref(&mut self) -> &mut Option<ExternalRef>;

    /// Whether a reference means it.
    fn is_called(&self, given: &ExternalRef) -> bool {
        self.clone().external_ref().as_ref() == Some(given)
    }

    /// The condition of rows that a reference means although they do not have it.
    fn also_called(_given: &ExternalRef) -> Option<Condition> {
        None
    }
}

/// A resource that can be a part of another one of its kind.
pub trait Nested: Managed {
    /// The one that it is a part of.
    fn parent_id(&self) -> Option<Uuid>;
}

/// A resource, the one that it is a part of, and so on, as far as they need to be followed.
pub async fn above<T: Nested>(unit: &mut Unit, mut next: Option<Uuid>) -> Result<Vec<Uuid>, ApiError> {
    let mut above = vec![];
    while let Some(id) = next.filter(|_| above.len() <= DEEPEST) {
        above.push(id);
        next = find::<T>(&mut unit.conn, unit.organization_id, By::Id(id)).await?.content.parent_id();
    }
    Ok(above)
}

/// The way in which a request names a resource.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// By its identifier.
    Id(Uuid),
    /// By its external reference.
    Ref(&'a ExternalRef),
    /// By its key. What is no key is the key of nothing.
    Key(&'a str),
}

impl By<'_> {
    fn column(self) -> (&'static str, Stored) {
        match self {
            Self::Id(id) => ("id", Stored::Uuid(Some(id))),
            Self::Ref(reference) => ("external_ref", Stored::Text(Some(reference.to_string()))),
            Self::Key(key) => ("key", Stored::Text(Some(key.to_owned()))),
        }
    }
}

/// A content with its identifier and its stamp.
pub type Resource<T> = Kept<T, <T as Managed>::Stamp>;

/// Creates a resource: 201 with its path.
pub async fn create<T: Managed>(cx: &Context, content: &T) -> Result<Answer, ApiError> {
    cx.write(async |unit| created(&insert(unit, content.clone()).await?)).await
}

/// Answers one resource.
pub async fn read<T: Managed>(cx: &Context, by: By<'_>) -> Result<Answer, ApiError> {
    shown(&find::<T>(&mut cx.read().await?, cx.organization_id(), by).await?)
}

/// Answers a resource with its `ETag`.
pub fn shown<T: Managed>(kept: &Resource<T>) -> Result<Answer, ApiError> {
    Ok(tagged::<T>(Answer::ok(kept)?, kept.version()))
}

/// Adds the `ETag`. A resource that shows the reference of another one changes with it, too.
fn tagged<T: Managed>(answer: Answer, version: i64) -> Answer {
    if T::REFERENCES.is_empty() { answer.version(version) } else { answer.version_and_content(version) }
}

/// Answers a page of resources that have a name.
pub async fn list<T: Managed>(
    cx: &Context,
    paging: &Paging,
    conditions: &[Condition],
    sort: NameSort,
    name: impl Fn(&T) -> &str,
) -> Result<Answer, ApiError> {
    let slice = paging.slice(sort.order(), sort.direction())?;
    let rows: Vec<Resource<T>> = row::page(&mut cx.read().await?, cx.organization_id(), conditions, &slice).await?;
    paging.answer(rows, |kept| sort.position(name(&kept.content), kept.id), |kept| kept)
}

/// Applies a merge patch to a resource. A patch that changes nothing leaves the version as it is.
pub async fn update<T: Managed>(cx: &Context, by: By<'_>, patch: &MergePatch<T>) -> Result<Answer, ApiError> {
    change(cx, by, |content| patch.applied_to(content, &cx.app.contract)).await
}

/// Replaces the content of a resource that the path names by its key, which stays.
pub async fn replace_keyed<T: Managed>(
    cx: &Context,
    key: &str,
    content: &T,
    key_of: impl Fn(&T) -> &Key,
) -> Result<Answer, ApiError> {
    let replaced = |before: &T| {
        let is_same = key_of(before) == key_of(content);
        is_same
            .then(|| content.clone())
            .ok_or_else(|| ApiError::field("/key", "not_the_path", "must be the key in the path"))
    };
    change(cx, By::Key(key), replaced).await
}

/// Changes the content of a resource. A change that changes nothing leaves the version as it is.
pub async fn change<T: Managed>(
    cx: &Context,
    by: By<'_>,
    changed: impl Fn(&T) -> Result<T, ApiError>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find::<T>(&mut unit.conn, unit.organization_id, by).await?;
        cx.check_version(before.version())?;
        let content = changed(&before.content)?;
        shown(&save(unit, before, content).await?)
    })
    .await
}

/// Removes a resource, unless others refer to it.
pub async fn delete<T: Managed>(cx: &Context, by: By<'_>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find::<T>(&mut unit.conn, unit.organization_id, by).await?;
        cx.check_version(before.version())?;
        check_stands(&before)?;
        if T::remove(unit, before.id).await? == Removal::InUse {
            let detail = format!("Other records refer to this {}.", T::ENTITY.name());
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let (entity, root) = ((T::ENTITY, before.id), T::root(&before));
        unit.record(Change { verb: "deleted", entity, root, before: Some(&before), after: None }).await?;
        Ok(Answer::no_content())
    })
    .await
}

/// Creates or replaces a resource by its reference. The same request twice leaves the same resource.
pub async fn upsert<T: Referred>(cx: &Context, reference: &ExternalRef, content: &T) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let known = find_by_ref::<T>(unit, reference).await?;
        cx.check_upsert(known.as_ref().map(Kept::version))?;
        let is_new = known.is_none();
        let kept = put(unit, known, reference, content.clone()).await?;
        if is_new { created(&kept) } else { shown(&kept) }
    })
    .await
}

/// The resource with a reference.
pub async fn find_by_ref<T: Referred>(unit: &mut Unit, reference: &ExternalRef) -> sqlx::Result<Option<Resource<T>>> {
    look_up(&mut unit.conn, unit.organization_id, By::Ref(reference)).await
}

/// Writes a resource with a reference as given; one that is as given already is left alone.
pub async fn put<T: Referred>(
    unit: &mut Unit,
    known: Option<Resource<T>>,
    reference: &ExternalRef,
    mut content: T,
) -> Result<Resource<T>, ApiError> {
    let own = content.external_ref();
    if own.as_ref().is_some_and(|own| own != reference) {
        return Err(ApiError::field("/external_ref", "not_the_path", "must be the reference in the path, or left out"));
    }
    *own = Some(reference.clone());
    match known {
        Some(before) => save(unit, before, content).await,
        None => insert(unit, content).await,
    }
}

/// Adds a resource.
pub async fn insert<T: Managed>(unit: &mut Unit, mut content: T) -> Result<Resource<T>, ApiError> {
    content.settle(unit, None).await?;
    let kept = Kept::new(unit.new_id(), content, unit.now);
    if !row::insert(&mut unit.conn, unit.organization_id, &kept).await? {
        return Err(taken::<T>());
    }
    T::saved(unit, None, &kept).await?;
    let (entity, root) = ((T::ENTITY, kept.id), T::root(&kept));
    unit.record(Change { verb: "created", entity, root, before: None, after: Some(&kept) }).await?;
    Ok(kept)
}

/// Saves other content of a resource; nothing happens if it has that content already.
pub async fn save<T: Managed>(unit: &mut Unit, before: Resource<T>, mut content: T) -> Result<Resource<T>, ApiError> {
    check_stands(&before)?;
    content.settle(unit, Some(&before)).await?;
    let after = before.with(content, unit.now);
    if after.version() == before.version() {
        return Ok(before);
    }
    if !row::update(&mut unit.conn, unit.organization_id, &after).await? {
        return Err(taken::<T>());
    }
    T::saved(unit, Some(&before), &after).await?;
    let (entity, root) = ((T::ENTITY, after.id), T::root(&after));
    unit.record(Change { verb: "updated", entity, root, before: Some(&before), after: Some(&after) }).await?;
    Ok(after)
}

/// A resource as one side of a merge.
pub fn side<T: Managed>(one: &Resource<T>) -> Side {
    Side { id: one.id, merged_into_id: one.merged_into_id() }
}

/// Refuses to change what has been merged into another one.
pub fn check_stands<T: Managed>(one: &Resource<T>) -> Result<(), ApiError> {
    side(one).check_stands().map_err(|rule| rule.at("").into())
}

/// A resource, or 404.
pub async fn find<T: Managed>(conn: &mut Conn, organization_id: Uuid, by: By<'_>) -> Result<Resource<T>, ApiError> {
    look_up(conn, organization_id, by).await?.ok_or_else(ApiError::not_found)
}

/// A resource, if there is one.
pub async fn look_up<T: Managed>(
    conn: &mut Conn,
    organization_id: Uuid,
    by: By<'_>,
) -> sqlx::Result<Option<Resource<T>>> {
    let (column, value) = by.column();
    row::find_by(conn, organization_id, column, value).await
}

/// Answers a resource that was created: 201 with its path.
pub fn created<T: Managed>(kept: &Resource<T>) -> Result<Answer, ApiError> {
    let created = Answer::created(format!("{}/{}", T::PATH, T::part(kept)), kept)?;
    Ok(tagged::<T>(created, kept.version()))
}

fn taken<T: Managed>() -> ApiError {
    let detail = format!("belongs to another {}", T::ENTITY.name().replace('_', " "));
    ApiError::taken(T::UNIQUE.unwrap_or_default(), detail)
}
