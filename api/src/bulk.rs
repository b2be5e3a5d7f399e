//! Bulk requests: many items, one result each, in the same order.

use std::marker::PhantomData;

use actix_web::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, FieldError};
use crate::unit::Unit;

/// Items to create or replace. Each is checked by itself, so an invalid item does not affect the others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest<T: ToSchema> {
    /// Items, at most 500.
    #[schema(min_items = 1, max_items = 500)]
    items: Vec<Value>,
    #[serde(skip)]
    #[schema(ignore)]
    item: PhantomData<T>,
}

/// An item that can be written by itself.
pub trait BulkItem: DeserializeOwned + ToSchema {
    /// Writes it.
    fn put(self, unit: &mut Unit) -> impl Future<Output = Result<BulkResult, ApiError>>;
}

/// Outcome of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Created.
    Created,
    /// Replaced: the item existed and has changed.
    Updated,
    /// Left as it is: the item already has this content.
    Unchanged,
    /// Refused: the item is invalid and was left out.
    Refused,
}

impl Outcome {
    /// From the version before, if there was one, and the version after.
    pub fn of(before: Option<i64>, after: i64) -> Self {
        match before {
            None => Self::Created,
            Some(version) if version == after => Self::Unchanged,
            Some(_) => Self::Updated,
        }
    }
}

/// Maximum number of errors that are named for an item.
const MOST_ERRORS_OF_ITEM: usize = 20;

/// Result of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// Outcome.
    outcome: Outcome,
    /// Identifier; null if the item was refused.
    id: Option<Uuid>,
    /// Errors of the item, at most the first 20; pointers start at the item.
    #[schema(max_items = 20)]
    errors: Vec<FieldError>,
}

impl BulkResult {
    /// Written, or found as it should be.
    pub fn done(outcome: Outcome, id: Uuid) -> Self {
        Self { outcome, id: Some(id), errors: vec![] }
    }

    /// Left out.
    pub fn refused(mut errors: Vec<FieldError>) -> Self {
        errors.truncate(MOST_ERRORS_OF_ITEM);
        Self { outcome: Outcome::Refused, id: None, errors }
    }
}

/// Results of a bulk request, in the order of the items.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"results": [
    {"outcome": "created", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "errors": []},
    {"outcome": "refused", "id": null, "errors": [{"pointer": "/name", "code": "required", "detail": "must be given"}]}
]}))]
pub struct BulkResults {
    /// Results, one for each item.
    #[schema(max_items = 500)]
    results: Vec<BulkResult>,
}

/// Writes every item that is right, in one transaction, and answers 207 with one result for each.
pub async fn put_all<T: BulkItem>(cx: &Context, request: &BulkRequest<T>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let mut results = Vec::with_capacity(request.items.len());
        for item in &request.items {
            let errors = cx.app.contract.check_schema(&T::name(), item);
            let result = match (errors.is_empty(), serde_json::from_value::<T>(item.clone())) {
                (true, Ok(item)) => item.put(unit).await?,
                (true, Err(error)) => {
                    BulkResult::refused(vec![FieldError::in_body("", "not_valid", error.to_string())])
                }
                (false, _) => BulkResult::refused(errors),
            };
            results.push(result);
        }
        {
            let is_mixed = results.iter().any(|result| result.outcome == Outcome::Refused);
            let status = if is_mixed { StatusCode::MULTI_STATUS } else { StatusCode::OK };
            Answer::json(status, &BulkResults { results })
        }
    })
    .await
}
