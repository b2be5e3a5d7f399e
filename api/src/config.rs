//! All settings of the server, each with its flag, environment variable, default and meaning.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::auth::vault::Secret;

/// Location of the data.
#[derive(Debug, Clone, Args)]
pub struct Storage {
    /// Directory of the database file. Created if it does not exist.
    #[arg(long, env = "MILEPOST_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,
    /// PostgreSQL database to use instead of the file, as `postgres://user:password@host/database`.
    #[arg(long, env = "MILEPOST_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// File with the secret key that encrypts private signing keys in the database. Without a key they are kept in the
    /// clear. systemd can hand it over as the credential milepost-secret-key.
    #[arg(long, env = "MILEPOST_SECRET_KEY_FILE")]
    pub secret_key_file: Option<PathBuf>,
    /// Secret key itself. Set it in the environment, because others can read a command line.
    #[arg(long, env = "MILEPOST_SECRET_KEY", hide_env_values = true)]
    pub secret_key: Option<Secret>,
}

/// Settings of the server.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented by its type")]
    pub storage: Storage,
    /// Address and port to listen on. Port 0 selects a free port.
    #[arg(long, env = "MILEPOST_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Number of worker threads. Defaults to one per core.
    #[arg(long, env = "MILEPOST_WORKERS")]
    pub workers: Option<usize>,
    /// Origins from which browsers may call the API. Repeat the flag or separate origins with commas. No origin is
    /// allowed by default.
    #[arg(long, env = "MILEPOST_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// Largest request body, in bytes.
    #[arg(long, env = "MILEPOST_MAX_BODY_BYTES", default_value_t = 2 * 1024 * 1024)]
    pub max_body_bytes: usize,
    /// Time within which a request body must arrive, in milliseconds.
    #[arg(long, env = "MILEPOST_BODY_DEADLINE_MS", default_value_t = 10_000)]
    pub body_deadline_ms: u64,
    /// Requests per minute allowed for each organization.
    #[arg(long, env = "MILEPOST_RATE_LIMIT_PER_MINUTE", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit_per_minute: u32,
    /// Requests per minute allowed for each share link.
    #[arg(long, env = "MILEPOST_SHARE_RATE_LIMIT_PER_MINUTE", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub share_rate_limit_per_minute: u32,
    /// Failed authentications per minute allowed for each address and for each API key.
    #[arg(long, env = "MILEPOST_REFUSALS_PER_MINUTE", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    pub refusals_per_minute: u32,
    /// Header in which a proxy in front of the server appends the address of its client, such as X-Forwarded-For. The
    /// last address counts. Set it only if every request comes through that proxy.
    #[arg(long, env = "MILEPOST_CLIENT_ADDRESS_HEADER")]
    pub client_address_header: Option<String>,
    /// Memory for the plans from which reports are computed, in MiB. When it is full, the least used organizations are
    /// dropped first.
    #[arg(long, env = "MILEPOST_READ_MODEL_MIB", default_value_t = 512)]
    pub read_model_mib: u64,
    /// Time between two checkpoints of a ledger that has grown, in minutes.
    #[arg(long, env = "MILEPOST_CHECKPOINT_EVERY_MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub checkpoint_every_minutes: u32,
    /// File to which every new checkpoint is appended, as a line of JSON. Keep it where who can write to the database
    /// cannot write.
    #[arg(long, env = "MILEPOST_CHECKPOINT_FILE")]
    pub checkpoint_file: Option<PathBuf>,
    /// Directory for scheduled backups of the database file. None are made without it.
    #[arg(long, env = "MILEPOST_BACKUP_DIR")]
    pub backup_dir: Option<PathBuf>,
    /// Time between two scheduled backups, in hours.
    #[arg(long, env = "MILEPOST_BACKUP_EVERY_HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    pub backup_every_hours: u32,
    /// Number of scheduled backups that are kept.
    #[arg(long, env = "MILEPOST_BACKUP_KEEP", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pub backup_keep: u16,
    /// Address under which the world reaches this server, such as `https://milepost.example.com`. Credentials name their issuer and their
    /// status by it, so it must not change. Defaults to the address that the server listens on.
    #[arg(long, env = "MILEPOST_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Whether keys and status lists of other issuers' credentials may be fetched from private addresses and without TLS. For tests and
    /// closed networks only.
    #[arg(long, env = "MILEPOST_CREDENTIALS_ALLOW_PRIVATE")]
    pub credentials_allow_private: bool,
    /// `iss` of the tokens that this server issues.
    #[arg(long, env = "MILEPOST_TOKEN_ISSUER", default_value = "milepost")]
    pub token_issuer: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented by its type")]
    pub external: ExternalArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented by its type")]
    pub mail: MailArgs,
    /// Time during which /readyz reports not ready after a stop signal, before connections are closed, in milliseconds.
    #[arg(long, env = "MILEPOST_DRAIN_MS", default_value_t = 0)]
    pub drain_ms: u64,
    /// Time that requests in progress have to finish after a stop signal, in seconds.
    #[arg(long, env = "MILEPOST_SHUTDOWN_TIMEOUT_S", default_value_t = 10)]
    pub shutdown_timeout_s: u64,
}

