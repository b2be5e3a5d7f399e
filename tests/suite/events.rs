//! Intake of usage events: every format and every mistake, without lost or duplicate events.

use std::io::Write;

use chrono::Duration;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create_customer, pluck};

on_both_engines!(
    events_are_kept_as_long_as_wanted,
    events_come_in_every_form,
    an_event_is_counted_once,
    one_bad_event_holds_up_nobody,
    all_or_none_where_that_is_asked,
    what_does_not_count_waits,
    cloud_events_by_the_letter,
    compressed_bodies_are_bounded,
    bodies_have_limits,
    many_at_once_are_all_there,
    events_are_listed,
    real_events_twice,
);

fn event(id: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "app", "type": "login", "subject": "northwind", "time": "2026-05-04T10:00:00Z", "data": { "n": 1 } })
}

async fn send(server: &Server, media_type: &str, body: impl Into<Vec<u8>>) -> Reply {
    let body: Vec<u8> = body.into();
    server.call("POST", "/v1/events").body(media_type, body).send().await
}

async fn send_json(server: &Server, query: &str, body: Value) -> Reply {
    server.call("POST", &format!("/v1/events{query}")).json(body).send().await
}

/// Returns `(accepted, duplicate, conflict, rejected, quarantined)`.
fn counts(answer: &Value) -> [i64; 5] {
    ["accepted", "duplicate", "conflict", "rejected", "quarantined"].map(|name| answer[name].as_i64().expect("a count"))
}

async fn events_come_in_every_form(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let lines = format!("{}\r\n\n{}\n", event("5"), event("6"));
    for (media_type, body) in [
        ("application/cloudevents+json; charset=utf-8", event("1").to_string()),
        ("Application/CloudEvents-Batch+JSON", json!([event("2"), event("3")]).to_string()),
        ("application/json", event("4").to_string()),
        ("application/x-ndjson", lines),
        ("application/json;charset=UTF-8", format!("  {}", json!([event("7")]))),
    ] {
        let taken = send(&server, media_type, body).await.expect(200);
        assert_eq!(counts(&taken)[1..], [0; 4], "{media_type}: {taken}");
    }
    let binary = server
        .call("POST", "/v1/events")
        .header("ce-specversion", "1.0")
        .header("ce-id", "8")
        .header("ce-source", "app");
    let binary = binary.header("ce-type", "login").header("ce-subject", "Caf%C3%A9").header("ce-region", "eu");
    let taken = binary.body("application/json", "{\"n\":2}").send().await.expect(200);
    assert_eq!(taken["results"][0]["code"], "unknown_customer");
    let listed = server.get("/v1/events").await.expect(200);
    let last = &listed["data"][0];
    let seen = ["id", "subject", "data", "extensions", "time", "held"].map(|field| last[field].clone());
    let expected = [
        json!("8"),
        json!("Café"),
        json!({ "n": 2 }),
        json!({ "region": "eu" }),
        json!("2026-05-04T12:00:00Z"),
        json!("unknown_customer"),
    ];
    assert_eq!(seen, expected, "an event without a time happened when it came");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(8));
    send(&server, "text/plain", "x").await.problem(415, "unsupported_media_type");
    send(&server, "application/json", "{").await.problem(400, "malformed_body");
    send(&server, "application/json", "[{}").await.problem(400, "malformed_body");
    let nothing = send(&server, "application/json", "[]").await.expect(200);
    assert_eq!((&nothing["received"], &nothing["computed_seq"]), (&json!(0), &json!(8)));
}

