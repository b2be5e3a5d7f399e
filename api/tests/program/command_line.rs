//! The program itself: its output, its error messages, and the durability of its data.

use std::io::BufRead;

use serde_json::{Value, json};

use crate::serving::{Serving, call, run, text};

#[test]
fn a_headless_start_to_finish() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    assert!(run(directory, &["migrate"]).status.success());
    let made = run(directory, &["key", "create", "--organization", "Northwind", "--scopes", "admin"]);
    let key = text(&made.stdout).trim().to_owned();
    assert!(
        made.status.success() && key.starts_with("mp_") && text(&made.stdout).lines().count() == 1,
        "only the key: {}",
        text(&made.stdout)
    );

    let serving = Serving::start(directory, &[]);
    let customers = format!("{}/v1/customers", serving.url);
    assert_eq!(call("POST", &customers, &key, Some(json!({ "name": "A" }))).0, 201);
    let second = run(directory, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        !second.status.success() && text(&second.stderr).contains("another server is using"),
        "{}",
        text(&second.stderr)
    );
    let reader = run(directory, &["key", "create", "--organization", "Northwind", "--scopes", "customers:read"]);
    let reader = text(&reader.stdout).trim().to_owned();
    assert_eq!(call("GET", &customers, &reader, None).0, 200, "a key made beside a running server works at once");
    assert_eq!(call("POST", &customers, &reader, Some(json!({ "name": "B" }))).0, 403);
    serving.stop();

    let again = Serving::start(directory, &[]);
    let (status, list) = call("GET", &format!("{}/v1/customers", again.url), &key, None);
    assert_eq!((status, &list["data"][0]["name"]), (200, &json!("A")), "stopping and starting keeps everything");
    again.stop();
    let verified = run(directory, &["ledger", "verify"]);
    assert!(verified.status.success() && text(&verified.stdout).contains("intact"), "{}", text(&verified.stdout));
    let rotated = run(directory, &["signing-key", "rotate"]);
    assert!(rotated.status.success() && !rotated.stdout.is_empty());
}

#[test]
fn the_first_start_with_the_demo() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut serving = Serving::start(directory.path(), &["--demo"]);
    let mut printed = String::new();
    while !printed.contains("/docs") {
        assert_ne!(serving.out.read_line(&mut printed).expect("its output"), 0, "it ended: {printed}");
    }
    let key = printed.lines().find(|line| line.starts_with("mp_")).expect("the key").to_owned();
    let commands: Vec<&str> = printed.lines().filter(|line| line.contains("curl")).collect();
    assert_eq!(commands.len(), 5, "{printed}");
    let asked = |part: &str| {
        let path = commands.iter().find_map(|line| Some(line.split('\'').find(|word| word.contains(part))?.to_owned()));
        call("GET", &path.expect("a command"), &key, None)
    };
    let (status, value) = asked("/earned-value");
    assert_eq!((status, &value["spi"]), (200, &json!(15.0 / 26.0)));
    let (status, value) = asked("/proofs");
    assert_eq!((status, &value["proofs"][2]["proved_on"]), (200, &json!("2017-06-22")), "the hundredth commit");
    assert_eq!(asked("/v1/badges/").0, 200);
    serving.stop();
    let again = Serving::start(directory.path(), &["--demo"]);
    assert_eq!(call("GET", &format!("{}/v1/plans", again.url), &key, None).0, 200);
    assert!(!again.stop().contains("mp_"), "the second start makes no key and loads nothing");
}

