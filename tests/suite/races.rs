//! Organizations that want the same thing at the same moment: one gets it, and the others are told so.

use futures_util::future::join_all;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::json;

on_both_engines!(one_name_goes_to_one_organization);

async fn one_name_goes_to_one_organization(engine: Engine) {
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
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409], "{name}");
    }
}
