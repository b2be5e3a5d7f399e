//! The SPI report in its three formats, for any date and any selection.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_customer, create_plan, pluck};

on_both_engines!(
    a_series_looks_back_and_not_ahead,
    three_forms_say_the_same,
    pages_share_one_total,
    units_that_differ_have_none,
    filters_narrow_rows_and_total,
    nothing_at_all,
    what_was_known_is_found_again,
    a_portfolio_adds_up_what_adds_up,
    the_worst_come_first,
);

/// Creates plans with a milestone due on 2026-05-01, done or not done.
async fn add_plan(server: &Server, name: &str, weight: f64, is_done: bool) {
    let actual = if is_done { json!("2026-05-01") } else { Value::Null };
    let milestones = json!([
        { "key": "m", "name": "M", "weight": weight, "planned_on": "2026-05-01", "actual_on": actual },
        { "key": "n", "name": "N", "weight": weight, "planned_on": "2026-06-01" },
    ]);
    create(
        server,
        "/v1/plans",
        json!({ "name": name, "owner_name": "-Ana", "start_on": "2026-04-01", "milestones": milestones }),
    )
    .await;
}

async fn three_forms_say_the_same(engine: Engine) {
    let server = Server::start(engine).await;
    add_plan(&server, "=SUM(A1)", 1.0, true).await;
    add_plan(&server, "b, \"c\"", 0.5, false).await;
    let json = server.get("/v1/reports/spi").await.expect(200);
    let total = &json["total"];
    assert_eq!(
        (&total["planned_value"], &total["earned_value"], &total["spi"]),
        (&json!(1.5), &json!(1.0), &json!(1.0 / 1.5))
    );

    let ndjson = server.call("GET", "/v1/reports/spi").header("Accept", "application/x-ndjson").send().await;
    assert_eq!(ndjson.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = ndjson.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let types: Vec<&Value> = lines.iter().map(|line| &line["row_type"]).collect();
    assert_eq!(types, ["plan", "plan", "total", "end"]);
    assert_eq!(
        (&lines[0]["spi"], &lines[2]["spi"], &lines[3]["count"]),
        (&json["data"][0]["spi"], &total["spi"], &json!(2))
    );

    let csv = server.call("GET", "/v1/reports/spi").header("Accept", "text/csv").send().await;
    assert!(
        csv.header("content-type").starts_with("text/csv")
            && csv.header("content-disposition").contains("spi-2026-05-04.csv")
    );
    let lines: Vec<&str> = csv.text.split("\r\n").collect();
    assert!(lines[0].starts_with("row_type,plan_id,name,"), "{}", lines[0]);
    assert!(lines[1].contains(",'=SUM(A1),") && lines[1].contains(",'-Ana,"), "no formula: {}", lines[1]);
    assert!(lines[2].contains(",\"b, \"\"c\"\"\","), "{}", lines[2]);
    assert!(lines[2].contains(",points,1,0.5,0,50,0,-0.5,0,"), "{}", lines[2]);
    assert!(lines[3].starts_with("total,,,,,,,,,points,3,1.5,1,50,"), "{}", lines[3]);
    assert_eq!((lines[4], lines.len()), ("", 5));
    server
        .call("GET", "/v1/reports/spi")
        .header("Accept", "application/pdf")
        .send()
        .await
        .problem(406, "not_acceptable");
}

async fn pages_share_one_total(engine: Engine) {
    let server = Server::start(engine).await;
    for n in 0..130 {
        add_plan(&server, &format!("p{n:03}"), 1.0, n % 2 == 0).await;
    }
    let (mut names, mut path) = (vec![], "/v1/reports/spi?limit=50".to_owned());
    while !path.is_empty() {
        let reply = server.get(&path).await;
        let link = reply.header("link");
        let page = reply.expect(200);
        assert_eq!((&page["total"]["plans"], &page["total"]["spi"]), (&json!(130), &json!(0.5)));
        names.extend(pluck(&page, "name").into_iter().cloned());
        // The second response comes from memory and is the same, including its link.
        assert_eq!(server.get(&path).await.header("link"), link);
        path = link.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
    }
    assert_eq!(names, (0..130).map(|n| json!(format!("p{n:03}"))).collect::<Vec<_>>());
    let csv = server.call("GET", "/v1/reports/spi?limit=1").header("Accept", "text/csv").send().await;
    assert_eq!(csv.text.lines().count(), 132, "CSV is whole, whatever the limit");
}

async fn units_that_differ_have_none(engine: Engine) {
    let server = Server::start(engine).await;
    add_plan(&server, "a", 1.0, true).await;
    let hours = json!({ "name": "b", "start_on": "2026-04-01", "weight_unit": "hours", "milestones": [{ "key": "m", "name": "M", "planned_on": "2026-05-01" }] });
    create(&server, "/v1/plans", hours).await;
    let report = server.get("/v1/reports/spi").await.expect(200);
    assert_eq!(report["total"]["unit"], Value::Null);
    let by_unit = report["by_unit"].as_array().expect("totals").iter().map(|one| (&one["unit"], &one["plans"]));
    assert_eq!(by_unit.collect::<Vec<_>>(), [(&json!("hours"), &json!(1)), (&json!("points"), &json!(1))]);
    assert_eq!(pluck(&report, "unit"), ["points", "hours"]);
}

async fn filters_narrow_rows_and_total(engine: Engine) {
    let server = Server::start(engine).await;
    add_plan(&server, "alpha", 1.0, true).await;
    add_plan(&server, "beta", 1.0, false).await;
    for (query, expected) in [("q=ALPHA", "alpha"), ("status=at_risk", "beta"), ("status=on_track", "alpha")] {
        let report = server.get(&format!("/v1/reports/spi?{query}")).await.expect(200);
        assert_eq!((pluck(&report, "name"), &report["total"]["plans"]), (vec![&json!(expected)], &json!(1)), "{query}");
    }
    let then = server.get("/v1/reports/spi?as_of=2026-04-15&status=on_track").await.expect(200);
    assert_eq!(then["total"]["plans"], 2, "status is the status at the date");
    assert_eq!(then["total"]["spi_reason"], "nothing_planned_yet");
}

async fn nothing_at_all(engine: Engine) {
    let server = Server::start(engine).await;
    let report = server.get("/v1/reports/spi").await.expect(200);
    assert_eq!(
        (&report["data"], &report["total"]["spi"], &report["total"]["spi_reason"]),
        (&json!([]), &Value::Null, &json!("no_scope"))
    );
    let ndjson = server.call("GET", "/v1/reports/spi").header("Accept", "application/x-ndjson").send().await;
    assert_eq!(ndjson.text.lines().count(), 2);
}

async fn a_series_looks_back_and_not_ahead(engine: Engine) {
    let server = Server::start(engine).await;
    add_plan(&server, "p", 1.0, true).await;
    let plan = server.get("/v1/plans").await.expect(200)["data"][0]["id"].as_str().expect("an id").to_owned();
    let series = server.get(&format!("/v1/plans/{plan}/earned-value/series?period=month")).await.expect(200);
    let known: Vec<(&Value, &Value)> = series["data"]
        .as_array()
        .expect("points")
        .iter()
        .map(|point| (&point["planned_value"], &point["earned_value"]))
        .collect();
    // Today is 4 May: April is over, May has begun, and June is in the future.
    assert_eq!(known, [(&json!(0.0), &json!(0.0)), (&json!(1.0), &json!(1.0)), (&json!(2.0), &Value::Null)]);
    let long = json!({ "name": "q", "start_on": "2020-01-01", "milestones": [{ "key": "m", "name": "M", "planned_on": "2026-05-01" }] });
    let long = create(&server, "/v1/plans", long).await;
    let refused = server.get(&format!("{long}/earned-value/series?period=day")).await.problem(400, "invalid_parameter");
    assert_eq!(refused, milepost_tests::errors(&[("period", "too_many_points")]));
    server.get(&format!("{long}/earned-value/series")).await.expect(200);
}

/// Later records do not change reports as of an earlier instant of knowledge: new milestones, baselines, a moved start,
/// reviews, costs and settings.
async fn what_was_known_is_found_again(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let other =
        create(&server, "/v1/plans", json!({ "name": "Other", "start_on": "2026-04-01", "template": "onboarding" }))
            .await;
    let ask = |at: Option<String>| {
        let known = at.map(|at| format!("known_at={at}&")).unwrap_or_default();
        let (one, all) = (
            format!("{path}/earned-value?{known}as_of=2026-05-12"),
            format!("/v1/reports/spi?{known}as_of=2026-05-12"),
        );
        let server = &server;
        async move {
            let (mut one, all) = (server.get(&one).await.expect(200), server.get(&all).await.expect(200));
            one.as_object_mut().expect("figures").remove("actual_cost");
            (one, all["total"].clone(), all["data"][0]["spi"].clone(), all["data"].as_array().map(Vec::len))
        }
    };
    let post = |at: &str, body: Value| server.post(&format!("{path}/{at}"), body);
    let mut said = vec![];
    for step in 0..9 {
        match step {
            0 => post("milestones/a/achieve", json!({ "occurred_on": "2026-05-02" })).await.expect(200),
            1 => post(
                "milestones/b/forecast-changes",
                json!({ "forecast_on": "2026-05-20", "reason": "It comes later." }),
            )
            .await
            .expect(201),
            2 => post("milestones", json!({ "key": "d", "name": "Demo", "planned_on": "2026-05-11", "weight": 4 }))
                .await
                .expect(201),
            3 => post("baselines", json!({ "reason": "More scope.", "changes": [{ "key": "b", "weight": 9 }] }))
                .await
                .expect(201),
            4 => server
                .patch(&path, json!({ "credit_rule": "percent_complete", "at_risk_limit_days": 1 }))
                .await
                .expect(200),
            5 => server
                .patch(&format!("{path}/milestones/b"), json!({ "percent_complete": 40, "depends_on": [] }))
                .await
                .expect(200),
            6 => server
                .post(&format!("{other}/move"), json!({ "start_on": "2026-04-03", "reason": "It comes later." }))
                .await
                .expect(201),
            7 => post("milestones/a/reopen", json!({ "reason": "It fell apart." })).await.expect(200),
            _ => {
                let finding = |key: &str| json!({ "key": key, "cause": "c", "action": "a" });
                let findings = ["a", "b", "c", "d"].map(finding);
                post("reviews", json!({ "findings": findings, "confirmed": ["c"] })).await.expect(201)
            }
        };
        said.push((server.clock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string(), ask(None).await));
        server.clock.advance(Duration::minutes(1));
    }
    assert!(said.windows(2).filter(|pair| pair[0].1 != pair[1].1).count() >= 4, "the steps change what is said");
    for (at, then) in said {
        assert_eq!(ask(Some(at.clone())).await, then, "{at}");
    }
    server.get(&format!("{path}/earned-value?known_at=2026-05-04T11:59:59Z")).await.problem(404, "not_found");
    let nothing = server.get("/v1/reports/spi?known_at=2026-05-04T11:59:59Z").await.expect(200);
    assert_eq!(nothing["data"], json!([]), "nothing was known yet");
}

async fn a_portfolio_adds_up_what_adds_up(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "crm-1").await;
    for (name, unit, currency, customer) in [
        ("One", "points", "EUR", Some("crm-1")),
        ("Two", "points", "USD", Some("crm-1")),
        ("Three", "days", "EUR", None),
    ] {
        let mut draft = samples::plan();
        draft["name"] = name.into();
        draft["weight_unit"] = unit.into();
        draft["budget_minor"] = 100_000.into();
        draft["currency"] = currency.into();
        draft["customer_ref"] = json!(customer);
        draft["milestones"][0]["phase"] = "Setup".into();
        draft["milestones"][0]["actual_on"] = "2026-04-20".into();
        let path = create(&server, "/v1/plans", draft).await;
        server
            .post(&format!("{path}/costs"), json!({ "incurred_on": "2026-04-30", "amount_minor": 25_000 }))
            .await
            .expect(201);
    }
    let report = server.get("/v1/reports/spi").await.expect(200);
    assert_eq!(report["total"], Value::Null, "days and points do not add up");
    let of = |of: &str, field: &str| json!(pluck(&json!({ "data": report[of] }), field));
    assert_eq!((of("by_unit", "unit"), of("by_unit", "plans")), (json!(["days", "points"]), json!([1, 2])));
    assert_eq!(
        (of("by_currency", "currency"), of("by_currency", "budget_minor"), of("by_currency", "earned_value_minor")),
        (json!(["EUR", "USD"]), json!([200_000, 100_000]), json!([40_000, 20_000]))
    );
    assert_eq!(
        (of("by_currency", "cpi"), of("by_currency", "eac_minor")),
        (json!([0.8, 0.8]), json!([250_000, 125_000]))
    );
    let row = &report["data"][0];
    assert_eq!(
        ["currency", "actual_cost", "cpi", "eac"].map(|field| row[field].clone()),
        [json!("EUR"), json!(25_000), json!(0.8), json!(125_000)]
    );
    let csv = server.call("GET", "/v1/reports/spi").header("Accept", "text/csv").send().await.text;
    let kinds: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!(kinds, ["plan", "plan", "plan", "total", "total", "currency_total", "currency_total"]);
    let grouped = |by: &str| {
        let asked = server.get(&format!("/v1/reports/spi?group_by={by}&q=o"));
        async move { asked.await.expect(200)["groups"].clone() }
    };
    let phases = grouped("phase").await;
    assert_eq!(json!(pluck(&json!({ "data": phases }), "group")), json!([null, "Setup"]));
    assert_eq!((&phases[1]["totals"][0]["spi"], &phases[1]["totals"][0]["plans"]), (&json!(1.0), &json!(2)));
    let customers = grouped("customer").await;
    assert_eq!((&customers[0]["group"], &customers[0]["totals"][0]["plans"]), (&json!("crm-1"), &json!(2)));
    assert_eq!(grouped("kind").await[0]["group"], "delivery");
    let unknown = server.get("/v1/reports/spi?group_by=color").await.problem(400, "invalid_parameter");
    assert_eq!(unknown, errors(&[("group_by", "not_an_option")]));
}

