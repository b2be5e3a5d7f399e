//! Expansion signals: what the achievements of a customer's people say about its readiness for more.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::badge::BadgeTier;
use super::deed::{Deeds, FinishedLevel};

/// Kind of expansion signal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = ExpansionSignalKind)]
pub enum SignalKind {
    /// Somebody holds a badge of a tier: a champion.
    Champion,
    /// Everybody of a team of at least two in a program has finished a level.
    TeamLevel,
    /// Impact of somebody was verified.
    VerifiedImpact,
    /// Somebody was granted a reward of which none is left to claim.
    EntitlementLimit,
}

/// Expansion signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Kind.
    pub kind: SignalKind,
    /// Subject that tells it from others of its kind.
    pub subject: String,
    /// First day on which it was there.
    pub on: NaiveDate,
    /// Person; `None` for a team.
    pub person_id: Option<Uuid>,
    /// Tier of a champion.
    pub tier: Option<BadgeTier>,
    /// Name of the badge, the level or the reward.
    pub name: Arc<str>,
    /// Verified amount for a year, with its currency, in the smallest unit.
    pub amount: Option<(String, i64)>,
}

/// A grant of a reward of which none is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Person.
    pub person_id: Uuid,
    /// Key of the reward.
    pub reward_key: Arc<str>,
    /// Name of the reward.
    pub name: Arc<str>,
    /// Day of the grant.
    pub on: NaiveDate,
}

/// Smallest number of people who are a team.
const TEAM: usize = 2;

/// Returns the signals of a customer by the end of a day: from the deeds of its people, and what they were granted that is used up.
pub fn signals(people: &[(Uuid, &Deeds)], limits: &[Limit], day: NaiveDate) -> Vec<Signal> {
    let mut found = vec![];
    for (id, deeds) in people {
        found.extend(of_person(*id, deeds, day));
    }
    found.extend(team_levels(people, day));
    let used_up = limits.iter().filter(|limit| limit.on <= day).map(|limit| Signal {
        kind: SignalKind::EntitlementLimit,
        subject: format!("{}/{}", limit.reward_key, limit.person_id),
        on: limit.on,
        person_id: Some(limit.person_id),
        tier: None,
        name: Arc::clone(&limit.name),
        amount: None,
    });
    found.extend(used_up);
    found
}

fn of_person(id: Uuid, deeds: &Deeds, day: NaiveDate) -> impl Iterator<Item = Signal> {
    let tiers = deeds.awards.iter().filter(move |one| !one.is_renewal && one.tier.is_some() && one.life.counts(day));
    let champions = tiers.map(move |one| Signal {
        kind: SignalKind::Champion,
        subject: format!("{}/{id}", one.badge_key),
        on: one.life.awarded_on,
        person_id: Some(id),
        tier: one.tier,
        name: Arc::clone(&one.name),
        amount: None,
    });
    let impacts = deeds.impacts.iter().filter(move |one| one.on <= day).map(move |one| Signal {
        kind: SignalKind::VerifiedImpact,
        subject: one.currency.clone(),
        on: one.on,
        person_id: Some(id),
        tier: None,
        name: one.currency.as_str().into(),
        amount: Some((one.currency.clone(), one.attributed_minor)),
    });
    champions.chain(impacts)
}

/// The levels that everybody who was in a program by a day has finished.
fn team_levels(people: &[(Uuid, &Deeds)], day: NaiveDate) -> Vec<Signal> {
    let mut teams: BTreeMap<Uuid, Vec<&Deeds>> = BTreeMap::new();
    for (_, deeds) in people {
        let mut programs: Vec<Uuid> =
            deeds.begun.iter().filter(|one| one.on <= day).filter_map(|one| one.place.template_id).collect();
        programs.sort_unstable();
        programs.dedup();
        for program in programs {
            teams.entry(program).or_default().push(deeds);
        }
    }
    let mut found = vec![];
    for (program, members) in teams.into_iter().filter(|(_, members)| members.len() >= TEAM) {
        let own = |deeds: &&Deeds| -> Vec<FinishedLevel> {
            let here = |one: &&FinishedLevel| one.place.template_id == Some(program) && one.on <= day;
            deeds.levels.iter().filter(here).cloned().collect()
        };
        let all: Vec<Vec<FinishedLevel>> = members.iter().map(own).collect();
        let Some((first, others)) = all.split_first() else { continue };
        for level in first {
            let is_same = |one: &&FinishedLevel| one.level == level.level && one.place.track == level.place.track;
            let last_on = others.iter().try_fold(level.on, |last_on, own| {
                own.iter().filter(is_same).map(|one| one.on).min().map(|on| last_on.max(on))
            });
            let track = level.place.track.as_deref().unwrap_or_default();
            found.extend(last_on.map(|on| Signal {
                kind: SignalKind::TeamLevel,
                subject: format!("{program}/{track}/{}", level.level),
                on,
                person_id: None,
                tier: None,
                name: if track.is_empty() {
                    Arc::clone(&level.level)
                } else {
                    format!("{track}, {}", level.level).into()
                },
                amount: None,
            }));
        }
    }
    found
}

