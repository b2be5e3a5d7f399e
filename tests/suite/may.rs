//! What people may do with what is theirs: for single reads, lists and every operation alike.

use std::collections::BTreeSet;

use milepost::store::people::Person;
use milepost::store::row::{self, Column as _, Condition};
use milepost_domain::access::Scope;
use milepost_domain::access::role::Role;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};
use strum::VariantArray as _;
use uuid::Uuid;

use crate::acting::{acting, give, person, token_of};
use crate::contract::operations;
use crate::samples::{create, pluck};

on_both_engines!(
    what_is_hidden_cannot_be_named,
    relations_grant_what_is_theirs,
    a_list_shows_what_a_read_does,
    a_list_of_very_many,
    every_operation_for_every_role,
    what_waits_for_a_person
);

async fn what_is_hidden_cannot_be_named(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let hidden = person(&server, "hidden", json!({})).await;
    let coached = person(&server, "coached", json!({ "owner_ref": "ana" })).await;
    person(&server, "below", json!({ "manager_ref": "coached" })).await;
    create(&server, "/v1/customers", json!({ "name": "Secret", "external_ref": "secret", "owner_ref": "coached" }))
        .await;
    let milestones = json!([{ "key": "a", "name": "A", "planned_on": "2026-05-10" }]);
    let draft = |name: &str, owner: &str| json!({ "name": name, "start_on": "2026-05-01", "owner_ref": owner, "milestones": milestones });
    let plan = create(&server, "/v1/plans", draft("Mine", "ana")).await;
    let other = create(&server, "/v1/plans", draft("Other", "coached")).await;
    let (plan_id, other_id) = (plan.rsplit('/').next().expect("an id"), other.rsplit('/').next().expect("an id"));
    let token = token_of(&server, &client, "ana").await;
    let ask = async |method: &str, path: String, body: Value| {
        server.call(method, &path).bearer(&token).header("If-Match", "*").json(body).send().await
    };
    for (method, path, body, expected) in [
        ("PATCH", plan.clone(), json!({ "customer_ref": "secret" }), ("/customer_ref", "unknown_customer")),
        ("PATCH", plan.clone(), json!({ "person_ref": "hidden" }), ("/person_ref", "unknown_person")),
        ("PATCH", plan.clone(), json!({ "owner_id": hidden }), ("/owner_ref", "unknown_person")),
        ("PATCH", format!("{plan}/milestones/a"), json!({ "owner_ref": "hidden" }), ("/owner_ref", "unknown_person")),
        (
            "POST",
            format!("{plan}/milestones"),
            json!({ "key": "b", "name": "B", "planned_on": "2026-05-12", "owner_ref": "hidden" }),
            ("/owner_ref", "unknown_person"),
        ),
        (
            "POST",
            format!("{plan}/dependencies"),
            json!({ "milestone": "a", "on_plan_id": other_id, "on_milestone": "a" }),
            ("/on_plan_id", "unknown_plan"),
        ),
    ] {
        let refused = ask(method, path.clone(), body).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]), "{method} {path}");
    }
    // Who may write all plans, but not read people, names nobody whom they do not see.
    create(
        &server,
        "/v1/roles",
        json!({ "key": "planner", "name": "Planner", "scopes": ["plans:write", "plans:read"] }),
    )
    .await;
    give(&server, &ana, json!(["planner"])).await.expect(200);
    let fresh = |field: &str, value: &str| {
        let mut fresh = draft("Fresh", "ana");
        fresh[field] = json!(value);
        fresh
    };
    let mut of_hidden = draft("Fresh", "ana");
    of_hidden["milestones"][0]["owner_id"] = json!(hidden);
    for (body, expected) in [
        (fresh("owner_ref", "hidden"), ("/owner_ref", "unknown_person")),
        (fresh("person_ref", "hidden"), ("/person_ref", "unknown_person")),
        (fresh("customer_ref", "secret"), ("/customer_ref", "unknown_customer")),
        (of_hidden, ("/milestones/0/owner_ref", "unknown_person")),
    ] {
        let refused = ask("POST", "/v1/plans".to_owned(), body.clone()).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]), "{body}");
    }
    ask("POST", "/v1/plans".to_owned(), fresh("owner_ref", "coached")).await.expect(201);
    give(&server, &ana, json!([])).await.expect(200);
    ask("PATCH", plan.clone(), json!({ "owner_ref": "coached" })).await.expect(200);
    server.patch(&plan, json!({ "owner_id": ana })).await.expect(200);
    let wait = json!({ "milestone": "a", "on_plan_id": plan_id, "on_milestone": "a" });
    server.post(&format!("{other}/dependencies"), wait).await.expect(201);
    let read = async |path: String| server.call("GET", &path).bearer(&token).send().await.expect(200);
    assert_eq!(pluck(&read(format!("{plan}/dependents")).await, "id"), Vec::<&Value>::new());
    let slip = json!({ "forecast_on": "2026-05-20", "reason": "It comes later." });
    let tried = ask("POST", format!("{plan}/milestones/a/forecast-changes?dry_run=true"), slip).await.expect(200);
    assert_eq!(tried["elsewhere"], json!([]));
    assert_eq!(pluck(&read(format!("/v1/people/{coached}/responsibilities")).await, "name"), Vec::<&Value>::new());
    assert_eq!(pluck(&read(format!("/v1/people/{coached}/reports?indirect=true")).await, "name"), Vec::<&Value>::new());
    let own = read(format!("/v1/people/{ana}/responsibilities")).await;
    assert_eq!(pluck(&own, "kind"), ["people", "plans"]);
}

