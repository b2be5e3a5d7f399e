//! Predictions from finished milestones: probable dates and variance reports.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_plan, pluck};

on_both_engines!(
    a_plan_is_simulated,
    a_simulation_has_bounds,
    a_large_plan_is_simulated_and_drawn,
    variances_are_reported,
);

/// Creates a plan of consecutive milestones, each planned to take ten days and taking the given number of days.
async fn finished(server: &Server, phase: &str, taken: &[i64]) {
    let start = chrono::NaiveDate::from_ymd_opt(2025, 6, 2).expect("a date");
    let on = |days: i64| (start + chrono::Duration::days(days)).to_string();
    let mut passed = 0;
    let milestone = |(index, days): (usize, &i64)| {
        passed += days;
        let planned = (i64::try_from(index).expect("few") + 1) * 10;
        let before: Vec<String> = index.checked_sub(1).map(|before| format!("m{before}")).into_iter().collect();
        json!({
            "key": format!("m{index}"), "name": "Done", "phase": phase, "owner_name": "Ana", "planned_on": on(planned),
            "actual_on": on(passed), "depends_on": before
        })
    };
    let milestones: Vec<Value> = taken.iter().enumerate().map(milestone).collect();
    create(server, "/v1/plans", json!({ "name": phase, "start_on": start.to_string(), "milestones": milestones }))
        .await;
}

