//! Intake from Segment's libraries, used without changes.

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(
    a_batch_is_people_customers_and_events,
    the_write_key_is_the_user,
    a_beacon_has_its_key_in_the_body,
    built_in_paths_are_served,
    wrong_messages_do_not_hold_up_others,
    a_write_key_fills_and_does_not_change,
    one_broken_message_costs_none_of_the_others,
    each_write_key_is_a_source,
    the_order_of_arrival_does_not_matter,
    events_go_with_their_person,
    who_moves_takes_later_events_along,
);

fn track(id: &str, context: &Value) -> Value {
    json!({
        "type": "track", "messageId": id, "userId": "u-1", "event": "Report Exported", "properties": { "rows": 3 }, "context": context,
        "timestamp": "2026-05-04T09:00:00.000Z", "integrations": {}, "_metadata": { "bundled": [] }
    })
}

async fn a_batch_is_people_customers_and_events(engine: Engine) {
    let server = Server::start(engine).await;
    let library = json!({ "library": { "name": "@segment/analytics-node", "version": "2.1.0" } });
    let batch = json!({ "sentAt": "2026-05-04T12:00:00.000Z", "writeKey": "k", "batch": [
        { "type": "identify", "messageId": "1", "userId": "u-1", "traits": { "firstName": "Ana", "lastName": "Petrova", "email": "ana@example.com" } },
        { "type": "group", "messageId": "2", "userId": "u-1", "groupId": "crm-4711", "traits": { "name": "Northwind", "plan": "pro" } },
        track("3", &library),
        { "type": "page", "messageId": "4", "userId": "u-1", "name": "Home", "properties": { "path": "/" }, "timestamp": "2026-05-04T09:01:00Z" },
        { "type": "alias", "messageId": "5", "userId": "u-1", "previousId": "a" },
    ] });
    let answer = server.post("/v1/segment/batch", batch.clone()).await.expect(200);
    let expected = json!({ "success": true, "received": 5, "events": 2, "duplicates": 0, "people": 2, "customers": 1, "ignored": 1, "rejected": [] });
    assert_eq!(answer, expected);
    let customer = server.get("/v1/customers/by-ref/crm-4711").await.expect(200);
    assert_eq!((&customer["name"], &customer["segment"]), (&json!("Northwind"), &json!("pro")));
    let person = server.get("/v1/people/by-ref/u-1").await.expect(200);
    assert_eq!(
        (&person["name"], &person["email"], &person["kind"], &person["customer_id"]),
        (&json!("Ana Petrova"), &json!("ana@example.com"), &json!("participant"), &customer["id"])
    );
    let events = server.get("/v1/events?subject=crm-4711").await.expect(200);
    assert_eq!(
        pluck(&events, "type"),
        [&json!("page"), &json!("Report Exported")],
        "they are of the person's customer"
    );
    assert_eq!(events["data"][0]["data"], json!({ "name": "Home", "path": "/" }));
    let again = server.post("/v1/segment/batch", batch).await.expect(200);
    assert_eq!((&again["events"], &again["duplicates"], &again["success"]), (&json!(0), &json!(2), &json!(true)));
    assert_eq!(
        server.get("/v1/people/by-ref/u-1").await.expect(200)["version"],
        person["version"],
        "nothing has changed"
    );
    create(
        &server,
        "/v1/metrics",
        json!({ "key": "exports", "event_type": "Report Exported", "aggregate": "sum", "property": "rows" }),
    )
    .await;
    let metrics = server.get("/v1/customers/by-ref/crm-4711/metrics").await.expect(200);
    assert_eq!(metrics["data"][0]["value"], 3.0);
    let moved = json!({ "userId": "u-1", "groupId": "other", "traits": {} });
    server.post("/v1/segment/group", moved).await.expect(200);
    let third = server.post("/v1/segment/track", track("3", &library)).await.expect(200);
    assert_eq!(third["duplicates"], 1, "sent again after the person has moved, it is the same");
    server.post("/v1/segment/identify", json!({ "userId": "u-1", "traits": { "plan": "x" } })).await.expect(200);
    let kept = server.get("/v1/people/by-ref/u-1").await.expect(200);
    assert_eq!(
        (&kept["name"], &kept["email"]),
        (&json!("Ana Petrova"), &json!("ana@example.com")),
        "what is not said stays"
    );
}

