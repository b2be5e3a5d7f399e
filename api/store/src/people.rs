//! People.

use milepost_domain::people::PersonContent;
use milepost_domain::values::text::folded;
use uuid::Uuid;

use crate::kept::{Content, Kept, Mergeable};
use crate::row::{self, Value};
use crate::{Conn, columns};

/// A person.
pub type Person = Kept<PersonContent, Mergeable>;

columns!(PersonContent { external_ref, name, kind, email, customer_id, segment, owner; customer_ref: CUSTOMER_REF .. archived: false });

impl Content for PersonContent {
    const TABLE: &'static str = "people";
    const UNIQUE: Option<&'static str> = Some("external_ref");

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("name_folded", Value::Text(Some(folded(self.name.as_str()))))]
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
