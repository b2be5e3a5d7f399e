//! One description of a row, from which INSERT, UPDATE, SELECT, DELETE and pages are written.
//!
//! `columns!` names the fields of a type once: each stands beside its own value, so a column cannot receive another
//! column's value. Joins, aggregates and whatever else is more than one row of one table stay hand-written SQL.

mod condition;
mod value;

use std::collections::HashMap;
use std::hash::Hash;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Encode, QueryBuilder, Row as _, Type};
use uuid::Uuid;

pub use self::condition::Condition;
pub(crate) use self::condition::push_conditions;
pub(crate) use self::value::push_value;
pub use self::value::{Column, Kind, Value};
use crate::keyset::{Slice, push_slice};
use crate::many::ROWS_PER_INSERT;
use crate::{Conn, on};

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
/// The key of the reward that a row names.
pub const REWARD_KEY: &str =
    "(SELECT r.key FROM rewards r WHERE r.organization_id = own.organization_id AND r.id = own.reward_id)";
/// The name of the reward that a row names.
pub const REWARD_NAME: &str =
    "(SELECT r.name FROM rewards r WHERE r.organization_id = own.organization_id AND r.id = own.reward_id)";
/// The external reference of the customer that a customer is a part of.
pub const PARENT_REF: &str =
    "(SELECT c.external_ref FROM customers c WHERE c.organization_id = own.organization_id AND c.id = own.parent_id)";

/// The external reference of the team that a team is a part of.
pub const PARENT_TEAM_REF: &str =
    "(SELECT t.external_ref FROM teams t WHERE t.organization_id = own.organization_id AND t.id = own.parent_id)";
/// The name of the team that a row names.
pub const TEAM_NAME: &str =
    "(SELECT t.name FROM teams t WHERE t.organization_id = own.organization_id AND t.id = own.team_id)";

/// Declares what is known of a person whom a row names in a column.
macro_rules! known_of_people {
    ($($name:ident: $known:literal by $column:literal),+ $(,)?) => {$(
        #[doc = concat!("The `", $known, "` of the person in `", $column, "`.")]
        pub const $name: &str = concat!(
            "(SELECT h.", $known, " FROM people h WHERE h.organization_id = own.organization_id AND h.id = own.", $column, ")"
        );
    )+};
}

known_of_people!(
    PERSON_REF: "external_ref" by "person_id",
    PERSON_NAME: "name" by "person_id",
    MANAGER_REF: "external_ref" by "manager_id",
    MANAGER_NAME: "name" by "manager_id",
    LEAD_REF: "external_ref" by "lead_id",
    OWNER_REF: "external_ref" by "owner_id",
    SENDER_NAME: "name" by "sender_id",
);
/// The name of the owner that a row names: a person's of today, or else the text.
pub const OWNER_NAME: &str = "COALESCE((SELECT h.name FROM people h WHERE h.organization_id = own.organization_id AND h.id = own.owner_id), own.owner_name)";

/// The key of the milestone that a row names.
pub const MILESTONE_KEY: &str =
    "(SELECT m.key FROM milestones m WHERE m.organization_id = own.organization_id AND m.id = own.milestone_id)";
/// The key of the milestone of another plan that a row names.
pub const ON_MILESTONE_KEY: &str =
    "(SELECT m.key FROM milestones m WHERE m.organization_id = own.organization_id AND m.id = own.on_milestone_id)";
/// The name of the other plan that a row names.
pub const ON_PLAN_NAME: &str =
    "(SELECT p.name FROM plans p WHERE p.organization_id = own.organization_id AND p.id = own.on_plan_id)";

/// Describes a row: the fields that are columns, each once. Fields after `;` are read from another table by an expression and
/// never written; fields after `|` are written as they are, and read by an expression; fields after `..` are not stored and take the
/// value given.
#[macro_export]
macro_rules! columns {
    ($type:ty { $($column:ident),+ $(,)? $(| $($shown:ident: $by:ident),+)? $(; $($known:ident: $sql:ident),+)? $(.. $rest:ident: $value:expr)? }) => {
        impl $crate::row::Columns for $type {
            fn names() -> Vec<&'static str> {
                vec![$(stringify!($column)),+ $($(, stringify!($shown))+)?]
            }
            fn selected() -> Vec<&'static str> {
                vec![$(stringify!($column)),+ $($(, $crate::row::$by)+)? $($(, $crate::row::$sql)+)?]
            }
            fn read(reader: &mut $crate::row::Reader<'_>) -> sqlx::Result<Self> {
                Ok(Self { $($column: reader.read()?,)+ $($($shown: reader.read()?,)+)? $($($known: reader.read()?,)+)? $($rest: $value)? })
            }
            fn values(&self) -> Vec<$crate::row::Value> {
                vec![$($crate::row::Column::to_value(&self.$column)),+ $($(, $crate::row::Column::to_value(&self.$shown))+)?]
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

/// The rows that belong to some plans, or to all, in the order of recording.
pub async fn of_plans<T: Table>(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_ids: Option<&[Uuid]>,
) -> sqlx::Result<Vec<T>> {
    let Some(ids) = plan_ids else { return all(conn, organization_id, &[], "id").await };
    let mut found = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let some = some.iter().map(|id| Value::Uuid(Some(*id))).collect();
        found.extend(all(conn, organization_id, &[Condition::OneOf("plan_id", some)], "id").await?);
    }
    Ok(found)
}

/// Rows by what they belong to, each in the order that it had.
pub fn by<T, K: Eq + Hash>(rows: Vec<T>, of: impl Fn(&T) -> K) -> HashMap<K, Vec<T>> {
    let mut found: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        found.entry(of(&row)).or_default().push(row);
    }
    found
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
