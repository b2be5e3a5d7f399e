//! Judgement of a proof by what is known on a day.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::Proof;
use super::criterion::{Criterion, CriterionKind, Threshold, Tier};
use super::spells::Spells;
use super::validation::{Approval, approved_on, count};
use crate::recognition::badge::BadgeTier;
use crate::recognition::impact::ImpactKind;
use crate::usage::metric::Aggregate;
use crate::usage::tally::Tallies;
use crate::values::count::real;
use crate::values::dates::{days_between, plus_days};
use crate::values::text::Currency;

/// Award of a badge that a person has, or has had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Key of the badge.
    pub badge_key: String,
    /// First day on which it counts.
    pub from_on: NaiveDate,
    /// First day on which it no longer counts.
    pub until_on: Option<NaiveDate>,
}

impl Held {
    /// Returns an award as it counts: until it expires, or until somebody suspended or revoked it.
    pub fn of(badge_key: String, from_on: NaiveDate, ends: [Option<NaiveDate>; 3]) -> Self {
        Self { badge_key, from_on, until_on: ends.into_iter().flatten().min() }
    }
}

/// Impact of the person that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedImpact {
    /// Kind.
    pub kind: ImpactKind,
    /// Currency of an amount of money.
    pub currency: Option<Currency>,
    /// Share that is owed to the person: for money in the smallest unit.
    pub attributed: f64,
    /// Day of the verification.
    pub verified_on: NaiveDate,
}

/// Facts by which a proof is judged.
pub struct Known<'a> {
    /// First day of the plan: nothing is proved before it.
    pub start_on: NaiveDate,
    /// Last day that is looked at.
    pub until: NaiveDate,
    /// Tallies of the events that a criterion counts; `None` if there is nobody whose events they could be.
    pub tallies: &'a dyn Fn(&Criterion) -> Option<Arc<Tallies>>,
    /// Awards of the person.
    pub awards: &'a [Held],
    /// Impacts of the person that were verified.
    pub impacts: &'a [VerifiedImpact],
    /// Days on which the plan's milestones were achieved, by key.
    pub achieved: &'a HashMap<&'a str, NaiveDate>,
    /// Approvals by people that speak for the plan's milestones, by key.
    pub approvals: &'a HashMap<String, Vec<Approval>>,
    /// Figure of the plan on a day: its SPI or its percentage of completion.
    pub figure: &'a dyn Fn(CriterionKind, NaiveDate) -> Option<f64>,
}

/// Judgement of a criterion on the last day.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Whether it is met.
    pub is_met: bool,
    /// First day on which it was met.
    pub met_on: Option<NaiveDate>,
    /// Figure; `None` if it is undefined.
    pub figure: Option<f64>,
    /// Number that the figure is compared with.
    pub threshold: f64,
    /// How far the figure has come, in percent.
    pub percent: f64,
}

impl Finding {
    /// Returns what was found about a criterion, in words: the figure beside the number that it is compared with.
    pub fn words(&self, criterion: &Criterion) -> String {
        let figure = self.figure.map_or_else(|| "none".to_owned(), |figure| figure.to_string());
        let side = if criterion.at_most.is_some() { "at most" } else { "at least" };
        format!("{}: {figure} ({side} {})", criterion.subject(), self.threshold)
    }
}

/// Tier that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Tier.
    pub tier: BadgeTier,
    /// Day on which it was reached.
    pub reached_on: NaiveDate,
}

/// Judgement of a proof on the last day.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether the proof holds.
    pub holds: bool,
    /// Day on which the milestone was proved: the first day on which the proof held, or, where it must hold, the first day since which it
    /// has.
    pub proved_on: Option<NaiveDate>,
    /// How far it has come, in percent.
    pub percent: f64,
    /// Tiers that were reached, the lowest first.
    pub tiers: Vec<Reached>,
    /// Findings, in the order of the criteria.
    pub findings: Vec<Finding>,
}

