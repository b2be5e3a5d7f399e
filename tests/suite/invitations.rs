//! Invitations of people outside by links that work once, passing questions on, and reminders.

use chrono::Duration;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    a_stakeholder_answers_once,
    links_end,
    who_may_be_invited,
    a_question_is_passed_on,
    those_who_wait_are_reminded,
    files_are_shown_as_evidence,
    files_are_what_they_contain
);

/// Enrols Ana in a program with a milestone `m` that a stakeholder and a peer validate, and submits it; returns the paths of the plan and the
/// validation.
async fn submitted(server: &Server) -> (String, String) {
    person(server, "boss", json!({})).await;
    for name in ["ben", "cleo"] {
        person(server, name, json!({ "email": format!("{name}@example.com") })).await;
    }
    person(server, "ana", json!({ "manager_ref": "boss" })).await;
    let needs = json!([{ "kind": "stakeholder_feedback" }, { "kind": "peer_review" }]);
    let proof = json!({ "criteria": [{ "kind": "validation", "needs": needs }] });
    let milestones = json!([{ "key": "m", "name": "A new process is in use", "offset_days": 30, "proof": proof,
        "acceptance_criteria": ["It is <documented>."] }]);
    let template = json!({ "key": "p", "name": "P", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    let draft = json!({ "name": "E", "start_on": "2026-05-01", "template": "p", "person_ref": "ana" });
    let plan = create(server, "/v1/plans", draft).await;
    let evidence = json!([{ "title": "The process", "url": "https://example.com/process" }]);
    let ask = json!([{ "kind": "peer_review", "person_ref": "ben" }]);
    let draft = json!({ "milestone_key": "m", "evidence": evidence, "ask": ask });
    let validation = create(server, &format!("{plan}/validations"), draft).await;
    (plan, validation)
}

fn invitation() -> Value {
    json!({ "kind": "stakeholder_feedback", "name": "Petra Novak" })
}

async fn invited(server: &Server, validation: &str) -> (String, String) {
    let made = server.post(&format!("{validation}/invitations"), invitation()).await;
    let location = made.header("location");
    let path = made.expect(201)["path"].as_str().expect("a path").to_owned();
    (location, path)
}

async fn read(server: &Server, path: &str, accept: &str) -> Reply {
    server.call("GET", path).anonymous().header("Accept", accept).send().await
}

async fn answered(server: &Server, path: &str, form: &str) -> Reply {
    let call = server.call("POST", &format!("{path}/decisions")).anonymous();
    call.body("application/x-www-form-urlencoded", form.to_owned()).send().await
}

async fn a_stakeholder_answers_once(engine: Engine) {
    let server = Server::start(engine).await;
    let (plan, validation) = submitted(&server).await;
    let (_, path) = invited(&server, &validation).await;
    let page = read(&server, &path, "text/html").await;
    assert_eq!(page.status.as_u16(), 200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    for part in [
        "A new process is in use",
        "Petra Novak",
        "ana",
        "It is &lt;documented&gt;.",
        "https://example.com/process",
        "<form",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let question = read(&server, &path, "application/json").await.expect(200);
    assert_eq!((&question["is_open"], &question["decision"]), (&json!(true), &Value::Null));
    let form = "decision=approve&comment=It+saves+a+day%21";
    let sent = answered(&server, &path, form).await;
    assert_eq!(sent.status.as_u16(), 200, "the browser is sent back to the page");
    assert!(sent.text.contains("You have confirmed the achievement."), "{}", sent.text);
    let page = read(&server, &path, "text/html").await;
    assert!(page.text.contains("Thank you.") && !page.text.contains("<form"), "{}", page.text);
    answered(&server, &path, "decision=reject").await.problem(404, "not_found");
    let shown = server.get(&validation).await.expect(200);
    let asks = json!({ "data": shown["asks"] });
    assert_eq!(pluck(&asks, "outsider_name"), [&Value::Null, &json!("Petra Novak")]);
    assert_eq!((&shown["asks"][1]["comment"], &shown["approvals"]), (&json!("It saves a day!"), &json!(1)));
    let decide = json!({ "kind": "peer_review", "decision": "approve", "person_ref": "ben" });
    server.post(&format!("{validation}/decisions"), decide).await.expect(200);
    server.get(&format!("{plan}/proofs")).await.expect(200);
    assert_eq!(server.get(&format!("{plan}/milestones/m")).await.expect(200)["state"], "achieved");
    let ledger = server.get("/v1/ledger?entity_type=validation").await.expect(200);
    let text = ledger.to_string();
    assert!(!text.contains("It saves") && !text.contains("secret"), "words and secrets are not in the ledger: {text}");
}

async fn links_end(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, validation) = submitted(&server).await;
    let (location, withdrawn) = invited(&server, &validation).await;
    let (_, expiring) = invited(&server, &validation).await;
    server.call("DELETE", &location).send().await.expect(204);
    let wrong = format!("{}x", &expiring[..expiring.len() - 1]);
    for path in [&withdrawn, &wrong, &"/invitations/mi_nothing".to_owned()] {
        read(&server, path, "text/html").await.problem(404, "not_found");
        answered(&server, path, "decision=approve").await.problem(404, "not_found");
    }
    for form in ["decision=perhaps", "comment=only"] {
        assert_eq!(answered(&server, &expiring, form).await.status.as_u16(), 400, "{form}");
    }
    server.clock.advance(Duration::days(15));
    read(&server, &expiring, "text/html").await.problem(404, "not_found");
    let (_, path) = invited(&server, &validation).await;
    server.post(&format!("{validation}/withdraw"), json!({})).await.expect(200);
    let page = read(&server, &path, "text/html").await;
    assert!(page.text.contains("This question is closed") && !page.text.contains("<form"), "{}", page.text);
    answered(&server, &path, "decision=approve").await.problem(409, "conflict");
}

async fn who_may_be_invited(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let (_, validation) = submitted(&server).await;
    let path = format!("{validation}/invitations");
    let refused = server.post(&path, json!({ "kind": "customer_reference", "name": "P" })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/kind", "kind_not_needed")]));
    for (name, expected) in [("ana", 201), ("ben", 404), ("cleo", 404)] {
        let token = token_of(&server, &client, name).await;
        let made = server.call("POST", &path).bearer(&token).json(invitation()).send().await;
        assert_eq!(made.status.as_u16(), expected, "{name}");
    }
    let key = "the-same-key";
    let again =
        async || server.call("POST", &path).header("Idempotency-Key", key).json(invitation()).send().await.expect(201);
    let (first, second) = (again().await, again().await);
    assert!(first["path"].is_string() && second["path"].is_null() && first["id"] == second["id"], "{second}");
}

async fn a_question_is_passed_on(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let (_, validation) = submitted(&server).await;
    let path = format!("{validation}/delegate");
    let to = |name: &str| json!({ "kind": "peer_review", "to_ref": name });
    let ben = token_of(&server, &client, "ben").await;
    let own = server.call("POST", &path).bearer(&ben).json(to("ana")).send().await;
    assert_eq!(own.problem(409, "conflict"), errors(&[("/to_id", "own_proof")]));
    let passed = server.call("POST", &path).bearer(&ben).json(to("cleo")).send().await.expect(200);
    assert_eq!(passed["asks"][0]["person_name"], "cleo");
    let again = server.call("POST", &path).bearer(&ben).json(to("boss")).send().await;
    assert_eq!(again.status.as_u16(), 404, "ben has nothing to do with it any more");
    let cleo = token_of(&server, &client, "cleo").await;
    let decide = json!({ "kind": "peer_review", "decision": "approve" });
    server.call("POST", &format!("{validation}/decisions")).bearer(&cleo).json(decide).send().await.expect(200);
    let late = server.call("POST", &path).bearer(&cleo).json(to("ben")).send().await;
    assert_eq!(late.problem(409, "conflict"), errors(&[("/to_id", "decided_already")]));
    let missing = server.post(&path, json!({ "kind": "peer_review", "person_ref": "cleo" })).await;
    assert_eq!(missing.problem(422, "validation_failed"), errors(&[("/to_id", "required")]));
}

async fn those_who_wait_are_reminded(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, validation) = submitted(&server).await;
    let letters = || {
        let outbox = std::fs::read_dir(server.app.settings.storage.data_dir.join("outbox"));
        let messages = outbox
            .into_iter()
            .flatten()
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|end| end == "eml"));
        messages.map(|file| std::fs::read_to_string(file.path()).expect("a message")).collect::<Vec<_>>()
    };
    let job = async || milepost::reminding::remind_all(&server.app).await.expect("reminded");
    job().await;
    assert_eq!(letters().len(), 0, "nobody has waited for long");
    for (days, expected) in [(2, 0), (1, 1), (1, 1), (5, 1), (1, 2)] {
        server.clock.advance(Duration::days(days));
        job().await;
        assert_eq!(letters().len(), expected, "after {days} more days");
    }
    assert!(
        letters()[0].contains("ben@example.com") && letters()[0].contains("an achievement of ana"),
        "{:?}",
        letters()
    );
    let early = server.post(&format!("{validation}/remind"), json!({})).await;
    early.problem(409, "conflict");
    server.clock.advance(Duration::days(1));
    let shown = server.post(&format!("{validation}/remind"), json!({})).await.expect(200);
    assert!(shown["asks"][0]["reminded_at"].is_string());
    assert_eq!(letters().len(), 3);
    let email = json!({ "kind": "stakeholder_feedback", "name": "Petra Novak", "email": "petra@example.com" });
    let made = server.post(&format!("{validation}/invitations"), email).await.expect(201);
    let link = made["path"].as_str().expect("a path");
    assert!(letters().iter().any(|text| text.contains("petra@example.com") && text.contains(link)), "{:?}", letters());
}

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n";
/// A picture that a camera has taken sideways, with the data of the camera.
const PICTURE: &[u8] = include_bytes!("../files/avatars/sideways.jpg");

async fn added(server: &Server, validation: &str, media_type: &str, bytes: &[u8]) -> Reply {
    let call = server.call("POST", &format!("{validation}/files?title=Figures%20of%20May"));
    call.body(media_type, bytes.to_vec()).send().await
}

async fn files_are_shown_as_evidence(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let (plan, validation) = submitted(&server).await;
    let made = added(&server, &validation, "application/pdf", PDF).await;
    let file = made.header("location");
    let made = made.expect(201);
    let seen = ["title", "media_type", "size_bytes"].map(|field| made[field].clone());
    assert_eq!(seen, [json!("Figures of May"), json!("application/pdf"), json!(PDF.len())]);
    added(&server, &validation, "text/plain", "Zürich".as_bytes()).await.expect(201);
    let listed = server.get(&format!("{validation}/files")).await.expect(200);
    assert_eq!(pluck(&listed, "media_type"), ["application/pdf", "text/plain"]);
    let read = server.get(&file).await;
    assert_eq!((read.status.as_u16(), read.text.as_bytes()), (200, PDF));
    let id = made["id"].as_str().expect("an id");
    assert_eq!(read.header("content-disposition"), format!("attachment; filename=\"evidence-{id}.pdf\""));
    assert_eq!(read.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    for (name, expected) in [("ana", 200), ("ben", 200), ("cleo", 404)] {
        let token = token_of(&server, &client, name).await;
        for path in [&file, &format!("{validation}/files")] {
            let read = server.call("GET", path).bearer(&token).send().await;
            assert_eq!(read.status.as_u16(), expected, "{name} {path}");
        }
    }
    let (_, path) = invited(&server, &validation).await;
    let page = read_page(&server, &path).await;
    let link = format!("{path}/files/{id}");
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    let shown = server.call("GET", &link).anonymous().send().await;
    assert_eq!((shown.status.as_u16(), shown.text.as_bytes()), (200, PDF));
    // A file of one validation is none of another's.
    let other = json!({ "name": "E", "start_on": "2026-05-01", "template": "p", "person_ref": "cleo" });
    let other = create(&server, "/v1/plans", other).await;
    let other = create(&server, &format!("{other}/validations"), json!({ "milestone_key": "m" })).await;
    server.get(&format!("{other}/files/{id}")).await.problem(404, "not_found");
    server.call("DELETE", &format!("{other}/files/{id}")).send().await.problem(404, "not_found");
    server.call("DELETE", &file).send().await.expect(204);
    server.get(&file).await.problem(404, "not_found");
    server.post(&format!("{validation}/withdraw"), json!({})).await.expect(200);
    added(&server, &validation, "application/pdf", PDF).await.problem(409, "conflict");
    let person = server.get(&plan).await.expect(200)["person_id"].clone();
    let erase = format!("/v1/people/{}/erase", person.as_str().expect("an id"));
    server.call("POST", &erase).header("If-Match", "*").send().await.expect(200);
    server.get(&format!("{validation}/files")).await.problem(404, "not_found");
}

async fn read_page(server: &Server, path: &str) -> String {
    read(server, path, "text/html").await.text
}

async fn files_are_what_they_contain(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, validation) = submitted(&server).await;
    let picture = added(&server, &validation, "image/png", PICTURE).await.expect(201);
    assert_eq!(picture["media_type"], "image/jpeg", "whatever its sender says");
    let script = added(&server, &validation, "image/png", b"<svg><script>alert(1)</script></svg>").await.expect(201);
    assert_eq!(script["media_type"], "text/plain");
    for (bytes, code) in [
        (&b""[..], "empty_file"),
        (b"MZ\x00\x01", "not_evidence"),
        (b"%PDF-1.7 cut", "not_evidence"),
        (&PICTURE[..40], "not_an_image"),
        (b"\x89PNG\r\n\x1a\n<script>", "not_an_image"),
    ] {
        let refused = added(&server, &validation, "application/pdf", bytes).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[("", code)]), "{bytes:?}");
    }
    added(&server, &validation, "application/pdf", &vec![b' '; 6 * 1024 * 1024]).await.problem(413, "body_too_large");
    for _ in 2..20 {
        added(&server, &validation, "application/pdf", PDF).await.expect(201);
    }
    let refused = added(&server, &validation, "application/pdf", PDF).await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("", "too_many_files")]));
}
