//! Views of a plan for clients: the status report, share links, pictures and the calendar.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_plan, pluck};

on_both_engines!(
    a_report_leads_with_what_was_completed,
    a_report_has_three_forms,
    a_link_shows_a_plan,
    a_link_shows_no_more_than_it_may,
    a_link_ends,
    a_client_takes_note,
    nothing_that_was_typed_is_markup,
    pictures_are_drawn,
    dates_go_into_a_calendar,
);

/// Creates a share link; returns its path.
async fn share(server: &Server, plan: &str, draft: Value) -> String {
    let made = server.post(&format!("{plan}/share-links"), draft).await.expect(201);
    made["path"].as_str().expect("a path").to_owned()
}

async fn a_report_leads_with_what_was_completed(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let miss = json!({
        "root_cause": "No credentials.", "category": "client_dependency", "recovery_actions": ["Escalate."], "new_forecast_on": "2026-05-05"
    });
    server.post(&format!("{path}/milestones/a/miss-reports"), miss).await.expect(201);
    server.post(&format!("{path}/milestones/a/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    server.patch(&format!("{path}/milestones/b"), json!({ "note": "The team grew." })).await.expect(200);
    let slip = json!({ "forecast_on": "2026-05-30", "reason": "The firewall." });
    server.post(&format!("{path}/milestones/b/forecast-changes"), slip).await.expect(201);
    let report = server.get(&format!("{path}/status-report")).await.expect(200);
    assert_eq!(
        (&report["since_on"], &report["achieved"], &report["in_scope"]),
        (&json!("2026-04-27"), &json!(1), &json!(3))
    );
    assert_eq!((&report["completed"][0]["key"], &report["completed"][0]["variance_days"]), (&json!("a"), &json!(14)));
    let risk = &report["at_risk"][0];
    assert_eq!(
        (&risk["milestone"]["key"], &risk["reason"], &risk["holds_up"]),
        (&json!("b"), &json!("The firewall."), &json!([{ "key": "c", "name": "Close" }]))
    );
    assert_eq!(risk["milestone"]["note"], "The team grew.");
    let changes: Vec<&Value> =
        report["date_changes"].as_array().expect("changes").iter().map(|one| &one["key"]).collect();
    assert_eq!(changes.len(), 5, "a moved once, b and c twice");
    assert_eq!(report["next_two_weeks"], json!([]), "b comes in four weeks");
    let value = &report["earned_value"];
    assert_eq!((&value["spi"], &value["planned_finish_on"]), (&json!(1.0), &json!("2026-06-01")));
    let later = server.get(&format!("{path}/status-report?since=2026-05-04")).await.expect(200);
    assert_eq!(later["completed"], json!([]));
}

async fn a_report_has_three_forms(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let form = |accept: &str| server.call("GET", &format!("{path}/status-report")).header("accept", accept).send();
    let markdown = form("text/markdown").await;
    assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
    assert!(
        markdown.text.starts_with("# Rollout\n\nStatus on 2026-05-04: **delayed**, 0 of 3 milestones completed."),
        "{}",
        markdown.text
    );
    assert!(markdown.text.contains("| Access | 2026-04-20 | 2026-05-04 |  | delayed |"), "{}", markdown.text);
    let page = form("text/html").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("<h1>Rollout</h1>") && !page.text.contains("<form"), "nobody takes note by mail");
    form("application/pdf").await.problem(406, "not_acceptable");
}

async fn a_link_shows_a_plan(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let link = share(&server, &path, json!({ "name": "Petra Novak" })).await;
    let page = server.call("GET", &link).anonymous().send().await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(
        ["<script", "http://", "https://", " onload", " style="]
            .iter()
            .all(|one| !page.text.replace("http://www.w3.org", "").contains(one))
    );
    for heading in
        ["Completed since", "At risk", "Dates that moved", "The next two weeks", "How dates moved", "All 3 milestones"]
    {
        assert!(page.text.contains(&format!("<h2>{heading}")), "{heading}");
    }
    assert_eq!(page.text.matches("<svg ").count(), 2);
    for (part, media) in [
        ("s-curve.svg", "image/svg+xml"),
        ("trend.svg", "image/svg+xml"),
        ("calendar.ics", "text/calendar; charset=utf-8"),
    ] {
        let reply = server.call("GET", &format!("{link}/{part}")).anonymous().send().await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type").as_str()), (200, media), "{part}");
    }
    let listed = server.get(&format!("{path}/share-links")).await.expect(200);
    assert_eq!((pluck(&listed, "name"), pluck(&listed, "path")), (vec![&json!("Petra Novak")], vec![&Value::Null]));
    assert!(!listed.to_string().contains("ms_"), "the token is shown once");
    let ledger = server.get("/v1/ledger?limit=200").await;
    assert!(ledger.text.contains("share_link.created") && !ledger.text.contains("ms_"));
    let bad = server.call("GET", &format!("{link}?x=1")).anonymous().send().await;
    assert_eq!(bad.problem(400, "invalid_parameter"), errors(&[("x", "unknown_parameter")]));
}

async fn a_link_shows_no_more_than_it_may(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["milestones"][0]["owner_name"] = "Secret Person".into();
    draft["milestones"][0]["note"] = "Secret note".into();
    draft["milestones"][1]["name"] = "Secret milestone".into();
    draft["milestones"][0]["forecast_changes"] =
        json!([{ "recorded_on": "2026-05-01", "forecast_on": "2026-05-06", "reason": "Secret reason" }]);
    let path = create(&server, "/v1/plans", draft).await;
    let link = share(&server, &path, json!({ "milestones": ["a", "c"], "fields": [] })).await;
    let page = server.call("GET", &link).anonymous().send().await;
    assert!(page.text.contains("Access") && page.text.contains("Close"));
    assert!(
        !page.text.contains("Secret") && !page.text.contains("<svg") && !page.text.contains("SPI"),
        "{}",
        page.text
    );
    let calendar = server.call("GET", &format!("{link}/calendar.ics")).anonymous().send().await;
    assert!(!calendar.text.contains("Secret"));
    for part in ["s-curve.svg", "trend.svg"] {
        server.call("GET", &format!("{link}/{part}")).anonymous().send().await.problem(404, "not_found");
    }
    // The effect of a hidden milestone's slip on a visible milestone is shown without the reason, and the figures
    // include only visible milestones.
    let slip = json!({ "forecast_on": "2026-06-20", "reason": "Secret slip", "cause": "systemic" });
    server.post(&format!("{path}/milestones/b/forecast-changes"), slip).await.expect(201);
    let some = share(
        &server,
        &path,
        json!({ "milestones": ["c"], "fields": ["date_changes", "earned_value", "s_curve", "trend"] }),
    )
    .await;
    let page = server.call("GET", &some).anonymous().send().await;
    assert!(page.text.contains("This date depends on another milestone, which moved."), "{}", page.text);
    assert!(
        !page.text.contains("Secret") && page.text.contains("<dd>0 %</dd>"),
        "nothing of c is planned by now: {}",
        page.text
    );
    let note = server.call("POST", &format!("{link}/milestones/a/forecast-changes/1/acknowledge")).anonymous();
    note.body("application/x-www-form-urlencoded", "by=Petra").send().await.problem(404, "not_found");
    for (draft, place, code) in [
        (json!({ "milestones": ["ghost"] }), "/milestones/0", "unknown_milestone"),
        (json!({ "milestones": [] }), "/milestones", "too_few_items"),
        (json!({ "fields": ["salary"] }), "/fields/0", "not_an_option"),
        (json!({ "expires_at": "2026-05-04T11:00:00Z" }), "/expires_at", "not_within_a_year"),
        (json!({ "expires_at": "2028-05-04T11:00:00Z" }), "/expires_at", "not_within_a_year"),
    ] {
        let refused = server.post(&format!("{path}/share-links"), draft).await.problem(422, "validation_failed");
        assert_eq!(refused, errors(&[(place, code)]));
    }
}

async fn a_link_ends(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let link = share(&server, &path, json!({})).await;
    let short = share(&server, &path, json!({ "expires_at": "2026-05-04T13:00:00Z" })).await;
    let open = |link: &str| server.call("GET", link).anonymous().send();
    assert_eq!(
        (open(&link).await.status, open(&short).await.status),
        (reqwest::StatusCode::OK, reqwest::StatusCode::OK)
    );
    server.clock.advance(Duration::hours(1));
    let expired = open(&short).await;
    let (expired, detail) = (expired.body["detail"].clone(), expired.problem(404, "not_found"));
    let id = server.get(&format!("{path}/share-links")).await.expect(200)["data"][1]["id"].clone();
    let one = format!("{path}/share-links/{}", id.as_str().expect("an id"));
    server.call("DELETE", &one).send().await.problem(428, "version_required");
    let revoke = async |tag: &str| server.call("DELETE", &one).header("If-Match", tag).send().await;
    revoke("\"2\"").await.problem(412, "version_mismatch");
    assert_eq!(revoke("\"1\"").await.status, 204);
    revoke("\"1\"").await.problem(412, "version_mismatch");
    assert_eq!(revoke("\"2\"").await.status, 204, "ended is ended");
    let revoked = open(&link).await;
    assert_eq!(
        (revoked.body["detail"].clone(), revoked.problem(404, "not_found")),
        (expired.clone(), detail.clone()),
        "no hint which"
    );
    for never in ["/share/x", "/share/ms_a_b_c", &link.replace("ms_", "mp_"), &format!("{link}x")] {
        let reply = open(never).await;
        assert_eq!((reply.body["detail"].clone(), reply.problem(404, "not_found")), (expired.clone(), detail.clone()));
    }
    server.get(&link).await.problem(404, "not_found");
    let seen = server.call("GET", &link).anonymous().header("accept", "text/html,*/*;q=0.8").send().await;
    assert_eq!((seen.status.as_u16(), seen.header("content-type").as_str()), (404, "text/html; charset=utf-8"));
    assert!(seen.text.contains("Ask whoever sent it to you for a new one."), "{}", seen.text);
    let token = link.rsplit('/').next().expect("a token");
    server.call("GET", "/v1/plans").bearer(token).send().await.problem(401, "unauthenticated");
}

async fn a_client_takes_note(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let slip = json!({ "forecast_on": "2026-05-06", "reason": "Access is late." });
    server.post(&format!("{path}/milestones/a/forecast-changes"), slip).await.expect(201);
    let link = share(&server, &path, json!({})).await;
    let action = format!("{link}/milestones/a/forecast-changes/1/acknowledge");
    assert!(server.call("GET", &link).anonymous().send().await.text.contains(&format!("action=\"{action}\"")));
    let note = |body: &'static str| {
        server.call("POST", &action).anonymous().body("application/x-www-form-urlencoded", body).send()
    };
    for empty in ["", "by=", "by=+++"] {
        assert_eq!(note(empty).await.problem(422, "validation_failed"), errors(&[("/by", "blank")]));
    }
    // The client follows the redirect back to the page.
    let noted = note("by=Petra+Nov%C3%A1k").await;
    assert!(noted.status == 200 && noted.text.contains("Seen by Petra Novák."), "{}", noted.text);
    let again = note("by=Somebody").await;
    assert!(again.text.contains("Seen by Petra Novák."), "the first holds");
    let change = server.get(&format!("{path}/milestones/a/forecast-changes")).await.expect(200)["data"][0].clone();
    assert_eq!(
        (&change["acknowledged_by"], &change["communicated_to"]),
        (&json!("Petra Novák"), &json!("Petra Novák"))
    );
    let entries = server.get("/v1/ledger?limit=200").await.expect(200);
    let actors: Vec<&Value> = entries["data"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["action"] == "milestone.forecast_acknowledged")
        .map(|entry| &entry["author"]["type"])
        .collect();
    assert_eq!(actors, ["share_link"; 3]);
    let unknown = server.call("POST", &action.replace("/1/", "/9/")).anonymous();
    unknown.body("application/x-www-form-urlencoded", "by=P").send().await.problem(404, "not_found");
}

