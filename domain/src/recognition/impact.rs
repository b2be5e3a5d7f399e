//! Impact: what somebody's achievement was worth, claimed first and verified by others.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use statrs::statistics::{Data, Distribution as _, OrderStatistics as _};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rule::RecognitionRule;
use crate::plan::milestone::Evidence;
use crate::proof::validation::{Need, ValidationKind, ValidationState};
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Currency, ExternalRef, Key, Label, Name, Note};

/// Kind of impact.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ImpactKind {
    /// Costs that no longer arise, as an annualized amount of money.
    CostSavings,
    /// Additional revenue, as an annualized amount of money.
    Revenue,
    /// Output in the same time: from `baseline` to `result`, as growth in percent.
    Productivity,
    /// Hours a week that a task takes: from `baseline` down to `result`.
    HoursPerWeek,
    /// Figure of your own, in `unit`: from `baseline` up to `result`.
    Other,
}

impl ImpactKind {
    /// Returns whether it is an amount of money.
    pub const fn is_money(self) -> bool {
        matches!(self, Self::CostSavings | Self::Revenue)
    }
}

/// State of an impact. Only a verified one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ImpactState {
    /// Somebody says so.
    Claimed,
    /// Others are looking at it.
    UnderReview,
    /// Everybody whose approval is needed has approved.
    Verified,
    /// Somebody who was asked has rejected it. It can be corrected and submitted again.
    Rejected,
    /// It was taken back.
    Withdrawn,
}

impl ImpactState {
    /// Returns the state that follows from that of the last validation.
    pub const fn after(validation: ValidationState) -> Self {
        match validation {
            ValidationState::Pending | ValidationState::MoreNeeded => Self::UnderReview,
            ValidationState::Approved => Self::Verified,
            ValidationState::Rejected => Self::Rejected,
            ValidationState::Withdrawn => Self::Claimed,
        }
    }

    /// Checks that the figures can be changed, or shown to others: nobody is looking at them, and nobody has verified them.
    pub const fn check_may_change(self) -> Result<(), RecognitionRule> {
        match self {
            Self::Claimed | Self::Rejected => Ok(()),
            Self::UnderReview => Err(RecognitionRule::ImpactUnderReview),
            Self::Verified => Err(RecognitionRule::ImpactVerified),
            Self::Withdrawn => Err(RecognitionRule::ImpactWithdrawn),
        }
    }

    /// Checks that it can be taken back.
    pub const fn check_may_be_withdrawn(self) -> Result<(), RecognitionRule> {
        match self {
            Self::UnderReview => Err(RecognitionRule::ImpactUnderReview),
            Self::Withdrawn => Err(RecognitionRule::ImpactWithdrawn),
            Self::Claimed | Self::Rejected | Self::Verified => Ok(()),
        }
    }
}

/// Impact of what a person has achieved, as it is claimed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_ref": "hr-17", "title": "Invoices are read by an agent",
    "kind": "cost_savings", "unit": null, "baseline": null, "result": null, "from_on": "2026-02-01", "to_on": "2026-04-30",
    "annualized_minor": 1_200_000, "currency": "USD", "attribution_percent": 50, "customer_id": null, "customer_ref": null, "plan_id": null,
    "milestone_key": null, "note": null, "evidence": [{"title": "Figures of the quarter", "url": "https://example.com/figures", "note": null}]
}))]
pub struct ImpactContent {
    /// Identifier of the person.
    pub person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    pub person_ref: Option<ExternalRef>,
    /// Title.
    pub title: Name,
    /// Kind of impact. It determines the fields that are required or allowed.
    pub kind: ImpactKind,
    /// `other`: unit of baseline and result.
    pub unit: Option<Label>,
    /// Figure before.
    #[schema(minimum = 0, maximum = 1e12)]
    pub baseline: Option<f64>,
    /// Figure after.
    #[schema(minimum = 0, maximum = 1e12)]
    pub result: Option<f64>,
    /// First day of the period in which the result was measured.
    pub from_on: NaiveDate,
    /// Last day of that period. Not in the future.
    pub to_on: NaiveDate,
    /// Amount of money for a year, in the smallest unit of the currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    pub annualized_minor: Option<i64>,
    /// Currency of the amount. That of the plan, if one is named.
    pub currency: Option<Currency>,
    /// Share of the impact that is owed to the person, in percent. Defaults to 100.
    #[serde(default = "whole")]
    #[schema(minimum = 0, maximum = 100)]
    pub attribution_percent: f64,
    /// Identifier of the customer where it arose.
    pub customer_id: Option<Uuid>,
    /// External reference of the customer where it arose.
    pub customer_ref: Option<ExternalRef>,
    /// Identifier of the plan that it belongs to, such as the person's enrolment in a program.
    pub plan_id: Option<Uuid>,
    /// Key of the milestone of the plan that it belongs to.
    pub milestone_key: Option<Key>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub evidence: Vec<Evidence>,
    /// Note, such as the way of reckoning.
    pub note: Option<Note>,
}

