//! Situations of customers on a day, as playbooks evaluate them.

use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::customer::playbook::Playbook;
use milepost_domain::customer::playbook::trigger::{MilestoneSituation, PlanSituation, Situation, SubScore};
use milepost_domain::customer::risk::{Level, days_without_activation};
use milepost_domain::plan::schedule::Standing;
use milepost_domain::values::dates::{days_between, plus_days};

use super::day::Day;
use super::models::Models;
use super::observed::Observed;
use super::participants::Participants;
use super::risk::{Judgement, Learned};
use crate::read_model::PlanView;

impl Observed {
    /// The customer's situation on a day, with the level of its risk, and what its people have achieved.
    pub fn situation(&self, day: &Day, risk: Level, people: &Participants) -> Situation {
        Situation {
            band: day.band(),
            risk,
            days_without_activation: days_without_activation(&self.risk_known(day.on), day.on),
            days_to_renewal: self.customer.renews_on.map(|on| days_between(day.on, on)).filter(|days| *days >= 0),
            days_since_event: self.last_event_on(day.on).map(|on| days_between(on, day.on)),
            sub_scores: sub_scores(day),
            signals: people.signals(self.customer.id, day.on),
            plans: self.plans_on(day.on).map(|view| plan_situation(view, day.on)).collect(),
        }
    }

    /// The customer's situation on a day, with its risk by a model.
    pub fn judged_situation(&self, day: &Day, risk_model: Option<&Learned>, people: &Participants) -> Situation {
        self.situation(day, Judgement::of(risk_model, &self.risk_known(day.on), day.on).level(), people)
    }

    /// The subjects for which a playbook's trigger holds on a day, in the situation of that day; `None` if the playbook does not look at
    /// the customer.
    pub fn held(&self, playbook: &Playbook, models: &Models, day: &Day, situation: &Situation) -> Option<Vec<String>> {
        let facts = self.facts_on(day.on);
        if !playbook.active || !playbook.admits(facts.segment.as_deref(), facts.annual_revenue_minor) {
            return None;
        }
        let earlier = playbook.trigger.compares_with().and_then(|days| {
            let on = plus_days(day.on, -i64::from(days));
            self.days(models, on, on).pop()
        });
        let earlier = earlier.map(|day| sub_scores(&day));
        Some(playbook.trigger.holds_for(situation, earlier.as_deref()))
    }
}

fn sub_scores(day: &Day) -> Vec<SubScore> {
    let factors = day.model.content.factors.iter().zip(&day.computed.factors);
    factors.map(|(factor, part)| (factor.key.to_string(), part.sub_score)).collect()
}

fn plan_situation(view: &Arc<PlanView>, on: NaiveDate) -> PlanSituation {
    let has_begun = view.facts.start_on <= on;
    let milestone = |(at, standing): (usize, &Standing)| MilestoneSituation {
        key: view.labels[at].key.to_string(),
        status: standing.status,
        overdue_days: standing.overdue.then(|| days_between(standing.planned_on, on)),
        variance_days: standing.variance_days,
    };
    let standings = view.standings(on);
    let begun = standings.iter().enumerate().filter(|_| has_begun);
    PlanSituation {
        id: view.row.id.to_string(),
        spi: view.facts.earned_value(on).spi().ok().filter(|_| has_begun),
        milestones: begun.map(milestone).collect(),
    }
}