async fn nothing_that_was_typed_is_markup(engine: Engine) {
    let server = Server::start(engine).await;
    let evil = "<script>alert(1)</script><img src=x onerror=y>\"'&";
    let mut draft = samples::plan();
    draft["name"] = evil.into();
    draft["owner_name"] = evil.into();
    let customer = json!({ "name": evil, "external_ref": "evil" });
    server.post("/v1/customers", customer).await.expect(201);
    draft["customer_ref"] = "evil".into();
    for field in ["name", "phase", "owner_name", "note"] {
        draft["milestones"][0][field] = evil.into();
    }
    draft["milestones"][0]["acceptance_criteria"] = json!([evil]);
    let path = create(&server, "/v1/plans", draft).await;
    let miss =
        json!({ "root_cause": evil, "category": "other", "recovery_actions": [evil], "new_forecast_on": "2026-05-05" });
    server.post(&format!("{path}/milestones/a/miss-reports"), miss).await.expect(201);
    let told = json!({ "to": evil });
    server.post(&format!("{path}/milestones/a/forecast-changes/1/communicate"), told).await.expect(200);
    let noted = json!({ "by": evil });
    server.post(&format!("{path}/milestones/a/forecast-changes/1/acknowledge"), noted).await.expect(200);
    let link = share(&server, &path, json!({ "name": evil })).await;
    let page = server.call("GET", &link).anonymous().send().await.text;
    let markdown =
        server.call("GET", &format!("{path}/status-report")).header("accept", "text/markdown").send().await.text;
    let curve = server.call("GET", &format!("{link}/s-curve.svg")).anonymous().send().await.text;
    for text in [&page, &markdown, &curve] {
        assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
        assert!(text.contains("&lt;script"), "{text}");
    }
}

