//! People as callers: what they may do everywhere, and whom they have a relation to.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use milepost_domain::access::may::Circle;
use milepost_domain::people::PersonKind;
use milepost_domain::people::identity::NoPerson;
use milepost_domain::people::responsibility::Responsibility;
use uuid::Uuid;

use crate::store::row::{self, Column as _, Condition};
use crate::store::teams::{TeamMember, with_parts};
use crate::store::{Conn, people, reporting_lines, responsibilities, roles};

/// Loads what a person may do, and whom they have a relation to on a day.
pub async fn load(
    conn: &mut Conn,
    organization_id: Uuid,
    person_id: Uuid,
    day: NaiveDate,
) -> sqlx::Result<Result<Circle, NoPerson>> {
    let Some(person) = people::find(conn, organization_id, person_id).await? else { return Ok(Err(NoPerson::Unknown)) };
    if let Some(into_id) = person.merged_into_id() {
        return Box::pin(load(conn, organization_id, into_id, day)).await;
    }
    if !person.is_active(day) {
        return Ok(Err(NoPerson::HasLeft));
    }
    let names = roles::of_person(conn, organization_id, person_id).await?;
    let scopes = roles::catalogue(conn, organization_id, &names).await?.granted(&names);
    let above = reporting_lines::above(conn, organization_id, &[person_id]).await?;
    let chart = reporting_lines::below(conn, organization_id, person_id).await?;
    let coached = responsibilities::ids(conn, organization_id, Responsibility::People, &[person_id]).await?;
    let mut led = BTreeSet::new();
    for team in responsibilities::held(conn, organization_id, Responsibility::Teams, person_id).await? {
        let teams = with_parts(conn, organization_id, team.id).await?;
        let conditions = [Condition::OneOf("team_id", teams.iter().map(Uuid::to_value).collect())];
        let members: Vec<TeamMember> = row::all(conn, organization_id, &conditions, "id").await?;
        led.extend(members.iter().filter(|one| one.stay().covers(day)).map(|one| one.person_id));
    }
    Ok(Ok(Circle {
        person_id,
        scopes,
        reports: chart.reports_on(person_id, day).into_iter().map(|(id, _)| id).collect(),
        managers: above.managers_on(person_id, day).into_iter().collect(),
        coached: coached.into_iter().collect(),
        led,
        signed_out_at: people::signed_out_at(conn, organization_id, person_id).await?,
        customer_id: person.customer_id.filter(|_| person.kind == PersonKind::Participant),
    }))
}
