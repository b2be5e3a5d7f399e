//! References to customers and people: by identifier, by external reference, or by both if they name the same one.

use milepost_domain::values::text::ExternalRef;
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::resource::{self, By, Referred, Resource, look_up};
use crate::store::Conn;
use crate::store::row::{self, Column as _, Condition};

/// The two names of a customer or a person, as a request or a row gives them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named<'a> {
    /// Identifier.
    pub id: Option<Uuid>,
    /// External reference.
    pub external_ref: Option<&'a ExternalRef>,
}

impl Named<'_> {
    /// Returns whether nobody is named.
    pub const fn is_nobody(self) -> bool {
        self.id.is_none() && self.external_ref.is_none()
    }
}

/// The customer or person that a body means by the fields `<field>_id` and `<field>_ref`; `None` if it names nobody. Whoever names
/// one that was merged into another one means that one.
pub async fn resolve<T: Referred>(
    conn: &mut Conn,
    organization_id: Uuid,
    field: &str,
    named: Named<'_>,
) -> Result<Option<Resource<T>>, ApiError> {
    match self::named::<T>(conn, organization_id, field, named).await? {
        Some(found) => Ok(Some(follow(conn, organization_id, found).await?)),
        None => Ok(None),
    }
}

/// The one that stands for a customer or a person: itself, or the one that it was merged into.
pub async fn follow<T: Referred>(
    conn: &mut Conn,
    organization_id: Uuid,
    mut found: Resource<T>,
) -> Result<Resource<T>, ApiError> {
    while let Some(into_id) = found.merged_into_id() {
        found = resource::find(conn, organization_id, By::Id(into_id)).await?;
    }
    Ok(found)
}

/// The customer or person that a body names in the fields `<field>_id` and `<field>_ref`; `None` if it names nobody.
pub async fn named<T: Referred>(
    conn: &mut Conn,
    organization_id: Uuid,
    field: &str,
    named: Named<'_>,
) -> Result<Option<Resource<T>>, ApiError> {
    let (found, pointer) = match (named.id, named.external_ref) {
        (None, None) => return Ok(None),
        (Some(id), _) => (look_up::<T>(conn, organization_id, By::Id(id)).await?, format!("/{field}_id")),
        (None, Some(external_ref)) => {
            let pointer = format!("/{field}_ref");
            (by_ref::<T>(conn, organization_id, external_ref, &pointer).await?, pointer)
        }
    };
    let what = T::ENTITY.name();
    let found = found.ok_or_else(|| ApiError::field(&pointer, T::UNKNOWN, format!("names no {what}")))?;
    if named.external_ref.is_some_and(|given| !found.content.is_called(given)) {
        let id = field.rsplit('/').next().unwrap_or(field);
        let detail = format!("names another {what} than {id}_id");
        return Err(ApiError::field(&format!("/{field}_ref"), "ambiguous", detail));
    }
    Ok(Some(found))
}

/// The customer or person with an external reference, or else the only one who is called by it in another way.
async fn by_ref<T: Referred>(
    conn: &mut Conn,
    organization_id: Uuid,
    external_ref: &ExternalRef,
    pointer: &str,
) -> Result<Option<Resource<T>>, ApiError> {
    if let Some(found) = look_up::<T>(conn, organization_id, By::Ref(external_ref)).await? {
        return Ok(Some(found));
    }
    let Some(condition) = T::also_called(external_ref) else { return Ok(None) };
    let stands = Condition::IsPresent("merged_into_id", false);
    let mut found: Vec<Resource<T>> = row::all(conn, organization_id, &[condition, stands], "id").await?;
    if found.len() > 1 {
        let detail = format!("means {} {}: name one by identifier or reference", found.len(), T::PLURAL);
        return Err(ApiError::field(pointer, "ambiguous", detail));
    }
    Ok(found.pop())
}

/// Completes the two fields of a content that name a customer or a person, so that both are known. Whoever was named before
/// is not looked up again.
pub async fn complete<T: Referred>(
    conn: &mut Conn,
    organization_id: Uuid,
    field: &str,
    (id, external_ref): (&mut Option<Uuid>, &mut Option<ExternalRef>),
    before: Named<'_>,
) -> Result<(), ApiError> {
    let named = Named { id: *id, external_ref: external_ref.as_ref() };
    let is_same_id = named.id.is_none() || named.id == before.id;
    let is_same_ref = named.external_ref.is_none() || named.external_ref == before.external_ref;
    if named.is_nobody() {
        return Ok(());
    }
    if !before.is_nobody() && is_same_id && is_same_ref {
        (*id, *external_ref) = (before.id, before.external_ref.cloned());
        return Ok(());
    }
    if let Some(mut found) = resolve::<T>(conn, organization_id, field, named).await? {
        (*id, *external_ref) = (Some(found.id), found.content.external_ref().clone());
    }
    Ok(())
}

/// The condition that the filters `<field>_id` and `<field>_ref` of a list make on a column. What names nobody is the
/// reference of no row.
pub async fn condition<T: Referred>(
    cx: &Context,
    column: &'static str,
    named: Named<'_>,
) -> Result<Option<Condition>, ApiError> {
    Ok(match sought::<T>(cx, named).await? {
        Sought::Any => None,
        Sought::One(id) => Some(Condition::Equals(column, id.to_value())),
        Sought::Nobody => Some(Condition::OneOf(column, vec![])),
    })
}

/// The customer or person that the filters of a list ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// They name nobody, so everybody is asked for.
    Any,
    /// One customer or person.
    One(Uuid),
    /// Somebody who does not exist.
    Nobody,
}

impl Sought {
    /// Whether a row that refers to somebody is asked for.
    pub fn admits(self, id: Option<Uuid>) -> bool {
        match self {
            Self::Any => true,
            Self::One(sought) => id == Some(sought),
            Self::Nobody => false,
        }
    }
}

/// The customer or person that the filters `<field>_id` and `<field>_ref` of a list ask for. Only a reference is looked up.
pub async fn sought<T: Referred>(cx: &Context, named: Named<'_>) -> Result<Sought, ApiError> {
    let Some(external_ref) = named.external_ref else { return Ok(named.id.map_or(Sought::Any, Sought::One)) };
    let mut conn = cx.read().await?;
    let found = by_ref::<T>(&mut conn, cx.organization_id(), external_ref, "").await?;
    let Some(found) = found.filter(|found| named.id.is_none_or(|id| id == found.id)) else { return Ok(Sought::Nobody) };
    Ok(Sought::One(follow(&mut conn, cx.organization_id(), found).await?.id))
}
