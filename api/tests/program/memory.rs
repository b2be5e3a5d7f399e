//! Memory of the program: no request takes much of it.

use crate::serving::{Serving, admin_key};

/// The most memory that a process has had since it was last asked, in bytes; none where the system does not tell.
fn peak(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").ok()?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? * 1024)
}

/// Bodies of the largest size that multiply when they are read. Commas alone once took two gibibytes.
#[test]
fn the_largest_bodies_take_little_memory() {
    const LARGEST: usize = 2 * 1024 * 1024;
    const MOST_MEMORY: usize = 400 * 1024 * 1024;
    let directory = tempfile::tempdir().expect("a directory");
    let key = admin_key(directory.path(), "Northwind");
    let server = Serving::start(directory.path(), &[]);
    let import = "/v1/plans/import?name=P&start_on=2026-05-04";
    let lists = format!("{{\"items\":[{}0]}}", "[],".repeat((LARGEST - 32) / 3));
    let objects = format!("{{\"milestones\":[{}0]}}", "{},".repeat((LARGEST - 32) / 3));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (path, media_type, body) in [
        (import, "text/csv", ",".repeat(LARGEST)),
        (import, "text/csv", "a,b\n".repeat(LARGEST / 4)),
        ("/v1/customers/bulk", "application/json", lists),
        ("/v1/plans", "application/json", objects),
        ("/v1/plans", "application/json", "[".repeat(LARGEST)),
        ("/v1/plans", "application/json", format!("{{\"{}\":0}}", "n".repeat(LARGEST - 16))),
    ] {
        let before = peak(server.child.id());
        let (status, answer) = runtime.block_on(async {
            let request = reqwest::Client::new().post(format!("{}{path}", server.url)).bearer_auth(&key);
            let answer = request.header("content-type", media_type).body(body).send().await.expect("an answer");
            (answer.status().as_u16(), answer.bytes().await.expect("a body"))
        });
        assert!((400..500).contains(&status) && answer.len() < 64 * 1024, "{path}: {status}, {} bytes", answer.len());
        if let (Some(_), Some(after)) = (before, peak(server.child.id())) {
            assert!(after < MOST_MEMORY, "{path}: {} MiB", after >> 20);
        }
    }
}
