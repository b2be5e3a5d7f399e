//! Owners in requests: a person by identifier, reference or e-mail address, or somebody outside by name.

use std::collections::HashMap;

use milepost_domain::customer::intervention::Tier;
use milepost_domain::people::PersonContent;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::patch::Change;
use crate::reference::{self, Named, Sought};
use crate::store::Conn;
use crate::store::owner::{Owner, OwnerFilter};
use crate::unit::Unit;

/// An owner as a body names them.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamedOwner<'a> {
    /// Person.
    pub person: Named<'a>,
    /// Name of somebody outside; has no effect where a person is named.
    pub name: Option<&'a Name>,
}

impl<'a> NamedOwner<'a> {
    /// From the three fields of a body.
    pub fn of(id: Option<Uuid>, external_ref: Option<&'a ExternalRef>, name: Option<&'a Name>) -> Self {
        Self { person: Named { id, external_ref }, name }
    }

    /// From the three fields of a patch; `None` if it leaves the owner as it is.
    pub fn changed(
        id: &'a Change<Uuid>,
        external_ref: &'a Change<ExternalRef>,
        name: &'a Change<Name>,
    ) -> Option<Self> {
        let is_kept = matches!((id, external_ref, name), (Change::Keep, Change::Keep, Change::Keep));
        (!is_kept).then(|| Self::of(id.set().copied(), external_ref.set(), name.set()))
    }
}

/// The owner that a body names by the fields `<field>_id`, `<field>_ref` and `<field>_name`.
pub async fn resolve(
    conn: &mut Conn,
    organization_id: Uuid,
    field: &str,
    named: NamedOwner<'_>,
) -> Result<Owner, ApiError> {
    let person = reference::resolve::<PersonContent>(conn, organization_id, field, named.person).await?;
    Ok(person.map_or_else(|| Owner::named(named.name.map(ToString::to_string)), |person| Owner::from(&person)))
}

/// The owners that the parts of a body name, each looked up once. `field` gives the pointer's name of each part's field.
pub async fn resolve_all<'a>(
    conn: &mut Conn,
    organization_id: Uuid,
    named: impl IntoIterator<Item = NamedOwner<'a>>,
    field: impl Fn(usize) -> String,
) -> Result<Vec<Owner>, ApiError> {
    let mut known: HashMap<(Option<Uuid>, Option<&ExternalRef>), Owner> = HashMap::new();
    let mut owners = vec![];
    for (index, named) in named.into_iter().enumerate() {
        let key = (named.person.id, named.person.external_ref);
        let owner = match known.get(&key).filter(|owner| owner.id.is_some()) {
            Some(owner) => owner.clone(),
            None => resolve(conn, organization_id, &field(index), named).await?,
        };
        known.insert(key, owner.clone());
        owners.push(owner);
    }
    Ok(owners)
}

/// Completes the three fields of a content that name an owner. Whoever was named before is not looked up again.
pub async fn complete(
    conn: &mut Conn,
    organization_id: Uuid,
    field: &str,
    (id, external_ref, name): (&mut Option<Uuid>, &mut Option<ExternalRef>, &mut Option<Name>),
    before: NamedOwner<'_>,
) -> Result<(), ApiError> {
    if id.is_none() && external_ref.is_none() {
        return Ok(());
    }
    reference::complete::<PersonContent>(conn, organization_id, field, (id, external_ref), before.person).await?;
    *name = match *id {
        Some(id) if before.person.id == Some(id) => before.name.cloned(),
        Some(id) => crate::store::people::find(conn, organization_id, id).await?.map(|person| person.content.name),
        None => None,
    };
    Ok(())
}

/// Filters of a list by owner.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OwnerParameters {
    /// Filter by person who is the owner. Repeat the parameter for several people.
    #[serde(default)]
    #[param(max_items = 50)]
    owner_id: Vec<Uuid>,
    /// Filter by external reference or e-mail address of the owner. Repeat the parameter for several people.
    #[serde(default)]
    #[param(max_items = 50)]
    owner_ref: Vec<ExternalRef>,
    /// Filter by name of the owner (exact match). Repeat the parameter for several names.
    #[serde(default)]
    #[param(max_items = 50)]
    owner_name: Vec<Name>,
}

impl OwnerParameters {
    /// The filter that they make.
    pub async fn filter(&self, cx: &Context) -> Result<OwnerFilter, ApiError> {
        let mut ids = self.owner_id.clone();
        for external_ref in &self.owner_ref {
            let named = Named { id: None, external_ref: Some(external_ref) };
            if let Sought::One(id) = reference::sought::<PersonContent>(cx, named).await? {
                ids.push(id);
            }
        }
        let is_asked = !self.owner_id.is_empty() || !self.owner_ref.is_empty();
        let names = self.owner_name.iter().map(ToString::to_string).collect();
        Ok(OwnerFilter { ids: is_asked.then_some(ids), names })
    }
}

/// Completes the tiers of an escalation, so that each that names a person has their identifier and name. `at` is the pointer's name of
/// the tiers. Whoever a tier named before is not looked up again.
pub async fn settle_tiers(unit: &mut Unit, at: &str, tiers: &mut [Tier], before: &[Tier]) -> Result<(), ApiError> {
    for (index, tier) in tiers.iter_mut().enumerate() {
        let known = before.iter().find(|one| one.to_id.is_some() && one.to_id == tier.to_id);
        let known = known.map(|one| NamedOwner::of(one.to_id, one.to_ref.as_ref(), one.to_name.as_ref()));
        let fields = (&mut tier.to_id, &mut tier.to_ref, &mut tier.to_name);
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        complete(conn, organization_id, &format!("{at}/{index}/to"), fields, known.unwrap_or_default()).await?;
    }
    Ok(())
}
