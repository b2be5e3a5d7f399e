//! The flow of the TypeScript clients with progenitor's client.

use std::{env, error::Error, time::SystemTime};

use chrono::NaiveDate;
use futures_util::TryStreamExt as _;
use milepost_progenitor::{ByteStream, Client, Error as Refused, ResponseValue, types};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Map, json};
use uuid::Uuid;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {}", env::var("MILEPOST_KEY")?).parse()?)]);
    let client = Client::new_with_client(
        &env::var("MILEPOST_URL")?,
        reqwest::Client::builder().default_headers(headers).build()?,
    );
    let reference = format!("clients-progenitor-{}", SystemTime::UNIX_EPOCH.elapsed()?.as_millis());
    let reference: types::ExternalRef = reference.parse()?;

    let customer = client.create_customer().body_map(|body| body.name("Northwind").external_ref(reference.clone()));
    let customer = must("create_customer", customer.send().await).await?;

    let access = types::MilestoneDraft::builder()
        .key("access")
        .name("Data access confirmed")
        .weight(types::Weight(3.0))
        .planned_on(day("2024-03-11")?);
    let pipeline = types::MilestoneDraft::builder()
        .key("pipeline")
        .name("Pipeline runs")
        .weight(types::Weight(5.0))
        .planned_on(day("2024-04-01")?)
        .depends_on(vec![types::Key::try_from("access")?.into()]);
    let plan = types::PlanDraft::builder()
        .name("Rollout")
        .start_on(day("2024-03-04")?)
        .customer_id(customer.id)
        .milestones(vec![access.try_into()?, pipeline.try_into()?]);
    let plan = must("create_plan", client.create_plan().body(plan).send().await).await?;

    let step: types::Achievement = types::Achievement::builder().occurred_on(day("2024-03-11")?).try_into()?;
    let milestone = client.achieve_milestone().id(plan.id).milestone("access").body(step);
    let milestone = must("achieve_milestone", milestone.send().await).await?;
    assert_eq!(milestone.state, types::State::Achieved);

    // Of 8 points planned by then, 3 are earned.
    let earned = client.read_earned_value().id(plan.id).as_of(day("2024-04-15")?);
    let earned = must("read_earned_value", earned.send().await).await?;
    assert_eq!(earned.spi, Some(0.375));

    let page = must("list_plans", client.list_plans().customer_id(customer.id).send().await).await?;
    assert_eq!(page.data.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(), ["Rollout"]);

    let mut events = Vec::new();
    for number in 1..=2 {
        let event = types::CloudEvent::builder()
            .specversion(types::CloudEventSpecversion::try_from("1.0")?)
            .id(format!("{}-{number}", *reference))
            .source("clients")
            .type_("report.exported")
            .subject(reference.clone())
            .time("2024-04-02T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>()?)
            .extra(Map::from_iter([("data".to_owned(), json!({ "rows": 120 }))]));
        events.push(event.try_into()?);
    }
    let taken = must("take_events", client.take_events().body(types::CloudEventBatch(events)).send().await).await?;
    assert_eq!(taken.accepted, 2, "{taken:?}");

    let health = must("read_customer_health", client.read_customer_health().id(customer.id).send().await).await?;

    let missing = client.read_plan().id(Uuid::nil()).send().await.err().ok_or("a plan that does not exist was read")?;
    assert_eq!(missing.status().map(|status| status.as_u16()), Some(404));
    assert_eq!(problem(missing).await?.code.as_str(), "not_found");

    println!("summary: {}, SPI 0.375, {} events, health {}", env!("MILEPOST_OPERATIONS"), taken.accepted, health.band);
    Ok(())
}

fn day(text: &str) -> Outcome<NaiveDate> {
    Ok(text.parse()?)
}

/// The answer, or the end with what the server said instead.
async fn must<T>(what: &str, answer: Result<ResponseValue<T>, Refused<ByteStream>>) -> Outcome<T> {
    match answer {
        Ok(answer) => Ok(answer.into_inner()),
        Err(refused) => Err(match problem(refused).await {
            Ok(said) => format!("{what}: {said:?}"),
            Err(other) => format!("{what}: {other}"),
        }
        .into()),
    }
}

/// The problem that the server answered. Of the types of a response, progenitor reads only application/json: problems are left to the reader.
async fn problem(refused: Refused<ByteStream>) -> Outcome<types::Problem> {
    let Refused::ErrorResponse(answer) = refused else { return Err(refused.to_string().into()) };
    let body = answer.into_inner_stream().try_fold(Vec::new(), |mut all, part| async move {
        all.extend_from_slice(&part);
        Ok(all)
    });
    Ok(serde_json::from_slice(&body.await?)?)
}
