//! What is said of a plan is true: one reckoned date everywhere, and misses that a new baseline does not erase.

use std::collections::BTreeSet;

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_from_template, create_plan, pluck};

on_both_engines!(
    what_waits_for_something_late_is_late_everywhere,
    a_push_ends_with_the_owners_word,
    a_new_baseline_erases_no_miss,
    moving_the_start_is_told_too,
    nothing_is_lost_between_two_reports,
    archiving_and_valuing_anew_leave_the_past_alone,
    buffers_absorb_slips,
    days_off_are_not_planned_for,
    gates_rules_and_dated_percentages,
    shipped_templates_pass_their_own_lint,
    a_reason_says_something,
    a_clients_page_says_what_the_report_says,
    a_past_day_can_be_shown,
    what_was_recorded_wrongly_is_corrected,
    a_cost_is_corrected,
);

/// Three milestones in a row, planned for April 24, May 8 and May 22. Today is May 4 and nothing is done.
async fn chain(server: &Server) -> String {
    let plan = json!({
        "name": "Rollout", "start_on": "2026-04-01", "milestones": [
            { "key": "a", "name": "Access", "planned_on": "2026-04-24" },
            { "key": "b", "name": "Build", "planned_on": "2026-05-08", "depends_on": ["a"] },
            { "key": "c", "name": "Close", "planned_on": "2026-05-22", "depends_on": ["b"] },
        ]
    });
    create(server, "/v1/plans", plan).await
}

fn fields<const N: usize>(of: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| of[name].clone())
}

async fn what_waits_for_something_late_is_late_everywhere(engine: Engine) {
    let server = Server::start(engine).await;
    let path = chain(&server).await;
    let (on, days) = ([json!("2026-05-04"), json!("2026-05-18"), json!("2026-06-01")], json!([10, 10, 10]));
    let is = |found: Vec<&Value>, expected: &[Value], what: &str| {
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{what}");
    };
    let milestones = server.get(&format!("{path}/milestones")).await.expect(200);
    is(pluck(&milestones, "reckoned_on"), &on, "the plan's list");
    assert_eq!(json!(pluck(&milestones, "variance_days")), days);
    assert_eq!(json!(pluck(&milestones, "status")), json!(["delayed", "delayed", "delayed"]));
    assert_eq!(json!(pluck(&milestones, "forecast_on")), json!(["2026-04-24", "2026-05-08", "2026-05-22"]));
    let waits_for = |key: &str| json!({ "key": key, "plan_id": null, "plan_name": null, "days": 10 });
    assert_eq!(
        json!(pluck(&milestones, "waits_for")),
        json!([null, waits_for("a"), waits_for("b")]),
        "what pushes them stands beside the owner's word"
    );
    let listed = server.get("/v1/milestones?status=delayed&overdue=false&sort=-reckoned_on").await.expect(200);
    is(pluck(&listed, "reckoned_on"), &[on[2].clone(), on[1].clone()], "the list across plans");
    let review = server.get(&format!("{path}/reviews/next")).await.expect(200);
    let at_risk = json!({ "data": review["at_risk"] });
    assert_eq!(json!(pluck(&at_risk, "key")), json!(["a", "b", "c"]), "a review finds all three");
    let report = server.get(&format!("{path}/status-report")).await.expect(200);
    let reported = json!({ "data": report["milestones"] });
    is(pluck(&reported, "forecast_on"), &on, "the status report");
    assert_eq!(json!(pluck(&reported, "variance_days")), days);
    let plan = server.get(&path).await.expect(200);
    assert_eq!(
        fields(&plan, ["status_counts", "expected_finish_on", "finish_variance_days"]),
        [
            json!({ "on_track": 0, "at_risk": 0, "delayed": 3, "achieved": 0, "waived": 0, "cancelled": 0 }),
            on[2].clone(),
            json!(10)
        ]
    );
    let share = server.post(&format!("{path}/share-links"), json!({ "name": "Petra Novak" })).await.expect(201);
    let share = share["path"].as_str().expect("a path").to_owned();
    let calendar = server.call("GET", &format!("{share}/calendar.ics")).anonymous().send().await.text;
    for day in ["20260504", "20260518", "20260601"] {
        assert!(calendar.contains(day), "the calendar: {calendar}");
    }
    let history = server.get(&format!("{path}/milestones/c/status-history")).await.expect(200);
    let seen: Vec<_> = history["data"].as_array().expect("entries").iter().map(|one| &one["status"]).collect();
    assert_eq!(seen, ["on_track", "at_risk", "delayed"]);
    assert_eq!(history["data"][1]["from_on"], "2026-04-25", "the day after the first date passed");
    // Met late, it goes on pushing: nobody has said otherwise.
    server.post(&format!("{path}/milestones/a/achieve"), json!({})).await.expect(200);
    let late = server.get(&format!("{path}/milestones")).await.expect(200);
    is(pluck(&late, "reckoned_on"), &on, "after a late achievement");
}

