//! Proof that needs something from outside the database: checkpoints kept elsewhere, and a key to the private keys.

use std::path::Path;

use serde_json::{Value, json};

use crate::serving::{Serving, admin_key, run, text};

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn create(server: &Serving, key: &str, name: &str) {
    let (status, answer) = server.call("POST", "/v1/customers", key, Some(json!({ "name": name })));
    assert_eq!(status, 201, "{answer}");
}

/// A ledger whose end was cut off, and an older file put back, are found by checkpoints that were kept elsewhere.
#[test]
fn checkpoints_kept_elsewhere_show_what_the_database_cannot() {
    let (data, elsewhere) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let (kept, keys, older) =
        (elsewhere.path().join("checkpoints"), elsewhere.path().join("keys.json"), elsewhere.path().join("older.db"));
    let key = admin_key(data.path(), "Northwind");
    let server = Serving::start(data.path(), &["--checkpoint-file", path(&kept)]);
    create(&server, &key, "A");
    let made = run(data.path(), &["backup", path(&older)]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    create(&server, &key, "B");
    assert_eq!(server.call("POST", "/v1/ledger/checkpoints", &key, Some(json!({}))).0, 201);
    let (_, published): (u16, Value) = server.call("GET", "/.well-known/jwks.json", "", None);
    std::fs::write(&keys, published.to_string()).expect("the keys");
    server.stop();
    let verify = |arguments: &[&str]| {
        let all = [&["ledger", "verify", "--checkpoints", path(&kept), "--keys", path(&keys)], arguments].concat();
        let done = run(data.path(), &all);
        (done.status.success(), text(&done.stdout) + &text(&done.stderr))
    };
    let (is_intact, told) = verify(&["--deep"]);
    assert!(is_intact && told.contains("2 checkpoints") && told.contains("rows verified, intact"), "{told}");
    let head = told.split("head ").nth(1).expect("the head").trim().to_owned();
    assert!(verify(&["--organization", "Northwind", "--expect", &head]).0);

    // A copy on a medium that cannot be written to is verified, and nothing is written.
    let copy = elsewhere.path().join("copy");
    std::fs::create_dir(&copy).expect("a directory");
    std::fs::copy(&older, copy.join("milepost.db")).expect("copied");
    let before = std::fs::read(copy.join("milepost.db")).expect("the copy");
    let verified = run(&copy, &["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    assert_eq!(std::fs::read(copy.join("milepost.db")).expect("the copy"), before);

    // The older file is put back, as somebody could who wants the last change never to have been.
    std::fs::remove_file(data.path().join("milepost.db")).expect("removed");
    let restored = run(data.path(), &["restore", path(&older)]);
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    assert!(run(data.path(), &["ledger", "verify"]).status.success(), "the file by itself is whole");
    let (is_intact, told) = verify(&[]);
    assert!(!is_intact && told.contains("older copy was put back"), "{told}");
    // Another history of the same length is a fork.
    let server = Serving::start(data.path(), &[]);
    create(&server, &key, "C");
    server.stop();
    let (is_intact, told) = verify(&[]);
    assert!(!is_intact && told.contains("history was rewritten"), "{told}");
    // Checkpoints that nobody has signed say nothing.
    std::fs::write(&kept, "eyJhbGciOiJFZERTQSJ9.e30.AAAA\n").expect("written");
    let (is_intact, told) = verify(&[]);
    assert!(!is_intact && told.contains("line 1 of the checkpoints is not signed"), "{told}");
}

#[test]
fn private_keys_are_encrypted_with_a_key_from_elsewhere() {
    let data = tempfile::tempdir().expect("a directory");
    let key = admin_key(data.path(), "Northwind");
    let stored = || {
        let log = std::fs::read(data.path().join("milepost.db-wal")).unwrap_or_default();
        [std::fs::read(data.path().join("milepost.db")).expect("the file"), log].concat()
    };
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let server = Serving::start(data.path(), &[]);
    assert_eq!(server.call("GET", "/livez", "", None).0, 200);
    server.stop();
    assert!(!has(&stored(), b"mp1:"), "without a key they are in the clear");
    let file = data.path().join("secret");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").expect("written");
    let server = Serving::start(data.path(), &["--secret-key-file", path(&file)]);
    assert_eq!(server.call("POST", "/v1/ledger/checkpoints", &key, Some(json!({}))).0, 201, "it signs");
    server.stop();
    assert!(has(&stored(), b"mp1:"));
    let locked = run(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(text(&locked.stderr).contains("signing keys are encrypted"), "{}", text(&locked.stderr));
    std::fs::write(&file, "another key of thirty-two letters").expect("written");
    let wrong = run(data.path(), &["serve", "--listen", "127.0.0.1:0", "--secret-key-file", path(&file)]);
    assert!(text(&wrong.stderr).contains("another secret key"), "{}", text(&wrong.stderr));
}
