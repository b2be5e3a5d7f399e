//! Retention report: the association between a template's milestones and customers staying.

use std::collections::HashMap;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::customer::backtest::is_customer;
use milepost_domain::customer::outcome::OutcomeKind;
use milepost_domain::customer::past::Past;
use milepost_domain::customer::retention::{Design, Enrolment, Study, study};
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::template::TemplateContent;
use milepost_domain::statistics::association::{
    self, Estimate, Test, Undetermined, benjamini_hochberg, breslow_day, mantel_haenszel,
};
use milepost_domain::statistics::survival::{Followed, Point, kaplan_meier, log_rank};
use milepost_domain::values::text::{Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::look_back::outcomes_by_customer;
use crate::customer_health::past::{self, Facts};
use crate::error::ApiError;
use crate::extract::Query;
use crate::read_model::PlanView;
use crate::store::customers;
use crate::versioned;

/// Options of the retention report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RetentionOptions {
    /// Key of the template.
    #[param(inline)]
    template: Key,
    /// Landmark in days after a plan's start. A milestone counts as reached if it was achieved by then. Defaults to 30.
    #[param(minimum = 1, maximum = 3650)]
    landmark_days: Option<i64>,
    /// Horizon in days after a plan's start, until which its customer is followed. Must be greater than
    /// `landmark_days`. Defaults to 180.
    #[param(minimum = 2, maximum = 3650)]
    horizon_days: Option<i64>,
    /// Filter by the customer's segment on the plan's first day (exact match).
    #[param(inline)]
    segment: Option<Label>,
}

/// Retention report of a template.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "template": "onboarding", "landmark_days": 30, "horizon_days": 180, "segment": null, "enrolments": 240,
    "lost_before_start": 2, "method": "landmark",
    "caution": "These are associations.", "milestones": []
}))]
pub struct RetentionReport {
    /// Key of the template.
    #[schema(value_type = Key)]
    template: String,
    /// Landmark in days after a plan's start.
    #[schema(minimum = 1)]
    landmark_days: i64,
    /// Horizon in days after a plan's start.
    #[schema(minimum = 2)]
    horizon_days: i64,
    /// Segment of the customers that the report includes; null for all customers.
    segment: Option<Label>,
    /// Number of customers with a plan of the template. Only the first such plan of a customer counts.
    #[schema(maximum = 1_000_000)]
    enrolments: usize,
    /// Number of them that were lost by the start of the plan, and therefore take no part.
    #[schema(maximum = 1_000_000)]
    lost_before_start: usize,
    /// Method of the analysis. Always `landmark`.
    #[schema(max_length = 20)]
    method: &'static str,
    /// Caution on interpreting the figures.
    #[schema(max_length = 1000)]
    caution: &'static str,
    /// Figures for each milestone of the template, in the template's order.
    #[schema(max_items = 500)]
    milestones: Vec<MilestoneRetention>,
}

