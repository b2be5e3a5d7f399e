//! Copies of everything that is kept about a person or a customer, for them to have (GDPR, articles 15 and 20).

use actix_web::get;
use actix_web::web::Path;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::PersonContent;
use milepost_domain::people::responsibility::Responsibility;
use serde::Serialize;
use serde_json::json;
use strum::VariantArray as _;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::handlers::ledger::list::LedgerEntry;
use crate::handlers::people::giving;
use crate::handlers::plans::Plan;
use crate::read_model::PlanView;
use crate::resource::{By, Managed, find};
use crate::resources::interventions::Intervention;
use crate::resources::milestones::Milestone;
use crate::store::awards::AwardRow;
use crate::store::congratulations::Congratulation;
use crate::store::customer_records::{CustomerOutcome, HealthOverride, Pulse};
use crate::store::erasure::Extent;
use crate::store::impacts::Impact;
use crate::store::interventions::{InterventionNote, InterventionRow};
use crate::store::keyset::Direction;
use crate::store::ledger::{self, Filter};
use crate::store::memberships::MembershipRow;
use crate::store::profiles::Profile;
use crate::store::reporting_lines::LineRow;
use crate::store::rewards::EntitlementRow;
use crate::store::row::{self, Column as _, Condition, Table};
use crate::store::stories::Story;
use crate::store::teams::TeamMember;
use crate::store::undated_milestones::UndatedMilestone;
use crate::store::{Conn, plans, profiles, reference_periods, roles};

/// Largest number of ledger entries about one thing that a copy has; the rest is read from the ledger itself.
const MOST_ENTRIES: usize = 10_000;

/// A copy in the making: lines of JSON, each with the kind of what it holds.
struct Copy<'a> {
    cx: &'a Context,
    conn: Conn,
    lines: Vec<u8>,
    count: usize,
}

impl Copy<'_> {
    fn add(&mut self, kind: &str, data: &impl Serialize) -> Result<(), ApiError> {
        serde_json::to_writer(&mut self.lines, &json!({ "kind": kind, "data": data }))?;
        self.lines.push(b'\n');
        self.count += 1;
        Ok(())
    }

    async fn rows<T: Table + Serialize>(
        &mut self,
        kind: &str,
        column: &'static str,
        ids: &[Uuid],
    ) -> Result<(), ApiError> {
        let of = [Condition::OneOf(column, ids.iter().map(Uuid::to_value).collect())];
        for row in row::all::<T>(&mut self.conn, self.cx.organization_id(), &of, "id").await? {
            self.add(kind, &row)?;
        }
        Ok(())
    }

    async fn resources<T: Managed>(&mut self, ids: &[Uuid]) -> Result<(), ApiError> {
        for id in ids {
            let found = find::<T>(&mut self.conn, self.cx.organization_id(), By::Id(*id)).await?;
            self.add(T::ENTITY.name(), &found)?;
        }
        Ok(())
    }

    /// References, each with where its usage events are read.
    async fn references(&mut self, ids: &[Uuid], parameter: &str) -> Result<(), ApiError> {
        let found = reference_periods::of_holders(&mut self.conn, self.cx.organization_id(), ids).await?;
        for row in found.values().flatten() {
            let reference =
                percent_encoding::utf8_percent_encode(&row.external_ref, percent_encoding::NON_ALPHANUMERIC);
            let events = format!("/v1/events?{parameter}={reference}");
            let data = json!({ "external_ref": row.external_ref, "from": row.from_at, "to": row.until_at, "usage_events": events });
            self.add("reference", &data)?;
        }
        Ok(())
    }

    async fn plans(&mut self, ids: &[Uuid]) -> Result<(), ApiError> {
        if ids.is_empty() {
            return Ok(());
        }
        let today = self.cx.today();
        self.rows::<UndatedMilestone>("undated_milestone", "plan_id", ids).await?;
        for record in plans::load(&mut self.conn, self.cx.organization_id(), Some(ids)).await? {
            self.add("plan", &Plan::at(&PlanView::from(&record), today))?;
            for milestone in Milestone::all_of(&record, today) {
                self.add("milestone", &milestone)?;
            }
        }
        Ok(())
    }

    async fn entries(&mut self, ids: &[Uuid]) -> Result<(), ApiError> {
        for id in ids {
            let filter = Filter { root_id: Some(*id), ..Filter::default() };
            let organization_id = self.cx.organization_id();
            let found =
                ledger::list(&mut self.conn, organization_id, &filter, Direction::Ascending, None, MOST_ENTRIES)
                    .await?;
            for entry in found {
                self.add("ledger_entry", &LedgerEntry::from(entry))?;
            }
        }
        Ok(())
    }

    fn answer(mut self, name: &str) -> Result<Answer, ApiError> {
        let count = self.count;
        self.add("end", &json!({ "lines": count }))?;
        let name = format!("attachment; filename=\"{name}.ndjson\"");
        let answer = Answer::text("application/x-ndjson", self.lines);
        Ok(answer.header(actix_web::http::header::CONTENT_DISPOSITION, name))
    }
}