async fn the_write_key_is_the_user(engine: Engine) {
    use base64::Engine as _;
    let server = Server::start(engine).await;
    let basic = |key: &str| format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("{key}:")));
    let send = |key: &str, path: &str| {
        let call = server.call("POST", path).anonymous().header("Authorization", &basic(key));
        // Browsers send plain text, so that no preflight request is needed.
        call.body("text/plain", track("m", &json!({ "groupId": "g" })).to_string()).send()
    };
    let key = server.key_of("Northwind", &[Scope::EventsWrite]).await;
    assert_eq!(send(&key, "/v1/segment/track").await.expect(200)["events"], 1);
    let reader = server.key_of("Northwind", &[Scope::EventsRead]).await;
    send(&reader, "/v1/segment/track").await.problem(403, "forbidden");
    send("mp_nobody", "/v1/segment/track").await.problem(401, "unauthenticated");
    send(&key, "/v1/events").await.problem(401, "unauthenticated");
}

async fn a_beacon_has_its_key_in_the_body(engine: Engine) {
    let server = Server::start(engine).await;
    let key = server.key_of("acme", &[Scope::EventsWrite]).await;
    let body = |key: &str| json!({ "batch": [track("m-1", &json!({}))], "sentAt": "2026-05-04T09:00:00.000Z", "writeKey": key });
    let beacon = async |path: &str, body: Value| {
        server.call("POST", path).anonymous().body("text/plain;charset=UTF-8", body.to_string()).send().await
    };
    assert_eq!(beacon("/v1/segment/b", body(&key)).await.expect(200)["received"], 1);
    let mut single = track("m-2", &json!({}));
    single["writeKey"] = json!(key);
    assert_eq!(beacon("/v1/segment/t", single).await.expect(200)["events"], 1);
    let wrong = beacon("/v1/segment/b", body("mp_wrong")).await;
    wrong.problem(401, "unauthenticated");
    beacon("/v1/segment/b", json!({ "batch": [] })).await.problem(401, "unauthenticated");
    // Elsewhere a body is no credential, and neither is a part of a large one.
    beacon("/v1/events", json!({ "writeKey": key })).await.problem(401, "unauthenticated");
    let large = json!({ "batch": [], "writeKey": key, "padding": "x".repeat(70_000) });
    beacon("/v1/segment/b", large).await.problem(401, "unauthenticated");
}

async fn wrong_messages_do_not_hold_up_others(engine: Engine) {
    let server = Server::start(engine).await;
    let mut other = track("1", &json!({}));
    other["event"] = json!("Something else");
    let batch = json!({ "batch": [
        track("1", &json!({})), { "type": "track", "event": "No id" }, { "type": "delete" }, { "type": "identify" }, other, "text",
        { "type": "track", "messageId": "7", "event": "E", "userId": { "a": 1 } },
    ] });
    let answer = server.post("/v1/segment/batch", batch).await.expect(200);
    assert_eq!((&answer["success"], &answer["events"]), (&json!(false), &json!(1)));
    let rejected: Vec<(u64, &str, &Value)> = answer["rejected"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["index"].as_u64().expect("an index"), one["code"].as_str().expect("a code"), &one["pointer"]))
        .collect();
    assert_eq!(
        rejected,
        [
            (1, "required", &json!("/messageId")),
            (2, "not_an_option", &json!("/type")),
            (3, "required", &json!("/userId")),
            (4, "conflict", &json!("/messageId")),
            (5, "not_valid", &json!("")),
            (6, "wrong_type", &json!("/userId")),
        ]
    );
    let broken = server.call("POST", "/v1/segment/batch").body("application/json", "{").send().await;
    broken.problem(400, "malformed_body");
}

