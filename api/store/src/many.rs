//! Statements about many rows at once.

use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

/// Number of rows in one multi-row INSERT, well below both engines' limits on parameters.
pub(crate) const ROWS_PER_INSERT: usize = 500;

/// Restricts a query to the given identifiers, if there are any; otherwise it covers the whole organization.
pub fn push_ids<D>(query: &mut QueryBuilder<D>, column: &str, ids: Option<&[Uuid]>)
where
    D: Database,
    for<'q> Uuid: Encode<'q, D> + Type<D>,
{
    let Some(ids) = ids else { return };
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(")");
}
