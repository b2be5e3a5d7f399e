//! Differences of a value from the document, in our words.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use crate::error::{FieldError, MOST_ERRORS};

/// Returns the first differences, one more than an answer names.
pub fn differences(validator: &Validator, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for error in validator.iter_errors(value) {
        explain(&error, &mut |pointer, code, detail| {
            if errors.len() <= MOST_ERRORS {
                errors.push(FieldError::in_body(pointer, code, detail));
            }
        });
        if errors.len() > MOST_ERRORS {
            break;
        }
    }
    errors
}

/// Says in our words what a schema error means, once for each place it names.
pub fn explain(error: &ValidationError<'_>, tell: &mut impl FnMut(String, &str, String)) {
    let at = error.instance_path().as_str().to_owned();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected.iter().take(MOST_ERRORS + 1) {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                tell(format!("{at}/{escaped}"), "unknown_field", "is not a field here".to_owned());
            }
        }
        ValidationErrorKind::Required { property } => {
            tell(format!("{at}/{}", property.as_str().unwrap_or_default()), "required", "must be given".to_owned());
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            // Of "null or X", and of a key or an object, the sender meant the branch whose type fits.
            let is_wrong_type = |inner: &ValidationError<'_>| {
                matches!(inner.kind(), ValidationErrorKind::Type { .. })
                    && inner.instance_path() == error.instance_path()
            };
            let fitting = context.iter().find(|errors| !errors.iter().any(is_wrong_type));
            let branch = fitting.or_else(|| context.iter().find(|errors| !errors.iter().any(only_null_fits)));
            for inner in branch.into_iter().flatten() {
                explain(inner, tell);
            }
        }
        kind => {
            let (code, detail) = rule_of(kind);
            tell(at, code, detail);
        }
    }
}

fn only_null_fits(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Null) })
}

fn rule_of(kind: &ValidationErrorKind) -> (&'static str, String) {
    match kind {
        ValidationErrorKind::Type { kind } => {
            let types = match kind {
                TypeKind::Single(only) => only.to_string(),
                TypeKind::Multiple(set) => set.iter().map(|each| each.to_string()).collect::<Vec<_>>().join(" or "),
            };
            ("wrong_type", format!("must be of type {types}"))
        }
        ValidationErrorKind::MaxLength { limit } => ("too_long", format!("must have at most {limit} characters")),
        ValidationErrorKind::MinLength { limit } => ("too_short", format!("must have at least {limit} characters")),
        ValidationErrorKind::MaxItems { limit } => ("too_many_items", format!("must have at most {limit} items")),
        ValidationErrorKind::MinItems { limit } => ("too_few_items", format!("must have at least {limit} items")),
        ValidationErrorKind::Maximum { limit } => ("too_large", format!("must be at most {limit}")),
        ValidationErrorKind::Minimum { limit } => ("too_small", format!("must be at least {limit}")),
        ValidationErrorKind::ExclusiveMinimum { limit } => ("too_small", format!("must be greater than {limit}")),
        ValidationErrorKind::ExclusiveMaximum { limit } => ("too_large", format!("must be less than {limit}")),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten().filter(|option| !option.is_null());
            let options: Vec<String> = options.map(ToString::to_string).collect();
            ("not_an_option", format!("must be one of {}", options.join(", ")))
        }
        ValidationErrorKind::Format { format } => {
            ("wrong_format", format!("must be a {format}, such as {}", sample_of(format)))
        }
        ValidationErrorKind::Pattern { pattern } => {
            ("wrong_pattern", milepost_domain::values::text::pattern_in_words(pattern).to_owned())
        }
        ValidationErrorKind::UniqueItems => ("repeated", "must not name anything twice".to_owned()),
        other => ("not_valid", format!("does not satisfy '{}' of the document", other.keyword())),
    }
}

fn sample_of(format: &str) -> &'static str {
    match format {
        "date" => "2026-03-31",
        "date-time" => "2026-03-31T12:00:00Z",
        "uuid" => "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
        _ => "the document's example",
    }
}
