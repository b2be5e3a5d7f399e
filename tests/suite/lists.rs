//! Pagination: pages are complete, in order, and bound to their list.

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create_customer, create_plan, pluck};

on_both_engines!(pages_are_whole_and_in_order, cursors_belong_to_their_list, forged_cursors_are_refused);

async fn pages_are_whole_and_in_order(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["delta", "Alpha", "charlie", "Éclair", "bravo", "eclair"] {
        create_customer(&server, name).await;
    }
    for (sort, expected) in [
        ("name", ["Alpha", "bravo", "charlie", "delta", "eclair", "Éclair"]),
        ("-name", ["Éclair", "eclair", "delta", "charlie", "bravo", "Alpha"]),
        ("created_at", ["delta", "Alpha", "charlie", "Éclair", "bravo", "eclair"]),
        ("-created_at", ["eclair", "bravo", "Éclair", "charlie", "Alpha", "delta"]),
    ] {
        for limit in [1, 2, 4, 6, 200] {
            let mut path = format!("/v1/customers?sort={sort}&limit={limit}");
            let mut names: Vec<Value> = vec![];
            loop {
                let reply = server.get(&path).await;
                let link = reply.header("link");
                let page = reply.expect(200);
                assert!(page["data"].as_array().expect("a page").len() <= limit);
                names.extend(pluck(&page, "name").into_iter().cloned());
                assert_eq!(page["has_more"], !page["next_cursor"].is_null());
                if page["next_cursor"].is_null() {
                    assert_eq!(link, "");
                    break;
                }
                path = link.trim_start_matches('<').split('>').next().expect("a link").to_owned();
                assert!(
                    link.ends_with("; rel=\"next\"") && path.contains(page["next_cursor"].as_str().expect("a cursor"))
                );
            }
            assert_eq!(names, expected, "{sort} by {limit}");
        }
    }
}

async fn cursors_belong_to_their_list(engine: Engine) {
    let server = Server::start(engine).await;
    for name in ["a", "b", "c"] {
        create_customer(&server, name).await;
    }
    let page = server.get("/v1/customers?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    server.get(&format!("/v1/customers?limit=2&cursor={cursor}")).await.expect(200);
    let invalid = errors(&[("cursor", "invalid_cursor")]);
    for path in ["/v1/customers?q=a", "/v1/customers?sort=-name", "/v1/people?limit=1", "/v1/plans?limit=1"] {
        let reply = server.get(&format!("{path}&cursor={cursor}")).await;
        assert_eq!(reply.problem(400, "invalid_cursor"), invalid, "{path}");
    }
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    let reply = server.call("GET", &format!("/v1/customers?cursor={cursor}")).bearer(&stranger).send().await;
    assert_eq!(reply.problem(400, "invalid_cursor"), invalid);
    let (first, second) = (create_plan(&server).await, create_plan(&server).await);
    assert_ne!(first, second);
    let of_plans = server.get("/v1/plans?limit=1").await.expect(200);
    let of_plans = of_plans["next_cursor"].as_str().expect("a cursor");
    server.get(&format!("/v1/plans?limit=1&kind=coaching&cursor={of_plans}")).await.problem(400, "invalid_cursor");
}

/// A cursor with the right binding and a wrong position does not cause an internal error.
async fn forged_cursors_are_refused(engine: Engine) {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
    let server = Server::start(engine).await;
    for name in ["a", "b"] {
        create_customer(&server, name).await;
    }
    let page = server.get("/v1/customers?limit=1").await.expect(200);
    let cursor = BASE64.decode(page["next_cursor"].as_str().expect("a cursor")).expect("base64");
    let mut cursor: Value = serde_json::from_slice(&cursor).expect("JSON");
    for key in [json!({ "d": "2026-05-04" }), json!({ "n": 7 }), json!({ "t": "a\u{0}" }), Value::Null] {
        cursor["k"] = key;
        let forged = BASE64.encode(cursor.to_string());
        server.get(&format!("/v1/customers?limit=1&cursor={forged}")).await.problem(400, "invalid_cursor");
    }
    for text in ["x", "AAAA", "%F0%9F%92%A9"] {
        server.get(&format!("/v1/customers?cursor={text}")).await.problem(400, "invalid_cursor");
    }
}
