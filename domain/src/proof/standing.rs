//! What follows from a judgement: whether a milestone is achieved, reopened or contested, and which tiers are earned.

use chrono::NaiveDate;

use super::Proof;
use super::judge::{Judgement, Reached};
use crate::recognition::badge::BadgeTier;

/// Standing of a milestone that proves itself, before a judgement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the milestone is achieved.
    pub is_achieved: bool,
    /// Whether it was waived or cancelled.
    pub is_dropped: bool,
    /// Whether nothing is open that it waits for.
    pub is_unlocked: bool,
    /// Whether its proof has achieved it before, and has not taken that back.
    pub was_proved: bool,
    /// Whether it was seen achieved before, by whomever, and its proof has not taken that back.
    pub was_achieved: bool,
    /// Whether events that its proof counted may have been deleted because of their age, so that nobody can tell whether it still holds.
    pub is_forgotten: bool,
    /// Highest tier that was earned.
    pub tier: Option<BadgeTier>,
    /// Whether somebody has to look at it, because its proof fell away.
    pub is_contested: bool,
    /// Whether somebody has looked, and decided that it stays.
    pub is_upheld: bool,
}

/// What follows from a judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consequence {
    /// Day on which the milestone was achieved, if it is to be achieved now.
    pub achieve_on: Option<NaiveDate>,
    /// Whether it is to be reopened.
    pub reopen: bool,
    /// Tiers that are earned now, the lowest first.
    pub tiers: Vec<Reached>,
    /// Whether its proof has fallen away, so that somebody has to look.
    pub contest: bool,
    /// Whether its proof is whole again, so that nobody has to look any more.
    pub settle: bool,
}

/// Decides what follows from a judgement.
///
/// - What a person has reopened is not achieved again by the same proof: people have the last word.
/// - What events of the past have proved stays proved when they are deleted because of their age.
/// - What was proved stays achieved. If its proof falls away, it is contested, and a person decides; only a proof that must hold every day
///   reopens its milestone by itself.
/// - Tiers are earned once the milestone is achieved, and each one once.
pub fn decide(proof: &Proof, judgement: &Judgement, standing: Standing) -> Consequence {
    if standing.is_dropped {
        return Consequence::default();
    }
    let is_over = standing.was_achieved && !standing.is_achieved;
    let can_begin = !standing.is_achieved && standing.is_unlocked && !is_over;
    let achieve_on = judgement.proved_on.filter(|_| can_begin);
    let can_tell = !standing.is_forgotten;
    let has_fallen = can_tell && standing.was_proved && standing.is_achieved && judgement.proved_on.is_none();
    let best = judgement.tiers.last().map(|reached| reached.tier);
    let has_lost_tier = can_tell && standing.is_achieved && standing.tier > best;
    let is_shaken = (has_fallen && !proof.must_hold) || has_lost_tier;
    let counts = standing.is_achieved || achieve_on.is_some();
    Consequence {
        achieve_on,
        reopen: has_fallen && proof.must_hold,
        tiers: judgement.tiers.iter().copied().filter(|one| counts && Some(one.tier) > standing.tier).collect(),
        contest: is_shaken && !standing.is_contested && !standing.is_upheld,
        settle: !is_shaken && (standing.is_contested || standing.is_upheld),
    }
}

