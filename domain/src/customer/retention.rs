//! Landmark analysis of retention: whether customers that reach a milestone stay longer than other customers.
//!
//! Customers that stay longer have more time to reach milestones. A comparison of all customers that ever reached a
//! milestone with all others therefore finds an association where there is none. This module divides the customers that
//! remain on a landmark day by whether they have reached the milestone, and counts only later losses (J. R. Anderson,
//! K. C. Cain and R. D. Gelber, *Analysis of Survival by Tumor Response*, Journal of Clinical Oncology 1, 1983).

use chrono::NaiveDate;

use crate::statistics::association::{TwoByTwo, Undetermined, breslow_day, mantel_haenszel};
use crate::statistics::survival::{Followed, log_rank};
use crate::values::dates::{days_between, plus_days};

/// A customer on a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    /// First day of the plan.
    pub start_on: NaiveDate,
    /// Segment of the customer.
    pub segment: Option<String>,
    /// Date on which each studied milestone was achieved. The outer `None` means that the plan does not have the
    /// milestone; the inner `None` means that it has not been achieved.
    pub achieved_on: Vec<Option<Option<NaiveDate>>>,
    /// Whether it was a customer at the end of the plan's first day.
    pub was_customer: bool,
    /// Date on which the customer was lost, after the start of the plan.
    pub churned_on: Option<NaiveDate>,
}

/// The design of a study: the landmark and the end of the follow-up, in days from the plan's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Design {
    /// Landmark: the day that divides customers by whether they have reached the milestone.
    pub landmark_days: i64,
    /// Horizon: the end of the follow-up.
    pub horizon_days: i64,
    /// Last day with data.
    pub today: NaiveDate,
}

/// The retention of customers that had reached one milestone by the landmark, and of the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// Reached or not against stayed or lost, for customers whose horizon has passed.
    pub table: TwoByTwo,
    /// The same table by segment, in order of the segment names.
    pub strata: Vec<(Option<String>, TwoByTwo)>,
    /// Follow-up of the customers that had reached the milestone: from the landmark until loss, the horizon or today.
    pub reached: Vec<Followed>,
    /// Follow-up of the customers that had not reached the milestone.
    pub not_reached: Vec<Followed>,
    /// Number of customers lost on or before the landmark, and therefore excluded.
    pub lost_before: usize,
    /// Number of customers that have not reached the landmark yet.
    pub too_young: usize,
    /// Number of customers past the landmark whose horizon has not passed: included in the curves but not in the table.
    pub still_open: usize,
}

/// Studies one milestone, given by position. Customers that were lost by the start of the plan can neither stay nor leave, so they do
/// not take part.
pub fn study(enrolments: &[Enrolment], milestone: usize, design: Design) -> Study {
    let mut study = Study::default();
    for enrolment in enrolments.iter().filter(|enrolment| enrolment.was_customer) {
        let Some(achieved_on) = enrolment.achieved_on.get(milestone).copied().flatten() else { continue };
        let landmark_on = plus_days(enrolment.start_on, design.landmark_days);
        let horizon_on = plus_days(enrolment.start_on, design.horizon_days);
        if landmark_on > design.today {
            study.too_young += 1;
        } else if enrolment.churned_on.is_some_and(|on| on <= landmark_on) {
            study.lost_before += 1;
        } else {
            let has_reached = achieved_on.is_some_and(|on| on <= landmark_on);
            let lost_on = enrolment.churned_on.filter(|on| *on <= horizon_on);
            let until = lost_on.unwrap_or_else(|| horizon_on.min(design.today));
            let followed = Followed { days: days_between(landmark_on, until), ended: lost_on.is_some() };
            if has_reached { &mut study.reached } else { &mut study.not_reached }.push(followed);
            if horizon_on <= design.today {
                study.table.add(has_reached, lost_on.is_none());
                study.stratum(enrolment.segment.as_deref()).add(has_reached, lost_on.is_none());
            } else {
                study.still_open += 1;
            }
        }
    }
    study.strata.sort_by(|a, b| a.0.cmp(&b.0));
    study
}

impl Study {
    /// Returns the tables of the segments.
    pub fn tables(&self) -> Vec<TwoByTwo> {
        self.strata.iter().map(|(_, table)| *table).collect()
    }

