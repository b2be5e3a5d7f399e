//! Leaderboard: people by what they have achieved, and everybody's own standing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::people::team::TeamContent;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::competition::{CompetitionContent, check_currency};
use milepost_domain::recognition::deed::{Measure, RecognitionConsent, Span};
use milepost_domain::recognition::ranking::{Ranked, neighbours, ranked};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Currency, ExternalRef, Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::definitions::program_asked_for;
use crate::error::ApiError;
use crate::extract::Query;
use crate::honours::{Board, Honoured, Honours};
use crate::moment::{AsOf, check_in_order};
use crate::paging::{Page, Paging};
use crate::read_model::reports::{Report, ReportKey};
use crate::resource::{By, find};
use crate::store::keyset::{Key as PositionKey, Position};
use crate::store::teams;

/// Number of neighbours on each side of somebody's place.
const NEIGHBOURS: usize = 2;

/// Question that a board answers.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BoardOptions {
    /// Measure: `points` (the default), `milestones`, `awards`, `verified_impact` or `velocity`.
    #[param(inline)]
    by: Option<Measure>,
    /// Currency of the amounts: required for `verified_impact`.
    #[param(inline)]
    currency: Option<Currency>,
    /// Filter by key of the program whose milestones count.
    #[param(inline)]
    template: Option<Key>,
    /// Filter by track whose milestones count (exact match).
    #[param(inline)]
    track: Option<Label>,
    /// Filter by customer that people belong to.
    customer_id: Option<Uuid>,
    /// Filter by team whose members on the day people are, with the teams in it.
    team_id: Option<Uuid>,
    /// First day whose achievements count. By default, all up to the day do.
    from: Option<NaiveDate>,
}

/// Place of a person on a board.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"rank": 1, "score": 12.0, "person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_ref": "hr-17",
    "person_name": "Ana Petrova"}))]
pub struct BoardPlace {
    /// Rank. Those with equal scores share one, and the next rank leaves as many out: 1, 2, 2, 4.
    #[schema(minimum = 1, maximum = 10_000_000)]
    rank: usize,
    /// Score.
    score: f64,
    /// Identifier of the person; null once they were erased.
    person_id: Option<Uuid>,
    /// External reference of the person.
    person_ref: Option<ExternalRef>,
    /// Name of the person.
    person_name: Option<Name>,
}

impl BoardPlace {
    /// A place of somebody, or of nobody any more.
    pub fn of(rank: usize, score: f64, who: Option<&Arc<Honoured>>) -> Self {
        let person = who.map(|who| &who.person);
        Self {
            rank,
            score,
            person_id: person.map(|person| person.id),
            person_ref: person.and_then(|person| person.external_ref.clone()),
            person_name: person.map(|person| person.name.clone()),
        }
    }
}

/// Standing of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"as_of": "2026-05-04", "is_shown": true, "place": null, "of": 12, "above": [], "below": []}))]
pub struct PersonStanding {
    /// Day that this refers to.
    as_of: NaiveDate,
    /// Whether others see the person on boards. Somebody who is not shown sees the place that they would have.
    is_shown: bool,
    /// Place of the person; null while nothing counts.
    place: Option<BoardPlace>,
    /// Number of people on the board.
    #[schema(maximum = 10_000_000)]
    of: usize,
    /// People just above, in the order of the board: up to two.
    #[schema(max_items = 2)]
    above: Vec<BoardPlace>,
    /// People just below, in the order of the board: up to two.
    #[schema(max_items = 2)]
    below: Vec<BoardPlace>,
}

/// Get the leaderboard
///
/// Returns a page of the people with any score on the day, the highest first. Whoever shows their achievements to nobody is not there, not even
/// as a gap, nor is who has left. Participants of a customer see those of the same customer.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, AsOf, BoardOptions), responses((status = 200, description = "A page of the board.", body = Page<BoardPlace>)))]
#[get("/v1/leaderboard")]
pub async fn read_leaderboard(
    cx: Context,
    paging: Paging,
    as_of: AsOf,
    options: Query<BoardOptions>,
) -> Result<Answer, ApiError> {
    let honours = cx.honours().await?;
    let (organization_id, sequence) = (cx.organization_id(), honours.sequence);
    let question = format!("{} {} {:?}", cx.target, as_of.0, cx.audience());
    let key = ReportKey { organization_id, sequence, question };
    let make = async || {
        let board = Question::of(&cx, options.0, as_of.0).await?.board(&cx, &honours, None);
        page(&paging, &board.entries, |one| BoardPlace::of(one.rank, one.score, Some(&one.who)))
    };
    cx.app.read_model.reports.make(key, make).await
}

/// A page of ranked people, serialized.
pub fn page<T>(
    paging: &Paging,
    ranked: &[Ranked<T>],
    shown: impl Fn(&Ranked<T>) -> BoardPlace,
) -> Result<Report, ApiError> {
    let start = paging.after_number().and_then(|after| usize::try_from(after).ok()).map_or(0, |after| after + 1);
    let rows: Vec<(usize, &Ranked<T>)> = ranked.iter().enumerate().skip(start).take(paging.limit + 1).collect();
    let position = |(place, _): &(usize, &Ranked<T>)| Position {
        key: Some(PositionKey::Number(i64::try_from(*place).unwrap_or(i64::MAX))),
        id: Uuid::nil(),
    };
    paging.report(rows, position, |(_, one)| shown(one))
}

