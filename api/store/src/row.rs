//! One description of a row, from which INSERT, UPDATE, SELECT, DELETE and pages are written.
//!
//! `columns!` names the fields of a type once: each stands beside its own value, so a column cannot receive another
//! column's value. Joins, aggregates and whatever else is more than one row of one table stay hand-written SQL.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Encode, QueryBuilder, Row as _, Type};
use uuid::Uuid;

use crate::json_text::JsonText;
use crate::keyset::{Slice, containing, push_slice};
use crate::{Conn, on};

/// A value of a column, or its absence. A missing value keeps its type, which PostgreSQL asks for.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Value {
    Text(Option<String>),
    Uuid(Option<Uuid>),
    Integer(Option<i64>),
    Number(Option<f64>),
    Boolean(Option<bool>),
    Date(Option<NaiveDate>),
    Instant(Option<DateTime<Utc>>),
    Bytes(Option<Vec<u8>>),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Text,
    Uuid,
    Integer,
    Number,
    Boolean,
    Date,
    Instant,
    Bytes,
}

impl Value {
    /// No value, of a type.
    pub const fn absent(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(None),
            Kind::Uuid => Self::Uuid(None),
            Kind::Integer => Self::Integer(None),
            Kind::Number => Self::Number(None),
            Kind::Boolean => Self::Boolean(None),
            Kind::Date => Self::Date(None),
            Kind::Instant => Self::Instant(None),
            Kind::Bytes => Self::Bytes(None),
        }
    }

    /// Whether there is no value.
    pub const fn is_absent(&self) -> bool {
        match self {
            Self::Text(value) => value.is_none(),
            Self::Uuid(value) => value.is_none(),
            Self::Integer(value) => value.is_none(),
            Self::Number(value) => value.is_none(),
            Self::Boolean(value) => value.is_none(),
            Self::Date(value) => value.is_none(),
            Self::Instant(value) => value.is_none(),
            Self::Bytes(value) => value.is_none(),
        }
    }
}

/// A type that a column holds.
pub trait Column: Sized {
    /// The type of the column.
    const KIND: Kind;

    /// The value to store.
    fn to_value(&self) -> Value;

    /// The value that was stored.
    fn from_value(value: Value) -> sqlx::Result<Self>;
}

/// A stored value that is not what its column should hold.
fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(cause.into())
}

macro_rules! plain_columns {
    ($($type:ty => $kind:ident),+ $(,)?) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::$kind;
            fn to_value(&self) -> Value {
                Value::$kind(Some(self.clone()))
            }
            fn from_value(value: Value) -> sqlx::Result<Self> {
                match value {
                    Value::$kind(Some(value)) => Ok(value),
                    other => Err(unreadable(format!("{other:?} is not a {}", stringify!($kind)))),
                }
            }
        }
    )+};
}

plain_columns!(
    String => Text, Uuid => Uuid, i64 => Integer, f64 => Number, bool => Boolean, NaiveDate => Date,
    DateTime<Utc> => Instant, Vec<u8> => Bytes,
);

impl<T: Column> Column for Option<T> {
    const KIND: Kind = T::KIND;
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::absent(T::KIND), T::to_value)
    }
    fn from_value(value: Value) -> sqlx::Result<Self> {
        if value.is_absent() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: Serialize + DeserializeOwned> Column for JsonText<T> {
    const KIND: Kind = Kind::Text;
    fn to_value(&self) -> Value {
        Value::Text(Some(self.to_text()))
    }
    fn from_value(value: Value) -> sqlx::Result<Self> {
        Self::try_from(String::from_value(value)?).map_err(unreadable)
    }
}

/// Declares domain types that are stored as JSON in a text column.
macro_rules! json_columns {
    ($($type:ty),+ $(,)?) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Text;
            fn to_value(&self) -> Value {
                Value::Text(serde_json::to_string(self).ok())
            }
            fn from_value(value: Value) -> sqlx::Result<Self> {
                serde_json::from_str(&String::from_value(value)?).map_err(unreadable)
            }
        }
    )+};
}

json_columns!(
    milepost_domain::usage::metric::MetricFilter,
    milepost_domain::customer::playbook::Playbook,
    Vec<milepost_domain::plan::template::MilestoneDefinition>,
);

/// Declares domain types that are stored as the text they display and parse.
macro_rules! text_columns {
    ($($type:ty),+ $(,)?) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::Text;
            fn to_value(&self) -> Value {
                Value::Text(Some(self.to_string()))
            }
            fn from_value(value: Value) -> sqlx::Result<Self> {
                String::from_value(value)?.parse().map_err(|_| unreadable(concat!("not a ", stringify!($type))))
            }
        }
    )+};
}

