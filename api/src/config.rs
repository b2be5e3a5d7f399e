//! Every setting, once: the flag, its environment variable, its default and what it means.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct Storage {
    /// Directory of the database file, created if need be.
    #[arg(long, env = "MILEPOST_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,
    /// PostgreSQL instead of the file, as `postgres://user:password@host/database`.
    #[arg(long, env = "MILEPOST_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

/// How the server serves.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented by its type")]
    pub storage: Storage,
    /// Address and port; port 0 takes a free one.
    #[arg(long, env = "MILEPOST_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Worker threads; one a core unless set.
    #[arg(long, env = "MILEPOST_WORKERS")]
    pub workers: Option<usize>,
    /// Origins that browsers may call from (repeat, or separate by commas); none unless set.
    #[arg(long, env = "MILEPOST_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// Largest request body, in bytes.
    #[arg(long, env = "MILEPOST_MAX_BODY_BYTES", default_value_t = 2 * 1024 * 1024)]
    pub max_body_bytes: usize,
    /// How long a body may take to arrive, in milliseconds.
    #[arg(long, env = "MILEPOST_BODY_DEADLINE_MS", default_value_t = 10_000)]
    pub body_deadline_ms: u64,
    /// Requests a minute that each organization may make.
    #[arg(long, env = "MILEPOST_RATE_LIMIT_PER_MINUTE", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit_per_minute: u32,
    /// Memory for plans that reports are computed from, in MiB; the least used organizations are dropped first.
    #[arg(long, env = "MILEPOST_READ_MODEL_MIB", default_value_t = 512)]
    pub read_model_mib: u64,
    /// `iss` of the tokens we issue.
    #[arg(long, env = "MILEPOST_TOKEN_ISSUER", default_value = "milepost")]
    pub token_issuer: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented by its type")]
    pub external: ExternalArgs,
    /// After a stop signal, how long /readyz says no before connections are closed, in milliseconds.
    #[arg(long, env = "MILEPOST_DRAIN_MS", default_value_t = 0)]
    pub drain_ms: u64,
    /// How long requests in progress may take to finish after a stop signal, in seconds.
    #[arg(long, env = "MILEPOST_SHUTDOWN_TIMEOUT_S", default_value_t = 10)]
    pub shutdown_timeout_s: u64,
}

/// An external OIDC issuer whose tokens are accepted; off unless an issuer is set.
#[derive(Debug, Clone, Args, Default)]
pub struct ExternalArgs {
    /// `iss` of its tokens; its keys are found by discovery unless --oidc-jwks-url is set.
    #[arg(long, env = "MILEPOST_OIDC_ISSUER", requires = "oidc_audience")]
    pub oidc_issuer: Option<String>,
    /// Where its keys are.
    #[arg(long, env = "MILEPOST_OIDC_JWKS_URL")]
    pub oidc_jwks_url: Option<String>,
    /// `aud` that its tokens must carry.
    #[arg(long, env = "MILEPOST_OIDC_AUDIENCE")]
    pub oidc_audience: Option<String>,
    /// The claim that holds the organization's id.
    #[arg(long, env = "MILEPOST_OIDC_ORGANIZATION_CLAIM", default_value = "organization_id")]
    pub oidc_organization_claim: String,
    /// `typ` that its tokens must carry: at+jwt by RFC 9068, or JWT for issuers that have not got there.
    #[arg(long, env = "MILEPOST_OIDC_TOKEN_TYPE", default_value = "at+jwt")]
    pub oidc_token_type: String,
}

/// The external issuer, when there is one.
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
    /// The external issuer, if one is set.
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
