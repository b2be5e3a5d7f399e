//! Celebrations: what was achieved, for others to see and to congratulate on.

pub mod ceremony;
pub mod congratulate;
pub mod feed;

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::celebration::{Celebration, celebrations};

use crate::honours::{Honoured, Honours};

/// A moment of somebody.
type Moment = (Arc<Honoured>, Celebration);

/// The moments in a span of days that an audience sees, the newest first.
fn moments(honours: &Honours, (from, to): (NaiveDate, NaiveDate), audience: Audience) -> Vec<Moment> {
    let mut found: Vec<Moment> = vec![];
    for who in honours.people.values().filter(|who| who.is_listed(to, audience)) {
        let own = celebrations(&who.deeds, from, to).into_iter();
        let own = own.filter(|one| audience.sees(one.shown_to, who.person.customer_id));
        found.extend(own.map(|celebration| (Arc::clone(who), celebration)));
    }
    found.sort_unstable_by_key(|(_, own)| Reverse((own.on, own.id)));
    found
}
