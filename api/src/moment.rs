//! The moment of an answer: the date that it refers to, and the instant whose knowledge it uses.
//!
//! A handler that takes one of these declares it with `params(…)` and does not resolve dates itself.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;

/// Reference date of a request: `as_of`, or today in the organization's time zone.
#[derive(Debug, Clone, Copy)]
pub struct AsOf(pub NaiveDate);

/// Reference date and instant of knowledge. Without `as_of`, the date is that of `known_at`, and without both, today.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Reference date.
    pub as_of: NaiveDate,
    /// Instant of knowledge: only what had been recorded by then counts.
    pub known_at: Option<DateTime<Utc>>,
}

/// Instant of knowledge of a request for several dates.
#[derive(Debug, Clone, Copy)]
pub struct KnownAt {
    /// Date of the instant of knowledge, or today: the last date, unless one is given.
    pub today: NaiveDate,
    /// Instant of knowledge.
    pub known_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DateParameter {
    /// Date that the answer refers to. Defaults to today in the organization's time zone. Dates before the start or
    /// after the end are allowed.
    #[param(example = "2026-05-04")]
    as_of: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InstantParameter {
    /// Instant of knowledge: the answer uses only what had been recorded by then. The date that the answer refers to
    /// then defaults to the date of this instant.
    known_at: Option<DateTime<Utc>>,
}

/// Refuses parameters `from` and `to` that are not in order.
pub fn check_in_order(from: NaiveDate, to: NaiveDate) -> Result<(), ApiError> {
    if from <= to {
        return Ok(());
    }
    Err(ApiError::parameter("from", "out_of_order", format!("must not be after {to}")))
}

impl KnownAt {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let Query(InstantParameter { known_at }) = Query::read(request)?;
        let extensions = request.extensions();
        let cx = extensions.get::<Context>().ok_or_else(|| ApiError::internal("a moment needs a caller"))?;
        Ok(Self { today: cx.date_of(known_at.unwrap_or(cx.now)), known_at })
    }
}

impl Moment {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let Query(DateParameter { as_of }) = Query::read(request)?;
        let KnownAt { today, known_at } = KnownAt::read(request)?;
        Ok(Self { as_of: as_of.unwrap_or(today), known_at })
    }
}

impl AsOf {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let Query(DateParameter { as_of }) = Query::read(request)?;
        let extensions = request.extensions();
        let cx = extensions.get::<Context>().ok_or_else(|| ApiError::internal("a date needs a caller"))?;
        Ok(Self(as_of.unwrap_or_else(|| cx.today())))
    }
}

macro_rules! from_request {
    ($($type:ty),+) => {$(
        impl FromRequest for $type {
            type Error = ApiError;
            type Future = Ready<Result<Self, ApiError>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(Self::read(request))
            }
        }
    )+};
}
from_request!(AsOf, KnownAt, Moment);

/// `params(AsOf)` declares the reference date.
impl IntoParams for AsOf {
    fn into_params(location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        DateParameter::into_params(location)
    }
}

/// `params(KnownAt)` declares the instant of knowledge.
impl IntoParams for KnownAt {
    fn into_params(location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        InstantParameter::into_params(location)
    }
}

/// `params(Moment)` declares both.
impl IntoParams for Moment {
    fn into_params(location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [DateParameter::into_params(&location), InstantParameter::into_params(&location)].concat()
    }
}
