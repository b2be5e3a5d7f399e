//! Roles: those that the product has itself, those of the organization's own, and who has which.

use actix_web::web::Path;
use actix_web::{delete, get, post, put};
use milepost_domain::access::may::{GRANTS, Relation, SubjectKind};
use milepost_domain::access::role::{Role, RoleContent, check_grant, check_protected};
use milepost_domain::access::rule::AccessRule;
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::people::PersonContent;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Key, Name};
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::precondition::IfMatch;
use crate::resource::{self, By, Managed, check_stands, find};
use crate::store::kept::Versioned;
use crate::store::people::{self, Person};
use crate::store::roles::{self, OwnRole};
use crate::store::row::{self, Removal};
use crate::unit::{Change, Entity, Unit};

impl Managed for RoleContent {
    type Stamp = Versioned;
    const ENTITY: Entity = Entity::Role;
    const PATH: &'static str = "/v1/roles";

    async fn settle(&mut self, _unit: &mut Unit, _before: Option<&OwnRole>) -> Result<(), ApiError> {
        self.scopes = Scopes::of(self.scopes.list().iter().copied());
        self.check().map_err(|rule| rule.at("/key").into())
    }

    fn part(kept: &OwnRole) -> String {
        kept.key.to_string()
    }

    async fn remove(unit: &mut Unit, id: Uuid) -> Result<Removal, ApiError> {
        let found: Option<OwnRole> = row::find(&mut unit.conn, unit.organization_id, id).await?;
        let Some(role) = found else { return Ok(Removal::InUse) };
        if !roles::with_role(&mut unit.conn, unit.organization_id, &role.key).await?.is_empty() {
            return Ok(Removal::InUse);
        }
        Ok(row::delete::<OwnRole>(&mut unit.conn, unit.organization_id, id).await?)
    }
}

/// A role that the product has itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"role": "people_admin", "scopes": ["people:read", "people:write"]}))]
pub struct BuiltInRole {
    /// Role.
    role: Role,
    /// Scopes that it grants everywhere.
    #[schema(max_items = 20)]
    scopes: Vec<Scope>,
}

/// Grant of a relation to something, beyond those of roles.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"relation": "manager", "to": "person", "scopes": ["people:read"]}))]
pub struct RelationGrant {
    /// Relation.
    relation: Relation,
    /// Kind of what the relation is to.
    to: SubjectKind,
    /// Scopes that it grants for that one.
    #[schema(max_items = 20)]
    scopes: Vec<Scope>,
}

/// Roles and relations: everything from which people may do something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "built_in": [{"role": "people_admin", "scopes": ["people:read", "people:write"]}], "own": [],
    "relations": [{"relation": "manager", "to": "person", "scopes": ["people:read"]}]
}))]
pub struct Roles {
    /// Roles that the product has itself.
    #[schema(max_items = 20)]
    built_in: Vec<BuiltInRole>,
    /// Roles of the organization's own, by key.
    #[schema(max_items = 1000)]
    own: Vec<OwnRole>,
    /// Relations, and what each grants.
    #[schema(max_items = 50)]
    relations: Vec<RelationGrant>,
}

/// Roles of a person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova", "roles": ["people_admin"],
    "scopes": ["people:read", "people:write"]
}))]
pub struct PersonRoles {
    /// Identifier of the person.
    person_id: Uuid,
    /// Name of the person.
    person_name: Name,
    /// Roles, in alphabetical order. Everybody has the role `member`, which is left out.
    #[schema(max_items = 50, value_type = Vec<Key>)]
    roles: Vec<String>,
    /// Scopes that the roles grant everywhere.
    #[schema(max_items = 20, value_type = Vec<Scope>)]
    scopes: Scopes,
}

/// Roles to give to a person, in place of those that they have.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"roles": ["people_admin", "analyst"]}))]
pub struct PersonRolesDraft {
    /// Roles: names of roles that the product has itself, or keys of the organization's own.
    #[schema(max_items = 50)]
    roles: Vec<Key>,
}

/// List roles
///
/// Returns all roles, and what relations grant beyond them. A person may do what one of their roles allows everywhere, and with one thing
/// what one of their relations to it allows.
#[utoipa::path(tag = "access", security(("bearer" = ["people:read"])),
    responses((status = 200, description = "The roles and relations.", body = Roles)))]
#[get("/v1/roles")]
pub async fn list_roles(cx: Context) -> Result<Answer, ApiError> {
    let own = row::all(&mut cx.read().await?, cx.organization_id(), &[], "key").await?;
    let built_in = Role::VARIANTS.iter().map(|role| BuiltInRole { role: *role, scopes: role.scopes().to_vec() });
    let relation = |(relation, to, scopes): &(Relation, SubjectKind, &[Scope])| RelationGrant {
        relation: *relation,
        to: *to,
        scopes: scopes.to_vec(),
    };
    let roles = Roles { built_in: built_in.collect(), own, relations: GRANTS.iter().map(relation).collect() };
    Ok(Answer::ok(&roles)?.content_tag())
}

/// Create a role
///
/// A key that another role has is refused with 409.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body = RoleContent,
    responses((status = 201, description = "The created role.", body = OwnRole)))]
