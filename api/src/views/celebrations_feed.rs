//! The public feed of celebrations, as Atom (RFC 4287).

use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use maud::{PreEscaped, html};
use milepost_domain::recognition::celebration::CelebrationKind;

use crate::resources::celebrations::ShownCelebration;

/// Returns the feed of an organization at an address.
pub fn write(organization: &str, address: &str, now: DateTime<Utc>, celebrations: &[ShownCelebration]) -> String {
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let of = |one: &ShownCelebration| instant(one.on.and_time(NaiveTime::MIN).and_utc());
    // A feed without entries has changed now.
    let updated = celebrations.first().map_or_else(|| instant(now), of);
    let feed = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"))
        feed xmlns="http://www.w3.org/2005/Atom" {
            id { (address) }
            title { (organization) ": achievements" }
            updated { (updated) }
            author { name { (organization) } }
            (PreEscaped(format!("<link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>", attribute(address))))
            @for one in celebrations {
                entry {
                    id { "urn:uuid:" (one.id) }
                    title { (in_words(one)) }
                    updated { (of(one)) }
                    summary { (in_words(one)) }
                }
            }
        }
    };
    feed.into_string()
}

/// A text for an attribute.
fn attribute(text: &str) -> String {
    html! { (text) }.into_string()
}

/// Returns a celebration as a sentence.
pub fn in_words(one: &ShownCelebration) -> String {
    let (who, what) = (one.person_name.as_str(), one.title.as_str());
    let years = match one.years {
        Some(1) => "a year".to_owned(),
        years => format!("{} years", years.unwrap_or_default()),
    };
    match one.kind {
        CelebrationKind::Milestone => format!("{who} achieved “{what}”"),
        CelebrationKind::Award => format!("{who} was awarded “{what}”"),
        CelebrationKind::Tier => {
            format!("{who} reached {}: “{what}”", one.tier.map(|tier| tier.to_string()).unwrap_or_default())
        }
        CelebrationKind::Certification => format!("{who} was certified: “{what}”"),
        CelebrationKind::LevelUp => match &one.track {
            Some(track) => format!("{who} finished the level “{what}” of {track}"),
            None => format!("{who} finished the level “{what}”"),
        },
        CelebrationKind::Story => format!("A story about {who}: “{what}”"),
        CelebrationKind::EnrolmentAnniversary => format!("{who} began “{what}” {years} ago"),
        CelebrationKind::FirstMilestoneAnniversary => {
            format!("{who} achieved a first milestone {years} ago: “{what}”")
        }
    }
}