const fn whole() -> f64 {
    100.0
}

impl ImpactContent {
    /// Checks that the fields are there that the kind needs, and that the impact is one: better after than before.
    pub fn check(&self, today: NaiveDate) -> Result<(), Violations> {
        let mut violations = vec![];
        let (is_money, is_other) = (self.kind.is_money(), self.kind == ImpactKind::Other);
        if self.to_on < self.from_on {
            violations.push(RecognitionRule::EndsBeforeItBegins.at("/to_on"));
        } else if self.to_on > today {
            violations.push(ValueRule::InTheFuture { today }.at("/to_on"));
        }
        let missing = [
            ("annualized_minor", is_money && self.annualized_minor.is_none(), "the amount of money for a year"),
            ("currency", self.annualized_minor.is_some() && self.currency.is_none(), "the currency of the amount"),
            ("baseline", !is_money && self.baseline.is_none(), "the figure before"),
            ("result", !is_money && self.result.is_none(), "the figure after"),
            ("unit", is_other && self.unit.is_none(), "the unit of the figures"),
        ];
        let missing = missing.into_iter().filter(|(_, is_missing, _)| *is_missing);
        violations.extend(missing.map(|(name, _, what)| ValueRule::Required { what }.at(format!("/{name}"))));
        let unused = [
            ("unit", self.unit.is_some() && !is_other, "kind is other"),
            ("currency", self.currency.is_some() && self.annualized_minor.is_none(), "annualized_minor is given"),
            ("milestone_key", self.milestone_key.is_some() && self.plan_id.is_none(), "plan_id is given"),
        ];
        let unused = unused.into_iter().filter(|(_, is_given, _)| *is_given);
        violations.extend(unused.map(|(name, _, unless)| ValueRule::Unused { unless }.at(format!("/{name}"))));
        let is_measured = !is_money && self.baseline.is_some() && self.result.is_some();
        if is_measured && self.gain().is_none_or(|gain| gain < 0.0) {
            violations.push(RecognitionRule::NotAGain.at("/result"));
        }
        all_kept(violations)
    }

    /// Checks that the plan that it names is the person's or nobody's, and in the same currency. Answers the field that is wrong with the rule.
    pub fn check_plan(
        &self,
        serves: Option<Uuid>,
        currency: Option<&str>,
    ) -> Result<(), (&'static str, RecognitionRule)> {
        if serves.is_some() && serves != self.person_id {
            return Err(("plan_id", RecognitionRule::OthersPlan));
        }
        match (currency, self.currency.as_deref()) {
            (Some(own), Some(given)) if own != given => {
                let currency = Currency::trusted(own.to_owned());
                Err(("currency", RecognitionRule::OtherCurrency { currency }))
            }
            _ => Ok(()),
        }
    }

    /// Returns the improvement in the unit of the kind: percent of growth, hours a week that are free, or units; for money, the amount for a
    /// year in the smallest unit. `None` if it cannot be told, such as growth from nothing.
    #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53, which the schema states")]
    pub fn gain(&self) -> Option<f64> {
        let change = || Some(self.result? - self.baseline?);
        match self.kind {
            ImpactKind::CostSavings | ImpactKind::Revenue => self.annualized_minor.map(|minor| minor as f64),
            ImpactKind::Productivity => {
                let before = self.baseline.filter(|before| *before > 0.0)?;
                Some(100.0 * change()? / before)
            }
            ImpactKind::HoursPerWeek => change().map(|change| -change),
            ImpactKind::Other => change(),
        }
    }

    /// Returns the share of the improvement that is owed to the person.
    pub fn attributed(&self) -> Option<f64> {
        Some(self.gain()? * self.attribution_percent / 100.0)
    }

