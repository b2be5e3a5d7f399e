//! People.

use chrono::{DateTime, Utc};
use milepost_domain::people::PersonContent;
use milepost_domain::values::text::folded;
use uuid::Uuid;

use crate::kept::{Content, Kept, Mergeable};
use crate::many::ROWS_PER_INSERT;
use crate::row::{self, Column as _, Condition, Removal, Value};
use crate::teams::TeamMember;
use crate::{Conn, columns, on, reporting_lines};

/// A person.
pub type Person = Kept<PersonContent, Mergeable>;

columns!(PersonContent {
    external_ref, name, kind, email, customer_id, segment, owner_id, manager_id, employment, left_on, time_zone, language, email_verified
    | owner_name: OWNER_NAME; customer_ref: CUSTOMER_REF, owner_ref: OWNER_REF, manager_ref: MANAGER_REF .. archived: false
});

impl Content for PersonContent {
    const TABLE: &'static str = "people";
    const UNIQUE: Option<&'static str> = Some("external_ref");

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let email = self.email.as_ref().map(|email| folded(email.as_str()));
        vec![("name_folded", Value::Text(Some(folded(self.name.as_str())))), ("email_folded", Value::Text(email))]
    }

    fn archived(&mut self) -> Option<&mut bool> {
        Some(&mut self.archived)
    }
}

/// By identifier.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Person>> {
    row::find(conn, organization_id, id).await
}

/// By external reference.
pub async fn find_by_ref(conn: &mut Conn, organization_id: Uuid, external_ref: &str) -> sqlx::Result<Option<Person>> {
    row::find_by(conn, organization_id, "external_ref", Value::Text(Some(external_ref.to_owned()))).await
}

/// Those who have an e-mail address, ignoring case, without those that were merged into others.
pub async fn with_address(conn: &mut Conn, organization_id: Uuid, address: &str) -> sqlx::Result<Vec<Person>> {
    let conditions =
        [Condition::Equals("email_folded", folded(address).to_value()), Condition::IsPresent("merged_into_id", false)];
    row::all(conn, organization_id, &conditions, "id").await
}

/// Those with some identifiers, by identifier.
pub async fn with_ids(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid]) -> sqlx::Result<Vec<Person>> {
    let mut found = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let conditions = [Condition::OneOf("id", some.iter().map(Uuid::to_value).collect())];
        found.extend(row::all(conn, organization_id, &conditions, "id").await?);
    }
    Ok(found)
}

/// Time at which a person last ended all sessions.
pub async fn signed_out_at(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<DateTime<Utc>>> {
    const SQL: &str = "SELECT signed_out_at FROM people WHERE organization_id = $1 AND id = $2";
    let found: Option<Option<DateTime<Utc>>> =
        on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(id).fetch_optional(db).await)?;
    Ok(found.flatten())
}

/// Notes that a person has ended all sessions.
pub async fn sign_out(conn: &mut Conn, organization_id: Uuid, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE people SET signed_out_at = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(at).execute(db).await.map(|_| ()))
}

/// Removes a person to whom nothing refers, with their reporting lines. Those who report to them are looked for here, because a column that
/// was added later cannot have a foreign key on SQLite.
pub async fn delete(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Removal> {
    let reports = [Condition::Equals("manager_id", id.to_value())];
    let stays = [Condition::Equals("person_id", id.to_value())];
    let is_manager = row::count::<Person>(conn, organization_id, &reports).await? > 0;
    if is_manager || row::count::<TeamMember>(conn, organization_id, &stays).await? > 0 {
        return Ok(Removal::InUse);
    }
    let removal = row::delete::<Person>(conn, organization_id, id).await?;
    if removal == Removal::Removed {
        reporting_lines::forget(conn, organization_id, id).await?;
    }
    Ok(removal)
}
