//! Impact report: what people's achievements were worth, verified and claimed apart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::plan::template::TemplateContent;
use milepost_domain::recognition::impact::{ImpactKind, Spread, Summary, roi_percent};
use milepost_domain::values::text::{Currency, ExternalRef, Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::definitions::{program_asked_for, track_of};
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::check_in_order;
use crate::read_model::reports::{Report, ReportKey};
use crate::read_model::{PlanView, Plans};
use crate::reference::{self, Named};
use crate::store::Conn;
use crate::store::customers::Customer;
use crate::store::impacts::Impact;
use crate::store::row::{self, Column as _, Condition};
use crate::store::templates::Template;
use crate::versioned::{self, Found};

/// Filters and groups of the impact report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImpactOptions {
    /// Filter by key of the program: the template that plans were made from.
    #[param(inline)]
    template: Option<Key>,
    /// Filter by track: the phase of the milestone that an impact belongs to (exact match).
    #[param(inline)]
    track: Option<Label>,
    /// Filter by customer.
    customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Only impacts whose period ended on this day or later.
    from: Option<NaiveDate>,
    /// Only impacts whose period ended on this day or earlier.
    to: Option<NaiveDate>,
    /// Grouping: `template`, `track` or `customer`. Without it, all impacts are one group.
    #[param(inline)]
    group_by: Option<ImpactGrouping>,
}

/// Grouping of the impact report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImpactGrouping {
    /// By program.
    Template,
    /// By track.
    Track,
    /// By customer.
    Customer,
}

/// Distribution of figures. For money, in the smallest unit of the currency.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(example = json!({
    "n": 5, "sum": 4200, "mean": 840, "least": 200, "lower_quartile": 400, "median": 800, "upper_quartile": 1200, "most": 1600
}))]
pub struct ImpactSpread {
    /// Number of impacts.
    #[schema(maximum = 1_000_000)]
    n: usize,
    /// Sum. Growths in percent do not add up: look at their median.
    sum: f64,
    /// Mean.
    mean: f64,
    /// Smallest figure.
    least: f64,
    /// Lower quartile.
    lower_quartile: f64,
    /// Median.
    median: f64,
    /// Upper quartile.
    upper_quartile: f64,
    /// Largest figure.
    most: f64,
}

impl From<Spread> for ImpactSpread {
    fn from(spread: Spread) -> Self {
        let Spread { count: n, sum, mean, least, lower_quartile, median, upper_quartile, most } = spread;
        Self { n, sum, mean, least, lower_quartile, median, upper_quartile, most }
    }
}

/// Impacts of one kind in one unit, each with the share that is owed to the person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "hours_per_week", "unit": null, "verified": null, "claimed": null}))]
pub struct ImpactFigures {
    /// Kind.
    kind: ImpactKind,
    /// Currency of money, or the unit of a figure of your own; null for others.
    #[schema(value_type = Option<Label>)]
    unit: Option<String>,
    /// Distribution of what was verified; null of nothing.
    verified: Option<ImpactSpread>,
    /// Distribution of what is claimed and not verified; null of nothing.
    claimed: Option<ImpactSpread>,
}

/// Money of all kinds in one currency, in its smallest unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"currency": "USD", "verified_minor": 750_000, "claimed_minor": 120_000, "costs_minor": 425_000, "roi_percent": 76.5}))]
pub struct ImpactMoney {
    /// Currency.
    #[schema(value_type = Currency)]
    currency: String,
    /// Verified amounts for a year.
    #[schema(minimum = 0)]
    verified_minor: i64,
    /// Claimed amounts for a year.
    #[schema(minimum = 0)]
    claimed_minor: i64,
    /// Recorded costs of the program's plans. Null unless the group is a program.
    costs_minor: Option<i64>,
    /// Return on investment in percent: (verified amounts for a year − costs) / costs. Null without costs.
    roi_percent: Option<f64>,
}

/// Group of the impact report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "ai-coaching", "name": "AI coaching program", "n": 12, "kinds": [], "money": []}))]
pub struct ImpactGroup {
    /// Key of the program or identifier of the customer; null for a track, for all, and for impacts without.
    #[schema(max_length = 100)]
    key: Option<String>,
    /// Name of the program, of the track or of the customer; null for all, and for impacts without.
    #[schema(value_type = Option<Name>)]
    name: Option<String>,
    /// Number of impacts, without those that were rejected or withdrawn.
    #[schema(maximum = 1_000_000)]
    n: usize,
    /// Figures by kind and unit.
    #[schema(max_items = 1000)]
    kinds: Vec<ImpactFigures>,
    /// Money of all kinds by currency.
    #[schema(max_items = 200)]
    money: Vec<ImpactMoney>,
}

