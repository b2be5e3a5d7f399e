//! The demo data: eleven real release plans, and ten years of a public project's commits as usage events. It is loaded
//! through the public API only.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;

use clap::Args;
use flate2::read::GzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, print};

/// Release schedules of eleven Kubernetes releases, with every dated change, from the public history of
/// kubernetes/sig-release (releases/*/README.md at every revision), CC-BY-4.0 and Apache-2.0; dates and roles only.
const PLANS: &str = include_str!("../shipped/delivery-plans.json");
/// 5,451 CloudEvents derived from a public project's commit log: 117 accounts, names hashed.
const EVENTS: &[u8] = include_bytes!("../shipped/usage-events.ndjson.gz");
/// Program of the contributors, whose milestones are proved by the events.
const PROGRAM: &str = include_str!("../shipped/contributor.json");
/// Path of the enrolments in it.
const ENROLMENTS: &str = "/v1/programs/contributor/enrolments";
/// Number of people who are enrolled in one request.
const ENROLLED_A_REQUEST: usize = 100;
/// Contributor who serves as the example: the one with the most commits.
const CONTRIBUTOR: &str = "p-b4cd0aa522";
/// Number of events in one request.
const EVENTS_A_REQUEST: usize = 2_000;
/// Key of the demo's health model.
const MODEL: &str = "activity";
/// Release that serves as the example: its plan slipped in three announced steps.
const EXAMPLE: &str = "1.19";

/// Server to load the demo into, and the key to use.
#[derive(Debug, Args)]
pub struct Demo {
    /// URL of the server.
    #[arg(long, env = "MILEPOST_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// API key with the scopes customers:write, people:write, plans:write, events:write and health:write.
    #[arg(long, env = "MILEPOST_KEY", hide_env_values = true)]
    key: String,
}

/// Numbers of loaded items.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Number of plans.
    pub plans: usize,
    /// Number of milestones.
    pub milestones: usize,
    /// Number of new usage events.
    pub events: u64,
    /// Number of usage events that already existed.
    pub known_events: u64,
    /// Number of people who are enrolled in the program of contributors.
    pub enrolments: usize,
    /// Identifier of the plan to look at first.
    pub example_plan_id: Option<String>,
    /// Identifier of the enrolment to look at first.
    pub contributor_plan_id: Option<String>,
}

#[derive(Deserialize)]
struct File {
    plans: Vec<Release>,
}

#[derive(Deserialize)]
struct Release {
    release: String,
    start: String,
    milestones: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    owner: Option<String>,
    baseline: String,
    forecasts: Vec<Forecast>,
    actual: Option<String>,
}

#[derive(Deserialize)]
struct Forecast {
    recorded_on: String,
    forecast: String,
}

/// Loads the demo and prints the numbers of loaded items.
pub async fn run(demo: Demo) -> Result<(), Failure> {
    let url = demo.url.trim_end_matches('/');
    let mut loaded = import(url, &demo.key).await?;
    enrol_contributors(url, &demo.key, &mut loaded).await?;
    print(&format!(
        "Loaded {} plans with {} milestones, {} new usage events and {} enrolments; {} events already existed.\n",
        loaded.plans, loaded.milestones, loaded.events, loaded.enrolments, loaded.known_events
    ))
}

