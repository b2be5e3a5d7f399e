//! Measures of a plan: baselines, costs, money, and the practices of milestone tracking.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_from_template, create_plan, pluck};

on_both_engines!(
    baselines_are_taken_deliberately,
    baselines_are_compared,
    costs_are_compared_with_what_is_earned,
    a_plan_is_held_against_the_practices,
    money_follows_the_budget,
);

async fn baselines_are_taken_deliberately(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let value = |as_of: &str| {
        let path = format!("{path}/earned-value?as_of={as_of}");
        let server = &server;
        async move { server.get(&path).await.expect(200) }
    };
    assert_eq!(
        (&value("2026-05-12").await["planned_value"], &value("2026-05-12").await["baseline"]),
        (&json!(5.0), &json!(1))
    );
    let frozen =
        server.patch(&format!("{path}/milestones/b"), json!({ "planned_on": "2026-05-20", "weight": 4 })).await;
    assert_eq!(
        frozen.problem(422, "validation_failed"),
        errors(&[("/planned_on", "baselined"), ("/weight", "baselined")])
    );
    server
        .call("POST", &format!("{path}/milestones/c/cancel"))
        .json(json!({ "reason": "Out of scope." }))
        .send()
        .await
        .expect(200);
    let added = json!({ "key": "d", "name": "Demo", "weight": 1, "planned_on": "2026-05-11" });
    server.post(&format!("{path}/milestones"), added).await.expect(201);
    assert_eq!(
        value("2026-05-12").await["budget_at_completion"],
        10.0,
        "neither leaves nor enters the scope by itself"
    );
    let take = |changes: Value| {
        server.post(&format!("{path}/baselines"), json!({ "reason": "The client moved.", "changes": changes }))
    };
    for (changes, expected) in [
        (json!([{ "key": "ghost" }]), ("/changes/0/key", "unknown_milestone")),
        (json!([{ "key": "a", "planned_on": "2026-03-01" }]), ("/changes/0/planned_on", "before_start")),
        (json!([{ "key": "a" }, { "key": "a" }]), ("/changes/1/key", "repeated")),
    ] {
        assert_eq!(take(changes).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    let settled = take(json!([{ "key": "c", "weight": 2 }])).await.problem(409, "conflict");
    assert_eq!(settled, errors(&[("/changes/0", "settled")]));
    let second = take(json!([{ "key": "b", "planned_on": "2026-05-20" }])).await.expect(201);
    assert_eq!((&second["number"], &second["effective_on"]), (&json!(2), &json!("2026-05-04")));
    let keys: Vec<&Value> = second["lines"].as_array().expect("lines").iter().map(|line| &line["key"]).collect();
    assert_eq!(keys, ["a", "b", "d"]);
    let after = value("2026-05-12").await;
    assert_eq!(
        (&after["budget_at_completion"], &after["planned_value"], &after["baseline"]),
        (&json!(6.0), &json!(3.0), &json!(2))
    );
    let before = value("2026-05-03").await;
    assert_eq!(
        (&before["budget_at_completion"], &before["baseline"]),
        (&json!(10.0), &json!(1)),
        "the past is measured as it was"
    );
    assert_eq!(server.get(&format!("{path}/milestones/b")).await.expect(200)["planned_on"], "2026-05-20");
}

async fn baselines_are_compared(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let cancel = server.post(&format!("{path}/milestones/c/cancel"), json!({ "reason": "Out of scope." }));
    cancel.await.expect(200);
    let added = json!({ "key": "d", "name": "Demo", "weight": 1, "planned_on": "2026-05-11" });
    server.post(&format!("{path}/milestones"), added).await.expect(201);
    let second = json!({ "reason": "The client moved.", "changes": [{ "key": "b", "planned_on": "2026-05-20" }] });
    server.post(&format!("{path}/baselines"), second).await.expect(201);
    let by_first = server.get(&format!("{path}/earned-value?as_of=2026-05-12&baseline=1")).await.expect(200);
    assert_eq!(
        (&by_first["planned_value"], &by_first["baseline"]),
        (&json!(5.0), &json!(1)),
        "the old measure is still there"
    );
    let unknown = server.get(&format!("{path}/earned-value?baseline=9")).await.problem(400, "invalid_parameter");
    assert_eq!(unknown, errors(&[("baseline", "unknown_baseline")]));
    let compared = server.get(&format!("{path}/baselines/compare?from=1&to=2")).await.expect(200);
    let seen =
        ["scope_from", "scope_to", "finish_from_on", "finish_to_on", "days"].map(|field| compared[field].clone());
    assert_eq!(seen, [json!(10.0), json!(6.0), json!("2026-06-01"), json!("2026-05-20"), json!(-12)]);
    let b = json!({
        "key": "b", "name": "Build", "planned_from_on": "2026-05-10", "planned_to_on": "2026-05-20", "days": 10, "weight_from": 3.0,
        "weight_to": 3.0
    });
    assert_eq!(compared["changes"][0], b);
    let dropped = &compared["changes"][1];
    assert_eq!(
        (&dropped["key"], &dropped["planned_to_on"], &dropped["weight_from"]),
        (&json!("c"), &Value::Null, &json!(5.0))
    );
    assert_eq!(compared["changes"].as_array().map(Vec::len), Some(3), "b moved, c left, d came");
    let newest = server.get(&format!("{path}/baselines/compare")).await.expect(200);
    assert_eq!(newest, compared, "the first and the newest, unless asked otherwise");
}

/// Half done, 55 budgeted by now, 45 spent, of 100: CPI 1.11, EAC 90 (see the domain's tests for the source).
async fn costs_are_compared_with_what_is_earned(engine: Engine) {
    let server = Server::start(engine).await;
    let milestones = json!([
        { "key": "a", "name": "A", "weight": 50, "planned_on": "2026-05-02", "actual_on": "2026-05-02" },
        { "key": "b", "name": "B", "weight": 5, "planned_on": "2026-05-03" },
        { "key": "c", "name": "C", "weight": 45, "planned_on": "2026-06-03" },
    ]);
    let draft = json!({ "name": "P", "start_on": "2026-05-01", "budget_minor": 10_000_000, "currency": "USD", "milestones": milestones });
    let plan = create(&server, "/v1/plans", draft).await;
    let value = |as_of: &str| server.get(&format!("{plan}/earned-value?as_of={as_of}"));
    let none = value("2026-05-04").await.expect(200);
    assert_eq!(
        (&none["actual_cost"], &none["cpi"], &none["cpi_reason"]),
        (&json!(0), &Value::Null, &json!("nothing_spent_yet"))
    );
    let spend = |body: Value| server.post(&format!("{plan}/costs"), body);
    spend(json!({ "incurred_on": "2026-05-02", "amount_minor": 5_000_000, "milestone": "a", "note": "Invoice 1" }))
        .await
        .expect(201);
    spend(json!({ "incurred_on": "2026-05-03", "amount_minor": -500_000, "note": "Credit note 1" })).await.expect(201);
    let seen = value("2026-05-04").await.expect(200);
    let figures =
        ["actual_cost", "cv", "eac_cpi", "eac_budgeted", "eac_cpi_spi", "etc", "vac"].map(|field| seen[field].as_i64());
    assert_eq!(figures, [4_500_000, 500_000, 9_000_000, 9_500_000, 9_450_000, 4_500_000, 1_000_000].map(Some));
    assert_eq!((&seen["spi"], &seen["cpi"]), (&json!(50.0 / 55.0), &json!(5_000_000.0 / 4_500_000.0)));
    assert_eq!(seen["explanations"], Value::Null);
    let explained = server.get(&format!("{plan}/earned-value?as_of=2026-05-04&explain=true")).await.expect(200);
    let of = |figure: &str| -> Value {
        let all = explained["explanations"].as_array().expect("explanations");
        all.iter().find(|one| one["figure"] == figure).expect(figure).clone()
    };
    let cpi = of("cpi");
    assert_eq!((&cpi["value"], &cpi["formula"]), (&seen["cpi"], &json!("EV / AC")));
    assert_eq!(cpi["inputs"], json!({ "EV": 5_000_000.0, "AC": 4_500_000.0 }));
    assert_eq!(of("spi")["inputs"], json!({ "EV": 50.0, "PV": 55.0 }));
    assert_eq!(of("sv_t")["unit"], "weeks");
    assert_eq!(value("2026-05-02").await.expect(200)["actual_cost"], 5_000_000, "costs count from their day");
    let list = server.get(&format!("{plan}/costs?limit=1")).await.expect(200);
    assert_eq!((pluck(&list, "note"), &list["has_more"]), (vec![&json!("Credit note 1")], &json!(true)));
    for (body, expected) in [
        (json!({ "incurred_on": "2026-05-05", "amount_minor": 1 }), ("/incurred_on", "in_the_future")),
        (json!({ "incurred_on": "2026-05-04", "amount_minor": 1.5 }), ("/amount_minor", "wrong_type")),
        (
            json!({ "incurred_on": "2026-05-04", "amount_minor": 1, "milestone": "z" }),
            ("/milestone", "unknown_milestone"),
        ),
    ] {
        assert_eq!(spend(body).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    let without = create_plan(&server).await;
    server
        .post(&format!("{without}/costs"), json!({ "incurred_on": "2026-05-02", "amount_minor": 5 }))
        .await
        .expect(201);
    let without = server.get(&format!("{without}/earned-value")).await.expect(200);
    assert_eq!((&without["actual_cost"], &without["cpi_reason"]), (&json!(5), &json!("no_budget")));
}

async fn a_plan_is_held_against_the_practices(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let lint = || server.get(&format!("{path}/lint"));
    let seen = lint().await.expect(200);
    let rules = |seen: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = seen["findings"].as_array().expect("findings").iter();
        findings.map(|one| (text(&one["milestone"]), text(&one["rule"]))).collect()
    };
    // Three milestones in nine weeks, one word each, without owners or criteria; a is overdue; c weighs half.
    let of = |key: &str, also: &[&str]| -> Vec<(String, String)> {
        let before = ["no_acceptance_criteria", "no_single_owner", "span_over_two_weeks", "unclear_to_client"];
        before.iter().chain(also).map(|rule| (key.to_owned(), (*rule).to_owned())).collect()
    };
    let of_plan = |rule: &str| (String::new(), rule.to_owned());
    let mut expected = vec![of_plan("too_few_milestones"), of_plan("no_buffers")];
    expected.extend(of("a", &["stale_forecast"]));
    expected.extend(of("b", &[]));
    expected.extend(of("c", &["weight_concentrated"]));
    assert_eq!(rules(&seen), expected);
    assert_eq!((&seen["findings"][2]["severity"], &seen["rules_off"]), (&json!("warning"), &json!([])));
    let off = json!({ "lint_rules_off": ["no_acceptance_criteria", "no_single_owner", "span_over_two_weeks", "unclear_to_client"] });
    server.patch("/v1/organization", off).await.expect(200);
    assert_eq!(rules(&lint().await.expect(200)).len(), 4);
    let unknown = server.patch("/v1/organization", json!({ "lint_rules_off": ["style"] })).await;
    assert_eq!(unknown.problem(422, "validation_failed"), errors(&[("/lint_rules_off/0", "not_an_option")]));
    let shipped = create_from_template(&server, "ai-delivery").await;
    server.patch("/v1/organization", json!({ "lint_rules_off": [] })).await.expect(200);
    let of_shipped = server.get(&format!("{shipped}/lint")).await.expect(200);
    let kinds: Vec<String> = rules(&of_shipped).into_iter().map(|(_, rule)| rule).collect();
    assert!(kinds.iter().all(|rule| rule == "span_over_two_weeks"), "what we ship keeps to the practices: {kinds:?}");
}

async fn money_follows_the_budget(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["budget_minor"] = 1_000_001.into();
    draft["currency"] = "EUR".into();
    let path = create(&server, "/v1/plans", draft).await;
    let value = server.get(&format!("{path}/earned-value?as_of=2026-04-20")).await.expect(200);
    let expected = json!({
        "currency": "EUR", "budget_at_completion_minor": 1_000_001, "planned_value_minor": 200_000, "earned_value_minor": 0,
        "schedule_variance_minor": -200_000
    });
    assert_eq!(value["money"], expected, "a fifth of 1,000,001 is 200,000.2");
    let beyond = json!({ "name": "P", "start_on": "9999-12-31", "template": "onboarding" });
    let beyond = server.post("/v1/plans", beyond).await.problem(422, "validation_failed");
    assert_eq!(beyond[0], ("/milestones/0/planned_on".to_owned(), "beyond_calendar".to_owned()));
    let whole = server.patch(&path, json!({ "at_risk_limit_days": 8.0 })).await.expect(200);
    assert_eq!(whole["at_risk_limit_days"], 8, "8.0 is an integer");
}