async fn pictures_are_drawn(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    for part in ["s-curve.svg", "trend.svg"] {
        for query in ["", "?as_of=2026-03-01", "?as_of=2026-05-20", "?as_of=2030-01-01"] {
            let picture = server.get(&format!("{path}/{part}{query}")).await;
            assert_eq!(
                (picture.status.as_u16(), picture.header("content-type").as_str()),
                (200, "image/svg+xml"),
                "{part}{query}"
            );
            assert!(
                picture.text.starts_with("<svg role=\"img\" ") && picture.text.contains("<title>Rollout: "),
                "{}",
                picture.text
            );
        }
    }
}

async fn dates_go_into_a_calendar(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["milestones"][0]["name"] =
        "Access; data, and more \\ than that, in a name that is longer than one line of a calendar may be".into();
    let path = create(&server, "/v1/plans", draft).await;
    server.post(&format!("{path}/milestones/b/cancel"), json!({ "reason": "Not needed." })).await.expect(200);
    let calendar = server.get(&format!("{path}/calendar.ics")).await;
    assert_eq!(calendar.header("content-type"), "text/calendar; charset=utf-8");
    assert!(calendar.text.lines().all(|line| line.len() <= 75), "lines are folded");
    let unfolded = calendar.text.replace("\r\n ", "");
    assert_eq!(unfolded.matches("BEGIN:VEVENT").count(), 3);
    assert!(unfolded.contains("SUMMARY:Access\\; data\\, and more \\\\ than that\\, in a name"), "{unfolded}");
    assert!(unfolded.contains("DTSTART;VALUE=DATE:20260504"), "what is overdue is expected today");
    assert_eq!(unfolded.matches("STATUS:CANCELLED").count(), 1);
    assert!(!unfolded.contains("DTEND"), "an event without an end lasts its day (RFC 5545, 3.6.1)");
}
