//! A simulation of failures, as good databases have one, as far as it fits a program with real processes, disks and
//! databases: a seeded schedule of requests, aborts, kills, full disks, failed syncs and commits, lost connections and
//! clock jumps, checked against a model of what was acknowledged.
//!
//! What holds, whatever happens: what was acknowledged is there, once; a read is never older than what was acknowledged or read
//! before it, on whichever replica; nothing crosses organizations; no answer is a 500; the ledger verifies, through every
//! point that it was seen to have; recorded time never goes back; and when the faults end, everything works without help.
//!
//! `MILEPOST_CHAOS_SECONDS` and `MILEPOST_CHAOS_SEED` set duration and seed; `make chaos` runs it for an hour.

mod worker;

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;

use self::worker::Worker;
use crate::faults::Faults;
use crate::serving::{Serving, milepost, text};

/// Environment variable with the URL of a PostgreSQL server on which tests may create databases.
const POSTGRES: &str = "MILEPOST_TEST_POSTGRES_URL";
/// Organizations, and workers of each.
const ORGANIZATIONS: [&str; 2] = ["northwind", "contoso"];
const WORKERS: u64 = 4;
/// Duration in the suite, for each engine.
const SECONDS: u64 = 30;

#[test]
fn on_sqlite() {
    run(None);
}

