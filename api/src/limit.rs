//! Rate limiting of requests per organization.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

/// A rate limiter with one account per organization.
#[derive(Debug)]
pub struct Limiter {
    accounts: RateLimiter<Uuid, DefaultKeyedStateStore<Uuid>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    per_minute: u32,
}

/// Remaining quota of an organization.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Quota per minute.
    pub per_minute: u32,
    /// Requests that are currently left.
    pub remaining: u32,
    /// Time until the next request is possible, if this request was refused.
    pub retry_after: Option<Duration>,
}

impl Limiter {
    /// Creates a limiter that allows this many requests per minute. Unused requests accumulate up to one minute's
    /// quota.
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

    /// Drops organizations whose quota is full again.
    pub fn forget_idle(&self) {
        self.accounts.retain_recent();
    }
}

impl Allowance {
    /// Returns the value of `RateLimit-Policy`.
    pub fn policy(&self) -> String {
        format!("\"organization\";q={};w=60", self.per_minute)
    }

    /// Returns the value of `RateLimit`.
    pub fn state(&self) -> String {
        let whole_in =
            u64::from(self.per_minute - self.remaining.min(self.per_minute)) * 60 / u64::from(self.per_minute.max(1));
        format!("\"organization\";r={};t={}", self.remaining, whole_in.max(u64::from(self.retry_after.is_some())))
    }
}
