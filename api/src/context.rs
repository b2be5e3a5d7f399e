//! The context of a handler: caller, organization, instant, and the way to read and write there.
//!
//! A [`Context`] is made by the gate after authentication and nowhere else, and it is the only source of an organization's
//! id: a handler without one cannot reach a row.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use aws_lc_rs::digest;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use milepost_domain::access::Scopes;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::answer::Answer;
use crate::auth::caller::Caller;
use crate::auth::tenants::Authenticated;
use crate::clock::date_in;
use crate::contract::Operation;
use crate::error::{ApiError, Code};
use crate::precondition::{self, Precondition};
use crate::read_model::Plans;
use crate::retry::retrying;
use crate::state::App;
use crate::store::Conn;
use crate::store::author::Author;
use crate::store::idempotency::{self, Slot, Stored};
use crate::store::share_links::ShareLinkRow;
use crate::turns::Turn;
use crate::unit::{Origin, Unit};
use crate::usage::digest::Reading;

/// The operation a request matched; present in every request that reaches a handler.
#[derive(Debug, Clone)]
pub struct Matched {
    /// The server.
    pub app: Arc<App>,
    /// Its rules in the document.
    pub operation: Arc<Operation>,
}

impl Matched {
    /// Returns the match that the gate left in the request.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let found = request.extensions().get::<Self>().cloned();
        found.ok_or_else(|| ApiError::internal("a handler was reached without passing the gate"))
    }
}

/// The query's parameters by name, as the document types them: checked once, by the gate.
#[derive(Debug, Clone)]
pub struct CheckedQuery(pub Rc<Map<String, Value>>);

/// Retention of an idempotent answer, in hours.
pub const IDEMPOTENCY_HOURS: i64 = 24;

/// An authenticated request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The server.
    pub app: Arc<App>,
    /// The caller and the organization's settings.
    pub who: Authenticated,
    /// The instant the request is handled at: one for all that it does.
    pub now: DateTime<Utc>,
    /// The request's id.
    pub request_id: Arc<str>,
    /// Method and path pattern: what an idempotency key is scoped to.
    pub route: Arc<str>,
    /// Method, path and query as sent.
    pub target: Arc<str>,
    /// The `Idempotency-Key`, on a POST.
    pub idempotency_key: Option<Arc<str>>,
    /// The share link that the request came by.
    pub share_link: Option<Arc<ShareLinkRow>>,
    /// The `If-Match` header.
    pub if_match: Option<Arc<str>>,
    /// The `If-None-Match` header.
    pub if_none_match: Option<Arc<str>>,
    /// Whether the operation looks at `If-Match`.
    pub precondition: Precondition,
    fingerprint: Arc<OnceLock<Vec<u8>>>,
}

impl Context {
    /// For one request. An idempotency key is read here, so that a malformed one is refused before any work.
    pub fn new(
        app: Arc<App>,
        who: Authenticated,
        request_id: Arc<str>,
        route: Arc<str>,
        target: Arc<str>,
        precondition: Precondition,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let idempotency_key = match text("idempotency-key").filter(|_| route.starts_with("POST ")) {
            Some(key) if key.is_empty() || key.len() > 255 => {
                return Err(ApiError::parameter(
                    "Idempotency-Key",
                    "wrong_format",
                    "must have 1 to 255 ASCII characters",
                ));
            }
            key => key.map(Arc::from),
        };
        let if_match: Option<Arc<str>> = text(IF_MATCH.as_str()).map(Arc::from);
        precondition.admit(if_match.as_deref())?;
        let if_none_match = text(IF_NONE_MATCH.as_str()).map(Arc::from);
        let now = app.clock.now();
        Ok(Self {
            app,
            who,
            now,
            request_id,
            route,
            target,
            idempotency_key,
            share_link: None,
            if_match,
            if_none_match,
            precondition,
            fingerprint: Arc::default(),
        })
    }

    /// A context for work beside requests; `None` where there is no such organization.
    pub async fn of_job(app: &Arc<App>, organization_id: Uuid) -> sqlx::Result<Option<Self>> {
        let Some(tenant) = app.tenants.tenant(&app.db, organization_id).await? else { return Ok(None) };
        let caller = Caller { organization_id, author: Author::job(), scopes: Scopes::default(), person: None };
        Ok(Some(Self {
            app: Arc::clone(app),
            who: Authenticated { caller, tenant },
            now: app.clock.now(),
            request_id: app.clock.new_id().to_string().into(),
            route: "JOB".into(),
            target: "JOB".into(),
            idempotency_key: None,
            share_link: None,
            if_match: None,
            if_none_match: None,
            precondition: Precondition::None,
            fingerprint: Arc::default(),
        }))
    }

    /// The caller's organization.
    pub fn organization_id(&self) -> Uuid {
        self.who.caller.organization_id
    }

    /// The path of the share link that the request came by.
    pub fn share_path(&self) -> String {
        let path = self.target.split([' ', '?']).nth(1).unwrap_or_default();
        path.split('/').take(3).collect::<Vec<_>>().join("/")
    }

    /// The organization's calendar date.
    pub fn today(&self) -> NaiveDate {
        self.date_of(self.now)
    }