    /// Returns the share of the amount of money for a year that is owed to the person, in the smallest unit and rounded to the nearest.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "amounts are below 2^53, which the schema states"
    )]
    pub fn attributed_minor(&self) -> Option<i64> {
        self.annualized_minor.map(|minor| (minor as f64 * self.attribution_percent / 100.0).round() as i64)
    }
}

/// Returns the policy by which an impact is verified, unless another one is named: one verification of the return.
pub fn usual_needs() -> Vec<Need> {
    vec![Need { kind: ValidationKind::RoiVerification, quorum: 1 }]
}

/// Distribution of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Number of figures.
    pub count: usize,
    /// Sum.
    pub sum: f64,
    /// Mean.
    pub mean: f64,
    /// Smallest figure.
    pub least: f64,
    /// Lower quartile.
    pub lower_quartile: f64,
    /// Median.
    pub median: f64,
    /// Upper quartile.
    pub upper_quartile: f64,
    /// Largest figure.
    pub most: f64,
}

impl Spread {
    /// Returns the distribution, with quartiles by linear interpolation (type 8 of R. J. Hyndman and Y. Fan, *Sample Quantiles in Statistical
    /// Packages*, The American Statistician 50, 1996). `None` of no figures.
    pub fn of(figures: Vec<f64>) -> Option<Self> {
        let (count, sum) = (figures.len(), figures.iter().sum());
        let mut data = Data::new(figures);
        let mean = data.mean().filter(|_| count > 0)?;
        Some(Self {
            count,
            sum,
            mean,
            least: data.quantile(0.0),
            lower_quartile: data.lower_quartile(),
            median: data.median(),
            upper_quartile: data.upper_quartile(),
            most: data.quantile(1.0),
        })
    }
}

/// Impacts of one kind in one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct KindFigures {
    /// Kind.
    pub kind: ImpactKind,
    /// Currency of money, or the unit of a figure of the organization's own.
    pub unit: Option<String>,
    /// Distribution of what was verified; `None` of nothing.
    pub verified: Option<Spread>,
    /// Distribution of what is claimed and not verified; `None` of nothing.
    pub claimed: Option<Spread>,
}

/// Amounts of money for a year in one currency, in the smallest unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Sum of what was verified.
    pub verified_minor: i64,
    /// Sum of what is claimed and not verified.
    pub claimed_minor: i64,
}

/// Impacts summed up. What was verified and what is claimed stay apart; what was rejected or withdrawn counts for nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Figures by kind and unit: each with the shares that are owed to people.
    pub kinds: Vec<KindFigures>,
    /// Amounts of money of all kinds, by currency.
    pub amounts: BTreeMap<String, Amounts>,
}

impl Summary {
    /// Sums up impacts.
    pub fn of<'a>(impacts: impl IntoIterator<Item = (&'a ImpactContent, ImpactState)>) -> Self {
        let mut kinds: BTreeMap<(ImpactKind, Option<String>), [Vec<f64>; 2]> = BTreeMap::new();
        let mut amounts: BTreeMap<String, Amounts> = BTreeMap::new();
        for (impact, state) in impacts {
            let is_verified = match state {
                ImpactState::Verified => true,
                ImpactState::Claimed | ImpactState::UnderReview => false,
                ImpactState::Rejected | ImpactState::Withdrawn => continue,
            };
            let currency = impact.currency.as_ref().map(ToString::to_string);
            if let (Some(currency), Some(minor)) = (&currency, impact.attributed_minor()) {
                let own = amounts.entry(currency.clone()).or_default();
                let side = if is_verified { &mut own.verified_minor } else { &mut own.claimed_minor };
                *side = side.saturating_add(minor);
            }
            let unit = if impact.kind.is_money() { currency } else { impact.unit.as_ref().map(ToString::to_string) };
            let [verified, claimed] = kinds.entry((impact.kind, unit)).or_default();
            if is_verified { verified } else { claimed }.extend(impact.attributed());
        }
        let figures = |((kind, unit), [verified, claimed]): ((ImpactKind, Option<String>), [Vec<f64>; 2])| {
            KindFigures { kind, unit, verified: Spread::of(verified), claimed: Spread::of(claimed) }
        };
        Self { kinds: kinds.into_iter().map(figures).collect(), amounts }
    }
}