/// Judges a proof.
///
/// The proof holds on the days on which enough of its criteria hold at the same time. Between the days on which a figure can change, a
/// criterion stays as it is, so only those days are looked at.
pub fn judge(own_key: &str, proof: &Proof, known: &Known<'_>) -> Judgement {
    let sides: Vec<(Spells, Finding)> = proof.criteria.iter().map(|one| side(own_key, one, known)).collect();
    let spells: Vec<Spells> = sides.iter().map(|(spells, _)| spells.clone()).collect();
    let whole = Spells::at_least(proof.needed(), &spells);
    let tier = |(criterion, tier): (&Criterion, &Tier)| {
        let others = proof.criteria.iter().zip(&spells).filter(|(one, _)| !std::ptr::eq(*one, criterion));
        let mut all: Vec<Spells> = others.map(|(_, spells)| spells.clone()).collect();
        let threshold = Threshold::AtLeast(tier.at_least);
        all.push(match criterion.kind {
            CriterionKind::Impact => impact(criterion, threshold, known),
            _ => metric(criterion, threshold, known),
        });
        let reached_on = Spells::at_least(all.len(), &all).first_on()?;
        Some(Reached { tier: tier.tier, reached_on })
    };
    let tiers = proof
        .tiered()
        .map_or(vec![], |criterion| criterion.tiers.iter().filter_map(|one| tier((criterion, one))).collect());
    let findings: Vec<Finding> = sides.into_iter().map(|(_, finding)| finding).collect();
    let holds = whole.hold_on(known.until);
    let proved_on = if proof.must_hold { whole.since(known.until) } else { whole.first_on() };
    let so_far = mean_of_best(findings.iter().map(|finding| finding.percent), proof.needed());
    let percent = if proved_on.is_some() { 100.0 } else { so_far };
    Judgement { holds, proved_on, percent, tiers, findings }
}

/// The spells of a criterion, and how it stands on the last day.
fn side(own_key: &str, criterion: &Criterion, known: &Known<'_>) -> (Spells, Finding) {
    let threshold = criterion.threshold().unwrap_or(Threshold::AtLeast(0.0));
    let (spells, figure, threshold) = match criterion.kind {
        CriterionKind::Metric => {
            let figure =
                (known.tallies)(criterion).and_then(|tallies| measure(criterion, &tallies, known, known.until));
            (metric(criterion, threshold, known), figure, threshold)
        }
        CriterionKind::Impact => {
            (impact(criterion, threshold, known), verified(criterion, known, known.until), threshold)
        }
        CriterionKind::Spi | CriterionKind::PercentComplete => {
            let on = |day: NaiveDate| (known.figure)(criterion.kind, day);
            let days = (0..=days_between(known.start_on, known.until)).map(|days| plus_days(known.start_on, days));
            let spells = Spells::of(days, |day| on(day).is_some_and(|figure| threshold.is_met_by(figure)));
            (spells, on(known.until), threshold)
        }
        CriterionKind::Validation => {
            let all = known.approvals.get(own_key).map_or(&[][..], Vec::as_slice);
            let given: Vec<Approval> = all.iter().copied().filter(|(_, on)| *on <= known.until).collect();
            let met_on = approved_on(&criterion.needs, &given).map(|on| on.max(known.start_on));
            let (used, needed) = count(&criterion.needs, &given);
            let spells = met_on.map_or_else(Spells::default, Spells::from);
            (spells, Some(f64::from(used)), Threshold::AtLeast(f64::from(needed)))
        }
        CriterionKind::Awards | CriterionKind::Milestones => {
            let parts: Vec<Spells> =
                criterion.keys.iter().map(|key| part(criterion.kind, key.as_str(), known)).collect();
            let held = parts.iter().filter(|spells| spells.hold_on(known.until)).count();
            let spells = Spells::at_least(criterion.needed(), &parts);
            (spells, Some(real(held)), Threshold::AtLeast(real(criterion.needed())))
        }
    };
    let finding = Finding {
        is_met: spells.hold_on(known.until),
        met_on: spells.first_on(),
        figure,
        threshold: threshold.number(),
        percent: figure.map_or(0.0, |figure| threshold.percent(figure)),
    };
    (spells, finding)
}

