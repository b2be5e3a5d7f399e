//! Shared support for tests and benchmarks: a real server on a free port with its own database, and a client for it.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    reason = "a failed expectation is how a test fails"
)]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost::auth::issuer::public_keys;
use milepost::clock::Clock;
use milepost::commands::default_settings;
use milepost::config::Settings;
use milepost::database::open_database;
use milepost::provisioning::create_key;
use milepost::serve;
use milepost::state::App;
use milepost::store::{Db, organizations};
use milepost::verification::{Wanted, verify};
use milepost_domain::access::Scope;
use milepost_domain::values::text::Name;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

/// Environment variable with the URL of a PostgreSQL server on which tests may create databases.
pub const POSTGRES: &str = "MILEPOST_TEST_POSTGRES_URL";

/// Database engine that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// An SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

thread_local! {
    /// The servers of the test that runs on this thread, with their directories, to be looked at when it is over.
    static APPS: RefCell<Vec<(Arc<App>, Arc<TempDir>)>> = const { RefCell::new(vec![]) };
    static IS_UNCHECKED: Cell<bool> = const { Cell::new(false) };
}

/// A running server with its own organization. The clock stands at noon of 2026-05-04 UTC until it is moved.
pub struct Server {
    /// URL of the server, without a trailing slash.
    pub url: String,
    /// Clock of the server.
    pub clock: Clock,
    /// State shared by all requests.
    pub app: Arc<App>,
    /// API key with the scope admin.
    pub key: String,
    /// Identifier of the organization of that key.
    pub organization_id: Uuid,
    /// HTTP client that sends all requests.
    pub http: Client,
    /// Directory of the server's files, which is deleted on drop.
    pub directory: Arc<TempDir>,
}

/// Returns the instant at which every test begins.
pub fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_777_896_000, 0).expect("2026-05-04T12:00:00Z")
}

impl Server {
    /// Starts a server.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// Starts a server with changed settings.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        let mut settings = default_settings();
        settings.listen = "127.0.0.1:0".parse().expect("an address");
        settings.workers = Some(1);
        // Every test comes from one address, and many of them fail to authenticate on purpose.
        settings.refusals_per_minute = 1_000_000;
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
        APPS.with_borrow_mut(|apps| apps.push((Arc::clone(&app), Arc::clone(&directory))));
        let running = serve::bind(Arc::clone(&app)).expect("a server");
        let url = format!("http://{}", running.address);
        tokio::spawn(running.until_stopped());
        let organization_id = milepost::auth::api_key::ApiKey::parse(&key).expect("a key").organization_id;
        Self { url, clock, app, key, organization_id, http: Client::new(), directory }
    }

    /// Returns the database, for tests that read or tamper with data without the API.
    pub fn db(&self) -> &Db {
        &self.app.db
    }

    /// Creates a key with the given scopes for another organization, which is created if it does not exist.
    pub async fn key_of(&self, organization: &str, scopes: &[Scope]) -> String {
        let name = Name::parse(organization).expect("a name");
        create_key(self.db(), &self.clock, &name, scopes).await.expect("a key").secret.expect("its secret")
    }

    /// Builds a request with the admin key.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Call(self.http.request(method, format!("{}{path}", self.url)), Some(self.key.clone()))
    }

    /// Builds a GET request.
    pub fn get(&self, path: &str) -> impl Future<Output = Reply> + use<> {
        self.call("GET", path).send()
    }

    /// Builds a POST request with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> impl Future<Output = Reply> + use<> {
        self.call("POST", path).json(body).send()
    }

    /// Builds a request that changes a resource, with the version from `read` as `If-Match`.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        let read = self.get(path).await;
        self.call("PATCH", path).header("If-Match", &read.header("etag")).json(body).send().await
    }
}

/// A request being built.
pub struct Call(RequestBuilder, Option<String>);

impl Call {
    /// Replaces the bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self(self.0, Some(token.to_owned()))
    }

    /// Removes the bearer token.
    #[must_use]
    pub fn anonymous(self) -> Self {
        Self(self.0, None)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        Self(self.0.json(&body), self.1)
    }

    /// Sets a body of the given media type.
    #[must_use]
    pub fn body(self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", media_type).body(body), self.1)
    }

    /// Sets a body of which nothing says what it is.
    #[must_use]
    pub fn untyped_body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body), self.1)
    }

    /// Sends the request.
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
        Reply { status, headers, bytes: bytes.to_vec(), text, body }
    }
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// Body as it came.
    pub bytes: Vec<u8>,
    /// Body as text.
    pub text: String,
    /// Body as JSON; null if the body is not JSON.
    pub body: Value,
}

impl Reply {
    /// Returns the value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// Checks the status and returns the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// Checks that the response is a complete problem document about this request with the given status and code;
    /// returns its errors as `(place, code)`.
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

/// Returns `(place, code)` pairs in the form that [`Reply::problem`] returns.
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

/// Runs a test on one engine in its own runtime. Tests on PostgreSQL are skipped if there is no server; `make test`
/// reports this.
pub fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(Engine) -> F) {
    if engine == Engine::Postgres && std::env::var_os(POSTGRES).is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI runs every test on PostgreSQL too: {POSTGRES} is not set");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        test(engine).await;
        for (app, _directory) in APPS.take().into_iter().filter(|_| !IS_UNCHECKED.get()) {
            check_ledgers(&app).await;
        }
    });
}

/// Leaves out the look at the ledgers at the end of a test: for tests that change rows past the API, or whose database is gone
/// by then.
pub fn leave_ledgers_unchecked() {
    IS_UNCHECKED.set(true);
}

/// Whatever a test did through the API, every ledger is whole and every row is as its last entry says.
async fn check_ledgers(app: &App) {
    let mut conn = app.db.snapshot().await.expect("a snapshot");
    let keys = public_keys(&mut conn).await.expect("the keys");
    for id in organizations::ids(&mut conn).await.expect("the organizations") {
        let wanted = Wanted { is_deep: true, ..Wanted::default() };
        let found = verify(&mut conn, id, &keys, wanted).await.expect("verified");
        assert!(found.intact, "{:?}", found.detail);
    }
}

/// Declares each test twice, once for SQLite and once for PostgreSQL.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $( #[test] fn $name() { $crate::run($crate::Engine::Sqlite, super::$name); } )* }
        mod postgres { $( #[test] fn $name() { $crate::run($crate::Engine::Postgres, super::$name); } )* }
    };
}