/// Command-line settings of e-mail.
#[derive(Debug, Clone, Args, Default)]
pub struct MailArgs {
    /// Mail server, such as `smtps://user:password@mail.example.com`. Without one, each message becomes a file in the directory `outbox` of
    /// the data directory.
    #[arg(long, env = "MILEPOST_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<Secret>,
    /// Sender of messages.
    #[arg(long, env = "MILEPOST_MAIL_FROM", default_value = "Milepost <milepost@localhost>")]
    pub mail_from: String,
    /// Address of the page where people sign in. A message adds its one-time code as `#code=…`; without an address it has the code only.
    #[arg(long, env = "MILEPOST_SIGN_IN_URL")]
    pub sign_in_url: Option<String>,
}

/// Command-line settings of an external OIDC issuer whose tokens are accepted. Off unless an issuer is set.
#[derive(Debug, Clone, Args, Default)]
pub struct ExternalArgs {
    /// `iss` of tokens of the external OIDC issuer. The issuer's keys are found by discovery unless --oidc-jwks-url is
    /// set.
    #[arg(long, env = "MILEPOST_OIDC_ISSUER", requires = "oidc_audience")]
    pub oidc_issuer: Option<String>,
    /// URL of the issuer's keys (JWK set).
    #[arg(long, env = "MILEPOST_OIDC_JWKS_URL")]
    pub oidc_jwks_url: Option<String>,
    /// `aud` that the issuer's tokens must carry.
    #[arg(long, env = "MILEPOST_OIDC_AUDIENCE")]
    pub oidc_audience: Option<String>,
    /// Claim that contains the identifier of the organization.
    #[arg(long, env = "MILEPOST_OIDC_ORGANIZATION_CLAIM", default_value = "organization_id")]
    pub oidc_organization_claim: String,
    /// `typ` that the issuer's tokens must carry: at+jwt as in RFC 9068, or JWT for issuers that do not follow it.
    #[arg(long, env = "MILEPOST_OIDC_TOKEN_TYPE", default_value = "at+jwt")]
    pub oidc_token_type: String,
    /// Whether identity providers that organizations name themselves may have addresses of this machine or a private network.
    #[arg(long, env = "MILEPOST_OIDC_ALLOW_PRIVATE")]
    pub oidc_allow_private: bool,
}

/// Settings of an external OIDC issuer that is configured.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as in ExternalArgs")]
pub struct ExternalIssuer {
    pub issuer: String,
    pub jwks_url: Option<String>,
    pub audience: String,
    pub organization_claim: String,
    pub token_type: String,
}

impl ExternalArgs {
    /// Returns the external issuer, if one is set.
    pub fn issuer(&self) -> Option<ExternalIssuer> {
        Some(ExternalIssuer {
            issuer: self.oidc_issuer.clone()?,
            jwks_url: self.oidc_jwks_url.clone(),
            audience: self.oidc_audience.clone()?,
            organization_claim: self.oidc_organization_claim.clone(),
            token_type: self.oidc_token_type.clone(),
        })
    }
}
