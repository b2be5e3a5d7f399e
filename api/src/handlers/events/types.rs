//! Types of an organization's usage events, and what they mean.

use actix_web::get;
use chrono::{DateTime, Utc};
use milepost_domain::customer::deed::{Deed, standard_type};
use milepost_domain::values::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::store::usage_events;

/// Options of the list of event types.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventTypeOptions {
    /// Number of the most recent events that are looked at. Defaults to 100,000.
    #[param(minimum = 1, maximum = 1_000_000)]
    events: Option<i64>,
    /// Filter by whether the type has a meaning beside plain use: `false` for types that risk and standard factors know nothing of.
    mapped: Option<bool>,
}

/// Types of usage events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "data": [{"type": "lesson_done", "events": 512, "last_at": "2026-05-04T10:00:00Z", "meaning": "use", "mapped": false}]
}))]
pub struct EventTypes {
    /// Types, the most frequent first, at most 1,000.
    #[schema(max_items = 1000)]
    data: Vec<EventType>,
}

/// A type of usage events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"type": "lesson_done", "events": 512, "last_at": "2026-05-04T10:00:00Z", "meaning": "use", "mapped": false}))]
pub struct EventType {
    /// Type of the events.
    #[serde(rename = "type")]
    #[schema(value_type = Name)]
    kind: String,
    /// Number of such events among those looked at.
    #[schema(minimum = 1)]
    events: i64,
    /// Time of the latest of them.
    last_at: DateTime<Utc>,
    /// Kind of activity that such an event reports.
    meaning: Deed,
    /// Whether the organization has given the type a meaning, or its name has one by the standard.
    mapped: bool,
}

/// List the types of usage events
///
/// Returns the types of the most recent events with what they mean to risk and to standard factors. Types that mean nothing but use are
/// unmapped: `event_meanings` of the organization gives them a meaning.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), params(EventTypeOptions),
    responses((status = 200, description = "The types.", body = EventTypes)))]
#[get("/v1/events/types")]
pub async fn list_event_types(cx: Context, options: Query<EventTypeOptions>) -> Result<Answer, ApiError> {
    let EventTypeOptions { events, mapped } = options.0;
    let mut conn = cx.snapshot().await?;
    let found = usage_events::types(&mut conn, cx.organization_id(), events.unwrap_or(100_000)).await?;
    let meanings = &cx.who.tenant.event_meanings;
    let of = |(kind, events, last_at): (String, i64, DateTime<Utc>)| {
        let meaning = Deed::meant_by(&kind, meanings);
        let mapped = meaning != Deed::Use || standard_type(&kind, meanings).is_some();
        EventType { kind, events, last_at, meaning, mapped }
    };
    let data = found.into_iter().map(of).filter(|one| mapped.is_none_or(|mapped| one.mapped == mapped)).collect();
    Ok(Answer::ok(&EventTypes { data })?.content_tag())
}
