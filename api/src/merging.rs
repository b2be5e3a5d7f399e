//! Merging of customers, and of people, that turned out to be the same.
//!
//! Everything that belongs to the duplicate is moved to the one that is kept, and noted, so that it can be moved back. The duplicate stays
//! as a sign: it is archived, cannot be changed, and whoever names it means the one that was kept.

use milepost_domain::merge::{MOST_MOVED, MergeRule, MovedKind, may_merge};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{ExternalRef, Reason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::paging::Paging;
use crate::reference::{self, Named};
use crate::resource::{By, Managed, Referred, Resource, check_stands, find, side};
use crate::store::authored::name_all;
use crate::store::kept::Mergeable;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::merges::{self, Link, Merge, MovedCount};
use crate::store::row::{self, Column as _, Condition};
use crate::unit::{Change, Unit};

/// A resource of which several can turn out to be the same.
pub trait Merging: Referred<Stamp = Mergeable> {
    /// Rows that belong to it and are moved as they are.
    const LINKS: &'static [Link];
    /// Rows that belong to it and are changed one by one, with a version and a ledger entry.
    const CHANGED: &'static [Link];

    /// Changes things so that they belong to another one.
    fn hand_over(
        unit: &mut Unit,
        kind: MovedKind,
        ids: &[Uuid],
        to: &Resource<Self>,
    ) -> impl Future<Output = Result<(), ApiError>>;

    /// Checks that the caller may take two for one.
    fn check(_unit: &mut Unit, _both: &[Uuid]) -> impl Future<Output = Result<(), ApiError>> {
        async { Ok(()) }
    }

    /// Settles what follows from a merge.
    fn merged(unit: &mut Unit, merge: &Merge, survivor: &Resource<Self>) -> impl Future<Output = Result<(), ApiError>>;

    /// Settles what follows from the undoing of a merge.
    fn parted(unit: &mut Unit, merge: &Merge) -> impl Future<Output = Result<(), ApiError>>;
}

/// Duplicate to merge into the one in the path.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"duplicate_ref": "crm-4712", "reason": "Imported twice."}))]
pub struct MergeDraft {
    /// Identifier of the duplicate.
    duplicate_id: Option<Uuid>,
    /// External reference of the duplicate. Names the same one as `duplicate_id` where both are given.
    duplicate_ref: Option<ExternalRef>,
    /// Reason.
    reason: Option<Reason>,
}

/// Way of merging.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MergeOptions {
    /// Whether to report only what would be moved. Defaults to `false`.
    dry_run: Option<bool>,
}

/// Report of a merge: what it moved, or would move.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "merge_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "survivor_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "duplicate_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "moved": [{"kind": "plans", "count": 2}]
}))]
pub struct MergeReport {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Identifier of the merge; null for a dry run.
    merge_id: Option<Uuid>,
    /// Identifier of the one that is kept.
    survivor_id: Uuid,
    /// Identifier of its duplicate.
    duplicate_id: Uuid,
    /// Number of things that are moved, by kind.
    #[schema(max_items = 20)]
    moved: Vec<MovedCount>,
}

impl MergeReport {
    fn of(merge: Merge, dry_run: bool) -> Self {
        let Merge { id, survivor_id, duplicate_id, moved, .. } = merge;
        Self { dry_run, merge_id: (!dry_run).then_some(id), survivor_id, duplicate_id, moved }
    }
}

/// Merges a duplicate into the one with the identifier, or says what that would move.
pub async fn merge<T: Merging>(
    cx: &Context,
    id: Uuid,
    draft: &MergeDraft,
    options: MergeOptions,
) -> Result<Answer, ApiError> {
    if options.dry_run.unwrap_or_default() {
        // What is not committed has not happened.
        let mut unit = cx.begin().await?;
        let merge = apply::<T>(&mut unit, id, draft).await?;
        return Answer::ok(&MergeReport::of(merge, true));
    }
    cx.write(async |unit| {
        let merge = apply::<T>(unit, id, draft).await?;
        Answer::created(format!("{}/{id}/merges/{}", T::PATH, merge.id), &MergeReport::of(merge, false))
    })
    .await
}

async fn apply<T: Merging>(unit: &mut Unit, id: Uuid, draft: &MergeDraft) -> Result<Merge, ApiError> {
    let survivor = find::<T>(&mut unit.conn, unit.organization_id, By::Id(id)).await?;
    check_stands(&survivor)?;
    let named = Named { id: draft.duplicate_id, external_ref: draft.duplicate_ref.as_ref() };
    let duplicate = reference::named::<T>(&mut unit.conn, unit.organization_id, "duplicate", named).await?;
    let duplicate = duplicate.ok_or_else(|| ApiError::field("/duplicate_id", "required", "must be given"))?;
    let mut changed = 0;
    for link in T::CHANGED {
        changed += merges::count(&mut unit.conn, unit.organization_id, *link, duplicate.id).await?;
    }
    let changed = usize::try_from(changed).unwrap_or(MOST_MOVED + 1);
    T::check(unit, &[survivor.id, duplicate.id]).await?;
    may_merge(side(&survivor), side(&duplicate), changed).map_err(|rule| rule.at("/duplicate_id"))?;
    let mut merge = Merge {
        id: unit.new_id(),
        survivor_id: survivor.id,
        duplicate_id: duplicate.id,
        moved: vec![],
        reason: draft.reason.clone(),
        author: unit.author(),
        recorded_at: unit.now,
        undone_at: None,
    };
    row::insert(&mut unit.conn, unit.organization_id, &merge).await?;
    for link in T::CHANGED.iter().chain(T::LINKS) {
        let count = merges::note(&mut unit.conn, unit.organization_id, merge.id, *link, duplicate.id).await?;
        merge.moved.extend((count > 0).then_some(MovedCount { kind: link.kind, count }));
    }
    row::update(&mut unit.conn, unit.organization_id, &merge).await?;
    hand_over::<T>(unit, &merge, duplicate.id, &survivor).await?;
    let mut gone = duplicate.clone();
    gone.stamp.merged_into_id = Some(survivor.id);
    archive(unit, &duplicate, gone, true).await?;
    T::merged(unit, &merge, &survivor).await?;
    let of = (T::ENTITY, survivor.id);
    unit.record(Change { verb: "merged", entity: of, root: of, before: None, after: Some(&merge) }).await?;
    Ok(merge)
}

