//! Conditions on the version that a request changes (RFC 9110, 13.1).
//!
//! An operation declares its condition among its parameters: `params(IfMatch)`, `params(IfMatchOptional)` or
//! `params(UpsertConditions)`. The document, the gate and [`crate::context::Context::check_version`] derive from that.

use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::error::{ApiError, Code};

/// Whether an operation looks at `If-Match`, and whether it can be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precondition {
    /// The operation changes nothing that has a version.
    #[default]
    None,
    /// The header may be left out.
    Optional,
    /// The header must be sent: 428 without it.
    Required,
}

impl Precondition {
    /// Refuses a request without the header that its operation requires.
    pub fn admit(self, if_match: Option<&str>) -> Result<(), ApiError> {
        match (self, if_match) {
            (Self::Required, None) => {
                Err(ApiError::new(Code::VersionRequired, "Send If-Match with the ETag of the version you change."))
            }
            _ => Ok(()),
        }
    }
}

/// Declares a required `If-Match`.
#[derive(Debug)]
pub struct IfMatch;

/// Declares an `If-Match` that may be left out.
#[derive(Debug)]
pub struct IfMatchOptional;

/// Declares the conditions of an upsert: `If-Match` and `If-None-Match: *`, both of which may be left out.
#[derive(Debug)]
pub struct UpsertConditions;

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header("If-Match", Required::True, "`ETag` of the version to change.")]
    }
}

impl IntoParams for IfMatchOptional {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = "`ETag` of the version to change. Without it, whatever version is there is changed.";
        vec![header("If-Match", Required::False, text)]
    }
}

impl IntoParams for UpsertConditions {
    fn into_params(location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = "`*` to create only: 412 if the resource exists.";
        let mut all = IfMatchOptional::into_params(location);
        all.push(header("If-None-Match", Required::False, text));
        all
    }
}

fn header(name: &str, required: Required, description: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// Whether the `If-Match` header names a version.
pub fn check(header: &str, version: i64) -> Result<(), ApiError> {
    if header.split(',').any(|tag| names_version(tag.trim(), version)) {
        return Ok(());
    }
    if !header.split(',').all(|tag| is_entity_tag(tag.trim())) {
        return Err(ApiError::parameter(
            "If-Match",
            "wrong_format",
            "must be the ETag as it was sent, in its quotes, or *",
        ));
    }
    let detail = format!("If-Match is {header}, but the resource is at version {version}. Load it again.");
    Err(ApiError::new(Code::VersionMismatch, detail))
}

/// Whether a text has the form of an entity tag (RFC 9110).
fn is_entity_tag(tag: &str) -> bool {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    tag == "*" || (quoted.len() >= 2 && quoted.starts_with('"') && quoted.ends_with('"'))
}

/// Whether an entity tag names a version: `*`, `"7"`, `W/"7"`, or `"7-20260302"` for what also depends on the day.
fn names_version(tag: &str, version: i64) -> bool {
    if tag == "*" {
        return true;
    }
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let Some(inner) = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    inner.split('-').next() == Some(version.to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::names_version;

    #[test]
    fn entity_tags() {
        for (tag, named) in [
            ("*", true),
            ("\"7\"", true),
            ("W/\"7\"", true),
            ("\"7-20260302\"", true),
            ("\"70\"", false),
            ("7", false),
            ("\"\"", false),
            ("\"8-7\"", false),
        ] {
            assert_eq!(names_version(tag, 7), named, "{tag}");
        }
    }
}
