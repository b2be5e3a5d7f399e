//! Checks of templates: milestones that name each other fit together.

use super::MilestoneDefinition;
use crate::plan::cycle::find_cycle;
use crate::plan::draft::check_network;
use crate::plan::rule::PlanRule;
use crate::proof::criterion::{Criterion, CriterionKind};
use crate::proof::rule::ProofRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::Key;

/// Checks the milestones of a template. Pointers start at `/milestones`.
pub fn check(definitions: &[MilestoneDefinition]) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if definitions.is_empty() {
        violations.push(PlanRule::NoMilestones.at("/milestones"));
    }
    if !definitions.is_empty() && definitions.iter().all(|definition| definition.offset_days.is_none()) {
        violations.push(PlanRule::NoMilestones.at("/milestones"));
    }
    let has_no_date = |key: &str| definitions.iter().any(|one| one.key.as_str() == key && one.offset_days.is_none());
    for (index, definition) in definitions.iter().enumerate().filter(|(_, one)| one.offset_days.is_some()) {
        for (at, needed) in definition.depends_on.iter().enumerate().filter(|(_, needed)| has_no_date(needed.as_str()))
        {
            let key = needed.as_str().to_owned();
            violations.push(PlanRule::WaitsForUndated { key }.at(format!("/milestones/{index}/depends_on/{at}")));
        }
    }
    let network: Vec<_> = definitions.iter().map(|d| (d.key.as_str(), d.depends_on.as_slice())).collect();
    check_network(&network, &mut violations);
    for (index, definition) in definitions.iter().enumerate() {
        check_alone(definition, &format!("/milestones/{index}"), &mut violations);
    }
    check_names(definitions, &mut violations);
    check_pathways(definitions, &mut violations);
    if violations.is_empty() {
        check_waiting(definitions, &mut violations);
    }
    all_kept(violations)
}

/// Checks what a milestone says of itself.
fn check_alone(definition: &MilestoneDefinition, at: &str, violations: &mut Violations) {
    let own_key = definition.key.as_str();
    match (definition.fast_offset_days, definition.offset_days) {
        (Some(_), None) => {
            let rule = ValueRule::Unused { unless: "offset_days is given" };
            violations.push(rule.at(format!("{at}/fast_offset_days")));
        }
        (Some(fast), Some(usual)) if fast > usual => {
            violations.push(PlanRule::SlowFastTrack { days: usual }.at(format!("{at}/fast_offset_days")));
        }
        _ => {}
    }
    if let Some(proof) = &definition.proof {
        proof.check(own_key, &format!("{at}/proof"), violations);
    }
    for (index, criterion) in definition.prerequisites.iter().enumerate() {
        let at = format!("{at}/prerequisites/{index}");
        criterion.check(own_key, &at, violations);
        if !matches!(criterion.kind, CriterionKind::Awards | CriterionKind::Milestones) {
            let options = "awards, milestones".to_owned();
            violations.push(ValueRule::NotAnOption { options }.at(format!("{at}/kind")));
        }
        if criterion.alternatives {
            violations
                .push(ValueRule::Unused { unless: "it is a criterion of a proof" }.at(format!("{at}/alternatives")));
        }
    }
    for (index, reward) in definition.rewards.iter().enumerate() {
        if definition.rewards[..index].iter().any(|other| other.key == reward.key) {
            let rule = ValueRule::RepeatedKey { key: reward.key.to_string() };
            violations.push(rule.at(format!("{at}/rewards/{index}/key")));
        }
    }
}

/// The criteria of a milestone that name milestones, with their places.
fn sets(definition: &MilestoneDefinition) -> impl Iterator<Item = (String, &Criterion)> {
    let proof = definition.proof.iter().flat_map(|proof| &proof.criteria).enumerate();
    let proof = proof.map(|(at, criterion)| (format!("proof/criteria/{at}"), criterion));
    let before = definition.prerequisites.iter().enumerate();
    let before = before.map(|(at, criterion)| (format!("prerequisites/{at}"), criterion));
    proof.chain(before).filter(|(_, criterion)| criterion.kind == CriterionKind::Milestones)
}

/// Checks that criteria name milestones that are there.
fn check_names(definitions: &[MilestoneDefinition], violations: &mut Violations) {
    let is_there = |key: &Key| definitions.iter().any(|other| other.key == *key);
    for (index, definition) in definitions.iter().enumerate() {
        for (place, criterion) in sets(definition) {
            let unknown = criterion.keys.iter().enumerate().filter(|(_, key)| !is_there(key));
            let said = |(at, key): (usize, &Key)| {
                PlanRule::UnknownMilestone { key: key.to_string() }.at(format!("/milestones/{index}/{place}/keys/{at}"))
            };
            violations.extend(unknown.map(said));
        }
    }
}