/// Export everything about a person
///
/// Returns lines of JSON, each with a `kind` and its `data`: the person and those that were merged into them, references with where their
/// usage events are read, memberships, reporting lines, teams, profile and avatar, awards, impacts, entitlements, stories, congratulations, roles,
/// sign-ins, plans that serve them, what they are responsible for, and the ledger's entries about them. The last line has the number of the
/// others.
#[utoipa::path(tag = "people", security(("bearer" = ["admin"])), responses(
    (status = 200, description = "The copy.", content((String = "application/x-ndjson")))
))]
#[get("/v1/people/{id}/export")]
pub async fn export_person(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let extent = Extent::of_people(&mut conn, cx.organization_id(), vec![*id]).await?;
    let mut copy = Copy { cx: &cx, conn, lines: vec![], count: 0 };
    add_people(&mut copy, &extent.people).await?;
    copy.plans(&extent.plans).await?;
    copy.entries(&[extent.people, extent.plans].concat()).await?;
    copy.answer(&format!("person-{id}"))
}

async fn add_people(copy: &mut Copy<'_>, people: &[Uuid]) -> Result<(), ApiError> {
    let organization_id = copy.cx.organization_id();
    copy.resources::<PersonContent>(people).await?;
    copy.references(people, "person").await?;
    copy.rows::<MembershipRow>("membership", "person_id", people).await?;
    copy.rows::<LineRow>("reporting_line", "person_id", people).await?;
    copy.rows::<TeamMember>("team_membership", "person_id", people).await?;
    copy.rows::<Profile>("profile", "id", people).await?;
    copy.rows::<AwardRow>("award", "person_id", people).await?;
    copy.rows::<Impact>("impact", "person_id", people).await?;
    copy.rows::<EntitlementRow>("entitlement", "person_id", people).await?;
    copy.rows::<Story>("story", "person_id", people).await?;
    copy.rows::<Congratulation>("congratulation", "person_id", people).await?;
    copy.rows::<Congratulation>("sent_congratulation", "sender_id", people).await?;
    for id in people {
        let avatar = profiles::avatar(&mut copy.conn, organization_id, *id).await?;
        if let Some(png) = avatar {
            let image = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png));
            copy.add("avatar", &json!({ "person_id": id, "image": image }))?;
        }
        for role in roles::of_person(&mut copy.conn, organization_id, *id).await? {
            copy.add("role", &json!({ "person_id": id, "role": role }))?;
        }
        for (issuer, subject) in roles::identities(&mut copy.conn, organization_id, *id).await? {
            copy.add("sign_in", &json!({ "person_id": id, "issuer": issuer, "subject": subject }))?;
        }
        for kind in Responsibility::VARIANTS {
            for held in giving::held(&mut copy.conn, organization_id, *kind, *id).await? {
                copy.add("responsibility", &held)?;
            }
        }
    }
    Ok(())
}

/// Export everything about a customer
///
/// Returns lines of JSON, each with a `kind` and its `data`: the customer and those that were merged into it, references with where their
/// usage events are read, pulses, overrides, outcomes, interventions with their notes, plans that serve it, its people with all that
/// belongs to them, and the ledger's entries about all these. The last line has the number of the others.
#[utoipa::path(tag = "customers", security(("bearer" = ["admin"])), responses(
    (status = 200, description = "The copy.", content((String = "application/x-ndjson")))
))]
#[get("/v1/customers/{id}/export")]
pub async fn export_customer(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<CustomerContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let extent = Extent::of_customer(&mut conn, cx.organization_id(), *id).await?;
    let mut copy = Copy { cx: &cx, conn, lines: vec![], count: 0 };
    copy.resources::<CustomerContent>(&extent.customers).await?;
    copy.references(&extent.customers, "subject").await?;
    copy.rows::<Pulse>("pulse", "customer_id", &extent.customers).await?;
    copy.rows::<HealthOverride>("health_override", "customer_id", &extent.customers).await?;
    copy.rows::<CustomerOutcome>("outcome", "customer_id", &extent.customers).await?;
    for id in &extent.interventions {
        let found: Option<InterventionRow> = row::find(&mut copy.conn, cx.organization_id(), *id).await?;
        if let Some(row) = found {
            copy.add("intervention", &Intervention::of(row, cx.today()))?;
        }
    }
    copy.rows::<InterventionNote>("note", "intervention_id", &extent.interventions).await?;
    add_people(&mut copy, &extent.people).await?;
    copy.plans(&extent.plans).await?;
    copy.entries(&extent.all()).await?;
    copy.answer(&format!("customer-{id}"))
}
