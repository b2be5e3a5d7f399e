//! A customer's health on each day of a range.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::health::input::Evidence;
use milepost_domain::customer::health::score::{Score, Source};
use milepost_domain::statistics::trend::theil_sen;
use milepost_domain::values::dates::plus_days;

use super::models::{AppliedModel, Models};
use super::observed::Observed;
use crate::store::customer_records::HealthOverride;

/// A customer's health at the end of a day.
#[derive(Debug, Clone)]
pub struct Day {
    /// Day.
    pub on: NaiveDate,
    /// Health model that applied.
    pub model: Arc<AppliedModel>,
    /// Score computed by the model.
    pub computed: Score,
    /// Band of the computed score.
    pub computed_band: Band,
    /// Override in place of the computed score.
    pub set: Option<HealthOverride>,
}

impl Day {
    /// The score: the override, or the computed score.
    pub fn score(&self) -> Option<f64> {
        self.set.as_ref().map_or(self.computed.value, |set| Some(set.score))
    }

    /// The band of that score.
    pub fn band(&self) -> Band {
        let set = self.set.as_ref().map(|set| self.model.content.bands.plain(Some(set.score)));
        set.unwrap_or(self.computed_band)
    }

    /// The key of the factor with the lowest sub-score, if any factor has an input.
    pub fn lowest_factor(&self) -> Option<&str> {
        let factors = self.model.content.factors.iter().zip(&self.computed.factors);
        let measured = factors.filter(|(_, part)| part.source != Source::Missing && part.sub_score.is_some());
        let lowest = measured.min_by(|a, b| a.1.sub_score.partial_cmp(&b.1.sub_score).unwrap_or(Ordering::Equal));
        lowest.map(|(factor, _)| factor.key.as_str())
    }

    /// The points that the override adds to the computed score.
    pub fn set_by(&self) -> f64 {
        match (self.score(), self.computed.value) {
            (Some(shown), Some(computed)) => shown - computed,
            _ => 0.0,
        }
    }
}

impl Observed {
    /// The customer's health on each day of a range, oldest first.
    pub fn days(&self, models: &Models, from: NaiveDate, to: NaiveDate) -> Vec<Day> {
        let mut scorer = Scorer { observed: self, models, evidence: vec![], scores: HashMap::new() };
        let mut days = vec![];
        let mut first = from;
        while first <= to {
            let model = Arc::clone(models.on(self.segment_on(first), first));
            let mut last = first;
            while last < to && Arc::ptr_eq(models.on(self.segment_on(plus_days(last, 1)), plus_days(last, 1)), &model) {
                last = plus_days(last, 1);
            }
            let bands = model.content.bands.settle(first, last, |on| scorer.covered(on));
            for (on, computed_band) in (0..).map(|days| plus_days(first, days)).zip(bands) {
                let (model, computed) = (Arc::clone(&model), scorer.score(on).clone());
                days.push(Day { on, model, computed, computed_band, set: self.set_on(on) });
            }
            if last >= to {
                break;
            }
            first = plus_days(last, 1);
        }
        days
    }
}

/// Scores of one customer by day, each computed once.
struct Scorer<'a> {
    observed: &'a Observed,
    models: &'a Models,
    evidence: Vec<(Arc<AppliedModel>, Evidence<'a>)>,
    scores: HashMap<NaiveDate, Score>,
}

impl Scorer<'_> {
    fn model(&self, on: NaiveDate) -> Arc<AppliedModel> {
        Arc::clone(self.models.on(self.observed.segment_on(on), on))
    }

    fn score(&mut self, on: NaiveDate) -> &Score {
        if !self.scores.contains_key(&on) {
            let model = self.model(on);
            let at = match self.evidence.iter().position(|(known, _)| Arc::ptr_eq(known, &model)) {
                Some(at) => at,
                None => {
                    self.evidence.push((Arc::clone(&model), self.observed.evidence(&model.content)));
                    self.evidence.len() - 1
                }
            };
            let score = self.evidence[at].1.score(&model.content, on);
            self.scores.insert(on, score);
        }
        &self.scores[&on]
    }

    /// The score, if enough is known about the customer for a band.
    fn covered(&mut self, on: NaiveDate) -> Option<f64> {
        let model = self.model(on);
        self.score(on).covered(&model.content)
    }
}

/// The slope of the computed scores of some days, in points per week.
pub fn slope_per_week(days: &[Day]) -> Option<f64> {
    let point = |day: &Day| {
        let since = i32::try_from((day.on - days[0].on).num_days()).ok()?;
        Some((f64::from(since), day.computed.value?))
    };
    theil_sen(&days.iter().filter_map(point).collect::<Vec<_>>()).map(|slope| slope * 7.0)
}
