//! Whether customers that reach a milestone stay: studied by landmark.
//!
//! Who stays longer has more time to reach milestones, so comparing all who ever reached one with all who did not finds an association where
//! there is none. Here it is settled on a landmark day who has reached the milestone, among those who are still there, and only what comes
//! after counts (J. R. Anderson, K. C. Cain and R. D. Gelber, *Analysis of Survival by Tumor Response*, Journal of Clinical Oncology 1, 1983).

use chrono::NaiveDate;

use crate::statistics::association::TwoByTwo;
use crate::statistics::survival::Followed;
use crate::values::dates::{days_between, plus_days};

/// A customer on a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    /// The plan's first day.
    pub start_on: NaiveDate,
    /// The customer's segment.
    pub segment: Option<String>,
    /// The day each of the milestones that are studied was achieved; outer nothing where its plan does not have it.
    pub achieved_on: Vec<Option<Option<NaiveDate>>>,
    /// The day after the start on which the customer was lost.
    pub churned_on: Option<NaiveDate>,
}

/// When it is settled who has reached a milestone, and until when they are followed: days from the plan's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Design {
    /// The landmark.
    pub landmark_days: i64,
    /// The end.
    pub horizon_days: i64,
    /// The last day that is known.
    pub today: NaiveDate,
}

/// What becomes of those who had reached one milestone by the landmark, and of the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Study {
    /// Reached by staying, of those whose horizon is over.
    pub table: TwoByTwo,
    /// The same by segment, in order of their names.
    pub strata: Vec<(Option<String>, TwoByTwo)>,
    /// Those who had reached it, from the landmark on, until lost, the horizon or today.
    pub reached: Vec<Followed>,
    /// The others.
    pub not_reached: Vec<Followed>,
    /// How many were lost before the landmark and so tell nothing.
    pub lost_before: usize,
    /// How many have not come to the landmark yet.
    pub too_young: usize,
    /// How many have come to the landmark, but not to the horizon: in the curves, not in the table.
    pub still_open: usize,
}

/// Studies one milestone by its position.
pub fn study(enrolments: &[Enrolment], milestone: usize, design: Design) -> Study {
    let mut study = Study::default();
    for enrolment in enrolments {
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

    /// Where staying and reaching have nothing to do with each other, those who ever reached it have stayed far longer; by landmark they
    /// have not.
    #[test]
    fn the_naive_comparison_is_wrong_and_this_one_is_not() {
        // A customer of every length of stay, and for each one who would reach it on every tenth day.
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
