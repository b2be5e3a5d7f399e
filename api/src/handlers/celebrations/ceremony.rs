//! Ceremony of a month: what was achieved in it, to be read out, printed, or sent as a newsletter.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpRequest, get};
use chrono::{Months, NaiveDate};
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::celebration::CelebrationKind;
use milepost_domain::recognition::deed::{Measure, Span};
use milepost_domain::recognition::ranking::{climb, ranked};
use milepost_domain::values::dates::plus_days;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Moment, moments};
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::honours::Honours;
use crate::resources::celebrations::{Ceremony, CeremonyTrack, Climb, ShownCelebration};
use crate::store::organizations;
use crate::views::{ceremony_markdown, ceremony_page, newsletter};

/// Number of people whose climb is told.
const MOST_CLIMBS: usize = 3;

/// Month of a ceremony.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CeremonyOptions {
    /// Month. Defaults to the last one that is over.
    #[param(pattern = r"^[0-9]{4}-(?:0[1-9]|1[0-2])$", max_length = 7, example = "2026-05")]
    month: Option<String>,
}

/// Get a month's ceremony
///
/// Returns the achievements of a month of those who show them: by track, what nobody had achieved before, tiers, certifications, finished
/// levels, the longest climbs on the board, success stories, and anniversaries. By `Accept`, it is JSON, Markdown, or a page to show and print.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(CeremonyOptions), responses((status = 200, description = "The ceremony.", content(
        (Ceremony = "application/json"), (String = "text/markdown"), (String = "text/html")
    ))))]
#[get("/v1/celebrations/ceremony")]
pub async fn read_ceremony(
    request: HttpRequest,
    cx: Context,
    options: Query<CeremonyOptions>,
) -> Result<Answer, ApiError> {
    let ceremony = compute(&cx, options.0.month).await?;
    let matched = Matched::of(&request)?;
    match negotiate(&request, &matched.operation.produces) {
        Some("text/markdown") => Ok(Answer::text("text/markdown; charset=utf-8", ceremony_markdown::write(&ceremony))),
        Some("text/html") => Ok(ceremony_page::render(&ceremony)),
        _ => Ok(Answer::ok(&ceremony)?.content_tag()),
    }
}

/// Get a month's newsletter
///
/// Returns the ceremony as HTML for e-mail: tables and inline styles only, and nothing that is loaded from elsewhere. By `Accept`, it is
/// Markdown.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(CeremonyOptions), responses((status = 200, description = "The newsletter.", content(
        (String = "text/html"), (String = "text/markdown")
    ))))]
#[get("/v1/celebrations/newsletter")]
pub async fn read_newsletter(
    request: HttpRequest,
    cx: Context,
    options: Query<CeremonyOptions>,
) -> Result<Answer, ApiError> {
    let ceremony = compute(&cx, options.0.month).await?;
    let matched = Matched::of(&request)?;
    match negotiate(&request, &matched.operation.produces) {
        Some("text/markdown") => Ok(Answer::text("text/markdown; charset=utf-8", ceremony_markdown::write(&ceremony))),
        _ => Ok(newsletter::render(&ceremony)),
    }
}