/// Declares domain texts: they were parsed before they were stored, so they are taken as they are.
macro_rules! trusted_columns {
    ($($type:ident),+ $(,)?) => {$(
        impl Column for milepost_domain::values::text::$type {
            const KIND: Kind = Kind::Text;
            fn to_value(&self) -> Value {
                Value::Text(Some(self.to_string()))
            }
            fn from_value(value: Value) -> sqlx::Result<Self> {
                String::from_value(value).map(Self::trusted)
            }
        }
    )+};
}

trusted_columns!(Name, Label, Key, Note, Reason, ExternalRef, Email);
text_columns!(
    crate::author::Author,
    crate::rejected_messages::Channel,
    milepost_domain::people::PersonKind,
    milepost_domain::usage::metric::Aggregate,
    milepost_domain::customer::outcome::OutcomeKind,
    milepost_domain::plan::Kind,
    milepost_domain::plan::milestone::State,
    milepost_domain::customer::playbook::InterventionKind,
    milepost_domain::customer::intervention::EndedBy,
    milepost_domain::customer::intervention::Outcome,
    milepost_domain::customer::playbook::Priority,
    milepost_domain::customer::risk::Level,
);

/// A row of either engine.
pub trait AnyRow {
    /// The value of a column by its position.
    fn value(&self, at: usize, kind: Kind) -> sqlx::Result<Value>;
}

macro_rules! any_row {
    ($($row:ty),+) => {$(
        impl AnyRow for $row {
            fn value(&self, at: usize, kind: Kind) -> sqlx::Result<Value> {
                Ok(match kind {
                    Kind::Text => Value::Text(self.try_get(at)?),
                    Kind::Uuid => Value::Uuid(self.try_get(at)?),
                    Kind::Integer => Value::Integer(self.try_get(at)?),
                    Kind::Number => Value::Number(self.try_get(at)?),
                    Kind::Boolean => Value::Boolean(self.try_get(at)?),
                    Kind::Date => Value::Date(self.try_get(at)?),
                    Kind::Instant => Value::Instant(self.try_get(at)?),
                    Kind::Bytes => Value::Bytes(self.try_get(at)?),
                })
            }
        }
    )+};
}
any_row!(SqliteRow, PgRow);

/// Reads the columns of a row one after another.
pub struct Reader<'a> {
    row: &'a dyn AnyRow,
    at: usize,
}

impl Reader<'_> {
    /// The next column.
    pub fn read<T: Column>(&mut self) -> sqlx::Result<T> {
        let value = self.row.value(self.at, T::KIND)?;
        self.at += 1;
        T::from_value(value)
    }
}

/// Some columns of a table: those of a whole row, or of a part that several rows share.
pub trait Columns: Sized {
    /// Their names.
    fn names() -> Vec<&'static str>;

    /// The items of a `SELECT` that reads them: their names, and expressions for what another table knows of the row. The row's own
    /// table is called `own` there.
    fn selected() -> Vec<&'static str> {
        Self::names()
    }

    /// Reads them, in the order of [`Self::selected`].
    fn read(reader: &mut Reader<'_>) -> sqlx::Result<Self>;

    /// Their values, in the order of [`Self::names`].
    fn values(&self) -> Vec<Value>;
}

/// A row of a table whose primary key is the organization and `id`.
pub trait Table: Columns {
    /// The table's name.
    const NAME: &'static str;
    /// The column whose values are unique within the organization, if there is one beside the key.
    const UNIQUE: Option<&'static str> = None;

    /// The identifier.
    fn id(&self) -> Uuid;

    /// Columns that are written and never read, such as the folded name that lists are sorted by.
    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![]
    }
}

/// The external reference of the customer that a row names.
pub const CUSTOMER_REF: &str =
    "(SELECT c.external_ref FROM customers c WHERE c.organization_id = own.organization_id AND c.id = own.customer_id)";
/// The external reference of the customer that a customer is a part of.
pub const PARENT_REF: &str =
    "(SELECT c.external_ref FROM customers c WHERE c.organization_id = own.organization_id AND c.id = own.parent_id)";

