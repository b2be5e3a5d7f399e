//! Impacts: claims and their verification, what follows from verified sums, and the report.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_claim_is_verified_by_others,
    people_claim_their_own,
    what_is_refused,
    tiers_follow_from_verified_sums,
    the_report_keeps_claims_apart,
    impacts_follow_merges_and_erasure
);

/// Savings of somebody a year, in US cents.
pub(crate) fn savings(who: &str, minor: i64) -> Value {
    json!({ "person_ref": who, "title": "Invoices are read by an agent", "kind": "cost_savings", "from_on": "2026-02-01",
        "to_on": "2026-04-30", "annualized_minor": minor, "currency": "USD" })
}

/// The path of the impacts of a person.
async fn path_of(server: &Server, who: &str) -> String {
    let person = server.get(&format!("/v1/people/by-ref/{who}")).await.expect(200);
    format!("/v1/people/{}/impacts", person["id"].as_str().expect("an id"))
}

/// Claims an impact; returns its path.
pub(crate) async fn claimed(server: &Server, impact: Value) -> String {
    let path = path_of(server, impact["person_ref"].as_str().expect("a person")).await;
    create(server, &path, impact).await
}

/// Lets `fin` verify an impact.
pub(crate) async fn verified(server: &Server, impact: &str) {
    let ask = json!({ "ask": [{ "kind": "roi_verification", "person_ref": "fin" }] });
    let validation = create(server, &format!("{impact}/validations"), ask).await;
    let decision = json!({ "kind": "roi_verification", "decision": "approve", "person_ref": "fin" });
    server.post(&format!("{validation}/decisions"), decision).await.expect(200);
}

async fn a_claim_is_verified_by_others(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["ana", "fin"] {
        person(&server, name, json!({})).await;
    }
    let impact = claimed(&server, savings("ana", 1_000_000)).await;
    let shown = server.get(&impact).await.expect(200);
    let seen = ["state", "person_name", "attribution_percent", "verified_on"].map(|field| shown[field].clone());
    assert_eq!(seen, [json!("claimed"), json!("ana"), json!(100.0), Value::Null]);
    let patch = |body: Value, version: u32| {
        server.call("PATCH", &impact).header("If-Match", &format!("\"{version}\"")).json(body)
    };
    let patched = patch(json!({ "attribution_percent": 60 }), 1).send().await.expect(200);
    assert_eq!(patched["version"], 2);
    let ask = json!({ "ask": [{ "kind": "roi_verification", "person_ref": "fin" }], "note": "Reckoned with finance." });
    let made = server.post(&format!("{impact}/validations"), ask.clone()).await;
    let validation = made.header("location");
    let made = made.expect(201);
    assert_eq!((&made["plan_id"], &made["impact_title"]), (&Value::Null, &json!("Invoices are read by an agent")));
    assert_eq!(server.get(&impact).await.expect(200)["state"], "under_review");
    for reply in [
        patch(json!({ "attribution_percent": 61 }), 3).send().await,
        server.post(&format!("{impact}/validations"), ask.clone()).await,
        server.post(&format!("{impact}/withdraw"), json!({ "reason": "It was a mistake." })).await,
    ] {
        assert_eq!(reply.problem(409, "conflict"), errors(&[("", "impact_under_review")]));
    }
    let decide = |decision: &str| json!({ "kind": "roi_verification", "decision": decision, "person_ref": "fin" });
    server.post(&format!("{validation}/decisions"), decide("reject")).await.expect(200);
    assert_eq!(server.get(&impact).await.expect(200)["state"], "rejected");
    patch(json!({ "annualized_minor": 900_000 }), 4).send().await.expect(200);
    let second = create(&server, &format!("{impact}/validations"), ask).await;
    server.post(&format!("{second}/decisions"), decide("approve")).await.expect(200);
    let done = server.get(&impact).await.expect(200);
    assert_eq!((&done["state"], &done["verified_on"]), (&json!("verified"), &json!("2026-05-04")));
    let changed = patch(json!({ "annualized_minor": 1 }), 7).send().await.problem(409, "conflict");
    assert_eq!(changed, errors(&[("", "impact_verified")]));
    let history = server.get(&format!("{impact}/validations")).await.expect(200);
    assert_eq!(pluck(&history, "state"), ["rejected", "approved"]);
    let withdrawn = server.post(&format!("{impact}/withdraw"), json!({ "reason": "It was counted twice." })).await;
    let withdrawn = withdrawn.expect(200);
    assert_eq!((&withdrawn["state"], &withdrawn["verified_on"]), (&json!("withdrawn"), &Value::Null));
    let ledger = server.get("/v1/ledger?entity_type=impact").await.expect(200);
    let actions: Vec<_> = pluck(&ledger, "action").iter().filter_map(|one| one.as_str()).collect();
    for verb in ["created", "updated", "under_review", "rejected", "verified", "withdrawn"] {
        assert!(actions.contains(&format!("impact.{verb}").as_str()), "{verb}: {actions:?}");
    }
}

