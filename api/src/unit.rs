//! The writing unit: one transaction in which rows, ledger entries and the stored answer commit together or not at all.
//!
//! A unit begins by holding the organization's ledger head, so an organization's writes are one after another: what a
//! handler loads inside it cannot change before it commits. Different organizations do not wait for each other.

use aws_lc_rs::rand;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use milepost_domain::access::Scopes;
use milepost_domain::ledger::{Content, GENESIS, Hash, entry_hash, hex, states_digest};
use serde::Serialize;
use uuid::Uuid;

use crate::clock::{Clock, date_in};
use crate::error::ApiError;
use crate::store::author::Author;
use crate::store::ledger::{self, Entry, Head};
use crate::store::{Conn, Db};
use crate::turns::Turn;

/// Length of the salt of an entry's states.
const SALT_BYTES: usize = 32;

/// One transaction of one organization.
#[derive(Debug)]
pub struct Unit {
    /// The connection everything goes through.
    pub conn: Conn,
    /// The organization everything belongs to.
    pub organization_id: Uuid,
    /// The instant of the change.
    pub now: DateTime<Utc>,
    /// The organization's date at that instant.
    pub today: NaiveDate,
    /// The time at which somebody else stated what is being written, where a message says so.
    pub stated_at: Option<DateTime<Utc>>,
    /// Scopes that the author has everywhere.
    pub scopes: Scopes,
    clock: Clock,
    author: Author,
    request_id: String,
    head: Head,
    is_head_moved: bool,
    /// The organization's turn to write; none on the command line.
    #[expect(dead_code, reason = "held until the unit is over")]
    turn: Option<Turn>,
}

/// Origin of the changes and the organization they belong to.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The organization.
    pub organization_id: Uuid,
    /// Its time zone.
    pub zone: Tz,
    /// The author of the ledger's entries.
    pub author: Author,
    /// The request they are made in.
    pub request_id: String,
    /// Scopes that the author has everywhere.
    pub scopes: Scopes,
}

/// A kind of thing the ledger speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    /// An organization's settings.
    Organization,
    /// A role of the organization's own.
    Role,
    /// An identity provider.
    IdentityProvider,
    /// An API client.
    ApiClient,
    /// A key of an API client.
    ApiKey,
    /// A customer.
    Customer,
    /// A person.
    Person,
    /// A profile; its root is its person.
    Profile,
    /// A team.
    Team,
    /// A badge.
    Badge,
    /// An award of a badge; its root is the person.
    Award,
    /// A congratulation; its root is the person who is congratulated.
    Congratulation,
    /// A competition.
    Competition,
    /// A reward.
    Reward,
    /// An entitlement to a reward; its root is the person.
    Entitlement,
    /// A file shown as evidence; its root is that of its validation.
    EvidenceFile,
    /// A success story.
    Story,
    /// An artwork of badges.
    Artwork,
    /// A template.
    Template,
    /// A plan.
    Plan,
    /// A milestone; its root is its plan.
    Milestone,
    /// A milestone without a date; its root is its plan.
    UndatedMilestone,
    /// An impact; its root is the person.
    Impact,
    /// Validation of a milestone or an impact by people; its root is the plan or the person.
    Validation,
    /// Standing of a milestone that proves itself; its root is its plan.
    Proof,
    /// A metric's definition.
    Metric,
    /// A health model.
    HealthModel,
    /// A model of customers' risk.
    RiskModel,
    /// A playbook.
    Playbook,
    /// An intervention.
    Intervention,
    /// A link by which a client sees a plan; its root is that plan.
    ShareLink,
}

impl Entity {
    /// Its name in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Role => "role",
            Self::IdentityProvider => "identity_provider",
            Self::ApiClient => "api_client",
            Self::ApiKey => "api_key",
            Self::Customer => "customer",
            Self::Person => "person",
            Self::Profile => "profile",
            Self::Team => "team",
            Self::Badge => "badge",
            Self::Award => "award",
            Self::Congratulation => "congratulation",
            Self::Competition => "competition",
            Self::Reward => "reward",
            Self::Entitlement => "entitlement",
            Self::EvidenceFile => "evidence_file",
            Self::Artwork => "artwork",
            Self::Story => "story",
            Self::Template => "template",
            Self::Plan => "plan",
            Self::Milestone => "milestone",
            Self::UndatedMilestone => "undated_milestone",
            Self::Impact => "impact",
            Self::Validation => "validation",
            Self::Proof => "proof",
            Self::Metric => "metric",
            Self::HealthModel => "health_model",
            Self::RiskModel => "risk_model",
            Self::Playbook => "playbook",
            Self::Intervention => "intervention",
            Self::ShareLink => "share_link",
        }
    }
}

/// A change, for the ledger.
#[derive(Debug)]
pub struct Change<'a, T> {
    /// The verb: `created`, `updated`, `achieved`.
    pub verb: &'a str,
    /// Identifier and kind of the changed entity.
    pub entity: (Entity, Uuid),
    /// Root of the entity: itself, or a milestone's plan.
    pub root: (Entity, Uuid),
    /// State before the change.
    pub before: Option<&'a T>,
    /// State after the change.
    pub after: Option<&'a T>,
}

impl Unit {
    /// Begins a transaction and holds the organization's head.
    pub async fn begin(db: &Db, clock: &Clock, origin: Origin) -> Result<Self, ApiError> {
        let mut conn = db.begin().await?;
        let head = ledger::hold_head(&mut conn, origin.organization_id).await?.ok_or_else(ApiError::not_found)?;
        Ok(Self::within(conn, clock, origin, head))
    }

