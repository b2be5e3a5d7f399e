//! Pages by position: "the rows after this one", which costs the same on the first page and the last.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

/// The value of the column a list is ordered by, in the row a page ended with.
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

/// Where a page ended. Every order ends in the id, so that no two rows share a position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The ordering column's value; nothing where the id alone is the order.
    #[serde(rename = "k")]
    pub key: Option<Key>,
    /// The row's id.
    #[serde(rename = "i")]
    pub id: Uuid,
}

/// Which way a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// What a list is ordered by before the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Nothing: by id alone, which is by time of creation.
    Id,
    /// A text column.
    Text(&'static str),
    /// A date column.
    Date(&'static str),
}

impl Order {
    /// Whether a position can be one of this order.
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

/// One page to fetch.
#[derive(Debug, Clone)]
pub struct Slice {
    /// What the list is ordered by.
    pub order: Order,
    /// Which way.
    pub direction: Direction,
    /// The end of the page before.
    pub after: Option<Position>,
    /// How many rows at most.
    pub rows: usize,
}

/// Ends a query whose `WHERE` has begun with the condition, order and limit of a page.
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

/// A pattern for `LIKE … ESCAPE '\'` that finds a text anywhere, with its own wildcards taken literally.
pub fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