async fn people_claim_their_own(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    for name in ["boss", "fin", "dan"] {
        person(&server, name, json!({})).await;
    }
    person(&server, "ana", json!({ "manager_ref": "boss" })).await;
    let token = token_of(&server, &client, "ana").await;
    let path = path_of(&server, "ana").await;
    let mut draft = savings("ana", 500);
    let made = server.call("POST", &path).bearer(&token).json(draft.clone()).send().await;
    let impact = made.header("location");
    made.expect(201);
    draft["person_ref"] = json!("boss");
    let others = server.call("POST", &path).bearer(&token).json(draft.clone()).send().await;
    assert_eq!(others.problem(422, "validation_failed"), errors(&[("/person_id", "not_the_path")]));
    let others = path_of(&server, "boss").await;
    server.call("POST", &others).bearer(&token).json(draft.clone()).send().await.problem(403, "forbidden");
    draft.as_object_mut().expect("an object").remove("person_ref");
    let own = server.call("POST", &path).bearer(&token).json(draft).send().await.expect(201);
    assert_eq!(own["person_name"], "ana");
    let needs = json!({ "needs": [{ "kind": "peer_review" }] });
    let soft = server.call("POST", &format!("{impact}/validations")).bearer(&token).json(needs).send().await;
    soft.problem(403, "forbidden");
    let submitted = server.call("POST", &format!("{impact}/validations")).bearer(&token).json(json!({})).send().await;
    let validation = submitted.header("location");
    submitted.expect(201);
    for (who, kind, code) in [("ana", "roi_verification", "own_proof"), ("fin", "peer_review", "kind_not_needed")] {
        let body = json!({ "kind": kind, "person_ref": who });
        let refused = server.post(&format!("{validation}/asks"), body).await;
        let (status, problem) = if code == "own_proof" { (409, "conflict") } else { (422, "validation_failed") };
        assert_eq!(refused.problem(status, problem), errors(&[("/person_id", code)]), "{who}");
    }
    let ask = json!({ "kind": "roi_verification", "person_ref": "fin" });
    server.post(&format!("{validation}/asks"), ask).await.expect(200);
    for (who, impacts, decides) in [("boss", 2, 409), ("fin", 0, 200), ("dan", 0, 404)] {
        let token = token_of(&server, &client, who).await;
        let listed = server.call("GET", "/v1/impacts").bearer(&token).send().await.expect(200);
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(impacts), "{who}");
        let read = server.call("GET", &impact).bearer(&token).send().await;
        assert_eq!(read.status.as_u16(), if impacts > 0 { 200 } else { 404 }, "{who}");
        let seen = server.call("GET", &validation).bearer(&token).send().await;
        assert_eq!(seen.status.as_u16(), if who == "dan" { 404 } else { 200 }, "{who}");
        let body = json!({ "reason": "It is not mine." });
        let taken = server.call("POST", &format!("{impact}/withdraw")).bearer(&token).json(body).send().await;
        assert_eq!(taken.status.as_u16(), if impacts > 0 { 403 } else { 404 }, "{who}");
        let body = json!({ "kind": "roi_verification", "decision": "approve" });
        let decided = server.call("POST", &format!("{validation}/decisions")).bearer(&token).json(body).send().await;
        assert_eq!(decided.status.as_u16(), decides, "{who}");
    }
    assert_eq!(server.get(&impact).await.expect(200)["state"], "verified");
}