async fn a_push_ends_with_the_owners_word(engine: Engine) {
    let server = Server::start(engine).await;
    let path = chain(&server).await;
    let b = format!("{path}/milestones/b");
    server.post(&format!("{b}/confirm"), json!({})).await.expect(200);
    let pushed = server.get(&b).await.expect(200);
    assert_eq!(pushed["reckoned_on"], "2026-05-18", "the owner confirmed while it was still waiting");
    server.post(&format!("{path}/milestones/a/achieve"), json!({})).await.expect(200);
    server.clock.advance(Duration::days(1));
    server.post(&format!("{b}/confirm"), json!({})).await.expect(200);
    let free = server.get(&b).await.expect(200);
    assert_eq!(
        fields(&free, ["reckoned_on", "waits_for", "status", "confirmed_on"]),
        [json!("2026-05-08"), Value::Null, json!("on_track"), json!("2026-05-05")]
    );
    let c = server.get(&format!("{path}/milestones/c")).await.expect(200);
    assert_eq!(fields(&c, ["reckoned_on", "status"]), [json!("2026-05-22"), json!("on_track")], "and so is the rest");
    let earlier = server.get(&format!("{b}?as_of=2026-05-04")).await.expect(200);
    assert_eq!(earlier["reckoned_on"], "2026-05-18", "yesterday it was not known");
    let moved = json!({ "forecast_on": "2026-05-12", "reason": "The interface changed." });
    let moved = server.post(&format!("{b}/forecast-changes"), moved).await.expect(201);
    let moves = json!({ "data": moved["moves"] });
    assert_eq!(
        json!([pluck(&moves, "key"), pluck(&moves, "to_on")]),
        json!([["b", "c"], ["2026-05-12", "2026-05-26"]])
    );
}

