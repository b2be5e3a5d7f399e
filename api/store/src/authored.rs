//! Names of authors, as they are called now: read for all rows of an answer at once.

use std::collections::{BTreeSet, HashMap};

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::author::{Author, AuthorKind};
use crate::many::{ROWS_PER_INSERT, push_ids};
use crate::{Conn, on};

/// Something that has an author.
pub trait Authored {
    /// The author.
    fn author(&mut self) -> &mut Author;
}

/// Declares things whose author is in the field of that name.
#[macro_export]
macro_rules! authored {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::authored::Authored for $type {
            fn author(&mut self) -> &mut $crate::author::Author {
                &mut self.author
            }
        }
    )+};
}

authored!(
    crate::awards::AwardRow,
    crate::corrections::Correction,
    crate::costs::CostEntry,
    crate::customer_records::CustomerOutcome,
    crate::customer_records::HealthOverride,
    crate::customer_records::Pulse,
    crate::holds::PlanHold,
    crate::interventions::InterventionNote,
    crate::merges::Merge,
    crate::plan_dependencies::PlanDependency,
    crate::reporting_lines::LineRow,
    crate::rewards::EntitlementRow,
    crate::share_links::ShareLinkRow,
    crate::teams::TeamMember,
    crate::validations::ValidationRow,
);

/// Gives the authors that are people or API clients their names. One statement for each of the two, whatever the number of rows.
pub async fn name_all<T: Authored>(conn: &mut Conn, organization_id: Uuid, rows: &mut [T]) -> sqlx::Result<()> {
    let mut people: BTreeSet<Uuid> = BTreeSet::new();
    let mut clients: BTreeSet<Uuid> = BTreeSet::new();
    for author in rows.iter_mut().map(T::author) {
        match author.kind {
            AuthorKind::Person => people.extend(author.id.parse::<Uuid>()),
            AuthorKind::ApiClient => clients.extend(author.id.parse::<Uuid>()),
            AuthorKind::User | AuthorKind::ShareLink | AuthorKind::System => {}
        }
    }
    let mut names = names_of(conn, organization_id, "people", people).await?;
    names.extend(names_of(conn, organization_id, "api_clients", clients).await?);
    for author in rows.iter_mut().map(T::author) {
        author.name = author.id.parse().ok().and_then(|id: Uuid| names.get(&id).cloned());
    }
    Ok(())
}

async fn names_of(
    conn: &mut Conn,
    organization_id: Uuid,
    table: &str,
    ids: BTreeSet<Uuid>,
) -> sqlx::Result<HashMap<Uuid, String>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut names = HashMap::new();
    for some in ids.chunks(ROWS_PER_INSERT) {
        let found: Vec<(Uuid, String)> = on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("SELECT id, name FROM ");
            query.push(table).push(" WHERE organization_id = ").push_bind(organization_id);
            push_ids(&mut query, "id", Some(some));
            query.build_query_as().fetch_all(db).await
        })?;
        names.extend(found);
    }
    Ok(names)
}
