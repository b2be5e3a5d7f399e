//! Conditional requests: no change overwrites a version that its caller has not seen, and no caller is sent a
//! representation that it already has.

use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::json;

use crate::samples::{create_customer, create_plan};

on_both_engines!(
    what_depends_on_others_changes_with_them,
    upserts_may_be_conditional,
    changes_need_the_version_they_change,
    what_is_known_is_not_sent_again,
    schedule_answers_change_with_the_day
);

async fn changes_need_the_version_they_change(engine: Engine) {
    let server = Server::start(engine).await;
    let path = format!("/v1/customers/{}", create_customer(&server, "A").await);
    let turn = std::cell::Cell::new(0);
    let patch = |version: Option<&str>| {
        turn.set(turn.get() + 1);
        let call = server.call("PATCH", &path).json(json!({ "owner_name": format!("Ben {}", turn.get()) }));
        match version {
            Some(version) => call.header("If-Match", version),
            None => call,
        }
    };
    patch(None).send().await.problem(428, "version_required");
    for malformed in ["1", "\"1\"x", "\""] {
        patch(Some(malformed)).send().await.problem(400, "invalid_parameter");
    }
    for stale in ["\"0\"", "\"2\"", "W/\"9\""] {
        patch(Some(stale)).send().await.problem(412, "version_mismatch");
    }
    let first = patch(Some("\"1\"")).send().await;
    assert!(first.header("etag").starts_with("\"2-"), "the version, and what the parent is called");
    assert_eq!(first.expect(200)["version"], 2);
    patch(Some("\"1\"")).send().await.problem(412, "version_mismatch");
    assert_eq!(patch(Some("W/\"2\"")).send().await.expect(200)["version"], 3);
    assert_eq!(patch(Some("\"8\", \"3\"")).send().await.expect(200)["version"], 4);
    assert_eq!(patch(Some("*")).send().await.expect(200)["version"], 5);
    let nothing = server.call("PATCH", &path).header("If-Match", "*").json(json!({ "archived": false })).send().await;
    assert_eq!(nothing.expect(200)["version"], 5, "a patch that changes nothing raises no version");
    server.call("DELETE", &path).send().await.problem(428, "version_required");
    server.call("DELETE", &path).header("If-Match", "\"4\"").send().await.problem(412, "version_mismatch");
    server.call("DELETE", &path).header("If-Match", "\"5\"").send().await.expect(204);
    server.get(&path).await.problem(404, "not_found");
}

async fn what_is_known_is_not_sent_again(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let customer = format!("/v1/customers/{}", create_customer(&server, "A").await);
    for path in [
        &plan,
        &customer,
        &format!("{plan}/earned-value"),
        &format!("{plan}/milestones"),
        &"/v1/reports/spi".to_owned(),
    ] {
        let tag = server.get(path).await.header("etag");
        assert!(!tag.is_empty(), "{path} has no ETag");
        let again = server.call("GET", path).header("If-None-Match", &tag).send().await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), tag);
        let other = server.call("GET", path).header("If-None-Match", "\"other\"").send().await;
        assert_eq!(other.status.as_u16(), 200, "{path}");
    }
}

/// Status depends on today's date: tomorrow's response is another representation of the same version.
async fn schedule_answers_change_with_the_day(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let today = server.get(&plan).await.header("etag");
    assert!(today.starts_with("\"1-"), "{today}");
    server.clock.advance(chrono::Duration::days(1));
    let tomorrow = server.call("GET", &plan).header("If-None-Match", &today).send().await;
    assert_eq!(tomorrow.status.as_u16(), 200, "the plan is a day later");
    let patched =
        server.call("PATCH", &plan).header("If-Match", &today).json(json!({ "owner_name": "Ben" })).send().await;
    patched.expect(200);
}

/// The response for a plan contains its customer's name, and the response for a milestone depends on its plan's limit.
/// Both must not be stale.
async fn what_depends_on_others_changes_with_them(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "A").await;
    let plan = create_plan(&server).await;
    server.patch(&plan, json!({ "customer_id": customer })).await.expect(200);
    let milestone = format!("{plan}/milestones/a");
    let (of_plan, of_milestone) = (server.get(&plan).await.header("etag"), server.get(&milestone).await.header("etag"));
    server.patch(&format!("/v1/customers/{customer}"), json!({ "name": "B" })).await.expect(200);
    let plan_again = server.call("GET", &plan).header("If-None-Match", &of_plan).send().await;
    assert_eq!(plan_again.expect(200)["customer_name"], "B");
    server.patch(&plan, json!({ "at_risk_limit_days": 30 })).await.expect(200);
    let milestone_again = server.call("GET", &milestone).header("If-None-Match", &of_milestone).send().await;
    assert_eq!(milestone_again.expect(200)["status"], "at_risk");
}

async fn upserts_may_be_conditional(engine: Engine) {
    let server = Server::start(engine).await;
    let put = |header: &str, value: &str| {
        let call = server.call("PUT", "/v1/customers/by-ref/x").json(json!({ "name": "A" }));
        call.header(header, value).send()
    };
    put("If-Match", "*").await.problem(412, "version_mismatch");
    put("If-Match", "\"0\"").await.problem(412, "version_mismatch");
    put("If-None-Match", "*").await.expect(201);
    put("If-None-Match", "*").await.problem(412, "version_mismatch");
    put("If-Match", "\"1\"").await.expect(200);
}