async fn cloud_events_by_the_letter(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let binary = |headers: &[(&str, &str)], media_type: Option<&str>, body: &[u8]| {
        let mut call = server.call("POST", "/v1/events");
        for (name, value) in headers {
            call = call.header(name, value);
        }
        match media_type {
            Some(media_type) => call.body(media_type, body.to_vec()).send(),
            None => call.untyped_body(body.to_vec()).send(),
        }
    };
    let base = [
        ("ce-id", "1"),
        ("ce-source", "app"),
        ("ce-type", "login"),
        ("ce-subject", "northwind"),
        ("ce-time", "2026-05-04T10:00:00Z"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&base[..], &[("ce-specversion", "1.0")], more].concat();
    let taken = binary(&with(&[("ce-shard", "5"), ("ce-note", "\"caf%C3%A9 \\\"x\\\"\"")]), None, b"{\"n\":1.0}")
        .await
        .expect(200);
    assert_eq!(counts(&taken), [1, 0, 0, 0, 0], "JSON without a media type is JSON");
    let mut same = event("1");
    (same["shard"], same["note"], same["none"]) = (json!(5), json!("café \"x\""), Value::Null);
    let again = send(&server, "application/cloudevents+json", same.to_string()).await.expect(200);
    assert_eq!(counts(&again), [0, 1, 0, 0, 0], "the same event in another mode: {again}");
    let silent = binary(&base, Some("application/json"), b"{}").await.expect(207);
    assert_eq!(
        (&silent["results"][0]["code"], &silent["results"][0]["pointer"]),
        (&json!("required"), &json!("/specversion"))
    );
    let mut structured = event("2");
    structured.as_object_mut().expect("an event").remove("specversion");
    for media_type in ["application/cloudevents+json", "application/cloudevents-batch+json"] {
        let body = if media_type.contains("batch") { json!([structured]) } else { structured.clone() };
        let refused = send(&server, media_type, body.to_string()).await.expect(207);
        assert_eq!(refused["results"][0]["pointer"], "/specversion", "{media_type}");
    }
    let mut image = with(&[]);
    image[0] = ("ce-id", "3");
    binary(&image, Some("image/png"), &[0x89, 0x50, 0xff, 0x00]).await.expect(200);
    let listed = server.get("/v1/events").await.expect(200);
    assert_eq!(listed["data"][0]["data"], json!({ "data_base64": "iVD/AA==" }), "what is no text is kept as it is");
    let wrong = binary(&with(&[("ce-note", "%C0%80")]), Some("application/json"), b"{}").await;
    assert_eq!(wrong.problem(400, "invalid_parameter"), errors(&[("ce-note", "wrong_format")]));
}

async fn an_event_is_counted_once(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let mut other = event("1");
    other["data"]["n"] = 2.into();
    let mut elsewhere = event("1");
    elsewhere["source"] = "other".into();
    let taken = send_json(&server, "", json!([event("1"), event("1"), other, elsewhere])).await.expect(207);
    assert_eq!(counts(&taken), [2, 1, 1, 0, 0], "the same id twice in one batch, and once with another payload");
    assert_eq!(taken["results"][2]["code"], "conflict");
    let again = send_json(&server, "", json!([event("1"), other])).await.expect(207);
    assert_eq!(counts(&again), [0, 1, 1, 0, 0]);
    let mut later = event("1");
    later["time"] = "2026-05-04T11:00:00Z".into();
    assert_eq!(
        counts(&send_json(&server, "", later).await.expect(207)),
        [0, 0, 1, 0, 0],
        "another time is another payload"
    );
    let mut zoned = event("1");
    zoned["time"] = "2026-05-04T12:00:00+02:00".into();
    assert_eq!(counts(&send_json(&server, "", zoned).await.expect(200)), [0, 1, 0, 0, 0], "the same instant is not");
    let stranger = server.key_of("Contoso", &[milepost_domain::access::Scope::Admin]).await;
    let theirs = server.call("POST", "/v1/events").bearer(&stranger).json(event("1")).send().await.expect(200);
    assert_eq!(counts(&theirs), [0, 0, 0, 0, 1], "another organization's events are its own");
    assert_eq!(
        server.call("GET", "/v1/events").bearer(&stranger).send().await.expect(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(server.get("/v1/events").await.expect(200)["data"].as_array().map(Vec::len), Some(2));
}

async fn one_bad_event_holds_up_nobody(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let mut batch: Vec<String> = (0..4_990).map(|n| event(&n.to_string()).to_string()).collect();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let with = |id: &str, field: &str, value: &str| {
        let mut one = event(id);
        one.as_object_mut().expect("an object").remove(field);
        let text = one.to_string();
        format!("{}, \"{field}\": {value}}}", &text[..text.len() - 1])
    };
    batch.push(with("bad1", "time", "\"2026-05-04T10:00:00\""));
    batch.push(with("bad2", "data", &format!("\"{}\"", "x".repeat(300 * 1024))));
    batch.push(with("bad3", "data", &deep));
    batch.push(with("bad4", "data", "\"\\ud800\""));
    batch.push(with("bad5", "data", "\"\\u0000\""));
    batch.push(with("bad6", "data", "1e400"));
    batch.push("5".to_owned());
    batch.push(with("ok1", "time", "\"1970-01-01T00:00:00Z\""));
    batch.push(with("held", "time", "\"2999-01-01T00:00:00Z\""));
    let taken = server
        .call("POST", "/v1/events?results=errors")
        .body("application/json", format!("[{}]", batch.join(",")))
        .send()
        .await;
    let taken = taken.expect(207);
    assert_eq!(counts(&taken), [4_991, 0, 0, 7, 1], "{taken}");
    let codes: Vec<(i64, &str)> = taken["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|one| (one["index"].as_i64().expect("an index"), one["code"].as_str().expect("a code")))
        .collect();
    let expected = [
        (4990, "wrong_format"),
        (4991, "too_large"),
        (4992, "malformed"),
        (4993, "malformed"),
        (4994, "control_character"),
        (4995, "malformed"),
        (4996, "wrong_type"),
        (4998, "future_time"),
    ];
    assert_eq!(codes, expected);
    let mut lines: Vec<String> = (0..4_200).map(|n| event(&format!("line{n}")).to_string()).collect();
    lines[3_999].truncate(40);
    let taken = server
        .call("POST", "/v1/events?results=errors")
        .body("application/x-ndjson", lines.join("\n"))
        .send()
        .await
        .expect(207);
    assert_eq!(
        (counts(&taken), &taken["results"][0]["index"]),
        ([4_199, 0, 0, 1, 0], &json!(3_999)),
        "a broken line is one event"
    );
}

async fn all_or_none_where_that_is_asked(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let dry = send_json(&server, "?dry_run=true", json!([event("1"), event("1")])).await.expect(200);
    assert_eq!(counts(&dry), [1, 1, 0, 0, 0]);
    let mut bad = event("2");
    bad["id"] = Value::Null;
    let none = send_json(&server, "?atomic=true", json!([event("1"), bad])).await.problem(422, "validation_failed");
    assert_eq!(none, errors(&[("/1/id", "required")]));
    assert_eq!(server.get("/v1/events/rejected").await.expect(200)["data"], json!([]), "the sender knows");
    assert_eq!(server.get("/v1/events").await.expect(200)["data"], json!([]), "nothing was written either time");
    assert_eq!(
        counts(&send_json(&server, "?atomic=true", json!([event("1"), event("2")])).await.expect(200)),
        [2, 0, 0, 0, 0]
    );
    let mut other = event("2");
    other["type"] = "logout".into();
    let none =
        send_json(&server, "?atomic=true", json!([event("1"), event("3"), other])).await.problem(409, "conflict");
    assert_eq!(none, errors(&[("/2", "conflict")]));
    assert_eq!(server.get("/v1/events").await.expect(200)["data"].as_array().map(Vec::len), Some(2));
}

async fn what_does_not_count_waits(engine: Engine) {
    let server = Server::start(engine).await;
    let mut ahead = event("2");
    ahead["time"] = "2026-05-04T12:06:00Z".into();
    let taken = send_json(&server, "", json!([event("1"), ahead])).await.expect(200);
    assert_eq!(counts(&taken), [0, 0, 0, 0, 2]);
    let held = server.get("/v1/events/quarantine").await.expect(200);
    assert_eq!(pluck(&held, "held"), ["future_time", "unknown_customer"]);
    create_customer(&server, "northwind").await;
    let held = server.get("/v1/events/quarantine").await.expect(200);
    assert_eq!(pluck(&held, "held"), ["future_time"], "the other counts now that the customer is there");
    let numbers = json!({ "sequences": [held["data"][0]["sequence"]] });
    let released = server.post("/v1/events/quarantine/release", numbers.clone()).await.expect(200);
    assert_eq!(released["released"], 1);
    assert_eq!(server.post("/v1/events/quarantine/release", numbers).await.expect(200)["released"], 0);
    assert_eq!(server.get("/v1/events/quarantine").await.expect(200)["data"], json!([]));
    assert_eq!(counts(&send_json(&server, "", ahead).await.expect(200)), [0, 1, 0, 0, 0], "it is still itself");
}

async fn compressed_bodies_are_bounded(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        encoder.write_all(bytes).expect("compressed");
        encoder.finish().expect("compressed")
    };
    let post = |encoding: &str, body: Vec<u8>| {
        server.call("POST", "/v1/events").header("content-encoding", encoding).body("application/json", body).send()
    };
    let body = json!([event("1"), event("2")]).to_string();
    assert_eq!(counts(&post("gzip", gzip(body.as_bytes())).await.expect(200)), [2, 0, 0, 0, 0]);
    let zstd = ruzstd::encoding::compress_to_vec(body.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    assert_eq!(counts(&post("zstd", zstd).await.expect(200)), [0, 2, 0, 0, 0]);
    let bomb = gzip(&vec![b' '; 11 * 1024 * 1024]);
    assert!(bomb.len() < 100_000, "a small body that holds a large one");
    post("gzip", bomb).await.problem(413, "body_too_large");
    post("gzip", b"not gzip".to_vec()).await.problem(400, "malformed_body");
    post("zstd", b"not zstd".to_vec()).await.problem(400, "malformed_body");
    post("br", vec![]).await.problem(415, "unsupported_media_type");
}

async fn bodies_have_limits(engine: Engine) {
    let server = Server::start(engine).await;
    let limits = server.get("/v1/events/limits").await.expect(200);
    assert_eq!(
        (&limits["events"], &limits["bytes"], &limits["event_bytes"]),
        (&json!(5000), &json!(10_485_760), &json!(262_144))
    );
    let many: Vec<Value> = (0..5_001).map(|n| event(&n.to_string())).collect();
    let many = send_json(&server, "", json!(many)).await.problem(422, "validation_failed");
    assert_eq!(many, errors(&[("", "too_many_items")]));
    send(&server, "application/json", vec![b' '; 10 * 1024 * 1024 + 1]).await.problem(413, "body_too_large");
    let unknown = send_json(&server, "?mode=fast", event("1")).await.problem(400, "invalid_parameter");
    assert_eq!(unknown, errors(&[("mode", "unknown_parameter")]));
}

async fn many_at_once_are_all_there(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let sent = (0..40).map(|request: usize| {
        // Two requests send each event.
        let events: Vec<Value> = (0..25).map(|n| event(&format!("{}-{n}", request / 2))).collect();
        send_json(&server, "", json!(events))
    });
    let answers = futures_util::future::join_all(sent).await;
    let sum = answers.into_iter().map(|reply| counts(&reply.expect(200))).fold([0; 5], |mut sum, one| {
        sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
        sum
    });
    assert_eq!(sum, [500, 500, 0, 0, 0]);
    let lag = server.get("/v1/events/lag").await.expect(200);
    assert!(lag["received_seq"].as_i64().is_some_and(|last| last >= 500), "numbers may be missing: {lag}");
    assert_eq!(lag["behind"], 0);
    let mut seen = std::collections::HashSet::new();
    let mut path = "/v1/events?limit=200".to_owned();
    loop {
        let page = server.get(&path).await.expect(200);
        seen.extend(pluck(&page, "id").into_iter().map(ToString::to_string));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/events?limit=200&cursor={cursor}");
    }
    assert_eq!(seen.len(), 500);
}

async fn events_are_listed(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let mut other = event("2");
    other["type"] = "export".into();
    other["time"] = "2026-05-01T00:00:00Z".into();
    other["data"] = json!({ "person": "ana" });
    send_json(&server, "", json!([event("1"), other])).await.expect(200);
    server.clock.advance(Duration::minutes(1));
    for (query, expected) in [
        ("", vec!["2", "1"]),
        ("?type=export", vec!["2"]),
        ("?person=ana", vec!["2"]),
        ("?subject=northwind&limit=1", vec!["2"]),
        ("?subject=nobody", vec![]),
        ("?source=app&from=2026-05-02T00:00:00Z", vec!["1"]),
        ("?to=2026-05-02T00:00:00Z", vec!["2"]),
    ] {
        let listed = server.get(&format!("/v1/events{query}")).await.expect(200);
        assert_eq!(pluck(&listed, "id"), expected, "{query}");
    }
}

/// The history of a public project: 5,451 events of 117 accounts. When sent again, all events are duplicates.
async fn real_events_twice(engine: Engine) {
    let server = Server::start(engine).await;
    let packed = include_bytes!("../../api/src/shipped/usage-events.ndjson.gz");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5_451);
    let mut subjects: Vec<String> = lines
        .iter()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["subject"].as_str().expect("a subject").to_owned()
        })
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), 117);
    let items: Vec<Value> =
        subjects.iter().map(|subject| json!({ "external_ref": subject, "name": subject })).collect();
    server.post("/v1/customers/bulk", json!({ "items": items })).await.expect(200);
    // The last events happened after the day on which every test begins.
    server.clock.advance(Duration::days(365));
    for round in 0..2 {
        let mut sum = [0; 5];
        for some in lines.chunks(2_000) {
            let taken = send(&server, "application/x-ndjson", some.join("\n")).await.expect(200);
            sum.iter_mut().zip(counts(&taken)).for_each(|(sum, one)| *sum += one);
        }
        let expected = if round == 0 { [5_451, 0, 0, 0, 0] } else { [0, 5_451, 0, 0, 0] };
        assert_eq!(sum, expected);
    }
}