async fn a_new_baseline_erases_no_miss(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let a = format!("{path}/milestones/a");
    let before = server.get(&format!("{a}/status-history")).await.expect(200);
    let rebaseline = |reason: &str| {
        let changes = json!([{ "key": "a", "planned_on": "2026-05-20" }]);
        server.post(&format!("{path}/baselines"), json!({ "reason": reason, "changes": changes }))
    };
    assert_eq!(
        rebaseline(" . ").await.problem(422, "validation_failed"),
        errors(&[("/reason", "wrong_pattern")]),
        "a dot is no reason"
    );
    rebaseline("The client moved the audit.").await.expect(201);
    let milestone = server.get(&a).await.expect(200);
    assert_eq!(
        fields(&milestone, ["planned_on", "first_planned_on", "variance_days", "first_variance_days"]),
        [json!("2026-05-20"), json!("2026-04-20"), json!(0), json!(30)]
    );
    assert_eq!(
        fields(&milestone, ["unexplained_miss", "missed_on", "uncommunicated_changes", "overdue"]),
        [json!(true), json!("2026-04-20"), json!(1), json!(false)]
    );
    let plan = server.get(&path).await.expect(200);
    assert_eq!(fields(&plan, ["unexplained_misses", "uncommunicated_changes"]), [json!(1), json!(1)]);
    let history = server.get(&format!("{a}/status-history")).await.expect(200);
    let then = |of: &Value| of["data"].as_array().expect("entries").iter().take(3).cloned().collect::<Vec<_>>();
    assert_eq!(then(&history)[..2], then(&before)[..2], "what was said at the time");
    let report = server.get(&format!("{path}/status-report")).await.expect(200);
    let told: Vec<_> = report["date_changes"].as_array().expect("changes").iter().collect();
    let change = told.iter().find(|one| one["key"] == "a").expect("the client is told");
    assert_eq!(
        fields(change, ["baseline", "planned_from_on", "planned_to_on", "communicated", "reason"]),
        [json!(2), json!("2026-04-20"), json!("2026-05-20"), json!(false), json!("The client moved the audit.")]
    );
    let review = server.get(&format!("{path}/reviews/next")).await.expect(200);
    assert_eq!(
        fields(&review["trajectory"], ["trend", "rebaselined"]),
        [json!("worsening"), json!(true)],
        "a new baseline alone improves nothing"
    );
    assert_eq!(review["at_risk"][0]["key"], "a");
    let explained = json!({
        "root_cause": "No credentials.", "category": "client_dependency", "recovery_actions": ["Escalate."],
        "new_forecast_on": "2026-05-20"
    });
    let explained = server.post(&format!("{a}/miss-reports"), explained).await.expect(201);
    assert_eq!(explained["report"]["missed_on"], "2026-04-20", "the date of the earlier baseline");
    assert_eq!(server.get(&a).await.expect(200)["unexplained_miss"], false);
}

async fn moving_the_start_is_told_too(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let start = json!({ "start_on": "2026-05-04", "reason": "The contract came late." });
    server.post(&format!("{path}/move"), start).await.expect(201);
    let plan = server.get(&path).await.expect(200);
    assert_eq!(fields(&plan, ["unexplained_misses", "uncommunicated_changes"]), [json!(1), json!(3)]);
    assert_eq!(
        fields(&plan, ["planned_finish_on", "first_planned_finish_on", "first_finish_variance_days"]),
        [json!("2026-07-04"), json!("2026-06-01"), json!(33)]
    );
    let changes = server.get(&format!("{path}/milestones/a/forecast-changes")).await.expect(200);
    assert_eq!(
        fields(&changes["data"][0], ["from_on", "to_on", "baseline", "planned_to_on"]),
        [json!("2026-04-20"), json!("2026-05-23"), json!(2), json!("2026-05-23")]
    );
    let told = server.post(&format!("{path}/milestones/a/forecast-changes/1/communicate"), json!({})).await;
    told.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["uncommunicated_changes"], 2);
}

async fn a_reason_says_something(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    for (place, mut body) in [
        ("move", json!({ "start_on": "2026-05-04" })),
        ("baselines", json!({})),
        ("milestones/b/forecast-changes", json!({ "forecast_on": "2026-05-12" })),
        ("milestones/b/waive", json!({})),
        ("milestones/b/cancel", json!({})),
    ] {
        for empty in ["...", "- ! -", "late", "\u{2026}\n"] {
            body["reason"] = empty.into();
            let refused = server.post(&format!("{path}/{place}"), body.clone()).await;
            assert_eq!(refused.problem(422, "validation_failed")[0].0, "/reason", "{place} {empty:?}");
        }
    }
    let plan = server.get(&path).await.expect(200);
    assert_eq!(plan["version"], 1, "nothing was written");
}

