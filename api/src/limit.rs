//! How many requests an organization may make.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

/// A limiter that keeps one account for each organization.
#[derive(Debug)]
pub struct Limiter {
    accounts: RateLimiter<Uuid, DefaultKeyedStateStore<Uuid>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    per_minute: u32,
}

/// What is left of an organization's quota.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// The quota a minute.
    pub per_minute: u32,
    /// Requests left just now.
    pub remaining: u32,
    /// When the next one is possible, if this one was not.
    pub retry_after: Option<Duration>,
}

impl Limiter {
    /// Allows so many requests a minute, saved up to a minute's worth.
    pub fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            accounts: RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>(),
            clock: DefaultClock::default(),
            per_minute,
        }
    }

    /// Counts one request.
    pub fn take(&self, organization_id: Uuid) -> Allowance {
        let (remaining, retry_after) = match self.accounts.check_key(&organization_id) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(refused) => (0, Some(refused.wait_time_from(self.clock.now()))),
        };
        Allowance { per_minute: self.per_minute, remaining, retry_after }
    }

    /// Forgets organizations whose quota is whole again.
    pub fn forget_idle(&self) {
        self.accounts.retain_recent();
    }
}

impl Allowance {
    /// Value of `RateLimit-Policy`.
    pub fn policy(&self) -> String {
        format!("\"organization\";q={};w=60", self.per_minute)
    }

    /// Value of `RateLimit`.
    pub fn state(&self) -> String {
        let whole_in =
            u64::from(self.per_minute - self.remaining.min(self.per_minute)) * 60 / u64::from(self.per_minute.max(1));
        format!("\"organization\";r={};t={}", self.remaining, whole_in.max(u64::from(self.retry_after.is_some())))
    }
}