/// Returns the return on investment in percent: 100 × (gains − costs) / costs (J. J. Phillips, *Return on Investment in Training and Performance
/// Improvement Programs*, 2003). `None` without costs.
#[expect(clippy::cast_precision_loss, reason = "a ratio of amounts needs no more than 53 bits")]
pub fn roi_percent(gains_minor: i64, costs_minor: i64) -> Option<f64> {
    (costs_minor > 0).then(|| 100.0 * (gains_minor - costs_minor) as f64 / costs_minor as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn impact(more: &serde_json::Value) -> ImpactContent {
        let mut all = json!({ "title": "T", "from_on": "2026-05-01", "to_on": "2026-05-03" });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        serde_json::from_value(all).expect("an impact")
    }

    #[test]
    fn what_a_kind_needs_is_there() {
        let plan_id = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
        let cases = [
            (json!({ "kind": "revenue", "annualized_minor": 100, "currency": "USD" }), vec![]),
            (json!({ "kind": "revenue" }), vec![("/annualized_minor", "required")]),
            (json!({ "kind": "revenue", "annualized_minor": 1 }), vec![("/currency", "required")]),
            (json!({ "kind": "productivity", "baseline": 4, "result": 5 }), vec![]),
            (json!({ "kind": "productivity", "baseline": 5 }), vec![("/result", "required")]),
            (json!({ "kind": "productivity", "baseline": 5, "result": 4 }), vec![("/result", "not_a_gain")]),
            (json!({ "kind": "productivity", "baseline": 0, "result": 4 }), vec![("/result", "not_a_gain")]),
            (json!({ "kind": "hours_per_week", "baseline": 12, "result": 4, "unit": "h" }), vec![("/unit", "unused")]),
            (json!({ "kind": "hours_per_week", "baseline": 4, "result": 12 }), vec![("/result", "not_a_gain")]),
            (json!({ "kind": "other", "baseline": 1, "result": 2 }), vec![("/unit", "required")]),
            (
                json!({ "kind": "other", "baseline": 1, "result": 2, "unit": "x", "currency": "USD", "milestone_key": "m" }),
                vec![("/currency", "unused"), ("/milestone_key", "unused")],
            ),
            (
                json!({ "kind": "other", "baseline": 1, "result": 2, "unit": "x", "milestone_key": "m", "plan_id": plan_id }),
                vec![],
            ),
        ];
        for (more, expected) in cases {
            let found = impact(&more).check(on(4)).err().unwrap_or_default();
            let found: Vec<_> = found.iter().map(|one| (one.at.as_str(), one.code)).collect();
            assert_eq!(found, expected, "{more}");
        }
        let money = json!({ "kind": "revenue", "annualized_minor": 100, "currency": "USD" });
        let period = |from_on, to_on| {
            let found = ImpactContent { from_on, to_on, ..impact(&money) }.check(on(4));
            found.err().map(|all| all[0].code)
        };
        assert_eq!(period(on(4), on(4)), None);
        assert_eq!(period(on(4), on(3)), Some("ends_before_it_begins"));
        assert_eq!(period(on(4), on(5)), Some("in_the_future"));
    }

    #[test]
    fn the_plan_is_the_persons_and_in_its_currency() {
        let (ana, ben) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let money = impact(&json!({ "kind": "revenue", "annualized_minor": 100, "currency": "USD" }));
        let check = |serves, currency| {
            let found = ImpactContent { person_id: ana, ..money.clone() }.check_plan(serves, currency);
            found.err().map(|(field, _)| field)
        };
        assert_eq!([check(ana, Some("USD")), check(None, None), check(ana, None)], [None; 3]);
        assert_eq!([check(ben, None), check(ana, Some("EUR"))], [Some("plan_id"), Some("currency")]);
    }

    #[test]
    fn gains_by_kind() {
        for (more, gain, attributed) in [
            (json!({ "kind": "revenue", "annualized_minor": 1001, "currency": "USD" }), 1001.0, 500.5),
            (json!({ "kind": "productivity", "baseline": 40, "result": 50 }), 25.0, 12.5),
            (json!({ "kind": "hours_per_week", "baseline": 12, "result": 4 }), 8.0, 4.0),
            (json!({ "kind": "other", "baseline": 1, "result": 4, "unit": "x" }), 3.0, 1.5),
        ] {
            let impact = ImpactContent { attribution_percent: 50.0, ..impact(&more) };
            assert_eq!((impact.gain(), impact.attributed()), (Some(gain), Some(attributed)), "{more}");
            assert_eq!(impact.attributed_minor(), impact.annualized_minor.map(|_| 501), "{more}");
        }
    }

    #[test]
    fn states_follow_from_validations() {
        use ImpactState::{Claimed, Rejected, UnderReview, Verified, Withdrawn};
        let after = [
            (ValidationState::Pending, UnderReview),
            (ValidationState::MoreNeeded, UnderReview),
            (ValidationState::Approved, Verified),
            (ValidationState::Rejected, Rejected),
            (ValidationState::Withdrawn, Claimed),
        ];
        for (validation, expected) in after {
            assert_eq!(ImpactState::after(validation), expected);
        }
        let allowed = |state: ImpactState| (state.check_may_change().is_ok(), state.check_may_be_withdrawn().is_ok());
        let expected = [(true, true), (false, false), (false, true), (true, true), (false, false)];
        assert_eq!([Claimed, UnderReview, Verified, Rejected, Withdrawn].map(allowed), expected);
    }

    #[test]
    fn spreads() {
        assert_eq!(Spread::of(vec![]), None);
        let one = Spread::of(vec![4.0]).expect("a spread");
        let all = [one.least, one.lower_quartile, one.median, one.upper_quartile, one.most];
        assert_eq!(all.map(f64::to_bits), [4.0_f64.to_bits(); 5]);
        // R: quantile(c(9, 1, 2, 3, 4), c(0, .25, .5, .75, 1), type = 8)
        let spread = Spread::of(vec![9.0, 1.0, 2.0, 3.0, 4.0]).expect("a spread");
        assert_eq!((spread.count, spread.sum, spread.mean, spread.median), (5, 19.0, 3.8, 3.0));
        assert_eq!((spread.least, spread.most), (1.0, 9.0));
        assert!((spread.lower_quartile - 5.0 / 3.0).abs() < 1e-9 && (spread.upper_quartile - 17.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn verified_and_claimed_stay_apart() {
        use ImpactState::{Claimed, Rejected, UnderReview, Verified, Withdrawn};
        let money = |minor: i64, currency: &str| {
            impact(&json!({ "kind": "revenue", "annualized_minor": minor, "currency": currency }))
        };
        let hours = |result: u32, minor: Option<i64>| {
            let currency = minor.map(|_| "USD");
            let more = json!({ "kind": "hours_per_week", "baseline": 10, "result": result, "annualized_minor": minor, "currency": currency });
            impact(&more)
        };
        let all = [
            (money(100, "USD"), Verified),
            (money(300, "USD"), Verified),
            (money(500, "USD"), UnderReview),
            (money(7, "EUR"), Claimed),
            (money(9, "EUR"), Rejected),
            (money(9, "USD"), Withdrawn),
            (hours(4, Some(50)), Verified),
            (hours(8, None), Claimed),
        ];
        let found = Summary::of(all.iter().map(|(impact, state)| (impact, *state)));
        let sums: Vec<_> = found
            .kinds
            .iter()
            .map(|one| (one.kind, one.unit.as_deref(), one.verified.map(|own| own.sum), one.claimed.map(|own| own.sum)))
            .collect();
        let expected = [
            (ImpactKind::Revenue, Some("EUR"), None, Some(7.0)),
            (ImpactKind::Revenue, Some("USD"), Some(400.0), Some(500.0)),
            (ImpactKind::HoursPerWeek, None, Some(6.0), Some(2.0)),
        ];
        assert_eq!(sums, expected);
        let amounts = |verified_minor, claimed_minor| Amounts { verified_minor, claimed_minor };
        assert_eq!(
            found.amounts,
            BTreeMap::from([("EUR".to_owned(), amounts(0, 7)), ("USD".to_owned(), amounts(450, 500))])
        );
        assert_eq!(Summary::of([]), Summary::default());
    }

    #[test]
    fn return_on_investment() {
        // Phillips: benefits of 750,000 for costs of 425,000 are a return of 76 %.
        assert_eq!(roi_percent(750_000, 425_000).map(f64::round), Some(76.0));
        assert_eq!((roi_percent(0, 100), roi_percent(5, 0)), (Some(-100.0), None));
    }
}