/// A circle may have more people than a statement has parameters.
async fn a_list_of_very_many(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    person(&server, "ben", json!({})).await;
    let mut ids: Vec<_> = (0..70_000).map(|_| server.app.clock.new_id().to_value()).collect();
    ids.insert(35_000, ana.parse::<Uuid>().expect("an id").to_value());
    let mut conn = server.app.db.read().await.expect("a connection");
    let found = row::all::<Person>(&mut conn, server.organization_id, &[Condition::OneOf("id", ids)], "id").await;
    let found: Vec<String> = found.expect("rows").iter().map(|person| person.id.to_string()).collect();
    assert_eq!(found, [ana]);
}

async fn relations_grant_what_is_theirs(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let ben = person(&server, "ben", json!({ "manager_ref": "ana" })).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "Northwind", "external_ref": "c" })).await;
    let petra = json!({ "kind": "participant", "customer_ref": "c" });
    person(&server, "petra", petra).await;
    let milestones = json!([{ "key": "a", "name": "A", "planned_on": "2026-05-10", "owner_ref": "ben" }]);
    let draft = json!({ "name": "P", "start_on": "2026-05-01", "owner_ref": "ana", "customer_ref": "c", "milestones": milestones });
    let plan = create(&server, "/v1/plans", draft).await;
    let [of_ana, of_ben, of_petra] = [
        token_of(&server, &client, "ana").await,
        token_of(&server, &client, "ben").await,
        token_of(&server, &client, "petra").await,
    ];
    let status = async |token: &str, method: &str, path: &str, body: Value| {
        let call = server.call(method, path).bearer(token);
        let call = if body.is_null() { call } else { call.header("If-Match", "*").json(body) };
        call.send().await.status.as_u16()
    };
    let rename = json!({ "note": "In good shape." });
    let milestone = format!("{plan}/milestones/a");
    for (token, method, path, body, expected) in [
        (&of_ana, "GET", plan.clone(), Value::Null, 200),
        (&of_ana, "PATCH", milestone.clone(), rename.clone(), 200),
        (&of_ana, "GET", format!("/v1/people/{ben}"), Value::Null, 200),
        (&of_ana, "PATCH", format!("/v1/people/{ben}"), json!({ "name": "B" }), 403),
        (&of_ana, "GET", customer.clone(), Value::Null, 404),
        (&of_ana, "GET", "/v1/reports/spi".to_owned(), Value::Null, 403),
        (&of_ana, "POST", "/v1/plans".to_owned(), json!({ "name": "Q" }), 403),
        (&of_ben, "GET", milestone.clone(), Value::Null, 200),
        (&of_ben, "PATCH", milestone.clone(), rename.clone(), 403),
        (&of_ben, "GET", format!("/v1/people/{ana}"), Value::Null, 200),
        (&of_ben, "GET", format!("/v1/people/{ben}/managers"), Value::Null, 200),
        (&of_petra, "GET", customer.clone(), Value::Null, 200),
        (&of_petra, "GET", plan.clone(), Value::Null, 200),
        (&of_petra, "GET", format!("{plan}/status-report"), Value::Null, 200),
        (&of_petra, "PATCH", plan.clone(), json!({ "name": "Q" }), 403),
        (&of_petra, "GET", format!("/v1/people/{ana}"), Value::Null, 404),
    ] {
        assert_eq!(status(token, method, &path, body).await, expected, "{method} {path}");
    }
    let other = create(&server, "/v1/plans", json!({ "name": "Other", "start_on": "2026-05-01", "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-10" }] })).await;
    for token in [&of_ana, &of_ben, &of_petra] {
        assert_eq!(status(token, "GET", &other, Value::Null).await, 404);
        let unknown = "/v1/plans/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
        assert_eq!(status(token, "GET", unknown, Value::Null).await, 404);
        let plans = server.call("GET", "/v1/plans").bearer(token).send().await.expect(200);
        assert_eq!(pluck(&plans, "name"), ["P"]);
    }
    // Relations are those of the day: ben reports to somebody else from now on.
    server.post(&format!("/v1/people/{ben}/reporting-lines"), json!({})).await.expect(201);
    assert_eq!(status(&of_ana, "GET", &format!("/v1/people/{ben}"), Value::Null).await, 404);
}

