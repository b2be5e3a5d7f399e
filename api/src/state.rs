//! The state that every request shares. A leaf: it holds parts and knows neither handlers nor the wiring, which is in [`crate::serve`].

use std::sync::atomic::AtomicBool;

use crate::auth::external::External;
use crate::auth::issuer::Issuer;
use crate::auth::providers::Providers;
use crate::auth::refusals::Refusals;
use crate::auth::tenants::Tenants;
use crate::bodies::Bodies;
use crate::clock::Clock;
use crate::config::Settings;
use crate::contract::Contract;
use crate::credentials::Credentials;
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
use crate::storage_state::StorageState;
use crate::store::Db;
use crate::telemetry::Metrics;
use crate::turns::Turns;
use crate::usage::memory::UsageMemory;

/// The state that every request shares.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field's type says what it is")]
pub struct App {
    pub settings: Settings,
    pub db: Db,
    pub clock: Clock,
    pub document: Document,
    pub contract: Contract,
    pub tenants: Tenants,
    pub issuer: Issuer,
    pub external: Option<External>,
    pub providers: Providers,
    pub mail: Mail,
    pub limiter: Limiter,
    pub share_limiter: Limiter,
    pub refusals: Refusals,
    pub metrics: Metrics,
    pub read_model: ReadModel,
    pub usage: UsageMemory,
    pub in_flight: InFlight,
    pub bodies: Bodies,
    pub images: Images,
    pub credentials: Credentials,
    pub storage: StorageState,
    /// Turns of writers.
    pub turns: Turns,
    /// Turns of questions about usage.
    pub questions: Turns,
    pub writer: Writer,
    pub keeping: Keeping,
    pub deeds: DeedMemory,
    pub definitions: Definitions,
    /// Whether `/readyz` says yes: not before the start is over, not after a stop signal.
    pub is_accepting: AtomicBool,
}