/// Describes a row: the fields that are columns, each once. Fields after `;` are read from another table by an expression and
/// never written; fields after `..` are not stored and take the value given.
#[macro_export]
macro_rules! columns {
    ($type:ty { $($column:ident),+ $(,)? $(; $($known:ident: $sql:ident),+)? $(.. $rest:ident: $value:expr)? }) => {
        impl $crate::row::Columns for $type {
            fn names() -> Vec<&'static str> {
                vec![$(stringify!($column)),+]
            }
            fn selected() -> Vec<&'static str> {
                vec![$(stringify!($column)),+ $($(, $crate::row::$sql)+)?]
            }
            fn read(reader: &mut $crate::row::Reader<'_>) -> sqlx::Result<Self> {
                Ok(Self { $($column: reader.read()?,)+ $($($known: reader.read()?,)+)? $($rest: $value)? })
            }
            fn values(&self) -> Vec<$crate::row::Value> {
                vec![$($crate::row::Column::to_value(&self.$column)),+]
            }
        }
    };
}

/// Says which table keeps a row that has its own identifier.
#[macro_export]
macro_rules! table {
    ($type:ty, $name:literal) => {
        impl $crate::row::Table for $type {
            const NAME: &'static str = $name;

            fn id(&self) -> uuid::Uuid {
                self.id
            }
        }
    };
}

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

/// Outcome of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// Other rows refer to it. The transaction is over.
    InUse,
}

/// One row by its identifier.
pub async fn find<T: Table>(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<T>> {
    find_by(conn, organization_id, "id", Value::Uuid(Some(id))).await
}

/// One row by a column that is unique within the organization.
pub async fn find_by<T: Table>(
    conn: &mut Conn,
    organization_id: Uuid,
    column: &'static str,
    value: Value,
) -> sqlx::Result<Option<T>> {
    on!(conn, db => {
        let mut query = select_from::<T, _>(T::NAME, organization_id);
        push_conditions(&mut query, &[Condition::Equals(column, value)]);
        query.build().fetch_optional(db).await?.as_ref().map(|row| read(row)).transpose()
    })
}

/// All rows that satisfy the conditions, in the order of a column and then of their identifiers.
pub async fn all<T: Table>(
    conn: &mut Conn,
    organization_id: Uuid,
    conditions: &[Condition],
    order: &'static str,
) -> sqlx::Result<Vec<T>> {
    on!(conn, db => {
        let mut query = select_from::<T, _>(T::NAME, organization_id);
        push_conditions(&mut query, conditions);
        query.push(" ORDER BY ").push(order);
        if order != "id" {
            query.push(", id");
        }
        query.build().fetch_all(db).await?.iter().map(|row| read(row)).collect()
    })
}

/// All rows of a table that satisfy the conditions, in an order: for rows whose key is not `id` alone.
pub(crate) async fn select<T: Columns>(
    conn: &mut Conn,
    organization_id: Uuid,
    table: &'static str,
    conditions: &[Condition],
    order: &str,
) -> sqlx::Result<Vec<T>> {
    on!(conn, db => {
        let mut query = select_from::<T, _>(table, organization_id);
        push_conditions(&mut query, conditions);
        query.push(" ORDER BY ").push(order);
        query.build().fetch_all(db).await?.iter().map(|row| read(row)).collect()
    })
}

/// Adds a row to a table: for rows whose key is not `id` alone.
pub(crate) async fn insert_into<T: Columns>(
    conn: &mut Conn,
    organization_id: Uuid,
    table: &'static str,
    row: &T,
) -> sqlx::Result<()> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("INSERT INTO ");
        query.push(table).push(" (organization_id, ").push(T::names().join(", ")).push(") VALUES (").push_bind(organization_id);
        for value in row.values() {
            query.push(", ");
            push_value(&mut query, value);
        }
        query.push(")");
        query.build().execute(db).await.map(|_| ())
    })
}

/// A page of the rows that satisfy the conditions.
pub async fn page<T: Table>(
    conn: &mut Conn,
    organization_id: Uuid,
    conditions: &[Condition],
    slice: &Slice,
) -> sqlx::Result<Vec<T>> {
    on!(conn, db => {
        let mut query = select_from::<T, _>(T::NAME, organization_id);
        push_conditions(&mut query, conditions);
        push_slice(&mut query, slice);
        query.build().fetch_all(db).await?.iter().map(|row| read(row)).collect()
    })
}

/// Number of the rows that satisfy the conditions.
pub async fn count<T: Table>(conn: &mut Conn, organization_id: Uuid, conditions: &[Condition]) -> sqlx::Result<i64> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM ");
        query.push(T::NAME).push(" WHERE organization_id = ").push_bind(organization_id);
        push_conditions(&mut query, conditions);
        query.build_query_scalar().fetch_one(db).await
    })
}

