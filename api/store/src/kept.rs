//! Resources as they are kept: the content that callers set, and the stamp that the server adds.

use std::borrow::Cow;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::columns;
use crate::row::{Columns, Reader, Table, Value as Stored};

/// The part of a resource that callers set: one type for its creation, its replacement, its patch and its bulk item.
pub trait Content: Columns + Serialize + ToSchema + Clone + PartialEq {
    /// The table that keeps it.
    const TABLE: &'static str;
    /// The column whose values are unique within the organization, if there is one.
    const UNIQUE: Option<&'static str>;

    /// Columns that are written and never read.
    fn derived(&self) -> Vec<(&'static str, Stored)> {
        vec![]
    }

    /// Whether it is archived; for what can be archived, the field that says so.
    fn archived(&mut self) -> Option<&mut bool> {
        None
    }
}

/// The part of a resource that the server adds, beside its identifier.
pub trait Stamp: Columns + Serialize + ToSchema + Clone + PartialEq {
    /// Of something that begins now.
    fn begin(now: DateTime<Utc>) -> Self;
    /// After a change.
    fn touch(&mut self, now: DateTime<Utc>);
    /// The version.
    fn version(&self) -> i64;
    /// When it was archived, if it can be and is.
    fn archived_at(&mut self) -> Option<&mut Option<DateTime<Utc>>> {
        None
    }
    /// The one that it was merged into, if it can be and was.
    fn merged_into_id(&self) -> Option<Uuid> {
        None
    }
}

/// Version and times of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"version": 1, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"}))]
pub struct Versioned {
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

/// Version and times of a resource that can be archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "archived_at": null, "version": 1, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct Archivable {
    /// Time of archiving; null while in use.
    pub archived_at: Option<DateTime<Utc>>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

/// Version and times of a resource that can be archived, and merged into another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "archived_at": null, "merged_into_id": null, "version": 1, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct Mergeable {
    /// Time of archiving; null while active.
    pub archived_at: Option<DateTime<Utc>>,
    /// Identifier of the one that this one was merged into as its duplicate; null if it was not.
    pub merged_into_id: Option<Uuid>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

columns!(Versioned { version, created_at, updated_at });
columns!(Mergeable { archived_at, merged_into_id, version, created_at, updated_at });

columns!(Archivable { archived_at, version, created_at, updated_at });

/// Declares stamps: the fields that are empty at first, and what else there is.
macro_rules! stamps {
    ($($type:ident { $($empty:ident),* } $({ $($more:item)* })?)+) => {$(
        impl Stamp for $type {
            fn begin(now: DateTime<Utc>) -> Self {
                Self { $($empty: None,)* version: 1, created_at: now, updated_at: now }
            }
            fn touch(&mut self, now: DateTime<Utc>) {
                self.version += 1;
                self.updated_at = now;
            }
            fn version(&self) -> i64 {
                self.version
            }
            $($($more)*)?
        }
    )+};
}

stamps! {
    Versioned {}
    Archivable { archived_at } {
        fn archived_at(&mut self) -> Option<&mut Option<DateTime<Utc>>> {
            Some(&mut self.archived_at)
        }
    }
    Mergeable { archived_at, merged_into_id } {
        fn archived_at(&mut self) -> Option<&mut Option<DateTime<Utc>>> {
            Some(&mut self.archived_at)
        }
        fn merged_into_id(&self) -> Option<Uuid> {
            self.merged_into_id
        }
    }
}

/// A resource: its identifier, its content and its stamp. It reads as its content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept<T, S = Versioned> {
    /// Identifier.
    pub id: Uuid,
    /// The part that callers set.
    #[serde(flatten)]
    pub content: T,
    /// The part that the server adds.
    #[serde(flatten)]
    pub stamp: S,
}

impl<T, S> Deref for Kept<T, S> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T: Content, S: Stamp> Kept<T, S> {
    /// A new resource.
    pub fn new(id: Uuid, content: T, now: DateTime<Utc>) -> Self {
        let mut kept = Self { id, content, stamp: S::begin(now) };
        kept.settle_archiving(now);
        kept
    }

