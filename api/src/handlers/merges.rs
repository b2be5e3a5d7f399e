//! Merges of customers, and of people, that turned out to be the same.

use actix_web::web::Path;
use actix_web::{get, post};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::merge::MovedKind;
use milepost_domain::people::PersonContent;
use milepost_domain::people::responsibility::Responsibility;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::nesting::may_be_part_of;
use uuid::Uuid;

use super::people::chart::settle_line;
use super::plans::update::change_rows;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::handlers::access::roles::{check_not_last_admin, check_not_protected};
use crate::handlers::people::giving::{self, give, give_escalations};
use crate::merging::{self, MergeDraft, MergeOptions, MergeReport, Merging};
use crate::paging::{Page, Paging};
use crate::resource::above;
use crate::store::customers::Customer;
use crate::store::memberships;
use crate::store::merges::{Link, Merge};
use crate::store::owner::Owner;
use crate::store::people::Person;
use crate::store::reporting_lines::LineRow;
use crate::store::row;
use crate::unit::Unit;

impl Merging for CustomerContent {
    const LINKS: &'static [Link] = &[
        Link { kind: MovedKind::Pulses, table: "customer_pulses", column: "customer_id" },
        Link { kind: MovedKind::Overrides, table: "health_overrides", column: "customer_id" },
        Link { kind: MovedKind::Outcomes, table: "customer_outcomes", column: "customer_id" },
        Link { kind: MovedKind::Interventions, table: "interventions", column: "customer_id" },
        Link { kind: MovedKind::References, table: "reference_periods", column: "holder_id" },
        Link { kind: MovedKind::Memberships, table: "memberships", column: "customer_id" },
        Link { kind: MovedKind::Impacts, table: "impacts", column: "customer_id" },
    ];
    const CHANGED: &'static [Link] = &[
        Link { kind: MovedKind::People, table: "people", column: "customer_id" },
        Link { kind: MovedKind::Parts, table: "customers", column: "parent_id" },
        Link { kind: MovedKind::Plans, table: "plans", column: "customer_id" },
    ];

    async fn hand_over(unit: &mut Unit, kind: MovedKind, ids: &[Uuid], to: &Customer) -> Result<(), ApiError> {
        let (id, external_ref) = (Some(to.id), to.external_ref.clone());
        match kind {
            MovedKind::Plans => change_rows(unit, ids, |plan| plan.serve_customer(Some(to.clone()))).await,
            MovedKind::Parts => {
                let above = above::<Self>(unit, id).await?;
                for part in ids {
                    may_be_part_of(Some(*part), &above).map_err(|rule| rule.at("/duplicate_id"))?;
                }
                let change = |part: &mut Self| (part.parent_id, part.parent_ref) = (id, external_ref.clone());
                merging::change_each(unit, ids, change).await
            }
            _ => {
                let change =
                    |person: &mut PersonContent| (person.customer_id, person.customer_ref) = (id, external_ref.clone());
                merging::change_each(unit, ids, change).await
            }
        }
    }

    async fn merged(unit: &mut Unit, _merge: &Merge, survivor: &Customer) -> Result<(), ApiError> {
        Ok(memberships::attribute_people_of(&mut unit.conn, unit.organization_id, survivor.id, unit.now).await?)
    }

    async fn parted(unit: &mut Unit, merge: &Merge) -> Result<(), ApiError> {
        for id in [merge.survivor_id, merge.duplicate_id] {
            memberships::attribute_people_of(&mut unit.conn, unit.organization_id, id, unit.now).await?;
        }
        Ok(())
    }
}

