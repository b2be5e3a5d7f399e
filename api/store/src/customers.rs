//! Customers.

use milepost_domain::customer::account::CustomerContent;
use milepost_domain::values::text::folded;
use uuid::Uuid;

use crate::kept::{Content, Kept, Mergeable};
use crate::many::ROWS_PER_INSERT;
use crate::row::{self, Condition, Removal, Value};
use crate::{Conn, columns, on};

/// A customer.
pub type Customer = Kept<CustomerContent, Mergeable>;

columns!(CustomerContent {
    external_ref, name, segment, owner_id, since_on, renews_on, annual_revenue_minor, parent_id | owner_name: OWNER_NAME;
    parent_ref: PARENT_REF, owner_ref: OWNER_REF .. archived: false
});

impl Content for CustomerContent {
    const TABLE: &'static str = "customers";
    const UNIQUE: Option<&'static str> = Some("external_ref");

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("name_folded", Value::Text(Some(folded(self.name.as_str()))))]
    }

    fn archived(&mut self) -> Option<&mut bool> {
        Some(&mut self.archived)
    }
}

/// By identifier.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Customer>> {
    row::find(conn, organization_id, id).await
}

/// By external reference.
pub async fn find_by_ref(conn: &mut Conn, organization_id: Uuid, external_ref: &str) -> sqlx::Result<Option<Customer>> {
    row::find_by(conn, organization_id, "external_ref", Value::Text(Some(external_ref.to_owned()))).await
}

/// All customers, including archived ones, in order of creation. Those that were merged into another one are that one.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Customer>> {
    row::all(conn, organization_id, &[Condition::IsPresent("merged_into_id", false)], "id").await
}

/// The customers whose parent is one of some customers, without archived ones.
pub async fn parts_of(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid]) -> sqlx::Result<Vec<Customer>> {
    let mut parts = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let parents = some.iter().map(|id| Value::Uuid(Some(*id))).collect();
        let conditions = [Condition::IsPresent("archived_at", false), Condition::OneOf("parent_id", parents)];
        parts.extend(row::all::<Customer>(conn, organization_id, &conditions, "id").await?);
    }
    Ok(parts)
}

/// Removes a customer to which nothing refers, and what was computed about it. Its parts are looked for here, because a column
/// that was added later cannot have a foreign key on SQLite.
pub async fn delete(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Removal> {
    const COMPUTED: [&str; 2] = [
        "DELETE FROM customer_health WHERE organization_id = $1 AND customer_id = $2",
        "DELETE FROM playbook_states WHERE organization_id = $1 AND customer_id = $2",
    ];
    let parts = [Condition::Equals("parent_id", Value::Uuid(Some(id)))];
    if row::count::<Customer>(conn, organization_id, &parts).await? > 0 {
        return Ok(Removal::InUse);
    }
    for sql in COMPUTED {
        on!(conn, db => sqlx::query(sql).bind(organization_id).bind(id).execute(db).await.map(|_| ()))?;
    }
    row::delete::<Customer>(conn, organization_id, id).await
}
