//! Celebrations: what was achieved, for others to see and to congratulate on.

pub mod ceremony;
pub mod congratulate;
pub mod feed;

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::recognition::celebration::{Celebration, celebrations};
use milepost_domain::recognition::deed::RecognitionConsent;

use crate::context::Context;
use crate::deeds::{Honoured, Honours};

/// A moment of somebody.
type Moment = (Arc<Honoured>, Celebration);

/// The moments in a span of days of people who show them in a circle, and whom the caller sees; the newest first.
fn moments(
    cx: &Context,
    honours: &Honours,
    (from, to): (NaiveDate, NaiveDate),
    circle: RecognitionConsent,
) -> Vec<Moment> {
    let only_with = cx.only_with();
    let is_shown = |one: &&Arc<Honoured>| {
        one.consent >= circle
            && one.is_listed(to)
            && only_with.is_none_or(|customer_id| one.person.customer_id == Some(customer_id))
    };
    let mut found: Vec<Moment> = vec![];
    for who in honours.people.values().filter(is_shown) {
        let own = celebrations(&who.deeds, from, to).into_iter();
        found.extend(own.map(|celebration| (Arc::clone(who), celebration)));
    }
    found.sort_unstable_by_key(|(_, own)| Reverse((own.on, own.id)));
    found
}