    /// The organization's calendar date at an instant.
    pub fn date_of(&self, at: DateTime<Utc>) -> NaiveDate {
        date_in(self.who.tenant.zone, at)
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn, ApiError> {
        Ok(self.app.db.read().await?)
    }

    /// A connection whose statements all see one commit.
    pub async fn snapshot(&self) -> Result<Conn, ApiError> {
        Ok(self.app.db.snapshot().await?)
    }

    /// The same, for a question about usage, which may have to read a great many events: in the organization's turn.
    pub async fn survey(&self) -> Result<Survey, ApiError> {
        let turn = self.app.questions.take(self.organization_id()).await?;
        Ok(Survey { conn: self.snapshot().await?, turn })
    }

    /// The organization's reading of usage events.
    pub fn reading(&self) -> Reading {
        let tenant = &self.who.tenant;
        Reading { zone: tenant.zone, meanings: Arc::clone(&tenant.event_meanings) }
    }

    /// The organization's plans in memory, as of this request's ledger sequence or later.
    pub async fn plans(&self) -> Result<Arc<Plans>, ApiError> {
        let (app, sequence) = (&self.app, self.who.tenant.sequence);
        Ok(app.read_model.plans(&app.db, self.organization_id(), sequence).await?)
    }

    /// SHA-256 over method, target and body: what "the same request" means for an idempotency key.
    pub fn fingerprint(&self, body: &[u8]) -> &[u8] {
        self.fingerprint.get_or_init(|| {
            let mut hash = digest::Context::new(&digest::SHA256);
            hash.update(self.target.as_bytes());
            hash.update(b"\n");
            hash.update(body);
            hash.finish().as_ref().to_vec()
        })
    }

    /// Checks `If-Match` against a resource's version, as the operation declares it: 412 when it names another version.
    pub fn check_version(&self, version: i64) -> Result<(), ApiError> {
        if self.precondition == Precondition::None {
            return Err(ApiError::internal("a version is checked on an operation that does not declare If-Match"));
        }
        self.precondition.admit(self.if_match.as_deref())?;
        self.if_match.as_deref().map_or(Ok(()), |header| precondition::check(header, version))
    }

    /// Checks the conditions of an upsert: `If-Match` needs the resource to exist in that version, `If-None-Match: *` needs
    /// it not to exist.
    pub fn check_upsert(&self, version: Option<i64>) -> Result<(), ApiError> {
        match version {
            Some(_) if self.if_none_match.as_deref() == Some("*") => {
                Err(ApiError::new(Code::VersionMismatch, "If-None-Match is *, but the resource exists."))
            }
            Some(version) => self.check_version(version),
            None if self.if_match.is_some() => {
                Err(ApiError::new(Code::VersionMismatch, "If-Match names a version, but the resource does not exist."))
            }
            None => Ok(()),
        }
    }

    /// Does some work in a unit and answers with what it answered. The work runs again when the database asks for it, and
    /// not at all when the request's idempotency key already has an answer.
    pub async fn write(&self, work: impl AsyncFn(&mut Unit) -> Result<Answer, ApiError>) -> Result<Answer, ApiError> {
        let slot = self.slot();
        let name = slot
            .as_ref()
            .map(|slot| format!("{}\n{}\n{}\n{}", self.organization_id(), slot.caller_id, slot.route, slot.key));
        let _guard = match name {
            Some(name) => Some(self.app.in_flight.enter(name).ok_or_else(|| {
                ApiError::new(Code::IdempotencyInFlight, "A request with this Idempotency-Key has not finished yet.")
            })?),
            None => None,
        };
        retrying(|| self.attempt(slot.as_ref(), &work)).await
    }

    /// A unit for what no request waits for with an answer of its own.
    pub async fn begin(&self) -> Result<Unit, ApiError> {
        let turn = self.app.turns.take(self.organization_id()).await?;
        Ok(Unit::begin(&self.app.db, &self.app.clock, self.origin()).await?.holding(turn))
    }

    fn origin(&self) -> Origin {
        Origin {
            organization_id: self.organization_id(),
            zone: self.who.tenant.zone,
            author: self.who.caller.author.clone(),
            request_id: self.request_id.to_string(),
            scopes: self.who.caller.scopes.clone(),
        }
    }

    async fn attempt(
        &self,
        slot: Option<&Slot>,
        work: &impl AsyncFn(&mut Unit) -> Result<Answer, ApiError>,
    ) -> Result<Answer, ApiError> {
        let mut unit = self.begin().await?;
        if let Some(slot) = slot {
            let oldest = unit.now - Duration::hours(IDEMPOTENCY_HOURS);
            if let Some(stored) = idempotency::find(&mut unit.conn, unit.organization_id, slot, oldest).await? {
                return self.replay(stored);
            }
        }
        let answer = work(&mut unit).await?;
        if let Some(slot) = slot {
            let (status, headers, body) = answer.to_stored();
            let stored = Stored { fingerprint: self.fingerprint(&[]).to_vec(), status, headers, body };
            idempotency::save(&mut unit.conn, unit.organization_id, slot, &stored, unit.now).await?;
        }
        unit.commit().await?;
        self.app.storage.note_written();
        Ok(answer)
    }

    fn slot(&self) -> Option<Slot> {
        Some(Slot {
            caller_id: self.who.caller.author.to_string(),
            route: self.route.to_string(),
            key: self.idempotency_key.as_ref()?.to_string(),
        })
    }

    fn replay(&self, stored: Stored) -> Result<Answer, ApiError> {
        if stored.fingerprint != self.fingerprint(&[]) {
            let detail = "This Idempotency-Key was used for a request with another path or body. Use a new key.";
            return Err(ApiError::new(Code::IdempotencyMismatch, detail));
        }
        let answer = Answer::from_stored(stored.status, &stored.headers, stored.body)?;
        Ok(answer.header(actix_web::http::header::HeaderName::from_static("idempotent-replayed"), "true"))
    }
}

/// A snapshot for a question about usage, with its turn.
#[derive(Debug)]
pub struct Survey {
    conn: Conn,
    #[expect(dead_code, reason = "held, not read")]
    turn: Turn,
}

impl Deref for Survey {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Survey {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl FromRequest for Context {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Self>().cloned();
        std::future::ready(found.ok_or_else(|| ApiError::internal("a handler asks for a caller on a public operation")))
    }
}
