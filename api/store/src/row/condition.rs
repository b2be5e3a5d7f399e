//! Conditions on the rows of a list.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Database, Encode, Postgres, QueryBuilder, Sqlite, Type};
use uuid::Uuid;

use super::value::{Column, Value, push_value};
use crate::keyset::containing;

/// A condition on the rows of a list.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The column has the value.
    Equals(&'static str, Value),
    /// The column has one of the values; of none, no row has one.
    OneOf(&'static str, Vec<Value>),
    /// The folded column contains the folded text.
    Contains(&'static str, String),
    /// The column has a value, or has none.
    IsPresent(&'static str, bool),
    /// The column has the value or a greater one.
    AtLeast(&'static str, Value),
    /// The column has the value or a smaller one.
    AtMost(&'static str, Value),
    /// The column has a greater value.
    After(&'static str, Value),
    /// One of two conditions holds.
    Either(Box<[Condition; 2]>),
}

impl Condition {
    /// One of two conditions holds.
    pub fn either(one: Self, other: Self) -> Self {
        Self::Either(Box::new([one, other]))
    }

    /// The column has one of the values; no condition if there are none.
    pub fn one_of<T: Column>(column: &'static str, values: &[T]) -> Option<Self> {
        (!values.is_empty()).then(|| Self::OneOf(column, values.iter().map(T::to_value).collect()))
    }
}

/// Number of values that are parameters of their own: well below the limit of either engine.
const MOST_PARAMETERS: usize = 10_000;

/// The way in which an engine takes a list of identifiers as one parameter.
pub trait Lists: Database {
    /// The parameter.
    type List: 'static + Send;
    /// SQL before it.
    const IN_LIST: &'static str;
    /// SQL after it.
    const IN_LIST_END: &'static str;
    /// Makes it.
    fn list(ids: &[Uuid]) -> Self::List;
}

impl Lists for Sqlite {
    type List = String;
    const IN_LIST: &'static str = " IN (SELECT unhex(value) FROM json_each(";
    const IN_LIST_END: &'static str = "))";

    fn list(ids: &[Uuid]) -> String {
        let quoted: Vec<String> = ids.iter().map(|id| format!("\"{}\"", id.simple())).collect();
        format!("[{}]", quoted.join(","))
    }
}

impl Lists for Postgres {
    type List = Vec<Uuid>;
    const IN_LIST: &'static str = " = ANY(";
    const IN_LIST_END: &'static str = ")";

    fn list(ids: &[Uuid]) -> Vec<Uuid> {
        ids.to_vec()
    }
}

/// Adds conditions to a `WHERE` that has begun.
pub(crate) fn push_conditions<D>(query: &mut QueryBuilder<D>, conditions: &[Condition])
where
    D: Lists,
    for<'q> D::List: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
    for<'q> Option<String>: Encode<'q, D> + Type<D>,
    for<'q> Option<Uuid>: Encode<'q, D> + Type<D>,
    for<'q> Option<i64>: Encode<'q, D> + Type<D>,
    for<'q> Option<f64>: Encode<'q, D> + Type<D>,
    for<'q> Option<bool>: Encode<'q, D> + Type<D>,
    for<'q> Option<NaiveDate>: Encode<'q, D> + Type<D>,
    for<'q> Option<DateTime<Utc>>: Encode<'q, D> + Type<D>,
    for<'q> Option<Vec<u8>>: Encode<'q, D> + Type<D>,
{
    for condition in conditions {
        query.push(" AND ");
        match condition {
            Condition::Equals(column, value) => {
                query.push(*column).push(" = ");
                push_value(query, value.clone());
            }
            Condition::OneOf(_, values) if values.is_empty() => {
                query.push("1 = 0");
            }
            // More identifiers than a statement has parameters for are one parameter.
            Condition::OneOf(column, values)
                if values.len() > MOST_PARAMETERS && values.iter().all(|value| value.id().is_some()) =>
            {
                let ids: Vec<Uuid> = values.iter().filter_map(Value::id).collect();
                query.push(*column).push(D::IN_LIST).push_bind(D::list(&ids)).push(D::IN_LIST_END);
            }
            Condition::OneOf(column, values) => {
                query.push(*column).push(" IN (");
                for (at, value) in values.iter().enumerate() {
                    query.push(if at == 0 { "" } else { ", " });
                    push_value(query, value.clone());
                }
                query.push(")");
            }
            Condition::Contains(column, text) => {
                query.push(*column).push(" LIKE ").push_bind(containing(text)).push(" ESCAPE '\\'");
            }
            Condition::IsPresent(column, is_present) => {
                query.push(*column).push(if *is_present { " IS NOT NULL" } else { " IS NULL" });
            }
            Condition::AtLeast(column, value) => {
                query.push(*column).push(" >= ");
                push_value(query, value.clone());
            }
            Condition::AtMost(column, value) => {
                query.push(*column).push(" <= ");
                push_value(query, value.clone());
            }
            Condition::After(column, value) => {
                query.push(*column).push(" > ");
                push_value(query, value.clone());
            }
            Condition::Either(both) => {
                query.push("(1 = 1");
                push_conditions(query, &both[..1]);
                query.push(" OR 1 = 1");
                push_conditions(query, &both[1..]);
                query.push(")");
            }
        }
    }
}