async fn nothing_is_lost_between_two_reports(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let completed = |report: &Value| {
        let all = report["completed"].as_array().expect("milestones").iter();
        all.map(|one| one["key"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let report = || async { server.get(&format!("{path}/status-report")).await.expect(200) };
    server.post(&format!("{path}/milestones/a/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    assert_eq!(completed(&report().await), ["a"]);
    server.clock.advance(Duration::hours(1));
    let finding = |key: &str| json!({ "key": key, "cause": "Access came late.", "action": "More people." });
    let review = server.post(&format!("{path}/reviews"), json!({ "findings": [finding("b"), finding("c")] })).await;
    review.expect(201);
    let after = report().await;
    assert_eq!(completed(&after), Vec::<String>::new(), "the review has seen it");
    assert_eq!(fields(&after, ["since_on", "since_at"]), [json!("2026-05-04"), json!("2026-05-04T13:00:00Z")]);
    server.clock.advance(Duration::hours(1));
    server.post(&format!("{path}/milestones/b/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    assert_eq!(completed(&report().await), ["b"], "achieved on the review's day, after it");
    server.clock.advance(Duration::days(2));
    server.post(&format!("{path}/milestones/c/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    assert_eq!(completed(&report().await), ["b", "c"], "recorded late, reported nevertheless");
}

async fn archiving_and_valuing_anew_leave_the_past_alone(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    server.post(&format!("{path}/milestones/a/start"), json!({ "occurred_on": "2026-04-02" })).await.expect(200);
    server.patch(&path, json!({ "budget_minor": 1_000_000, "currency": "EUR" })).await.expect(200);
    let cost = json!({ "incurred_on": "2026-04-30", "amount_minor": 100_000 });
    server.post(&format!("{path}/costs"), cost).await.expect(201);
    let other = server.patch(&path, json!({ "currency": "USD" })).await;
    assert_eq!(other.problem(409, "conflict"), errors(&[("/currency", "currency_in_use")]));
    server.clock.advance(Duration::days(10));
    let value = |as_of: &str| {
        let asked = server.get(&format!("{path}/earned-value?as_of={as_of}"));
        async move { asked.await.expect(200) }
    };
    let before = value("2026-05-13").await;
    assert_eq!(before["earned_value"], 0.0);
    server.patch(&path, json!({ "credit_rule": "fifty_fifty", "budget_minor": 2_000_000 })).await.expect(200);
    assert_eq!(value("2026-05-13").await, before, "what was said is said");
    let now = value("2026-05-14").await;
    assert_eq!(fields(&now, ["earned_value", "planned_value"]), [json!(1.0), json!(5.0)]);
    assert_eq!(now["money"]["budget_at_completion_minor"], 2_000_000);
    let portfolio = |as_of: &str| {
        let asked = server.get(&format!("/v1/reports/spi?as_of={as_of}"));
        async move { asked.await.expect(200)["total"].clone() }
    };
    let total = portfolio("2026-05-13").await;
    server.patch(&path, json!({ "archived": true })).await.expect(200);
    assert_eq!(portfolio("2026-05-13").await, total, "an archived plan counted then");
    assert_eq!(portfolio("2026-05-14").await["plans"], 0);
}

async fn buffers_absorb_slips(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = json!({
        "name": "Rollout", "start_on": "2026-05-04", "milestones": [
            { "key": "a", "name": "Access", "planned_on": "2026-05-14" },
            { "key": "b", "name": "Build", "planned_on": "2026-06-03", "depends_on": ["a"], "duration_days": 15 },
            { "key": "c", "name": "Close", "planned_on": "2026-06-10", "depends_on": ["b"] },
        ]
    });
    let path = create(&server, "/v1/plans", plan).await;
    let slip = |on: &str| {
        let body = json!({ "forecast_on": on, "reason": "Access is late." });
        server.post(&format!("{path}/milestones/a/forecast-changes?dry_run=true"), body)
    };
    let absorbed = slip("2026-05-19").await.expect(200);
    assert_eq!(pluck(&json!({ "data": absorbed["moves"] }), "key"), ["a"], "five days of buffer");
    let pushed = slip("2026-05-21").await.expect(200);
    assert_eq!(json!(pluck(&json!({ "data": pushed["moves"] }), "days")), json!([7, 2, 2]));
    let lint = || async { server.get(&format!("{path}/lint")).await.expect(200)["findings"].to_string() };
    assert!(!lint().await.contains("no_buffers"));
    server.patch(&format!("{path}/milestones/b"), json!({ "duration_days": null })).await.expect(200);
    assert!(lint().await.contains("no_buffers"), "the first slip moves the finish");
    let long = server.patch(&format!("{path}/milestones/b"), json!({ "duration_days": 3651 })).await;
    assert_eq!(long.problem(422, "validation_failed"), errors(&[("/duration_days", "too_large")]));
}

/// May 4, 2026, is a Monday; the 25th is a holiday.
async fn days_off_are_not_planned_for(engine: Engine) {
    let server = Server::start(engine).await;
    let calendar = |days_off: &str| json!({ "counts": "business_days", "holidays": ["2026-05-25"], "planned_on_days_off": days_off });
    let plan = |days_off: &str| {
        let milestones = json!([{ "key": "a", "name": "Access", "planned_on": "2026-05-09" }]);
        let name = format!("Rollout {days_off}");
        json!({ "name": name, "start_on": "2026-05-04", "calendar": calendar(days_off), "milestones": milestones })
    };
    let refused = server.post("/v1/plans", plan("refuse")).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/milestones/0/planned_on", "on_day_off")]));
    let moved = create(&server, "/v1/plans", plan("move")).await;
    let milestone = server.get(&format!("{moved}/milestones/a")).await.expect(200);
    assert_eq!(milestone["planned_on"], "2026-05-11", "Saturday becomes Monday");
    let added = json!({ "key": "b", "name": "Build", "planned_on": "2026-05-25" });
    let added = server.post(&format!("{moved}/milestones"), added).await.expect(201);
    assert_eq!(added["planned_on"], "2026-05-26");
    let baseline = json!({ "reason": "The scope grew.", "changes": [{ "key": "a", "planned_on": "2026-05-16" }] });
    let baseline = server.post(&format!("{moved}/baselines"), baseline).await.expect(201);
    assert_eq!(baseline["lines"][0]["planned_on"], "2026-05-18");
    let kept = create(&server, "/v1/plans", plan("keep")).await;
    let lint = server.get(&format!("{kept}/lint")).await.expect(200)["findings"].to_string();
    assert!(lint.contains("planned_on_day_off"), "{lint}");
    let template = json!({
        "name": "Onboarding", "start_on": "2026-05-04", "template": "onboarding", "calendar": calendar("refuse")
    });
    let path = create(&server, "/v1/plans", template).await;
    let every_day = json!({ "name": "Every day", "start_on": "2026-05-04", "template": "onboarding" });
    let every_day = create(&server, "/v1/plans", every_day).await;
    let finish = async |path: &str| server.get(path).await.expect(200)["planned_finish_on"].clone();
    assert!(finish(&path).await.as_str() > finish(&every_day).await.as_str(), "offsets count the calendar's days");
}

async fn gates_rules_and_dated_percentages(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = json!({
        "name": "Rollout", "start_on": "2026-04-01", "milestones": [
            { "key": "gate", "name": "Signed", "weight": 0, "planned_on": "2026-04-10", "actual_on": "2026-04-10" },
            { "key": "build", "name": "Built", "weight": 4, "planned_on": "2026-05-01", "credit_rule": "percent_complete",
              "progress": [{ "recorded_on": "2026-04-15", "percent": 25 }] },
            { "key": "close", "name": "Closed", "weight": 4, "planned_on": "2026-05-20" },
        ]
    });
    let path = create(&server, "/v1/plans", plan).await;
    let earned = |as_of: &str| {
        let asked = server.get(&format!("{path}/earned-value?as_of={as_of}"));
        async move { asked.await.expect(200)["earned_value"].clone() }
    };
    assert_eq!((earned("2026-04-14").await, earned("2026-04-15").await), (json!(0.0), json!(1.0)));
    let build = format!("{path}/milestones/build");
    for (on, expected) in [("2026-04-14", "out_of_order"), ("2026-05-05", "in_the_future")] {
        let wrong = server.patch(&build, json!({ "percent_complete": 50, "percent_complete_on": on })).await;
        assert_eq!(wrong.problem(422, "validation_failed"), errors(&[("/percent_complete_on", expected)]));
    }
    let alone = server.patch(&build, json!({ "percent_complete_on": "2026-05-01" })).await;
    assert_eq!(alone.problem(422, "validation_failed"), errors(&[("/percent_complete", "required")]));
    let half = server.patch(&build, json!({ "percent_complete": 50, "percent_complete_on": "2026-05-01" })).await;
    assert_eq!(half.expect(200)["percent_complete_on"], "2026-05-01");
    assert_eq!((earned("2026-04-30").await, earned("2026-05-01").await), (json!(1.0), json!(2.0)));
    let exported = server.get(&format!("{path}/export")).await.text;
    let imported = server
        .call("POST", "/v1/plans/import?name=Again&start_on=2026-04-01")
        .body("text/csv", exported.clone())
        .send()
        .await;
    let again = imported.header("location");
    imported.expect(201);
    assert_eq!(server.get(&format!("{again}/export")).await.text, exported, "a file goes in as it came out");
}

async fn shipped_templates_pass_their_own_lint(engine: Engine) {
    let server = Server::start(engine).await;
    // Five milestones in six weeks are what an onboarding is commonly watched by. A person's year of coaching is no delivery: its
    // milestones stand far apart, and wait for little.
    let coaching = json!(["no_buffers", "span_over_two_weeks", "too_few_milestones"]);
    for (template, expected) in
        [("ai-coaching", coaching), ("ai-delivery", json!([])), ("onboarding", json!(["too_few_milestones"]))]
    {
        let path = create_from_template(&server, template).await;
        let found = json!({ "data": server.get(&format!("{path}/lint")).await.expect(200)["findings"] });
        let rules: BTreeSet<&str> = pluck(&found, "rule").into_iter().filter_map(Value::as_str).collect();
        assert_eq!(json!(rules), expected, "{template}");
    }
}

async fn a_clients_page_says_what_the_report_says(engine: Engine) {
    let server = Server::start(engine).await;
    let contact = json!({ "contact": "Ana Novak, ana@example.com", "logo": "data:image/png;base64,iVBORw0KGgo=" });
    server.patch("/v1/organization", contact).await.expect(200);
    let page = json!({ "logo": "data:text/html;base64,PGI+" });
    let page = server.patch("/v1/organization", page).await.problem(422, "validation_failed");
    assert_eq!(page, errors(&[("/logo", "wrong_pattern")]));
    let path = chain(&server).await;
    let slip = json!({ "forecast_on": "2026-05-06", "reason": "Access is late." });
    server.post(&format!("{path}/milestones/a/forecast-changes"), slip).await.expect(201);
    let link = server.post(&format!("{path}/share-links"), json!({ "name": "Petra Novak" })).await.expect(201);
    let link = link["path"].as_str().expect("a path").to_owned();
    let open = |accept: &str| server.call("GET", &link).anonymous().header("accept", accept).send();
    let (page, report) = (open("text/html").await.text, open("application/json").await.expect(200));
    let markdown = server.call("GET", &format!("{path}/status-report")).header("accept", "text/markdown").send().await;
    let markdown = markdown.text;
    assert_eq!(
        report["summary"],
        json!(["0 % of what was planned by 4 May 2026 is done.", "Expected to finish on 3 June 2026, 12 days late."])
    );
    let at_risk = report["at_risk"].as_array().expect("milestones");
    assert_eq!(at_risk.len(), 1, "what is late because of another stands with it");
    let knock_ons = json!({ "data": at_risk[0]["knock_ons"] });
    assert_eq!((&at_risk[0]["milestone"]["key"], json!(pluck(&knock_ons, "key"))), (&json!("a"), json!(["b", "c"])));
    for sentence in ["0 % of what was planned by 4 May 2026 is done.", "Ana Novak, ana@example.com", "Northwind"] {
        assert!(page.contains(sentence) && markdown.contains(sentence), "{sentence}: {page}\n{markdown}");
    }
    assert!(page.contains("I have seen this") && page.contains("src=\"data:image/png;base64,iVBORw0KGgo=\""));
    assert!(!page.contains("SPI") && !page.contains("made known"), "nobody was told: {page}");
    assert!(page.contains("recorded <time datetime=\"2026-05-04\">") && markdown.contains("(not yet communicated)"));
    server.clock.advance(Duration::days(1));
    server.post(&format!("{path}/milestones/a/forecast-changes/1/communicate"), json!({})).await.expect(200);
    let told = open("text/html").await.text;
    assert!(told.contains("made known <time datetime=\"2026-05-05\">"), "on the day on which it was told: {told}");
    let action = format!("{link}/milestones/a/forecast-changes/1/acknowledge");
    let form = server.call("POST", &action).anonymous().header("accept", "text/html");
    let mistake = form.body("application/x-www-form-urlencoded", "by=+").send().await;
    assert_eq!(mistake.status, 422);
    assert!(mistake.text.contains("enter your name") && !mistake.text.contains("/by"), "{}", mistake.text);
    assert!(mistake.header("content-security-policy").contains("style-src 'sha256-"), "it looks like the page");
}

async fn a_past_day_can_be_shown(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let link = server.post(&format!("{path}/share-links"), json!({})).await.expect(201);
    let link = link["path"].as_str().expect("a path").to_owned();
    let ask = |path: &str| server.call("GET", path).header("accept", "application/json").send();
    let page = || server.call("GET", &format!("{link}?as_of=2026-05-04")).anonymous().send();
    let (report, shared) =
        (ask(&format!("{path}/status-report?as_of=2026-05-04")).await.expect(200), page().await.text);
    let plans = ask("/v1/plans?as_of=2026-05-04").await.expect(200);
    let series = ask(&format!("{path}/earned-value/series?as_of=2026-05-04")).await.expect(200);
    server.clock.advance(Duration::days(7));
    for key in ["a", "b", "c"] {
        server.post(&format!("{path}/milestones/{key}/achieve"), json!({})).await.expect(200);
    }
    let again = ask(&format!("{path}/status-report?as_of=2026-05-04")).await.expect(200);
    assert_eq!(fields(&again, ["status", "summary", "at_risk"]), fields(&report, ["status", "summary", "at_risk"]));
    let late = |page: &str| page.matches("class=\"badge delayed\"").count();
    assert!(shared.contains("4 May 2026") && late(&page().await.text) == late(&shared) && late(&shared) > 0);
    let found = ask("/v1/plans?as_of=2026-05-04").await.expect(200);
    assert_eq!(fields(&found["data"][0], ["status", "spi"]), fields(&plans["data"][0], ["status", "spi"]));
    let found = ask(&format!("{path}/earned-value/series?as_of=2026-05-04")).await.expect(200);
    assert_eq!(found["today"], "2026-05-04");
    assert_eq!(found["data"][4], series["data"][4]);
    let done = ask(&format!("{path}/status-report")).await.expect(200);
    assert_eq!(done["summary"], json!(["Finished on 11 May 2026, 21 days early."]));
}

async fn what_was_recorded_wrongly_is_corrected(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let a = format!("{path}/milestones/a");
    let correct =
        |milestone: &str, body: Value| server.post(&format!("{path}/milestones/{milestone}/corrections"), body);
    let reason = "The run of Friday already met all criteria.";
    let open = correct("a", json!({ "actual_on": "2026-05-01", "reason": reason })).await;
    assert_eq!(open.problem(409, "conflict"), errors(&[("/actual_on", "nothing_to_correct")]));
    server.post(&format!("{a}/start"), json!({ "occurred_on": "2026-04-20" })).await.expect(200);
    server.post(&format!("{a}/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    let said = server.get(&format!("{path}/earned-value?as_of=2026-05-01")).await.expect(200);
    assert_eq!(said["earned_value"], 0.0);
    let then = "2026-05-04T12:30:00Z";
    server.clock.advance(Duration::hours(1));
    for (body, expected) in [
        (json!({ "reason": reason }), ("", "required")),
        (json!({ "actual_on": "2026-05-01" }), ("/reason", "required")),
        (json!({ "actual_on": "2026-05-05", "reason": reason }), ("/actual_on", "in_the_future")),
        (json!({ "actual_on": "2026-04-19", "reason": reason }), ("/actual_on", "out_of_order")),
    ] {
        assert_eq!(correct("a", body).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    let evidence = json!([{ "title": "Run 117", "url": "https://ci.example.com/117" }]);
    let body = json!({ "actual_on": "2026-05-01", "evidence": evidence, "reason": reason });
    let corrected = correct("a", body).await;
    let location = corrected.header("location");
    let corrected = corrected.expect(201);
    assert_eq!(
        fields(&corrected, ["actual_from_on", "actual_to_on", "started_to_on", "reason"]),
        [json!("2026-05-04"), json!("2026-05-01"), Value::Null, json!(reason)]
    );
    assert_eq!(corrected["evidence"][0]["title"], "Run 117");
    assert_eq!(server.get(&location).await.expect(200), corrected);
    let milestone = server.get(&a).await.expect(200);
    assert_eq!(fields(&milestone, ["actual_on", "variance_days"]), [json!("2026-05-01"), json!(11)]);
    let value = |query: &str| {
        let asked = server.get(&format!("{path}/earned-value?as_of=2026-05-01{query}"));
        async move { asked.await.expect(200)["earned_value"].clone() }
    };
    assert_eq!((value("").await, value(&format!("&known_at={then}")).await), (json!(2.0), json!(0.0)));
    let report = server.get(&format!("{path}/status-report")).await.expect(200);
    assert_eq!(
        fields(&report["corrections"][0], ["actual_from_on", "actual_to_on"]),
        [json!("2026-05-04"), json!("2026-05-01")]
    );
    let page = server.call("GET", &format!("{path}/status-report")).header("accept", "text/html").send().await.text;
    assert!(page.contains("<h2>Corrected</h2>") && page.contains(reason), "{page}");
    correct("a", json!({ "started_on": "2026-04-18", "reason": "Work began on a Saturday." })).await.expect(201);
    let all = server.get(&format!("{a}/corrections")).await.expect(200);
    assert_eq!(json!(pluck(&all, "started_to_on")), json!(["2026-04-18", null]));
}

async fn a_cost_is_corrected(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let costs = format!("{path}/costs");
    let wrong = server.post(&costs, json!({ "incurred_on": "2026-04-20", "amount_minor": 450 })).await;
    let location = wrong.header("location");
    let wrong = wrong.expect(201);
    server.clock.advance(Duration::days(1));
    let correct = |body: Value| server.post(&format!("{location}/corrections"), body);
    let late = correct(json!({ "incurred_on": "2026-05-06", "reason": "The wrong day." })).await;
    assert_eq!(late.problem(422, "validation_failed"), errors(&[("/incurred_on", "in_the_future")]));
    let right = correct(json!({ "amount_minor": 540, "reason": "Digits were swapped." })).await.expect(201);
    assert_eq!(fields(&right, ["amount_minor", "incurred_on"]), [json!(540), json!("2026-04-20")]);
    assert_eq!(right["corrects"], wrong["id"]);
    correct(json!({ "amount_minor": 1, "reason": "Once more, please." })).await.problem(409, "conflict");
    let spent = |query: &str| {
        let asked = server.get(&format!("{path}/earned-value?as_of=2026-04-30{query}"));
        async move { asked.await.expect(200)["actual_cost"].clone() }
    };
    let then = "&known_at=2026-05-04T12:30:00Z";
    assert_eq!((spent("").await, spent(then).await), (json!(540), json!(450)), "what was known then stays");
    let all = server.get(&costs).await.expect(200);
    assert_eq!(json!(pluck(&all, "amount_minor")), json!([540, -450, 450]));
}