async fn one_broken_message_costs_none_of_the_others(engine: Engine) {
    let server = Server::start(engine).await;
    let good = |id: &str| track(id, &json!({ "groupId": "g" })).to_string();
    let surrogate = good("2").replace("Report Exported", "\\ud800");
    let not_a_number = good("3").replace(":3}", ":NaN}");
    let too_large = good("4").replace(":3}", ":1e999}");
    let nothing = good("5").replace("{\"rows\":3}", "[]");
    let batch =
        format!(r#"{{"batch": [{}, {surrogate}, {not_a_number}, {too_large}, {nothing}], "sentAt": NaN}}"#, good("1"));
    let send = async |path: &str, body: String| server.call("POST", path).body("application/json", body).send().await;
    let answer = send("/v1/segment/batch", batch.clone()).await.expect(200);
    assert_eq!((&answer["received"], &answer["events"], &answer["success"]), (&json!(5), &json!(2), &json!(false)));
    assert_eq!(pluck(&json!({ "data": answer["rejected"] }), "index"), [&json!(1), &json!(2), &json!(3)]);
    let single = send("/v1/segment/track", not_a_number.clone()).await.expect(200);
    assert_eq!((&single["success"], &single["rejected"][0]["code"]), (&json!(false), &json!("malformed")));

    let kept = server.get("/v1/events/rejected").await.expect(200);
    assert_eq!(pluck(&kept, "channel")[0], "segment_track", "the newest first");
    assert_eq!(kept["data"].as_array().map(Vec::len), Some(4), "libraries do not read the answer");
    let filtered = server.get("/v1/events/rejected?channel=segment_batch&limit=1").await.expect(200);
    let lost = &filtered["data"][0];
    assert_eq!(
        (&lost["content"], &lost["code"], &lost["is_cut"]),
        (&json!(too_large), &json!("malformed"), &json!(false))
    );

    let path = format!("/v1/events/rejected/{}", lost["id"].as_str().expect("an id"));
    let again = server.call("POST", &format!("{path}/replay")).send().await.problem(422, "validation_failed");
    assert_eq!(again, milepost_tests::errors(&[("/message", "malformed")]));
    let mended = json!({ "message": track("4", &json!({ "groupId": "g" })) });
    assert_eq!(server.post(&format!("{path}/replay"), mended.clone()).await.status, 204);
    server.post(&format!("{path}/replay"), mended).await.problem(404, "not_found");
    let events = server.get("/v1/events?limit=10").await.expect(200);
    assert_eq!(pluck(&events, "id"), [&json!("4"), &json!("5"), &json!("1")]);
    assert_eq!(events["data"][0]["source"], events["data"][1]["source"], "it is of its sender, whoever takes it again");
    let whole = server
        .get(&format!("/v1/events/rejected/{}", kept["data"][0]["id"].as_str().expect("an id")))
        .await
        .expect(200);
    assert_eq!(whole["content"], not_a_number);
    let rest = server.get("/v1/events/rejected").await.expect(200);
    for one in rest["data"].as_array().expect("the rest") {
        let path = format!("/v1/events/rejected/{}", one["id"].as_str().expect("an id"));
        assert_eq!(server.call("DELETE", &path).send().await.status, 204);
    }
    assert_eq!(server.get("/v1/events/rejected").await.expect(200)["data"], json!([]));
    send("/v1/segment/batch", "{\"batch\": [1, 2}".to_owned()).await.problem(400, "malformed_body");
    send("/v1/segment/batch", "{}".to_owned()).await.problem(400, "malformed_body");

    send("/v1/segment/batch", batch).await.expect(200);
    server.clock.advance(chrono::Duration::days(31));
    milepost::jobs::prune(&server.app).await.expect("pruned");
    assert_eq!(server.get("/v1/events/rejected").await.expect(200)["data"], json!([]), "kept for thirty days");
}

/// The same messages in every order leave the same people and customers.
async fn the_order_of_arrival_does_not_matter(engine: Engine) {
    let messages = [
        json!({ "type": "group", "userId": "u", "groupId": "old", "traits": { "name": "Old", "plan": "free" }, "timestamp": "2026-05-04T09:00:00Z" }),
        json!({ "type": "group", "userId": "u", "groupId": "new", "traits": { "name": "New" }, "timestamp": "2026-05-04T10:00:00Z" }),
        json!({ "type": "group", "groupId": "old", "traits": { "name": "Older", "plan": "pro" }, "timestamp": "2026-05-04T10:30:00Z" }),
        json!({ "type": "identify", "userId": "u", "traits": { "name": "Ana", "email": "ana@example.com" }, "timestamp": "2026-05-04T09:30:00Z" }),
        json!({ "type": "identify", "userId": "u", "traits": { "name": "Ana Petrova" }, "timestamp": "2026-05-04T11:00:00Z" }),
    ];
    let mut seen = vec![];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 4, 2, 3], [2, 4, 1, 3, 0]] {
        let server = Server::start(engine).await;
        for at in order {
            server.post("/v1/segment/batch", json!({ "batch": [messages[at]] })).await.expect(200);
            // Sent again, it changes nothing either.
            server.post("/v1/segment/batch", json!({ "batch": [messages[at], messages[order[0]]] })).await.expect(200);
        }
        let person = server.get("/v1/people/by-ref/u").await.expect(200);
        let old = server.get("/v1/customers/by-ref/old").await.expect(200);
        let fields = [&person["name"], &person["email"], &person["customer_ref"], &old["name"], &old["segment"]];
        seen.push(fields.map(Clone::clone));
    }
    let expected = ["Ana Petrova", "ana@example.com", "new", "Older", "pro"].map(Value::from);
    assert!(seen.iter().all(|one| *one == expected), "{seen:#?}");
}