impl Merging for PersonContent {
    const LINKS: &'static [Link] = &[
        Link { kind: MovedKind::References, table: "reference_periods", column: "holder_id" },
        Link { kind: MovedKind::Memberships, table: "memberships", column: "person_id" },
        Link { kind: MovedKind::ReportingLines, table: "reporting_lines", column: "person_id" },
        Link { kind: MovedKind::ReportingLinesOfReports, table: "reporting_lines", column: "manager_id" },
        Link { kind: MovedKind::TeamMemberships, table: "team_members", column: "person_id" },
        Link { kind: MovedKind::ValidationAsks, table: "validation_asks", column: "person_id" },
        Link { kind: MovedKind::Awards, table: "awards", column: "person_id" },
        Link { kind: MovedKind::Impacts, table: "impacts", column: "person_id" },
        Link { kind: MovedKind::Entitlements, table: "entitlements", column: "person_id" },
        Link { kind: MovedKind::Stories, table: "stories", column: "person_id" },
        Link { kind: MovedKind::Congratulations, table: "congratulations", column: "person_id" },
        Link { kind: MovedKind::SentCongratulations, table: "congratulations", column: "sender_id" },
    ];
    const CHANGED: &'static [Link] = &[
        Link { kind: MovedKind::Plans, table: "plans", column: "person_id" },
        Link { kind: MovedKind::Reports, table: "people", column: "manager_id" },
        Link { kind: MovedKind::Teams, table: "teams", column: "lead_id" },
        Link { kind: MovedKind::OwnedCustomers, table: "customers", column: "owner_id" },
        Link { kind: MovedKind::OwnedPeople, table: "people", column: "owner_id" },
        Link { kind: MovedKind::OwnedPlans, table: "plans", column: "owner_id" },
        Link { kind: MovedKind::OwnedMilestones, table: "milestones", column: "owner_id" },
        Link { kind: MovedKind::OwnedInterventions, table: "interventions", column: "owner_id" },
    ];

    async fn hand_over(unit: &mut Unit, kind: MovedKind, ids: &[Uuid], to: &Person) -> Result<(), ApiError> {
        let responsibility = match kind {
            MovedKind::Reports => Responsibility::Reports,
            MovedKind::Teams => Responsibility::Teams,
            MovedKind::OwnedCustomers => Responsibility::Customers,
            MovedKind::OwnedPeople => Responsibility::People,
            MovedKind::OwnedPlans => Responsibility::Plans,
            MovedKind::OwnedMilestones => Responsibility::Milestones,
            MovedKind::OwnedInterventions => Responsibility::Interventions,
            _ => return change_rows(unit, ids, |plan| plan.serve_person(Some(to.clone()))).await,
        };
        give(unit, responsibility, ids, &[], &Owner::from(to), "/duplicate_id").await
    }

    async fn check(unit: &mut Unit, both: &[Uuid]) -> Result<(), ApiError> {
        check_not_protected(unit, both, "/duplicate_id").await
    }

    /// The person that is kept belongs to whom it says, from now on.
    async fn merged(unit: &mut Unit, merge: &Merge, survivor: &Person) -> Result<(), ApiError> {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        memberships::settle(conn, organization_id, merge.id, (survivor.id, survivor.customer_id), unit.now).await?;
        memberships::attribute_person(conn, organization_id, survivor.id, unit.now).await?;
        settle_line(unit, merge.id, survivor).await?;
        let owner = Owner::from(survivor);
        let (playbooks, from) = (Responsibility::Playbooks, [merge.duplicate_id]);
        let ids = giving::ids(&mut unit.conn, organization_id, playbooks, &from).await?;
        give(unit, playbooks, &ids, &from, &owner, "/duplicate_id").await?;
        give_escalations(unit, &from, &owner).await?;
        // Roles do not go over by themselves: whoever merges may not have them.
        check_not_last_admin(unit, &from, "/duplicate_id").await
    }

    async fn parted(unit: &mut Unit, merge: &Merge) -> Result<(), ApiError> {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        memberships::unsettle(conn, organization_id, merge.id).await?;
        row::delete::<LineRow>(conn, organization_id, merge.id).await?;
        for id in [merge.survivor_id, merge.duplicate_id] {
            memberships::attribute_person(conn, organization_id, id, unit.now).await?;
        }
        Ok(())
    }
}