/// Loads the demo. Loading it again within a day changes nothing, because the plans are sent with idempotency keys and
/// everything else is recognized.
pub async fn import(url: &str, key: &str) -> Result<Loaded, Failure> {
    let http = Client::new();
    let customer = json!({ "name": "Kubernetes", "segment": "Open source", "owner_name": "SIG Release" });
    send(http.put(format!("{url}/v1/customers/by-ref/kubernetes")).bearer_auth(key).json(&customer)).await?;
    let releases = plans().map_err(Failure::new)?;
    let bar = ProgressBar::new(releases.len() as u64);
    bar.set_style(
        ProgressStyle::with_template("{msg:24} {bar:40} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut loaded = Loaded::default();
    for (name, milestones, draft) in releases {
        bar.set_message(name.clone());
        let request = http.post(format!("{url}/v1/plans")).bearer_auth(key);
        let request = request.header("Idempotency-Key", format!("demo-{name}")).json(&draft);
        let plan = send(request).await?;
        loaded.plans += 1;
        loaded.milestones += milestones;
        if name.ends_with(EXAMPLE) {
            loaded.example_plan_id = plan["id"].as_str().map(str::to_owned);
        }
        bar.inc(1);
    }
    bar.finish_with_message("Demo plans loaded");
    send_events(&http, url, key, &events().map_err(Failure::new)?, &mut loaded).await?;
    make_health_model(&http, url, key).await?;
    Ok(loaded)
}

/// Creates the program whose milestones are proved by the demo's events, and enrols every contributor on the day of their first commit.
/// Whoever is enrolled already stays as they are.
pub async fn enrol_contributors(url: &str, key: &str, loaded: &mut Loaded) -> Result<(), Failure> {
    let http = Client::new();
    let created = http.post(format!("{url}/v1/templates")).bearer_auth(key);
    let created =
        created.header("Content-Type", "application/json").body(PROGRAM).send().await.map_err(Failure::new)?;
    if !created.status().is_success() && created.status() != reqwest::StatusCode::CONFLICT {
        let problem = created.text().await.map_err(Failure::new)?;
        return Err(Failure::new(format!("the program was refused: {problem}")));
    }
    let first_on = first_days(&events().map_err(Failure::new)?).map_err(Failure::new)?;
    let all: Vec<(String, String)> = first_on.into_iter().collect();
    for some in all.chunks(ENROLLED_A_REQUEST) {
        let item = |(person, _): &(String, String)| {
            let email = format!("{person}@example.org");
            json!({ "external_ref": person, "name": person, "kind": "participant", "segment": "Contributors", "email": email })
        };
        let items: Vec<Value> = some.iter().map(item).collect();
        send(http.post(format!("{url}/v1/people/bulk")).bearer_auth(key).json(&json!({ "items": items }))).await?;
        let started = |(person, on): &(String, String)| json!({ "person_ref": person, "start_on": on });
        let people: Vec<Value> = some.iter().map(started).collect();
        let draft = json!({ "start_on": some.first().map(|(_, on)| on), "people": people });
        let enrolled = send(http.post(format!("{url}{ENROLMENTS}")).bearer_auth(key).json(&draft)).await?;
        for one in enrolled["people"].as_array().into_iter().flatten() {
            loaded.enrolments += 1;
            if one["person_name"] == CONTRIBUTOR {
                loaded.contributor_plan_id = one["plan_id"].as_str().map(str::to_owned);
            }
        }
    }
    // Whoever reads the enrolments reads what their events prove.
    send(http.get(format!("{url}{ENROLMENTS}?limit=1")).bearer_auth(key)).await.map(|_| ())
}

/// The day of the first event of each person.
fn first_days(lines: &str) -> serde_json::Result<BTreeMap<String, String>> {
    let mut first_on: BTreeMap<String, String> = BTreeMap::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line)?;
        if let (Some(person), Some(time)) = (event["data"]["person"].as_str(), event["time"].as_str()) {
            let on: String = time.chars().take(10).collect();
            let first = first_on.entry(person.to_owned()).or_insert_with(|| on.clone());
            *first = on.min(first.clone());
        }
    }
    Ok(first_on)
}

/// Creates the health model that scores the accounts by their activity in the last 30 days, unless it already exists.
async fn make_health_model(http: &Client, url: &str, key: &str) -> Result<(), Failure> {
    let factor = |key: &str, name: &str, weight: u32, aggregate: &str, curve: Value| {
        let definition = json!({ "event_type": "repo.*", "aggregate": aggregate });
        let input = json!({ "kind": "metric", "definition": definition, "window_days": 30 });
        json!({ "key": key, "name": name, "weight": weight, "input": input, "curve": curve })
    };
    let content = json!({
        "name": "Activity", "description": "Active days, commits and days since the last commit.", "segments": ["Open source"], "factors": [
            factor("active_days", "Active days", 40, "active_days", json!([{ "x": 0, "y": 0 }, { "x": 10, "y": 100 }])),
            factor("commits", "Commits", 30, "count", json!([{ "x": 0, "y": 0 }, { "x": 20, "y": 100 }])),
            factor("recency", "Days since the last commit", 30, "days_since_last", json!([{ "x": 0, "y": 100 }, { "x": 30, "y": 50 }, { "x": 90, "y": 0 }])),
        ]
    });
    let request = http.post(format!("{url}/v1/health-models")).bearer_auth(key);
    let created = request.json(&json!({ "key": MODEL, "content": content })).send().await.map_err(Failure::new)?;
    if created.status() == reqwest::StatusCode::CONFLICT {
        return Ok(());
    }
    let version = format!("{url}/v1/health-models/{MODEL}/versions/1");
    send(http.post(format!("{version}/publish")).bearer_auth(key)).await?;
    // The events reach back for ten years, and no other model has scored them.
    let from = json!({ "from_on": "2010-01-01" });
    send(http.post(format!("{version}/activate")).bearer_auth(key).json(&from)).await?;
    Ok(())
}

