//! Limits of failed attempts to authenticate, by address and by key.
//!
//! Only failures count. An address that has failed too often is refused without a look into the database; keys and share links
//! that somebody used within the hour, and tokens, whose signature needs no look, still work from there.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

/// Maximum number of addresses that are remembered as refused.
const CAPACITY: u64 = 100_000;

/// Failed attempts by address and by key.
#[derive(Debug)]
pub struct Refusals {
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    by_key: DefaultKeyedRateLimiter<Uuid>,
    refused_until: moka::sync::Cache<IpAddr, Instant>,
    /// Whether any address may be refused: mostly none is, and then no request pays for a look.
    is_any_refused: AtomicBool,
    clock: DefaultClock,
}

impl Refusals {
    /// Creates limits that allow this many failures per minute.
    pub fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            by_address: RateLimiter::keyed(quota),
            by_key: RateLimiter::keyed(quota),
            refused_until: moka::sync::Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(Duration::from_mins(2))
                .build(),
            is_any_refused: AtomicBool::new(false),
            clock: DefaultClock::default(),
        }
    }

    /// Returns how long an address is refused without a look; none if it is not.
    pub fn wait(&self, address: IpAddr) -> Option<Duration> {
        if !self.is_any_refused.load(Ordering::Relaxed) {
            return None;
        }
        let address = network_of(address);
        let left = self.refused_until.get(&address)?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Counts a failure. Returns how long to wait if there were too many.
    pub fn note(&self, address: IpAddr, key: Option<Uuid>) -> Option<Duration> {
        let (now, address) = (self.clock.now(), network_of(address));
        if let Err(refused) = self.by_address.check_key(&address) {
            let wait = refused.wait_time_from(now);
            self.is_any_refused.store(true, Ordering::Relaxed);
            self.refused_until.insert(address, Instant::now() + wait);
            return Some(wait);
        }
        let of_key = self.by_key.check_key(&key?);
        of_key.err().map(|refused| refused.wait_time_from(now))
    }

    /// Drops addresses and keys that have not failed for a while.
    pub fn forget_idle(&self) {
        self.by_address.retain_recent();
        self.by_key.retain_recent();
        self.refused_until.run_pending_tasks();
        if self.refused_until.entry_count() == 0 {
            self.is_any_refused.store(false, Ordering::Relaxed);
        }
    }
}

/// An address, or the network of an IPv6 address: whoever has one of those has all of it.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(wide) => wide
            .to_ipv4_mapped()
            .map_or_else(|| Ipv6Addr::from_bits(wide.to_bits() & !u128::from(u64::MAX)).into(), IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_limited_by_address_and_by_key() {
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let refusals = Refusals::new(3);
        for _ in 0..3 {
            assert_eq!(refusals.note(here, Some(one)), None);
        }
        assert_eq!(refusals.wait(here), None, "it has not failed too often yet");
        assert!(refusals.note(here, Some(other)).is_some() && refusals.wait(here).is_some(), "the address");
        assert!(refusals.note(there, Some(one)).is_some(), "the key, from wherever");
        assert_eq!((refusals.note(there, Some(other)), refusals.wait(there)), (None, None));
    }
}
