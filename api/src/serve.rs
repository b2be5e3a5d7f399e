//! The one place that wires: settings in, a bound server out.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web;
use tokio::net::TcpSocket;

use crate::auth::external::External;
use crate::auth::issuer::{self, Issuer};
use crate::auth::providers::Providers;
use crate::auth::refusals::Refusals;
use crate::auth::tenants::Tenants;
use crate::auth::vault::Vault;
use crate::bodies::Bodies;
use crate::clock::Clock;
use crate::config::Settings;
use crate::contract::Contract;
use crate::credentials::Credentials;
use crate::database::StartError;
use crate::definitions::Definitions;
use crate::document::Document;
use crate::honours::DeedMemory;
use crate::idempotency::InFlight;
use crate::images::Images;
use crate::ingest::writer::Writer;
use crate::keeping_turns::Keeping;
use crate::limit::Limiter;
use crate::mail::Mail;
use crate::read_model::ReadModel;
use crate::state::App;
use crate::storage_state::StorageState;
use crate::store::{self, Db};
use crate::telemetry::Metrics;
use crate::turns::Turns;
use crate::usage::memory::UsageMemory;
use crate::{document, envelope, gate, jobs, listener, routes};

/// Number of connections that may wait to be taken.
const BACKLOG: u32 = 1024;

/// A server that listens and waits to be run.
pub struct Running {
    /// The address it is bound to.
    pub address: SocketAddr,
    /// The state that its requests share.
    pub app: Arc<App>,
    server: Server,
}

/// Wires the shared state over a database whose schema is up to date.
pub async fn wire(settings: Settings, db: Db, clock: Clock) -> Result<Arc<App>, StartError> {
    let other = |error: &dyn std::fmt::Display| StartError::Other(error.to_string());
    let document = Document::checked_in().map_err(|error| other(&error))?;
    let vault = Vault::of(&settings.storage).map_err(|error| other(&error))?;
    if store::signing_keys::list(&mut db.read().await?).await?.is_empty() {
        issuer::rotate(&db, &clock, &vault).await?;
    }
    issuer::seal_all(&db, &vault).await?;
    let external = settings.external.issuer().map(External::new).transpose().map_err(|error| other(&error))?;
    let (writer, inbox) = Writer::new();
    tokio::spawn(inbox.run(db.clone()));
    Ok(Arc::new(App {
        writer,
        keeping: Keeping::default(),
        deeds: DeedMemory::default(),
        definitions: Definitions::default(),
        contract: Contract::compile(&document.value()).map_err(|error| other(&error))?,
        issuer: Issuer::load(&db, settings.token_issuer.clone(), vault).await?,
        limiter: Limiter::new("organization", settings.rate_limit_per_minute),
        share_limiter: Limiter::new("share_link", settings.share_rate_limit_per_minute),
        refusals: Refusals::new(settings.refusals_per_minute),
        metrics: Metrics::new().map_err(|error| other(&error))?,
        read_model: ReadModel::new(settings.read_model_mib * 1024 * 1024),
        usage: UsageMemory::default(),
        tenants: Tenants::default(),
        in_flight: InFlight::default(),
        turns: Turns::of_writers(),
        questions: Turns::of_questions(),
        bodies: Bodies::default(),
        images: Images::default(),
        credentials: Credentials::default(),
        storage: StorageState::new(&settings.storage),
        is_accepting: AtomicBool::new(true),
        document,
        external,
        providers: Providers::new(settings.external.oidc_allow_private),
        mail: Mail::of(&settings).map_err(|error| other(&error))?,
        settings,
        db,
        clock,
    }))
}

/// Binds the address and builds the server; port 0 takes a free one.
pub fn bind(app: Arc<App>) -> Result<Running, StartError> {
    let listen = app.settings.listen;
    let shared = web::Data::from(Arc::clone(&app));
    let factory = move || {
        let origins = shared.settings.cors_origins.clone();
        actix_web::App::new()
            .app_data(shared.clone())
            .wrap(from_fn(gate::pass))
            .wrap(Compress::default())
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(envelope::wrap))
            .configure(routes::register)
            .service(web::redirect("/", "/docs/"))
            .service(web::redirect("/docs", "/docs/"))
            .route(document::problems::PROBLEMS_PATH, web::get().to(document::problems::problems_page))
            .service(document::swagger_ui())
    };
    let failed = |error| StartError::Listen(listen, error);
    let (address, listener) = listen_at(listen).map_err(failed)?;
    let server = listener::serve(&app, listener, factory).map_err(failed)?;
    Ok(Running { address, app, server })
}

fn listen_at(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that is started again takes its port while old connections are still being closed.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    Ok((listener.local_addr()?, listener.into_std()?))
}

impl Running {
    /// The handle that stops it.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until a stop signal: then `/readyz` says no, requests in progress finish, and the database is closed.
    pub async fn until_stopped(self) -> std::io::Result<()> {
        let jobs = jobs::start(&self.app);
        let (app, handle) = (Arc::clone(&self.app), self.server.handle());
        tokio::spawn(async move {
            stop_signal().await;
            app.is_accepting.store(false, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(app.settings.drain_ms)).await;
            handle.stop(true).await;
        });
        let outcome = self.server.await;
        jobs.abort_all();
        if let Err(error) = jobs::note_key_usage(&self.app).await {
            tracing::warn!(%error, "the last use of API keys could not be written");
        }
        self.app.db.close().await;
        outcome
    }
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
                return;
            }
            Err(error) => tracing::warn!(%error, "only the interrupt signal stops this server"),
        }
    }
    let _ = interrupt.await;
}

fn cors(origins: &[String]) -> Cors {
    let named = |name: &'static str| HeaderName::from_static(name);
    let cors = origins.iter().fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
    cors.allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            named("idempotency-key"),
            named("x-request-id"),
        ])
        .expose_headers([
            ETAG,
            LINK,
            LOCATION,
            RETRY_AFTER,
            named("x-request-id"),
            named("ratelimit"),
            named("ratelimit-policy"),
            named("idempotent-replayed"),
        ])
        .max_age(3600)
}