async fn a_plan_is_simulated(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let simulate = |query: &str| {
        let path = format!("{path}/simulation?{query}");
        let server = &server;
        async move { server.get(&path).await.expect(200) }
    };
    let alone = simulate("seed=7").await;
    let classes = |simulation: &Value| {
        let milestones = simulation["milestones"].as_array().expect("milestones").iter();
        milestones.map(|one| one["reference"]["class"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(classes(&alone), ["assumption"; 3], "nothing is known yet");
    assert_eq!(alone, simulate("seed=7").await, "the same seed, the same answer");
    assert_ne!(alone["histogram"], simulate("seed=8").await["histogram"]);
    finished(&server, "Preparation", &[15, 14, 16, 15, 15, 15]).await;
    let taught = simulate("").await;
    assert_eq!(classes(&taught), ["kind"; 3], "there are six of this kind");
    let reference = &taught["milestones"][0]["reference"];
    assert!(reference["finished"] == 6 && (reference["median_ratio"].as_f64().expect("a ratio") - 1.5).abs() < 0.01);
    // a is overdue. b is planned for 20 days and c for 22, and each takes one and a half times as long: at least 63
    // days from early May.
    let p50 = taught["finish"]["p50_on"].as_str().expect("a date").to_owned();
    assert!(("2026-07-04"..="2026-07-10").contains(&p50.as_str()), "{p50}");
    let dates = ["p10_on", "p50_on", "p80_on", "p95_on"]
        .map(|field| taught["finish"][field].as_str().unwrap_or_default().to_owned());
    assert!(dates.is_sorted(), "{dates:?}");
    assert_eq!(
        (&taught["finish"]["planned_on"], &taught["finish"]["chance_to_meet_plan"]),
        (&json!("2026-06-01"), &json!(0.0))
    );
    let criticality: Vec<f64> = taught["milestones"]
        .as_array()
        .expect("milestones")
        .iter()
        .filter_map(|one| one["criticality_index"].as_f64())
        .collect();
    assert_eq!(criticality, [1.0, 1.0, 1.0], "one path");
    let shares =
        taught["histogram"].as_array().expect("bars").iter().filter_map(|bar| bar["share"].as_f64()).sum::<f64>();
    assert!((shares - 1.0).abs() < 1e-9);
    server.post(&format!("{path}/milestones/a/achieve"), json!({})).await.expect(200);
    assert_eq!(
        pluck(&json!({ "data": simulate("").await["milestones"] }), "key"),
        ["b", "c"],
        "what is there is not simulated"
    );
}

async fn a_large_plan_is_simulated_and_drawn(engine: Engine) {
    let server = Server::start(engine).await;
    let milestone = |number: i64| {
        let on = chrono::NaiveDate::from_ymd_opt(2026, 6, 1).expect("a date") + chrono::Duration::days(number / 4);
        json!({ "key": format!("m{number}"), "name": format!("Part {number} stands"), "planned_on": on.to_string() })
    };
    let plan = json!({ "name": "Plant", "start_on": "2026-05-01", "milestones": (0..1250).map(milestone).collect::<Vec<_>>() });
    let path = create(&server, "/v1/plans", plan).await;
    let simulation = server.get(&format!("{path}/simulation")).await.expect(200);
    assert_eq!(simulation["samples"], 8000, "as many as are allowed for so many milestones");
    let reason = json!({ "forecast_on": "2027-12-31", "reason": "The crane came late.", "cause": "one_time" });
    server.post(&format!("{path}/milestones/m1200/forecast-changes"), reason).await.expect(201);
    let picture = server.call("GET", &format!("{path}/trend.svg")).send().await;
    assert_eq!(picture.status, 200);
    assert!(picture.text.contains("the 60 of 1250 milestones that moved most"), "a selection");
    assert!(picture.text.contains("Part 1200 stands") && picture.text.len() < 200_000, "{}", picture.text.len());
}

async fn a_simulation_has_bounds(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    for (query, place, code) in [
        ("samples=50001", "samples", "too_large"),
        ("samples=99", "samples", "too_small"),
        ("seed=abc", "seed", "wrong_type"),
        ("seed=-1", "seed", "too_small"),
        ("as_of=yesterday", "as_of", "wrong_format"),
    ] {
        let refused = server.get(&format!("{path}/simulation?{query}")).await.problem(400, "invalid_parameter");
        assert_eq!(refused, errors(&[(place, code)]), "{query}");
    }
    for key in ["a", "b", "c"] {
        server.post(&format!("{path}/milestones/{key}/achieve"), json!({})).await.expect(200);
    }
    server.get(&format!("{path}/simulation")).await.problem(409, "conflict");
}

async fn variances_are_reported(engine: Engine) {
    let server = Server::start(engine).await;
    let empty = server.get("/v1/reports/variance").await.expect(200);
    assert_eq!(empty, json!({ "by": "phase", "groups": [], "total": null }));
    finished(&server, "Preparation", &[15, 14, 16, 15, 15, 15]).await;
    finished(&server, "=Deployment", &[10, 8]).await;
    let report = server.get("/v1/reports/variance").await.expect(200);
    let groups: Vec<(&Value, &Value)> =
        report["groups"].as_array().expect("groups").iter().map(|row| (&row["group"], &row["finished"])).collect();
    assert_eq!(groups, [(&json!("=Deployment"), &json!(2)), (&json!("Preparation"), &json!(6))]);
    let slow = &report["groups"][1];
    // The slips accumulate to 5, 9, 15, 20, 25 and 30 days, although each milestone takes only half as long again as
    // planned.
    assert_eq!(
        (&slow["median_slip_days"], &slow["share_late"], &slow["ratio_p50"]),
        (&json!(17.5), &json!(1.0), &json!(1.5))
    );
    let buffer = slow["suggested_buffer_percent"].as_f64().expect("a buffer");
    assert!((45.0..60.0).contains(&buffer), "{buffer}");
    assert_eq!(report["groups"][0]["suggested_buffer_percent"], Value::Null, "two teach nothing");
    assert_eq!(report["total"]["finished"], 8);
    let by_owner = server.get("/v1/reports/variance?by=owner&achieved_to=2025-06-20").await.expect(200);
    assert_eq!((&by_owner["groups"][0]["group"], &by_owner["groups"][0]["finished"]), (&json!("Ana"), &json!(3)));
    assert_eq!(server.get("/v1/reports/variance?by=template_milestone").await.expect(200)["groups"], json!([]));
    let csv = server.call("GET", "/v1/reports/variance").header("accept", "text/csv").send().await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.text.contains("\r\ngroup,'=Deployment,,,2,") && csv.text.contains("\r\ntotal,,,,8,"), "{}", csv.text);
}