/// Impact report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": null, "to": null, "groups": []}))]
pub struct ImpactReport {
    /// First day on which the period of an impact ends; null if any.
    from: Option<NaiveDate>,
    /// Last such day; null if any.
    to: Option<NaiveDate>,
    /// Groups, by name; impacts without come last.
    #[schema(max_items = 100_000)]
    groups: Vec<ImpactGroup>,
}

/// Get the impact report
///
/// Sums up what people's achievements were worth: verified and claimed apart, each with number, median and distribution, and the return on
/// the recorded costs of a program. What was rejected or withdrawn counts for nothing.
#[utoipa::path(tag = "reports", security(("bearer" = ["recognition:read"])), params(ImpactOptions),
    responses((status = 200, description = "The impact report.", body = ImpactReport)))]
#[get("/v1/reports/impact")]
pub async fn read_impact_report(cx: Context, options: Query<ImpactOptions>) -> Result<Answer, ApiError> {
    let options = options.0;
    if let (Some(from), Some(to)) = (options.from, options.to) {
        check_in_order(from, to)?;
    }
    let (organization_id, sequence) = (cx.organization_id(), cx.who.tenant.sequence);
    let key = ReportKey { organization_id, sequence, question: cx.target.to_string() };
    cx.app.read_model.reports.make(key, async || Report::of(&compute(&cx, options).await?)).await
}

async fn compute(cx: &Context, options: ImpactOptions) -> Result<ImpactReport, ApiError> {
    let plans = cx.plans().await?;
    let mut conn = cx.snapshot().await?;
    let program = program_asked_for(&mut conn, cx.organization_id(), options.template.as_ref()).await?;
    let customer = Named { id: options.customer_id, external_ref: options.customer_ref.as_ref() };
    let mut conditions = vec![];
    conditions.extend(reference::condition::<CustomerContent>(cx, "customer_id", customer).await?);
    conditions.extend(options.from.map(|from| Condition::AtLeast("to_on", from.to_value())));
    let mut impacts: Vec<Impact> = row::all(&mut conn, cx.organization_id(), &conditions, "id").await?;
    impacts.retain(|one| options.to.is_none_or(|to| one.to_on <= to));
    let plan_of = |impact: &Impact| impact.plan_id.and_then(|id| plans.find(id));
    if let Some(program) = &program {
        impacts.retain(|one| plan_of(one).is_some_and(|plan| plan.row.template_id == Some(program.id)));
    }
    let mut tracked: Vec<(Option<String>, Impact)> = vec![];
    for impact in impacts {
        let track = match plan_of(&impact) {
            Some(plan) if options.track.is_some() || options.group_by == Some(ImpactGrouping::Track) => {
                track(cx, &mut conn, plan, &impact).await?
            }
            _ => None,
        };
        if options.track.as_ref().is_none_or(|wanted| track.as_deref() == Some(wanted.as_str())) {
            tracked.push((track, impact));
        }
    }
    let mut groups: BTreeMap<Group, Vec<Impact>> = BTreeMap::new();
    let named = names(options.group_by, &mut conn, cx, &plans, &tracked).await?;
    for (track, impact) in tracked {
        let id = match options.group_by {
            None => program.as_ref().map(|program| program.id),
            Some(ImpactGrouping::Template) => plan_of(&impact).and_then(|plan| plan.row.template_id),
            Some(ImpactGrouping::Track) => None,
            Some(ImpactGrouping::Customer) => impact.customer_id,
        };
        let named = id.and_then(|id| named.get(&id));
        let track = track.filter(|_| options.group_by == Some(ImpactGrouping::Track));
        let name = named.map(|(_, name)| name.clone()).or(track);
        let group = Group { is_without: name.is_none(), name, key: named.map(|(key, _)| key.clone()), id };
        groups.entry(group).or_default().push(impact);
    }
    let is_program = options.group_by.is_none() || options.group_by == Some(ImpactGrouping::Template);
    let shown = groups.into_iter().map(|(group, impacts)| {
        let costs = group.id.filter(|_| is_program).map(|id| costs(&plans, id));
        let (key, name) = match (options.group_by, &program) {
            (None, Some(program)) => (Some(program.key.clone()), None),
            _ => (group.key, group.name),
        };
        ImpactGroup::of(key, name, &impacts, costs.as_ref())
    });
    Ok(ImpactReport { from: options.from, to: options.to, groups: shown.collect() })
}