/// The days on which a badge counts, or on which a milestone is achieved. What was so before the plan is so from its first day on.
fn part(kind: CriterionKind, key: &str, known: &Known<'_>) -> Spells {
    let begins = |on: NaiveDate| on.max(known.start_on);
    if kind == CriterionKind::Milestones {
        let achieved = known.achieved.get(key).map(|on| begins(*on)).filter(|on| *on <= known.until);
        return achieved.map_or_else(Spells::default, Spells::from);
    }
    let own = known.awards.iter().filter(|held| held.badge_key == key && begins(held.from_on) <= known.until);
    let all: Vec<Spells> = own
        .map(|held| {
            let end = held.until_on.filter(|until| *until <= known.until);
            Spells::of([begins(held.from_on)].into_iter().chain(end.map(begins)), |day| end.is_none_or(|end| day < end))
        })
        .collect();
    Spells::at_least(1, &all)
}

/// The days on which verified impacts meet a threshold.
fn impact(criterion: &Criterion, threshold: Threshold, known: &Known<'_>) -> Spells {
    let own = known.impacts.iter().map(|one| one.verified_on);
    let mut days: Vec<NaiveDate> = own.filter(|on| (known.start_on..=known.until).contains(on)).collect();
    days.sort_unstable();
    Spells::lasting(&days, |day| verified(criterion, known, day).is_some_and(|figure| threshold.is_met_by(figure)))
}

/// The impacts of a kind that were verified from the start of the plan until the end of a day: their sum; of growths, which do not add up, the
/// largest. `None` of none.
fn verified(criterion: &Criterion, known: &Known<'_>, day: NaiveDate) -> Option<f64> {
    let counts = |one: &&VerifiedImpact| {
        (known.start_on..=day).contains(&one.verified_on)
            && Some(one.kind) == criterion.impact
            && (!one.kind.is_money() || one.currency == criterion.currency)
    };
    let figures = known.impacts.iter().filter(counts).map(|one| one.attributed);
    figures.reduce(if criterion.impact == Some(ImpactKind::Productivity) { f64::max } else { |sum, one| sum + one })
}

/// The days on which a metric meets a threshold.
fn metric(criterion: &Criterion, threshold: Threshold, known: &Known<'_>) -> Spells {
    let Some(tallies) = (known.tallies)(criterion) else { return Spells::default() };
    let is_met =
        |day: NaiveDate| measure(criterion, &tallies, known, day).is_some_and(|figure| threshold.is_met_by(figure));
    let days = days_of_change(criterion, threshold, &tallies, known);
    if criterion.is_lasting() { Spells::lasting(&days, is_met) } else { Spells::of(days, is_met) }
}

/// The figure of a metric at the end of a day.
fn measure(criterion: &Criterion, tallies: &Tallies, known: &Known<'_>, day: NaiveDate) -> Option<f64> {
    let since_start = days_between(known.start_on, day) + 1;
    let window = criterion.window_days.map(i64::from);
    let window =
        if criterion.from_before { window } else { Some(window.map_or(since_start, |own| own.min(since_start))) };
    tallies.measure(day, window).value
}

/// The days on which the figure of a metric can begin or cease to meet a threshold: those with events, those on which an event leaves
/// the window, and those on which silence has lasted long enough.
fn days_of_change(criterion: &Criterion, threshold: Threshold, tallies: &Tallies, known: &Known<'_>) -> Vec<NaiveDate> {
    let mut days = vec![known.start_on];
    let is_silence = tallies.aggregate() == Aggregate::DaysSinceLast;
    for on in tallies.days() {
        days.push(on);
        if let Some(window) = criterion.window_days {
            days.push(plus_days(on, i64::from(window)));
        }
        if is_silence && threshold.number() < 100_000.0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "bounded by the line above; negative numbers are never reached"
            )]
            let lasts = threshold.number().floor() as i64;
            days.extend([plus_days(on, lasts), plus_days(on, lasts + 1)]);
        }
    }
    days.retain(|day| (known.start_on..=known.until).contains(day));
    days.sort_unstable();
    days.dedup();
    days
}