/// Adds a row; `false` if the value of its unique column is taken.
pub async fn insert<T: Table>(conn: &mut Conn, organization_id: Uuid, row: &T) -> sqlx::Result<bool> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("INSERT INTO ");
        query.push(T::NAME).push(" (organization_id");
        for (name, _) in written(row) {
            query.push(", ").push(name);
        }
        query.push(") VALUES (").push_bind(organization_id);
        for (_, value) in written(row) {
            query.push(", ");
            push_value(&mut query, value);
        }
        query.push(")");
        if let Some(unique) = T::UNIQUE {
            query.push(" ON CONFLICT (organization_id, ").push(unique).push(") DO NOTHING");
        }
        query.build().execute(db).await.map(|done| done.rows_affected() == 1)
    })
}

/// Saves a row as it is now; `false` if the value of its unique column is another row's.
pub async fn update<T: Table>(conn: &mut Conn, organization_id: Uuid, row: &T) -> sqlx::Result<bool> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("UPDATE ");
        query.push(T::NAME).push(" SET ");
        let mut is_first = true;
        let mut unique = None;
        for (name, value) in written(row).into_iter().filter(|(name, _)| *name != "id") {
            query.push(if is_first { "" } else { ", " }).push(name).push(" = ");
            is_first = false;
            if T::UNIQUE == Some(name) {
                unique = Some((name, value.clone()));
            }
            push_value(&mut query, value);
        }
        query.push(" WHERE organization_id = ").push_bind(organization_id).push(" AND id = ").push_bind(row.id());
        if let Some((name, value)) = unique.filter(|(_, value)| !value.is_absent()) {
            query.push(" AND NOT EXISTS (SELECT 1 FROM ").push(T::NAME).push(" WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND ").push(name).push(" = ");
            push_value(&mut query, value);
            query.push(" AND id <> ").push_bind(row.id()).push(")");
        }
        query.build().execute(db).await.map(|done| done.rows_affected() == 1)
    })
}

/// Removes a row. The database's own foreign keys say whether other rows refer to it.
pub async fn delete<T: Table>(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Removal> {
    let done = on!(conn, db => {
        let mut query = QueryBuilder::new("DELETE FROM ");
        query.push(T::NAME).push(" WHERE organization_id = ").push_bind(organization_id).push(" AND id = ").push_bind(id);
        query.build().execute(db).await.map(|_| ())
    });
    match done {
        Ok(()) => Ok(Removal::Removed),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(Removal::InUse),
        Err(error) => Err(error),
    }
}

/// Every column that is written, with its value.
fn written<T: Table>(row: &T) -> Vec<(&'static str, Value)> {
    T::names().into_iter().zip(row.values()).chain(row.derived()).collect()
}

fn read<T: Columns>(row: &dyn AnyRow) -> sqlx::Result<T> {
    T::read(&mut Reader { row, at: 0 })
}

fn select_from<T: Columns, D: Database>(table: &'static str, organization_id: Uuid) -> QueryBuilder<D>
where
    for<'q> Uuid: Encode<'q, D> + Type<D>,
{
    let mut query = QueryBuilder::new("SELECT ");
    query.push(T::selected().join(", ")).push(" FROM ").push(table).push(" own WHERE organization_id = ");
    query.push_bind(organization_id);
    query
}

/// Adds a bound value.
pub(crate) fn push_value<D>(query: &mut QueryBuilder<D>, value: Value)
where
    D: Database,
    for<'q> Option<String>: Encode<'q, D> + Type<D>,
    for<'q> Option<Uuid>: Encode<'q, D> + Type<D>,
    for<'q> Option<i64>: Encode<'q, D> + Type<D>,
    for<'q> Option<f64>: Encode<'q, D> + Type<D>,
    for<'q> Option<bool>: Encode<'q, D> + Type<D>,
    for<'q> Option<NaiveDate>: Encode<'q, D> + Type<D>,
    for<'q> Option<DateTime<Utc>>: Encode<'q, D> + Type<D>,
    for<'q> Option<Vec<u8>>: Encode<'q, D> + Type<D>,
{
    match value {
        Value::Text(value) => query.push_bind(value),
        Value::Uuid(value) => query.push_bind(value),
        Value::Integer(value) => query.push_bind(value),
        Value::Number(value) => query.push_bind(value),
        Value::Boolean(value) => query.push_bind(value),
        Value::Date(value) => query.push_bind(value),
        Value::Instant(value) => query.push_bind(value),
        Value::Bytes(value) => query.push_bind(value),
    };
}

/// Adds conditions to a `WHERE` that has begun.
pub(crate) fn push_conditions<D>(query: &mut QueryBuilder<D>, conditions: &[Condition])
where
    D: Database,
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
