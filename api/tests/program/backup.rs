//! Backups under load, restored and compared, and files that are their owner's alone.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

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

    // A server that was killed leaves its last changes in the log: they are kept with the database that is replaced.
    let killed = Serving::start(restored.path(), &[]);
    create(&killed, &key, "last words");
    killed.kill();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let replaced = text(&run(restored.path(), &["restore", path(&backup), "--replace"]).stdout);
    let kept = Path::new(replaced.split("is kept in ").nth(1).expect("where it is kept").trim());
    assert!(!kept.join("milepost.db-wal").exists(), "the log is written back");
    let kept = Serving::start(kept, &[]);
    assert!(customers(&kept, &key).contains(&"last words".to_owned()));
    drop(kept);

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