async fn what_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["ana", "ben"] {
        person(&server, name, json!({})).await;
    }
    let milestones = json!([{ "key": "a", "name": "A", "planned_on": "2026-06-01", "weight": 1 }]);
    let plan = json!({ "name": "P", "start_on": "2026-05-01", "person_ref": "ben", "budget_minor": 100, "currency": "EUR",
        "milestones": milestones });
    let plan = create(&server, "/v1/plans", plan).await;
    let plan_id = plan.rsplit('/').next().expect("an id");
    let refused = async |more: Value, at: &str, code: &str| {
        let mut draft = savings("ana", 100);
        for (field, value) in more.as_object().expect("fields") {
            draft[field] = value.clone();
        }
        let path = path_of(&server, if draft["person_ref"] == "ben" { "ben" } else { "ana" }).await;
        let found = server.post(&path, draft).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&[(at, code)]), "{more}");
    };
    refused(json!({ "annualized_minor": -1 }), "/annualized_minor", "too_small").await;
    refused(json!({ "attribution_percent": 101 }), "/attribution_percent", "too_large").await;
    refused(json!({ "to_on": "2026-05-05" }), "/to_on", "in_the_future").await;
    refused(json!({ "to_on": "2026-01-05" }), "/to_on", "ends_before_it_begins").await;
    refused(json!({ "currency": null }), "/currency", "required").await;
    refused(json!({ "plan_id": plan_id }), "/plan_id", "others_plan").await;
    refused(json!({ "person_ref": "ben", "plan_id": plan_id }), "/currency", "other_currency").await;
    let ours = json!({ "person_ref": "ben", "plan_id": plan_id, "currency": "EUR", "milestone_key": "z" });
    refused(ours, "/milestone_key", "unknown_milestone").await;
    refused(json!({ "person_ref": "nobody" }), "/person_id", "not_the_path").await;
    refused(json!({ "customer_ref": "nobody" }), "/customer_ref", "unknown_customer").await;
    refused(json!({ "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11" }), "/plan_id", "unknown_plan").await;
    let impact = claimed(&server, savings("ana", 100)).await;
    let patch = server.call("PATCH", &impact).header("If-Match", "\"1\"").json(json!({ "person_ref": "ben" }));
    assert_eq!(patch.send().await.problem(422, "validation_failed"), errors(&[("/person_id", "other_person")]));
    let needs = json!({ "needs": [{ "kind": "peer_review" }, { "kind": "peer_review", "quorum": 2 }] });
    let twice = server.post(&format!("{impact}/validations"), needs).await.problem(422, "validation_failed");
    assert_eq!(twice, errors(&[("/needs/1/kind", "repeated_key")]));
    assert_eq!(server.get("/v1/impacts").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

async fn tiers_follow_from_verified_sums(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["ana", "fin"] {
        person(&server, name, json!({})).await;
    }
    let draft = json!({ "start_on": "2026-05-01", "people": [{ "person_ref": "ana" }] });
    let report = server.post("/v1/programs/ai-coaching/enrolments", draft).await.expect(200);
    let plan = format!("/v1/plans/{}", report["people"][0]["plan_id"].as_str().expect("an id"));
    let b4 = async || {
        let proofs = server.get(&format!("{plan}/proofs")).await.expect(200);
        proofs["proofs"].as_array().expect("proofs").iter().find(|one| one["key"] == "b4").cloned().expect("b4")
    };
    let first = claimed(&server, savings("ana", 2_000_000)).await;
    assert_eq!(b4().await["criteria"][0]["figure"], Value::Null, "a claim counts for nothing");
    verified(&server, &first).await;
    let found = b4().await;
    assert_eq!(found["criteria"][0]["figure"], json!(2_000_000.0));
    assert_eq!(found["criteria"][0]["subject"], "verified cost savings (USD)");
    let awards = async || {
        let awards = server.get("/v1/awards").await.expect(200);
        let mut keys: Vec<String> =
            pluck(&awards, "badge_key").iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
        keys.sort();
        keys
    };
    assert_eq!(awards().await.len(), 1, "bronze");
    let second = claimed(&server, savings("ana", 600_000)).await;
    verified(&server, &second).await;
    b4().await;
    assert_eq!(awards().await.len(), 2, "bronze and silver");
    for impact in [&first, &second] {
        server.post(&format!("{impact}/withdraw"), json!({ "reason": "It was counted twice." })).await.expect(200);
    }
    b4().await;
    assert_eq!(awards().await.len(), 2, "nothing is taken away silently");
    let contested = server.get("/v1/contested-proofs").await.expect(200);
    assert_eq!(pluck(&contested, "key"), ["b4"]);
}

async fn the_report_keeps_claims_apart(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["ana", "ben", "fin"] {
        person(&server, name, json!({})).await;
    }
    let customer = create_customer(&server, "Northwind").await;
    let draft = json!({ "start_on": "2026-05-01", "people": [{ "person_ref": "ana" }, { "person_ref": "ben" }] });
    let report = server.post("/v1/programs/ai-coaching/enrolments", draft).await.expect(200);
    let plan = report["people"][0]["plan_id"].as_str().expect("an id").to_owned();
    let version = server.get(&format!("/v1/plans/{plan}")).await.expect(200)["version"].clone();
    let budget = json!({ "budget_minor": 1_000_000, "currency": "USD" });
    let call = server.call("PATCH", &format!("/v1/plans/{plan}")).header("If-Match", &format!("\"{version}\""));
    call.json(budget).send().await.expect(200);
    let cost = json!({ "incurred_on": "2026-05-02", "amount_minor": 425_000 });
    server.post(&format!("/v1/plans/{plan}/costs"), cost).await.expect(201);
    let of_plan = |minor: i64, milestone: &str| {
        let mut draft = savings("ana", minor);
        draft["plan_id"] = json!(plan);
        draft["milestone_key"] = json!(milestone);
        draft
    };
    for (minor, milestone) in [(250_000, "b4"), (500_000, "t1")] {
        let impact = claimed(&server, of_plan(minor, milestone)).await;
        verified(&server, &impact).await;
    }
    let mut at_customer = savings("ben", 70_000);
    at_customer["customer_ref"] = json!("Northwind");
    at_customer["to_on"] = json!("2026-03-31");
    claimed(&server, at_customer).await;
    let hours = json!({ "person_ref": "ben", "title": "Reports write themselves", "kind": "hours_per_week", "baseline": 9, "result": 3,
        "from_on": "2026-02-01", "to_on": "2026-04-30", "attribution_percent": 50 });
    claimed(&server, hours).await;
    let report = async |query: &str| server.get(&format!("/v1/reports/impact{query}")).await.expect(200);
    let all = report("").await;
    let group = &all["groups"][0];
    assert_eq!((&group["n"], &all["groups"][1]), (&json!(4), &Value::Null));
    let money = &group["kinds"][0];
    assert_eq!([&money["verified"]["n"], &money["claimed"]["n"]], [2, 1]);
    let spread = ["sum", "median", "least", "most"].map(|field| money["verified"][field].as_f64().unwrap_or_default());
    assert_eq!(spread.map(f64::to_bits), [750_000.0, 375_000.0, 250_000.0, 500_000.0].map(f64::to_bits));
    assert_eq!((&group["kinds"][1]["claimed"]["sum"], &group["kinds"][1]["verified"]), (&json!(3.0), &Value::Null));
    assert_eq!(
        (&group["money"][0]["claimed_minor"], &group["money"][0]["costs_minor"]),
        (&json!(70_000), &Value::Null)
    );
    let program = report("?template=ai-coaching").await;
    let money = &program["groups"][0]["money"][0];
    assert_eq!((&money["verified_minor"], &money["costs_minor"]), (&json!(750_000), &json!(425_000)));
    assert!(money["roi_percent"].as_f64().is_some_and(|roi| (roi - 76.470_588).abs() < 1e-5), "{money}");
    let names = async |query: &str| {
        let found = report(query).await;
        let groups = found["groups"].as_array().expect("groups");
        groups.iter().map(|one| (one["name"].clone(), one["n"].clone())).collect::<Vec<_>>()
    };
    let without = |n: u32| (Value::Null, json!(n));
    let tracks = [(json!("Business"), json!(1)), (json!("Technical"), json!(1)), without(2)];
    assert_eq!(names("?group_by=track").await, tracks);
    assert_eq!(names("?group_by=customer").await, [(json!("Northwind"), json!(1)), without(3)]);
    assert_eq!(names("?group_by=template").await[1], without(2));
    assert_eq!(names("?track=Business").await, [without(1)]);
    assert_eq!(names(&format!("?customer_id={customer}")).await, [without(1)]);
    assert_eq!(names("?from=2026-04-01").await, [without(3)]);
    assert_eq!(names("?to=2026-03-31").await, [without(1)]);
    assert_eq!(names("?from=2027-01-01").await, []);
    server.get("/v1/reports/impact?from=2026-05-01&to=2026-04-01").await.problem(400, "invalid_parameter");
    server.get("/v1/reports/impact?template=nothing").await.problem(400, "invalid_parameter");
}

async fn impacts_follow_merges_and_erasure(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["ana", "anna", "fin"] {
        person(&server, name, json!({})).await;
    }
    create_customer(&server, "Northwind").await;
    let mut draft = savings("anna", 500);
    draft["customer_ref"] = json!("Northwind");
    let impact = claimed(&server, draft).await;
    verified(&server, &impact).await;
    let ana = server.get("/v1/people/by-ref/ana").await.expect(200);
    let path = format!("/v1/people/{}", ana["id"].as_str().expect("an id"));
    server.post(&format!("{path}/merges"), json!({ "duplicate_ref": "anna" })).await.expect(201);
    assert_eq!(server.get(&impact).await.expect(200)["person_name"], "ana");
    let customer = server.get("/v1/customers/by-ref/Northwind").await.expect(200);
    let erase = |path: String, version: Value| {
        server.call("POST", &format!("{path}/erase")).header("If-Match", &format!("\"{version}\"")).send()
    };
    let customer_path = format!("/v1/customers/{}", customer["id"].as_str().expect("an id"));
    erase(customer_path, customer["version"].clone()).await.expect(200);
    server.get(&impact).await.problem(404, "not_found");
    assert_eq!(server.get("/v1/validations").await.expect(200)["data"], json!([]));
    let own = claimed(&server, savings("ana", 1)).await;
    let version = server.get(&path).await.expect(200)["version"].clone();
    erase(path, version).await.expect(200);
    server.get(&own).await.problem(404, "not_found");
}