/// Moves what a merge noted from one to the other.
async fn hand_over<T: Merging>(unit: &mut Unit, merge: &Merge, from: Uuid, to: &Resource<T>) -> Result<(), ApiError> {
    for link in T::LINKS {
        merges::relink(&mut unit.conn, unit.organization_id, merge.id, *link, (from, to.id)).await?;
    }
    for link in T::CHANGED {
        let ids = merges::noted(&mut unit.conn, unit.organization_id, merge.id, *link, from).await?;
        if !ids.is_empty() {
            T::hand_over(unit, link.kind, &ids, to).await?;
        }
    }
    Ok(())
}

/// Archives or restores a duplicate.
async fn archive<T: Merging>(
    unit: &mut Unit,
    before: &Resource<T>,
    mut after: Resource<T>,
    is_archived: bool,
) -> Result<(), ApiError> {
    if let Some(archived) = after.content.archived() {
        *archived = is_archived;
    }
    after.stamp.archived_at = is_archived.then(|| after.stamp.archived_at.unwrap_or(unit.now));
    after.touch(unit.now);
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    unit.record_updated(T::ENTITY, after.id, before, &after).await
}

/// Undoes a merge: what it moved and nobody has moved since goes back.
pub async fn undo<T: Merging>(cx: &Context, id: Uuid, merge_id: Uuid) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let survivor = find::<T>(&mut unit.conn, unit.organization_id, By::Id(id)).await?;
        let before = find_merge(unit, id, merge_id).await?;
        if before.undone_at.is_some() {
            return Err(MergeRule::Undone.at("").into());
        }
        check_stands(&survivor)?;
        let duplicate = find::<T>(&mut unit.conn, unit.organization_id, By::Id(before.duplicate_id)).await?;
        T::check(unit, &[survivor.id, duplicate.id]).await?;
        let merge = Merge { undone_at: Some(unit.now), ..before.clone() };
        row::update(&mut unit.conn, unit.organization_id, &merge).await?;
        let mut back = duplicate.clone();
        back.stamp.merged_into_id = None;
        let was_archived = back.stamp.archived_at.is_some_and(|at| at < merge.recorded_at);
        archive(unit, &duplicate, back, was_archived).await?;
        hand_over::<T>(unit, &merge, survivor.id, &duplicate).await?;
        T::parted(unit, &merge).await?;
        let of = (T::ENTITY, id);
        unit.record(Change { verb: "merge_undone", entity: of, root: of, before: Some(&before), after: Some(&merge) })
            .await?;
        Answer::ok(&merge)
    })
    .await
}

async fn find_merge(unit: &mut Unit, survivor_id: Uuid, id: Uuid) -> Result<Merge, ApiError> {
    let found: Option<Merge> = row::find(&mut unit.conn, unit.organization_id, id).await?;
    found.filter(|merge| merge.survivor_id == survivor_id).ok_or_else(ApiError::not_found)
}

/// Answers a page of the merges into a customer or a person, the newest first.
pub async fn list<T: Merging>(cx: &Context, id: Uuid, paging: &Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<T>(&mut conn, cx.organization_id(), By::Id(id)).await?;
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let conditions = [Condition::Equals("survivor_id", id.to_value())];
    let mut rows: Vec<Merge> = row::page(&mut conn, cx.organization_id(), &conditions, &slice).await?;
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    paging.answer(rows, |merge| Position { key: None, id: merge.id }, |merge| merge)
}

/// Answers one merge into a customer or a person.
pub async fn read<T: Merging>(cx: &Context, id: Uuid, merge_id: Uuid) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<T>(&mut conn, cx.organization_id(), By::Id(id)).await?;
    let found: Option<Merge> = row::find(&mut conn, cx.organization_id(), merge_id).await?;
    let mut merge = found.filter(|merge| merge.survivor_id == id).ok_or_else(ApiError::not_found)?;
    name_all(&mut conn, cx.organization_id(), std::slice::from_mut(&mut merge)).await?;
    Ok(Answer::ok(&merge)?.content_tag())
}

/// Changes the content of resources as they are, without what a change by a caller brings with it.
pub async fn change_each<T: Managed>(unit: &mut Unit, ids: &[Uuid], change: impl Fn(&mut T)) -> Result<(), ApiError> {
    for id in ids {
        let before = find::<T>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        let mut content = before.content.clone();
        change(&mut content);
        let after = before.with(content, unit.now);
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        unit.record_updated(T::ENTITY, *id, &before, &after).await?;
    }
    Ok(())
}