    /// Keeps the organization's turn until the unit is over.
    #[must_use]
    pub fn holding(self, turn: Turn) -> Self {
        Self { turn: Some(turn), ..self }
    }

    /// In a transaction that has just created the organization.
    pub async fn found(mut conn: Conn, clock: &Clock, origin: Origin) -> Result<Self, ApiError> {
        ledger::insert_head(&mut conn, origin.organization_id, &GENESIS).await?;
        Ok(Self::within(conn, clock, origin, Head { sequence: 0, hash: GENESIS.to_vec(), recorded_at: None }))
    }

    fn within(conn: Conn, clock: &Clock, origin: Origin, head: Head) -> Self {
        // A clock that was set back must not make recorded time run backwards.
        let now = head.recorded_at.map_or_else(|| clock.now(), |last| clock.now().max(last));
        Self {
            conn,
            organization_id: origin.organization_id,
            now,
            today: date_in(origin.zone, now),
            stated_at: None,
            scopes: origin.scopes,
            clock: clock.clone(),
            author: origin.author,
            request_id: origin.request_id,
            head,
            is_head_moved: false,
            turn: None,
        }
    }

    /// Whether anything was recorded in it.
    pub const fn has_recorded(&self) -> bool {
        self.is_head_moved
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }

    /// The author of records made in this unit.
    pub fn author(&self) -> Author {
        self.author.clone()
    }

    /// Appends an entry to the ledger: every change has one.
    pub async fn record<T: Serialize>(&mut self, change: Change<'_, T>) -> Result<(), ApiError> {
        let text = |value: Option<&T>| value.map(serde_json::to_string).transpose();
        let (before, after) = (text(change.before)?, text(change.after)?);
        let mut salt = vec![0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| ApiError::internal("the system provides no randomness"))?;
        let digest = states_digest(&salt, before.as_deref(), after.as_deref());
        let (entity, entity_id) = change.entity;
        let (root, root_id) = change.root;
        let mut entry = Entry {
            sequence: self.head.sequence + 1,
            recorded_at: self.now,
            actor_type: self.author.kind.to_string(),
            actor_id: self.author.recorded_id(),
            request_id: self.request_id.clone(),
            action: format!("{}.{}", entity.name(), change.verb),
            entity_type: entity.name().to_owned(),
            entity_id,
            root_type: root.name().to_owned(),
            root_id,
            before,
            after,
            previous_hash: self.head.hash.clone(),
            hash: vec![],
            content_salt: Some(salt),
            content_digest: Some(digest.to_vec()),
            erased_at: None,
        };
        entry.hash = hash_of(self.organization_id, &entry)?.to_vec();
        ledger::append(&mut self.conn, self.organization_id, &entry).await?;
        self.head = Head { sequence: entry.sequence, hash: entry.hash, recorded_at: Some(entry.recorded_at) };
        self.is_head_moved = true;
        Ok(())
    }

    /// Records something that came into being and is its own root.
    pub async fn record_created<T: Serialize>(&mut self, entity: Entity, id: Uuid, after: &T) -> Result<(), ApiError> {
        let of = (entity, id);
        self.record(Change { verb: "created", entity: of, root: of, before: None, after: Some(after) }).await
    }

    /// Records a change of something that is its own root.
    pub async fn record_updated<T: Serialize>(
        &mut self,
        entity: Entity,
        id: Uuid,
        before: &T,
        after: &T,
    ) -> Result<(), ApiError> {
        let of = (entity, id);
        self.record(Change { verb: "updated", entity: of, root: of, before: Some(before), after: Some(after) }).await
    }

    /// Moves the head on and commits.
    pub async fn commit(mut self) -> Result<(), ApiError> {
        if self.is_head_moved {
            ledger::update_head(&mut self.conn, self.organization_id, &self.head).await?;
        }
        Ok(self.conn.commit().await?)
    }
}

/// The hash of an entry from what is stored of it.
pub fn hash_of(organization_id: Uuid, entry: &Entry) -> Result<Hash, ApiError> {
    let organization_id = organization_id.to_string();
    with_content(&organization_id, entry, |content| {
        let previous: Hash = entry.previous_hash.as_slice().try_into().map_err(ApiError::internal)?;
        Ok(entry_hash(&previous, content))
    })
}

/// The domain's view of a stored entry.
pub fn with_content<R>(organization_id: &str, entry: &Entry, look: impl FnOnce(&Content<'_>) -> R) -> R {
    let (entity_id, root_id) = (entry.entity_id.to_string(), entry.root_id.to_string());
    let digest = entry.content_digest.as_deref().map(hex);
    let mut fields = vec![
        Some(entry.actor_type.as_str()),
        Some(entry.actor_id.as_str()),
        Some(entry.request_id.as_str()),
        Some(entry.action.as_str()),
        Some(entry.entity_type.as_str()),
        Some(entity_id.as_str()),
        Some(entry.root_type.as_str()),
        Some(root_id.as_str()),
    ];
    match &digest {
        Some(digest) => fields.push(Some(digest)),
        None => fields.extend([entry.before.as_deref(), entry.after.as_deref()]),
    }
    look(&Content { organization_id, sequence: entry.sequence, recorded_at: entry.recorded_at, fields: &fields })
}