async fn the_worst_come_first(engine: Engine) {
    let server = Server::start(engine).await;
    for (name, planned_on, actual_on) in [
        ("A good one", "2026-04-20", json!("2026-04-20")),
        ("B late one", "2026-04-20", Value::Null),
        ("C to come", "2026-06-20", Value::Null),
        ("D late one", "2026-04-20", Value::Null),
    ] {
        let milestones = json!([{ "key": "a", "name": "A", "planned_on": planned_on, "actual_on": actual_on }]);
        create(&server, "/v1/plans", json!({ "name": name, "start_on": "2026-04-01", "milestones": milestones })).await;
    }
    let (mut names, mut path) = (vec![], "/v1/reports/spi?sort=spi&limit=1".to_owned());
    while !path.is_empty() {
        let page = server.get(&path).await.expect(200);
        names.push(page["data"][0]["name"].clone());
        let next = page["next_cursor"].as_str();
        path = next.map(|cursor| format!("/v1/reports/spi?sort=spi&limit=1&cursor={cursor}")).unwrap_or_default();
    }
    assert_eq!(json!(names), json!(["B late one", "D late one", "A good one", "C to come"]));
    let csv = server.call("GET", "/v1/reports/spi?sort=spi").header("Accept", "text/csv").send().await.text;
    let names: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(2)).collect();
    assert_eq!(names[..4], ["B late one", "D late one", "A good one", "C to come"]);
}