/// The identifiers of the events that a list has, in their order.
async fn listed(server: &Server, path: &str) -> Vec<String> {
    let list = server.get(path).await.expect(200);
    let mut ids: Vec<String> = list["data"]
        .as_array()
        .expect("events")
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort_unstable();
    ids
}

async fn events_go_with_their_person(engine: Engine) {
    let group =
        |customer: &str, at: &str| json!({ "type": "group", "userId": "u", "groupId": customer, "timestamp": at });
    let track = |id: &str, at: &str| json!({ "type": "track", "event": "used", "userId": "u", "messageId": id, "timestamp": at });
    let messages = [
        group("old", "2026-05-04T09:00:00Z"),
        group("new", "2026-05-04T10:00:00Z"),
        track("before", "2026-05-04T08:00:00Z"),
        track("between", "2026-05-04T09:30:00Z"),
        track("after", "2026-05-04T10:30:00Z"),
        json!({
            "type": "track", "event": "used", "userId": "u", "messageId": "named", "timestamp": "2026-05-04T10:40:00Z",
            "context": { "groupId": "old" },
        }),
    ];
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 1, 3, 0, 5, 4], [1, 2, 3, 4, 5, 0]] {
        let server = Server::start(engine).await;
        create(&server, "/v1/metrics", json!({ "key": "uses", "event_type": "used", "aggregate": "count" })).await;
        let mut groups = 0;
        for at in order {
            server.post("/v1/segment/batch", json!({ "batch": [messages[at]] })).await.expect(200);
            groups += usize::from(at < 2);
            if groups > 0 {
                // What is kept in memory follows.
                let name = if listed(&server, "/v1/events?subject=old").await.is_empty() { "new" } else { "old" };
                server.get(&format!("/v1/customers/by-ref/{name}/metrics")).await;
            } else if at == 2 {
                let held = server.get("/v1/events/quarantine").await.expect(200);
                let before = held["data"].as_array().expect("events").iter().find(|one| one["id"] == "before");
                assert_eq!(before.expect("it waits, visibly")["held"], "unknown_customer");
            }
        }
        assert_eq!(listed(&server, "/v1/events?subject=old").await, ["before", "between", "named"], "{order:?}");
        assert_eq!(listed(&server, "/v1/events?subject=new").await, ["after"], "{order:?}");
        assert_eq!(listed(&server, "/v1/events/quarantine").await, Vec::<String>::new(), "{order:?}");
        for (name, uses) in [("old", 3.0), ("new", 1.0)] {
            let metrics = server.get(&format!("/v1/customers/by-ref/{name}/metrics")).await.expect(200);
            assert_eq!(metrics["data"][0]["value"], uses, "{order:?}: {name}");
        }
    }
}

