//! What tests and benchmarks share: a real server on a free port over a database of its own, and a client for it.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    reason = "a failed expectation is how a test fails"
)]

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost::clock::Clock;
use milepost::commands::default_settings;
use milepost::config::Settings;
use milepost::provisioning::create_key;
use milepost::serve;
use milepost::serve::open_database;
use milepost::state::App;
use milepost::store::Db;
use milepost_domain::access::Scope;
use milepost_domain::values::text::Name;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

/// Names the URL of a PostgreSQL server on which tests may create databases.
pub const POSTGRES: &str = "MILEPOST_TEST_POSTGRES_URL";

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A running server with an organization of its own. Its clock stands at noon of 2026-05-04 UTC until it is moved.
pub struct Server {
    /// Where it is, without a slash at the end.
    pub url: String,
    /// Its clock.
    pub clock: Clock,
    /// What its requests share.
    pub app: Arc<App>,
    /// An API key with the scope admin.
    pub key: String,
    /// The organization of that key.
    pub organization_id: Uuid,
    /// The client everything is sent with.
    pub http: Client,
    /// Where its files are, until it is dropped.
    pub directory: TempDir,
}

/// The instant at which every test begins.
pub fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_777_896_000, 0).expect("2026-05-04T12:00:00Z")
}

impl Server {
    /// Starts a server.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// Starts a server with other settings.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = default_settings();
        settings.listen = "127.0.0.1:0".parse().expect("an address");
        settings.workers = Some(1);
        settings.storage.data_dir = directory.path().to_owned();
        settings.storage.database_url = None;
        if engine == Engine::Postgres {
            settings.storage.database_url = Some(new_postgres_database().await);
        }
        change(&mut settings);
        let clock = Clock::manual(beginning());
        let db = open_database(&settings.storage).await.expect("a database");
        let name = Name::parse("Northwind").expect("a name");
        let key = create_key(&db, &clock, &name, &[Scope::Admin]).await.expect("a key").secret.expect("its secret");
        let app = serve::wire(settings, db, clock.clone()).await.expect("an application");
        let running = serve::bind(Arc::clone(&app)).expect("a server");
        let url = format!("http://{}", running.address);
        tokio::spawn(running.until_stopped());
        let organization_id = milepost::auth::api_key::ApiKey::parse(&key).expect("a key").organization_id;
        Self { url, clock, app, key, organization_id, http: Client::new(), directory }
    }

    /// The database, for tests that look or tamper behind the API.
    pub fn db(&self) -> &Db {
        &self.app.db
    }

    /// A key of another organization, created if need be, with some scopes.
    pub async fn key_of(&self, organization: &str, scopes: &[Scope]) -> String {
        let name = Name::parse(organization).expect("a name");
        create_key(self.db(), &self.clock, &name, scopes).await.expect("a key").secret.expect("its secret")
    }

    /// A request with the admin key.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Call(self.http.request(method, format!("{}{path}", self.url)), Some(self.key.clone()))
    }

    /// GET.
    pub fn get(&self, path: &str) -> impl Future<Output = Reply> + use<> {
        self.call("GET", path).send()
    }

    /// POST of a JSON body.
    pub fn post(&self, path: &str, body: Value) -> impl Future<Output = Reply> + use<> {
        self.call("POST", path).json(body).send()
    }

    /// A change of what `read` was, with its version as `If-Match`.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        let read = self.get(path).await;
        self.call("PATCH", path).header("If-Match", &read.header("etag")).json(body).send().await
    }
}

/// A request being built.
pub struct Call(RequestBuilder, Option<String>);

impl Call {
    /// With another bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self(self.0, Some(token.to_owned()))
    }

    /// Without a bearer token.
    #[must_use]
    pub fn anonymous(self) -> Self {
        Self(self.0, None)
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        Self(self.0.json(&body), self.1)
    }

    /// With bytes of some media type.
    #[must_use]
    pub fn body(self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", media_type).body(body), self.1)
    }

    /// Sends it.
    pub async fn send(self) -> Reply {
        let request = match self.1 {
            Some(token) => self.0.bearer_auth(token),
            None => self.0,
        };
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, text, body }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body as text.
    pub text: String,
    /// Its body as JSON; null if it is none.
    pub body: Value,
}

impl Reply {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// The body, after checking the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// Checks that it is a problem document with a status and code, whole and about this request; answers its errors as
    /// `(place, code)`.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Vec<(String, String)> {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!((&self.body["code"], &self.body["status"]), (&code.into(), &status.into()), "{}", self.text);
        assert_eq!(self.body["request_id"].as_str(), Some(self.header("x-request-id").as_str()));
        for field in ["type", "title", "detail", "instance"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", self.text);
        }
        let place =
            |error: &Value| error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or_default().to_owned();
        let errors = self.body["errors"].as_array().expect("errors");
        errors.iter().map(|error| (place(error), error["code"].as_str().unwrap_or_default().to_owned())).collect()
    }
}

/// `(place, code)` pairs as [`Reply::problem`] answers them.
pub fn errors(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}

async fn new_postgres_database() -> String {
    let server = std::env::var(POSTGRES).expect("a PostgreSQL server");
    let name = format!("t{}", Clock::system().new_id().simple());
    let admin = sqlx::PgPool::connect(&server).await.expect("the server");
    let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&admin).await.expect("a database");
    admin.close().await;
    server.replacen("/postgres", &format!("/{name}"), 1)
}

/// Runs a test on one engine, in a runtime of its own. Where there is no PostgreSQL, its half is skipped: `make test` says so.
pub fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(Engine) -> F) {
    if engine == Engine::Postgres && std::env::var_os(POSTGRES).is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI runs every test on PostgreSQL too: {POSTGRES} is not set");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test(engine));
}

/// Makes of each test one for SQLite and one for PostgreSQL.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $( #[test] fn $name() { $crate::run($crate::Engine::Sqlite, super::$name); } )* }
        mod postgres { $( #[test] fn $name() { $crate::run($crate::Engine::Postgres, super::$name); } )* }
    };
}
