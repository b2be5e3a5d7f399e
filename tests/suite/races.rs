//! Organizations that want the same thing at the same moment, and learn nothing of each other by it.

use futures_util::future::join_all;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::json;

on_both_engines!(a_name_tells_nothing_of_others);

async fn a_name_tells_nothing_of_others(engine: Engine) {
    let server = Server::start(engine).await;
    let mut keys = vec![];
    for number in 0..6 {
        keys.push(server.key_of(&format!("Organization {number}"), &[Scope::Admin]).await);
    }
    for round in 0..10 {
        let name = format!("Contoso {round}");
        let rename = |key: &str| {
            let call = server.call("PATCH", "/v1/organization").bearer(key).header("If-Match", "*");
            call.json(json!({ "name": name })).send()
        };
        let replies = join_all(keys.iter().map(|key| rename(key))).await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        assert_eq!(statuses, [200; 6], "{name}");
    }
}