#[post("/v1/roles")]
pub async fn create_role(cx: Context, body: Body<RoleContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Get a role
///
/// Returns a role of the organization's own.
#[utoipa::path(tag = "access", security(("bearer" = ["people:read"])),
    responses((status = 200, description = "The role.", body = OwnRole)))]
#[get("/v1/roles/{role_key}")]
pub async fn read_role(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<RoleContent>(&cx, By::Key(&key)).await
}

/// Replace a role
///
/// Scopes that are taken away stop working at once. The key cannot change.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatch), request_body = RoleContent,
    responses((status = 200, description = "The replaced role.", body = OwnRole)))]
#[put("/v1/roles/{role_key}")]
pub async fn replace_role(cx: Context, key: Path<String>, body: Body<RoleContent>) -> Result<Answer, ApiError> {
    resource::replace_keyed(&cx, &key, &body.0, |role| &role.key).await
}

/// Delete a role
///
/// A role that somebody has cannot be deleted.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatch),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/roles/{role_key}")]
pub async fn delete_role(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::delete::<RoleContent>(&cx, By::Key(&key)).await
}

/// Get the roles of a person
///
/// Returns the roles and the scopes that they grant.
#[utoipa::path(tag = "access", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The roles of the person.", body = PersonRoles)))]
#[get("/v1/people/{id}/roles")]
pub async fn read_person_roles(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let person = find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let roles = roles::of_person(&mut conn, cx.organization_id(), *id).await?;
    let scopes = roles::catalogue(&mut conn, cx.organization_id(), &roles).await?.granted(&roles);
    let shown = PersonRoles { person_id: *id, person_name: person.content.name, roles, scopes };
    Ok(Answer::ok(&shown)?.content_tag())
}

/// Replace the roles of a person
///
/// Nobody gives a role that grants more than they have themselves. The last person with the role `admin` keeps it. The request is
/// idempotent.
#[utoipa::path(tag = "access", security(("bearer" = ["people:write"])), request_body = PersonRolesDraft,
    responses((status = 200, description = "The roles of the person.", body = PersonRoles)))]
#[put("/v1/people/{id}/roles")]
pub async fn replace_person_roles(
    cx: Context,
    id: Path<Uuid>,
    body: Body<PersonRolesDraft>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let organization_id = unit.organization_id;
        let person = find::<PersonContent>(&mut unit.conn, organization_id, By::Id(*id)).await?;
        check_stands(&person)?;
        let held = roles::of_person(&mut unit.conn, organization_id, *id).await?;
        let mut wanted: Vec<String> = body.0.roles.iter().map(ToString::to_string).collect();
        let catalogue =
            roles::catalogue(&mut unit.conn, organization_id, &[held.clone(), wanted.clone()].concat()).await?;
        for (index, name) in wanted.iter().enumerate() {
            let at = format!("/roles/{index}");
            let Some(granted) = catalogue.scopes_of(name) else {
                return Err(ApiError::field(&at, "unknown_role", "names no role"));
            };
            if !held.contains(name) {
                check_grant(&unit.scopes, &granted).map_err(|rule| rule.at(at))?;
            }
        }
        wanted.retain(|name| *name != Role::Member.to_string());
        wanted.sort_unstable();
        wanted.dedup();
        let admin = Role::Admin.to_string();
        if held.contains(&admin) && !wanted.contains(&admin) {
            check_not_last_admin(unit, &[*id], "/roles").await?;
        }
        let shown = |roles: &[String]| PersonRoles {
            person_id: *id,
            person_name: person.name.clone(),
            roles: roles.to_vec(),
            scopes: catalogue.granted(roles),
        };
        let (before, after) = (shown(&held), shown(&wanted));
        if before != after {
            roles::set(&mut unit.conn, organization_id, *id, &wanted).await?;
            let of = (Entity::Person, *id);
            let change =
                Change { verb: "roles_changed", entity: of, root: of, before: Some(&before), after: Some(&after) };
            unit.record(change).await?;
        }
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

/// Refuses to change who people are if their roles grant more than the caller has: whoever is taken for somebody has their roles.
pub async fn check_not_protected(unit: &mut Unit, people: &[Uuid], at: &str) -> Result<(), ApiError> {
    let mut held = vec![];
    for id in people {
        held.extend(roles::of_person(&mut unit.conn, unit.organization_id, *id).await?);
    }
    let scopes = roles::catalogue(&mut unit.conn, unit.organization_id, &held).await?.granted(&held);
    check_protected(&unit.scopes, &scopes).map_err(|rule| rule.at(at).into())
}

/// Refuses to take the role `admin` from the last people who have it.
pub async fn check_not_last_admin(unit: &mut Unit, from: &[Uuid], at: &str) -> Result<(), ApiError> {
    let admins = roles::with_role(&mut unit.conn, unit.organization_id, Role::Admin.into()).await?;
    if !admins.iter().any(|id| from.contains(id)) {
        return Ok(());
    }
    let others: Vec<Uuid> = admins.into_iter().filter(|id| !from.contains(id)).collect();
    let others: Vec<Person> = people::with_ids(&mut unit.conn, unit.organization_id, &others).await?;
    if others.iter().any(|person| person.is_active(unit.today)) {
        return Ok(());
    }
    if at.is_empty() {
        return Err(ApiError::new(Code::Conflict, format!("The person {}.", AccessRule::LastAdmin)));
    }
    Err(AccessRule::LastAdmin.at(at).into())
}