async fn compute(cx: &Context, month: Option<String>) -> Result<Ceremony, ApiError> {
    let last = || (cx.today() - Months::new(1)).format("%Y-%m").to_string();
    let month = month.unwrap_or_else(last);
    let first = format!("{month}-01").parse::<NaiveDate>();
    let from = first.map_err(|_| ApiError::parameter("month", "not_a_date", "must be a month such as 2026-05"))?;
    let to = plus_days(from + Months::new(1), -1);
    let found = organizations::find(&mut cx.read().await?, cx.organization_id()).await?;
    let organization = found.map(|organization| organization.name).unwrap_or_default();
    let honours = cx.honours().await?;
    let mut found = moments(&honours, (from, to.min(cx.today())), cx.audience());
    found.reverse();
    let achieved = found.iter().filter(|(_, own)| own.years.is_none());
    let mut people: Vec<Uuid> = achieved.map(|(who, _)| who.person.id).collect();
    people.sort_unstable();
    people.dedup();
    let firsts = firsts(&honours, &found, from);
    let mut tracks: BTreeMap<(bool, Option<String>), Vec<ShownCelebration>> = BTreeMap::new();
    for (who, own) in found.iter().filter(|(_, own)| own.kind == CelebrationKind::Milestone) {
        let shown = ShownCelebration::of(who, own.clone(), &[]);
        tracks.entry((shown.track.is_none(), shown.track.clone())).or_default().push(shown);
    }
    let only = |kinds: &[CelebrationKind]| {
        let own = found.iter().filter(|(_, own)| kinds.contains(&own.kind));
        own.map(|(who, own)| ShownCelebration::of(who, own.clone(), &[])).collect::<Vec<_>>()
    };
    Ok(Ceremony {
        organization,
        from,
        to,
        month,
        people: people.len(),
        tracks: tracks.into_iter().map(|((_, track), milestones)| CeremonyTrack { track, milestones }).collect(),
        firsts,
        tiers: only(&[CelebrationKind::Tier]),
        certifications: only(&[CelebrationKind::Certification]),
        levels: only(&[CelebrationKind::LevelUp]),
        climbs: climbs(&honours, (from, to), cx.audience()),
        stories: only(&[CelebrationKind::Story]),
        anniversaries: only(&[CelebrationKind::EnrolmentAnniversary, CelebrationKind::FirstMilestoneAnniversary]),
    })
}

/// The milestones of programs that nobody had achieved before, not even somebody who does not show it.
fn firsts(honours: &Honours, found: &[Moment], from: NaiveDate) -> Vec<ShownCelebration> {
    let mut first_on: HashMap<(Uuid, &str), NaiveDate> = HashMap::new();
    for one in honours.people.values().flat_map(|who| &who.deeds.milestones) {
        let Some(template_id) = one.place.template_id else { continue };
        let first = first_on.entry((template_id, &*one.key)).or_insert(one.on);
        *first = one.on.min(*first);
    }
    let is_first = |(_, own): &&Moment| {
        let key = own.place.template_id.zip(own.key.as_deref());
        let first = key.and_then(|key| first_on.get(&key));
        own.kind == CelebrationKind::Milestone && first.is_some_and(|first| *first >= from && *first == own.on)
    };
    found.iter().filter(is_first).map(|(who, own)| ShownCelebration::of(who, own.clone(), &[])).collect()
}

/// The longest climbs on the board of points in a month.
fn climbs(honours: &Honours, (from, to): (NaiveDate, NaiveDate), audience: Audience) -> Vec<Climb> {
    let board = |day: NaiveDate| {
        let span = Span { to: day, ..Span::default() };
        let listed = honours.people.values().filter(|who| who.is_listed(to, audience));
        let scored = listed.filter_map(|who| Some((who.deeds.score(Measure::Points, &span)?, who)));
        ranked(scored.collect(), |who| (who.person.name.as_str(), who.person.id))
    };
    let before = board(plus_days(from, -1));
    let ranks: HashMap<Uuid, usize> = before.iter().map(|one| (one.who.person.id, one.rank)).collect();
    let mut climbs: Vec<Climb> = board(to)
        .into_iter()
        .filter_map(|one| {
            let from_rank = ranks.get(&one.who.person.id).copied();
            let ranks = climb(from_rank, before.len(), one.rank)?;
            let (person_id, person_name) = (one.who.person.id, one.who.person.name.clone());
            Some(Climb { person_id, person_name, from_rank, rank: one.rank, ranks })
        })
        .collect();
    climbs.sort_by_key(|one| (std::cmp::Reverse(one.ranks), one.rank));
    climbs.truncate(MOST_CLIMBS);
    climbs
}