    /// The resource with other content; itself, with the same version, if that is the content it has.
    #[must_use]
    pub fn with(&self, content: T, now: DateTime<Utc>) -> Self {
        let mut changed = Self { content, ..self.clone() };
        if changed == *self {
            return changed;
        }
        changed.stamp.touch(now);
        changed.settle_archiving(now);
        changed
    }

    /// The version.
    pub fn version(&self) -> i64 {
        self.stamp.version()
    }

    /// Raises the version.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        self.stamp.touch(now);
    }

    /// The one that it was merged into, if it can be and was.
    pub fn merged_into_id(&self) -> Option<Uuid> {
        self.stamp.merged_into_id()
    }

    /// Archiving again does not move the time of archiving.
    fn settle_archiving(&mut self, now: DateTime<Utc>) {
        if let (Some(is_archived), Some(archived_at)) = (self.content.archived(), self.stamp.archived_at()) {
            *archived_at = is_archived.then(|| archived_at.unwrap_or(now));
        }
    }
}

impl<T: Content, S: Stamp> Columns for Kept<T, S> {
    fn names() -> Vec<&'static str> {
        [vec!["id"], T::names(), S::names()].concat()
    }

    fn selected() -> Vec<&'static str> {
        [vec!["id"], T::selected(), S::selected()].concat()
    }

    fn read(reader: &mut Reader<'_>) -> sqlx::Result<Self> {
        let mut kept = Self { id: reader.read()?, content: T::read(reader)?, stamp: S::read(reader)? };
        if let (Some(is_archived), Some(archived_at)) = (kept.content.archived(), kept.stamp.archived_at()) {
            *is_archived = archived_at.is_some();
        }
        Ok(kept)
    }

    fn values(&self) -> Vec<Stored> {
        [vec![Stored::Uuid(Some(self.id))], self.content.values(), self.stamp.values()].concat()
    }
}

impl<T: Content, S: Stamp> Table for Kept<T, S> {
    const NAME: &'static str = T::TABLE;
    const UNIQUE: Option<&'static str> = T::UNIQUE;

    fn id(&self) -> Uuid {
        self.id
    }

    fn derived(&self) -> Vec<(&'static str, Stored)> {
        self.content.derived()
    }
}

/// The schema of a resource: all fields of content and stamp in one object, always present.
impl<T: ToSchema, S: ToSchema> PartialSchema for Kept<T, S> {
    fn schema() -> RefOr<Schema> {
        let content = object_of::<T>();
        let stamp = object_of::<S>();
        let parts = [first_example(&content), first_example(&stamp)];
        let id = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some("Identifier."));
        let mut all = ObjectBuilder::new().property("id", id).required("id").description(content.description.clone());
        for (name, schema) in content.properties.into_iter().chain(stamp.properties) {
            all = all.property(name.clone(), schema).required(name);
        }
        let mut example = json!({ "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11" });
        for part in parts.into_iter().flatten() {
            if let (Some(all), Value::Object(part)) = (example.as_object_mut(), part) {
                all.extend(part);
            }
        }
        all.examples([example]).build().into()
    }
}

impl<T: ToSchema, S: ToSchema> ToSchema for Kept<T, S> {
    fn name() -> Cow<'static, str> {
        resource_name::<T>().into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        S::schemas(schemas);
    }
}

/// The name of a resource in the document: that of its content without its ending, `Content` or `Draft`.
pub fn resource_name<T: ToSchema>() -> String {
    let name = T::name();
    name.strip_suffix("Content").or(name.strip_suffix("Draft")).unwrap_or(&name).to_owned()
}

/// The object schema of a type.
pub fn object_of<T: ToSchema>() -> Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::new(),
    }
}

/// The example of a schema.
fn first_example(schema: &Object) -> Option<Value> {
    schema.example.clone().or_else(|| schema.examples.first().cloned())
}