/// Retention of customers that had reached a milestone by the landmark, compared with those that had not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "first-value", "name": "First result", "n": 200, "reached_stayed": 90, "reached_lost": 10, "not_reached_stayed": 70, "not_reached_lost": 30,
    "lost_before_landmark": 20, "before_landmark": 10, "not_yet_at_horizon": 10, "share_reached_stayed": 0.9, "share_not_reached_stayed": 0.7,
    "risk_ratio": {"value": 1.29, "from": 1.11, "to": 1.49}, "odds_ratio": {"value": 3.86, "from": 1.77, "to": 8.42},
    "odds_ratio_corrected": false,
    "risk_difference": {"value": 0.2, "from": 0.09, "to": 0.31}, "phi": {"value": 0.25, "from": 0.12, "to": 0.38}, "test": "chi_squared",
    "p_value": 0.0004, "adjusted_p_value": 0.002, "mantel_haenszel": null, "strata": 1, "breslow_day": null,
    "log_rank": {"chi_squared": 12.5, "p_value": 0.0004},
    "undetermined": [{"figure": "mantel_haenszel", "reason": "no_mixed_stratum"}, {"figure": "breslow_day", "reason": "one_stratum"}],
    "reached_curve": [], "not_reached_curve": []
}))]
pub struct MilestoneRetention {
    /// Key of the milestone.
    key: Key,
    /// Name of the milestone.
    name: Name,
    /// Number of customers in the four-fold table.
    #[schema(maximum = 1_000_000)]
    n: u64,
    /// Number of customers that had reached the milestone and stayed.
    #[schema(maximum = 1_000_000)]
    reached_stayed: u64,
    /// Number of customers that had reached the milestone and were lost.
    #[schema(maximum = 1_000_000)]
    reached_lost: u64,
    /// Number of customers that had not reached the milestone and stayed.
    #[schema(maximum = 1_000_000)]
    not_reached_stayed: u64,
    /// Number of customers that had not reached the milestone and were lost.
    #[schema(maximum = 1_000_000)]
    not_reached_lost: u64,
    /// Number of customers lost by the landmark, which the comparison leaves out.
    #[schema(maximum = 1_000_000)]
    lost_before_landmark: usize,
    /// Number of customers that have not come to the landmark yet.
    #[schema(maximum = 1_000_000)]
    before_landmark: usize,
    /// Number of customers between landmark and horizon. The curves include them; the table does not.
    #[schema(maximum = 1_000_000)]
    not_yet_at_horizon: usize,
    /// Share that stayed of the customers that had reached the milestone.
    share_reached_stayed: Option<f64>,
    /// Share that stayed of the customers that had not reached the milestone.
    share_not_reached_stayed: Option<f64>,
    /// Risk ratio: `share_reached_stayed` divided by `share_not_reached_stayed`, with Katz's interval.
    risk_ratio: Option<Interval>,
    /// Odds ratio of staying, with Woolf's interval.
    odds_ratio: Option<Interval>,
    /// Whether ½ was added to each count for the odds ratio because one of them is 0 (Haldane's correction).
    odds_ratio_corrected: bool,
    /// Risk difference: `share_reached_stayed` minus `share_not_reached_stayed`, with Newcombe's score interval.
    risk_difference: Option<Interval>,
    /// Phi coefficient: the correlation of reaching the milestone and staying, with the interval of Fisher's z.
    phi: Option<Interval>,
    /// Statistical test used for `p_value`.
    test: Option<Test>,
    /// Probability of an association at least this strong if there were none (p-value).
    p_value: Option<f64>,
    /// P-value adjusted for testing several milestones (Benjamini and Hochberg).
    adjusted_p_value: Option<f64>,
    /// Odds ratio within segments (Mantel and Haenszel), with the interval of Robins, Breslow and Greenland.
    mantel_haenszel: Option<Interval>,
    /// Number of segments in the Mantel–Haenszel estimate.
    #[schema(maximum = 100_000)]
    strata: usize,
    /// Test of whether the odds ratios of the segments are equal (Breslow and Day). If they are not, `mantel_haenszel`
    /// hides the difference.
    breslow_day: Option<HomogeneityFigures>,
    /// Log-rank test that compares the two curves over the whole period.
    log_rank: Option<LogRankFigures>,
    /// Figures that are null, each with its reason.
    #[schema(max_items = 20)]
    undetermined: Vec<UndeterminedFigure>,
    /// Kaplan–Meier curve of the customers that had reached the milestone, in days from the landmark.
    #[schema(max_items = 3650)]
    reached_curve: Vec<CurveStep>,
    /// Kaplan–Meier curve of the customers that had not reached the milestone.
    #[schema(max_items = 3650)]
    not_reached_curve: Vec<CurveStep>,
}

/// A figure that is null.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"figure": "risk_ratio", "reason": "event_for_everybody"}))]
pub struct UndeterminedFigure {
    /// Name of the figure.
    #[schema(max_length = 100)]
    figure: &'static str,
    /// Reason. Customers that had reached the milestone are the exposed ones, and staying is the event.
    reason: Undetermined,
}

/// Result of a test of homogeneity.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"chi_squared": 9.32, "degrees_of_freedom": 5, "p_value": 0.097}))]
pub struct HomogeneityFigures {
    /// Chi-squared statistic.
    chi_squared: f64,
    /// Degrees of freedom.
    #[schema(maximum = 100_000)]
    degrees_of_freedom: usize,
    /// Probability of odds ratios that differ at least this much if they were equal (p-value).
    p_value: f64,
}

/// A figure with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"value": 1.29, "from": 1.11, "to": 1.49}))]
pub struct Interval {
    /// Value of the figure.
    value: f64,
    /// Lower bound of the interval.
    from: f64,
    /// Upper bound of the interval.
    to: f64,
}

/// Result of a log-rank test.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"chi_squared": 12.5, "p_value": 0.0004}))]
pub struct LogRankFigures {
    /// Log-rank statistic, with one degree of freedom.
    chi_squared: f64,
    /// Probability of a difference at least this large if there were none (p-value).
    p_value: f64,
}

