//! Two real releases replayed day by day. The reports of each day are compared with the actual course of events.
//!
//! Release 1.19 slipped in announced steps, release 1.22 hardly at all (public history of kubernetes/sig-release).
//! Their dates are shifted to begin on the day on which every test begins; nothing else is changed.

use chrono::{Duration, NaiveDate};
use milepost::commands::demo;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::create;

on_both_engines!(
    release_1_19_day_by_day,
    release_1_22_day_by_day,
    the_pictures_in_the_readme_are_true,
    the_tour_in_the_readme_is_true
);

async fn release_1_19_day_by_day(engine: Engine) {
    let days = replay(engine, "Release 1.19").await;
    let on = |date: &str| days.iter().find(|day| day.date == self::day(date)).expect("a day");
    assert_eq!(on("2020-04-23").statuses("delayed"), 0);
    assert_eq!(on("2020-04-24").statuses("delayed"), 12, "the first announcement");
    assert_eq!(on("2020-07-01").said["spi"], json!(15.0 / 26.0));
    assert!(lowest_spi_t(&days) < 0.68, "much further behind than the other one ever was");
    let spi_t = |date: &str| on(date).said["spi_t"].as_f64().expect("an index");
    assert!(spi_t("2020-07-01") < 0.75 && spi_t("2020-08-25") < 0.85, "it stays behind to its end");
    assert_eq!(on("2020-09-03").said["spi"], 1.0, "and SPI comes back to 1");
    assert!(spi_t("2020-09-03") < 0.95, "but SPI(t) does not");
}

async fn release_1_22_day_by_day(engine: Engine) {
    let days = replay(engine, "Release 1.22").await;
    assert!(lowest_spi_t(&days) > 0.79);
    assert_eq!(days.last().expect("days").said["spi"], 1.0);
}

/// Lowest SPI(t) after the first two weeks, in which a day or two mean little.
fn lowest_spi_t(days: &[Day]) -> f64 {
    days.iter().skip(14).filter_map(|day| day.said["spi_t"].as_f64()).fold(f64::INFINITY, f64::min)
}

/// Report of the service at the end of one day.
struct Day {
    /// Real date.
    date: NaiveDate,
    at: chrono::DateTime<chrono::Utc>,
    shifted: NaiveDate,
    said: Value,
}

