//! Rate limiting of requests per organization or per share link.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

/// A rate limiter with one account per organization or share link.
#[derive(Debug)]
pub struct Limiter {
    accounts: RateLimiter<Uuid, DefaultKeyedStateStore<Uuid>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    per_minute: u32,
    name: &'static str,
}

/// Remaining quota.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Name of the quota, as in the headers.
    pub name: &'static str,
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
    pub fn new(name: &'static str, per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            accounts: RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>(),
            clock: DefaultClock::default(),
            per_minute,
            name,
        }
    }

    /// Counts one request.
    pub fn take(&self, account: Uuid) -> Allowance {
        let (remaining, retry_after) = match self.accounts.check_key(&account) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(refused) => (0, Some(refused.wait_time_from(self.clock.now()))),
        };
        Allowance { name: self.name, per_minute: self.per_minute, remaining, retry_after }
    }

    /// Drops accounts whose quota is full again.
    pub fn forget_idle(&self) {
        self.accounts.retain_recent();
    }
}

impl Allowance {
    /// Returns the value of `RateLimit-Policy`.
    pub fn policy(&self) -> String {
        format!("\"{}\";q={};w=60", self.name, self.per_minute)
    }

    /// Returns the value of `RateLimit`.
    pub fn state(&self) -> String {
        let whole_in =
            u64::from(self.per_minute - self.remaining.min(self.per_minute)) * 60 / u64::from(self.per_minute.max(1));
        format!("\"{}\";r={};t={}", self.name, self.remaining, whole_in.max(u64::from(self.retry_after.is_some())))
    }
}
