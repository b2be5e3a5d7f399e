//! Values of columns, and the types that columns hold.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

use crate::json_text::JsonText;

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

    /// The identifier that it is.
    pub const fn id(&self) -> Option<Uuid> {
        if let Self::Uuid(id) = self { *id } else { None }
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
    crate::public_key::PublicKey,
    milepost_domain::usage::metric::MetricFilter,
    milepost_domain::customer::playbook::Playbook,
    Vec<milepost_domain::plan::template::MilestoneDefinition>,
    Vec<uuid::Uuid>,
    Vec<crate::merges::MovedCount>,
    milepost_domain::access::Scopes,
    milepost_domain::recognition::badge::BadgeContent,
    milepost_domain::recognition::badge::BadgeDesign,
    milepost_domain::recognition::badge::BadgeSet,
    Vec<milepost_domain::recognition::badge::Alignment>,
    Vec<milepost_domain::values::text::Key>,
    Vec<milepost_domain::values::text::Label>,
    Vec<milepost_domain::values::text::Note>,
    Vec<milepost_domain::recognition::award::AwardEvidence>,
    Vec<milepost_domain::plan::milestone::Evidence>,
    Vec<milepost_domain::recognition::competition::FinalScore>,
    Vec<milepost_domain::proof::validation::Need>,
    Vec<milepost_domain::proof::validation::Score>,
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

trusted_columns!(Name, Label, Key, Note, Reason, ExternalRef, Email, TimeZone, Language, WebAddress, Currency);
text_columns!(
    crate::author::Author,
    crate::reference_periods::Holder,
    crate::rejected_messages::Channel,
    milepost_domain::people::Employment,
    milepost_domain::people::identity::PersonBy,
    milepost_domain::people::PersonKind,
    milepost_domain::people::profile::ProfileVisibility,
    milepost_domain::usage::metric::Aggregate,
    milepost_domain::customer::outcome::OutcomeKind,
    milepost_domain::plan::Kind,
    milepost_domain::plan::milestone::State,
    milepost_domain::customer::intervention::InterventionKind,
    milepost_domain::customer::intervention::EndedBy,
    milepost_domain::customer::intervention::Outcome,
    milepost_domain::customer::intervention::Priority,
    milepost_domain::customer::risk::Level,
    milepost_domain::recognition::artwork::ArtworkKind,
    milepost_domain::recognition::badge::AchievementType,
    milepost_domain::recognition::badge::BadgeTier,
    milepost_domain::recognition::award::Publication,
    milepost_domain::recognition::celebration::Reaction,
    milepost_domain::recognition::deed::Measure,
    milepost_domain::recognition::deed::RecognitionConsent,
    milepost_domain::recognition::impact::ImpactKind,
    milepost_domain::proof::evidence::FileKind,
    milepost_domain::recognition::reward::GrantStep,
    milepost_domain::recognition::reward::RewardKind,
    milepost_domain::recognition::impact::ImpactState,
    milepost_domain::recognition::story::StoryState,
    milepost_domain::proof::validation::Decision,
    milepost_domain::proof::validation::ValidationKind,
    milepost_domain::proof::validation::ValidationState,
);

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