/// Returns the day of the proof after a judgement. While nobody can tell any more, what was known stays.
pub fn proved_on(standing: Standing, judgement: &Judgement, known: Option<NaiveDate>) -> Option<NaiveDate> {
    judgement.proved_on.or(known.filter(|_| standing.is_forgotten))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn judged(proved_on: Option<u32>, tiers: &[(BadgeTier, u32)]) -> Judgement {
        Judgement {
            holds: proved_on.is_some(),
            proved_on: proved_on.map(on),
            percent: 0.0,
            tiers: tiers.iter().map(|(tier, day)| Reached { tier: *tier, reached_on: on(*day) }).collect(),
            findings: vec![],
        }
    }

    #[test]
    fn what_follows() {
        let once = Proof { criteria: vec![], any: None, must_hold: false };
        let always = Proof { must_hold: true, ..once.clone() };
        let open = Standing { is_unlocked: true, ..Standing::default() };
        let by_proof = Standing { is_achieved: true, was_proved: true, was_achieved: true, ..open };
        let (yes, no) = (judged(Some(7), &[]), judged(None, &[]));
        let nothing = Consequence::default();
        let contest = Consequence { contest: true, ..nothing.clone() };
        let settle = Consequence { settle: true, ..nothing.clone() };
        let cases = [
            ("proved", &once, &yes, open, Consequence { achieve_on: Some(on(7)), ..nothing.clone() }),
            ("not proved", &once, &no, open, nothing.clone()),
            ("locked", &once, &yes, Standing { is_unlocked: false, ..open }, nothing.clone()),
            ("dropped", &once, &yes, Standing { is_dropped: true, ..open }, nothing.clone()),
            (
                "reopened by a person",
                &once,
                &yes,
                Standing { was_proved: true, was_achieved: true, ..open },
                nothing.clone(),
            ),
            (
                "achieved and reopened by a person",
                &once,
                &yes,
                Standing { was_achieved: true, ..open },
                nothing.clone(),
            ),
            ("fallen, but events are gone", &once, &no, Standing { is_forgotten: true, ..by_proof }, nothing.clone()),
            (
                "must hold, but events are gone",
                &always,
                &no,
                Standing { is_forgotten: true, ..by_proof },
                nothing.clone(),
            ),
            ("achieved by a person", &once, &no, Standing { was_proved: false, ..by_proof }, nothing.clone()),
            ("still proved", &once, &yes, by_proof, nothing.clone()),
            ("fallen", &once, &no, by_proof, contest.clone()),
            ("fallen, known", &once, &no, Standing { is_contested: true, ..by_proof }, nothing.clone()),
            ("fallen, upheld", &once, &no, Standing { is_upheld: true, ..by_proof }, nothing.clone()),
            ("whole again", &once, &yes, Standing { is_contested: true, ..by_proof }, settle),
            ("must hold", &always, &no, by_proof, Consequence { reopen: true, ..nothing.clone() }),
        ];
        for (name, proof, judgement, standing, expected) in cases {
            assert_eq!(decide(proof, judgement, standing), expected, "{name}");
        }
    }

    #[test]
    fn what_nobody_can_tell_any_more_stays() {
        let forgotten = Standing { is_forgotten: true, ..Standing::default() };
        for (standing, judged_on, known, expected) in [
            (Standing::default(), None, Some(4), None),
            (forgotten, None, Some(4), Some(4)),
            (forgotten, Some(7), Some(4), Some(7)),
            (forgotten, None, None, None),
        ] {
            let found = proved_on(standing, &judged(judged_on, &[]), known.map(on));
            assert_eq!(found, expected.map(on), "{standing:?}");
        }
    }

    #[test]
    fn each_tier_is_earned_once() {
        use BadgeTier::{Bronze, Gold, Silver};
        let proof = Proof { criteria: vec![], any: None, must_hold: false };
        let open = Standing { is_unlocked: true, ..Standing::default() };
        let all = judged(Some(5), &[(Bronze, 5), (Silver, 9)]);
        let earned = |standing| decide(&proof, &all, standing).tiers.iter().map(|one| one.tier).collect::<Vec<_>>();
        assert_eq!(earned(open), [Bronze, Silver]);
        let achieved = Standing { is_achieved: true, was_proved: true, tier: Some(Bronze), ..open };
        assert_eq!(earned(achieved), [Silver]);
        assert_eq!(earned(Standing { tier: Some(Silver), ..achieved }), []);
        assert_eq!(earned(Standing { is_unlocked: false, ..open }), [], "what is locked earns nothing yet");
        let lost = decide(&proof, &all, Standing { tier: Some(Gold), ..achieved });
        assert_eq!((lost.contest, lost.tiers), (true, vec![]));
    }
}