impl Day {
    fn statuses(&self, name: &str) -> i64 {
        self.said["status_counts"][name].as_i64().expect("a count")
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// Replays a release: creates the plan and then records each date change and each achievement on its day. At the end,
/// the reports on each day must equal the reports made on that day, both by date and by instant of knowledge.
async fn replay(engine: Engine, name: &str) -> Vec<Day> {
    let server = Server::start(engine).await;
    server.post("/v1/customers", json!({ "name": "Kubernetes", "external_ref": "kubernetes" })).await.expect(201);
    let all = demo::plans().expect("the demo's plans");
    let (_, _, draft) = all.into_iter().find(|(one, _, _)| one == name).expect("the release");
    let start = day(draft["start_on"].as_str().expect("a start"));
    let offset = (server.clock.now().date_naive() - start).num_days();
    let shift = |on: NaiveDate| on + Duration::days(offset);
    let (plan, events) = planned(&draft, shift);
    let path = create(&server, "/v1/plans", plan).await;
    let last = events.iter().map(|(on, _, _)| *on).max().expect("events");
    let mut days: Vec<Day> = vec![];
    for date in start.iter_days().take_while(|on| *on <= last) {
        for (_, key, event) in events.iter().filter(|(on, _, _)| *on == date) {
            let (verb, body) = match event {
                Event::Forecast(on) => {
                    ("forecast-changes", json!({ "forecast_on": shift(*on), "reason": "As announced." }))
                }
                Event::Achieved => ("achieve", json!({})),
            };
            let reply = server.post(&format!("{path}/milestones/{key}/{verb}"), body).await;
            // Changes that the history recorded twice or only afterwards are refused. Nothing else may be refused.
            let is_refused = ["in_the_past", "forecast_unchanged"].iter().any(|code| reply.text.contains(code));
            assert!(reply.status.is_success() || is_refused, "{date} {key}: {}", reply.text);
        }
        let said = server.get(&format!("{path}/earned-value")).await.expect(200);
        days.push(Day { date, at: server.clock.now(), shifted: shift(date), said });
        server.clock.advance(Duration::days(1));
    }
    let figures = ["planned_value", "earned_value", "spi", "earned_schedule", "spi_t", "ieac_on", "p_factor"];
    for day in days.iter().step_by(5).chain(days.last()) {
        let now = server.get(&format!("{path}/earned-value?as_of={}", day.shifted)).await.expect(200);
        for figure in figures {
            assert_eq!(now[figure], day.said[figure], "{figure} on {}", day.date);
        }
        let at = day.at.format("%Y-%m-%dT%H:%M:%SZ");
        let known = server.get(&format!("{path}/earned-value?known_at={at}")).await.expect(200);
        assert_eq!(known, day.said, "what was known on {}", day.date);
    }
    days
}

enum Event {
    Forecast(NaiveDate),
    Achieved,
}

/// Returns the plan as first created and the later changes in order.
fn planned(draft: &Value, shift: impl Fn(NaiveDate) -> NaiveDate) -> (Value, Vec<(NaiveDate, String, Event)>) {
    let mut plan = draft.clone();
    let read = |value: &Value| value.as_str().map(day);
    let start = read(&draft["start_on"]).expect("a start");
    plan["start_on"] = json!(shift(start));
    let mut events = vec![];
    for milestone in plan["milestones"].as_array_mut().expect("milestones") {
        let key = milestone["key"].as_str().expect("a key").to_owned();
        for change in milestone["forecast_changes"].as_array().expect("changes") {
            let recorded = read(&change["recorded_on"]).expect("a date");
            events.push((
                recorded.max(start),
                key.clone(),
                Event::Forecast(read(&change["forecast_on"]).expect("a date")),
            ));
        }
        if let Some(on) = read(&milestone["actual_on"]) {
            events.push((on.max(start), key, Event::Achieved));
        }
        milestone["planned_on"] = json!(shift(read(&milestone["planned_on"]).expect("a date").max(start)));
        milestone["forecast_changes"] = json!([]);
        milestone["actual_on"] = Value::Null;
    }
    events.sort_by_key(|(on, _, event)| (*on, matches!(event, Event::Achieved)));
    (plan, events)
}

/// The pictures in the README equal the pictures that the service draws from the demo data.
async fn the_pictures_in_the_readme_are_true(engine: Engine) {
    let server = Server::start(engine).await;
    let loaded = demo::import(&server.url, &server.key).await.expect("the demo");
    let plan = format!("/v1/plans/{}", loaded.example_plan_id.expect("release 1.19"));
    for (name, as_of) in [("s-curve", "2020-07-01"), ("trend", "2020-09-03")] {
        let path = format!("{plan}/{name}.svg?as_of={as_of}");
        let drawn = server.get(&path).await.text;
        let file = format!("{}/golden/release-1.19-{name}.svg", env!("CARGO_MANIFEST_DIR"));
        let shown = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(shown == drawn, "{file} is not what is drawn: replace it by {path} of `make run`");
    }
}

/// Every row of the README's tour equals the report of the service for that day.
async fn the_tour_in_the_readme_is_true(engine: Engine) {
    let server = Server::start(engine).await;
    demo::import(&server.url, &server.key).await.expect("the demo");
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README.md");
    let mut missing = vec![];
    for (release, days) in [
        ("1.19", ["2020-04-20", "2020-06-15", "2020-07-01", "2020-08-01", "2020-08-25"]),
        ("1.22", ["2021-05-01", "2021-05-15", "2021-06-15", "2021-07-15", "2021-08-15"]),
    ] {
        let found = server.get(&format!("/v1/plans?q=release {release}")).await.expect(200);
        let path = format!("/v1/plans/{}", found["data"][0]["id"].as_str().expect("an id"));
        for day in days {
            let value = server.get(&format!("{path}/earned-value?as_of={day}")).await.expect(200);
            let probable = server.get(&format!("{path}/simulation?as_of={day}")).await.expect(200)["finish"].clone();
            let index = |name: &str| format!("{:.2}", value[name].as_f64().expect("an index"));
            let date = |value: &Value| value.as_str().expect("a date").to_owned();
            let row = format!(
                "| {release} | {day} | {} | {} | {} | {} | {} | {:.0} % |",
                index("spi"),
                index("spi_t"),
                date(&value["ieac_on"]),
                date(&probable["p50_on"]),
                date(&probable["p80_on"]),
                100.0 * probable["chance_to_meet_plan"].as_f64().expect("a chance"),
            );
            missing.extend((!readme.contains(&row)).then_some(row));
        }
    }
    let (questions, days) = mean_error_of_the_pace(&server).await;
    let sentence = format!("asked {questions} times, was {days:.1} days off on average");
    missing.extend((!readme.contains(&sentence)).then_some(sentence));
    assert!(missing.is_empty(), "the README's tour lacks:\n{}", missing.join("\n"));
}

/// Asks for the end at the present pace when 20, 40, 60 and 80 % of each release's planned time have passed. Returns the
/// number of questions that had an answer, and how many days it was from the actual end on average.
async fn mean_error_of_the_pace(server: &Server) -> (usize, f64) {
    let plans = server.get("/v1/plans?q=release&limit=50").await.expect(200);
    let mut errors_days = vec![];
    for plan in plans["data"].as_array().expect("plans") {
        let date = |field: &str| day(plan[field].as_str().expect("a date"));
        let (start, planned, ended) = (date("start_on"), date("first_planned_finish_on"), date("expected_finish_on"));
        for fifth in 1..5 {
            let as_of = start + Duration::days((planned - start).num_days() * fifth / 5);
            let path = format!("/v1/plans/{}/earned-value?as_of={as_of}", plan["id"].as_str().expect("an id"));
            let value = server.get(&path).await.expect(200);
            let error = value["ieac_on"].as_str().map(|on| (day(on) - ended).num_days().unsigned_abs());
            errors_days.extend(error.and_then(|days| u32::try_from(days).ok()));
        }
    }
    let count = u32::try_from(errors_days.len()).expect("few");
    (errors_days.len(), f64::from(errors_days.iter().sum::<u32>()) / f64::from(count))
}