/// A step of a Kaplan–Meier curve.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({"day": 12, "at_risk": 100, "lost": 1, "staying": 0.99, "from": 0.93, "to": 0.999}))]
pub struct CurveStep {
    /// Days from the landmark.
    #[schema(minimum = 0)]
    day: i64,
    /// Number of customers followed until just before this day.
    #[schema(maximum = 1_000_000)]
    at_risk: usize,
    /// Number of customers lost on this day.
    #[schema(maximum = 1_000_000)]
    lost: usize,
    /// Estimated share of customers that stay longer than this day.
    staying: f64,
    /// Lower bound of the 95 % interval of `staying`.
    from: f64,
    /// Upper bound of the 95 % interval of `staying`.
    to: f64,
}

const CAUTION: &str = "These are associations: customers that reach a milestone may differ in other ways from those that do not. Customers \
                       lost by the landmark are left out; milestones reached after the landmark do not count as reached.";

/// Get the retention report of a template
///
/// Shows, for each milestone of the template, the association between reaching it and staying. The analysis uses the
/// landmark method: among the customers that are still there on the landmark day, it compares those that have reached
/// the milestone by then with those that have not. A comparison without a landmark would be biased, because customers
/// that stay longer have more time to reach milestones.
#[utoipa::path(tag = "reports", security(("bearer" = ["health:read"])), params(RetentionOptions),
    responses((status = 200, description = "The retention report.", body = RetentionReport)))]
#[get("/v1/reports/retention")]
pub async fn read_retention_report(cx: Context, options: Query<RetentionOptions>) -> Result<Answer, ApiError> {
    let RetentionOptions { template, landmark_days, horizon_days, segment } = options.0;
    let (landmark_days, horizon_days) = (landmark_days.unwrap_or(30), horizon_days.unwrap_or(180));
    if horizon_days <= landmark_days {
        let detail = format!("must be more than landmark_days, which is {landmark_days}");
        return Err(ApiError::parameter("horizon_days", "out_of_order", detail));
    }
    let mut conn = cx.snapshot().await?;
    let found = versioned::find::<TemplateContent>(&mut conn, cx.organization_id(), &template).await?;
    let found = found
        .ok_or_else(|| ApiError::parameter("template", "unknown_template", "there is no template with this key"))?;
    let definitions = found.published().or(found.versions.last());
    let milestones: Vec<(Key, Name)> = definitions
        .map(|version| version.content.milestones.iter().map(|one| (one.key.clone(), one.name.clone())).collect())
        .unwrap_or_default();
    let outcomes = outcomes_by_customer(&cx, &mut conn).await?;
    let customers = customers::all(&mut conn, cx.organization_id()).await?;
    let pasts = past::load(&mut conn, cx.organization_id(), cx.who.tenant.zone, &customers).await?;
    let enrolments = enrolments(&cx, found.definition.id, &milestones, &pasts, &outcomes).await?;
    let is_meant =
        |one: &Enrolment| segment.as_ref().is_none_or(|wanted| one.segment.as_deref() == Some(wanted.as_str()));
    let enrolments: Vec<Enrolment> = enrolments.into_iter().filter(is_meant).collect();
    let design = Design { landmark_days, horizon_days, today: cx.today() };
    let studies: Vec<Study> = (0..milestones.len()).map(|at| study(&enrolments, at, design)).collect();
    let report = RetentionReport {
        template: template.into(),
        landmark_days,
        horizon_days,
        segment,
        enrolments: enrolments.len(),
        lost_before_start: enrolments.iter().filter(|one| !one.was_customer).count(),
        method: "landmark",
        caution: CAUTION,
        milestones: figures(milestones, &studies),
    };
    Ok(Answer::ok(&report)?.content_tag())
}