    /// Returns the names of the figures that the study does not determine, each with its reason. Having reached the
    /// milestone is the exposure, and staying the event.
    pub fn undetermined(&self) -> Vec<(&'static str, Undetermined)> {
        let (table, strata) = (self.table, self.tables());
        let alike = table.undetermined();
        let empty =
            alike.filter(|reason| matches!(reason, Undetermined::NobodyExposed | Undetermined::EverybodyExposed));
        let without_event = || table.risk_ratio().is_none().then_some(Undetermined::GroupWithoutEvent);
        let too_few = || table.phi().is_none().then_some(Undetermined::TooFew);
        let is_mixed = strata.iter().any(|one| one.undetermined().is_none());
        let without_ratio = if is_mixed { Undetermined::NoContrast } else { Undetermined::NoMixedStratum };
        let unmixed = || mantel_haenszel(&strata).is_none().then_some(without_ratio);
        let single = || breslow_day(&strata).is_none().then_some(Undetermined::OneStratum);
        let curves = if self.reached.is_empty() { Undetermined::NobodyExposed } else { Undetermined::EverybodyExposed };
        let curves = if self.reached.is_empty() || self.not_reached.is_empty() {
            curves
        } else {
            Undetermined::EventForEverybody
        };
        let no_curves = log_rank(&self.reached, &self.not_reached).is_none().then_some(curves);
        let figures = [
            ("share_reached_stayed", empty),
            ("share_not_reached_stayed", empty),
            ("risk_difference", empty),
            ("risk_ratio", alike.or_else(without_event)),
            ("odds_ratio", alike),
            ("phi", alike.or_else(too_few)),
            ("p_value", alike),
            ("adjusted_p_value", alike),
            ("test", alike),
            ("mantel_haenszel", alike.or_else(unmixed)),
            ("breslow_day", alike.or_else(unmixed).or_else(single)),
            ("log_rank", no_curves),
        ];
        figures.into_iter().filter_map(|(figure, reason)| Some((figure, reason?))).collect()
    }

    fn stratum(&mut self, segment: Option<&str>) -> &mut TwoByTwo {
        let at = self.strata.iter().position(|(own, _)| own.as_deref() == segment).unwrap_or_else(|| {
            self.strata.push((segment.map(str::to_owned), TwoByTwo::default()));
            self.strata.len() - 1
        });
        &mut self.strata[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"), number)
    }

    fn one(achieved: Option<i64>, churned: Option<i64>) -> Enrolment {
        Enrolment {
            start_on: day(0),
            segment: None,
            achieved_on: vec![Some(achieved.map(day))],
            was_customer: true,
            churned_on: churned.map(day),
        }
    }

    const DESIGN: Design = Design { landmark_days: 30, horizon_days: 180, today: NaiveDate::MAX };

    #[test]
    fn who_was_lost_before_the_landmark_tells_nothing() {
        let found = study(&[one(None, Some(10)), one(Some(5), Some(30)), one(Some(5), Some(31))], 0, DESIGN);
        assert_eq!((found.lost_before, found.table.total()), (2, 1));
        assert_eq!(found.reached, [Followed { days: 1, ended: true }]);
    }

    #[test]
    fn who_was_lost_before_the_plan_takes_no_part() {
        let gone = Enrolment { was_customer: false, ..one(Some(5), None) };
        assert_eq!(study(&[gone], 0, DESIGN), Study::default(), "it has not stayed");
    }

    #[test]
    fn what_is_reached_later_does_not_count_as_reached() {
        let found = study(&[one(Some(30), None), one(Some(31), None), one(None, Some(100))], 0, DESIGN);
        assert_eq!(found.table, TwoByTwo { exposed_yes: 1, exposed_no: 0, unexposed_yes: 1, unexposed_no: 1 });
        assert_eq!(found.not_reached, [Followed { days: 150, ended: false }, Followed { days: 70, ended: true }]);
    }

    #[test]
    fn who_is_still_open_is_in_the_curves_only() {
        let design = Design { today: day(100), ..DESIGN };
        let found = study(&[one(Some(1), None), one(None, Some(50))], 0, design);
        assert_eq!((found.table.total(), found.still_open), (0, 2), "who was lost would be counted too soon");
        assert_eq!((found.reached.len(), found.not_reached.len()), (1, 1));
        let young = Design { today: day(29), ..DESIGN };
        assert_eq!(study(&[one(Some(1), None)], 0, young).too_young, 1);
    }

    /// If staying and reaching the milestone are unrelated, customers that ever reached it have nevertheless stayed far
    /// longer. The landmark analysis shows no such difference.
    #[test]
    fn the_naive_comparison_is_wrong_and_this_one_is_not() {
        // One customer for every combination of a length of stay and a tenth day on which it would reach the milestone.
        let all: Vec<Enrolment> = (1..=300)
            .flat_map(|stay| (1..=40).map(move |tenth| one(Some(tenth * 10).filter(|on| *on <= stay), Some(stay))))
            .collect();
        let design = Design { landmark_days: 100, horizon_days: 200, today: NaiveDate::MAX };
        let found = study(&all, 0, design);
        let (reached, not_reached) = found.table.shares().expect("both");
        assert!((reached - not_reached).abs() < 1e-12, "{reached} and {not_reached}");
        let mut naive = TwoByTwo::default();
        for enrolment in &all {
            naive
                .add(enrolment.achieved_on[0].flatten().is_some(), enrolment.churned_on.is_none_or(|on| on > day(200)));
        }
        assert!(naive.risk_ratio().expect("both").from > 1.5, "though nothing is there");
    }

    #[test]
    fn segments_are_strata() {
        let mut enrolments = vec![one(Some(1), None), one(None, None), one(None, Some(40))];
        enrolments[1].segment = Some("SMB".to_owned());
        let found = study(&enrolments, 0, DESIGN);
        let totals: Vec<(Option<&str>, u64)> =
            found.strata.iter().map(|(name, table)| (name.as_deref(), table.total())).collect();
        assert_eq!(totals, [(None, 2), (Some("SMB"), 1)]);
    }
}
