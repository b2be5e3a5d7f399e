//! Ten years of a public project's commits: the milestones of 155 contributors, proved by the events alone, and computed once more here.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Duration, NaiveDate};
use milepost::commands::demo;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::pluck;

on_both_engines!(milestones_of_contributors_are_those_of_their_commits);

/// The days of a person's commits, each with the number of commits and of files.
type Days = BTreeMap<NaiveDate, (u64, u64)>;

fn by_person() -> BTreeMap<String, Days> {
    let mut people: BTreeMap<String, Days> = BTreeMap::new();
    for line in demo::events().expect("the events").lines() {
        let event: Value = serde_json::from_str(line).expect("an event");
        let on = event["time"].as_str().expect("a time")[..10].parse().expect("a date");
        let person = event["data"]["person"].as_str().expect("a person").to_owned();
        let day = people.entry(person).or_default().entry(on).or_default();
        day.0 += 1;
        day.1 += event["data"]["files"].as_u64().unwrap_or_default();
    }
    people
}

/// The first day on which a sum over the days reaches a number.
fn reached(days: &Days, number: u64, of: impl Fn(&(u64, u64)) -> u64) -> Option<NaiveDate> {
    let mut sum = 0;
    days.iter()
        .find(|(_, day)| {
            sum += of(day);
            sum >= number
        })
        .map(|(on, _)| *on)
}

/// The first day on which there were commits in a number of different months.
fn months(days: &Days, number: usize) -> Option<NaiveDate> {
    let mut seen: Vec<(i32, u32)> = vec![];
    days.keys()
        .find(|on| {
            if !seen.contains(&(on.year(), on.month())) {
                seen.push((on.year(), on.month()));
            }
            seen.len() >= number
        })
        .copied()
}

fn expected(days: &Days) -> BTreeMap<&'static str, Option<NaiveDate>> {
    let on: Vec<NaiveDate> = days.keys().copied().collect();
    let returned = on.windows(2).find(|pair| (pair[1] - pair[0]).num_days() >= 365).map(|pair| pair[1]);
    let (hundred, six) = (reached(days, 100, |day| day.0), months(days, 6));
    let reach = reached(days, 100, |day| day.1);
    let all = [hundred, six, reach, months(days, 24)];
    let pillar = all.iter().all(Option::is_some).then(|| all.into_iter().flatten().max()).flatten();
    BTreeMap::from([
        ("first", on.first().copied()),
        ("ten", reached(days, 10, |day| day.0)),
        ("hundred", hundred),
        ("six-months", six),
        ("returned", returned),
        ("reach", reach),
        ("pillar", pillar),
    ])
}

async fn milestones_of_contributors_are_those_of_their_commits(engine: Engine) {
    let server = Server::start(engine).await;
    server.clock.advance(Duration::days(5));
    let mut loaded = demo::import(&server.url, &server.key).await.expect("the demo");
    demo::enrol_contributors(&server.url, &server.key, &mut loaded).await.expect("the contributors");
    assert_eq!((loaded.events, loaded.enrolments), (5451, 155));
    let people = by_person();
    the_board_counts_what_was_computed(&server, &people).await;
    let mut seen = 0;
    let mut next = Some("/v1/programs/contributor/enrolments?limit=200".to_owned());
    while let Some(path) = next {
        let page = server.get(&path).await.expect(200);
        next = page["next_cursor"]
            .as_str()
            .map(|cursor| format!("/v1/programs/contributor/enrolments?limit=200&cursor={cursor}"));
        for enrolment in page["data"].as_array().expect("enrolments") {
            let name = enrolment["person_name"].as_str().expect("a name");
            let days = &people[name];
            let plan = enrolment["plan_id"].as_str().expect("an id");
            let found = server.get(&format!("/v1/plans/{plan}/proofs")).await.expect(200);
            for proof in found["proofs"].as_array().expect("proofs") {
                let on = expected(days)[proof["key"].as_str().expect("a key")];
                assert_eq!((&proof["proved_on"], &proof["achieved_on"]), (&json!(on), &json!(on)), "{name}: {proof}");
            }
            let tiers = found["proofs"][5]["tiers"].as_array().expect("tiers");
            let reached_on: Vec<Option<NaiveDate>> =
                [100, 1_000, 10_000].map(|files| reached(days, files, |day| day.1)).into();
            let reached_on: Vec<Value> = reached_on.into_iter().flatten().map(|on| json!(on)).collect();
            assert_eq!(tiers.iter().map(|tier| tier["reached_on"].clone()).collect::<Vec<_>>(), reached_on, "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, people.len());
    the_handful_that_was_computed_elsewhere(&server, &loaded).await;
}

/// The board, which is asked first of all, has judged the proofs; its ranks leave out as many as share one.
async fn the_board_counts_what_was_computed(server: &Server, people: &BTreeMap<String, Days>) {
    let counts: BTreeMap<&str, usize> =
        people.iter().map(|(name, days)| (name.as_str(), expected(days).values().flatten().count())).collect();
    let board = server.get("/v1/leaderboard?by=milestones&limit=200").await.expect(200);
    let board = board["data"].as_array().expect("a list");
    assert_eq!(board.len(), counts.values().filter(|count| **count > 0).count());
    for place in board {
        let own = counts[place["person_name"].as_str().expect("a name")];
        let better = counts.values().filter(|count| **count > own).count();
        assert_eq!(
            (&place["score"], &place["rank"]),
            (&json!(milepost_domain::values::count::real(own)), &json!(better + 1)),
            "{place}"
        );
    }
}

/// Figures that another program computed from the same file, in another language.
async fn the_handful_that_was_computed_elsewhere(server: &Server, loaded: &demo::Loaded) {
    let plan = loaded.contributor_plan_id.as_ref().expect("the contributor with the most commits");
    let found = server.get(&format!("/v1/plans/{plan}/proofs")).await.expect(200);
    let proved_on: Vec<&Value> =
        found["proofs"].as_array().expect("proofs").iter().map(|proof| &proof["proved_on"]).collect();
    let expected = json!(["2016-02-11", "2016-05-02", "2017-06-22", "2016-07-20", null, "2016-09-03", "2018-02-04"]);
    assert_eq!(json!(proved_on), expected);
    let figures = ["ten", "six-months", "reach"].map(|key| {
        let all = found["proofs"].as_array().expect("proofs");
        all.iter().find(|proof| proof["key"] == key).expect("a proof")["criteria"][0]["figure"].clone()
    });
    assert_eq!(figures, [json!(524.0), json!(74.0), json!(3795.0)]);
    let person =
        server.get("/v1/people/by-ref/p-b4cd0aa522").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let awards = server.get(&format!("/v1/people/{person}/awards")).await.expect(200);
    let mut badges: Vec<&str> = pluck(&awards, "badge_key").into_iter().filter_map(Value::as_str).collect();
    badges.sort_unstable();
    let all = [
        "first-contribution",
        "hundred-contributions",
        "pillar",
        "reach-bronze",
        "reach-silver",
        "six-months",
        "ten-contributions",
    ];
    assert_eq!(badges, all);
    let award = awards["data"][0]["id"].as_str().expect("an id");
    let credential = server.get(&format!("/v1/people/{person}/awards/{award}/credential")).await.text;
    let verdict = server.post("/v1/credentials/verify", json!({ "credential": credential })).await.expect(200);
    assert_eq!(verdict["valid"], true, "{verdict}");
}
