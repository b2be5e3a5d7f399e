//! Metrics of the server in Prometheus' text format, as served at `/metrics`. Each server has its own registry, so that
//! several servers in one process do not mix.

pub mod gauges;
pub mod seldom;

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus::core::Collector;
use prometheus::{
    CounterVec, Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use self::seldom::Seldom;

/// Metrics of a server, and the kinds of log lines that it writes seldom.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Held while gauges are set and read, so that two readers do not mix.
    rendering: Mutex<()>,
    requests: IntCounterVec,
    seconds: HistogramVec,
    /// Number of requests in progress.
    pub in_flight: IntGauge,
    /// Number of connections that sent something other than a request that can be read.
    pub malformed: IntCounterVec,
    /// Number of failed authentications.
    pub refused_credentials: IntCounter,
    jobs: Jobs,
    database: Database,
    /// Number of waiting requests, by what they wait for.
    waiting: IntGaugeVec,
    read_model_lag: IntGauge,
    storage_bytes: IntGaugeVec,
    storage_full: IntGauge,
    /// Lines about a database that is away or too slow.
    pub outages: Seldom,
    /// Lines about full storage.
    pub full_storage: Seldom,
    /// Lines about requests that cannot be read.
    pub malformed_lines: Seldom,
}

/// Metrics of the jobs.
#[derive(Debug)]
struct Jobs {
    succeeded_at: IntGaugeVec,
    failures: IntCounterVec,
}

/// Metrics of the connections to the database.
#[derive(Debug)]
struct Database {
    connections: IntGaugeVec,
    acquired: IntCounterVec,
    acquire_seconds: CounterVec,
}

impl Metrics {
    /// Creates metrics that start at zero.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let add = Adder(&registry);
        let seconds = HistogramOpts::new("milepost_http_request_seconds", "Time to answer a request, in seconds.")
            .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
        let build = add.gauges("milepost_build_info", "Version of the server.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let metrics = Self {
            requests: add.counters(
                "milepost_http_requests_total",
                "Requests answered.",
                &["method", "route", "status"],
            )?,
            seconds: add.own(HistogramVec::new(seconds, &["method", "route"])?)?,
            in_flight: add.gauge("milepost_http_requests_in_flight", "Number of requests in progress.")?,
            malformed: add.counters(
                "milepost_http_malformed_requests_total",
                "Requests that could not be read.",
                &["status"],
            )?,
            refused_credentials: add
                .own(IntCounter::new("milepost_refused_credentials_total", "Failed authentications.")?)?,
            jobs: Jobs {
                succeeded_at: add.gauges(
                    "milepost_job_last_success_timestamp_seconds",
                    "Time of the last successful run of a job, in seconds since 1970.",
                    &["job"],
                )?,
                failures: add.counters("milepost_job_failures_total", "Failed runs of a job.", &["job"])?,
            },
            database: Database {
                connections: add.gauges(
                    "milepost_database_connections",
                    "Connections to the database.",
                    &["pool", "state"],
                )?,
                acquired: add.counters(
                    "milepost_database_acquires_total",
                    "Connections taken from a pool.",
                    &["pool"],
                )?,
                acquire_seconds: add.seconds(
                    "milepost_database_acquire_seconds_total",
                    "Time spent waiting for connections, in seconds.",
                    &["pool"],
                )?,
            },
            waiting: add.gauges("milepost_waiting_requests", "Requests that wait, by what they wait for.", &["for"])?,
            read_model_lag: add.gauge(
                "milepost_read_model_lag_entries",
                "Ledger entries that the plans in memory have not followed yet, summed over organizations.",
            )?,
            storage_bytes: add.gauges("milepost_storage_bytes", "Sizes on the disk of the SQLite file.", &["of"])?,
            storage_full: add.gauge("milepost_storage_full", "Whether writes fail because storage is full.")?,
            outages: Seldom::default(),
            full_storage: Seldom::default(),
            malformed_lines: Seldom::default(),
            registry: registry.clone(),
            rendering: Mutex::default(),
        };
        Ok(metrics)
    }

    /// Counts a response under the pattern of its route. The path is not used, because it can take any number of
    /// values.
    pub fn record(&self, method: &str, route: &str, status: &str, took: Duration) {
        // A caller can send any method name.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = if known.contains(&method) { method } else { "OTHER" };
        self.requests.with_label_values(&[method, route, status]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// Notes how a run of a job ended.
    pub fn note_job(&self, job: &str, is_success: bool, now: DateTime<Utc>) {
        // Both series exist from the first run, so that an alert can compare them.
        let failures = self.jobs.failures.with_label_values(&[job]);
        if is_success {
            self.jobs.succeeded_at.with_label_values(&[job]).set(now.timestamp());
        } else {
            failures.inc();
        }
    }

    fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing into memory cannot fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

/// Creates metrics and registers them.
struct Adder<'a>(&'a Registry);

impl Adder<'_> {
    fn own<T: Collector + Clone + 'static>(&self, metric: T) -> prometheus::Result<T> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.own(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<CounterVec> {
        self.own(CounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.own(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.own(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }
}
