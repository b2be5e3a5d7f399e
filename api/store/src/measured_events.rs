//! Usage events as metrics and risk read them: by customer or person, reduced to what they need.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use milepost_domain::customer::reference::Period;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::many::ROWS_PER_INSERT;
use crate::reference_periods::{Holder, ReferenceRow};
use crate::{Conn, on};

/// A usage event in the form that metrics use.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MeasuredRow {
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub data: Option<String>,
}

from_row!(MeasuredRow { kind = "type", occurred_at, received_at, data });

/// Attribute of events by which they are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Reference of a customer.
    Subject,
    /// Reference of a person.
    Person,
}

impl Axis {
    /// The attribute that names a customer or a person.
    pub const fn of(holder: Holder) -> Self {
        match holder {
            Holder::Customer => Self::Subject,
            Holder::Person => Self::Person,
        }
    }

    pub(crate) const fn column(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Person => "person",
        }
    }
}

/// Events that carry a reference and happened in a period.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Span {
    pub axis: Axis,
    pub reference: String,
    pub period: Period,
}

impl From<&ReferenceRow> for Span {
    fn from(row: &ReferenceRow) -> Self {
        let axis = Axis::of(row.kind);
        Self { axis, reference: row.external_ref.clone(), period: row.period() }
    }
}

/// Which events of a span are read, besides those that are held in quarantine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Part {
    /// Earliest time of occurrence.
    pub from: Option<DateTime<Utc>>,
    /// End of the times of occurrence, exclusive.
    pub until: Option<DateTime<Utc>>,
    /// Number of an event after which they were recorded.
    pub after: Option<i64>,
    /// Instant by which they had been received.
    pub known_at: Option<DateTime<Utc>>,
}

/// Adds the conditions of a part of a span.
macro_rules! push_part {
    ($query:ident, $organization_id:expr, $span:expr, $part:expr) => {{
        let (span, part): (&Span, Part) = ($span, $part);
        $query
            .push_bind($organization_id)
            .push(" AND ")
            .push(span.axis.column())
            .push(" = ")
            .push_bind(&span.reference);
        $query.push(" AND held_for IS NULL");
        if let Some(from) = part.from.max(span.period.from_at) {
            $query.push(" AND occurred_at >= ").push_bind(from);
        }
        if let Some(until) = earliest(part.until, span.period.until_at) {
            $query.push(" AND occurred_at < ").push_bind(until);
        }
        if let Some(after) = part.after {
            $query.push(" AND sequence > ").push_bind(after);
        }
        if let Some(known_at) = part.known_at {
            $query.push(" AND received_at <= ").push_bind(known_at);
        }
    }};
}

fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// Hands over the events of a part of a span, one after another, without holding all of them.
pub async fn each(
    conn: &mut Conn,
    organization_id: Uuid,
    span: &Span,
    part: Part,
    mut take: impl FnMut(MeasuredRow),
) -> sqlx::Result<()> {
    on!(conn, db => {
        let mut query =
            QueryBuilder::new("SELECT type, occurred_at, received_at, data FROM usage_events WHERE organization_id = ");
        push_part!(query, organization_id, span, part);
        let mut rows = query.build_query_as().fetch(db);
        while let Some(row) = rows.try_next().await? {
            take(row);
        }
        Ok(())
    })
}

/// Events of some people or customers that were recorded after a number: read at once, for many who follow.
#[derive(Debug, Clone)]
pub struct Recent {
    axis: Axis,
    after: i64,
    by_reference: HashMap<String, Vec<(i64, MeasuredRow)>>,
}

/// An event with its number and its reference.
struct RecentRow {
    sequence: i64,
    reference: String,
    event: MeasuredRow,
}

from_row!(RecentRow { sequence, reference, event; flatten });

impl Recent {
    /// Reads them.
    pub async fn read(
        conn: &mut Conn,
        organization_id: Uuid,
        axis: Axis,
        references: &[&str],
        after: i64,
    ) -> sqlx::Result<Self> {
        let mut by_reference: HashMap<String, Vec<(i64, MeasuredRow)>> =
            references.iter().map(|name| ((*name).to_owned(), vec![])).collect();
        for some in references.chunks(ROWS_PER_INSERT) {
            let rows: Vec<RecentRow> = on!(&mut *conn, db => {
                let mut query = QueryBuilder::new("SELECT sequence, ");
                query.push(axis.column()).push(" AS reference, type, occurred_at, received_at, data FROM usage_events");
                query.push(" WHERE organization_id = ").push_bind(organization_id);
                query.push(" AND held_for IS NULL AND sequence > ").push_bind(after);
                query.push(" AND ").push(axis.column()).push(" IN (");
                let mut list = query.separated(", ");
                for name in some {
                    list.push_bind(*name);
                }
                query.push(")");
                query.build_query_as().fetch_all(db).await
            })?;
            for row in rows {
                by_reference.entry(row.reference).or_default().push((row.sequence, row.event));
            }
        }
        Ok(Self { axis, after, by_reference })
    }

    /// The events of a span that were recorded after a number; `None` if not all of them were read.
    pub fn of<'a>(&'a self, span: &'a Span, after: i64) -> Option<impl Iterator<Item = &'a MeasuredRow>> {
        let rows = self.by_reference.get(&span.reference)?;
        let is_meant =
            move |(sequence, row): &&(i64, MeasuredRow)| *sequence > after && span.period.covers(row.occurred_at);
        (self.axis == span.axis && self.after <= after).then(|| rows.iter().filter(is_meant).map(|(_, row)| row))
    }
}

/// Returns the events of spans from an instant on.
pub async fn all(
    conn: &mut Conn,
    organization_id: Uuid,
    spans: &[Span],
    from: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<MeasuredRow>> {
    let mut rows = vec![];
    for span in spans {
        each(conn, organization_id, span, Part { from, ..Part::default() }, |row| rows.push(row)).await?;
    }
    Ok(rows)
}

/// Returns the time of the first event of a span.
pub async fn first_at(conn: &mut Conn, organization_id: Uuid, span: &Span) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT occurred_at FROM usage_events WHERE organization_id = ");
        push_part!(query, organization_id, span, Part::default());
        query.push(" ORDER BY occurred_at LIMIT 1");
        query.build_query_scalar().fetch_optional(db).await
    })
}

/// First and last event of one type.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EarlierRow {
    pub kind: String,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

from_row!(EarlierRow { kind = "type", first_at, last_at });

/// Returns the first and the last event of each type in a part of a span.
pub async fn by_type(conn: &mut Conn, organization_id: Uuid, span: &Span, part: Part) -> sqlx::Result<Vec<EarlierRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT type, MIN(occurred_at) AS first_at, MAX(occurred_at) AS last_at FROM usage_events WHERE organization_id = ");
        push_part!(query, organization_id, span, part);
        query.push(" GROUP BY type");
        query.build_query_as().fetch_all(db).await
    })
}
