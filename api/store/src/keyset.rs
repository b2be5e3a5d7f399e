//! Keyset pagination: a page consists of the rows after a position, which costs the same on every page.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

/// Value of the ordering column in the last row of a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// A folded name or a key.
    #[serde(rename = "t")]
    Text(String),
    /// A calendar date.
    #[serde(rename = "d")]
    Date(NaiveDate),
    /// A sequence or number.
    #[serde(rename = "n")]
    Number(i64),
}

/// Position of the last row of a page. Every order ends with the identifier, so that no two rows share a position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Value of the ordering column; `None` if the list is ordered by identifier alone.
    #[serde(rename = "k")]
    pub key: Option<Key>,
    /// Identifier of the row.
    #[serde(rename = "i")]
    pub id: Uuid,
}

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// Ordering column of a list, which precedes the identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// No column: the order is by identifier alone, which is the order of creation.
    Id,
    /// A text column.
    Text(&'static str),
    /// A date column.
    Date(&'static str),
}

impl Order {
    /// Returns whether a position can belong to this order.
    pub fn admits(self, position: &Position) -> bool {
        match (self, &position.key) {
            (Self::Id, None) | (Self::Date(_), Some(Key::Date(_))) => true,
            (Self::Text(_), Some(Key::Text(text))) => !text.contains('\0'),
            _ => false,
        }
    }

    const fn column(self) -> Option<&'static str> {
        match self {
            Self::Id => None,
            Self::Text(column) | Self::Date(column) => Some(column),
        }
    }
}

/// A page to fetch.
#[derive(Debug, Clone)]
pub struct Slice {
    /// Ordering column of the list.
    pub order: Order,
    /// Direction of the list.
    pub direction: Direction,
    /// Position of the last row of the previous page.
    pub after: Option<Position>,
    /// Maximum number of rows.
    pub rows: usize,
}

/// Appends the condition, order and limit of a page to a query that already has a `WHERE` clause.
pub fn push_slice<D>(query: &mut QueryBuilder<D>, slice: &Slice)
where
    D: Database,
    for<'q> String: Encode<'q, D> + Type<D>,
    for<'q> NaiveDate: Encode<'q, D> + Type<D>,
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> Uuid: Encode<'q, D> + Type<D>,
{
    let (comparison, order) = match slice.direction {
        Direction::Ascending => (" > ", " ASC"),
        Direction::Descending => (" < ", " DESC"),
    };
    if let Some(after) = &slice.after {
        match (slice.order.column(), &after.key) {
            (Some(column), Some(key)) => {
                query.push(" AND (").push(column).push(", id)").push(comparison).push("(");
                match key {
                    Key::Text(text) => query.push_bind(text.clone()),
                    Key::Date(date) => query.push_bind(*date),
                    Key::Number(number) => query.push_bind(*number),
                };
                query.push(", ").push_bind(after.id).push(")");
            }
            _ => {
                query.push(" AND id").push(comparison).push_bind(after.id);
            }
        }
    }
    query.push(" ORDER BY ");
    if let Some(column) = slice.order.column() {
        query.push(column).push(order).push(", ");
    }
    query.push("id").push(order).push(" LIMIT ").push_bind(i64::try_from(slice.rows).unwrap_or(i64::MAX));
}

/// Returns a pattern for `LIKE … ESCAPE '\'` that finds a text at any position and treats its wildcards literally.
pub fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