#[test]
fn on_postgres() {
    match std::env::var(POSTGRES) {
        Ok(server) => run(Some(server)),
        Err(_) => assert!(std::env::var_os("CI").is_none(), "CI runs this on PostgreSQL too: {POSTGRES} is not set"),
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(server: Option<String>) {
    let seed = setting("MILEPOST_CHAOS_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 1_000_003);
    let seconds = setting("MILEPOST_CHAOS_SECONDS").unwrap_or(SECONDS);
    // Shown when the test fails.
    eprintln!("MILEPOST_CHAOS_SEED={seed}");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let Some(world) = World::start(server).await else { return };
        world.live(seed, Duration::from_secs(seconds)).await;
    });
}

/// Servers on one database, with their faults.
struct World {
    directory: TempDir,
    faults: Faults,
    database: Option<(String, PgPool)>,
    /// One server on SQLite, two replicas on PostgreSQL. Absent while it is being started again.
    servers: Mutex<Vec<Option<Serving>>>,
    keys: [String; 2],
    /// What was done, by name.
    counts: Mutex<HashMap<&'static str, usize>>,
    heads: Mutex<Vec<(usize, String)>>,
}

/// What a request came to.
enum Outcome {
    /// An answer.
    Answer(u16, Value),
    /// None: whether it took effect is unknown.
    Unknown,
}

impl World {
    async fn start(server: Option<String>) -> Option<Arc<Self>> {
        let directory = tempfile::tempdir().expect("a directory");
        let faults = Faults::prepare(directory.path())?;
        let database = match server {
            Some(server) => Some(new_database(&server).await),
            None => None,
        };
        let mut world = Self {
            faults,
            servers: Mutex::default(),
            keys: [String::new(), String::new()],
            counts: Mutex::default(),
            heads: Mutex::default(),
            directory,
            database,
        };
        for (at, organization) in ORGANIZATIONS.iter().enumerate() {
            let mut command = world.command(&["key", "create", "--organization", organization, "--scopes", "admin"]);
            let made = command.output().expect("it runs");
            assert!(made.status.success(), "{}", text(&made.stderr));
            world.keys[at] = text(&made.stdout).trim().to_owned();
        }
        let replicas = if world.database.is_some() { 2 } else { 1 };
        let servers = (0..replicas).map(|_| Some(world.serve())).collect();
        *world.servers.lock().unwrap_or_else(PoisonError::into_inner) = servers;
        if let Some((_, pool)) = &world.database {
            sqlx::raw_sql(FAILING_COMMITS).execute(pool).await.expect("a trigger");
        }
        Some(Arc::new(world))
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = milepost(&self.data(), arguments);
        if let Some((url, _)) = &self.database {
            command.args(["--database-url", url]);
        }
        command
    }

    fn serve(&self) -> Serving {
        let mut arguments = vec!["--rate-limit-per-minute", "100000000"];
        if let Some((url, _)) = &self.database {
            arguments.extend(["--database-url", url]);
        }
        Serving::start_with(&self.data(), &arguments, |command| {
            self.faults.apply(command);
            command.stderr(Stdio::null());
        })
    }

    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// The URL of a server that is up, if one is.
    fn url(&self, pick: usize) -> Option<String> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers[pick % servers.len()].as_ref().map(|server| server.url.clone())
    }

    async fn live(self: &Arc<Self>, seed: u64, duration: Duration) {
        let until = Instant::now() + duration;
        let mut workers = vec![];
        for organization in 0..ORGANIZATIONS.len() {
            for number in 0..WORKERS {
                let worker = Worker::new(Arc::clone(self), organization, number, seed);
                workers.push(tokio::spawn(worker.work(until)));
            }
        }
        let faults = self.make_faults(Pcg64Mcg::seed_from_u64(seed ^ 0xfa17), until);
        // A worker that finds something wrong ends the run at once.
        let (mut done, mut broken) = (vec![], None);
        let ((), ()) = tokio::join!(faults, async {
            for worker in workers {
                match worker.await {
                    Ok(worker) => done.push(worker),
                    Err(error) => broken = Some(error),
                }
            }
        });
        if let Some(error) = broken {
            std::panic::resume_unwind(error.into_panic());
        }
        self.check(done).await;
    }

    /// Makes one fault after another.
    async fn make_faults(self: &Arc<Self>, mut random: Pcg64Mcg, until: Instant) {
        while Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(random.random_range(50..500))).await;
            let lasting = Duration::from_millis(random.random_range(20..400));
            let pick = random.random_range(0..2);
            match (random.random_range(0..6), &self.database) {
                (0, _) => self.kill_and_start(pick).await,
                (1, _) => {
                    self.count("clock jumps");
                    self.faults.clock_offset(random.random_range(-10_800..10_800));
                }
                (2 | 3, None) => {
                    self.count("full disks");
                    self.faults.disk_is_full(true);
                    tokio::time::sleep(lasting).await;
                    self.faults.disk_is_full(false);
                }
                (_, None) => {
                    self.count("failing syncs");
                    self.faults.sync_fails(true);
                    tokio::time::sleep(lasting).await;
                    self.faults.sync_fails(false);
                }
                (2 | 3, Some((_, pool))) => {
                    self.count("lost connections");
                    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                               WHERE datname = current_database() AND pid <> pg_backend_pid()";
                    sqlx::query(sql).execute(pool).await.expect("terminated");
                }
                (_, Some((_, pool))) => {
                    self.count("failing commits");
                    sqlx::query("UPDATE chaos SET commits_fail = TRUE").execute(pool).await.expect("switched");
                    tokio::time::sleep(lasting).await;
                    sqlx::query("UPDATE chaos SET commits_fail = FALSE").execute(pool).await.expect("switched");
                }
            }
        }
        self.faults.clock_offset(0);
    }

    async fn kill_and_start(self: &Arc<Self>, pick: usize) {
        self.count("kills");
        let at = {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            let at = pick % servers.len();
            if let Some(server) = servers[at].take() {
                server.kill();
            }
            at
        };
        let world = Arc::clone(self);
        let started = tokio::task::spawn_blocking(move || world.serve()).await.expect("started");
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(started);
    }

    async fn send(&self, request: Option<reqwest::RequestBuilder>, patience: Duration) -> Outcome {
        let Some(request) = request else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Outcome::Unknown;
        };
        let Ok(answer) = request.timeout(patience).send().await else { return Outcome::Unknown };
        let status = answer.status().as_u16();
        match answer.json().await {
            Ok(body) => {
                assert_ne!(status, 500, "an answer is never a 500: {body}");
                Outcome::Answer(status, body)
            }
            Err(_) => Outcome::Unknown,
        }
    }

    /// When all is over, everything acknowledged is there, and everything works.
    async fn check(&self, mut workers: Vec<Worker>) {
        for worker in &mut workers {
            worker.settle().await;
        }
        for organization in 0..ORGANIZATIONS.len() {
            let own = || workers.iter().filter(|worker| worker.organization == organization);
            let sent = own().next().expect("a worker");
            let mut events: HashMap<String, usize> = HashMap::new();
            for event in sent.all("/v1/events?limit=200").await {
                *events.entry(event["id"].as_str().expect("an id").to_owned()).or_default() += 1;
            }
            assert!(events.values().all(|times| *times == 1), "an event is there twice");
            let mut names: HashMap<String, usize> = HashMap::new();
            for customer in sent.all("/v1/customers?limit=200").await {
                *names.entry(customer["name"].as_str().expect("a name").to_owned()).or_default() += 1;
            }
            for worker in own() {
                let lost = worker.events.iter().filter(|id| !events.contains_key(*id)).count();
                assert_eq!(lost, 0, "of {} acknowledged events", worker.events.len());
                for name in &worker.created {
                    assert_eq!(names.get(name), Some(&1), "{name} was acknowledged once");
                }
            }
            let entries = sent.all("/v1/ledger?limit=200").await;
            let times: Vec<_> = entries.iter().map(|entry| instant(&entry["recorded_at"])).collect();
            assert!(times.is_sorted(), "recorded time never goes back");
            let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut seen = heads.iter().filter(|(of, _)| *of == organization);
            let expected = seen.next_back().map(|(_, head)| format!("&expect={head}")).unwrap_or_default();
            let verified = sent.get(&format!("/v1/ledger/verification?deep=true{expected}")).await;
            assert_eq!(verified["intact"], true, "{verified}");
        }
        if let Some((_, pool)) = &self.database {
            let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND state LIKE 'idle in transaction%'";
            let open: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.expect("the sessions");
            assert_eq!(open, 0, "sessions that stay in a transaction");
        }
        let mut counts: Vec<_> =
            self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone().into_iter().collect();
        counts.sort_unstable();
        eprintln!("{counts:?}");
    }
}

fn instant(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    let text = value.as_str().expect("an instant");
    chrono::DateTime::parse_from_rfc3339(text).expect("an instant")
}

/// A switch that lets every commit of a change of customers or events fail.
const FAILING_COMMITS: &str = "
    CREATE TABLE chaos (commits_fail BOOLEAN NOT NULL);
    INSERT INTO chaos VALUES (FALSE);
    CREATE FUNCTION fail_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT commits_fail FROM chaos) THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER failing_customers AFTER INSERT OR UPDATE ON customers DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail_commit();
    CREATE CONSTRAINT TRIGGER failing_events AFTER INSERT ON usage_events DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail_commit();";

async fn new_database(server: &str) -> (String, PgPool) {
    let name = format!("chaos{}", std::process::id());
    let admin = PgPool::connect(server).await.expect("the server");
    let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&admin).await.expect("a database");
    admin.close().await;
    let url = server.replacen("/postgres", &format!("/{name}"), 1);
    let pool = PgPool::connect_lazy(&url).expect("a pool");
    (url, pool)
}
