//! Sign-in by one-time codes, for organizations without an identity provider.

use std::sync::{Arc, Mutex};

use chrono::Duration;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::samples::create;

on_both_engines!(a_code_signs_in_once, a_code_is_one_line, codes_tell_nothing, a_mail_server_gets_the_message);

async fn ask(server: &Server, organization_id: &str, email: &str) -> Reply {
    let body = json!({ "organization_id": organization_id, "email": email });
    server.call("POST", "/v1/sign-in/codes").anonymous().json(body).send().await
}

async fn redeem(server: &Server, code: &str) -> Reply {
    server.call("POST", "/v1/sign-in/sessions").anonymous().json(json!({ "code": code })).send().await
}

/// The messages in the outbox once there are as many as expected, and no more come.
async fn outbox(server: &Server, expected: usize) -> Vec<String> {
    let directory = server.app.settings.storage.data_dir.join("outbox");
    let read = || -> Vec<String> {
        let files = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        files.map(|file| std::fs::read_to_string(file.path()).expect("a message")).collect()
    };
    for _ in 0..200 {
        if read().len() >= expected && expected > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(if expected > 0 { 20 } else { 2 })).await;
    }
    let found = read();
    assert_eq!(found.len(), expected);
    found
}

/// The code in a message, as it would be copied from it.
fn code_in(message: &str) -> String {
    let begin = message.find("mo_").expect("a code");
    message[begin..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

async fn a_code_signs_in_once(engine: Engine) {
    let server = Server::start(engine).await;
    let organization = server.organization_id.to_string();
    let draft = json!({ "name": "Ana Petrova", "kind": "employee", "email": "Ana@example.com" });
    let ana = create(&server, "/v1/people", draft).await;
    let answer = ask(&server, &organization, "ana@example.com").await.expect(202);
    assert_eq!(answer, json!({ "expires_in": 900 }));
    let messages = outbox(&server, 1).await;
    assert!(messages[0].contains("To: \"Ana Petrova\" <Ana@example.com>"), "the known address: {}", messages[0]);
    let code = code_in(&messages[0]);
    let session = redeem(&server, &code).await;
    assert_eq!(session.header("cache-control"), "no-store");
    let session = session.expect(200);
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let token = session["access_token"].as_str().expect("a token").to_owned();
    let me = server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
    assert_eq!(
        (&me["name"], &me["client_id"], &me["person"]["email_verified"]),
        (&json!("Ana Petrova"), &Value::Null, &json!(true))
    );
    let again = redeem(&server, &code).await;
    assert_eq!(again.problem(422, "validation_failed"), errors(&[("/code", "not_valid")]));
    let entries = server.get("/v1/ledger?action=person.signed_in").await.expect(200);
    assert_eq!(entries["data"].as_array().map(Vec::len), Some(1));
    assert!(!entries.to_string().contains(&code));
    // A session ends after an hour, and with the person.
    server.clock.advance(Duration::minutes(59));
    server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
    server.patch(&ana, json!({ "employment": "left" })).await.expect(200);
    server.call("GET", "/v1/me").bearer(&token).send().await.problem(403, "forbidden");
    server.patch(&ana, json!({ "employment": "active" })).await.expect(200);
    server.clock.advance(Duration::minutes(2));
    server.call("GET", "/v1/me").bearer(&token).send().await.problem(401, "unauthenticated");
    // A code ends after a quarter of an hour.
    ask(&server, &organization, "ana@example.com").await.expect(202);
    let first = code_in(&messages[0]);
    let second = outbox(&server, 2).await.iter().map(|text| code_in(text)).find(|code| *code != first).expect("a code");
    server.clock.advance(Duration::minutes(15));
    assert_eq!(redeem(&server, &second).await.problem(422, "validation_failed"), errors(&[("/code", "not_valid")]));
}

async fn a_code_is_one_line(engine: Engine) {
    let server = Server::start(engine).await;
    let draft = json!({ "name": "Zoë Ångström", "kind": "employee", "email": "zoe@example.com" });
    create(&server, "/v1/people", draft).await;
    ask(&server, &server.organization_id.to_string(), "zoe@example.com").await.expect(202);
    let message = outbox(&server, 1).await.remove(0);
    assert!(message.contains("Hello Zoë Ångström,\r\n"), "{message}");
    redeem(&server, &code_in(&message)).await.expect(200);
}

async fn codes_tell_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let organization = server.organization_id.to_string();
    for (name, email) in [("Ana", "ana@example.com"), ("Twin", "twin@example.com"), ("Twin", "twin@example.com")] {
        create(&server, "/v1/people", json!({ "name": name, "kind": "employee", "email": email })).await;
    }
    let gone = json!({ "name": "Zoe", "kind": "employee", "email": "zoe@example.com", "employment": "left" });
    create(&server, "/v1/people", gone).await;
    let nowhere = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    for (organization, email) in [
        (organization.as_str(), "nobody@example.com"),
        (organization.as_str(), "twin@example.com"),
        (organization.as_str(), "zoe@example.com"),
        (nowhere, "ana@example.com"),
    ] {
        assert_eq!(ask(&server, organization, email).await.expect(202), json!({ "expires_in": 900 }), "{email}");
    }
    outbox(&server, 0).await;
    for _ in 0..7 {
        ask(&server, &organization, "ana@example.com").await.expect(202);
    }
    outbox(&server, 5).await;
    for code in ["mo_", "", "mo_not_a_code"] {
        let refused = redeem(&server, code).await;
        assert!(refused.status == 422, "{code}: {}", refused.text);
    }
    let key = server.key_of("Northwind", &[Scope::Admin]).await;
    assert_eq!(redeem(&server, &key).await.problem(422, "validation_failed"), errors(&[("/code", "not_valid")]));
    let provider = json!({ "issuer": "https://login.example.com", "audience": "a" });
    create(&server, "/v1/identity-providers", provider).await;
    server.clock.advance(Duration::hours(2));
    ask(&server, &organization, "ana@example.com").await.expect(202);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    outbox(&server, 5).await;
}

/// A mail server that keeps what it is told and accepts everything (RFC 5321).
fn start_mail_server() -> (String, Arc<Mutex<String>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let said = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&said);
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let (stream, _) = listener.accept().await.expect("a client");
        let (read, mut write) = stream.into_split();
        write.write_all(b"220 mail\r\n").await.expect("said");
        let (mut lines, mut in_data) = (BufReader::new(read).lines(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            kept.lock().expect("a lock").extend([line.as_str(), "\n"]);
            let reply: &[u8] = match line.as_str() {
                "." => b"250 taken\r\n",
                _ if in_data => continue,
                "DATA" => b"354 go on\r\n",
                "QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            in_data = line == "DATA";
            write.write_all(reply).await.expect("said");
        }
    });
    (url, said)
}

async fn a_mail_server_gets_the_message(engine: Engine) {
    let (url, said) = start_mail_server();
    let server = Server::start_with(engine, |settings| {
        settings.mail.smtp_url = url.parse().ok();
        settings.mail.mail_from = "Portal <portal@example.com>".to_owned();
        settings.mail.sign_in_url = Some("https://portal.example/sign-in".to_owned());
    })
    .await;
    create(&server, "/v1/people", json!({ "name": "Ana", "kind": "employee", "email": "ana@example.com" })).await;
    ask(&server, &server.organization_id.to_string(), "ana@example.com").await.expect(202);
    let whole = || said.lock().expect("a lock").clone();
    for _ in 0..250 {
        if whole().contains("\n.\n") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let text = whole();
    for expected in [
        "MAIL FROM:<portal@example.com>",
        "RCPT TO:<ana@example.com>",
        "From: Portal <portal@example.com>",
        "https://portal.example/sign-in#code",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    redeem(&server, &code_in(&text.replace('\n', "\r\n"))).await.expect(200);
}
