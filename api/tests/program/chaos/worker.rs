//! A client of the simulation, with its model of what it may see.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::{ORGANIZATIONS, Outcome, World};

/// One client: the only one that changes its customer.
pub(super) struct Worker {
    world: Arc<World>,
    pub(super) organization: usize,
    name: String,
    random: Pcg64Mcg,
    http: reqwest::Client,
    /// Version and number of the customer as last seen, and the last number that was sent.
    version: i64,
    certain: u64,
    sent: u64,
    /// Numbers that were sent since, whose answers never came.
    open: Vec<u64>,
    /// Events and customers that were acknowledged.
    pub(super) events: Vec<String>,
    pub(super) created: Vec<String>,
    /// A creation whose answer never came, to be sent again with its key.
    pending: Option<String>,
    number: u64,
}

/// Numbers clients, so that their picks of a replica differ.
static PICKS: AtomicUsize = AtomicUsize::new(0);

impl Worker {
    pub(super) fn new(world: Arc<World>, organization: usize, number: u64, seed: u64) -> Self {
        let name = format!("{}-{number}", ORGANIZATIONS[organization]);
        let random = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(31).wrapping_add(number * 7 + organization as u64));
        let http = reqwest::Client::builder().pool_max_idle_per_host(2).build().expect("a client");
        Self {
            world,
            organization,
            name,
            random,
            http,
            version: 0,
            certain: 0,
            sent: 0,
            open: vec![],
            events: vec![],
            created: vec![],
            pending: None,
            number: 0,
        }
    }

    pub(super) async fn work(mut self, until: Instant) -> Self {
        while Instant::now() < until {
            match self.random.random_range(0..12) {
                0..4 => self.change().await,
                4..7 => self.look().await,
                7..9 => self.report_event().await,
                9 => self.create().await,
                10 => self.list().await,
                _ => self.note_head().await,
            }
        }
        self
    }

    fn request(&self, method: &str, path: &str) -> Option<reqwest::RequestBuilder> {
        let url = self.world.url(PICKS.fetch_add(1, Ordering::Relaxed))?;
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        Some(self.http.request(method, format!("{url}{path}")).bearer_auth(&self.world.keys[self.organization]))
    }

    /// Most requests are waited for; some are given up after a moment.
    fn patience(&mut self) -> Duration {
        if self.random.random_range(0..5) == 0 {
            self.world.count("aborts");
            Duration::from_micros(self.random.random_range(100..8_000))
        } else {
            Duration::from_secs(20)
        }
    }

    async fn send(&mut self, request: Option<reqwest::RequestBuilder>) -> Outcome {
        self.world.count("requests");
        let patience = self.patience();
        self.world.clone().send(request, patience).await
    }

    fn own(&self) -> String {
        format!("/v1/customers/by-ref/{}", self.name)
    }

    /// Changes the customer, on the condition that it still is as last seen: an earlier change whose answer never came may be
    /// on its way, and takes effect before this one or not at all.
    async fn change(&mut self) {
        self.sent += 1;
        let body = json!({ "name": self.name, "owner_name": self.sent.to_string() });
        let condition = match self.version {
            0 => ("If-None-Match", "*".to_owned()),
            version => ("If-Match", format!("\"{version}\"")),
        };
        let request = self.request("PUT", &self.own());
        let request = request.map(|request| request.header(condition.0, condition.1).json(&body));
        match self.send(request).await {
            Outcome::Answer(200 | 201, body) => self.see(&body, Some(self.sent)),
            Outcome::Answer(412, body) => assert!(!self.open.is_empty(), "{} is changed by nobody: {body}", self.name),
            Outcome::Answer(503, _) | Outcome::Unknown => self.open.push(self.sent),
            Outcome::Answer(status, body) => panic!("{status}: {body}"),
        }
    }

    /// Compares what an answer shows with what is possible: the certain state, or the next one by a change that is open.
    fn see(&mut self, body: &Value, own: Option<u64>) {
        let version = body["version"].as_i64().expect("a version");
        let value: u64 = body["owner_name"].as_str().expect("a number").parse().expect("a number");
        let is_next = version == self.version + 1 && (own == Some(value) || self.open.contains(&value));
        let is_same = version == self.version && value == self.certain && own.is_none();
        assert!(
            is_next || is_same,
            "{} shows {value} in version {version}, after {} in version {} with {:?} open",
            self.name,
            self.certain,
            self.version,
            self.open
        );
        if is_next {
            (self.version, self.certain) = (version, value);
            self.open.clear();
        }
    }

    async fn look(&mut self) {
        let request = self.request("GET", &self.own());
        match self.send(request).await {
            Outcome::Answer(200, body) => self.see(&body, None),
            Outcome::Answer(404, _) => assert_eq!(self.version, 0, "{} has vanished", self.name),
            Outcome::Answer(503, _) | Outcome::Unknown => {}
            Outcome::Answer(status, body) => panic!("{status}: {body}"),
        }
    }

    async fn report_event(&mut self) {
        self.number += 1;
        let id = format!("{}-{}", self.name, self.number);
        let event =
            json!({ "id": id, "source": "chaos", "type": "t", "subject": self.name, "time": "2026-01-01T00:00:00Z" });
        let request = self.request("POST", "/v1/events").map(|request| request.json(&event));
        match self.send(request).await {
            Outcome::Answer(200, _) => self.events.push(id),
            Outcome::Answer(503, _) | Outcome::Unknown => {}
            Outcome::Answer(status, body) => panic!("{status}: {body}"),
        }
    }

    /// Creates a customer, with the same key until it is acknowledged.
    async fn create(&mut self) {
        self.number += 1;
        let name = self.pending.take().unwrap_or_else(|| format!("{}-new-{}", self.name, self.number));
        let request = self.request("POST", "/v1/customers");
        let request = request.map(|request| request.header("Idempotency-Key", &name).json(&json!({ "name": name })));
        match self.send(request).await {
            Outcome::Answer(201, _) => self.created.push(name),
            Outcome::Answer(503 | 409, _) | Outcome::Unknown => self.pending = Some(name),
            Outcome::Answer(status, body) => panic!("{status}: {body}"),
        }
    }

    async fn list(&mut self) {
        let request = self.request("GET", "/v1/customers?limit=50");
        if let Outcome::Answer(200, page) = self.send(request).await {
            for customer in page["data"].as_array().expect("a page") {
                let name = customer["name"].as_str().expect("a name");
                assert!(name.starts_with(ORGANIZATIONS[self.organization]), "{name} is of another organization");
            }
        }
    }

    /// Notes where the ledger stands, which it must have passed through for ever after.
    async fn note_head(&mut self) {
        let request = self.request("GET", "/v1/ledger/verification");
        if let Outcome::Answer(200, found) = self.send(request).await {
            assert_eq!(found["intact"], true, "{found}");
            let head = format!("{}:{}", found["head_sequence"], found["head_hash"].as_str().expect("a hash"));
            let mut heads = self.world.heads.lock().unwrap_or_else(PoisonError::into_inner);
            heads.push((self.organization, head));
        }
    }

    /// Without faults, what was left open comes to an end.
    pub(super) async fn settle(&mut self) {
        for _ in 0..50 {
            self.look().await;
            self.change().await;
            if self.pending.is_some() {
                self.create().await;
            }
            if self.certain == self.sent && self.pending.is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} does not settle: {} of {}, {:?}", self.name, self.certain, self.sent, self.pending);
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        for _ in 0..50 {
            let request = self.request("GET", path);
            match self.world.send(request, Duration::from_secs(60)).await {
                Outcome::Answer(200, body) => return body,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        panic!("{path} is not answered");
    }

    /// All items of a list.
    pub(super) async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (vec![], String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).await;
            items.extend(page["data"].as_array().expect("a page").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