async fn events_are_kept_as_long_as_wanted(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let send = |id: &'static str| {
        server.post("/v1/events", json!([{ "id": id, "source": "app", "type": "login", "subject": "northwind", "time": "2026-05-01T09:00:00Z" }]))
    };
    let kept = || async {
        milepost::jobs::prune(&server.app).await.expect("pruned");
        server.get("/v1/events").await.expect(200)["data"].as_array().map_or(0, Vec::len)
    };
    send("old").await.expect(200);
    server.clock.advance(chrono::Duration::days(20));
    send("new").await.expect(200);
    server.clock.advance(chrono::Duration::days(20));
    assert_eq!(kept().await, 2, "for ever unless told otherwise");
    let refused = server.patch("/v1/organization", json!({ "event_retention_days": 0 })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/event_retention_days", "too_small")]));
    server.patch("/v1/organization", json!({ "event_retention_days": 30 })).await.expect(200);
    assert_eq!(kept().await, 1, "counted from when it was received");
    let entries = server.get("/v1/ledger?action=organization.events_pruned").await.expect(200);
    assert_eq!(entries["data"][0]["after"], json!({ "erased": 1 }));
    assert_eq!(send("old").await.expect(200)["accepted"], 1, "its identity is kept as long as the event");
    server.patch("/v1/organization", json!({ "event_retention_days": null })).await.expect(200);
    assert_eq!(kept().await, 2);
}
