//! Looking ahead: scenarios of a plan, and the load of owners.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(scenarios_are_compared_and_not_written, what_scenarios_must_be, owners_have_a_load);

/// A plan from 1 May whose three milestones wait for each other.
async fn plan(server: &Server) -> String {
    let milestone = |key: &str, planned_on: &str, needs: &[&str]| json!({ "key": key, "name": key.to_uppercase(), "planned_on": planned_on, "depends_on": needs, "owner_name": "Ana" });
    let milestones = json!([
        milestone("a", "2026-05-11", &[]),
        milestone("b", "2026-05-20", &["a"]),
        milestone("c", "2026-05-29", &["b"])
    ]);
    let body = json!({ "name": "Northwind", "start_on": "2026-05-01", "milestones": milestones, "calendar": { "counts": "business_days" } });
    create(server, "/v1/plans", body).await
}

async fn scenarios_are_compared_and_not_written(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    let before = server.get(&plan).await.expect(200);
    let slip = json!({ "key": "a", "forecast_on": "2026-05-13" });
    let scenarios = json!([
        { "name": "A slips", "changes": [slip] },
        { "name": "A slips, B is shorter", "changes": [slip, { "key": "b", "duration_days": 4 }] },
        { "name": "Without B", "changes": [{ "key": "b", "dropped": true }] },
    ]);
    let found = server.post(&format!("{plan}/scenarios"), json!({ "scenarios": scenarios })).await.expect(200);
    let stands = json!({ "expected_finish_on": "2026-05-29", "finish_variance_days": 0, "at_risk": 0, "delayed": 0 });
    assert_eq!((&found["as_it_stands"], &found["planned_finish_on"]), (&stands, &json!("2026-05-29")));
    let of = |field: &str| {
        found["scenarios"].as_array().expect("a list").iter().map(|one| one[field].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("finish_days"), [2, 0, 0]);
    let late = json!({ "expected_finish_on": "2026-06-02", "finish_variance_days": 2, "at_risk": 3, "delayed": 0 });
    assert_eq!(of("outcome")[0], late);
    let differences = of("differences");
    assert_eq!(differences[0][2], json!({ "key": "c", "from_on": "2026-05-29", "to_on": "2026-06-02", "days": 2 }));
    assert_eq!(differences[1].as_array().map(Vec::len), Some(1), "B takes the slip up");
    assert_eq!(differences[2], json!([{ "key": "b", "from_on": "2026-05-20", "to_on": null, "days": 0 }]));
    assert_eq!(server.get(&plan).await.expect(200), before);
}

async fn what_scenarios_must_be(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    server.post(&format!("{plan}/milestones/a/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    for (change, expected) in [
        (json!({ "key": "x", "dropped": true }), ("/scenarios/0/changes/0/key", "unknown_milestone")),
        (json!({ "key": "a", "dropped": true }), ("/scenarios/0/changes/0/key", "settled")),
        (json!({ "key": "b", "forecast_on": "2026-05-03" }), ("/scenarios/0/changes/0/forecast_on", "in_the_past")),
        (json!({ "key": "b" }), ("/scenarios/0/changes/0/forecast_on", "required")),
    ] {
        let body = json!({ "scenarios": [{ "name": "S", "changes": [change] }] });
        let reply = server.post(&format!("{plan}/scenarios"), body).await;
        let status = reply.status.as_u16();
        let code = if status == 409 { "conflict" } else { "validation_failed" };
        assert_eq!(reply.problem(status, code), errors(&[expected]), "{change}");
    }
    let none = server.post(&format!("{plan}/scenarios"), json!({ "scenarios": [] })).await;
    assert_eq!(none.problem(422, "validation_failed"), errors(&[("/scenarios", "too_few_items")]));
}

async fn owners_have_a_load(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    let other = json!({ "name": "Contoso", "start_on": "2026-05-04", "owner_name": "Ben", "calendar": { "counts": "business_days" }, "milestones": [
        { "key": "d", "name": "D", "planned_on": "2026-05-15", "owner_name": "Ana", "duration_days": 3 },
        { "key": "e", "name": "E", "planned_on": "2026-05-08", "duration_days": 2 },
    ] });
    let other = create(&server, "/v1/plans", other).await;
    let report = server.get("/v1/reports/load?weeks=4").await.expect(200);
    assert_eq!(
        (&report["from"], &report["weeks"], &report["capacity_days"]),
        (&json!("2026-05-04"), &json!(4), &json!(5))
    );
    assert_eq!(pluck(&report, "owner_name"), ["Ana", "Ben"], "the plan's owner stands in");
    assert_eq!(pluck(&report, "load_days"), [23, 2]);
    let weeks = |owner_name: usize| {
        let weeks = report["data"][owner_name]["weeks"].as_array().expect("weeks").iter();
        weeks.map(|week| json!([week["week_on"], week["load_days"], week["overallocated"]])).collect::<Vec<Value>>()
    };
    let expected =
        json!([["2026-05-04", 5, false], ["2026-05-11", 8, true], ["2026-05-18", 5, false], ["2026-05-25", 5, false]]);
    assert_eq!(json!(weeks(0)), expected);
    assert_eq!(json!(weeks(1)), json!([["2026-05-04", 2, false]]));
    let second = &report["data"][0]["weeks"][1]["milestones"];
    let named: Vec<(&Value, &Value)> =
        second.as_array().expect("some").iter().map(|one| (&one["key"], &one["load_days"])).collect();
    assert_eq!(named, [(&json!("b"), &json!(4)), (&json!("d"), &json!(3)), (&json!("a"), &json!(1))]);
    let over = server.get("/v1/reports/load?overallocated=true").await.expect(200);
    assert_eq!(pluck(&over, "owner_name"), ["Ana"]);
    let roomy = server.get("/v1/reports/load?overallocated=true&capacity_days=7&owner_name=Ana").await.expect(200);
    assert_eq!(pluck(&roomy, "overallocated_weeks"), [1]);
    let first = server.get("/v1/reports/load?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let rest = server.get(&format!("/v1/reports/load?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!((pluck(&rest, "owner_name"), &rest["has_more"]), (vec![&json!("Ben")], &json!(false)));
    server.post(&format!("{plan}/hold"), json!({ "reason": "The client has stopped the budget." })).await.expect(200);
    server.patch(&other, json!({ "archived": true })).await.expect(200);
    assert_eq!(server.get("/v1/reports/load").await.expect(200)["data"], json!([]), "on hold and archived");
}
