//! Lists in pages: `limit` and `cursor` in, `{data, next_cursor, has_more}` and a `Link` out.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use milepost_domain::values::text::folded;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::contract::query_pairs;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::read_query;
use crate::read_model::reports::Report;
use crate::store::keyset::{Direction, Key, Order, Position, Slice};

/// Default number of items on a page.
const DEFAULT_LIMIT: usize = 50;

/// The parameters of every list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; `Paging` reads them")]
struct PagingParams {
    /// Maximum number of items on the page.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page. It is valid for the same list with the same filters and order.
    #[param(max_length = 2000)]
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// Items of the page.
    #[schema(max_items = 200)]
    pub data: Vec<T>,
    /// Cursor of the next page, to send as `cursor`; null on the last page.
    #[schema(max_length = 2000, required)]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// The orders of lists of named things.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum NameSort {
    /// By name, without regard to case.
    #[default]
    #[serde(rename = "name")]
    Name,
    /// By name, backwards.
    #[serde(rename = "-name")]
    NameDescending,
    /// Oldest first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// Newest first.
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

impl NameSort {
    /// Key that the list is ordered by.
    pub const fn order(self) -> Order {
        match self {
            Self::Name | Self::NameDescending => Order::Text("name_folded"),
            Self::CreatedAt | Self::CreatedAtDescending => Order::Id,
        }
    }

    /// Direction of the order.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Name | Self::CreatedAt => Direction::Ascending,
            Self::NameDescending | Self::CreatedAtDescending => Direction::Descending,
        }
    }

    /// The position of a named thing in this order.
    pub fn position(self, name: &str, id: Uuid) -> Position {
        let key = match self.order() {
            Order::Id => None,
            Order::Text(_) | Order::Date(_) => Some(Key::Text(folded(name))),
        };
        Position { key, id }
    }
}

/// The requested page.
#[derive(Debug)]
pub struct Paging {
    /// Items at most.
    pub limit: usize,
    after: Option<Position>,
    /// Binding of a cursor: organization, route, filters and order.
    binding: String,
    path: String,
    /// The query without its cursor.
    query: Vec<(String, String)>,
}

/// Content of a cursor, after its binding.
#[derive(Serialize, Deserialize)]
struct Cursor {
    b: String,
    #[serde(flatten)]
    position: Position,
}

/// `params(Paging)` declares a list.
impl IntoParams for Paging {
    fn into_params(location: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        PagingParams::into_params(location)
    }
}

impl FromRequest for Paging {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::read(request))
    }
}