async fn a_list_shows_what_a_read_does(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let mut random = Pcg64Mcg::seed_from_u64(14);
    let names = ["ana", "ben", "cai", "dan", "eva", "fay", "gus"];
    let mut customers = vec![];
    for name in ["c1", "c2"] {
        customers.push(create(&server, "/v1/customers", json!({ "name": name, "external_ref": name })).await);
    }
    for (at, name) in names.iter().enumerate() {
        let mut more = json!({});
        if at > 0 && random.random_bool(0.7) {
            more["manager_ref"] = json!(names[random.random_range(0..at)]);
        }
        if at > 0 && random.random_bool(0.4) {
            more["owner_ref"] = json!(names[random.random_range(0..at)]);
        }
        if at > 4 {
            (more["kind"], more["customer_ref"]) =
                (json!("participant"), json!(format!("c{}", random.random_range(1..3))));
        }
        person(&server, name, more).await;
    }
    let team = create(&server, "/v1/teams", json!({ "name": "T", "lead_ref": "cai" })).await;
    let part = json!({ "name": "Part", "parent_id": team.rsplit('/').next().expect("an id") });
    let part = create(&server, "/v1/teams", part).await;
    server.post(&format!("{team}/members"), json!({ "person_ref": "fay" })).await.expect(201);
    server.post(&format!("{part}/members"), json!({ "person_ref": "dan" })).await.expect(201);
    for number in 0..14 {
        let some = |random: &mut Pcg64Mcg, share: f64| {
            random.random_bool(share).then(|| names[random.random_range(0..names.len())])
        };
        let customer = random.random_bool(0.4).then(|| format!("c{}", random.random_range(1..3)));
        let draft = json!({ "name": format!("P{number:02}"), "start_on": "2026-05-01", "owner_ref": some(&mut random, 0.5),
            "person_ref": some(&mut random, 0.3), "customer_ref": customer,
            "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-10", "owner_ref": some(&mut random, 0.4) }] });
        create(&server, "/v1/plans", draft).await;
    }
    server.patch(&customers[0], json!({ "owner_ref": "eva" })).await.expect(200);
    let all = async |list: &str, token: Option<&str>, field: &str| -> BTreeSet<String> {
        let call = server.call("GET", &format!("{list}?limit=200"));
        let call = if let Some(token) = token { call.bearer(token) } else { call };
        let found = call.send().await.expect(200);
        pluck(&found, field).into_iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
    };
    let mut seen = 0;
    for name in names {
        let token = token_of(&server, &client, name).await;
        for (list, field) in
            [("/v1/plans", "id"), ("/v1/people", "id"), ("/v1/customers", "id"), ("/v1/milestones", "plan_id")]
        {
            let shown = all(list, Some(&token), field).await;
            let one = if list == "/v1/milestones" { "/v1/plans" } else { list };
            for id in all(list, None, field).await {
                let read = server.call("GET", &format!("{one}/{id}")).bearer(&token).send().await.status;
                assert_eq!(read == 200, shown.contains(&id), "{name} {list} {id}: {read}");
                seen += usize::from(read == 200);
            }
        }
    }
    assert!(seen > 40, "the chart is not empty: {seen}");
}