/// Get a person's standing
///
/// Returns the person's place on the board, with the two people above and the two below. The rank is the one that the board shows. Somebody who
/// shows their achievements to nobody sees their own standing, and nobody else does.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    params(AsOf, BoardOptions), responses((status = 200, description = "The standing.", body = PersonStanding)))]
#[get("/v1/people/{id}/standing")]
pub async fn read_standing(
    cx: Context,
    id: Path<Uuid>,
    as_of: AsOf,
    options: Query<BoardOptions>,
) -> Result<Answer, ApiError> {
    let honours = cx.honours().await?;
    let person = honours.people.get(&id).ok_or_else(ApiError::not_found)?;
    let is_shown = person.is_listed(as_of.0, Audience::Organization);
    if person.consent == RecognitionConsent::Private && cx.who.caller.person_id() != Some(*id) {
        return Err(ApiError::not_found());
    }
    let question = Question::of(&cx, options.0, as_of.0).await?;
    let board = question.board(&cx, &honours, (!is_shown).then_some(*id));
    let shown = |one: &Ranked<Arc<Honoured>>| BoardPlace::of(one.rank, one.score, Some(&one.who));
    let places = |range: std::ops::Range<usize>| board.entries[range].iter().map(shown).collect();
    let place = board.places.get(&id).copied();
    let (above, below) = place.map_or((0..0, 0..0), |place| neighbours(place, board.entries.len(), NEIGHBOURS));
    let standing = PersonStanding {
        as_of: as_of.0,
        is_shown,
        place: place.map(|place| shown(&board.entries[place])),
        of: board.entries.len(),
        above: places(above),
        below: places(below),
    };
    Ok(Answer::ok(&standing)?.content_tag())
}

/// A question with what its filters mean.
#[derive(Debug)]
pub struct Question {
    by: Measure,
    currency: Option<Currency>,
    template_id: Option<Uuid>,
    track: Option<Label>,
    customer_id: Option<Uuid>,
    audience: Audience,
    members: Option<HashSet<Uuid>>,
    team_id: Option<Uuid>,
    from: Option<NaiveDate>,
    to: NaiveDate,
}

impl Question {
    /// Resolves what a request asks for.
    async fn of(cx: &Context, options: BoardOptions, to: NaiveDate) -> Result<Self, ApiError> {
        let BoardOptions { by, currency, template, track, customer_id, team_id, from } = options;
        let by = by.unwrap_or_default();
        let refused = |rule: ValueRule| ApiError::parameter("currency", rule.code(), rule.to_string());
        check_currency(by, currency.is_some()).map_err(refused)?;
        check_in_order(from.unwrap_or(to), to)?;
        let mut conn = cx.read().await?;
        let program = program_asked_for(&mut conn, cx.organization_id(), template.as_ref()).await?;
        let template_id = program.map(|program| program.id);
        let members = match team_id {
            Some(id) => {
                find::<TeamContent>(&mut conn, cx.organization_id(), By::Id(id)).await?;
                Some(teams::members_on(&mut conn, cx.organization_id(), id, to).await?.into_iter().collect())
            }
            None => None,
        };
        let audience = cx.audience();
        Ok(Self { by, currency, template_id, track, customer_id, audience, members, team_id, from, to })
    }

    /// The question that a competition asks.
    pub async fn of_competition(cx: &Context, competition: &CompetitionContent) -> Result<Self, ApiError> {
        let CompetitionContent { by, currency, template, track, customer_id, team_id, from_on, to_on, .. } =
            competition.clone();
        let options =
            BoardOptions { by: Some(by), currency, template, track, customer_id, team_id, from: Some(from_on) };
        Self::of(cx, options, to_on).await
    }

    /// The board that answers it, with somebody who is otherwise not shown.
    pub fn board(&self, cx: &Context, honours: &Honours, with: Option<Uuid>) -> Arc<Board> {
        let Self { by, currency, template_id, track, customer_id, audience, team_id, from, to, .. } = self;
        let text = format!(
            "{by} {currency:?} {template_id:?} {track:?} {customer_id:?} {audience:?} {team_id:?} {from:?} {to} {with:?}"
        );
        cx.board(honours, text, || self.rank(honours, with))
    }

    fn rank(&self, honours: &Honours, with: Option<Uuid>) -> Board {
        let span = Span {
            from: self.from,
            to: self.to,
            template_id: self.template_id,
            track: self.track.as_deref(),
            currency: self.currency.as_deref(),
        };
        let takes_part = |one: &Honoured| {
            let id = one.person.id;
            (one.is_listed(self.to, self.audience) || with == Some(id))
                && self.customer_id.is_none_or(|of| one.person.customer_id == Some(of))
                && self.members.as_ref().is_none_or(|members| members.contains(&id))
        };
        let scored = honours.people.values().filter(|one| takes_part(one));
        let scored = scored.filter_map(|one| Some((one.deeds.score(self.by, &span)?, Arc::clone(one))));
        let entries = ranked(scored.collect(), |one| (one.person.name.as_str(), one.person.id));
        let places: HashMap<Uuid, usize> =
            entries.iter().enumerate().map(|(place, one)| (one.who.person.id, place)).collect();
        Board { entries, places }
    }
}