#[test]
fn mistakes_are_told() {
    let directory = tempfile::tempdir().expect("a directory");
    for (arguments, expected) in [
        (vec!["key", "create", "--organization", "A", "--scopes", "everything"], "everything"),
        (vec!["key", "create", "--organization", " ", "--scopes", "admin"], "must not be blank"),
        (vec!["serve", "--listen", "nowhere"], "nowhere"),
        (vec!["serve", "--oidc-issuer", "https://id.example.com"], "--oidc-audience"),
        (vec!["ledger", "verify"], "there is no database in"),
        (vec!["demo", "--url", "http://127.0.0.1:1", "--key", "mp_x"], "127.0.0.1:1"),
    ] {
        let output = run(directory.path(), &arguments);
        assert!(
            !output.status.success() && text(&output.stderr).contains(expected),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
    crate::serving::admin_key(directory.path(), "Northwind");
    let unknown = run(directory.path(), &["ledger", "verify", "--organization", "Nobody"]);
    assert!(text(&unknown.stderr).contains("no organization named 'Nobody'"), "{}", text(&unknown.stderr));
}

/// Number of times that the test below kills the server. For more: `MILEPOST_KILLS=50 cargo test -p milepost-api --test
/// program killed`.
const KILLS: usize = 3;

/// The server is repeatedly killed without warning while events arrive, and started again. Every acknowledged event is
/// stored exactly once.
#[test]
fn killed_under_load_it_loses_nothing_it_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = run(directory.path(), &["key", "create", "--organization", "Demo", "--scopes", "admin"]);
    let key = text(&made.stdout).trim().to_owned();
    let kills = std::env::var("MILEPOST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut acknowledged: Vec<String> = vec![];
    for round in 0..kills {
        let mut server = Serving::start(directory.path(), &["--rate-limit-per-minute", "100000000"]);
        // The time runs once something was acknowledged: on a busy machine, a client may take longer than that to begin.
        let has_begun = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let (url, key, has_begun) = (server.url.clone(), key.clone(), has_begun.clone());
                std::thread::spawn(move || send_until_it_dies(&url, &key, &format!("{round}-{sender}"), &has_begun))
            })
            .collect();
        for _ in 0..6_000 {
            if has_begun.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(200 + 37 * (round as u64 % 7)));
        server.child.kill().expect("killed");
        server.child.wait().expect("dead");
        for sender in senders {
            acknowledged.extend(sender.join().expect("a sender"));
        }
    }
    assert!(acknowledged.len() > 10 * kills, "there was load: {}", acknowledged.len());
    let server = Serving::start(directory.path(), &["--rate-limit-per-minute", "100000000"]);
    let mut stored: Vec<String> = vec![];
    let mut path = format!("{}/v1/events?limit=200", server.url);
    loop {
        let (status, page) = call("GET", &path, &key, None);
        assert_eq!(status, 200, "{page}");
        let ids = page["data"].as_array().expect("events").iter();
        stored.extend(ids.map(|event| event["id"].as_str().expect("an id").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}/v1/events?limit=200&cursor={cursor}", server.url);
    }
    let unique: std::collections::HashSet<&String> = stored.iter().collect();
    assert_eq!(unique.len(), stored.len(), "none is there twice");
    let lost = acknowledged.iter().filter(|id| !unique.contains(id)).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
    eprintln!("{kills} kills, {} acknowledged, {} stored, none lost, none doubled", acknowledged.len(), stored.len());
}

/// Sends events in small batches until the server no longer responds; returns the identifiers of the acknowledged
/// events.
fn send_until_it_dies(url: &str, key: &str, name: &str, has_begun: &std::sync::atomic::AtomicBool) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (http, mut acknowledged) = (reqwest::Client::new(), vec![]);
        for batch in 0.. {
            let ids: Vec<String> = (0..10).map(|n| format!("{name}-{batch}-{n}")).collect();
            let event = |id: &String| json!({ "id": id, "source": "load", "type": "t", "subject": "nobody" });
            let events: Vec<Value> = ids.iter().map(event).collect();
            let sent = http.post(format!("{url}/v1/events?results=errors")).bearer_auth(key).json(&events).send().await;
            match sent {
                Ok(answer) if answer.status() == 200 => {
                    has_begun.store(true, std::sync::atomic::Ordering::Relaxed);
                    acknowledged.extend(ids);
                }
                _ => break,
            }
        }
        acknowledged
    })
}

#[test]
fn logs_name_routes_and_no_tokens() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = crate::serving::admin_key(directory.path(), "Northwind");
    let log = directory.path().join("log");
    let file = std::fs::File::create(&log).expect("a log");
    let server = Serving::start_with(directory.path(), &[], |command| {
        command.env("MILEPOST_LOG", "info").stderr(file);
    });
    let plan = json!({ "name": "P", "start_on": "2026-05-04", "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-05" }] });
    let (status, plan) = server.call("POST", "/v1/plans", &key, Some(plan));
    assert_eq!(status, 201, "{plan}");
    let links = format!("/v1/plans/{}/share-links", plan["id"].as_str().expect("an id"));
    let (_, link) = server.call("POST", &links, &key, Some(json!({ "name": "L" })));
    let path = link["path"].as_str().expect("a path");
    assert_eq!(server.call("GET", path, "", None).0, 200);
    assert_eq!(server.call("GET", &format!("{path}x"), "", None).0, 404);
    server.stop();
    let lines = std::fs::read_to_string(&log).expect("the log");
    assert!(lines.contains("/share/{token}") && lines.contains("/v1/plans/{id}/share-links"), "{lines}");
    for secret in [path, &path[..20], &key, &key[..20]] {
        assert!(!lines.contains(secret), "{secret} in {lines}");
    }
}