async fn every_operation_for_every_role(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["admin"])).await;
    let document = server.app.document.value();
    let id = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    for role in Role::VARIANTS {
        let name = role.to_string().replace('_', "-");
        let somebody = person(&server, &name, json!({})).await;
        give(&server, &somebody, json!([role])).await.expect(200);
        let token = token_of(&server, &client, &name).await;
        for (method, path, operation) in operations(&document) {
            let Some(needed) = operation["security"][0]["bearer"][0].as_str() else { continue };
            let needed: Scope = needed.parse().expect("a scope");
            let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
            let call = server.call(&method.to_uppercase(), &filled.join("/")).bearer(&token).header("If-Match", "*");
            // Whom a handler decides about is asked with what the document shows as an example.
            let content = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let schema = content.as_str().and_then(|of| document.pointer(&of[1..]));
            let example =
                schema.map(|schema| schema["examples"][0].clone()).filter(|_| operation["x-related"] == "list");
            let call = example.into_iter().fold(call, milepost_tests::Call::json);
            let is_patch = operation["requestBody"]["content"]["application/merge-patch+json"].is_object();
            let call = if is_patch { call.body("application/merge-patch+json", "{}") } else { call };
            let status = call.send().await.status.as_u16();
            let is_allowed = role.scopes().contains(&Scope::Admin) || role.scopes().contains(&needed);
            let expected = match operation["x-related"].as_str() {
                _ if is_allowed => status != 403 && status != 401,
                None => status == 403,
                // What the path names of a list may not be there.
                Some("list") => status == 200 || (status == 404 && path.contains('{')),
                Some(_) => status == 404,
            };
            assert!(expected, "{role} {method} {path}: {status}");
        }
    }
}

async fn what_waits_for_a_person(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    person(&server, "ana", json!({})).await;
    person(&server, "ben", json!({ "manager_ref": "ana" })).await;
    let milestones = json!([
        { "key": "a", "name": "A", "planned_on": "2026-04-30", "owner_ref": "ana" },
        { "key": "b", "name": "B", "planned_on": "2026-06-10", "owner_ref": "ana" },
        { "key": "c", "name": "C", "planned_on": "2026-05-10", "owner_ref": "ben" },
        { "key": "d", "name": "D", "planned_on": "2026-04-29", "actual_on": "2026-04-29", "owner_ref": "ana" },
    ]);
    create(&server, "/v1/plans", json!({ "name": "P", "start_on": "2026-04-01", "milestones": milestones })).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "C", "owner_ref": "ana" })).await;
    let customer_id = customer.rsplit('/').next().expect("an id");
    let task = json!({ "customer_id": customer_id, "kind": "coaching", "title": "Call", "due_on": "2026-05-20" });
    create(&server, "/v1/interventions", task).await;
    let token = token_of(&server, &client, "ana").await;
    let me = server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
    let items = json!({ "data": me["waiting"]["items"] });
    assert_eq!(pluck(&items, "name"), ["A", "Call", "B"]);
    assert_eq!(pluck(&items, "overdue"), [true, false, false]);
    assert_eq!((&me["waiting"]["overdue"], &me["reports"]), (&json!(1), &json!(1)));
}
