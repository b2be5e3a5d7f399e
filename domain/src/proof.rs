//! Proof of milestones: criteria that are judged by what is known of a person, a customer and a plan, so that nobody has to tick a box.
//!
//! A proof is a function of facts and a day. Whoever judges it anew, after late events or for a day in the past, gets what follows from
//! the facts that are known now.

pub mod criterion;
pub mod evidence;
pub mod judge;
pub mod rule;
pub mod spells;
pub mod standing;
pub mod validation;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::criterion::{Criterion, CriterionKind};
use self::rule::ProofRule;
use crate::rule::{Rule as _, Violations};
use crate::usage::metric::window_start;

/// Proof of a milestone: the criteria by which it is achieved without anybody saying so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MilestoneProof, example = json!({
    "criteria": [{"kind": "metric", "metric": "agents-deployed", "at_least": 3}, {"kind": "awards", "keys": ["first-agent"]}],
    "must_hold": false
}))]
pub struct Proof {
    /// Criteria.
    #[schema(min_items = 1, max_items = 20)]
    pub criteria: Vec<Criterion>,
    /// Number of criteria that suffice, if not all are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20)]
    pub any: Option<u32>,
    /// Whether the proof has to hold every day. If so, the milestone is reopened when it no longer does. By default, what was proved once
    /// stays proved.
    #[serde(default)]
    pub must_hold: bool,
}

impl Proof {
    /// Returns the number of criteria that have to be met.
    pub fn needed(&self) -> usize {
        self.any.and_then(|any| usize::try_from(any).ok()).unwrap_or(self.criteria.len())
    }

    /// Returns the criterion that needs people, if one does.
    pub fn validated(&self) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.kind == CriterionKind::Validation)
    }

    /// Returns the criterion that has tiers, if one has.
    pub fn tiered(&self) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| !criterion.tiers.is_empty())
    }

    /// Returns the first day whose usage events matter for a plan on a day; `None` if none do.
    pub fn counts_from(&self, start_on: NaiveDate, day: NaiveDate) -> Option<NaiveDate> {
        let counted = self.criteria.iter().filter(|criterion| criterion.kind == CriterionKind::Metric);
        let from = |criterion: &Criterion| {
            let window = criterion.window_days.filter(|_| self.must_hold);
            window.map_or(start_on, |days| window_start(day, i64::from(days)).max(start_on))
        };
        counted.map(from).min()
    }

    /// Checks the proof of the milestone with a key. Pointers start at `at`.
    pub fn check(&self, own_key: &str, at: &str, violations: &mut Violations) {
        if self.criteria.is_empty() {
            violations.push(ProofRule::NoCriteria.at(format!("{at}/criteria")));
        } else if !(1..=self.criteria.len()).contains(&self.needed()) {
            violations.push(ProofRule::TooMany { of: self.criteria.len() }.at(format!("{at}/any")));
        }
        for (index, criterion) in self.criteria.iter().enumerate() {
            let at = format!("{at}/criteria/{index}");
            criterion.check(own_key, &at, violations);
            let is_second = self.tiered().is_some_and(|first| !std::ptr::eq(first, criterion));
            if is_second && !criterion.tiers.is_empty() {
                violations.push(ProofRule::SecondTiers.at(format!("{at}/tiers")));
            }
            let is_second = self.validated().is_some_and(|first| !std::ptr::eq(first, criterion));
            if is_second && criterion.kind == CriterionKind::Validation {
                violations.push(ProofRule::SecondValidation.at(format!("{at}/kind")));
            }
        }
        if self.tiered().is_some() && self.needed() < self.criteria.len() {
            violations.push(ProofRule::TiersOfAny.at(format!("{at}/any")));
        }
    }
}