async fn who_moves_takes_later_events_along(engine: Engine) {
    let server = Server::start(engine).await;
    create(&server, "/v1/metrics", json!({ "key": "uses", "event_type": "used", "aggregate": "count" })).await;
    let send = async |id: &str, time: &str| {
        let event = json!({ "id": id, "source": "app", "type": "used", "time": time, "data": { "person": "ana" } });
        server.post("/v1/events", json!([event])).await.expect(200)
    };
    let uses = async |name: &str| {
        let metrics = server.get(&format!("/v1/customers/by-ref/{name}/metrics")).await.expect(200);
        metrics["data"][0]["value"].as_f64().expect("a number")
    };
    // An event of a person alone counts for the person alone until somebody says whose the person is.
    assert_eq!(send("early", "2026-05-01T10:00:00Z").await["accepted"], 1);
    for name in ["northwind", "contoso"] {
        create(&server, "/v1/customers", json!({ "name": name, "external_ref": name })).await;
    }
    let person = json!({ "name": "Ana", "kind": "participant", "external_ref": "ana", "customer_ref": "northwind" });
    let person = create(&server, "/v1/people", person).await;
    assert_eq!((uses("northwind").await, uses("contoso").await), (1.0, 0.0));
    server.app.clock.advance(chrono::Duration::hours(1));
    server.patch(&person, json!({ "customer_ref": "contoso" })).await.expect(200);
    send("late", "2026-05-02T10:00:00Z").await;
    assert_eq!((uses("northwind").await, uses("contoso").await), (2.0, 0.0), "it happened before");
    server.app.clock.advance(chrono::Duration::hours(2));
    let now = server.app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    send("now", &now).await;
    assert_eq!((uses("northwind").await, uses("contoso").await), (2.0, 1.0));
    // An event of a clock that is ahead happens after its person has left.
    let soon =
        (server.app.clock.now() + chrono::Duration::minutes(4)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    send("soon", &soon).await;
    assert_eq!((uses("northwind").await, uses("contoso").await), (2.0, 2.0));
    server.app.clock.advance(chrono::Duration::minutes(1));
    server.patch(&person, json!({ "customer_id": null, "customer_ref": null })).await.expect(200);
    assert_eq!((uses("northwind").await, uses("contoso").await), (2.0, 1.0));
    assert_eq!(listed(&server, "/v1/events/quarantine").await, ["soon"]);
    // A customer that gets its reference later gets what its people did.
    let third = create(&server, "/v1/customers", json!({ "name": "Fabrikam" })).await;
    let id = third.rsplit('/').next().expect("an id");
    let person = json!({ "name": "Ben", "kind": "participant", "external_ref": "ben", "customer_id": id });
    create(&server, "/v1/people", person).await;
    let event = json!({ "id": "ben", "source": "app", "type": "used", "time": "2026-05-03T10:00:00Z", "data": { "person": "ben" } });
    server.post("/v1/events", json!([event])).await.expect(200);
    server.patch(&third, json!({ "external_ref": "fabrikam" })).await.expect(200);
    assert_eq!((uses("fabrikam").await, uses("contoso").await), (1.0, 1.0));
}

async fn each_write_key_is_a_source(engine: Engine) {
    let server = Server::start(engine).await;
    let message = |event: &str| json!({ "messageId": "1", "userId": "u", "event": event });
    for (client, event) in [("Web", "Visited"), ("Backend", "Billed")] {
        let body = json!({ "name": client, "scopes": ["events:write"] });
        let made = server.post("/v1/api-clients", body).await.expect(201);
        let key = made["key"]["secret"]
            .as_str()
            .or(made["secret"].as_str())
            .or(made["key"].as_str())
            .expect("a key")
            .to_owned();
        let answer =
            server.call("POST", "/v1/segment/track").bearer(&key).json(message(event)).send().await.expect(200);
        assert_eq!(answer["events"], 1, "the same messageId of another library is another event: {answer}");
    }
    let events = server.get("/v1/events").await.expect(200);
    let sources: Vec<&str> = pluck(&events, "source").into_iter().filter_map(Value::as_str).collect();
    assert!(sources[0] != sources[1] && sources.iter().all(|one| one.starts_with("segment/")), "{sources:?}");
}

/// The paths that the libraries append to the configured host.
async fn built_in_paths_are_served(engine: Engine) {
    let server = Server::start(engine).await;
    let one = |id: &str| track(id, &json!({ "groupId": "g" }));
    let identify = json!({ "userId": "u", "traits": { "name": "Ana" } });
    let group = json!({ "groupId": "g", "traits": { "name": "Northwind" } });
    let page = json!({ "messageId": "4", "userId": "u", "name": "Home" });
    for (path, message, field) in [
        ("t", one("1"), "events"),
        ("i", identify, "people"),
        ("g", group, "customers"),
        ("p", page.clone(), "events"),
        ("s", json!({ "messageId": "5", "userId": "u", "name": "Home" }), "events"),
        ("a", json!({ "messageId": "6", "userId": "u", "previousId": "a" }), "ignored"),
        ("b", json!({ "batch": [one("2")] }), "events"),
        ("v1/batch", json!({ "batch": [one("3")] }), "events"),
    ] {
        let mut message = message;
        if let Some(fields) = message.as_object_mut() {
            fields.remove("type");
        }
        let answer = server.post(&format!("/v1/segment/{path}"), message).await.expect(200);
        assert_eq!((&answer["success"], &answer[field]), (&json!(true), &json!(1)), "{path}");
    }
}

async fn a_write_key_fills_and_does_not_change(engine: Engine) {
    let server = Server::start(engine).await;
    server.post("/v1/customers", json!({ "name": "Northwind", "external_ref": "crm-1" })).await.expect(201);
    let ana = json!({ "name": "Ana", "external_ref": "u-1", "kind": "participant", "email": "ana@example.com", "customer_ref": "crm-1" });
    server.post("/v1/people", ana).await.expect(201);
    let batch = |name: &str| {
        json!({ "batch": [
            { "type": "group", "userId": "u-1", "groupId": "crm-1", "traits": { "name": name, "plan": "pro" } },
            { "type": "group", "userId": "u-1", "groupId": "crm-2", "traits": {} },
            { "type": "identify", "userId": "u-1", "traits": { "name": name, "email": "mallory@example.com" } },
            { "type": "identify", "userId": "u-2", "traits": { "email": "u2@example.com" } },
        ] })
    };
    let send = async |scopes: &[Scope], name: &str| {
        let key = server.key_of("Northwind", scopes).await;
        server.call("POST", "/v1/segment/batch").bearer(&key).json(batch(name)).send().await.expect(200);
        let customer = server.get("/v1/customers/by-ref/crm-1").await.expect(200);
        let person = server.get("/v1/people/by-ref/u-1").await.expect(200);
        ["name", "segment"]
            .map(|field| customer[field].clone())
            .into_iter()
            .chain(["name", "email", "customer_ref"].map(|field| person[field].clone()))
            .collect::<Vec<_>>()
    };
    let kept = send(&[Scope::EventsWrite], "Mallory").await;
    assert_eq!(kept, ["Northwind", "pro", "Ana", "ana@example.com", "crm-1"], "only the empty segment is filled");
    let made = server.get("/v1/people/by-ref/u-2").await.expect(200);
    assert_eq!(
        (&made["name"], &made["email"]),
        (&json!("u2@example.com"), &json!("u2@example.com")),
        "what is new is created"
    );
    let changed = send(&[Scope::EventsWrite, Scope::CustomersWrite, Scope::PeopleWrite], "Contoso").await;
    assert_eq!(changed, ["Contoso", "pro", "Contoso", "mallory@example.com", "crm-2"], "with the scopes for it");
}