/// Sends the customers of the usage events and then the events. Events that are sent again are recognized as
/// duplicates.
async fn send_events(http: &Client, url: &str, key: &str, text: &str, loaded: &mut Loaded) -> Result<(), Failure> {
    let lines: Vec<&str> = text.lines().collect();
    let subject = |line: &&str| serde_json::from_str::<Value>(line).ok()?["subject"].as_str().map(str::to_owned);
    let accounts: BTreeSet<String> = lines.iter().filter_map(subject).collect();
    let items: Vec<Value> = accounts
        .iter()
        .map(|account| json!({ "external_ref": account, "name": account, "segment": "Open source" }))
        .collect();
    let customers = http.post(format!("{url}/v1/customers/bulk")).bearer_auth(key).json(&json!({ "items": items }));
    send(customers).await?;
    for some in lines.chunks(EVENTS_A_REQUEST) {
        let request = http.post(format!("{url}/v1/events?results=errors")).bearer_auth(key);
        let request = request.header("Content-Type", "application/x-ndjson").body(some.join("\n"));
        let taken = send(request).await?;
        loaded.events += taken["accepted"].as_u64().unwrap_or_default();
        loaded.known_events += taken["duplicate"].as_u64().unwrap_or_default();
    }
    Ok(())
}

/// Returns the usage events, one a line.
pub fn events() -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(EVENTS).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns the plans in the form that `POST /v1/plans` accepts: name, number of milestones and body.
pub fn plans() -> serde_json::Result<Vec<(String, usize, Value)>> {
    let file: File = serde_json::from_str(PLANS)?;
    Ok(file
        .plans
        .iter()
        .map(|release| (format!("Release {}", release.release), release.milestones.len(), draft(release)))
        .collect())
}

fn draft(release: &Release) -> Value {
    let mut taken = HashSet::new();
    let milestones: Vec<Value> = release.milestones.iter().map(|step| milestone(step, &mut taken)).collect();
    json!({
        "name": format!("Release {}", release.release), "kind": "delivery", "customer_ref": "kubernetes", "owner_name": "SIG Release",
        "start_on": release.start, "weight_unit": "milestones", "milestones": milestones,
    })
}

fn milestone(step: &Step, taken: &mut HashSet<String>) -> Value {
    let slug = slug(&step.name);
    let key = (1..1000)
        .map(|n| if n == 1 { slug.clone() } else { format!("{slug}-{n}") })
        .find(|key| taken.insert(key.clone()));
    let forecasts: Vec<Value> = step
        .forecasts
        .iter()
        .map(|change| json!({ "recorded_on": change.recorded_on, "forecast_on": change.forecast }))
        .collect();
    json!({
        "key": key, "name": step.name, "owner_name": step.owner, "planned_on": step.baseline, "forecast_changes": forecasts,
        "actual_on": step.actual,
    })
}

/// Derives a key from a name: its letters, digits and dots, joined by hyphens.
fn slug(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let parts: Vec<&str> = kept.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-").chars().take(90).collect::<String>().trim_start_matches('.').to_owned()
}

async fn send(request: reqwest::RequestBuilder) -> Result<Value, Failure> {
    let answer = request.send().await.map_err(Failure::new)?;
    let status = answer.status();
    let body: Value = answer.json().await.map_err(Failure::new)?;
    if status.is_success() { Ok(body) } else { Err(Failure::new(format!("{status}: {}", body["detail"]))) }
}