/// Returns each customer with its first plan of the template.
async fn enrolments(
    cx: &Context,
    template_id: Uuid,
    milestones: &[(Key, Name)],
    pasts: &HashMap<Uuid, Past<Facts>>,
    outcomes: &HashMap<Uuid, Vec<(NaiveDate, OutcomeKind)>>,
) -> Result<Vec<Enrolment>, ApiError> {
    let plans = cx.plans().await?;
    let mut first: HashMap<Uuid, &PlanView> = HashMap::new();
    for view in plans.by_name.iter().filter(|view| view.row.template_id == Some(template_id)) {
        let Some(customer_id) = view.row.customer_id.filter(|id| pasts.contains_key(id)) else { continue };
        let earliest = first.entry(customer_id).or_insert(view);
        if (view.facts.start_on, view.row.id) < (earliest.facts.start_on, earliest.row.id) {
            *earliest = view;
        }
    }
    let enrolment = |(customer_id, view): (Uuid, &PlanView)| {
        let achieved_on = |key: &Key| {
            let at = view.labels.iter().position(|label| label.key.as_ref() == key.as_str())?;
            let milestone = view.facts.milestones.get(at)?;
            Some(milestone.closed_on.filter(|_| milestone.state == State::Achieved))
        };
        let start_on = view.facts.start_on;
        let outcomes = outcomes.get(&customer_id).map_or(&[][..], Vec::as_slice);
        let lost = outcomes.iter().filter(|(_, kind)| *kind == OutcomeKind::Churned).map(|(on, _)| *on);
        Enrolment {
            start_on,
            segment: pasts.get(&customer_id).and_then(|past| Some(past.on(start_on).segment.as_ref()?.to_string())),
            achieved_on: milestones.iter().map(|(key, _)| achieved_on(key)).collect(),
            was_customer: is_customer(outcomes, start_on),
            churned_on: lost.filter(|on| *on > start_on).min(),
        }
    };
    Ok(first.into_iter().map(enrolment).collect())
}

fn figures(milestones: Vec<(Key, Name)>, studies: &[Study]) -> Vec<MilestoneRetention> {
    let tests: Vec<Option<(f64, Test)>> = studies.iter().map(|study| study.table.p_value()).collect();
    let known: Vec<f64> = tests.iter().flatten().map(|(p_value, _)| *p_value).collect();
    let mut adjusted = benjamini_hochberg(&known).into_iter();
    let rows = milestones.into_iter().zip(studies).zip(tests);
    rows.map(|(((key, name), study), test)| {
        let adjusted_p_value = test.and_then(|_| adjusted.next());
        row(key, name, study, test, adjusted_p_value)
    })
    .collect()
}

fn row(
    key: Key,
    name: Name,
    study: &Study,
    test: Option<(f64, Test)>,
    adjusted_p_value: Option<f64>,
) -> MilestoneRetention {
    let association::TwoByTwo { exposed_yes, exposed_no, unexposed_yes, unexposed_no } = study.table;
    let shares = study.table.shares();
    let tables = study.tables();
    let log_rank = log_rank(&study.reached, &study.not_reached);
    MilestoneRetention {
        key,
        name,
        n: study.table.total(),
        reached_stayed: exposed_yes,
        reached_lost: exposed_no,
        not_reached_stayed: unexposed_yes,
        not_reached_lost: unexposed_no,
        lost_before_landmark: study.lost_before,
        before_landmark: study.too_young,
        not_yet_at_horizon: study.still_open,
        share_reached_stayed: shares.map(|(reached, _)| reached),
        share_not_reached_stayed: shares.map(|(_, not_reached)| not_reached),
        risk_ratio: study.table.risk_ratio().map(interval),
        odds_ratio: study.table.odds_ratio().map(interval),
        odds_ratio_corrected: study.table.odds_ratio().is_some() && study.table.has_zero(),
        risk_difference: study.table.risk_difference().map(interval),
        phi: study.table.phi().map(interval),
        test: test.map(|(_, test)| test),
        p_value: test.map(|(p_value, _)| p_value),
        adjusted_p_value,
        mantel_haenszel: mantel_haenszel(&tables).map(interval),
        strata: tables.len(),
        breslow_day: breslow_day(&tables).map(|found| HomogeneityFigures {
            chi_squared: found.chi_squared,
            degrees_of_freedom: found.degrees_of_freedom,
            p_value: found.p_value,
        }),
        undetermined: study
            .undetermined()
            .into_iter()
            .map(|(figure, reason)| UndeterminedFigure { figure, reason })
            .collect(),
        log_rank: log_rank.map(|found| LogRankFigures { chi_squared: found.chi_squared, p_value: found.p_value }),
        reached_curve: curve(&study.reached),
        not_reached_curve: curve(&study.not_reached),
    }
}

const fn interval(found: Estimate) -> Interval {
    Interval { value: found.value, from: found.from, to: found.to }
}

fn curve(group: &[Followed]) -> Vec<CurveStep> {
    let step = |point: Point| CurveStep {
        day: point.days,
        at_risk: point.at_risk,
        lost: point.ended,
        staying: point.surviving,
        from: point.interval.0,
        to: point.interval.1,
    };
    kaplan_meier(group).into_iter().map(step).collect()
}
