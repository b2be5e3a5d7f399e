//! Forms in which requests send a resource, beside its whole content: a merge patch, and an item of a bulk upsert.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::{Managed, Referred, find_by_ref, put};
use crate::bulk::{BulkItem, BulkResult, Outcome};
use crate::contract::Contract;
use crate::error::{ApiError, Code, FieldError};
use crate::store::kept::{Kept, object_of, resource_name};
use crate::unit::Unit;

/// A merge patch (RFC 7396) of a content: a field that is absent stays, one that is null is cleared, anything else is set.
#[derive(Debug, Clone)]
pub struct MergePatch<T> {
    patch: Value,
    of: PhantomData<T>,
}

impl<T: Managed> MergePatch<T> {
    /// The content after the patch, checked as a whole.
    pub fn applied_to(&self, content: &T, contract: &Contract) -> Result<T, ApiError> {
        let mut merged = serde_json::to_value(content)?;
        // Who names somebody else by one of two fields does not mean the other field's value.
        for [id, reference] in T::REFERENCES.iter().map(|name| ["_id", "_ref"].map(|end| format!("{name}{end}"))) {
            match (self.patch.get(&id), self.patch.get(&reference)) {
                (Some(_), None) => merged[reference] = Value::Null,
                (None, Some(_)) => merged[id] = Value::Null,
                _ => {}
            }
        }
        for (field, dependent, value) in T::DEPENDENT {
            let is_changed = self.patch.get(field).is_some_and(|new| merged.get(field) != Some(new));
            if is_changed && self.patch.get(dependent).is_none() {
                merged[dependent] = value.clone();
            }
        }
        for [id, reference, name] in
            T::REFERENCES.iter().map(|name| ["_id", "_ref", "_name"].map(|end| format!("{name}{end}")))
        {
            // Who is named is a person or somebody outside, and not both.
            if merged.get(&name).is_some() {
                if self.patch.get(&id).is_some() || self.patch.get(&reference).is_some() {
                    merged[name] = Value::Null;
                } else if self.patch.get(&name).is_some() {
                    (merged[id], merged[reference]) = (Value::Null, Value::Null);
                }
            }
        }
        json_patch::merge(&mut merged, &self.patch);
        let errors = contract.check_schema(&Self::name(), &merged);
        if !errors.is_empty() {
            return Err(ApiError::with_errors(Code::ValidationFailed, errors));
        }
        serde_json::from_value(merged).map_err(|error| ApiError::field("", "not_valid", error.to_string()))
    }
}

impl<'de, T> Deserialize<'de> for MergePatch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { patch: Value::deserialize(deserializer)?, of: PhantomData })
    }
}

/// The schema of a patch: that of the content, with nothing required.
impl<T: ToSchema> PartialSchema for MergePatch<T> {
    fn schema() -> RefOr<Schema> {
        let mut object = object_of::<T>();
        let name = resource_name::<T>();
        object.required.clear();
        object.description =
            Some(format!("Merge patch (RFC 7396) of `{name}`: absent fields stay, null clears a field."));
        object.into()
    }
}

impl<T: ToSchema> ToSchema for MergePatch<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Patch", resource_name::<T>()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

/// An item of a bulk upsert: a content with its reference.
#[derive(Debug, Clone)]
pub struct Item<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// The schema of an item: that of the content, whose reference is required and not null.
impl<T: ToSchema> PartialSchema for Item<T> {
    fn schema() -> RefOr<Schema> {
        let mut object = object_of::<T>();
        let reference = Ref::builder()
            .ref_location_from_schema_name("ExternalRef")
            .description(Some("External reference: the identifier in the calling system, by which the item is found."));
        object.required.push("external_ref".to_owned());
        object.properties.insert("external_ref".to_owned(), reference.into());
        object.description =
            Some(format!("{} of a bulk upsert, found by its external reference.", resource_name::<T>()));
        object.into()
    }
}

impl<T: ToSchema> ToSchema for Item<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Item", resource_name::<T>()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

impl<T: Referred> BulkItem for Item<T> {
    async fn put(mut self, unit: &mut Unit) -> Result<BulkResult, ApiError> {
        let Some(reference) = self.0.external_ref().clone() else {
            return Ok(BulkResult::refused(vec![FieldError::in_body("/external_ref", "required", "must be given")]));
        };
        let known = find_by_ref::<T>(unit, &reference).await?;
        let version = known.as_ref().map(Kept::version);
        match put(unit, known, &reference, self.0).await {
            Ok(kept) => Ok(BulkResult::done(Outcome::of(version, kept.version()), kept.id)),
            // What is wrong with an item is found before anything is written of it.
            Err(error) if !error.fields().is_empty() => Ok(BulkResult::refused(error.fields().to_vec())),
            Err(error) => Err(error),
        }
    }
}