/// Returns the sums of verified impact by currency.
pub fn verified_sums(signals: &[Signal]) -> BTreeMap<&str, i64> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for (own, minor) in signals.iter().filter_map(|signal| signal.amount.as_ref()) {
        let sum = sums.entry(own).or_default();
        *sum = sum.saturating_add(*minor);
    }
    sums
}

/// Returns the currencies in which verified impact adds up to an amount.
pub fn currencies_with(signals: &[Signal], currency: Option<&str>, at_least_minor: i64) -> Vec<String> {
    let is_meant = |own: &&str| currency.is_none_or(|wanted| wanted == *own);
    let enough = verified_sums(signals).into_iter().filter(|(own, sum)| is_meant(own) && *sum >= at_least_minor);
    enough.map(|(own, _)| own.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::award::Life;
    use super::super::deed::{AwardedBadge, Begun, Place, VerifiedMoney};
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn place(track: &str) -> Place {
        Place { plan_id: None, template_id: Some(Uuid::from_u128(7)), track: Some(track.into()) }
    }

    fn begun(day: u32) -> Begun {
        Begun { on: on(day), place: place(""), name: "P".into() }
    }

    fn level(level: &str, day: u32) -> FinishedLevel {
        FinishedLevel { level: level.into(), on: on(day), place: place("Technical") }
    }

    #[test]
    fn a_champion_holds_a_tier() {
        let award = |tier, is_renewal, is_revoked| AwardedBadge {
            id: Uuid::nil(),
            badge_key: "savings".into(),
            name: "Savings".into(),
            tier,
            is_certification: false,
            is_renewal,
            life: Life { awarded_on: on(4), expires_on: None, is_suspended: false, is_revoked },
        };
        let gold = Some(BadgeTier::Gold);
        let awards = vec![
            award(gold, false, false),
            award(None, false, false),
            award(gold, true, false),
            award(gold, false, true),
        ];
        let deeds = Deeds { awards, ..Deeds::default() };
        let id = Uuid::from_u128(1);
        let found = signals(&[(id, &deeds)], &[], on(4));
        assert_eq!(found.iter().map(|one| (one.kind, one.tier)).collect::<Vec<_>>(), [(SignalKind::Champion, gold)]);
        assert_eq!(signals(&[(id, &deeds)], &[], on(3)), [], "not before it was awarded");
    }

    #[test]
    fn a_team_finishes_a_level_with_its_last_member() {
        let person = |levels| Deeds { begun: vec![begun(1)], levels, ..Deeds::default() };
        let (one, two) =
            (person(vec![level("Foundation", 5), level("Advanced", 9)]), person(vec![level("Foundation", 8)]));
        let late = Deeds { begun: vec![begun(20)], ..Deeds::default() };
        let ids = [1, 2, 3].map(Uuid::from_u128);
        let of = |people: &[(Uuid, &Deeds)], day| {
            signals(people, &[], on(day)).into_iter().map(|one| (one.name.to_string(), one.on)).collect::<Vec<_>>()
        };
        let both = [(ids[0], &one), (ids[1], &two)];
        assert_eq!(of(&both, 8), [("Technical, Foundation".to_owned(), on(8))]);
        assert_eq!(of(&both, 7), []);
        assert_eq!(of(&[(ids[0], &one)], 9), [], "one person is no team");
        let three = [(ids[0], &one), (ids[1], &two), (ids[2], &late)];
        assert_eq!((of(&three, 19).len(), of(&three, 20).len()), (1, 0), "whoever joins has it to do");
    }

    #[test]
    fn verified_impact_adds_up_by_currency() {
        let money = |day, currency: &str, attributed_minor| VerifiedMoney {
            on: on(day),
            currency: currency.to_owned(),
            attributed_minor,
            place: place(""),
        };
        let deeds = Deeds {
            impacts: vec![money(4, "USD", 300), money(5, "USD", 300), money(5, "EUR", 500)],
            ..Deeds::default()
        };
        let at = |day| signals(&[(Uuid::nil(), &deeds)], &[], on(day));
        assert_eq!(verified_sums(&at(5)), BTreeMap::from([("EUR", 500), ("USD", 600)]));
        assert_eq!(currencies_with(&at(5), None, 500), ["EUR", "USD"]);
        assert_eq!(currencies_with(&at(5), Some("USD"), 600), ["USD"]);
        assert_eq!(currencies_with(&at(4), None, 301), Vec::<String>::new());
    }

    #[test]
    fn what_is_used_up_is_a_limit() {
        let limit = Limit { person_id: Uuid::nil(), reward_key: "seat".into(), name: "Seat".into(), on: on(4) };
        assert_eq!(signals(&[], std::slice::from_ref(&limit), on(4))[0].kind, SignalKind::EntitlementLimit);
        assert_eq!(signals(&[], &[limit], on(3)), []);
    }
}
