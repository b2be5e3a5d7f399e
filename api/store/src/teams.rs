//! Teams and their members.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::people::team::{Stay, TeamContent};
use milepost_domain::values::text::{ExternalRef, Name, folded};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::kept::{Archivable, Content, Kept};
use crate::many::ROWS_PER_INSERT;
use crate::row::{self, Column as _, Condition, Value};
use crate::{Conn, columns, table};

/// A team.
pub type Team = Kept<TeamContent, Archivable>;

columns!(TeamContent { external_ref, name, parent_id, lead_id; parent_ref: PARENT_TEAM_REF, lead_ref: LEAD_REF .. archived: false });

impl Content for TeamContent {
    const TABLE: &'static str = "teams";
    const UNIQUE: Option<&'static str> = Some("external_ref");

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("name_folded", Value::Text(Some(folded(self.name.as_str()))))]
    }

    fn archived(&mut self) -> Option<&mut bool> {
        Some(&mut self.archived)
    }
}

/// Membership of a person in a team.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "team_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "team_name": "Data",
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_ref": "hr-17", "person_name": "Ana Petrova", "from_on": "2026-05-04",
    "until_on": null, "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T09:00:00Z"
}))]
pub struct TeamMember {
    /// Identifier of the membership.
    pub id: Uuid,
    /// Identifier of the team.
    pub team_id: Uuid,
    /// Name of the team.
    pub team_name: Name,
    /// Identifier of the person.
    pub person_id: Uuid,
    /// External reference of the person.
    pub person_ref: Option<ExternalRef>,
    /// Name of the person.
    pub person_name: Name,
    /// First day of the membership.
    pub from_on: NaiveDate,
    /// First day on which the person was no longer a member; null while they are.
    pub until_on: Option<NaiveDate>,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(TeamMember {
    id, team_id, person_id, from_on, until_on, author, recorded_at;
    team_name: TEAM_NAME, person_ref: PERSON_REF, person_name: PERSON_NAME
});
table!(TeamMember, "team_members");

impl TeamMember {
    /// The time of the membership.
    pub const fn stay(&self) -> Stay {
        Stay { from_on: self.from_on, until_on: self.until_on }
    }
}

/// The conditions of memberships on a day.
pub fn present(on: NaiveDate) -> [Condition; 2] {
    let until = Condition::either(Condition::IsPresent("until_on", false), Condition::After("until_on", on.to_value()));
    [Condition::AtMost("from_on", on.to_value()), until]
}

/// The members on a day of a team, and of all teams in it.
pub async fn members_on(conn: &mut Conn, organization_id: Uuid, id: Uuid, on: NaiveDate) -> sqlx::Result<Vec<Uuid>> {
    let teams = with_parts(conn, organization_id, id).await?;
    let [from, until] = present(on);
    let conditions = [Condition::OneOf("team_id", teams.iter().map(Uuid::to_value).collect()), from, until];
    let members: Vec<TeamMember> = row::all(conn, organization_id, &conditions, "id").await?;
    Ok(members.into_iter().map(|member| member.person_id).collect())
}

/// A team and all teams in use in it, at any depth.
pub async fn with_parts(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    let (mut all, mut newest) = (vec![id], vec![id]);
    while !newest.is_empty() {
        let mut parts = vec![];
        for some in newest.chunks(ROWS_PER_INSERT) {
            let parents = Condition::OneOf("parent_id", some.iter().map(Uuid::to_value).collect());
            let conditions = [parents, Condition::IsPresent("archived_at", false)];
            parts.extend(row::all::<Team>(conn, organization_id, &conditions, "id").await?.iter().map(|team| team.id));
        }
        parts.retain(|id| !all.contains(id));
        all.extend(&parts);
        newest = parts;
    }
    Ok(all)
}