impl Paging {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut found = read_query(request)?;
        let cursor = found.remove("cursor");
        let limit = found.remove("limit").and_then(|limit| limit.as_u64());
        let extensions = request.extensions();
        let cx = extensions.get::<Context>().ok_or_else(|| ApiError::internal("a list needs a caller"))?;
        let bound = format!("{}\n{}\n{}", cx.organization_id(), request.path(), serde_json::to_string(&found)?);
        let digest = digest::digest(&digest::SHA256, bound.as_bytes());
        let binding = BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9]);
        let after = match cursor.as_ref().and_then(|cursor| cursor.as_str()) {
            Some(text) => Some(read_cursor(text, &binding)?),
            None => None,
        };
        let query = query_pairs(request.query_string());
        Ok(Self {
            limit: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT),
            after,
            binding,
            path: request.path().to_owned(),
            query: query.into_iter().filter(|(name, _)| name != "cursor").collect(),
        })
    }

    /// The rows to fetch: one more than the page holds, which tells whether there is a next one.
    pub fn slice(&self, order: Order, direction: Direction) -> Result<Slice, ApiError> {
        if self.after.as_ref().is_some_and(|after| !order.admits(after)) {
            return Err(invalid_cursor());
        }
        Ok(Slice { order, direction, after: self.after.clone(), rows: self.limit + 1 })
    }

    /// Where the page before ended, as a number.
    pub fn after_number(&self) -> Option<i64> {
        match self.after.as_ref()?.key {
            Some(Key::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// The answer: at most `limit` of the items, and a cursor if there are more.
    pub fn answer<R, T: Serialize + ToSchema>(
        &self,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        mut resource: impl FnMut(R) -> T,
    ) -> Result<Answer, ApiError> {
        self.try_answer(rows, position, |row| Ok(resource(row)))
    }

    /// The same, where an item may turn out not to be one.
    pub fn try_answer<R, T: Serialize + ToSchema>(
        &self,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        resource: impl FnMut(R) -> Result<T, ApiError>,
    ) -> Result<Answer, ApiError> {
        let (rows, next_cursor) = self.page_from(rows, position)?;
        let link = next_cursor.as_ref().map(|cursor| self.link(cursor));
        let data = rows.into_iter().map(resource).collect::<Result<_, _>>()?;
        let page = Page { data, has_more: next_cursor.is_some(), next_cursor };
        Ok(Answer::ok(&page)?.content_tag().next_link(link))
    }

    /// The answer serialized, to be kept.
    pub fn report<R, T: Serialize + ToSchema>(
        &self,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        resource: impl FnMut(R) -> T,
    ) -> Result<Report, ApiError> {
        let (rows, next_cursor) = self.page_from(rows, position)?;
        let next = next_cursor.as_ref().map(|cursor| self.link(cursor));
        let page =
            Page { data: rows.into_iter().map(resource).collect(), has_more: next_cursor.is_some(), next_cursor };
        Ok(Report { body: serde_json::to_vec(&page)?.into(), next })
    }

    /// At most `limit` of the rows, of which one more may have been fetched, and the cursor of the next page.
    pub fn page_from<R>(
        &self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> Position,
    ) -> Result<(Vec<R>, Option<String>), ApiError> {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| has_more);
        let next_cursor = last.map(|row| self.cursor(position(row))).transpose()?;
        Ok((rows, next_cursor))
    }

    /// The same for rows that are all in memory: those after the cursor, the smallest position first.
    pub fn page_of<R>(
        &self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> Position,
    ) -> Result<(Vec<R>, Option<String>), ApiError> {
        rows.sort_by_cached_key(&position);
        if let Some(after) = &self.after {
            rows.retain(|row| position(row) > *after);
        }
        rows.truncate(self.limit + 1);
        self.page_from(rows, position)
    }

    /// The answer for rows that are all in memory: those after the cursor, the greatest position first.
    pub fn answer_newest<R, T: Serialize + ToSchema>(
        &self,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        resource: impl FnMut(R) -> T,
    ) -> Result<Answer, ApiError> {
        self.answer_sorted(Direction::Descending, rows, position, resource)
    }

    /// The answer for rows that are all in memory: those after the cursor, in the order of their positions.
    pub fn answer_sorted<R, T: Serialize + ToSchema>(
        &self,
        direction: Direction,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        resource: impl FnMut(R) -> T,
    ) -> Result<Answer, ApiError> {
        self.answer(self.cut(direction, rows, &position), position, resource)
    }

    /// The rows of the page and one more, out of rows that are all in memory: those after the cursor, in the order of their positions.
    pub fn cut<R>(&self, direction: Direction, mut rows: Vec<R>, position: impl Fn(&R) -> Position) -> Vec<R> {
        rows.sort_by_cached_key(&position);
        if let Some(after) = &self.after {
            rows.retain(|row| match direction {
                Direction::Ascending => position(row) > *after,
                Direction::Descending => position(row) < *after,
            });
        }
        if direction == Direction::Descending {
            rows.reverse();
        }
        rows.truncate(self.limit + 1);
        rows
    }

    /// The cursor of a position in this list.
    pub fn cursor(&self, position: Position) -> Result<String, ApiError> {
        let cursor = Cursor { b: self.binding.clone(), position };
        Ok(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor)?))
    }

    /// The URL of the page after a cursor.
    pub fn link(&self, cursor: &str) -> String {
        let mut query = reqwest::Url::parse("http://localhost").map(|mut url| {
            url.query_pairs_mut().extend_pairs(&self.query).append_pair("cursor", cursor);
            url.query().unwrap_or_default().to_owned()
        });
        let query = query.as_mut().map(std::mem::take).unwrap_or_default();
        format!("{}?{query}", self.path)
    }
}

fn read_cursor(text: &str, binding: &str) -> Result<Position, ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    match bytes.and_then(|bytes| serde_json::from_slice::<Cursor>(&bytes).ok()) {
        Some(cursor) if cursor.b == binding => Ok(cursor.position),
        _ => Err(invalid_cursor()),
    }
}

fn invalid_cursor() -> ApiError {
    let detail = "is not a cursor of this list with these filters: pass next_cursor as it was, or start without";
    ApiError::with_errors(Code::InvalidCursor, vec![FieldError::in_parameter("cursor", "invalid_cursor", detail)])
}
