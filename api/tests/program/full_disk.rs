//! A full disk: writes are refused and reads go on, and when there is room again nothing needs a restart.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::faults::Faults;
use crate::serving::{Serving, admin_key, call, run, text};

/// Starts a server under faults, with its log in a file.
fn start(directory: &Path, faults: &Faults, log: &Path) -> Serving {
    let log = std::fs::File::create(log).expect("a log");
    Serving::start_with(directory, &[], |command| {
        faults.apply(command);
        command.stderr(Stdio::from(log));
    })
}

fn event(number: usize) -> serde_json::Value {
    json!({ "specversion": "1.0", "id": format!("e-{number}"), "source": "crm", "type": "login", "subject": "crm-1",
            "time": "2026-05-04T12:00:00Z" })
}

#[test]
fn writes_are_refused_while_a_disk_is_full_and_go_on_afterwards() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = tempfile::tempdir().expect("a directory");
    let Some(faults) = Faults::prepare(outside.path()) else { return };
    let log = outside.path().join("log");
    let key = admin_key(directory.path(), "Northwind");
    let server = start(directory.path(), &faults, &log);
    let (status, made) =
        server.call("POST", "/v1/customers", &key, Some(json!({ "name": "A", "external_ref": "crm-1" })));
    assert_eq!(status, 201, "{made}");
    let customer = format!("/v1/customers/{}", made["id"].as_str().expect("an id"));

    for fault in [Faults::disk_is_full, Faults::sync_fails] {
        fault(&faults, true);
        for number in 0..20 {
            let (status, refused) = server.call("POST", "/v1/customers", &key, Some(json!({ "name": "B" })));
            assert_eq!((status, &refused["code"]), (503, &json!("storage_full")), "{refused}");
            let (status, refused) = server.call("POST", "/v1/events", &key, Some(event(number)));
            assert_eq!((status, &refused["code"]), (503, &json!("storage_full")), "{refused}");
            assert_eq!(server.call("GET", &customer, &key, None).0, 200, "reading goes on");
        }
        let (status, ready) = server.call("GET", "/readyz", "", None);
        assert_eq!((status, &ready["status"]), (200, &json!("read_only")));
        fault(&faults, false);

        let (status, made) = server.call("POST", "/v1/customers", &key, Some(json!({ "name": "C" })));
        assert_eq!(status, 201, "there is room again: {made}");
        assert_eq!(server.call("POST", "/v1/events", &key, Some(event(100))).0, 200, "for events too");
        assert_eq!(server.call("GET", "/readyz", "", None).1["status"], "ok");
    }
    let lines = std::fs::read_to_string(&log).expect("the log");
    let about = lines.lines().filter(|line| line.contains("\"failed\"")).count();
    assert_eq!(about, 1, "one line a minute:\n{lines}");

    // Room is noticed without a write, too.
    faults.disk_is_full(true);
    assert_eq!(server.call("POST", "/v1/customers", &key, Some(json!({ "name": "B" }))).0, 503);
    faults.disk_is_full(false);
    let until = Instant::now() + Duration::from_secs(60);
    while server.call("GET", "/readyz", "", None).1["status"] != "ok" {
        assert!(Instant::now() < until, "room is not noticed");
        std::thread::sleep(Duration::from_millis(200));
    }
    // What was refused left nothing, and what was acknowledged is there.
    let names = server.call("GET", "/v1/customers", &key, None).1;
    let names: Vec<_> = names["data"].as_array().expect("a page").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["A", "C", "C"]);
    server.stop();
    let verified = run(directory.path(), &["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
}

#[test]
fn a_log_that_cannot_be_written_fails_no_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = tempfile::tempdir().expect("a directory");
    let Some(faults) = Faults::prepare(outside.path()) else { return };
    let key = admin_key(directory.path(), "Northwind");
    let server = start(directory.path(), &faults, &outside.path().join("log"));
    faults.disk_is_full(true);
    faults.log_is_full(true);
    let (status, refused) = server.call("POST", "/v1/customers", &key, Some(json!({ "name": "B" })));
    assert_eq!((status, &refused["code"]), (503, &json!("storage_full")));
    assert_eq!(server.call("GET", "/v1/customers", &key, None).0, 200);
}

#[test]
fn a_start_on_a_full_disk_serves_reads() {
    let mounted = tempfile::tempdir().expect("a directory");
    let path = mounted.path().to_str().expect("a path");
    let mount = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "milepost", path]).output();
    if !mount.is_ok_and(|mounted| mounted.status.success()) {
        eprintln!("SKIPPED: a small disk needs the right to mount one");
        return;
    }
    let _unmount = Unmount(path.to_owned());
    let key = admin_key(mounted.path(), "Northwind");
    let server = Serving::start(mounted.path(), &[]);
    let url = server.url.clone();
    assert_eq!(call("POST", &format!("{url}/v1/customers"), &key, Some(json!({ "name": "A" }))).0, 201);
    server.stop();
    // The reserve is there from the first pruning on; here it is made as that job makes it.
    std::fs::write(mounted.path().join("milepost.reserve"), vec![0; 1024 * 1024]).expect("the reserve");
    let filler = std::fs::File::create(mounted.path().join("filler")).expect("a file");
    let mut size = 0;
    while std::os::unix::fs::FileExt::write_at(&filler, &[1; 4096], size).is_ok_and(|written| written > 0) {
        size += 4096;
    }
    let server = Serving::start(mounted.path(), &[]);
    let (status, page) = server.call("GET", "/v1/customers", &key, None);
    assert_eq!((status, &page["data"][0]["name"]), (200, &json!("A")), "{page}");
}

/// Unmounts on drop.
struct Unmount(String);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["-l", &self.0]).status();
    }
}
