//! Keeping what is derived from usage events and the ledger up to date.
//!
//! Nothing marks a customer, a person or a plan when something of it changes. Events and ledger entries are numbered in order, so what has
//! changed since the last time is what came after the numbers that were noted then.

use std::collections::HashSet;

use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::store::marks::{self, Marks, Upkeep};
use crate::store::measured_events::Axis;
use crate::store::reference_periods::{self, Holder};
use crate::store::{Conn, ledger, usage_events};

/// Work that is due.
#[derive(Debug)]
pub struct Due {
    /// Connection that sees what the current marks say.
    pub conn: Conn,
    /// Marks of the last time; `None` if there was none.
    pub before: Option<Marks>,
    /// Current marks.
    pub marks: Marks,
}

impl Due {
    /// The marks of the last time if it was on the same day.
    pub fn before_today(&self) -> Option<Marks> {
        self.before.filter(|before| before.as_of == self.marks.as_of)
    }
}

/// Work that is due for a kind, if there is any.
pub async fn due(cx: &Context, kind: Upkeep) -> Result<Option<Due>, ApiError> {
    let organization_id = cx.organization_id();
    let mut conn = cx.snapshot().await?;
    let before = marks::find(&mut conn, organization_id, kind).await?;
    let marks = Marks {
        event_sequence: usage_events::last_number(&mut conn, organization_id).await?,
        ledger_sequence: ledger::head_sequence(&mut conn, organization_id).await?.unwrap_or_default(),
        as_of: cx.today(),
        computed_at: cx.app.clock.now(),
    };
    let is_kept = before.is_some_and(|before| Marks { computed_at: marks.computed_at, ..before } == marks);
    Ok((!is_kept).then_some(Due { conn, before, marks }))
}

/// Whether one of some kinds of entities has changed since.
pub async fn has_changed(
    conn: &mut Conn,
    organization_id: Uuid,
    kinds: &[&str],
    since: Marks,
) -> Result<bool, ApiError> {
    for kind in kinds {
        if !ledger::roots_since(conn, organization_id, kind, since.ledger_sequence).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The customers or people who have changed since, or to whom events belong that came, were removed or were changed since.
pub async fn holders_since(
    conn: &mut Conn,
    organization_id: Uuid,
    holder: Holder,
    since: Marks,
) -> Result<HashSet<Uuid>, ApiError> {
    let names = usage_events::names_since(conn, organization_id, Axis::of(holder), since.event_sequence).await?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let of_names = reference_periods::with_refs(conn, organization_id, holder, &names).await?;
    let kind = holder.to_string();
    let mut ids: HashSet<Uuid> =
        ledger::roots_since(conn, organization_id, &kind, since.ledger_sequence).await?.into_iter().collect();
    ids.extend(of_names.iter().filter_map(|row| row.holder_id));
    Ok(ids)
}