/// A group, in the order of the answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    is_without: bool,
    name: Option<String>,
    key: Option<String>,
    id: Option<Uuid>,
}

/// The track of an impact: that of its milestone.
async fn track(
    cx: &Context,
    conn: &mut Conn,
    plan: &Arc<PlanView>,
    impact: &Impact,
) -> Result<Option<String>, ApiError> {
    let Some(key) = &impact.milestone_key else { return Ok(None) };
    let content = cx.app.definitions.of_plan(conn, cx.organization_id(), &plan.row).await?;
    Ok(track_of(plan, content.as_deref(), key).map(ToOwned::to_owned))
}

/// Keys and names of what the groups are about, by identifier.
async fn names(
    group_by: Option<ImpactGrouping>,
    conn: &mut Conn,
    cx: &Context,
    plans: &Plans,
    impacts: &[(Option<String>, Impact)],
) -> Result<HashMap<Uuid, (String, String)>, ApiError> {
    let organization_id = cx.organization_id();
    Ok(match group_by {
        Some(ImpactGrouping::Template) => {
            let own = impacts.iter().filter_map(|(_, impact)| plans.find(impact.plan_id?)?.row.template_id);
            let ids = own.map(|id| id.to_value()).collect();
            let found: Vec<Template> = row::all(conn, organization_id, &[Condition::OneOf("id", ids)], "id").await?;
            let found = versioned::all_of(conn, organization_id, found).await?;
            let named = |one: Found<TemplateContent>| {
                let name = one.latest()?.content.name.to_string();
                Ok((one.definition.id, (one.definition.key, name)))
            };
            found.into_iter().map(named).collect::<Result<_, ApiError>>()?
        }
        Some(ImpactGrouping::Customer) => {
            let ids = impacts.iter().filter_map(|(_, impact)| Some(impact.customer_id?.to_value())).collect();
            let found: Vec<Customer> = row::all(conn, organization_id, &[Condition::OneOf("id", ids)], "id").await?;
            found.into_iter().map(|one| (one.id, (one.id.to_string(), one.content.name.to_string()))).collect()
        }
        _ => HashMap::new(),
    })
}

/// Recorded costs of a program's plans, by currency.
fn costs(plans: &Plans, template_id: Uuid) -> BTreeMap<String, i64> {
    let mut costs: BTreeMap<String, i64> = BTreeMap::new();
    for plan in plans.by_name.iter().filter(|plan| plan.row.template_id == Some(template_id)) {
        if let Some(currency) = &plan.row.currency {
            let own: i64 = plan.facts.costs.iter().map(|cost| cost.amount_minor).sum();
            *costs.entry(currency.clone()).or_default() += own;
        }
    }
    costs
}

impl ImpactGroup {
    fn of(
        key: Option<String>,
        name: Option<String>,
        impacts: &[Impact],
        costs: Option<&BTreeMap<String, i64>>,
    ) -> Self {
        let summary = Summary::of(impacts.iter().map(|impact| (&impact.content, impact.stamp.state)));
        let kinds: Vec<ImpactFigures> = summary
            .kinds
            .into_iter()
            .map(|one| ImpactFigures {
                kind: one.kind,
                unit: one.unit,
                verified: one.verified.map(Into::into),
                claimed: one.claimed.map(Into::into),
            })
            .collect();
        let count = |one: &ImpactFigures| [one.verified, one.claimed].iter().flatten().map(|own| own.n).sum::<usize>();
        let n = kinds.iter().map(count).sum();
        let money = summary.amounts.into_iter().map(|(currency, amounts)| {
            let costs_minor = costs.map(|costs| costs.get(&currency).copied().unwrap_or_default());
            let roi_percent = costs_minor.and_then(|costs| roi_percent(amounts.verified_minor, costs));
            let (verified_minor, claimed_minor) = (amounts.verified_minor, amounts.claimed_minor);
            ImpactMoney { currency, verified_minor, claimed_minor, costs_minor, roi_percent }
        });
        Self { key, name, n, kinds, money: money.collect() }
    }
}
