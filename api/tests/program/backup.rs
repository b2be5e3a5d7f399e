//! Backups under load, restored and compared, and files that are their owner's alone.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::serving::{Serving, admin_key, run, text};

/// Every customer's reference, by page.
fn customers(server: &Serving, key: &str) -> Vec<String> {
    let (mut found, mut cursor) = (vec![], String::new());
    loop {
        let (status, page) = server.call("GET", &format!("/v1/customers?limit=200{cursor}"), key, None);
        assert_eq!(status, 200, "{page}");
        let references = page["data"].as_array().expect("a page").iter();
        found.extend(references.map(|one| one["external_ref"].as_str().expect("a reference").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

fn create(server: &Serving, key: &str, reference: &str) {
    let customer = json!({ "name": reference, "external_ref": reference });
    let (status, answer) = server.call("POST", "/v1/customers", key, Some(customer));
    assert_eq!(status, 201, "{answer}");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn a_backup_under_load_has_everything_acknowledged_before_it() {
    let (data, elsewhere, restored) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let (data, elsewhere, restored) =
        (data.expect("a directory"), elsewhere.expect("a directory"), restored.expect("a directory"));
    let key = admin_key(data.path(), "Northwind");
    let server = Serving::start(data.path(), &[]);
    for number in 0..50 {
        create(&server, &key, &format!("before-{number}"));
    }
    let backup = elsewhere.path().join("backup.db");
    let made = std::thread::scope(|scope| {
        let making = scope.spawn(|| run(data.path(), &["backup", path(&backup)]));
        for number in 0.. {
            create(&server, &key, &format!("during-{number}"));
            if making.is_finished() {
                break;
            }
        }
        making.join().expect("made")
    });
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("1 ledgers verified"), "{}", text(&made.stdout));
    create(&server, &key, "after");
    let mode = std::fs::metadata(&backup).expect("the backup").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a backup is its owner's");

    // A directory in use, or with a database, is left alone.
    let refused = run(data.path(), &["restore", path(&backup), "--replace"]);
    assert!(text(&refused.stderr).contains("another server is using"), "{}", text(&refused.stderr));
    let done = run(restored.path(), &["restore", path(&backup)]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let again = run(restored.path(), &["restore", path(&backup)]);
    assert!(text(&again.stderr).contains("has a database"), "{}", text(&again.stderr));

    let copy = Serving::start(restored.path(), &[]);
    let found = customers(&copy, &key);
    let all = customers(&server, &key);
    let before = found.iter().filter(|reference| reference.starts_with("before-")).count();
    assert_eq!(before, 50, "everything acknowledged before the backup began");
    assert!(!found.contains(&"after".to_owned()) && found.iter().all(|reference| all.contains(reference)));
    create(&copy, &key, "a restored server writes");
    let (_, verified) = copy.call("GET", "/v1/ledger/verification?deep=true", &key, None);
    assert_eq!(verified["intact"], true, "{verified}");
    copy.stop();

    // A log whose file was moved away is not replayed into the restored file.
    let (moved, log) = (restored.path().join("moved.db"), restored.path().join("milepost.db-wal"));
    std::fs::rename(restored.path().join("milepost.db"), &moved).expect("moved");
    std::fs::copy(data.path().join("milepost.db-wal"), &log).expect("a log of another history");
    let refused = run(restored.path(), &["restore", path(&backup)]);
    assert!(text(&refused.stderr).contains("has a database"), "{}", text(&refused.stderr));
    let done = run(restored.path(), &["restore", path(&backup), "--replace"]);
    assert!(done.status.success() && !log.exists(), "{}", text(&done.stderr));

    // What was there is kept; a backup that is not whole is refused.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let replaced = run(restored.path(), &["restore", path(&backup), "--replace"]);
    let told = text(&replaced.stdout);
    let kept = told.split("is kept in ").nth(1).expect("where it is kept").trim();
    assert!(run(Path::new(kept), &["ledger", "verify"]).status.success(), "what is kept is a data directory");
    let mut bytes = std::fs::read(&backup).expect("the backup");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&backup, bytes).expect("damaged");
    let damaged = run(restored.path(), &["restore", path(&backup), "--replace"]);
    assert!(text(&damaged.stderr).contains("checksum"), "{}", text(&damaged.stderr));
    assert!(!run(data.path(), &["backup", "--check", path(&backup)]).status.success());
}

#[test]
fn what_a_server_writes_is_its_owners_alone() {
    let data = tempfile::tempdir().expect("a directory");
    let directory = data.path().join("data");
    let key = admin_key(&directory, "Northwind");
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    // Somebody opened them in the meantime.
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).expect("opened");
    std::fs::set_permissions(directory.join("milepost.db"), std::fs::Permissions::from_mode(0o644)).expect("opened");
    let server = Serving::start(&directory, &[]);
    create(&server, &key, "A");
    assert_eq!(mode(&directory), 0o700);
    for entry in std::fs::read_dir(&directory).expect("files") {
        let file = entry.expect("a file").path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
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
