//! Versioned definitions: a key under which numbered versions are found. A version can change until it is published.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::row::{self, Columns, Condition, Reader, Table, Value, push_value};
use crate::{Conn, columns, on};

/// The content of a version: one type a kind of definition.
pub trait VersionedContent: Columns + Clone {
    /// The table of definitions.
    const DEFINITIONS: &'static str;
    /// The table of versions.
    const VERSIONS: &'static str;
    /// The column of that table that names the definition.
    const OF: &'static str;
    /// The table of activations; `None` where versions are published and that is all.
    const ACTIVATIONS: Option<&'static str> = None;
}

/// A definition: the key under which its versions are found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct Definition<C> {
    pub id: Uuid,
    pub key: String,
    pub created_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    /// The kind of definition.
    pub kind: std::marker::PhantomData<C>,
}

/// A version of a definition.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct Version<C> {
    /// The definition.
    pub of: Uuid,
    pub number: i64,
    pub content: C,
    pub published_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The day from which a version of a definition applied; without a number, the day from which none did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Activation {
    pub id: Uuid,
    pub model_id: Uuid,
    pub number: Option<i64>,
    pub activated_at: DateTime<Utc>,
    pub activated_on: NaiveDate,
}

columns!(Activation { id, model_id, number, activated_at, activated_on });

impl<C> Definition<C> {
    /// A new definition.
    pub const fn new(id: Uuid, key: String, created_at: DateTime<Utc>) -> Self {
        Self { id, key, created_at, archived_at: None, kind: std::marker::PhantomData }
    }
}

impl<C> Columns for Definition<C> {
    fn names() -> Vec<&'static str> {
        vec!["id", "key", "created_at", "archived_at"]
    }

    fn read(reader: &mut Reader<'_>) -> sqlx::Result<Self> {
        let new = Self::new(reader.read()?, reader.read()?, reader.read()?);
        Ok(Self { archived_at: reader.read()?, ..new })
    }

    fn values(&self) -> Vec<Value> {
        let (id, key) = (Value::Uuid(Some(self.id)), Value::Text(Some(self.key.clone())));
        vec![id, key, Value::Instant(Some(self.created_at)), Value::Instant(self.archived_at)]
    }
}

impl<C: VersionedContent> Table for Definition<C> {
    const NAME: &'static str = C::DEFINITIONS;
    const UNIQUE: Option<&'static str> = Some("key");

    fn id(&self) -> Uuid {
        self.id
    }
}

impl<C: VersionedContent> Columns for Version<C> {
    fn names() -> Vec<&'static str> {
        [vec![C::OF, "number"], C::names(), vec!["published_at", "version", "created_at", "updated_at"]].concat()
    }

    fn read(reader: &mut Reader<'_>) -> sqlx::Result<Self> {
        Ok(Self {
            of: reader.read()?,
            number: reader.read()?,
            content: C::read(reader)?,
            published_at: reader.read()?,
            version: reader.read()?,
            created_at: reader.read()?,
            updated_at: reader.read()?,
        })
    }

    fn values(&self) -> Vec<Value> {
        let mut all = vec![Value::Uuid(Some(self.of)), Value::Integer(Some(self.number))];
        all.extend(self.content.values());
        all.extend([
            Value::Instant(self.published_at),
            Value::Integer(Some(self.version)),
            Value::Instant(Some(self.created_at)),
            Value::Instant(Some(self.updated_at)),
        ]);
        all
    }
}

/// Finds a definition by its identifier or its key.
pub async fn find<C: VersionedContent>(
    conn: &mut Conn,
    organization_id: Uuid,
    id_or_key: &str,
) -> sqlx::Result<Option<Definition<C>>> {
    if let Ok(id) = id_or_key.parse::<Uuid>() {
        let found = row::find(conn, organization_id, id).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    row::find_by(conn, organization_id, "key", Value::Text(Some(id_or_key.to_owned()))).await
}

/// All versions of some definitions, or of all, by number.
pub async fn versions<C: VersionedContent>(
    conn: &mut Conn,
    organization_id: Uuid,
    of: Option<&[Uuid]>,
) -> sqlx::Result<Vec<Version<C>>> {
    let of = of.map(|ids| Condition::OneOf(C::OF, ids.iter().map(|id| Value::Uuid(Some(*id))).collect()));
    let conditions: Vec<Condition> = of.into_iter().collect();
    let order = format!("{}, number", C::OF);
    row::select(conn, organization_id, C::VERSIONS, &conditions, &order).await
}

/// One version of a definition by its number.
pub async fn version<C: VersionedContent>(
    conn: &mut Conn,
    organization_id: Uuid,
    of: Uuid,
    number: i64,
) -> sqlx::Result<Option<Version<C>>> {
    let conditions =
        [Condition::Equals(C::OF, Value::Uuid(Some(of))), Condition::Equals("number", Value::Integer(Some(number)))];
    Ok(row::select(conn, organization_id, C::VERSIONS, &conditions, "number").await?.pop())
}

/// All activations, in order; none where there is no such thing.
pub async fn activations<C: VersionedContent>(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Activation>> {
    match C::ACTIVATIONS {
        Some(table) => row::select(conn, organization_id, table, &[], "id").await,
        None => Ok(vec![]),
    }
}

/// Adds a version.
pub async fn insert_version<C: VersionedContent>(
    conn: &mut Conn,
    organization_id: Uuid,
    version: &Version<C>,
) -> sqlx::Result<()> {
    row::insert_into(conn, organization_id, C::VERSIONS, version).await
}

/// Adds an activation.
pub async fn insert_activation<C: VersionedContent>(
    conn: &mut Conn,
    organization_id: Uuid,
    activation: &Activation,
) -> sqlx::Result<()> {
    match C::ACTIVATIONS {
        Some(table) => row::insert_into(conn, organization_id, table, activation).await,
        None => Ok(()),
    }
}

/// Saves a change of a draft, or its publication. What is published already stays as it is.
pub async fn update_version<C: VersionedContent>(
    conn: &mut Conn,
    organization_id: Uuid,
    version: &Version<C>,
) -> sqlx::Result<()> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("UPDATE ");
        query.push(C::VERSIONS).push(" SET version = ").push_bind(version.version);
        for (name, value) in Version::<C>::names().into_iter().zip(version.values()) {
            if ![C::OF, "number", "version", "created_at"].contains(&name) {
                query.push(", ").push(name).push(" = ");
                push_value(&mut query, value);
            }
        }
        query.push(" WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND ").push(C::OF).push(" = ").push_bind(version.of);
        query.push(" AND number = ").push_bind(version.number).push(" AND published_at IS NULL");
        query.build().execute(db).await.map(|_| ())
    })
}