/// The mean of the largest ones.
fn mean_of_best(percents: impl Iterator<Item = f64>, count: usize) -> f64 {
    let mut all: Vec<f64> = percents.collect();
    all.sort_unstable_by(|one, other| other.total_cmp(one));
    all.truncate(count);
    if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / real(all.len()) }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use serde_json::json;

    use super::super::validation::ValidationKind;
    use super::*;
    use crate::usage::metric::{Fact, Value};
    use crate::usage::number::Number;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    /// Facts of a person: events with a number each, on some days.
    struct Facts {
        aggregate: Aggregate,
        events: Vec<(u32, i128)>,
        awards: Vec<Held>,
        impacts: Vec<VerifiedImpact>,
        achieved: HashMap<&'static str, NaiveDate>,
        approvals: Vec<Approval>,
        spi: Vec<(u32, f64)>,
    }

    impl Default for Facts {
        fn default() -> Self {
            let (events, awards) = (vec![], vec![]);
            Self {
                aggregate: Aggregate::Count,
                events,
                awards,
                impacts: vec![],
                achieved: HashMap::new(),
                approvals: vec![],
                spi: vec![],
            }
        }
    }

    impl Facts {
        fn judge(&self, proof: serde_json::Value, until: u32) -> Judgement {
            let mut tallies = Tallies::new(self.aggregate);
            for (day, number) in &self.events {
                let at = Utc.from_utc_datetime(&on(*day).and_hms_opt(12, 0, 0).expect("an instant"));
                tallies.add(Fact { at, on: on(*day), value: Some(Value::Number(Number::Integer(*number))) });
            }
            let tallies = Arc::new(tallies);
            let figure = |_, day: NaiveDate| self.spi.iter().rfind(|(from, _)| on(*from) <= day).map(|(_, spi)| *spi);
            let known = Known {
                start_on: on(4),
                until: on(until),
                tallies: &|_| Some(Arc::clone(&tallies)),
                awards: &self.awards,
                impacts: &self.impacts,
                achieved: &self.achieved,
                approvals: &HashMap::from([("m".to_owned(), self.approvals.clone())]),
                figure: &figure,
            };
            judge("m", &serde_json::from_value(proof).expect("a proof"), &known)
        }
    }

    fn metric(aggregate: &str, more: &serde_json::Value) -> serde_json::Value {
        let property = ["sum", "min"].contains(&aggregate).then_some("n");
        let definition = json!({ "event_type": "x", "aggregate": aggregate, "property": property });
        let mut all = json!({ "kind": "metric", "definition": definition });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "criteria": [all] })
    }

    #[test]
    fn the_day_of_the_proof_is_that_of_the_event() {
        let facts = Facts { events: vec![(1, 1), (5, 1), (9, 1), (9, 1), (20, 1)], ..Facts::default() };
        let three = facts.judge(metric("count", &json!({ "at_least": 3 })), 31);
        assert_eq!((three.holds, three.proved_on), (true, Some(on(9))), "the event before the plan does not count");
        let before = facts.judge(metric("count", &json!({ "at_least": 3, "from_before": true })), 31);
        assert_eq!(before.proved_on, Some(on(9)), "1, 5, 9");
        let early = facts.judge(metric("count", &json!({ "at_least": 3 })), 8);
        assert_eq!((early.holds, early.proved_on, early.findings[0].figure), (false, None, Some(1.0)));
        assert!((early.percent - 100.0 / 3.0).abs() < 1e-9);
        let not_begun = facts.judge(metric("count", &json!({ "at_least": 1 })), 3);
        assert_eq!((not_begun.holds, not_begun.proved_on), (false, None));
    }

    #[test]
    fn the_order_in_which_facts_come_does_not_matter() {
        let proof = || metric("sum", &json!({ "at_least": 10 }));
        let mut events = vec![(5, 4), (7, 7), (12, -3), (15, 2), (21, 9)];
        let expected =
            Facts { aggregate: Aggregate::Sum, events: events.clone(), ..Facts::default() }.judge(proof(), 31);
        assert_eq!(expected.proved_on, Some(on(7)));
        events.reverse();
        assert_eq!(Facts { aggregate: Aggregate::Sum, events, ..Facts::default() }.judge(proof(), 31), expected);
    }

    #[test]
    fn a_window_moves_on() {
        let facts = Facts { events: vec![(5, 1), (10, 1), (12, 1)], ..Facts::default() };
        let proof = |more: serde_json::Value| metric("count", &more);
        let two = facts.judge(proof(json!({ "at_least": 2, "window_days": 4 })), 31);
        assert_eq!((two.holds, two.proved_on, two.percent), (false, Some(on(12)), 100.0));
        let none = facts.judge(proof(json!({ "at_most": 0, "window_days": 7 })), 31);
        assert_eq!((none.holds, none.proved_on), (true, Some(on(4))), "on the first day, nothing had happened");
        let mut held = proof(json!({ "at_least": 2, "window_days": 4 }));
        held["must_hold"] = json!(true);
        let gone = facts.judge(held.clone(), 31);
        assert_eq!((gone.proved_on, gone.percent), (None, 0.0), "what must hold is proved while it does");
        assert_eq!(facts.judge(held.clone(), 13).proved_on, Some(on(12)));
        let held: Proof = serde_json::from_value(held).expect("a proof");
        assert_eq!(held.counts_from(on(4), on(31)), Some(on(28)), "only the window matters for what must hold");
    }

    #[test]
    fn silence_is_a_figure_that_grows_by_itself() {
        let facts = Facts { aggregate: Aggregate::DaysSinceLast, events: vec![(5, 1), (14, 1)], ..Facts::default() };
        let silent = facts.judge(metric("days_since_last", &json!({ "at_least": 5 })), 31);
        assert_eq!(silent.proved_on, Some(on(10)));
        let heard = facts.judge(metric("days_since_last", &json!({ "at_most": 2 })), 31);
        assert_eq!((heard.holds, heard.proved_on), (false, Some(on(5))));
    }

    #[test]
    fn tiers_are_reached_one_after_another() {
        let tiers = json!({ "tiers": [{ "tier": "bronze", "at_least": 2 }, { "tier": "silver", "at_least": 3 }, { "tier": "gold", "at_least": 9 }] });
        let facts = Facts { events: vec![(5, 1), (9, 1), (20, 1)], ..Facts::default() };
        let found = facts.judge(metric("count", &tiers), 31);
        let reached = |tier, day| Reached { tier, reached_on: on(day) };
        assert_eq!(found.tiers, [reached(BadgeTier::Bronze, 9), reached(BadgeTier::Silver, 20)]);
        assert_eq!(found.proved_on, Some(on(9)));
    }

    #[test]
    fn awards_count_while_they_are_held() {
        let held = |key: &str, from, until: Option<u32>| Held {
            badge_key: key.to_owned(),
            from_on: on(from),
            until_on: until.map(on),
        };
        let facts = Facts {
            awards: vec![held("a", 1, Some(10)), held("b", 12, None), held("c", 15, Some(20))],
            ..Facts::default()
        };
        let proof =
            |any: Option<u32>| json!({ "criteria": [{ "kind": "awards", "keys": ["a", "b", "c"], "any": any }] });
        let all = facts.judge(proof(None), 31);
        assert_eq!((all.holds, all.proved_on, all.findings[0].figure), (false, None, Some(1.0)));
        assert_eq!(
            facts.judge(proof(Some(1)), 31).proved_on,
            Some(on(4)),
            "what was held before counts from the first day"
        );
        assert_eq!(facts.judge(proof(Some(2)), 31).proved_on, Some(on(15)), "never a and b at the same time");
        assert!(!facts.judge(proof(Some(2)), 31).holds);
    }

    #[test]
    fn verified_impacts_add_up() {
        use ImpactKind::{Productivity, Revenue};
        let one = |kind, currency: Option<&str>, attributed, day| VerifiedImpact {
            kind,
            currency: currency.map(|code| Currency::parse(code).expect("a currency")),
            attributed,
            verified_on: on(day),
        };
        let usd = Some("USD");
        let impacts = vec![
            one(Revenue, usd, 900.0, 1),
            one(Revenue, usd, 300.0, 9),
            one(Revenue, Some("EUR"), 900.0, 6),
            one(Productivity, None, 30.0, 8),
            one(Revenue, usd, 250.0, 7),
            one(Productivity, None, 20.0, 12),
        ];
        let facts = Facts { impacts, ..Facts::default() };
        let tiers = json!([{ "tier": "bronze", "at_least": 200 }, { "tier": "silver", "at_least": 550 }, { "tier": "gold", "at_least": 551 }]);
        let proof =
            json!({ "criteria": [{ "kind": "impact", "impact": "revenue", "currency": "USD", "tiers": tiers }] });
        let found = facts.judge(proof.clone(), 31);
        let reached = |tier, day| Reached { tier, reached_on: on(day) };
        assert_eq!(
            found.tiers,
            [reached(BadgeTier::Bronze, 7), reached(BadgeTier::Silver, 9)],
            "from the plan's start"
        );
        assert_eq!((found.proved_on, found.findings[0].figure), (Some(on(7)), Some(550.0)));
        assert_eq!(facts.judge(proof.clone(), 8).findings[0].figure, Some(250.0));
        assert_eq!(facts.judge(proof, 6).findings[0].figure, None);
        let growth =
            |least: u32| json!({ "criteria": [{ "kind": "impact", "impact": "productivity", "at_least": least }] });
        assert_eq!(facts.judge(growth(30), 31).proved_on, Some(on(8)));
        assert_eq!(facts.judge(growth(31), 31).findings[0].figure, Some(30.0), "growths do not add up");
    }

    #[test]
    fn people_prove_on_the_day_of_the_last_approval() {
        use ValidationKind::{ManagerAttestation, PeerReview};
        let needs = json!([{ "kind": "manager_attestation" }, { "kind": "peer_review", "quorum": 2 }]);
        let proof = json!({ "criteria": [{ "kind": "validation", "needs": needs }] });
        let mut facts = Facts { approvals: vec![(PeerReview, on(6)), (ManagerAttestation, on(8))], ..Facts::default() };
        let early = facts.judge(proof.clone(), 31);
        assert_eq!((early.proved_on, early.findings[0].figure, early.findings[0].threshold), (None, Some(2.0), 3.0));
        facts.approvals.push((PeerReview, on(7)));
        facts.approvals.push((PeerReview, on(20)));
        let done = facts.judge(proof.clone(), 31);
        assert_eq!((done.proved_on, done.findings[0].figure), (Some(on(8)), Some(3.0)));
        assert_eq!(facts.judge(proof, 7).proved_on, None);
    }

    #[test]
    fn criteria_are_all_needed_or_any_few() {
        let achieved = HashMap::from([("x", on(6)), ("y", on(18))]);
        let facts =
            Facts { events: vec![(9, 1)], achieved, spi: vec![(10, 0.8), (12, 1.1), (13, 0.9)], ..Facts::default() };
        let mut proof = metric("count", &json!({ "at_least": 1 }));
        let criteria = proof["criteria"].as_array_mut().expect("criteria");
        criteria.push(json!({ "kind": "milestones", "keys": ["x", "y", "z"], "any": 2 }));
        criteria.push(json!({ "kind": "spi", "at_least": 1 }));
        let all = facts.judge(proof.clone(), 31);
        assert_eq!(
            all.findings.iter().map(|one| one.met_on).collect::<Vec<_>>(),
            [Some(on(9)), Some(on(18)), Some(on(12))]
        );
        assert_eq!((all.holds, all.proved_on), (false, None), "SPI was not enough any more");
        assert!((all.percent - (100.0 + 100.0 + 90.0) / 3.0).abs() < 1e-9);
        proof["any"] = json!(2);
        let two = facts.judge(proof, 31);
        assert_eq!((two.holds, two.proved_on, two.percent), (true, Some(on(12)), 100.0));
    }
}