/// Merge a duplicate into a customer
///
/// Moves everything that belongs to the duplicate to the customer: people, parts, plans, records, interventions and external references
/// with their usage events. The customer keeps its own fields. The duplicate is archived and can no longer be changed. Fields of other
/// requests that name it, and its external references, then mean the customer. Figures of the past contain both. Moves at most 2,000
/// people, parts and plans. A dry run (`dry_run=true`) responds with 200 and changes nothing.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(MergeOptions), request_body = MergeDraft,
    responses(
        (status = 200, description = "The report of a dry run.", body = MergeReport),
        (status = 201, description = "The report of the merge.", body = MergeReport),
    ))]
#[post("/v1/customers/{id}/merges")]
pub async fn merge_customers(
    cx: Context,
    id: Path<Uuid>,
    options: Query<MergeOptions>,
    body: Body<MergeDraft>,
) -> Result<Answer, ApiError> {
    merging::merge::<CustomerContent>(&cx, *id, &body.0, options.0).await
}

/// List the merges into a customer
///
/// Returns a page of the merges, the newest first.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), params(Paging),
    responses((status = 200, description = "A page of merges.", body = Page<Merge>)))]
#[get("/v1/customers/{id}/merges")]
pub async fn list_customer_merges(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    merging::list::<CustomerContent>(&cx, *id, &paging).await
}

/// Get a merge into a customer
///
/// Returns one merge, also if it was undone.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])),
    responses((status = 200, description = "The merge.", body = Merge)))]
#[get("/v1/customers/{id}/merges/{record_id}")]
pub async fn read_customer_merge(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    merging::read::<CustomerContent>(&cx, path.0, path.1).await
}

/// Undo a merge into a customer
///
/// Restores the duplicate and moves back what the merge moved, unless it has been moved elsewhere since. What was recorded for the
/// customer after the merge stays with it; usage events follow their references.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])),
    responses((status = 200, description = "The undone merge.", body = Merge)))]
#[post("/v1/customers/{id}/merges/{record_id}/undo")]
pub async fn undo_customer_merge(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    merging::undo::<CustomerContent>(&cx, path.0, path.1).await
}

/// Merge a duplicate into a person
///
/// Moves everything that belongs to the duplicate to the person, who keeps their own fields: plans, responsibilities, reporting lines,
/// memberships, and external references with their usage events. Sign-ins as the duplicate mean the person; its roles do not go over. The
/// duplicate is archived and can no longer be changed. Fields of other requests that name it, and its external references, then mean the
/// person. Moves at most 2,000 things. A dry run (`dry_run=true`) responds with 200 and changes nothing.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(MergeOptions), request_body = MergeDraft,
    responses(
        (status = 200, description = "The report of a dry run.", body = MergeReport),
        (status = 201, description = "The report of the merge.", body = MergeReport),
    ))]
#[post("/v1/people/{id}/merges")]
pub async fn merge_people(
    cx: Context,
    id: Path<Uuid>,
    options: Query<MergeOptions>,
    body: Body<MergeDraft>,
) -> Result<Answer, ApiError> {
    merging::merge::<PersonContent>(&cx, *id, &body.0, options.0).await
}

/// List the merges into a person
///
/// Returns a page of the merges, the newest first.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))), params(Paging),
    responses((status = 200, description = "A page of merges.", body = Page<Merge>)))]
#[get("/v1/people/{id}/merges")]
pub async fn list_person_merges(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    merging::list::<PersonContent>(&cx, *id, &paging).await
}

/// Get a merge into a person
///
/// Returns one merge, also if it was undone.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The merge.", body = Merge)))]
#[get("/v1/people/{id}/merges/{record_id}")]
pub async fn read_person_merge(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    merging::read::<PersonContent>(&cx, path.0, path.1).await
}

/// Undo a merge into a person
///
/// Restores the duplicate and moves back what the merge moved, unless it has been moved elsewhere since. Playbooks and escalations stay
/// with the person.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])),
    responses((status = 200, description = "The undone merge.", body = Merge)))]
#[post("/v1/people/{id}/merges/{record_id}/undo")]
pub async fn undo_person_merge(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    merging::undo::<PersonContent>(&cx, path.0, path.1).await
}