/// Checks that alternatives have no date, and stand in one pathway each: the weight of the pathway counts for them, and counts once.
fn check_pathways(definitions: &[MilestoneDefinition], violations: &mut Violations) {
    let mut taken: Vec<&Key> = vec![];
    for (index, definition) in definitions.iter().enumerate() {
        for (place, criterion) in sets(definition).filter(|(_, criterion)| criterion.alternatives) {
            for (at, key) in criterion.keys.iter().enumerate() {
                let place = || format!("/milestones/{index}/{place}/keys/{at}");
                if definitions.iter().any(|one| one.key == *key && one.offset_days.is_some()) {
                    violations.push(ProofRule::AlternativeHasDate { key: key.to_string() }.at(place()));
                }
                if taken.contains(&key) {
                    violations.push(ProofRule::AlternativeTwice { key: key.to_string() }.at(place()));
                }
                taken.push(key);
            }
        }
    }
}

/// Checks that milestones do not wait for each other in a circle of proofs and prerequisites.
fn check_waiting(definitions: &[MilestoneDefinition], violations: &mut Violations) {
    let mut edges: Vec<(&str, &str)> = vec![];
    let mut bound: Vec<&str> = vec![];
    for definition in definitions.iter().filter(|one| one.proof.is_some() || !one.prerequisites.is_empty()) {
        bound.push(definition.key.as_str());
        bound.extend(
            definition
                .prerequisites
                .iter()
                .filter(|one| one.kind == CriterionKind::Milestones)
                .flat_map(|one| &one.keys)
                .map(Key::as_str),
        );
    }
    for definition in definitions {
        let own_key = definition.key.as_str();
        if bound.contains(&own_key) {
            edges.extend(definition.depends_on.iter().map(|needed| (own_key, needed.as_str())));
            edges.extend(sets(definition).flat_map(|(_, one)| &one.keys).map(|key| (own_key, key.as_str())));
        }
    }
    // Only who has a proof or a prerequisite can wait in vain, so a circle of dependencies alone is not said again.
    edges.retain(|(_, to)| bound.contains(to));
    if let Some(cycle) = find_cycle(edges) {
        let first = cycle.first().and_then(|key| definitions.iter().position(|one| one.key.as_str() == key));
        let first = first.unwrap_or_default();
        let field = if definitions[first].proof.is_some() { "proof" } else { "prerequisites" };
        violations.push(ProofRule::ProofCycle { cycle }.at(format!("/milestones/{first}/{field}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(key: &str, offset_days: u32, depends_on: &[&str]) -> MilestoneDefinition {
        MilestoneDefinition::of_test(key, offset_days, depends_on)
    }

    fn broken(definitions: &[MilestoneDefinition]) -> Vec<(String, &'static str)> {
        check(definitions).err().unwrap_or_default().into_iter().map(|one| (one.at, one.code)).collect()
    }

    fn at(place: &str, code: &'static str) -> Vec<(String, &'static str)> {
        vec![(place.to_owned(), code)]
    }

    #[test]
    fn proofs_fit_together() {
        let proved = |key: &str, depends_on: &[&str], keys: &[&str]| {
            let proof = serde_json::json!({ "criteria": [{ "kind": "milestones", "keys": keys }] });
            let proof = (!keys.is_empty()).then(|| serde_json::from_value(proof).expect("a proof"));
            MilestoneDefinition { proof, ..definition(key, 1, depends_on) }
        };
        assert_eq!(broken(&[proved("a", &[], &["b"]), proved("b", &[], &["c"]), proved("c", &[], &[])]), vec![]);
        let unknown = broken(&[proved("a", &[], &["x"])]);
        assert_eq!(unknown, at("/milestones/0/proof/criteria/0/keys/0", "unknown_milestone"));
        let round = broken(&[proved("a", &[], &["b"]), proved("b", &[], &["a"])]);
        assert_eq!(round, at("/milestones/0/proof", "proof_cycle"));
        let mixed = broken(&[proved("a", &["b"], &["c"]), proved("b", &[], &["a"]), proved("c", &[], &[])]);
        assert_eq!(mixed, at("/milestones/0/proof", "proof_cycle"));
        assert_eq!(
            broken(&[proved("a", &["b"], &["b"]), proved("b", &[], &[])]),
            vec![],
            "what a person does waits for no proof"
        );
    }

    #[test]
    fn a_template_needs_milestones_that_fit_together() {
        assert_eq!(check(&[]), Err(vec![PlanRule::NoMilestones.at("/milestones")]));
        assert!(check(&[definition("a", 0, &["b"]), definition("b", 3, &["a"])]).is_err());
        assert_eq!(check(&[definition("a", 0, &[]), definition("b", 3, &["a"])]), Ok(()));
    }

    #[test]
    fn prerequisites_are_badges_and_milestones() {
        let after = |key: &str, depends_on: &[&str], prerequisites: serde_json::Value| {
            let prerequisites = serde_json::from_value(prerequisites).expect("criteria");
            MilestoneDefinition { prerequisites, ..definition(key, 1, depends_on) }
        };
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        let either =
            json(r#"[{"kind": "milestones", "keys": ["b", "c"], "any": 1}, {"kind": "awards", "keys": ["x"]}]"#);
        let all = |first| vec![first, definition("b", 1, &[]), definition("c", 1, &[])];
        assert_eq!(broken(&all(after("a", &[], either))), []);
        let metric = json(r#"[{"kind": "metric", "metric": "m", "at_least": 1}]"#);
        assert_eq!(broken(&all(after("a", &[], metric))), at("/milestones/0/prerequisites/0/kind", "not_an_option"));
        let unknown = json(r#"[{"kind": "milestones", "keys": ["y"]}]"#);
        assert_eq!(
            broken(&all(after("a", &[], unknown))),
            at("/milestones/0/prerequisites/0/keys/0", "unknown_milestone")
        );
        let alternatives = json(r#"[{"kind": "milestones", "keys": ["b"], "alternatives": true}]"#);
        let found = broken(&all(after("a", &[], alternatives)));
        assert!(found.contains(&("/milestones/0/prerequisites/0/alternatives".to_owned(), "unused")), "{found:?}");
        let of = |key: &str| json(&format!(r#"[{{"kind": "milestones", "keys": ["{key}"]}}]"#));
        let round = [after("a", &[], of("b")), definition("b", 1, &["a"])];
        assert_eq!(broken(&round), at("/milestones/0/prerequisites", "proof_cycle"));
        let round = [after("a", &[], of("b")), after("b", &[], of("a"))];
        assert_eq!(broken(&round), at("/milestones/0/prerequisites", "proof_cycle"));
    }

    #[test]
    fn a_pathway_has_alternatives_without_a_date() {
        let pathway = |key: &str, keys: &[&str]| {
            let proof = serde_json::json!({ "criteria": [{ "kind": "milestones", "keys": keys, "any": 1, "alternatives": true }] });
            MilestoneDefinition { proof: serde_json::from_value(proof).expect("a proof"), ..definition(key, 1, &[]) }
        };
        let undated = |key: &str| MilestoneDefinition { offset_days: None, ..definition(key, 0, &[]) };
        assert_eq!(broken(&[pathway("p", &["a", "b"]), undated("a"), undated("b")]), []);
        assert_eq!(
            broken(&[pathway("p", &["a", "b"]), undated("a"), definition("b", 3, &[])]),
            at("/milestones/0/proof/criteria/0/keys/1", "alternative_has_date")
        );
        assert_eq!(
            broken(&[pathway("p", &["a"]), pathway("q", &["a"]), undated("a")]),
            at("/milestones/1/proof/criteria/0/keys/0", "alternative_twice")
        );
    }

    #[test]
    fn what_a_milestone_says_of_itself() {
        let fast = |fast_offset_days, offset_days| MilestoneDefinition {
            fast_offset_days: Some(fast_offset_days),
            offset_days,
            ..definition("a", 1, &[])
        };
        assert_eq!(broken(&[fast(3, Some(3))]), []);
        assert_eq!(broken(&[fast(4, Some(3))]), at("/milestones/0/fast_offset_days", "slow_fast_track"));
        assert_eq!(broken(&[definition("b", 1, &[]), fast(4, None)]), at("/milestones/1/fast_offset_days", "unused"));
        let reward = serde_json::json!({ "key": "talk", "name": "Talk" });
        let rewards = serde_json::from_value(serde_json::json!([reward, reward])).expect("rewards");
        let twice = MilestoneDefinition { rewards, ..definition("a", 1, &[]) };
        assert_eq!(broken(&[twice]), at("/milestones/0/rewards/1/key", "repeated_key"));
    }
}
