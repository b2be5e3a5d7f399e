//! Roles of the organization's own, who has which role, and whom the subjects of identity providers are.

use chrono::{DateTime, Utc};
use milepost_domain::access::role::{Catalogue, Role, RoleContent};
use uuid::Uuid;

use crate::kept::{Content, Kept};
use crate::row::{self, Condition};
use crate::{Conn, columns, on};

/// A role of the organization's own.
pub type OwnRole = Kept<RoleContent>;

columns!(RoleContent { key, name, scopes });

impl Content for RoleContent {
    const TABLE: &'static str = "roles";
    const UNIQUE: Option<&'static str> = Some("key");
}

/// The roles with some names, as far as they exist.
pub async fn catalogue(conn: &mut Conn, organization_id: Uuid, names: &[String]) -> sqlx::Result<Catalogue> {
    let own: Vec<String> = names.iter().filter(|name| name.parse::<Role>().is_err()).cloned().collect();
    let Some(condition) = Condition::one_of("key", &own) else { return Ok(Catalogue::default()) };
    let found: Vec<OwnRole> = row::all(conn, organization_id, &[condition], "id").await?;
    Ok(Catalogue::of(found.iter().map(|role| &role.content)))
}

/// The roles of a person, in order.
pub async fn of_person(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<Vec<String>> {
    const SQL: &str = "SELECT role FROM person_roles WHERE organization_id = $1 AND person_id = $2 ORDER BY role";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(person_id).fetch_all(db).await)
}

/// The people with a role, in order.
pub async fn with_role(conn: &mut Conn, organization_id: Uuid, role: &str) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT person_id FROM person_roles WHERE organization_id = $1 AND role = $2 ORDER BY person_id";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(role).fetch_all(db).await)
}

/// Replaces the roles of a person.
pub async fn set(conn: &mut Conn, organization_id: Uuid, person_id: Uuid, roles: &[String]) -> sqlx::Result<()> {
    const DELETE: &str = "DELETE FROM person_roles WHERE organization_id = $1 AND person_id = $2";
    const INSERT: &str = "INSERT INTO person_roles (organization_id, person_id, role) VALUES ($1, $2, $3)";
    on!(&mut *conn, db => sqlx::query(DELETE).bind(organization_id).bind(person_id).execute(db).await.map(|_| ()))?;
    for role in roles {
        on!(&mut *conn, db =>
            sqlx::query(INSERT).bind(organization_id).bind(person_id).bind(role).execute(db).await.map(|_| ()))?;
    }
    Ok(())
}

/// The person that a subject of an issuer has been recognized as.
pub async fn identified(
    conn: &mut Conn,
    organization_id: Uuid,
    issuer: &str,
    subject: &str,
) -> sqlx::Result<Option<Uuid>> {
    const SQL: &str =
        "SELECT person_id FROM person_identities WHERE organization_id = $1 AND issuer = $2 AND subject = $3";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(issuer).bind(subject).fetch_optional(db).await)
}

/// Forgets which subjects mean a person who is gone.
pub async fn forget_identities(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM person_identities WHERE organization_id = $1 AND person_id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(person_id).execute(db).await.map(|_| ()))
}

/// The subjects that mean a person, each with its issuer before it.
pub async fn identities(
    conn: &mut Conn,
    organization_id: Uuid,
    person_id: Uuid,
) -> sqlx::Result<Vec<(String, String)>> {
    const SQL: &str = "SELECT issuer, subject FROM person_identities WHERE organization_id = $1 AND person_id = $2 \
                       ORDER BY issuer, subject";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(person_id).fetch_all(db).await)
}

/// Notes whom a subject of an issuer is.
pub async fn identify(
    conn: &mut Conn,
    organization_id: Uuid,
    (issuer, subject): (&str, &str),
    person_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO person_identities (organization_id, issuer, subject, person_id, recorded_at) \
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organization_id, issuer, subject) DO UPDATE SET \
                       person_id = excluded.person_id, recorded_at = excluded.recorded_at";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(issuer).bind(subject).bind(person_id).bind(now)
        .execute(db).await.map(|_| ()))
}
